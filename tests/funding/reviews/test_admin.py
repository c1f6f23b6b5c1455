"""The staff's doors to review: the opinion page, bulk acts, assignment, the pool, conflicts, objections."""

import pytest
from django.urls import reverse
from django.utils import timezone

from funding.models import Conflict, Objection, Review, StageRun
from funding.reviews import services
from park_portal.core.accounts.models import Invitation
from tests.factories.core import make_user
from tests.factories.decisions import under_notice
from tests.factories.incubator import make_organisation
from tests.factories.reviews import (
    expert_run,
    make_application,
    make_expert,
    make_review,
    make_review_call,
    run_of,
    submitted_review,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def client_of(client_of):
    """Clients that read English."""

    def login(who):
        client = client_of(who)
        client.cookies["django_language"] = "en"
        return client

    return login


def work(run):
    return reverse("admin:funding_stagerun_work", args=[run.pk])


def checks(run, answer="met"):
    return {f"criterion-{criterion.pk}": answer for criterion in run.stage.criteria.all()}


def test_an_officer_passes_an_application_on_one_page(client_of):
    run = run_of(make_application())
    client = client_of("officer")
    page = client.get(work(run)).content.decode()
    assert "用多模态大模型预测药物反应。" in page
    refused = client.post(work(run), {"opinion": "pass", "days": "5"})
    assert refused.status_code == 422
    assert "has not been checked" in refused.content.decode()
    for _ in range(2):
        assert client.post(work(run), {"opinion": "pass", "days": "5", **checks(run)}).status_code == 302
    run.refresh_from_db()
    assert (run.state, run.reviews.count()) == ("passed", 1)
    assert "Give this opinion" not in client.get(work(run)).content.decode()


def test_stale_opinion_is_refused_aloud_and_its_text_can_be_copied(client_of):
    run = run_of(make_application())
    first, second = client_of("officer"), client_of("lead")
    assert second.get(work(run)).status_code == 200
    assert first.post(work(run), {"opinion": "pass", "days": "5", **checks(run)}).status_code == 302

    reason = "商业计划书缺少\n财务预测。"
    refused = second.post(
        work(run), {"opinion": "reject", "days": "5", "comment_applicant": reason, **checks(run)}
    )

    assert refused.status_code == 422
    page = refused.content.decode()
    assert page.count("Your opinion was not recorded.") == 1
    done_by = run.reviews.get()
    when = f"{timezone.localtime(done_by.submitted_at):%Y-%m-%d %H:%M}"
    assert refused.context["problems"][1:] == [
        f"{done_by.reviewer} has already dealt with this (pass, {when}). Nothing was changed."
    ]
    assert "What you had written" in page
    assert refused.context["typed"] == [("Opinion", "Reject"), ("For the applicant", reason)]
    assert reason.split()[1] in page
    run.refresh_from_db()
    assert (run.state, run.reviews.get().opinion) == ("passed", "pass")


def test_refusal_stands_once_on_the_opinion_page(client_of):
    run = run_of(make_application())
    page = client_of("officer").post(work(run), {"opinion": "reject", "days": "5", **checks(run)})
    assert page.status_code == 422
    assert page.content.decode().count('role="alert"') == 1


def test_others_read_but_do_not_act_and_outsiders_see_nothing(client_of):
    run = run_of(make_application())
    for reader in ("auditor", "fund_manager"):
        assert "Give this opinion" not in client_of(reader).get(work(run)).content.decode()
        assert client_of(reader).post(work(run), {"opinion": "pass", **checks(run)}).status_code in (403, 422)
    for outsider in ("stranger", "founder", "liaison", "reviewer", "administrator"):
        assert client_of(outsider).get(work(run)).status_code in (302, 403, 404)
    run.refresh_from_db()
    assert run.state == "active"


def test_the_whole_match_is_passed_after_a_count_and_a_confirmation(client_of):
    call = make_review_call("screening", "decision")
    for _ in range(3):
        make_application(call)
    other = run_of(make_application(make_review_call("expert", "decision")))
    client = client_of("officer")
    address = reverse("admin:funding_stagerun_bulk", args=["screen_pass"])
    page = client.get(address)
    assert len(page.context["tally"].keys) == 3
    assert [one.pk for one in page.context["tally"].refused] == [other.pk]
    data = {"expected": "3", "once": "a1", "comment_committee": ""}
    assert client.post(address, data).status_code == 200  # the officer's word is missing
    assert StageRun.objects.filter(state="passed").count() == 0
    for _ in range(2):
        assert client.post(address, {**data, "checked": "on"}).status_code in (200, 302)
    assert StageRun.objects.filter(stage__kind="screening", state="passed").count() == 3
    assert Review.objects.filter(opinion="pass").count() == 3


def test_many_are_returned_and_rejected_with_a_reason(client_of):
    call = make_review_call("screening", "decision")
    runs = [run_of(make_application(call)) for _ in range(2)]
    client = client_of("officer")
    back = reverse("admin:funding_stagerun_bulk", args=["screen_return"]) + f"?_ids={runs[0].pk}"
    data = {
        "expected": "1",
        "once": "b1",
        "questions": ["abstract"],
        "comment_applicant": "More",
        "days": "4",
    }
    assert client.post(back, data).status_code == 302
    away = reverse("admin:funding_stagerun_bulk", args=["screen_reject"]) + f"?_ids={runs[1].pk}"
    assert client.post(away, {"expected": "1", "once": "b2", "comment_applicant": ""}).status_code == 200
    data = {"expected": "1", "once": "b3", "comment_applicant": "Out of scope"}
    assert client.post(away, data).status_code == 302
    states = [StageRun.objects.get(pk=run.pk).application.state for run in runs]
    assert states == ["returned", "rejected"]


def test_assignment_shows_load_and_conflicts_and_refuses_them(client_of):
    organisation = make_organisation(owner=make_user())
    run = expert_run(organisation=organisation)
    busy, member, free = make_expert("忙专家", capacity=1), make_expert("内部专家"), make_expert("空闲专家")
    organisation.memberships.create(user=member, role="viewer")
    make_review(person=busy)
    client = client_of("officer")
    address = reverse("admin:funding_stagerun_assign")
    page = client.get(f"{address}?run={run.pk}")
    lines = {line["entry"].user.name: line for line in page.context["lines"]}
    assert (lines["忙专家"]["load"].open, lines["忙专家"]["load"].is_full) == (1, True)
    assert lines["内部专家"]["barred"]
    assert not lines["空闲专家"]["barred"]
    assert "belongs to the applicant or its team" in page.content.decode()
    response = client.post(address, {"run": [run.pk], "person": [member.pk, free.pk, busy.pk]})
    assert response.status_code == 302
    assert set(run.reviews.values_list("reviewer", flat=True)) == {free.pk, busy.pk}
    assert client.post(address, {"run": [run.pk]}).status_code == 422
    assert client.get(f"{address}?run=x&run=99999999999999999999&call=abc&q=%00").status_code == 200
    for outsider in ("auditor", "finance", "stranger"):
        assert client_of(outsider).get(address).status_code in (302, 403)


def test_assignment_is_in_the_menu_and_jumps_to_the_pool(client_of):
    run = expert_run()
    address = reverse("admin:funding_stagerun_assign")
    client = client_of("officer")
    assert f'href="{address}"' in client.get("/admin/").content.decode()
    assert f'href="{address}"' not in client_of("finance").get("/admin/").content.decode()
    open_list = client.get(address).content.decode()
    assert f'action="{address}#pool"' in open_list
    assert '<details class="assign-list" open>' in open_list
    assert 'id="pool"' not in open_list
    make_expert("林可")
    chosen = client.get(address, {"run": run.pk}).content.decode()
    assert '<details class="assign-list">' in chosen
    assert chosen.index('id="pool"') < chosen.index('name="person"')
    asked = client.post(address, {"run": [run.pk], "person": [make_expert().pk]})
    assert asked["Location"] == f"{address}?run={run.pk}#pool"


def test_the_record_of_a_stage_leads_to_the_page_where_it_is_worked(client_of):
    run = run_of(make_application())
    page = client_of("officer").get(reverse("admin:funding_stagerun_change", args=[run.pk])).content.decode()
    assert f'href="{work(run)}"' in page


def test_the_assignment_page_costs_the_same_for_many(client_of):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    call = make_review_call("expert", "decision")
    client = client_of("officer")
    costs = []
    for number in (1, 6):
        for _ in range(number):
            make_expert()
            expert_run(call)
        query = "&".join(
            f"run={pk}" for pk in StageRun.objects.filter(state="active").values_list("pk", flat=True)
        )
        address = f"{reverse('admin:funding_stagerun_assign')}?{query}"
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            client.get(address)
        costs.append(len(captured))
    assert costs[0] == costs[1]


def test_releasing_replacing_and_reopening(client_of):
    run = expert_run()
    review, other = make_review(run, accepted=True), make_expert()
    client = client_of("officer")

    def act(one, name):
        return reverse("admin:funding_review_act", args=[one.pk, name])

    assert client.get(act(review, "replace")).status_code == 200
    assert client.post(act(review, "replace"), {"person": other.pk, "once": "c1"}).status_code == 302
    review.refresh_from_db()
    assert (review.state, run.reviews.get(reviewer=other).state) == ("released", "assigned")
    second = run.reviews.get(reviewer=other)
    assert client.post(act(second, "release"), {"reason": "Not needed", "once": "c2"}).status_code == 302
    done = submitted_review(run)
    assert client.post(act(done, "reopen"), {"reason": "", "once": "c3"}).status_code == 200
    assert client.post(act(done, "reopen"), {"reason": "Wrong mark", "once": "c4"}).status_code == 302
    done.refresh_from_db()
    assert done.state == "accepted"


def test_reviewers_are_invited_and_their_entry_is_kept_right(client_of):
    client = client_of("officer")
    address = reverse("admin:funding_reviewer_list_act", args=["invite"])
    data = {"email": "new@example.com", "name": "New", "language": "en", "once": "d1"}
    assert client.post(address, data).status_code == 302
    assert Invitation.objects.get().email == "new@example.com"
    entry = make_expert().reviewer
    change = reverse("admin:funding_reviewer_change", args=[entry.pk])
    data = {"institution": "Institute", "title": "", "keywords": "AI,BT", "capacity": "3", "active": "on"}
    assert client.post(change, data).status_code == 302
    entry.refresh_from_db()
    assert (entry.institution, entry.keywords, entry.capacity) == ("Institute", ["AI", "BT"], 3)


def test_staff_record_a_conflict_by_number(client_of):
    run, person = expert_run(), make_expert()
    client = client_of("officer")
    address = reverse("admin:funding_conflict_list_act", args=["record"])
    data = {"person": person.pk, "application_number": "NONE-1", "kind": "coauthor", "note": "", "once": "e1"}
    assert "no application with this number" in client.post(address, data).content.decode()
    data |= {"application_number": run.application.number, "once": "e2"}
    assert client.post(address, data).status_code == 302
    assert Conflict.objects.get().person == person


def test_an_objection_is_resolved_once(client_of):
    objection = services.record_objection(under_notice(), name="He", email="he@example.com", text="Copied")
    client = client_of("officer")
    address = reverse("admin:funding_objection_act", args=[objection.pk, "resolve"])
    assert "Copied" in client.get(address).content.decode()
    assert client.post(address, {"upheld": "no", "resolution": "", "once": "f1"}).status_code == 200
    assert client.post(address, {"upheld": "no", "resolution": "Checked", "once": "f2"}).status_code == 302
    assert Objection.objects.get().upheld is False
    assert client.get(address).status_code == 302


def test_every_list_and_record_opens(client_of):
    run = expert_run()
    review = submitted_review(run)
    services.record_conflict(
        run.application, make_expert(), actor=review.assigned_by or _officer(), kind="other"
    )
    services.record_objection(under_notice(), name="He", email="he@example.com", text="x")
    client = client_of("officer")
    for model in (StageRun, Review, Conflict, Objection, type(review.reviewer.reviewer)):
        name = model._meta.model_name
        assert client.get(reverse(f"admin:funding_{name}_changelist")).status_code == 200
        row = model.objects.first()
        assert client.get(reverse(f"admin:funding_{name}_change", args=[row.pk])).status_code == 200
    for query in (
        "?due=overdue",
        "?due=today",
        "?turn=mine",
        "?state__exact=active&stage__kind__exact=expert",
    ):
        assert client.get(reverse("admin:funding_stagerun_changelist") + query).status_code == 200


def _officer():
    from tests.personas import person

    return person("officer")
