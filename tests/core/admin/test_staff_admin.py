"""The mechanisms that the admin of every room stands on, tried through the pages of the ground floor."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django import forms
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from park_portal.core.accounts.models import Invitation, User
from park_portal.core.accounts.services import invite_staff
from park_portal.core.admin.acts import Act
from park_portal.core.admin.changelist import CAP, CappedPaginator, Count, capped_count
from park_portal.core.admin.fields import YuanField, side_by_side
from park_portal.core.audit.models import Entry
from park_portal.core.audit.services import record, seal_entries
from park_portal.core.calendar.models import SpecialDay
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.services import run_job
from park_portal.core.outbox.models import ChatChannel, Message
from park_portal.core.outbox.states import MessageStatus
from park_portal.core.policies.models import PolicyValue
from tests.factories.core import make_user

pytestmark = pytest.mark.django_db

ROLES = ["officer", "lead", "fund_manager", "finance", "auditor", "administrator"]


@pytest.fixture(autouse=True)
def english(settings):
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def english_client(client_of):
    def login(who):
        client = client_of(who)
        client.cookies["django_language"] = "en"
        return client

    return login


def make_message(**fields):
    number = Message.objects.count()
    return Message.objects.create(topic="notify", key=f"test:{number}", status=MessageStatus.FAILED, **fields)


# --- who comes in


def test_visitor_is_sent_to_the_portals_login_page_and_back(client):
    response = client.get("/admin/core/user/")

    assert response.status_code == 302
    response = client.get(response["Location"])
    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=%2Fadmin%2Fcore%2Fuser%2F"


def test_login_never_leads_to_another_site(client):
    response = client.get("/admin/login/?next=https://evil.example/")

    assert response["Location"] == "/accounts/login/?next=%2Fadmin%2F"


def test_who_is_no_staff_reads_why_in_their_language(client_of):
    stranger = client_of("stranger")
    response = stranger.get("/admin/login/?next=/admin/")
    assert response.status_code == 403
    assert "仅限园区工作人员" in response.content.decode()
    stranger.cookies["django_language"] = "en"

    response = stranger.get("/admin/login/?next=/admin/")

    assert response.status_code == 403
    assert "For park staff only" in response.content.decode()


@pytest.mark.parametrize("role", ROLES)
def test_first_page_opens_for_every_role_within_twelve_queries(
    client_of, role, django_assert_max_num_queries
):
    client = client_of(role)

    with django_assert_max_num_queries(12):
        response = client.get("/admin/")

    assert response.status_code == 200


MENUS = {
    "administrator": {
        "core/user",
        "core/invitation",
        "auth/group",
        "core/job",
        "core/message",
        "core/delivery",
    }
    | {"core/chatchannel", "core/specialday", "core/entry", "core/datarequest"},
}


def test_menu_of_the_system_administrator_has_no_application(client_of):
    page = client_of("administrator").get("/admin/").content.decode()
    menu = page.split('id="nav-sidebar-apps"')[1].split("</div>")[0]

    links = {part.split('"')[0].removeprefix("/admin/").rstrip("/") for part in menu.split('href="')[1:]}

    assert links == {"", "system", "retention", *MENUS["administrator"]}


@pytest.mark.parametrize(
    "name", ["funding_application", "funding_call", "incubator_organisation", "funding_review"]
)
def test_system_administrator_opens_no_record_of_the_park(client_of, name):
    try:
        address = reverse(f"admin:{name}_changelist")
    except Exception:  # the room has no page yet
        pytest.skip("no such page")

    assert client_of("administrator").get(address).status_code == 403


def test_auditor_reads_everything_and_adds_changes_or_deletes_nothing(client_of):
    auditor = client_of("auditor")
    SpecialDay.objects.create(date="2026-05-04", working=False, name="Day")
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label not in ("core", "incubator", "funding"):
            continue
        prefix = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert auditor.get(reverse(f"{prefix}_changelist")).status_code == 200, model
        assert auditor.get(reverse(f"{prefix}_add")).status_code == 403, model
        found = model._default_manager.first()
        if found is not None and model_admin.has_view_permission:
            assert (
                auditor.post(reverse(f"{prefix}_delete", args=[found.pk]), {"post": "yes"}).status_code == 403
            ), model
            assert auditor.post(reverse(f"{prefix}_change", args=[found.pk]), {}).status_code in (403, 404), (
                model
            )


# --- acts


def test_administrator_sets_roles_by_the_service(english_client, people):
    target = make_user("New Officer")
    page = english_client("administrator").get(reverse("admin:core_user_act", args=[target.pk, "roles"]))
    assert page.status_code == 200

    response = english_client("administrator").post(
        reverse("admin:core_user_act", args=[target.pk, "roles"]),
        {"roles": ["officer"], "once": "a1"},
        follow=True,
    )

    assert "The staff roles are set." in response.content.decode()
    assert set(target.groups.values_list("name", flat=True)) == {"officer"}
    entry = Entry.objects.get(action="user.set_roles")
    assert (entry.actor, entry.door, entry.after) == (
        people("administrator"),
        "admin",
        {"roles": ["officer"]},
    )


@pytest.mark.parametrize("role", [role for role in ROLES if role != "administrator"])
def test_nobody_else_sets_roles(client_of, role, people):
    target = make_user("New Officer")
    address = reverse("admin:core_user_act", args=[target.pk, "roles"])

    assert client_of(role).get(address).status_code in (403, 404)
    assert client_of(role).post(address, {"roles": ["lead"]}).status_code in (403, 404)
    assert list(target.groups.all()) == []


def test_refused_act_keeps_what_was_typed_and_changes_nothing(english_client, people):
    administrator = people("administrator")
    address = reverse("admin:core_user_act", args=[administrator.pk, "switch_off"])
    assert (
        address
        not in english_client("administrator")
        .get(reverse("admin:core_user_change", args=[administrator.pk]))
        .content.decode()
    )

    response = english_client("administrator").post(address, {"reason": "Leaving <soon>", "once": "b1"})

    page = response.content.decode()
    assert response.status_code == 200
    assert "You cannot switch off your own account." in page
    assert "Leaving &lt;soon&gt;" in page
    administrator.refresh_from_db()
    assert administrator.is_active


def test_refused_form_can_be_sent_again_and_a_done_one_cannot(english_client, people):
    client = english_client("administrator")
    address = reverse("admin:core_user_list_act", args=["invite_staff"])
    data = {"email": "new@people.example", "role": "officer", "language": "en", "once": "same"}

    client.post(address, {**data, "email": "no address"})
    client.post(address, data)
    response = client.post(address, data, follow=True)

    assert "This was already done." in response.content.decode()
    assert Invitation.objects.count() == 1
    assert Entry.objects.filter(action="invitation.send").count() == 1


def test_every_act_says_in_its_own_words_what_was_done():
    bare = [
        f"{model._meta.label} {act.name}"
        for model, model_admin in admin.site._registry.items()
        for act in getattr(model_admin, "acts", ())
        if not act.done
    ]
    assert bare == []


def test_an_act_says_what_happened_and_what_comes_next(english_client, people):
    invitation = invite_staff("a@people.example", actor=people("administrator"), role="officer")
    client = english_client("administrator")

    def said(act: str) -> list[str]:
        address = reverse("admin:core_invitation_act", args=[invitation.pk, act])
        return [str(message) for message in client.post(address, {}, follow=True).context["messages"]]

    assert said("resend") == ["A new invitation is on its way; the link sent before no longer works."]
    assert said("revoke") == ["The invitation is revoked; its link no longer works."]


def test_act_that_is_over_is_said_so_instead_of_shown(english_client, people):
    invitation = invite_staff("a@people.example", actor=people("administrator"), role="officer")
    client = english_client("administrator")
    client.post(reverse("admin:core_invitation_act", args=[invitation.pk, "revoke"]), {})
    invitation.refresh_from_db()
    assert invitation.revoked_at is not None

    response = client.get(reverse("admin:core_invitation_act", args=[invitation.pk, "resend"]), follow=True)

    assert response.redirect_chain[0][0] == reverse("admin:core_invitation_change", args=[invitation.pk])
    assert "This invitation is no longer open." in response.content.decode()


def test_resent_invitation_has_a_new_link_and_a_new_mail(client_of, people):
    invitation = invite_staff("a@people.example", actor=people("administrator"), role="officer")
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    before = Invitation.objects.get().token_digest

    client_of("administrator").post(reverse("admin:core_invitation_act", args=[invitation.pk, "resend"]), {})

    invitation.refresh_from_db()
    assert invitation.is_open
    assert invitation.token_digest != before
    assert Message.objects.filter(topic="notify", payload__kind="account.invitation").count() == 2


def test_unknown_act_and_foreign_record_are_not_found(client_of):
    client = client_of("administrator")

    assert client.get("/admin/core/user/999999/act/roles/").status_code == 404
    assert client.get(f"/admin/core/user/{make_user().pk}/act/nothing/").status_code == 404
    assert client.get("/admin/core/user/all/roles/").status_code == 404  # not offered for many


def test_act_without_transition_must_say_everything():
    with pytest.raises(TypeError):
        Act("something").bind(None)


# --- acts on many


def test_all_that_match_are_counted_then_done_each_with_its_own_reason(english_client):
    for _number in range(3):
        make_message()
    Message.objects.create(topic="notify", key="done", status=MessageStatus.DONE, done_at=timezone.now())
    client = english_client("administrator")
    address = reverse("admin:core_message_bulk", args=["retry"])

    page = client.get(address).content.decode()
    assert "Only what failed can be tried again." in page
    assert 'name="expected" value="3"' in page
    response = client.post(address, {"expected": "3", "once": "c1"}, follow=True)

    assert Message.objects.filter(status=MessageStatus.WAITING).count() == 3
    assert Entry.objects.filter(action="message.retry").count() == 3
    assert response.context["done"] == 3
    assert response.context["refused_count"] == 1


def test_filters_of_the_list_decide_what_matches(english_client):
    make_message()
    Message.objects.create(topic="notify", key="done", status=MessageStatus.DONE, done_at=timezone.now())
    client = english_client("administrator")
    address = reverse("admin:core_message_bulk", args=["retry"])

    response = client.get(f"{address}?status__exact=done")

    assert (response.context["total"], len(response.context["tally"].keys)) == (1, 0)


def test_ticked_rows_and_select_all_lead_to_the_same_page(english_client):
    first, second = make_message(), make_message()
    client = english_client("administrator")
    address = reverse("admin:core_message_changelist")

    ticked = client.post(
        address, {"action": "act_retry", "_selected_action": [first.pk], "select_across": "0"}
    )
    everything = client.post(
        f"{address}?status__exact=failed",
        {"action": "act_retry", "_selected_action": [first.pk], "select_across": "1"},
    )

    assert ticked["Location"] == f"/admin/core/message/all/retry/?_ids={first.pk}"
    assert everything["Location"] == "/admin/core/message/all/retry/?status__exact=failed"
    assert client.get(everything["Location"]).context["total"] == 2
    assert second.pk


def test_list_that_changed_meanwhile_is_shown_again_before_anything_is_done(english_client):
    make_message()
    client = english_client("administrator")
    address = reverse("admin:core_message_bulk", args=["retry"])
    client.get(address)
    make_message()

    response = client.post(address, {"expected": "1", "once": "d1"})

    assert "The list has changed since you looked at it." in response.content.decode()
    assert Message.objects.filter(status=MessageStatus.WAITING).count() == 0


def test_many_are_done_by_a_job(english_client, people, django_capture_on_commit_callbacks):
    for _number in range(60):
        make_message()
    client = english_client("administrator")

    response = client.post(
        reverse("admin:core_message_bulk", args=["retry"]), {"expected": "60", "once": "e1"}
    )

    job = Job.objects.get()
    assert response["Location"] == reverse("admin:core_job_change", args=[job.pk])
    assert (job.kind, job.owner) == ("admin.act", people("administrator"))
    run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.error) == ("done", "")
    assert (
        Message.objects.filter(topic="notify", key__startswith="test:", status=MessageStatus.WAITING).count()
        == 60
    )
    page = client.get(reverse("admin:core_job_change", args=[job.pk]))
    assert page.status_code == 200


# --- saving


def test_saving_leaves_one_entry_with_the_values_before_and_after(english_client, people):
    client = english_client("administrator")
    client.post(
        reverse("admin:core_specialday_add"),
        {"date": "2026-05-04", "name_zh_hans": "校庆", "name_en": "", "source": ""},
    )
    day = SpecialDay.objects.get()
    created = Entry.objects.get(action="specialday.create")
    assert created.actor == people("administrator")
    assert created.after["name_zh_hans"] == "校庆"
    address = reverse("admin:core_specialday_change", args=[day.pk])

    client.post(
        address, {"date": "2026-05-04", "name_zh_hans": "校庆日", "name_en": "Anniversary", "source": ""}
    )

    changed = Entry.objects.get(action="specialday.change")
    assert changed.before == {"name_zh_hans": "校庆", "name_en": None} or changed.before == {
        "name_zh_hans": "校庆",
        "name_en": "",
    }
    assert changed.after == {"name_zh_hans": "校庆日", "name_en": "Anniversary"}
    client.post(
        address, {"date": "2026-05-04", "name_zh_hans": "校庆日", "name_en": "Anniversary", "source": ""}
    )
    assert Entry.objects.filter(action="specialday.change").count() == 1  # nothing changed, nothing written
    client.post(reverse("admin:core_specialday_delete", args=[day.pk]), {"post": "yes"})
    assert Entry.objects.get(action="specialday.delete").before["name_en"] == "Anniversary"
    assert not SpecialDay.objects.exists()


def test_history_tells_who_changed_what(english_client):
    client = english_client("administrator")
    client.post(
        reverse("admin:core_specialday_add"), {"date": "2026-05-04", "name_zh_hans": "校庆", "name_en": "Day"}
    )
    day = SpecialDay.objects.get()

    page = client.get(reverse("admin:core_specialday_history", args=[day.pk])).content.decode()

    assert "created" in page
    assert "Administrator" in page
    assert "校庆" in page


def test_texts_in_two_languages_stand_side_by_side():
    assert side_by_side(SpecialDay, ["date", "name", "name_zh_hans", "name_en", "source"]) == [
        "date",
        ("name_zh_hans", "name_en"),
        "source",
    ]


def test_work_chats_address_is_never_shown_to_who_may_only_look(english_client):
    chat = ChatChannel.objects.create(name="Desk", url="wecombot://secret-key", kinds=[])

    page = (
        english_client("auditor")
        .get(reverse("admin:core_chatchannel_change", args=[chat.pk]))
        .content.decode()
    )
    listed = (
        english_client("administrator").get(reverse("admin:core_chatchannel_changelist")).content.decode()
    )

    assert "secret-key" not in page
    assert "secret-key" not in listed


@pytest.mark.parametrize(
    "inside", ["json://127.0.0.1:6379/", "mailto://a:b@example.com", "wecombot:", "FORM://x/"]
)
def test_a_work_chat_is_one_of_the_known_services_and_no_address_of_anyones_choice(english_client, inside):
    lead = english_client("lead")
    form = {"name": "Desk", "kinds": [], "active": "on"}

    refused = lead.post(reverse("admin:core_chatchannel_add"), {**form, "url": inside})
    assert "Possible here: wecombot://, dingtalk://, feishu://, lark://." in refused.content.decode()
    assert not ChatChannel.objects.exists()

    lead.post(reverse("admin:core_chatchannel_add"), {**form, "url": "WeComBot://some-key"})
    assert ChatChannel.objects.get().url == "WeComBot://some-key"


@pytest.mark.parametrize(
    ("typed", "fen"),
    [("1234567.5", 123456750), ("¥1,234,567.50", 123456750), ("50 万", 50000000), ("", None)],
)
def test_money_is_typed_in_yuan_and_kept_in_fen(typed, fen):
    assert YuanField(required=False).clean(typed) == fen


@pytest.mark.parametrize("typed", ["abc", "-5", "1e9", "9" * 30])
def test_what_is_no_amount_is_refused(typed):
    with pytest.raises(forms.ValidationError):
        YuanField().clean(typed)


def test_money_is_shown_in_yuan():
    assert YuanField().prepare_value(123456750) == "1234567.50"


# --- lists


def test_count_stops_at_the_cap():
    User.objects.bulk_create([User(email=f"u{number}@x.example", name="u") for number in range(12)])

    assert str(capped_count(User.objects.filter(name="u"), 10)) == "10+"
    assert str(capped_count(User.objects.filter(name="u"), 20)) == "12"
    assert (Count(10_000, more=True), str(Count(CAP, more=True))) == (10_000, "10,000+")


def test_deep_pages_have_the_same_rows_in_the_same_order():
    User.objects.bulk_create([User(email=f"u{number}@x.example", name="u") for number in range(600)])
    rows = User.objects.filter(name="u").order_by("-id")

    page = CappedPaginator(rows, 50, page=12).page(12)

    assert [user.pk for user in page.object_list] == list(rows.values_list("pk", flat=True)[550:600])
    assert page.has_next() is False


@pytest.mark.parametrize(
    "name",
    [
        "core_user",
        "core_invitation",
        "core_entry",
        "core_message",
        "core_policyvalue",
        "core_specialday",
        "core_job",
    ],
)
def test_list_costs_the_same_at_one_row_and_at_thirty(client_of, people, name, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def make(count):
        administrator = people("administrator")
        for number in range(count):
            tag = f"{name}{count}-{number}"
            record("user.update_profile", make_user(), actor=administrator, after={"name": "x"})
            make_message()
            invite_staff(f"{tag}@people.example", actor=administrator, role="officer")
            SpecialDay.objects.create(
                date=timezone.localdate() + timedelta(days=count * 100 + number), working=True
            )
            PolicyValue.objects.create(
                key=f"test.k{count}_{number}",
                label="x",
                value=Decimal(1),
                unit="count",
                effective_from="2026-01-01",
            )
            Job.objects.create(kind="admin.act", owner=make_user(), params={"n": tag})

    client = client_of("superuser")
    address = reverse(f"admin:{name}_changelist")
    make(1)
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        assert client.get(address).status_code == 200
    make(29)
    with CaptureQueriesContext(connection) as many:
        assert client.get(address).status_code == 200

    assert len(many) == len(few)
    assert len(many) <= 12


# --- audit


def test_chain_is_checked_and_its_head_exported(english_client, people):
    record("user.update_profile", people("officer"), actor=people("administrator"), after={"name": "x"})
    seal_entries()
    client = english_client("auditor")
    address = reverse("admin:core_entry_verify")

    assert "The chain is whole." in client.post(address, {"expected": ""}).content.decode()
    assert (
        "does not pass through the head"
        in client.post(address, {"expected": "0" * 63 + "1"}).content.decode()
    )
    exported = client.get(f"{address}?export=1").content.decode().split()
    assert "The chain is whole." in client.post(address, {"expected": exported[0]}).content.decode()
    assert "64 characters" in client.post(address, {"expected": "nonsense"}).content.decode()


def test_system_administrator_reads_no_entry_about_the_parks_records(client_of, people):
    entry = record("user.update_profile", people("officer"), actor=people("administrator"))
    Entry.objects.create(
        action="application.submit",
        object_type="funding.application",
        object_id="1",
        object_label="X",
        door="web",
    )
    foreign = Entry.objects.get(object_type="funding.application")

    client = client_of("administrator")

    assert client.get(reverse("admin:core_entry_change", args=[entry.pk])).status_code == 200
    assert client.get(reverse("admin:core_entry_change", args=[foreign.pk])).status_code == 404
    assert client_of("auditor").get(reverse("admin:core_entry_change", args=[foreign.pk])).status_code == 200


# --- search


def test_search_finds_menu_lines_and_tolerates_everything(english_client):
    client = english_client("administrator")

    found = client.get("/admin/search/?s=peop", headers={"X-Requested-With": "fetch"}).content.decode()
    assert reverse("admin:core_user_changelist") in found
    for text in ("", "%00", "x" * 5000, "𠮷😀", "' OR 1=1 --"):
        assert client.get("/admin/search/", {"s": text}).status_code == 200


def test_a_list_says_when_it_is_not_what_the_address_asked_for(client_of):
    address = reverse("admin:core_job_changelist")
    page = client_of("lead").get(f"{address}?created_at__gte=never", follow=True)
    assert page.redirect_chain == [(address, 302)]
    assert [str(message) for message in page.context["messages"]] == [
        "此列表没有这样的筛选条件，已将其去掉后显示：created_at__gte=never"
    ]
    assert not list(client_of("lead").get(address).context["messages"])


def test_empty_list_says_where_its_records_come_from(client_of):
    client = client_of("administrator")
    client.cookies["django_language"] = "en"
    page = client.get(reverse("admin:core_invitation_changelist")).content.decode()
    assert "Nothing here yet." in page
    assert "Staff are invited from the list of users" in page


def test_nothing_in_a_cell_is_one_dash_everywhere(client_of):
    make_user()  # never signed in, no staff role
    page = client_of("administrator").get(reverse("admin:core_user_changelist")).content.decode()
    cells = [
        strip_tags(cell.partition(">")[2].partition("</td>")[0]).strip() for cell in page.split("<td")[1:]
    ]
    assert cells.count("—") >= 2
    assert "-" not in cells
