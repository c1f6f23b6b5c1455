"""Granted, seen, revoked: through the pages, as the company, its investor, another investor and a stranger."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone
from PIL import Image
from pypdf import PdfReader

from funding.datarooms import services
from funding.datarooms.models import DataRoomAccess, DataRoomGrant, DataRoomItem
from park_portal.core.audit.models import Entry
from park_portal.core.documents.models import Document
from park_portal.core.errors import DomainError, Forbidden
from park_portal.core.outbox.models import Message
from park_portal.core.search.services import search
from park_portal.core.workflow import SYSTEM, advance
from tests.factories.core import make_staff, make_user
from tests.factories.datarooms import (
    docx,
    make_company,
    make_document,
    make_fact,
    make_investor,
    owner_of,
    pdf,
    png,
    share,
    upload,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def company():
    return make_company(name="上海澄光生物科技有限公司")


@pytest.fixture
def investor(company):
    return make_investor(company, make_user("沈若谷", email="shen@fund.example"))


@pytest.fixture
def deck(company):
    return make_document(company, title="融资计划")


def address(item, tail: str = "") -> str:
    return f"/data-rooms/items/{item.pk}/{tail}"


def kept(what: str = "") -> list[str]:
    rows = DataRoomAccess.objects.order_by("pk")
    return list((rows.filter(what=what) if what else rows).values_list("what", flat=True))


class TestGranted:
    def test_an_investor_sees_the_document_page_by_page_and_each_is_noted(self, client_of, deck, investor):
        share(deck, investor)
        client = client_of(investor.user)
        page = client.get(address(deck))
        assert page.status_code == 200
        assert page.content.decode().count("/pages/") == 2
        picture = client.get(address(deck, "pages/2/"))
        assert (picture.status_code, picture["Content-Type"]) == (200, "image/jpeg")
        assert picture["Cache-Control"] == "private, no-store"
        assert Image.open(io.BytesIO(picture.content)).size == (1600, 1067)
        assert kept() == ["viewed", "page"]
        noted = DataRoomAccess.objects.get(what="page")
        assert (noted.page, noted.opening.what, noted.version) == (2, "viewed", 1)

    def test_the_picture_carries_the_viewers_name(self, client_of, company, deck, investor):
        """An empty page is white but for the mark, and another investor's mark is another."""
        second = make_investor(company)
        share(deck, investor)
        share(deck, second)
        with time_machine.travel(timezone.now(), tick=False):
            pictures = [
                client_of(one.user).get(address(deck, "pages/1/")).content for one in (investor, second)
            ]
        assert pictures[0] != pictures[1]
        colours = Image.open(io.BytesIO(pictures[0])).convert("L").getextrema()
        assert colours[0] < 245

    def test_viewing_gives_no_file(self, client_of, deck, investor):
        share(deck, investor)
        client = client_of(investor.user)
        assert client.get(address(deck, "file/")).status_code == 404
        assert client.get(f"/documents/{deck.document.public_id}/").status_code == 404
        for number in (0, 3, 999_999_999):
            assert client.get(address(deck, f"pages/{number}/")).status_code == 404

    def test_a_range_or_head_request_gets_no_more(self, client_of, deck, investor):
        share(deck, investor)
        client = client_of(investor.user)
        part = client.get(address(deck, "pages/1/"), headers={"Range": "bytes=0-10"})
        assert part.status_code == 200
        assert part.content.startswith(b"\xff\xd8")
        assert client.head(address(deck, "file/"), headers={"Range": "bytes=0-10"}).status_code == 404
        assert client.head(address(deck)).content == b""
        assert client.post(address(deck)).status_code == 405

    def test_a_download_is_a_copy_with_the_name_on_each_page(self, client_of, company, investor):
        original = pdf(3, words="机密原件")
        deck = make_document(company, title="融资/计划", file=upload(original))
        share(deck, investor, level="download")
        answer = client_of(investor.user).get(address(deck, "file/"))
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer["Cache-Control"] == "private, no-store"
        copy = PdfReader(io.BytesIO(answer.content))
        texts = [page.extract_text() for page in copy.pages]
        assert len(texts) == 3
        assert all("沈若谷" in text and "shen@fund.example" in text for text in texts)
        assert "机密原件" not in str(copy.metadata)
        assert kept() == ["downloaded"]

    def test_a_picture_is_marked_too(self, client_of, company, investor):
        logo = make_document(company, title="样机照片", file=upload(png(), "样机.png"))
        share(logo, investor, level="download")
        client = client_of(investor.user)
        shown = client.get(address(logo, "pages/1/"))
        taken = client.get(address(logo, "file/"))
        assert (shown["Content-Type"], taken["Content-Type"]) == ("image/jpeg", "image/jpeg")
        pixels = Image.open(io.BytesIO(taken.content)).convert("RGB")
        assert pixels.size == (400, 300)
        assert len(pixels.getcolors(400 * 300)) > 5, "not the plain blue that was uploaded"

    def test_an_office_file_leaves_only_where_the_company_agreed(self, client_of, company, investor):
        contract = make_document(company, title="合同", file=docx())
        with pytest.raises(DomainError, match=r"合同.*PDF") as refused:
            share(contract, investor)
        assert refused.value.code == "cannot_be_shown"
        with pytest.raises(DomainError) as refused:
            share(contract, investor, level="download")
        assert (refused.value.code, refused.value.field) == ("unmarked", "unmarked")
        grant = share(contract, investor, level="download", unmarked=True)
        assert grant.unmarked is True
        client = client_of(investor.user)
        assert client.get(address(contract, "file/")).content == contract.document.open().read()
        assert client.get(address(contract, "pages/1/")).status_code == 404

    def test_fields_are_shown_with_the_name_and_noted(self, client_of, company, investor):
        runway, secret = make_fact(company), make_fact(company, title="估值", value="3 亿元")
        record = services.add_fact(
            company, actor=owner_of(company), title="信用代码", folder="company", source="uscc"
        )
        share([runway, record], investor)
        page = client_of(investor.user).get(f"/data-rooms/shared/{company.pk}/").content.decode()
        assert "14 个月" in page
        assert company.uscc in page
        assert page.count("沈若谷 · shen@fund.example") == 41
        assert "估值" not in page
        assert "3 亿元" not in page
        assert kept() == ["viewed", "viewed"]
        assert not DataRoomAccess.objects.filter(grant__item=secret).exists()

    def test_a_field_is_only_ever_viewed(self, client_of, company, investor):
        runway = make_fact(company)
        assert share(runway, investor, level="download").level == "view"
        assert client_of(investor.user).get(address(runway)).status_code == 404
        assert client_of(investor.user).get(address(runway, "file/")).status_code == 404

    def test_the_new_version_takes_the_place_of_the_old(self, client_of, company, deck, investor):
        share(deck, investor)
        old = deck.document
        services.replace_document(deck, actor=owner_of(company), file=upload(pdf(5)))
        client = client_of(investor.user)
        assert client.get(address(deck)).content.decode().count("/pages/") == 5
        assert client.get(f"/documents/{old.public_id}/").status_code == 404
        assert DataRoomAccess.objects.get().version == 2
        with pytest.raises(DomainError) as refused:
            services.replace_document(deck, actor=owner_of(company), file=docx())
        assert refused.value.code == "file_unmarkable"
        deck.refresh_from_db()
        assert (deck.version, Document.objects.filter(kind="data_room").count()) == (2, 2)


