"""The staff's pages of assignments, and the same by program."""

import io
import json

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse

from funding.models import AssignmentPlan, Review, Reviewer
from funding.reviews import services
from funding.reviews.services.planning import confirming
from park_portal.core.tokens.services import create_token
from park_portal.core.workflow import SYSTEM
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import make_organisation
from tests.factories.plans import confirmed, make_plan, ring, solved, work_off_jobs
from tests.factories.reviews import expert_run, make_expert, make_review_call

pytestmark = pytest.mark.django_db


@pytest.fixture
def client_of(client_of):
    """Clients that read English."""

    def login(who):
        client = client_of(who)
        client.cookies["django_language"] = "en"
        return client

    return login


def address(name, plan, *args):
    return reverse(f"admin:funding_assignmentplan_{name}", args=[plan.pk, *args])


def fields(**changes):
    return {
        "per_application": "2",
        "max_load": "12",
        "min_load": "0",
        "floor": "best",
        "minimum": "0",
        "together": "0",
        "on_time": "0",
        "with_room": "on",
        "one_per_institution": "on",
        **changes,
    }


def text(response):
    return response.content.decode()


def test_an_officer_goes_from_criteria_to_invitations(client_of):
    call = make_review_call("expert", "decision")
    for number in range(4):
        make_expert(institution=f"院{number}")
    for _ in range(3):
        expert_run(call)
    stage = call.stages.get(kind="expert")
    client = client_of("officer")
    new = reverse("admin:funding_assignmentplan_new")
    assert "Best match" in text(client.get(new))
    made = client.post(new, fields(stage=str(stage.pk), method="optimal", keywords="", seed="5"))
    plan = AssignmentPlan.objects.get()
    assert (made.status_code, made.url) == (302, address("plan", plan))
    assert (plan.stage, plan.seed, plan.asked.per_application, plan.asked.pool.with_room) == (
        stage,
        5,
        2,
        True,
    )
    page = address("plan", plan)
    assert client.post(page, {"do": "solve", "revision": plan.revision}).status_code == 302
    waiting = text(client.get(page))
    assert "The assignment is being worked out" in waiting
    assert "data-open" in waiting
    work_off_jobs()
    ready = client.get(page)
    assert len(ready.context["lines"]) == 3
    assert [line["load"] for line in ready.context["loads"]] == sorted(
        line["load"] for line in ready.context["loads"]
    )
    assert "Confirm and send 6 invitations" in text(ready)
    plan.refresh_from_db()
    for _ in range(2):
        assert client.post(page, {"do": "confirm", "revision": plan.revision}).status_code == 302
    assert Review.objects.filter(state="assigned").count() == 6
    assert "confirmed" in text(client.get(page))


def test_criteria_that_make_no_sense_come_back_with_what_was_typed(client_of):
    expert_run()
    client = client_of("officer")
    new = reverse("admin:funding_assignmentplan_new")
    stage = AssignmentPlan._meta.get_field("stage").related_model.objects.get(kind="expert")
    sent = fields(
        stage=str(stage.pk),
        method="optimal",
        floor="number",
        min_load="20",
        keywords="类器官",
        mix_industry="9",
    )
    refused = client.post(new, sent)
    assert refused.status_code == 422
    assert set(refused.context["form"].errors) == {"floor_value"}
    assert 'value="类器官"' in text(refused)
    refused = client.post(new, {**sent, "floor_value": "0.4"})
    assert refused.status_code == 422
    assert set(refused.context["form"].errors) == {"min_load", "mix_academia"}
    assert not AssignmentPlan.objects.exists()


def test_criteria_are_changed_and_another_officer_is_told(client_of):
    plan = solved(make_plan(applications=2, experts=4))
    client = client_of("officer")
    page = address("criteria", plan)
    assert client.get(page).context["form"].initial["per_application"] == 2
    sent = fields(per_application="3", mix_industry="1", kinds=["industry"], revision=str(plan.revision))
    assert client.post(page, sent).status_code == 302
    plan.refresh_from_db()
    plan.__dict__.pop("asked", None)
    assert (plan.state, plan.asked.per_application, plan.asked.mix) == ("draft", 3, {"industry": 1})
    assert plan.asked.pool.kinds == ("industry",)
    stale = client.post(page, {**sent, "per_application": "1"})
    assert stale.status_code == 409
    assert "Someone else has changed this assignment" in text(stale)
    assert stale.context["form"]["per_application"].value() == "1"
    plan.refresh_from_db()
    assert plan.criteria["per_application"] == 3


