import datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from django.conf import settings
from django.db.models import Sum
from django.utils.translation import override

from incubator.models import ProjectMember, ResearchProject
from park_portal.core.audit.models import Entry
from park_portal.core.errors import DomainError, Forbidden, IllegalTransition
from park_portal.core.imports.models import ImportBatch, ImportedRow
from park_portal.core.imports.services import apply_batch, check_batch, discard_batch, open_batch, undo_batch
from tests.factories.core import make_staff, make_user
from tests.factories.incubator import make_faculty, make_project_member, make_university
from tests.incubator.sheets import NSFC_HEADINGS, nsfc_row, nsfc_workbook, workbook

pytestmark = pytest.mark.django_db

TRIAL = Path(settings.BASE_DIR).parent / "shared" / "data" / "nsfc-2019-C0501.xlsx"


@pytest.fixture
def officer():
    return make_staff("officer")


def checked(content, actor, **options):
    batch = open_batch(
        content, kind="incubator.researchproject", file_name="projects.xlsx", actor=actor, options=options
    )
    return check_batch(batch, actor=actor)


def imported(content, actor, **options):
    return apply_batch(checked(content, actor, **options), actor=actor)


def told(batch, language="en"):
    return [(error["row"], error["heading"], error["message"][language]) for error in batch.report["errors"]]


def test_check_keeps_nothing(officer):
    batch = checked(nsfc_workbook(3), officer)
    assert batch.report["counts"] == {"created": 3, "updated": 0, "unchanged": 0, "errors": 0, "warnings": 1}
    assert (ResearchProject.objects.count(), ProjectMember.objects.count(), ImportedRow.objects.count()) == (
        0,
        0,
        0,
    )
    assert not Entry.objects.filter(action="project.register").exists()


def test_apply_brings_every_cell_of_the_foundations_list(officer):
    university = make_university("复旦大学")
    imported(nsfc_workbook(2), officer)
    project = ResearchProject.objects.get(grant_number="31950410001")
    assert {
        "title": project.title_zh_hans,
        "pi": project.principal_investigator,
        "source": project.source,
        "programme": project.programme,
        "discipline": project.discipline,
        "codes": project.subject_codes,
        "subjects": project.subject_names,
        "year": project.approval_year,
        "amount": project.amount_fen,
        "dates": (project.starts_on, project.ends_on),
        "place": (project.university, project.institution_text),
        "keywords": (project.keywords_zh, project.keywords_en),
        "state": project.state,
    } == {
        "title": "膜蛋白结构生物学研究1",
        "pi": "研究者1",
        "source": "NSFC",
        "programme": "国际（地区）合作与交流项目",
        "discipline": "生命科学部",
        "codes": ["C05", "C0501", "C050101"],
        "subjects": ["生物物理与生物化学", "分子生物物理", "生物分子结构测定与功能"],
        "year": 2019,
        "amount": 34_500_000,
        "dates": (datetime.date(2020, 1, 1), datetime.date(2021, 12, 31)),
        "place": (university, ""),
        "keywords": ([], []),
        "state": "registered",
    }
    assert list(project.team.values_list("name", "role")) == [("研究者1", "pi")]


def test_apply_puts_an_english_title_where_it_belongs_and_keeps_unknown_institutions_as_written(officer):
    imported(
        nsfc_workbook(1, title="Nucleation of the autophagosome.", institution="香港中文大学（深圳）"),
        officer,
    )
    project = ResearchProject.objects.get()
    assert (project.title_zh_hans, project.title_en) == (None, "Nucleation of the autophagosome.")
    assert (project.university, project.institution_text) == (None, "香港中文大学（深圳）")
    with override("zh-hans"):
        assert project.title == "Nucleation of the autophagosome."


def test_check_reports_columns_ignored_and_empty(officer):
    rows = [[*NSFC_HEADINGS, "内部备注", "空列"], [*nsfc_row(1), "甲", None]]
    report = checked(workbook(*rows), officer).report
    assert report["ignored"] == [{"letter": "V", "heading": "内部备注", "filled": 1}]
    assert [column["heading"] for column in report["empty"]] == [
        "project_type_code",
        "abstract_conc",
        "result_stat",
        "空列",
    ]
    assert report["layout"]["en"].startswith("Result list of the National Natural Science Foundation")


def test_chinese_headings_below_a_merged_banner_come_in(officer):
    rows = [
        ["2026年度在研项目汇总", None, None, None, None],
        ["项目名称", "负责人*", "批准金额（万元）", "起始年月", "Ｔ Ｒ Ｌ"],
        ["蛋白质设计", "陈思远", "1,200", "2024年3月", 4],
        ["合计", None, 1200, None, None],
    ]
    batch = imported(workbook(*rows), officer)
    project = ResearchProject.objects.get()
    assert (project.title_zh_hans, project.amount_fen, project.starts_on, project.trl) == (
        "蛋白质设计", 1_200_000_000, datetime.date(2024, 3, 1), 4,
    )  # fmt: skip
    assert batch.report["skipped"] == [4]


