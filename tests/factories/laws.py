"""The factories by which the laws reach every model that cannot be filled field by field."""

from incubator.models import LiaisonClaim
from tests.factories import fill, make, makes
from tests.factories.core import make_user
from tests.factories.incubator import (
    make_faculty,
    make_liaison,
    make_organisation,
    make_project,
    make_university,
)

makes("core.User")(make_user)
makes("incubator.Organisation")(make_organisation)
makes("incubator.Faculty")(make_faculty)
makes("incubator.ResearchProject")(make_project)


@makes("incubator.Liaison")
def liaison(**values):
    university = values.pop("organisation", None) or make_university()
    return make_liaison(values.pop("user", None) or make_user(), university, **values)


@makes("incubator.LiaisonClaim")
def liaison_claim(**values):
    university = values.pop("organisation", None) or make_university()
    number = LiaisonClaim.objects.count() + 1
    return LiaisonClaim.objects.create(organisation=university, **{"value": f"office-{number}", **values})


@makes("funding.Application")
def application(**values):
    if values.setdefault("kind", "organisation") == "organisation":
        values.setdefault("organisation", make_organisation())
    return fill("funding.Application", **values)


def of_a_question(label):
    """Register the factory of what is given in answer to a question: of the call that is applied to."""

    @makes(label)
    def answer(**values):
        application = values.pop("application", None) or make("funding.Application")
        if "question" not in values:
            values["question"] = make("funding.CallQuestion", call=application.call)
        return fill(label, application=application, **values)


of_a_question("funding.Answer")
of_a_question("funding.AnswerFile")


@makes("funding.Return")
def returned(**values):
    application = values.pop("application", None) or make("funding.Application")
    if "version" not in values:
        values["version"] = make("funding.Version", application=application)
    return fill("funding.Return", application=application, **values)


@makes("funding.ReturnItem")
def return_item(**values):
    returned = values.pop("returned", None) or make("funding.Return")
    if "question" not in values:
        values["question"] = make("funding.CallQuestion", call=returned.application.call)
    return fill("funding.ReturnItem", returned=returned, **values)


@makes("funding.Score")
def score(**values):
    review = values.pop("review", None) or make("funding.Review")
    values.setdefault("criterion", review.run.stage.criteria.first())
    return fill("funding.Score", review=review, **values)
