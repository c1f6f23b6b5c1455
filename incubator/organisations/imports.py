"""Organisations from Excel."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from incubator.organisations.models import Organisation
from incubator.organisations.names import normalise_code
from incubator.organisations.services import keep_imported_organisation, near_duplicates
from incubator.organisations.states import OrganisationKind, OrganisationState, TechnologyField
from park_portal.core.imports.cells import (
    Cell,
    choice_parser,
    parse_date,
    parse_email_address,
    parse_identifier,
    parse_long_text,
    parse_website,
)
from park_portal.core.imports.registry import Column, ImportKind, Values, Warned, register_import

KIND_WORDS = {
    OrganisationKind.STARTUP: ("初创", "创业企业", "start-up"),
    OrganisationKind.COMPANY: ("公司", "企业法人", "有限公司", "enterprise", "firm"),
    OrganisationKind.UNIVERSITY: ("大学", "高等院校", "院校", "college"),
    OrganisationKind.INSTITUTE: (
        "研究所",
        "研究院",
        "科研院所",
        "研究机构",
        "institute",
        "researchinstitution",
    ),
    OrganisationKind.HOSPITAL: ("医疗机构", "clinic"),
    OrganisationKind.PUBLIC_BODY: ("事业单位", "政府", "机关", "政府机构", "government"),
}
FIELD_WORDS = {
    TechnologyField.AI: ("AI", "智能"),
    TechnologyField.BT: ("BT", "生物医药", "生物", "biotech", "医药"),
    TechnologyField.AI_BT: ("AI+BT", "人工智能+生物技术", "人工智能+生物医药"),
    TechnologyField.OTHER: ("其它",),
}
# What the last characters of a Chinese name tell about the kind of body, where the sheet says nothing.
ENDINGS = (
    (re.compile(r"(大学|学院|university|college)$", re.IGNORECASE), OrganisationKind.UNIVERSITY),
    (re.compile(r"(研究所|研究院|研究中心|institute)$", re.IGNORECASE), OrganisationKind.INSTITUTE),
    (re.compile(r"(医院|hospital)$", re.IGNORECASE), OrganisationKind.HOSPITAL),
)


def parse_code(value: Any, cell: Cell) -> str | None:
    """Returns the code in capital letters; its check character is checked with the record."""
    return normalise_code(parse_identifier(value, cell))


@register_import
class OrganisationImport(ImportKind):
    """Organisations, known by their Unified Social Credit Code, else by their exact name."""

    name = "incubator.organisation"
    label = _("Organisations")
    model = Organisation
    rule = "incubator.import_organisations"
    explanation = _(
        "One row an organisation. A row whose Unified Social Credit Code or exact name is already registered changes "
        "that record; empty cells leave it as it is."
    )
    columns = (
        Column(
            "name_zh_hans",
            _("Name in Chinese"),
            (
                "名称",
                "单位名称",
                "企业名称",
                "公司名称",
                "机构名称",
                "中文名称",
                "单位",
                "企业",
                "name",
                "organisation",
                "organization",
                "company",
                "company name",
                "Chinese name",
                "name zh",
                "name in Chinese",
            ),
            required=True,
        ),
        Column(
            "name_en",
            _("Name in English"),
            (
                "英文名称",
                "英文名",
                "单位英文名称",
                "企业英文名称",
                "English name",
                "name en",
                "name in English",
            ),
        ),
        Column(
            "uscc",
            _("Unified social credit code"),
            (
                "统一社会信用代码",
                "社会信用代码",
                "信用代码",
                "统一信用代码",
                "信用代码证号",
                "USCC",
                "credit code",
                "unified social credit code",
                "social credit code",
            ),
            parse=parse_code,
        ),
        Column(
            "kind",
            _("Kind"),
            ("类型", "机构类型", "单位类型", "单位性质", "企业类型", "kind", "type", "organisation type"),
            parse=choice_parser(OrganisationKind, KIND_WORDS),
        ),
        Column(
            "technology_field",
            _("Technology field"),
            ("技术领域", "领域", "行业", "所属行业", "产业领域", "field", "industry", "technology field"),
            parse=choice_parser(TechnologyField, FIELD_WORDS),
        ),
        Column(
            "founded_on",
            _("Founded on"),
            (
                "成立日期",
                "成立时间",
                "注册日期",
                "注册时间",
                "founded",
                "founded on",
                "founding date",
                "established",
                "date of establishment",
                "incorporated",
            ),
            parse=parse_date,
        ),
        Column(
            "registered_address",
            _("Registered address"),
            ("注册地址", "地址", "住所", "注册地", "address", "registered address"),
        ),
        Column("district", _("District"), ("区", "所在区", "注册区", "区县", "所属区", "district")),
        Column(
            "website",
            _("Website"),
            ("网站", "网址", "官网", "website", "url", "homepage"),
            parse=parse_website,
        ),
        Column(
            "summary_zh_hans",
            _("Summary in Chinese"),
            ("简介", "企业简介", "单位简介", "中文简介", "summary", "description", "profile", "summary zh"),
            parse=parse_long_text,
        ),
        Column(
            "summary_en",
            _("Summary in English"),
            ("英文简介", "summary en", "English summary"),
            parse=parse_long_text,
        ),
        Column(
            "contact_name",
            _("Contact person"),
            ("联系人", "联系人姓名", "contact", "contact name", "contact person"),
        ),
        Column(
            "contact_phone",
            _("Contact phone"),
            (
                "联系电话",
                "电话",
                "手机",
                "联系方式",
                "手机号",
                "phone",
                "mobile",
                "tel",
                "telephone",
                "contact phone",
            ),
            parse=parse_identifier,
        ),
        Column(
            "contact_email",
            _("Contact e-mail"),
            ("邮箱", "电子邮箱", "联系邮箱", "电子邮件", "email", "e-mail", "mail", "contact email"),
            parse=parse_email_address,
        ),
    )
    derived = ("kind",)

    def key(self, values: Values, options: Values) -> Hashable | None:
        return values.get("uscc") or values.get("name_zh_hans")

    def begin(self, rows: Sequence[Values], options: Values) -> None:
        stored = Organisation.objects.exclude(state=OrganisationState.MERGED)
        codes = {row["uscc"] for row in rows if row.get("uscc")}
        names = {row["name_zh_hans"] for row in rows if row.get("name_zh_hans")}
        self.by_code = {one.uscc: one for one in stored.filter(uscc__in=codes)}
        self.by_name: dict[str, list[Organisation]] = {}
        for one in stored.filter(name_zh_hans__in=names):
            self.by_name.setdefault(one.name_zh_hans, []).append(one)

    def find(self, values: Values, options: Values) -> models.Model | None:
        code, name = values.get("uscc", ""), values.get("name_zh_hans", "")
        if code in self.by_code:
            return self.by_code[code]
        # A stored record with another code is another body of the same name.
        same = [one for one in self.by_name.get(name, ()) if not (code and one.uscc)]
        if len(same) > 1:
            raise ValidationError(
                {
                    "name_zh_hans": ValidationError(
                        _("%(count)d organisations have this name. Give the code, or merge them first."),
                        code="ambiguous",
                        params={"count": len(same)},
                    )
                }
            )
        return same[0] if same else None

    def complete(self, instance: Any, values: Values, options: Values) -> list[Warned]:
        if instance.pk is not None:
            return []
        name = values.get("name_zh_hans", "")
        if "kind" not in values:
            instance.kind = next(
                (kind for ending, kind in ENDINGS if ending.search(name)), OrganisationKind.COMPANY
            )
        return [
            Warned(
                "name_zh_hans",
                _("Looks like %(name)s (No. %(number)d), which is already registered."),
                {"name": str(candidate.organisation.name_zh_hans), "number": candidate.organisation.pk},
            )
            for candidate in near_duplicates(
                name=name, name_en=values.get("name_en", ""), uscc=values.get("uscc"), limit=1
            )
        ]

    def save(self, instance: Any, *, is_create: bool, actor: Any, before: Values) -> list[models.Model]:
        keep_imported_organisation(instance, is_create=is_create, actor=actor, before=before)
        return []
