"""What the list of applications shows, for the law of query counts."""

from incubator.models import Organisation
from tests.factories import fill, list_page, make, makes
from tests.factories.reviews import make_application, make_review_call
from tests.personas import person


@list_page("applications:list", persona="founder")
def applications_of_a_founder(count: int) -> None:
    organisation = Organisation.objects.get(memberships__user=person("founder"))
    call = make_review_call()
    for _number in range(count):
        make_application(call, organisation=organisation, begin=False)


@makes("funding.LetterTemplate")
def letter_template(**values):
    values.setdefault("call", make("funding.Call"))
    return fill("funding.LetterTemplate", **values)
