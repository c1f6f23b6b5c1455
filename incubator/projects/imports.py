"""Research projects from Excel."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from incubator.organisations.models import Organisation
from incubator.organisations.names import normalise_name
from incubator.organisations.states import OrganisationState
from incubator.projects.models import ResearchProject
from incubator.projects.services import keep_imported_project
from park_portal.core.imports.cells import (
    parse_amount,
    parse_boolean,
    parse_date,
    parse_end_date,
    parse_identifier,
    parse_integer,
    parse_levels,
    parse_list,
    parse_long_text,
)
from park_portal.core.imports.registry import Column, ImportKind, Layout, Values, Warned, register_import

_CHINESE = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")


@register_import
class ProjectImport(ImportKind):
    """Research projects, known by source and grant number, else by title and principal investigator."""

    name = "incubator.researchproject"
    label = _("Research projects")
    model = ResearchProject
    rule = "incubator.import_projects"
    explanation = _(
        "One row a project. A row whose source and grant number are already registered changes that project; "
        "empty cells leave it as it is. Dates may be months (202001): a start means the first day, an end the last."
    )
    asks_unit = True
    asks_source = True
    columns = (
        Column(
            "title",
            _("Title"),
            (
                "项目名称",
                "项目题目",
                "题目",
                "课题名称",
                "标题",
                "title",
                "project title",
                "project name",
                "name",
            ),
            required=True,
            virtual=True,
        ),
        Column(
            "title_en",
            _("Title in English"),
            ("英文题目", "英文名称", "项目英文名称", "English title", "title en"),
        ),
        Column(
            "grant_number",
            _("Grant number"),
            (
                "项目批准号",
                "批准号",
                "项目编号",
                "编号",
                "课题编号",
                "资助号",
                "合同编号",
                "project id",
                "project number",
                "grant number",
                "grant no",
                "grant id",
                "award number",
            ),
            parse=parse_identifier,
        ),
        Column(
            "source",
            _("Source of funding"),
            (
                "来源",
                "项目来源",
                "资助机构",
                "资助来源",
                "经费来源",
                "source",
                "funder",
                "funding source",
                "funding agency",
            ),
        ),
        Column(
            "programme",
            _("Programme"),
            (
                "项目类型",
                "资助类别",
                "项目类别",
                "计划类别",
                "programme",
                "program",
                "project type",
                "grant type",
                "scheme",
            ),
        ),
        Column(
            "approval_year",
            _("Year of approval"),
            ("批准年度", "立项年度", "立项年份", "批准年份", "年度", "approval year", "year", "award year"),
            parse=parse_integer,
        ),
        Column(
            "principal_investigator",
            _("Principal investigator"),
            (
                "负责人",
                "项目负责人",
                "课题负责人",
                "主持人",
                "姓名",
                "person",
                "pi",
                "principal investigator",
                "investigator",
                "project leader",
            ),
            required=True,
        ),
        Column(
            "institution",
            _("University or institute"),
            (
                "依托单位",
                "单位",
                "所在单位",
                "承担单位",
                "机构",
                "学校",
                "高校",
                "institution",
                "university",
                "organisation",
                "organization",
                "host institution",
                "affiliation",
            ),
            virtual=True,
        ),
        Column(
            "faculty_name",
            _("Faculty"),
            ("院系", "学院", "所在院系", "院系所", "部门", "faculty", "school", "department"),
            virtual=True,
        ),
        Column(
            "discipline",
            _("Discipline"),
            ("学部", "学科", "科学部", "学科领域", "subject", "discipline", "division"),
        ),
        Column(
            "subject_codes",
            _("Subject codes"),
            ("学科代码", "申请代码", "学科分类代码", "subject code", "subject codes", "subject code list"),
            parse=parse_levels,
        ),
        Column(
            "subject_names",
            _("Subjects"),
            ("学科分类", "学科名称", "subject class list", "subject names", "subject class"),
            parse=parse_levels,
        ),
        Column(
            "amount_fen",
            _("Amount"),
            (
                "金额",
                "资助金额",
                "批准金额",
                "资助经费",
                "经费",
                "批准经费",
                "总经费",
                "直接费用",
                "money",
                "amount",
                "budget",
                "funding",
                "grant amount",
                "award amount",
            ),
            parse=parse_amount,
            money=True,
        ),
        Column(
            "starts_on",
            _("Starts on"),
            (
                "开始日期",
                "开始时间",
                "起始日期",
                "起始年月",
                "研究起始",
                "执行开始",
                "起始时间",
                "start",
                "start date",
                "start time",
                "starts on",
                "from",
            ),
            parse=parse_date,
        ),
        Column(
            "ends_on",
            _("Ends on"),
            (
                "结束日期",
                "结束时间",
                "终止日期",
                "截止日期",
                "结束年月",
                "终止年月",
                "研究终止",
                "完成日期",
                "end",
                "end date",
                "end time",
                "ends on",
                "until",
            ),
            parse=parse_end_date,
        ),
        Column(
            "trl",
            _("Technology readiness level"),
            ("技术成熟度", "成熟度", "技术就绪度", "trl", "technology readiness level"),
            parse=parse_integer,
        ),
        Column(
            "keywords_zh",
            _("Keywords in Chinese"),
            ("关键词", "中文关键词", "关键字", "keyword", "keywords", "keywords zh"),
            parse=parse_list,
        ),
        Column(
            "keywords_en",
            _("Keywords in English"),
            ("英文关键词", "keyword en", "keywords en", "English keywords"),
            parse=parse_list,
        ),
        Column(
            "summary_zh_hans",
            _("Summary in Chinese"),
            ("摘要", "中文摘要", "项目摘要", "简介", "abstract", "summary", "abstract zh"),
            parse=parse_long_text,
        ),
        Column(
            "summary_en",
            _("Summary in English"),
            ("英文摘要", "abstract en", "summary en", "English abstract"),
            parse=parse_long_text,
        ),
        Column(
            "finished",
            _("Completed"),
            ("是否结题", "已结题", "结题", "finished", "completed"),
            parse=parse_boolean,
            virtual=True,
        ),
    )
    derived = ("title_zh_hans", "title_en", "source", "university", "faculty", "institution_text")
    sources = {
        "title_zh_hans": "title",
        "title_en": "title",
        "university": "institution",
        "institution_text": "institution",
        "faculty": "faculty_name",
    }
    layouts = (
        Layout(
            _("Result list of the National Natural Science Foundation (amounts in 万元)"),
            frozenset({"projectid", "projecttype", "subjectcode", "person", "money", "approvalyear"}),
            {"unit": "wan", "source": "NSFC"},
        ),
    )

    @staticmethod
    def _source(values: Values, options: Values) -> str:
        return values.get("source") or options.get("source") or ""

    @staticmethod
    def _title_field(title: str) -> str:
        return "title_zh_hans" if _CHINESE.search(title) else "title_en"

    def describe(self, instance: Any) -> str:
        # The number is only given when the import is done.
        return str(instance.title)

    def key(self, values: Values, options: Values) -> Hashable | None:
        if values.get("grant_number"):
            return self._source(values, options), values["grant_number"]
        if values.get("title"):
            return values["title"], values.get("principal_investigator"), values.get("starts_on")
        return None

    def begin(self, rows: Sequence[Values], options: Values) -> None:
        numbers = {row["grant_number"] for row in rows if row.get("grant_number")}
        self.by_grant = {
            (project.source, project.grant_number): project
            for project in ResearchProject.objects.filter(grant_number__in=numbers)
        }
        texts = {row["institution"] for row in rows if row.get("institution")}
        plain = {normalise_name(text) for text in texts}
        # Which organisation a written name means; None where several could be meant.
        self.institutions: dict[str, Organisation | None] = {}
        stored = Organisation.objects.exclude(state=OrganisationState.MERGED).prefetch_related("faculties")
        for one in stored.filter(
            Q(name_zh_hans__in=texts)
            | Q(name_en__in=texts)
            | Q(normalised_name__in=plain)
            | Q(normalised_name_en__in=plain - {""})
        ):
            for name in {one.name_zh_hans, one.name_en, one.normalised_name, one.normalised_name_en}:
                if name:
                    self.institutions[name] = None if name in self.institutions else one
        self.told: set[str] = set()

    def find(self, values: Values, options: Values) -> models.Model | None:
        if values.get("grant_number"):
            return self.by_grant.get((self._source(values, options), values["grant_number"]))
        if not values.get("title"):
            return None
        same = ResearchProject.objects.filter(
            principal_investigator=values.get("principal_investigator", ""),
            grant_number__isnull=True,
            **{self._title_field(values["title"]): values["title"]},
        )[:2]
        if len(same) > 1:
            raise ValidationError(
                {
                    "title": ValidationError(
                        _("Several projects of this investigator have this title. Give the grant number."),
                        code="ambiguous",
                    )
                }
            )
        return same[0] if same else None

    def complete(self, instance: Any, values: Values, options: Values) -> list[Warned]:
        warnings = []
        title = values.get("title", "")
        if title and not (self._title_field(title) == "title_en" and values.get("title_en")):
            setattr(instance, self._title_field(title), title)
        if instance.pk is None or values.get("source"):
            instance.source = self._source(values, options)
        if instance.pk is None:
            # The number is given when the row is kept; the check before that wants one.
            instance.code = "-"
        instance.finished = values.get("finished", False)
        if values.get("institution"):
            warnings += self._place(instance, values["institution"], values.get("faculty_name", ""))
        return warnings

    def _place(self, instance: Any, text: str, faculty: str) -> list[Warned]:
        found = self.institutions.get(text) or self.institutions.get(normalise_name(text))
        if found is None:
            instance.institution_text = text
            if text in self.told:
                return []
            self.told.add(text)
            return [
                Warned(
                    "institution",
                    _("%(name)s is not registered as an organisation; its name is kept as written."),
                    {"name": text},
                )
            ]
        if instance.university_id not in (None, found.pk):
            instance.faculty = None
        instance.university, instance.institution_text = found, ""
        if not faculty:
            return []
        wanted = normalise_name(faculty)
        for one in found.faculties.all():
            if wanted in {
                normalise_name(one.name_zh_hans),
                normalise_name(one.name_en),
                one.code.lower() or None,
            }:
                instance.faculty = one
                return []
        return [
            Warned(
                "faculty_name",
                _("%(university)s has no faculty called %(name)s; it is left empty."),
                {"university": str(found.name_zh_hans), "name": faculty},
            )
        ]

    def save(self, instance: Any, *, is_create: bool, actor: Any, before: Values) -> list[models.Model]:
        return list(
            keep_imported_project(
                instance, is_create=is_create, actor=actor, before=before, finished=instance.finished
            )
        )
