"""The demo park: as many of everything as it promises, the same each time, and no known passwords outside local mode."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from funding.applications.models import Application
from funding.calls.models import Call
from funding.decisions.models import Decision
from funding.decisions.services import ranking
from funding.management.commands import seed_demo
from funding.models import Conflict
from funding.reviews.models import Review, Reviewer
from incubator.organisations.models import Organisation
from incubator.organisations.services import pairs_alike
from incubator.projects.models import ResearchProject
from park_portal.core.accounts.models import User

# One process builds the park, once.
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("demo")]


@pytest.fixture(scope="module")
def folder(django_db_setup, django_db_blocker, tmp_path_factory):
    """The park, built once for all tests of this module and rolled back after them; the folder of its logins."""
    base = tmp_path_factory.mktemp("demo")
    with django_db_blocker.unblock(), transaction.atomic():
        with override_settings(BASE_DIR=base, LOCAL=True):
            call_command("seed_demo", stdout=io.StringIO())
        yield base
        transaction.set_rollback(True)


def test_the_park_holds_what_it_promises(folder):
    held = {
        model: model.objects.count()
        for model in (Organisation, ResearchProject, Call, Application, Reviewer, Review)
    }
    assert held == {
        Organisation: 61,
        ResearchProject: 40,
        Call: 5,
        Application: 126,
        Reviewer: 30,
        Review: 324,
    }
    assert sorted(Call.objects.values_list("state", flat=True)) == [
        "closed",
        "closed",
        "closed",
        "open",
        "published",
    ]


def test_the_park_is_the_same_each_time(folder):
    year = timezone.localdate().year
    assert list(Organisation.objects.order_by("pk").values_list("name_zh_hans", flat=True)[:4]) == [
        "复旦大学",
        "上海澄光生物科技有限公司",
        "上海朱溪医药科技有限公司",
        "上海淀湖智能科技有限公司",
    ]
    code = f"AIBT-{year - 1}"
    titles = dict(Application.objects.filter(call__code=code).values_list("number", "title"))
    assert [titles[f"{code}-{number:04d}"] for number in (1, 7, 13)] == [
        "患者来源类器官高通量药敏预测平台",
        "电子病历大模型的可信推理",
        "非侵入式脑机接口卒中康复系统",
    ]
    verdicts = dict(
        Decision.objects.filter(application__call__code=code).values_list("application__number", "verdict")
    )
    assert {number: verdicts[f"{code}-{number:04d}"] for number in (7, 15, 20, 38, 39, 44)} == {
        7: "approve",
        15: "reserve",
        20: "decline",
        38: "approve",
        39: "reserve",
        44: "approve",
    }


def test_the_budget_of_the_call_in_review_runs_out_within_its_ranking(folder):
    call = Call.objects.get(code=f"AIBT-{timezone.localdate().year}A")
    within = [rank.within_budget for rank in ranking(call)]
    assert call.budget_fen == 500_000_000
    assert within == sorted(within, reverse=True)  # from the line on, nobody
    assert {True, False} == set(within)


def test_conflicts_are_seen_in_each_state(folder):
    assert sorted(Conflict.objects.values_list("kind", "state")) == [
        ("coauthor", "possible"),
        ("shareholder", "standing"),
        ("supervisor", "standing"),
    ]
    assert Review.objects.filter(state="suspended", suspension_told_at__isnull=False).count() == 1


def test_one_company_is_there_twice(folder):
    ((a, b, _likeness),) = pairs_alike()
    assert (a.name_zh_hans, b.name_zh_hans) == ("上海泖塔生物有限公司", "泖塔生物")
    assert (bool(a.uscc), b.uscc) == (True, None)


def test_it_is_built_in_an_empty_portal_only(folder):
    call_command("seed_demo", "--if-empty")
    with pytest.raises(CommandError, match="not empty"):
        call_command("seed_demo")
    assert Application.objects.count() == 126


def test_the_logins_of_local_mode_work(folder):
    logins = json.loads((folder / ".local" / "demo_logins.json").read_text())
    assert len(logins) == 11
    for login in logins:
        user = User.objects.get(email=login["email"])
        assert user.check_password(login["password"]), login["email"]


def test_elsewhere_nobody_has_a_password(db, tmp_path, monkeypatch):
    made = []

    def build(demo):
        made.append(demo.cast.person(email="someone@demo.example"))

    monkeypatch.setattr(seed_demo.Demo, "build", build)
    empty = SimpleNamespace(objects=SimpleNamespace(exists=lambda: False))
    monkeypatch.setattr(seed_demo, "User", empty)
    with override_settings(BASE_DIR=tmp_path, LOCAL=False):
        call_command("seed_demo")
    (user,) = made
    assert not user.has_usable_password()
    assert authenticate(username=user.email, password=seed_demo.PASSWORD) is None
    assert list(tmp_path.iterdir()) == []