def test_errors_name_row_and_column_in_both_languages_and_nothing_comes_in(officer):
    rows = [
        NSFC_HEADINGS,
        nsfc_row(1),
        nsfc_row(2, money="若干"),
        nsfc_row(3, start_time=datetime.datetime(1899, 12, 31)),  # noqa: DTZ001 - Excel knows no time zones
        nsfc_row(4, project_id=3.195e17),
        nsfc_row(1),
        nsfc_row(6, person=None),
        nsfc_row(7, end_time=201901),
        nsfc_row(8, money="=A1+1"),
        nsfc_row(9, title="长" * 400),
        nsfc_row(10, money=-5),
        nsfc_row(11, subject_code="一级：C06"),
    ]
    batch = checked(workbook(*rows), officer)
    places = [(error["row"], error["heading"]) for error in batch.report["errors"]]
    assert places == [
        (3, "money"), (4, "start_time"), (5, "project_id"), (6, None), (7, "person"), (8, "end_time"), (9, "money"),
        (10, "title"), (11, "money"), (12, "subject_code_list"),
    ]  # fmt: skip
    english = told(batch)
    assert english[0][2] == "“若干” is not an amount."
    assert english[3][2] == "The same as row 2: each may appear only once in a file."
    assert all(error["message"]["zh-hans"] for error in batch.report["errors"])
    with pytest.raises(DomainError):
        apply_batch(batch, actor=officer)
    batch.refresh_from_db()
    assert (batch.state, ResearchProject.objects.count(), ImportedRow.objects.count()) == ("checked", 0, 0)


def test_amounts_without_a_unit_ask_for_one_and_are_read_once_it_is_chosen(officer):
    rows = [["项目名称", "负责人", "金额"], ["蛋白质设计", "陈思远", 34]]
    batch = checked(workbook(*rows), officer)
    assert [(row, heading) for row, heading, _message in told(batch)] == [(2, "金额")]
    apply_batch(
        check_batch(batch, actor=officer, options={"unit": "yuan", "source": "企业委托"}), actor=officer
    )
    assert ResearchProject.objects.values_list("amount_fen", "source").get() == (3400, "企业委托")


def test_importing_again_changes_only_what_differs_and_never_erases(officer):
    imported(nsfc_workbook(3), officer)
    ResearchProject.objects.update(trl=3)
    batch = checked(
        workbook(NSFC_HEADINGS, nsfc_row(0), nsfc_row(1, money=99, subject=None), nsfc_row(2)), officer
    )
    counts = batch.report["counts"]
    assert (counts["created"], counts["updated"], counts["unchanged"]) == (0, 1, 2)
    [changed] = [row for row in batch.report["rows"] if row["action"] == "updated"]
    assert changed["changes"] == {"amount_fen": [34_500_000, 99_000_000]}
    apply_batch(batch, actor=officer)
    project = ResearchProject.objects.get(grant_number="31950410001")
    assert (project.amount_fen, project.discipline, project.trl) == (99_000_000, "生命科学部", 3)


def test_a_second_click_imports_once(officer):
    batch = imported(nsfc_workbook(2), officer)
    with pytest.raises(IllegalTransition):
        apply_batch(batch, actor=officer)
    assert ResearchProject.objects.count() == 2


def test_undo_deletes_what_was_created_and_restores_what_was_changed(officer):
    imported(nsfc_workbook(1), officer)
    before = ResearchProject.objects.values().get()
    batch = imported(workbook(NSFC_HEADINGS, nsfc_row(0, money=99, start_time=201906), nsfc_row(1)), officer)
    assert (batch.rows_created, batch.rows_updated) == (1, 1)
    undo_batch(batch, actor=officer)
    after = ResearchProject.objects.values().get()
    assert {**after, "updated_at": None} == {**before, "updated_at": None}
    assert batch.state == "undone"
    assert Entry.objects.filter(action="import.undo", facts__batch=batch.pk).count() == 3
    with pytest.raises(IllegalTransition):
        undo_batch(batch, actor=officer)


