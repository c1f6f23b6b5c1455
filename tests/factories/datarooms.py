"""Data rooms for tests: a company, what is in its room, whom it lets in."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image
from pypdf import PdfWriter

from funding.datarooms import services
from funding.datarooms.models import (
    DataRoomAccess,
    DataRoomGrant,
    DataRoomInvestor,
    DataRoomItem,
)
from incubator.organisations.models import Membership, Organisation
from park_portal.core.accounts.models import User
from tests.core.documents import samples
from tests.factories import fill, list_page, make, makes, number
from tests.factories.core import make_user
from tests.factories.incubator import make_organisation
from tests.personas import person


def pdf(pages: int = 2, *, words: str = "") -> bytes:
    """A PDF of empty pages; ``words`` stand in what it says of itself."""
    writer = PdfWriter()
    for _number in range(pages):
        writer.add_blank_page(300, 200)
    if words:
        writer.add_metadata({"/Title": words})
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def png(size: tuple[int, int] = (400, 300)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "navy").save(out, "PNG")
    return out.getvalue()


def upload(content: bytes | None = None, name: str = "原件.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, pdf() if content is None else content)


def docx() -> SimpleUploadedFile:
    return SimpleUploadedFile("合同.docx", samples.office("docx"))


def owner_of(organisation: Organisation) -> User:
    membership = (
        Membership.objects.filter(organisation=organisation, role="owner").select_related("user").first()
    )
    if membership is None:
        membership = Membership.objects.create(organisation=organisation, user=make_user(), role="owner")
    return membership.user


def make_company(**fields: Any) -> Organisation:
    """A company with an owner."""
    return make_organisation(owner=fields.pop("owner", None) or make_user(), **fields)


def make_document(organisation: Organisation, *, title: str = "商业计划书", file: Any = None) -> DataRoomItem:
    return services.add_document(
        organisation, actor=owner_of(organisation), file=file or upload(), title=title, folder="company"
    )


def make_fact(
    organisation: Organisation, *, title: str = "现金可用月数", value: str = "14 个月"
) -> DataRoomItem:
    return services.add_fact(
        organisation, actor=owner_of(organisation), title=title, folder="finance", value=value
    )


def make_investor(organisation: Organisation, user: User | None = None) -> DataRoomInvestor:
    """An investor who has accepted."""
    user = user or make_user()
    return DataRoomInvestor.objects.create(
        organisation=organisation, email=user.email, name=user.name, firm="青溪资本", user=user,
        invited_by=owner_of(organisation),
    )  # fmt: skip


def share(
    items: DataRoomItem | list[DataRoomItem],
    investor: DataRoomInvestor,
    *,
    level: str = "view",
    until: date | None = None,
    unmarked: bool = False,
) -> DataRoomGrant:
    """Share with an investor and return the first grant."""
    rows = items if isinstance(items, list) else [items]
    organisation = rows[0].organisation
    grants = services.grant_items(
        organisation, actor=owner_of(organisation), items=rows, investors=[investor], level=level,
        until=until or timezone.localdate() + timedelta(days=30), unmarked=unmarked,
    )  # fmt: skip
    return grants[0]


# --- for the laws -------------------------------------------------------------------------------------------------


@makes("funding.DataRoomItem")
def item(**values: Any) -> DataRoomItem:
    if values.get("kind") == "document":
        values.setdefault("document", lambda: make("core.Document"))
        if callable(values["document"]):
            values["document"] = values["document"]()
        values.setdefault("source", "")
        values.setdefault("value", "")
    made = {"kind": "fact", "source": "typed", "value": "14 个月", "title": f"字段 {number()}", **values}
    return fill("funding.DataRoomItem", **made)


@makes("funding.DataRoomInvestor")
def investor(**values: Any) -> DataRoomInvestor:
    return fill("funding.DataRoomInvestor", **{"user": values.pop("user", None) or make_user(), **values})


@makes("funding.DataRoomGrant")
def grant(**values: Any) -> DataRoomGrant:
    if "item" in values:
        company = values["item"].organisation
    else:
        company = values["investor"].organisation if "investor" in values else make_organisation()
        values["item"] = make("funding.DataRoomItem", organisation=company)
    if "investor" not in values:
        values["investor"] = make("funding.DataRoomInvestor", organisation=company)
    now = timezone.now()
    made = {"starts_at": now - timedelta(minutes=1), "ends_at": now + timedelta(days=9), **values}
    return fill("funding.DataRoomGrant", **made)


@makes("funding.DataRoomAccess")
def access(**values: Any) -> DataRoomAccess:
    return fill("funding.DataRoomAccess", **{"what": "viewed", **values})


@list_page("datarooms:accesses", persona="founder")
def accesses_of_a_room(count: int) -> None:
    company = Organisation.objects.get(memberships__user=person("founder"))
    made = make("funding.DataRoomGrant", item=make("funding.DataRoomItem", organisation=company))
    for _number in range(count):
        opening = make("funding.DataRoomAccess", grant=made)
        make("funding.DataRoomAccess", grant=made, what="page", page=1, opening=opening)