class TestNothingElse:
    """Whoever was not granted a thing gets for every address what an address that leads nowhere gets."""

    def others(self, company, deck, investor):
        second = make_investor(company)
        share(make_document(company, title="别的"), second)
        invited = services.invite_investor(
            company, actor=owner_of(company), email="invited@fund.example", name="受邀人"
        )
        share(deck, invited)
        return {
            "second investor": second.user,
            "invited, not accepted": make_user(email="invited@fund.example"),
            "other company": owner_of(make_company()),
            "viewer of the company": self.viewer(company),
            "stranger": make_user(),
            **{
                role: make_staff(role)
                for role in ("lead", "officer", "fund_manager", "auditor", "administrator")
            },
            "superuser": make_user(is_superuser=True, is_staff=True),
        }

    def viewer(self, company):
        user = make_user()
        company.memberships.create(user=user, role="viewer")
        return user

    def test_every_address_answers_as_one_that_leads_nowhere(self, client_of, company, deck, investor):
        share(deck, investor, level="download")
        nowhere = "00000000-0000-4000-8000-000000000000"
        for name, user in self.others(company, deck, investor).items():
            client = client_of(user)
            for tail in ("", "pages/1/", "file/"):
                there = client.get(address(deck, tail))
                missing = client.get(f"/data-rooms/items/{nowhere}/{tail}")
                assert (there.status_code, missing.status_code) == (404, 404), name
                assert same(there) == same(missing), name
            for path in (f"/documents/{deck.document.public_id}/", f"/data-rooms/{company.pk}/"):
                assert client.get(path).status_code == 404, f"{name}: {path}"
            if name != "second investor":
                assert client.get(f"/data-rooms/shared/{company.pk}/").status_code == 404, name
            assert "融资计划" not in client.get("/data-rooms/").content.decode(), name
            assert search(user, "融资计划") == []
        assert kept() == []

    def test_the_second_investor_sees_what_is_theirs(self, client_of, company, deck, investor):
        share(deck, investor)
        second = make_investor(company)
        share(make_fact(company), second)
        page = client_of(second.user).get(f"/data-rooms/shared/{company.pk}/").content.decode()
        assert "现金可用月数" in page
        assert "融资计划" not in page
        assert "沈若谷" not in page

    def test_nobody_who_is_not_signed_in(self, client, company, deck, investor):
        share(deck, investor)
        assert client.get(address(deck)).status_code == 302
        assert client.get(address(deck, "pages/1/")).status_code == 302

    def test_who_views_as_an_investor_or_founder_sees_nothing(self, client_of, company, deck, investor):
        share(deck, investor)
        runway = make_fact(company)
        share(runway, investor)
        for person in (investor.user, owner_of(company)):
            client = client_of(make_staff("officer"))
            client.post(f"/account/view-as/{person.pk}/", {"reason": "asked for help"})
            for path in (
                address(deck),
                address(deck, "pages/1/"),
                f"/data-rooms/{company.pk}/",
                f"/data-rooms/shared/{company.pk}/",
                f"/documents/{deck.document.public_id}/",
            ):
                assert client.get(path).status_code == 404, path
            assert company.name not in client.get("/data-rooms/").content.decode()
        assert kept() == []

    def test_lists_of_files_and_the_trail_say_nothing_of_it(self, client_of, company, deck, investor):
        share(deck, investor)
        share(make_fact(company, title="估值"), investor)
        told = " ".join(
            f"{entry.object_label} {entry.before} {entry.after} {entry.facts}"
            for entry in Entry.objects.all()
        )
        told += " ".join(str(message.payload) for message in Message.objects.all())
        assert [word for word in ("融资计划", "估值", "14 个月", "原件") if word in told] == []
        page = client_of(make_staff("lead")).get("/admin/core/document/").content.decode()
        assert str(deck.pk) not in page
        assert "data-room" not in page


