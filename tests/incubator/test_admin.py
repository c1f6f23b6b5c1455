import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from incubator.models import Membership, Organisation, ResearchProject
from park_portal.core.audit.models import Entry
from park_portal.core.imports import admin as imports_admin
from park_portal.core.imports.models import ImportBatch
from park_portal.core.jobs.models import Job
from park_portal.core.jobs.services import run_job
from tests.factories.core import make_user
from tests.factories.incubator import make_code, make_organisation, make_project
from tests.incubator.sheets import NSFC_HEADINGS, nsfc_row, nsfc_workbook, workbook

pytestmark = pytest.mark.django_db

UPLOAD = "admin:incubator_researchproject_import_rows"


def upload(client, content, name="projects.xlsx"):
    return client.post(reverse(UPLOAD), {"file": SimpleUploadedFile(name, content)})


def test_import_from_file_to_undo(client_of):
    client = client_of("officer")
    response = upload(client, nsfc_workbook(3))
    batch = ImportBatch.objects.get()
    assert response.url == batch.get_absolute_url()
    page = client.get(response.url)
    assert (page.context["ready"], page.context["to_import"], ResearchProject.objects.count()) == (True, 3, 0)
    assert client.post(response.url, {"act": "apply"}).status_code == 302
    assert ResearchProject.objects.count() == 3
    assert client.post(response.url, {"act": "apply"}).status_code == 200
    assert ResearchProject.objects.count() == 3
    assert client.post(response.url, {"act": "undo", "confirmed": "1"}).status_code == 302
    assert ResearchProject.objects.count() == 0
    actions = (
        Entry.objects.filter(object_type="core.importbatch").order_by("id").values_list("action", flat=True)
    )
    assert list(actions) == ["import.open", "import_batch.apply", "import_batch.undo"]


def test_import_page_lists_errors_by_row_and_column_in_the_readers_language(client_of, settings):
    client = client_of("officer")
    content = workbook(NSFC_HEADINGS, nsfc_row(1, money="若干"))
    address = upload(client, content).url
    settings_cookie = settings.LANGUAGE_COOKIE_NAME
    for language, words in (("en", "is not an amount"), ("zh-hans", "不是金额")):
        client.cookies[settings_cookie] = language
        page = client.get(address).content.decode()
        assert words in page
        assert "Q · money" in page
    refused = client.post(address, {"act": "apply"})
    assert (refused.status_code, ResearchProject.objects.count()) == (200, 0)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "a.xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, "a.xlsx"),
        (b"%PDF-1.7", "a.xlsx"),
        (b"x" * 11_000_000, "a.csv"),
    ],
)
def test_import_of_something_else_is_refused_beside_the_field(content, name, client_of):
    response = upload(client_of("officer"), content, name)
    assert response.status_code == 200
    assert list(response.context["form"].errors) == ["file"]
    assert ImportBatch.objects.count() == 0


def test_import_is_for_officers(client_of, people):
    address = upload(client_of("officer"), nsfc_workbook(1)).url
    for who in ("finance", "administrator", "fund_manager"):
        assert client_of(who).get(reverse(UPLOAD)).status_code == 403
        assert client_of(who).get(address).status_code == 404
        assert client_of(who).post(address, {"act": "apply"}).status_code == 404
    assert client_of("stranger").get(address).status_code in (302, 403)
    assert client_of("auditor").get(address).status_code == 200
    assert client_of("auditor").post(address, {"act": "apply"}).status_code == 403
    assert ResearchProject.objects.count() == 0


def test_an_import_is_undone_by_the_second_click_and_once(client_of):
    client = client_of("officer")
    address = upload(client, nsfc_workbook(2)).url
    client.post(address, {"act": "apply"})

    def stands() -> tuple[str, int, int]:
        undone = Entry.objects.filter(action__in=["import.undo", "import_batch.undo"])
        return ImportBatch.objects.get().state, ResearchProject.objects.count(), undone.count()

    assert client.get(address, {"act": "undo", "confirmed": "1"}).status_code == 200
    assert stands() == ("applied", 2, 0)
    asked = client.post(address, {"act": "undo"})
    assert (asked.status_code, asked.context["confirm_undo"]) == (200, True)
    assert stands() == ("applied", 2, 0)
    assert client_of("auditor").post(address, {"act": "undo", "confirmed": "1"}).status_code == 403
    assert client_of("stranger").post(address, {"act": "undo", "confirmed": "1"}).status_code in (302, 403)
    assert stands() == ("applied", 2, 0)

    assert client.post(address, {"act": "undo", "confirmed": "1"}).status_code == 302
    assert stands() == ("undone", 0, 5)
    for data in ({"act": "undo", "confirmed": "1"}, {"act": "undo"}):
        client.post(address, data)
        assert stands() == ("undone", 0, 5)


def test_undo_that_is_refused_names_the_rows(client_of):
    client = client_of("officer")
    address = upload(client, nsfc_workbook(2)).url
    client.post(address, {"act": "apply"})
    ResearchProject.objects.filter(grant_number="31950410000").update(trl=5)
    response = client.post(address, {"act": "undo", "confirmed": "1"})
    assert response.status_code == 200
    assert len(response.context["problems"]) == 1
    assert ResearchProject.objects.count() == 2


