"""The factories by which the laws reach every model that cannot be filled field by field."""

from incubator.models import LiaisonClaim
from tests.factories import fill, makes
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
    return make_liaison(values.pop("user", None) or make_user(), make_university(), **values)


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