def same(answer) -> str:
    """The answer without what differs from one request to the next: the address asked for, the token of forms."""
    text = answer.content.decode().replace(answer.request["PATH_INFO"], "")
    return re.sub(r'csrf[^>]*|nonce="[^"]*"|value="[^"]{40,}"|request[_ -]?id[^<]*', "", text, flags=re.I)


class TestEnded:
    def test_revoked_is_gone_with_the_next_request(self, client_of, company, deck, investor):
        grant = share(deck, investor, level="download")
        client = client_of(investor.user)
        assert client.get(address(deck)).status_code == 200
        services.revoke_grant(grant, actor=owner_of(company))
        for tail in ("", "pages/1/", "file/"):
            assert client.get(address(deck, tail)).status_code == 404
        assert kept() == ["viewed", "refused"], "three attempts within a minute are one line"
        page = client.get(f"/data-rooms/shared/{company.pk}/").content.decode()
        assert "融资计划" not in page
        again = services.revoke_grant(grant, actor=owner_of(company))
        assert again.revoked_at == DataRoomGrant.objects.get().revoked_at

    def test_it_ends_by_itself(self, client_of, deck, investor):
        until = timezone.localdate() + timedelta(days=2)
        grant = share(deck, investor, until=until)
        assert grant.ends_at == services.end_of(until)
        client = client_of(investor.user)
        with time_machine.travel(grant.ends_at - timedelta(seconds=1), tick=False):
            client.force_login(investor.user)
            assert client.get(address(deck, "pages/1/")).status_code == 200
        with time_machine.travel(grant.ends_at, tick=False):
            assert client.get(address(deck, "pages/1/")).status_code == 404
            assert kept("refused") == ["refused"]

    def test_what_is_removed_leaves_everybodys_hands(self, client_of, company, deck, investor):
        share(deck, investor)
        services.remove_item(deck, actor=owner_of(company))
        assert client_of(investor.user).get(address(deck)).status_code == 404
        assert client_of(owner_of(company)).get(f"/documents/{deck.document.public_id}/").status_code == 404

    def test_an_investor_who_is_removed_sees_nothing(self, client_of, company, deck, investor):
        share(deck, investor)
        services.remove_investor(investor, actor=owner_of(company))
        client = client_of(investor.user)
        assert client.get(address(deck)).status_code == 404
        assert client.get(f"/data-rooms/shared/{company.pk}/").status_code == 404

    def test_another_grant_takes_the_place_of_the_first(self, client_of, company, deck, investor):
        first = share(deck, investor)
        second = share(deck, investor, level="download")
        first.refresh_from_db()
        assert first.revoked_at is not None
        assert client_of(investor.user).get(address(deck, "file/")).status_code == 200
        with pytest.raises(IntegrityError, match="data_room_grant_once_at_a_time"), transaction.atomic():
            DataRoomGrant.objects.create(
                item=deck, investor=investor, starts_at=timezone.now(), ends_at=second.ends_at,
                granted_by=owner_of(company),
            )  # fmt: skip

    @pytest.mark.parametrize(("days", "code"), [(-1, "over"), (366, None), (367, "too_long")])
    def test_for_a_time_only(self, deck, investor, days, code):
        until = timezone.localdate() + timedelta(days=days)
        if code is None:
            assert share(deck, investor, until=until).is_live
            return
        with pytest.raises(DomainError) as refused:
            share(deck, investor, until=until)
        assert (refused.value.code, refused.value.field) == (code, "until")

    def test_a_closed_company_shares_nothing(self, client_of, company, deck, investor):
        share(deck, investor)
        advance(company, "close", actor=SYSTEM)
        assert client_of(investor.user).get(address(deck)).status_code == 404


