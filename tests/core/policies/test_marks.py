"""What a screen says of a figure that nobody has confirmed."""

from __future__ import annotations

from datetime import date

import pytest
from django.template import Context, Template
from django.utils import translation

from park_portal.core.policies.services import policy

pytestmark = pytest.mark.django_db


def shown(source: str, **context) -> str:
    with translation.override("en"):
        return " ".join(Template("{% load policies %}" + source).render(Context(context)).split())


def test_a_verified_figure_has_no_mark():
    value = policy("transfer.inventors_share", on=date(2026, 1, 1))
    assert shown("{% policy_figure value %}", value=value) == (
        '<span class="policy" title="《促进科技成果转化法》第十八、四十五条">50 %</span>'
    )
    assert shown("{% unconfirmed value %}", value=value) == ""


def test_a_figure_from_elsewhere_is_marked_unconfirmed_with_its_source():
    value = policy("graduation.revenue_2y", on=date(2026, 1, 1))
    text = shown("{% policy_figure value %}", value=value)
    assert ">10,000,000 yuan</span>" in text
    assert ">unconfirmed</span>" in text
    assert "国科发区〔2018〕300号" in text


def test_one_doubtful_figure_marks_the_screen():
    sure, doubtful = policy("trl.levels"), policy("transfer.notice_days", on=date(2026, 1, 1))
    assert ">unconfirmed</span>" in shown("{% unconfirmed sure doubtful %}", sure=sure, doubtful=doubtful)
