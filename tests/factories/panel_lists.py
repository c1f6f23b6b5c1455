"""How the list of panel meetings is filled."""

from tests.factories import list_page
from tests.factories.panels import make_meeting
from tests.factories.reviews import make_expert, make_review_call
from tests.personas import person


@list_page("panels:list", persona="panel_member")
def fill_meeting_list(count):
    call, chair = make_review_call("panel", "decision"), make_expert("主持人")
    for _number in range(count):
        make_meeting(1, call=call, chair=chair, people=[person("panel_member")], quorum=1)