def test_what_is_impossible_is_said_with_names_and_links(client_of):
    plan = solved(make_plan(applications=3, experts=2, max_load=2))
    page = text(client_of("officer").get(address("plan", plan)))
    assert "2 reviews cannot be given to anybody." in page
    for run in plan.stage.runs.select_related("application"):
        assert run.application.number in page
    assert "let each reviewer read more applications" in page
    assert address("criteria", plan) in page


def test_one_application_by_hand_with_the_effect_shown_first(client_of):
    plan = solved(make_plan(applications=2, experts=4))
    run = plan.stage.runs.order_by("pk").first()
    client, page = client_of("officer"), address("application", plan, run.pk)
    shown = client.get(page)
    ticked = [line["entry"].user_id for line in shown.context["lines"] if line["ticked"]]
    other = next(line["entry"].user_id for line in shown.context["lines"] if not line["ticked"])
    assert len(ticked) == 2
    sent = {"person": [str(ticked[0]), str(other)], "revision": str(plan.revision)}
    part = client.post(page, sent, headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert "Worst-served application" in text(part)
    assert "<html" not in text(part)
    whole = client.post(page, {**sent, "preview": ""})
    assert whole.context["effect"].added == (other,)
    assert [line["entry"].user_id for line in whole.context["lines"] if line["ticked"]] == sorted(
        [ticked[0], other],
        key=[line["entry"].user_id for line in whole.context["lines"]].index,
    )
    assert plan.pairs.filter(origin="hand").count() == 0
    assert client.post(page, sent).status_code == 302
    assert plan.pairs.get(origin="hand").person_id == other
    stale = client.post(page, {"person": [], "revision": str(plan.revision)})
    assert "Someone else has changed this assignment" in text(stale)
    assert plan.pairs.filter(run=run).count() == 2


def test_who_has_a_conflict_is_not_offered_and_the_reason_is_told(client_of):
    call = make_review_call("expert", "decision")
    company = make_organisation(owner=make_user())
    run = expert_run(call, organisation=company)
    member = make_expert("何成员")
    company.memberships.create(user=member, role="viewer")
    plan = solved(make_plan(call, experts=3))
    client = client_of("officer")
    offered = client.get(address("application", plan, run.pk))
    assert member.pk not in {line["entry"].user_id for line in offered.context["lines"]}
    assert offered.context["barred"] == 1
    pool = text(client.get(address("pool", plan)))
    assert "何成员" in pool
    left_out = text(client.get(address("pool", plan) + "?show=excluded"))
    assert "belongs to the applicant or its team" in left_out


def test_pair_that_became_impossible_is_named_on_the_page(client_of):
    plan = solved(make_plan(applications=1, experts=2))
    pair = plan.pairs.order_by("pk").first()
    services.record_conflict(pair.run.application, pair.person, actor=SYSTEM, kind="coauthor")
    page = client_of("officer").post(address("plan", plan), {"do": "confirm", "revision": plan.revision})
    assert page.status_code == 200
    assert f"{pair.run.application.number} · {pair.person.name}: conflict of interest" in text(page)
    assert not Review.objects.exists()


def test_many_invitations_are_confirmed_by_a_worker_with_a_bar(client_of, monkeypatch):
    monkeypatch.setattr(confirming, "AT_ONCE", 1)
    plan = solved(make_plan(applications=2, experts=3))
    client = client_of("officer")
    assert client.post(address("plan", plan), {"do": "confirm", "revision": plan.revision}).status_code == 302
    assert "Invitations are being written" in text(client.get(address("plan", plan)))
    work_off_jobs()
    assert Review.objects.count() == 4


def test_replacements_are_shown_with_what_happened_and_confirmed_in_one_click(client_of):
    plan = confirmed(make_plan(applications=2, experts=4))
    review = Review.objects.order_by("pk").first()
    services.decline_review(review, actor=review.reviewer, reason="近期出差")
    ring()
    work_off_jobs()
    child = plan.replacements.get()
    client = client_of("officer")
    assert address("plan", child) in text(client.get(address("plan", plan)))
    page = client.get(address("plan", child))
    assert "近期出差" in text(page)
    assert [line["run"].pk for line in page.context["lines"]] == [review.run_id]
    assert "Confirm and send 1 invitation" in text(page)
    assert (
        client.post(address("plan", child), {"do": "confirm", "revision": child.revision}).status_code == 302
    )
    assert Review.objects.filter(run=review.run, state="assigned").count() == 2


def test_a_draw_on_the_pages(client_of):
    plan = make_plan(method="draw", applications=2, experts=4)
    client, page = client_of("officer"), address("plan", plan)
    assert "Publish pool and seed" in text(client.get(page))
    assert client.get(address("draw", plan)).status_code == 404
    refused = client.post(page, {"do": "solve", "revision": plan.revision})
    assert "Publish the pool and the seed first" in text(refused)
    assert client.post(page, {"do": "publish"}).status_code == 302
    before = text(client.get(address("draw", plan)))
    assert "not yet" in before
    plan.refresh_from_db()
    client.post(page, {"do": "solve", "revision": plan.revision})
    work_off_jobs()
    record = json.loads(client.get(address("draw", plan) + "?format=json").content)
    assert services.draw_again(record) == record["result"]
    after = text(client.get(address("draw", plan)))
    assert record["pool_sha256"] in after
    assert f"manage.py draw --plan {plan.pk}" in after


def test_switch_stop_and_discard(client_of):
    plan = make_plan(applications=1, experts=2)
    client, page = client_of("officer"), address("plan", plan)
    for do, expected in (("switch_on", True), ("switch_off", False)):
        client.post(page, {"do": do})
        plan.refresh_from_db()
        assert plan.invites_replacements is expected
    client.post(page, {"do": "solve"})
    client.post(page, {"do": "stop"})
    plan.refresh_from_db()
    assert plan.state == "draft"
    client.post(page, {"do": "discard"})
    plan.refresh_from_db()
    assert plan.state == "discarded"
    assert "Choose what to do" in text(client.post(page, {"do": "x"}))


def test_pairs_as_an_excel_file(client_of):
    plan = solved(make_plan(applications=2, experts=3))
    answer = client_of("auditor").get(address("export", plan))
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    rows = list(book.active.iter_rows(values_only=True))
    assert rows[0][0] == "Application"
    assert len(rows) == 5
    assert {row[2] for row in rows[1:]} == {pair.person.name for pair in plan.pairs.all()}


def test_others_read_but_do_not_act_and_outsiders_see_nothing(client_of):
    plan = solved(make_plan(applications=1, experts=2))
    run = plan.stage.runs.get()
    for reader in ("auditor", "fund_manager"):
        client = client_of(reader)
        page = text(client.get(address("plan", plan)))
        assert "Confirm and send" not in page
        assert client.post(address("plan", plan), {"do": "confirm"}).status_code in (200, 403)
        assert client.get(address("criteria", plan)).status_code == 403
        assert client.post(address("application", plan, run.pk), {"person": []}).status_code == 403
    for outsider in ("stranger", "founder", "liaison", "reviewer", "administrator"):
        for name, args in (("plan", ()), ("pool", ()), ("export", ()), ("application", (run.pk,))):
            assert client_of(outsider).get(address(name, plan, *args)).status_code in (302, 403, 404)
    plan.refresh_from_db()
    assert (plan.state, Review.objects.count()) == ("ready", 0)


def test_list_of_assignments_leads_to_each(client_of):
    plan = make_plan(applications=1, experts=2)
    page = text(client_of("officer").get(reverse("admin:funding_assignmentplan_changelist")))
    assert address("plan", plan) in page


@pytest.mark.parametrize("rows", [2, 12])
def test_plan_page_costs_the_same_whatever_its_length(client_of, django_assert_num_queries, rows):
    plan = solved(make_plan(applications=rows, experts=8))
    client = client_of("officer")
    client.get(address("plan", plan))
    with django_assert_num_queries(QUERIES):
        client.get(address("plan", plan))


QUERIES = 17


# --- by program


def program(user):
    _token, secret = create_token(actor=user, name="x", scopes=["reviews:read", "reviews:write"], days=1)
    return Client(headers={"Authorization": f"Bearer {secret}", "Accept-Language": "en"})


def send(client, method, path, data=None, **headers):
    return getattr(client, method)(
        f"/api/v1/assignment-plans/{path}", data, content_type="application/json", headers=headers
    )


def test_everything_by_program():
    call = make_review_call("expert", "decision")
    for number in range(4):
        make_expert(institution=f"院{number}")
    run = expert_run(call)
    client = program(make_staff("officer"))
    made = send(
        client,
        "post",
        "",
        {
            "stage": call.stages.get(kind="expert").pk,
            "criteria": {"per_application": 2, "pool": {"with_room": False}},
            "seed": 3,
        },
    )
    assert made.status_code == 201, made.content
    pk = made.json()["id"]
    assert made.json()["criteria"]["pool"] == {
        "keywords": [], "institutions": [], "kinds": [], "with_room": False, "on_time": 0
    }  # fmt: skip
    changed = send(
        client, "patch", f"{pk}/", {"criteria": {"max_load": 5}}, **{"If-Match": made.headers["ETag"]}
    )
    assert changed.status_code == 200, changed.content
    assert (changed.json()["criteria"]["max_load"], changed.json()["criteria"]["per_application"]) == (5, 2)
    stale = send(client, "patch", f"{pk}/", {"seed": 9}, **{"If-Match": made.headers["ETag"]})
    assert stale.status_code == 412
    assert send(client, "post", f"{pk}/acts/solve/", {}).json()["state"] == "solving"
    work_off_jobs()
    ready = client.get(f"/api/v1/assignment-plans/{pk}/").json()
    assert (ready["state"], ready["figures"]["pairs"]) == ("ready", 2)
    pairs = client.get(f"/api/v1/assignment-plans/{pk}/pairs/").json()["results"]
    people = [pair["person"] for pair in pairs]
    assert {pair["run"] for pair in pairs} == {run.pk}
    other = Reviewer.objects.exclude(user__in=people).first().user_id
    body = {"people": [people[0], other], "revision": ready["revision"], "preview": True}
    preview = send(client, "post", f"{pk}/applications/{run.pk}/", body)
    assert (preview.status_code, preview.json()["added"]) == (200, [other])
    kept = send(client, "post", f"{pk}/applications/{run.pk}/", {**body, "preview": False})
    assert (kept.status_code, kept.json()["removed"]) == (200, [people[1]])
    late = send(client, "post", f"{pk}/applications/{run.pk}/", {**body, "preview": False})
    assert late.status_code == 409
    assert send(client, "post", f"{pk}/acts/confirm/", {}).json()["state"] == "confirmed"
    assert set(Review.objects.values_list("reviewer_id", flat=True)) == {people[0], other}
    assert client.get(f"/api/v1/assignment-plans/{pk}/draw/").status_code == 400


def test_a_draw_by_program():
    plan = make_plan(method="draw", applications=1, experts=3)
    client = program(make_staff("officer"))
    assert send(client, "post", f"{plan.pk}/acts/publish/", {}).status_code == 200
    send(client, "post", f"{plan.pk}/acts/solve/", {})
    work_off_jobs()
    record = client.get(f"/api/v1/assignment-plans/{plan.pk}/draw/").json()
    assert services.draw_again(record) == record["result"]


def test_programs_of_others_find_nothing():
    plan = solved(make_plan(applications=1, experts=2))
    for user in (make_user(), make_expert(), make_staff("administrator")):
        client = program(user)
        assert client.get("/api/v1/assignment-plans/").json()["results"] == []
        assert client.get(f"/api/v1/assignment-plans/{plan.pk}/").status_code == 404
        assert send(client, "post", f"{plan.pk}/acts/confirm/", {}).status_code == 404
    auditor = program(make_staff("auditor"))
    assert auditor.get(f"/api/v1/assignment-plans/{plan.pk}/").status_code == 200
    assert send(auditor, "post", f"{plan.pk}/acts/confirm/", {}).status_code == 403
    made = send(auditor, "post", "", {"stage": plan.stage_id})
    assert made.status_code == 403