class TestWho:
    def test_an_editor_fills_the_room_and_does_not_share(self, client_of, company, investor):
        editor = make_user()
        company.memberships.create(user=editor, role="editor")
        client = client_of(editor)
        answer = client.post(
            f"/data-rooms/{company.pk}/fields/new/",
            {"title": "员工人数", "folder": "team", "source": "typed", "value": "23"},
        )
        assert answer.status_code == 302
        item = DataRoomItem.objects.get()
        assert client.get(f"/data-rooms/{company.pk}/").status_code == 200
        assert client.get(f"/data-rooms/{company.pk}/share/").status_code == 403
        with pytest.raises(Forbidden):
            services.grant_items(
                company, actor=editor, items=[item], investors=[investor], until=timezone.localdate()
            )

    def test_nothing_of_another_room_is_shared(self, company, deck, investor):
        other = make_investor(make_company())
        with pytest.raises(LookupError):
            services.grant_items(
                company, actor=owner_of(company), items=[deck], investors=[other], until=timezone.localdate()
            )
        assert DataRoomGrant.objects.count() == 0

    def test_the_form_offers_only_ones_own(self, client_of, company, deck, investor):
        other = make_company()
        theirs, them = make_document(other), make_investor(other)
        client = client_of(owner_of(company))
        page = client.get(
            f"/data-rooms/{company.pk}/share/?item={deck.pk}&investor={investor.pk}"
        ).content.decode()
        assert page.count("checked") == 3, "the item, the investor, and viewing"
        sent = {"items": [theirs.pk], "investors": [them.pk], "level": "view", "until": timezone.localdate()}
        assert client.post(f"/data-rooms/{company.pk}/share/", sent).status_code == 422
        sent = {**sent, "items": [deck.pk], "investors": [investor.pk]}
        assert client.post(f"/data-rooms/{company.pk}/share/", sent).status_code == 302
        assert DataRoomGrant.objects.get().item == deck

    def test_a_pdf_that_could_not_be_shown_is_refused(self, company):
        damaged = upload(b"%PDF-1.7\n" + b"nothing of a PDF\n" * 20)
        with pytest.raises(DomainError) as refused:
            make_document(company, file=damaged)
        assert refused.value.code == "pdf_damaged"
        assert DataRoomItem.objects.count() == 0
        assert Document.objects.filter(kind="data_room").count() == 0
