"""The texts of a call's notices: every kind opens and shows its merge fields."""

from __future__ import annotations

import pytest
from django.urls import reverse

from park_portal.core.outbox.registry import KINDS
from tests.factories.reviews import make_review_call

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", sorted(kind.name for kind in KINDS.values() if kind.per_call))
def test_text_shows_its_merge_fields(client_of, kind):
    call = make_review_call("expert", "decision")
    page = client_of("lead").get(reverse("admin:funding_call_text", args=[call.pk, kind])).content.decode()
    for name, field in KINDS[kind].fields.items():
        assert f"&#123;&#123; {name} &#125;&#125;" in page
        assert str(field.label) in page
