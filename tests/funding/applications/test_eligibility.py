"""Each rule with its reason and source, met, not met, and not known yet."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.utils import timezone
from django.utils.translation import override

from funding.applications.eligibility import Case, evaluate, evaluate_case
from funding.applications.services import preview_eligibility, save_answer
from funding.awards.services import open_award
from funding.decisions.models import Decision
from funding.funds.models import Fund
from park_portal.core.policies.models import PolicyValue
from park_portal.core.workflow import SYSTEM, advance
from tests.factories.applications import make_application, make_call, make_project_application, make_submitted
from tests.factories.core import make_user
from tests.factories.incubator import make_organisation, make_project, make_university

pytestmark = pytest.mark.django_db


def only(call, **who):
    with override("zh-hans"):
        (finding,) = evaluate_case(Case(call, "organisation" if "organisation" in who else "project", **who))
    return finding


def shanghai(text: str):
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("founded", "met"),
    [
        (date(2024, 3, 31), True),  # twenty-four months to the day
        (date(2024, 3, 30), False),  # a day older
        (date(2025, 12, 1), True),
        (None, None),
    ],
)
def test_age_is_counted_to_the_closing_day(founded, met):
    call = make_call(
        opened=False,
        opens_at=shanghai("2026-03-01T00:00"),
        closes_at=shanghai("2026-03-31T17:00"),
        rules=[{"kind": "max_age_months", "value": Decimal(24), "source": "通知第三条"}],
    )
    finding = only(call, organisation=make_organisation(founded_on=founded))
    assert (finding.met, finding.source, finding.unconfirmed) == (met, "通知第三条", False)
    assert finding.blocks is (met is not True)
    assert finding.title == "截至申报截止日，企业成立不超过 24 个月"


def test_age_says_how_old_the_company_is():
    call = make_call(
        opened=False,
        opens_at=shanghai("2026-03-01T00:00"),
        closes_at=shanghai("2026-03-31T17:00"),
        rules=[{"kind": "min_age_months", "value": Decimal(12)}],
    )
    finding = only(call, organisation=make_organisation(founded_on=date(2024, 3, 31)))
    assert (finding.met, finding.reason) == (True, "成立于 2024-03-31，至申报截止日满 24 个月。")


def test_a_policy_gives_value_source_and_the_mark_of_what_nobody_confirmed():
    call = make_call(rules=[{"kind": "max_age_months", "policy_key": "incubatee.stay_biotech"}])
    row = PolicyValue.objects.get(key="incubatee.stay_biotech")
    finding = only(call, organisation=make_organisation(founded_on=date(2026, 1, 1)))
    assert (finding.met, finding.source, finding.unconfirmed) == (True, row.source, not row.verified)


def test_a_policy_without_a_value_blocks_nobody():
    call = make_call(rules=[{"kind": "max_age_months", "policy_key": "no.such_rule"}])
    finding = only(call, organisation=make_organisation(founded_on=date(2020, 1, 1)))
    assert (finding.met, finding.unconfirmed, finding.blocks) == (None, True, False)


@pytest.mark.parametrize(
    ("district", "met", "blocks"), [("青浦区", True, False), ("浦东新区", False, True), ("", None, True)]
)
def test_the_district(district, met, blocks):
    call = make_call(rules=[{"kind": "in_qingpu"}])
    finding = only(call, organisation=make_organisation(district=district))
    assert (finding.met, finding.blocks) == (met, blocks)
    assert bool(finding.fix) is (met is None)


def test_the_credit_code():
    call = make_call(rules=[{"kind": "has_uscc"}])
    assert only(call, organisation=make_organisation()).met is True
    assert only(call, organisation=make_organisation(uscc=None)).met is None


def test_the_university():
    fudan = make_university("复旦大学")
    call = make_call(rules=[{"kind": "of_university", "organisation": fudan}])
    assert only(call, project=make_project(university=fudan)).met is True
    assert only(call, project=make_project(university=make_university("别的大学"))).met is False
    assert only(call, project=make_project()).met is None
    assert evaluate_case(Case(call, "organisation", organisation=make_organisation())) == []


def test_the_level_typed_counts_before_the_projects_own():
    application = make_project_application(
        make_call(rules=[{"kind": "min_trl", "value": Decimal(4)}]), filled=False
    )
    assert evaluate(application)[0].met is None
    application.project.trl = 5
    assert evaluate(application)[0].met is True
    save_answer(application, "trl", "3", actor=application.created_by)
    (finding,) = evaluate(application)
    assert (finding.met, finding.fix) == (False, "#q-trl")


@pytest.mark.parametrize(
    ("amount", "met"), [("99.99", False), ("100", True), ("200", True), ("200.01", False)]
)
def test_amounts(amount, met):
    call = make_call(
        rules=[{"kind": "min_amount", "value": Decimal(100)}, {"kind": "max_amount", "value": Decimal(200)}]
    )
    application = make_application(call, filled=False)
    assert [finding.met for finding in evaluate(application)] == [None, None]
    save_answer(application, "amount", amount, actor=application.created_by)
    assert all(finding.met for finding in evaluate(application)) is met


def test_the_number_of_applications_and_a_second_one():
    owner = make_user()
    organisation = make_organisation(owner=owner)
    call = make_call(rules=[{"kind": "max_applications", "value": Decimal(1)}])
    submitted = make_submitted(call, owner=owner, organisation=organisation)
    assert evaluate(submitted)[0].met is True
    (finding,) = preview_eligibility(call, organisation=organisation)
    assert finding.met is False


def test_a_running_award_of_the_same_fund():
    owner = make_user()
    organisation = make_organisation(owner=owner)
    first = make_submitted(owner=owner, organisation=organisation)
    call = make_call(rules=[{"kind": "no_open_award"}])
    assert only(call, organisation=organisation).met is True
    decision = Decision.objects.create(application=first, verdict="approve", amount_fen=1, decided_by=owner)
    advance(decision, "release", actor=SYSTEM, changes={"released_at": timezone.now()})
    assert open_award(first, actor=SYSTEM, amount_fen=1).fund == call.fund
    assert only(call, organisation=organisation).met is False
    other = Fund.objects.create(code="other", name_zh_hans="另一基金")
    assert (
        only(make_call(rules=[{"kind": "no_open_award"}], fund=other), organisation=organisation).met is True
    )