def test_undo_refuses_with_a_reason_for_each_row_changed_used_or_gone(officer):
    batch = imported(nsfc_workbook(4), officer)
    first, second, third, _fourth = ResearchProject.objects.order_by("id")
    ResearchProject.objects.filter(pk=first.pk).update(trl=5)
    make_project_member(second, make_user("Bob"))
    ProjectMember.objects.filter(project=third).delete()
    ResearchProject.objects.filter(pk=third.pk).delete()
    with override("en"), pytest.raises(DomainError) as refused:
        undo_batch(batch, actor=officer)
    reasons = sorted(str(problem.message) for problem in refused.value.problems)
    assert [reason.split(":")[0].split(",")[0] for reason in reasons] == ["Row 2", "Row 3", "Row 4", "Row 4"]
    assert "changed since: technology readiness level" in reasons[0]
    assert "used since: team members (1)" in reasons[1]
    batch.refresh_from_db()
    assert (batch.state, ResearchProject.objects.count()) == ("applied", 3)


def test_faculties_are_found_by_name_and_unknown_ones_remarked(officer):
    university = make_university("复旦大学")
    biology = make_faculty(university, "生命科学学院")
    rows = [
        ["项目名称", "负责人", "单位", "院系"],
        ["甲", "陈", "复旦大学", "生命科学学院"],
        ["乙", "林", "复旦大学", "魔法学院"],
    ]
    batch = imported(workbook(*rows), officer)
    assert dict(ResearchProject.objects.values_list("title_zh_hans", "faculty")) == {
        "甲": biology.pk,
        "乙": None,
    }
    assert [(warning["row"], warning["heading"]) for warning in batch.report["warnings"]] == [(3, "院系")]


def test_finished_projects_come_in_completed(officer):
    imported(nsfc_workbook(1, finished=True), officer)
    assert ResearchProject.objects.get().state == "completed"


def test_the_sheet_with_the_data_is_found_among_several(officer):
    content = workbook(
        ["说明"], ["请勿修改"], name="说明", also={"数据": [["项目名称", "负责人"], ["甲", "陈"]]}
    )
    batch = checked(content, officer)
    assert (batch.report["sheet"], batch.report["sheets"]) == ("数据", ["说明", "数据"])


def test_a_missing_required_column_is_named(officer):
    batch = checked(workbook(["项目名称"], ["甲"]), officer)
    assert [(row, heading) for row, heading, _message in told(batch)] == [(None, None)]
    assert "负责人" in told(batch)[0][2]


def test_a_csv_file_comes_in(officer):
    imported("项目名称,负责人,金额(元)\n蛋白质设计,陈思远,1200\n".encode("gb18030"), officer)
    assert ResearchProject.objects.get().amount_fen == 120_000


def test_importing_is_for_officers():
    for person in (
        make_user("Charlie"),
        make_staff("auditor"),
        make_staff("administrator"),
        make_staff("finance"),
    ):
        with pytest.raises(Forbidden):
            open_batch(nsfc_workbook(1), kind="incubator.researchproject", file_name="a.xlsx", actor=person)
    assert ImportBatch.objects.count() == 0


def test_discard_puts_the_file_aside(officer):
    batch = discard_batch(checked(nsfc_workbook(1), officer), actor=officer)
    assert batch.state == "discarded"
    with pytest.raises(IllegalTransition):
        apply_batch(batch, actor=officer)


@pytest.mark.skipif(
    not TRIAL.exists(), reason="the trial input lies beside the repository on some machines only"
)
def test_the_trial_input_comes_in_whole(officer):
    sheet = openpyxl.load_workbook(TRIAL)["NSFC-RESULT"]
    headings, *rows = sheet.iter_rows(values_only=True)
    records = [dict(zip(headings, row, strict=True)) for row in rows]
    batch = imported(TRIAL.read_bytes(), officer)
    assert (len(records), batch.rows_created, batch.report["errors"]) == (85, 85, [])
    kept = {project.grant_number: project for project in ResearchProject.objects.all()}
    for record in records:
        project = kept[record["project_id"]]
        assert record["title"] in (project.title_zh_hans, project.title_en)
        assert project.amount_fen == int(Decimal(repr(record["money"])) * 1_000_000)
        assert (project.principal_investigator, project.institution_text, project.programme, project.discipline) == (
            record["person"], record["institution"], record["project_type"], record["subject"],
        )  # fmt: skip
        assert int(project.starts_on.strftime("%Y%m")) == record["start_time"]
        assert int(project.ends_on.strftime("%Y%m")) == record["end_time"]
        assert (
            "，".join(
                f"{level}级：{code}" for level, code in zip("一二三", project.subject_codes, strict=True)
            )
            == (record["subject_code"])
        )
    total = sum(Decimal(repr(record["money"])) for record in records)
    assert ResearchProject.objects.aggregate(total=Sum("amount_fen"))["total"] == int(total * 1_000_000)
    undo_batch(batch, actor=officer)
    assert ResearchProject.objects.count() == 0
