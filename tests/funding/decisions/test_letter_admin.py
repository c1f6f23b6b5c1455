"""The page of a letter offers what can be done with it now."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from funding.decisions.states import LetterState
from funding.models import Letter
from park_portal.core.workflow import SYSTEM, advance
from tests.factories.decisions import make_letter
from tests.factories.reviews import make_review_call

pytestmark = pytest.mark.django_db


def test_text_of_a_letter_is_offered_while_it_can_be_changed(client_of):
    letter = make_letter()
    client = client_of("lead")
    address = reverse("admin:funding_letter_change", args=[letter.pk])
    offer = f'href="{reverse("admin:funding_letter_text", args=[letter.pk])}"'

    assert offer in client.get(address).content.decode()
    advance(letter.decision, "release", actor=SYSTEM, changes={"released_at": timezone.now()})
    for state in (LetterState.CHECKED, LetterState.RELEASED):
        Letter.objects.filter(pk=letter.pk).update(state=state)
        assert offer not in client.get(address).content.decode()


def test_ranking_and_release_belong_to_the_ranking_in_the_menu(client_of):
    call = make_review_call("decision")
    client = client_of("lead")
    board = reverse("admin:funding_decision_board")
    for page in ("ranking", "release"):
        shown = client.get(reverse(f"admin:funding_decision_{page}", args=[call.pk])).content.decode()
        assert f'<a href="{board}" class="active" aria-current="page">' in shown