def test_options_are_asked_and_the_file_read_again(client_of):
    client = client_of("officer")
    address = upload(client, workbook(["项目名称", "负责人", "金额"], ["甲", "陈", 34])).url
    assert client.get(address).context["ready"] is False
    client.post(address, {"act": "check", "unit": "wan", "source": "企业委托"})
    assert client.get(address).context["ready"] is True
    client.post(address, {"act": "apply"})
    assert ResearchProject.objects.values_list("amount_fen", "source").get() == (34_000_000, "企业委托")


def test_large_files_are_done_by_a_worker(client_of, monkeypatch):
    monkeypatch.setattr(imports_admin, "LARGE", 1)
    client = client_of("officer")
    address = upload(client, nsfc_workbook(3)).url
    job = Job.objects.get(kind="imports.check")
    assert client.get(address).context["running"] == job
    assert run_job(job.pk)
    assert client.get(address).context["ready"] is True
    client.post(address, {"act": "apply"})
    client.post(address, {"act": "apply"})
    [job] = Job.objects.filter(kind="imports.apply")
    assert run_job(job.pk)
    assert ResearchProject.objects.count() == 3


def test_organisation_is_registered_once_the_officer_has_seen_the_near_duplicate(client_of):
    make_organisation("上海澄光生物科技有限公司", uscc=None)
    client, address = client_of("officer"), reverse("admin:incubator_organisation_add")
    values = {"name_zh_hans": "澄光生物(上海)有限公司", "kind": "startup", "technology_field": "ai"}
    assert client.post(address, values).status_code == 200
    assert Organisation.objects.count() == 1
    assert client.post(address, {**values, "not_a_duplicate": "on"}).status_code == 302
    assert Entry.objects.filter(action="organisation.create").count() == 1


def inline(membership, **values):
    return {
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": membership.pk,
        "memberships-0-organisation": membership.organisation_id,
        "memberships-0-user": membership.user_id,
        "memberships-0-role": membership.role,
        **values,
    }


def test_members_in_the_admin_keep_an_owner(client_of):
    organisation = make_organisation(owner=make_user("Alice"))
    membership = Membership.objects.get()
    address = reverse("admin:incubator_organisation_change", args=[organisation.pk])
    values = {
        "name_zh_hans": organisation.name_zh_hans,
        "uscc": organisation.uscc,
        "kind": "startup",
        "technology_field": "other",
    }
    response = client_of("officer").post(
        address, values | inline(membership, **{"memberships-0-role": "viewer"})
    )
    assert response.status_code == 200
    membership.refresh_from_db()
    assert membership.role == "owner"


def test_merge_side_by_side(client_of):
    keep = make_organisation("上海澄光生物科技有限公司", uscc=None)
    gone = make_organisation(
        "澄光生物(上海)有限公司", uscc=make_code(3), district="青浦区", owner=make_user("Alice")
    )
    client = client_of("officer")
    assert str(gone) in client.get(reverse("admin:incubator_organisation_duplicates")).content.decode()
    assert (
        str(gone)
        in client.get(reverse("admin:incubator_organisation_merge", args=[keep.pk])).content.decode()
    )
    address = reverse("admin:incubator_organisation_compare", args=[keep.pk, gone.pk])
    assert client.get(address).status_code == 200
    assert client_of("finance").post(address, {"keep": "left"}).status_code == 403
    response = client.post(
        address, {"keep": "left", "value-name_zh_hans": "right", "value-district": "right"}
    )
    assert response.status_code == 302
    keep.refresh_from_db()
    assert (keep.name_zh_hans, keep.uscc, keep.district) == ("澄光生物(上海)有限公司", make_code(3), "青浦区")
    assert keep.memberships.count() == 1
    assert client.get(address).status_code == 404


def test_merge_of_two_legal_bodies_is_refused_on_the_page(client_of):
    left, right = make_organisation(), make_organisation()
    response = client_of("officer").post(
        reverse("admin:incubator_organisation_compare", args=[left.pk, right.pk]), {"keep": "left"}
    )
    assert response.status_code == 200
    assert Organisation.objects.filter(state="merged").count() == 0


def test_project_acts_and_editing_leave_entries(client_of):
    project = make_project(amount_fen=100)
    client = client_of("officer")
    address = reverse("admin:incubator_researchproject_change", args=[project.pk])
    values = {
        "title_zh_hans": "新题目",
        "principal_investigator": project.principal_investigator,
        "amount_fen": "500000",
        "team-TOTAL_FORMS": "0",
        "team-INITIAL_FORMS": "0",
    }
    assert client.post(address, values).status_code == 302
    project.refresh_from_db()
    assert (project.title_zh_hans, project.amount_fen) == ("新题目", 50_000_000)
    act = reverse("admin:incubator_researchproject_act", args=[project.pk, "start"])
    assert client.post(act, {}).status_code == 302
    project.refresh_from_db()
    assert project.state == "active"
    assert Entry.objects.filter(object_id=str(project.pk), action="project.update").count() == 1
