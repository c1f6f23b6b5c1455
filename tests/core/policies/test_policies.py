"""What a rule says on a date; shipped figures never overwrite what a person wrote."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import translation

from park_portal.core.audit.models import Entry
from park_portal.core.audit.services import SYSTEM
from park_portal.core.errors import DomainError
from park_portal.core.policies import services
from park_portal.core.policies.models import PolicyValue, Unit
from park_portal.core.policies.services import (
    PolicyMissing,
    end_policy,
    in_force,
    policy,
    replace_policy,
    sync_policies,
)
from park_portal.core.policies.shipped import SHIPPED

pytestmark = pytest.mark.django_db


def row(**values):
    defaults = {
        "key": "test.rule",
        "label": "测试",
        "value": Decimal("3"),
        "unit": "days",
        "source": "测试",
        "confidence": "V",
        "effective_from": date(2020, 1, 1),
    }
    return PolicyValue.objects.create(**{**defaults, **values})


def test_the_release_loads_every_figure_once():
    assert PolicyValue.objects.filter(edited=False).count() == len(SHIPPED) == 101
    assert len({(figure.key, figure.since) for figure in SHIPPED}) == len(SHIPPED)
    assert {figure.unit for figure in SHIPPED} <= set(Unit.values)
    assert sync_policies() == services.Synced(added=0, updated=0, kept=101)


@pytest.mark.parametrize(
    ("key", "value", "unit", "source", "verified"),
    [
        ("graduation.revenue_2y", "10000000", "yuan", "国科发区〔2018〕300号", False),
        ("incubatee.stay", "48", "months", "国科发区〔2018〕300号", False),
        ("incubatee.stay_biotech", "60", "months", "国科发区〔2018〕300号", False),
        ("transfer.inventors_share", "50", "percent", "《促进科技成果转化法》第十八、四十五条", True),
        ("transfer.notice_days", "15", "days", "《促进科技成果转化法》第十八、四十五条", False),
        ("review.experts", "3", "count", "《国家自然科学基金条例》", False),
        ("instruments.usage.sharing_rate", "0.1", "ratio", "大型仪器开放共享评价考核办法", False),
    ],
)
def test_shipped_figures(key, value, unit, source, verified):
    found = policy(key, on=date(2026, 3, 1))
    assert (found.value, found.unit, found.source, found.verified) == (Decimal(value), unit, source, verified)


def test_money_and_whole_numbers():
    assert policy("graduation.revenue_2y", on=date(2026, 1, 1)).fen == 1_000_000_000
    assert policy("incubatee.stay", on=date(2026, 1, 1)).number == 48
    with pytest.raises(ValueError, match="not in yuan"):
        _ = policy("incubatee.stay", on=date(2026, 1, 1)).fen
    with pytest.raises(ValueError, match="whole number"):
        _ = policy("instruments.usage.sharing_rate", on=date(2026, 1, 1)).number


def test_a_policy_is_asked_for_by_date():
    assert policy("tax_relief.incubation_vat", on=date(2027, 12, 31)).number == 100
    for day in (date(2023, 12, 31), date(2028, 1, 1)):
        with pytest.raises(PolicyMissing):
            policy("tax_relief.incubation_vat", on=day)
    with pytest.raises(PolicyMissing):
        policy("nothing.known")


def test_many_policies_cost_one_query(django_assert_num_queries):
    with django_assert_num_queries(1):
        found = in_force(["incubatee.stay", "incubatee.age_at_entry"], on=date(2026, 1, 1))
    assert {key: value.number for key, value in found.items()} == {
        "incubatee.stay": 48,
        "incubatee.age_at_entry": 24,
    }


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2021, 1, 1), None),
        (date(2019, 1, 1), date(2020, 1, 1)),  # meets on one day
        (date(2020, 12, 31), date(2021, 6, 1)),
        (date(2019, 1, 1), date(2030, 1, 1)),
    ],
)
def test_two_values_never_overlap(first, last):
    row(effective_to=date(2021, 6, 30))
    with pytest.raises(IntegrityError, match="policy_one_value_a_day"), transaction.atomic():
        row(effective_from=first, effective_to=last)
    with translation.override("en"), pytest.raises(ValidationError, match="Another value"):
        PolicyValue(
            key="test.rule",
            label="x",
            label_zh_hans="x",
            value=1,
            unit="days",
            source="x",
            effective_from=first,
            effective_to=last,
        ).full_clean()


def test_neighbouring_periods_and_other_keys_are_free():
    row(effective_to=date(2021, 6, 30))
    row(effective_from=date(2021, 7, 1), value=4)
    row(key="test.other")
    assert policy("test.rule", on=date(2021, 6, 30)).number == 3
    assert policy("test.rule", on=date(2021, 7, 1)).number == 4


def test_a_period_cannot_end_before_it_begins():
    with pytest.raises(IntegrityError, match="policy_ends_after"), transaction.atomic():
        row(effective_to=date(2019, 12, 31))


def test_replacing_keeps_what_was_said_before():
    new = replace_policy(
        "incubatee.stay",
        value=36,
        effective_from=date(2026, 7, 1),
        source="工信部科〔2025〕131号",
        actor=SYSTEM,
    )
    assert policy("incubatee.stay", on=date(2026, 6, 30)).number == 48
    assert policy("incubatee.stay", on=date(2026, 7, 1)) == new
    assert (new.number, new.unit, new.verified, new.label) == (36, "months", True, "在孵企业：孵化时限不超过")
    entry = Entry.objects.get(action="policy.replaced")
    assert (entry.before["effective_to"], entry.after["value"]) == ("2026-06-30", "36")


def test_replacing_refuses_to_go_before_a_later_value():
    with pytest.raises(DomainError) as refusal:
        replace_policy("incubatee.stay", value=36, effective_from=date(2019, 1, 1), source="x", actor=SYSTEM)
    assert refusal.value.code == "policy_later"
    assert policy("incubatee.stay", on=date(2026, 1, 1)).number == 48
    with pytest.raises(PolicyMissing):
        replace_policy("nothing.known", value=1, effective_from=date(2026, 1, 1), source="x", actor=SYSTEM)


def test_ending_a_policy():
    end_policy(PolicyValue.objects.get(key="trl.levels"), last_day=date(2026, 12, 31), actor=SYSTEM)
    with pytest.raises(PolicyMissing):
        policy("trl.levels", on=date(2027, 1, 1))


def test_a_lead_gives_a_rule_a_new_value_and_others_of_the_staff_read_it(client_of):
    row = PolicyValue.objects.get(key="incubatee.stay")
    page = f"/admin/core/policyvalue/{row.pk}/act/replace/"
    sent = {
        "value": "36",
        "effective_from": "2026-07-01",
        "source": "工信部科〔2025〕131号",
        "confidence": "V",
    }
    assert client_of("officer").post(page, sent).status_code == 403
    assert policy("incubatee.stay", on=date(2026, 7, 1)).number == 48
    client_of("lead").post(page, sent)
    assert policy("incubatee.stay", on=date(2026, 7, 1)).number == 36


def test_a_release_updates_its_own_row_but_never_an_edited_one(monkeypatch):
    PolicyValue.objects.filter(key="trl.levels").update(value=7)  # as an earlier release had it
    edited = PolicyValue.objects.get(key="incubatee.stay")
    edited.value = 40
    edited.save()
    moved = PolicyValue.objects.get(key="review.experts")
    moved.effective_from = date(2010, 1, 1)
    moved.save()
    PolicyValue.objects.filter(key="network.log_months").delete()
    assert sync_policies() == services.Synced(added=1, updated=1, kept=99)
    assert policy("trl.levels").number == 9
    assert policy("incubatee.stay", on=date(2026, 1, 1)).number == 40
    assert PolicyValue.objects.filter(key="review.experts").count() == 1
    assert policy("network.log_months").number == 6


def test_labels_in_both_languages():
    shown = PolicyValue.objects.get(key="incubatee.stay")
    assert (shown.label_zh_hans, shown.label_en) == (
        "在孵企业：孵化时限不超过",
        "Incubatee: time inside of at most",
    )
