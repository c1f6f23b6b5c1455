"""Keeping and reading private files: through the service, the address and the database itself."""

from __future__ import annotations

import os
import threading
import tracemalloc

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory
from django.utils import translation

from park_portal.core.accounts.models import User
from park_portal.core.audit.models import Entry
from park_portal.core.audit.services import SYSTEM
from park_portal.core.documents import formats, services
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import (
    FileRefused,
    may_read,
    read_document,
    readable,
    remove_document,
    store_document,
)
from park_portal.core.documents.uploads import CappedUploadHandler, OversizedFile
from tests.core.documents import samples

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _store(settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(
        services, "READERS", {"core.user": [lambda user, document: str(user.pk) == document.subject_id]}
    )


@pytest.fixture
def alice():
    return User.objects.create_user("alice@example.org", "Harbour-7-lantern", name="Alice")


@pytest.fixture
def charlie():
    return User.objects.create_user("charlie@example.org", "Harbour-7-lantern", name="Charlie")


def keep(owner, content=samples.PDF, name="计划书.pdf", **options):
    options.setdefault("actor", owner)
    return store_document(ContentFile(content, name=name), subject=owner, kind="cv", **options)


def refusal(owner, content, name, **options) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        keep(owner, content, name, **options)
    assert Document.objects.count() == 0
    return caught.value


def test_a_document_is_stored_by_its_hash(alice):
    document = keep(alice)
    assert document.path == f"documents/{document.sha256[:2]}/{document.sha256[2:4]}/{document.sha256}"
    assert (document.name, document.mime, document.size, document.version) == (
        "计划书.pdf",
        "application/pdf",
        len(samples.PDF),
        1,
    )
    assert (document.subject_type, document.subject_id, document.uploaded_by) == (
        "core.user",
        str(alice.pk),
        alice,
    )
    assert document.open().read() == samples.PDF
    entry = Entry.objects.get(action="document.stored")
    assert (entry.actor, entry.after["sha256"], entry.object_id) == (alice, document.sha256, str(document.pk))


def test_equal_content_is_kept_once_under_two_documents(alice, charlie):
    first, second = keep(alice), keep(charlie, name="same.pdf")
    assert first.path == second.path
    assert first.public_id != second.public_id
    folder = os.path.dirname(default_storage.path(first.path))
    assert os.listdir(folder) == [first.sha256]


def test_content_cut_short_by_a_crash_is_written_again(alice):
    first = keep(alice)
    with open(default_storage.path(first.path), "wb") as file:
        file.write(b"%PD")
    second = keep(alice, name="again.pdf")
    assert second.open().read() == samples.PDF
    assert first.open().read() == samples.PDF


def test_the_portal_itself_may_store_bytes(alice):
    document = store_document(samples.PDF, actor=SYSTEM, subject=alice, kind="letter", name="通知书.pdf")
    assert (document.uploaded_by, document.name) == (None, "通知书.pdf")


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"", "empty.pdf", "file_empty"),
        (samples.EXE, "setup.pdf", "file_type"),
        (samples.HTML, "page.pdf", "file_type"),
        (samples.office("docm"), "macros.docx", "file_macros"),
        (samples.archive({"a": b"a"}), "a.zip", "file_type"),
        (samples.office("docx"), "计划书.pdf", "file_disguised"),
        (samples.PDF, "计划书.docx", "file_disguised"),
        (samples.PDF, "计划书.exe", "file_ending"),
        (samples.PDF, "报告\u202efdp.exe", "file_ending"),
        (samples.archive({"[Content_Types].xml": b" " * (8 << 20)}), "bomb.docx", "file_bomb"),
    ],
)
def test_a_wrong_file_is_refused(alice, content, name, code):
    error = refusal(alice, content, name)
    assert error.code == code


def test_a_refusal_names_the_file_and_what_is_possible(alice):
    error = refusal(alice, samples.office("docx"), "计划书.pdf", allowed={formats.PDF})
    with translation.override("en"):
        assert str(error) == "“计划书.pdf” is in the format Word. Possible here: .pdf."
    error = refusal(alice, samples.PDF + b"x" * 3_000_000, "big.pdf", max_bytes=2 * 1024 * 1024)
    with translation.override("en"):
        assert str(error) == (
            "“big.pdf” is 2.9\xa0MB; at most 2.0\xa0MB is possible. Compress the pictures in it, for instance."
        )


def test_a_refusal_speaks_of_formats_in_the_readers_language_and_always_in_one_order(alice):
    text = "你好".encode()
    error = refusal(alice, text, "说明.txt", allowed={formats.JPEG, formats.ZIP, formats.DOCX, formats.PDF})
    assert str(error) == "“说明.txt”的格式为“纯文本”。此处可上传：.pdf, .docx, .jpg, .jpeg, .zip。"
    with translation.override("en"):
        assert str(error) == (
            "“说明.txt” is in the format plain text. Possible here: .pdf, .docx, .jpg, .jpeg, .zip."
        )
    error = refusal(alice, text, "说明.pdf")
    assert str(error) == (
        "“说明.pdf”的格式为“纯文本”。"
        "此处可上传：.pdf, .docx, .xlsx, .pptx, .doc, .xls, .ppt, .png, .jpg, .jpeg。"
    )
    error = refusal(alice, samples.compound("WordDocument"), "计划书.pdf")
    assert str(error) == "“计划书.pdf”的扩展名是 .pdf，实际格式却为“Word 97–2003”。请另存为正确的格式。"


def test_a_name_without_an_ending_gets_the_right_one(alice):
    assert keep(alice, name="计划书").name == "计划书.pdf"
    assert keep(alice, name="报告v1.2").name == "报告v1.2.pdf"
    assert keep(alice, samples.JPEG, name="photo.JPEG").name == "photo.jpeg"


def test_a_file_that_lies_about_its_size_is_refused(alice):
    class Liar(ContentFile):
        size = 10

    with pytest.raises(FileRefused) as caught:
        store_document(
            Liar(samples.PDF + b"x" * 5000, name="a.pdf"),
            actor=alice,
            subject=alice,
            kind="cv",
            max_bytes=1000,
        )
    assert caught.value.code == "file_too_large"


def test_a_hundred_megabytes_are_refused_with_flat_memory(alice, tmp_path):
    big = TemporaryUploadedFile("huge.pdf", "application/pdf", 100 << 20, None)
    big.file.truncate(100 << 20)
    tracemalloc.start()
    with pytest.raises(FileRefused) as caught:
        store_document(big, actor=alice, subject=alice, kind="cv")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code == "file_too_large"
    assert peak < 1 << 20
    assert not (tmp_path / "documents").exists()


def test_a_large_file_is_stored_with_flat_memory(alice, tmp_path):
    with open(tmp_path / "big.bin", "wb") as file:
        file.write(b"%PDF-1.7\n")
        file.truncate(60 << 20)
    tracemalloc.start()
    with open(tmp_path / "big.bin", "rb") as file:
        document = store_document(
            File(file, name="big.pdf"), actor=alice, subject=alice, kind="cv", max_bytes=100 << 20
        )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert document.size == 60 << 20
    assert peak < 4 << 20


def test_the_number_of_files_is_limited_per_kind(alice):
    keep(alice, max_number=2)
    second = keep(alice, samples.PNG, "b.png", max_number=2)
    with pytest.raises(FileRefused) as caught:
        keep(alice, name="c.pdf", max_number=2)
    assert caught.value.code == "file_number"
    keep(alice, name="d.pdf")  # no limit asked for
    remove_document(second, actor=alice)
    remove_document(Document.objects.get(name="d.pdf"), actor=alice)
    keep(alice, name="c.pdf", max_number=2)


def test_versions_follow_each_other(alice):
    first = keep(alice)
    second = keep(alice, samples.PDF + b"2", replaces=first)
    assert (second.version, second.replaces) == (2, first)
    assert list(Document.objects.of(alice).current()) == [second]
    with pytest.raises(FileRefused) as caught:
        keep(alice, samples.PDF + b"3", replaces=first)
    assert caught.value.code == "file_replaced"
    assert first.open().read() == samples.PDF


def test_removing_is_noted_once_and_keeps_the_content(alice):
    document = keep(alice)
    remove_document(document, actor=alice)
    remove_document(document, actor=alice)
    assert list(Document.objects.of(alice).current()) == []
    assert Entry.objects.filter(action="document.removed").count() == 1
    assert document.open().read() == samples.PDF


@pytest.mark.parametrize(
    "change",
    [
        "name = 'x.pdf'",
        "sha256 = repeat('0', 64)",
        "path = 'x'",
        "size = 1",
        "subject_id = '0'",
        "kind = 'x'",
    ],
)
def test_the_database_refuses_to_change_what_was_stored(alice, change):
    document = keep(alice)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE core_document SET {change} WHERE id = %s", [document.pk])
    with pytest.raises(DatabaseError), transaction.atomic():
        document.delete()
    assert Document.objects.get() == document


# --- reading
# ------------------------------------------------------------------------------------------------------


def test_the_owner_downloads_as_an_attachment(client, alice):
    document = keep(alice)
    client.force_login(alice)
    response = client.get(f"/documents/{document.public_id}/")
    assert response.status_code == 200
    assert b"".join(response.streaming_content) == samples.PDF
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Length"] == str(len(samples.PDF))
    assert response["Content-Disposition"] == "attachment; filename*=utf-8''%E8%AE%A1%E5%88%92%E4%B9%A6.pdf"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'; frame-ancestors 'none'"
    assert response["Cache-Control"] == "private, no-store"
    entry = Entry.objects.get(action="document.read")
    assert (entry.actor, entry.object_id, entry.facts["sha256"]) == (alice, str(document.pk), document.sha256)


@pytest.mark.parametrize("by_nginx", [False, True])
@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
def test_a_text_says_in_which_charset_it_is(client, alice, settings, charset, by_nginx):
    settings.X_ACCEL_REDIRECT = "/protected/" if by_nginx else ""
    sent = "青浦，材料清单：一、申请书；二、预算。\n".encode(charset)
    document = store_document(
        sent, actor=alice, subject=alice, kind="note", name="清单.txt", allowed={formats.TEXT}
    )
    client.force_login(alice)
    response = client.get(f"/documents/{document.public_id}/")
    assert response["Content-Type"] == f"text/plain; charset={charset}"


def test_a_stranger_gets_a_404_and_leaves_no_read(client, alice, charlie):
    document = keep(alice)
    client.force_login(charlie)
    assert client.get(f"/documents/{document.public_id}/").status_code == 404
    assert client.get("/documents/00000000-0000-4000-8000-000000000000/").status_code == 404
    assert client.get("/documents/1/").status_code == 404
    assert Entry.objects.filter(action="document.read").count() == 0


def test_who_is_not_signed_in_is_asked_to_whether_it_exists_or_not(client, alice):
    document = keep(alice)
    for public_id in (document.public_id, "00000000-0000-4000-8000-000000000000"):
        response = client.get(f"/documents/{public_id}/")
        assert response.status_code == 302
        assert response["Location"].endswith(f"?next=/documents/{public_id}/")


def test_only_safe_methods(client, alice):
    document = keep(alice)
    client.force_login(alice)
    assert client.post(f"/documents/{document.public_id}/").status_code == 405
    assert client.delete(f"/documents/{document.public_id}/").status_code == 405


def test_nginx_sends_the_bytes_when_it_may(client, alice, charlie, settings):
    settings.X_ACCEL_REDIRECT = "/protected/"
    document = keep(alice)
    client.force_login(alice)
    response = client.get(f"/documents/{document.public_id}/")
    assert response["X-Accel-Redirect"] == f"/protected/{document.path}"
    assert response.content == b""
    assert response["Content-Type"] == "application/pdf"
    client.force_login(charlie)
    refused = client.get(f"/documents/{document.public_id}/")
    assert (refused.status_code, refused.has_header("X-Accel-Redirect")) == (404, False)


def test_lost_content_is_a_404_not_a_crash(client, alice):
    document = keep(alice)
    os.unlink(default_storage.path(document.path))
    client.force_login(alice)
    assert client.get(f"/documents/{document.public_id}/").status_code == 404


def test_without_a_reader_nobody_may_read_but_a_superuser(alice, charlie, monkeypatch):
    document = keep(alice)
    monkeypatch.setattr(services, "READERS", {})
    assert may_read(alice, document) is False
    charlie.is_superuser = True
    assert may_read(charlie, document) is True
    charlie.is_active = False
    assert may_read(charlie, document) is False
    with pytest.raises(Document.DoesNotExist):
        read_document(document.public_id, user=alice)


def test_any_reader_of_the_record_lets_one_read(alice, charlie, monkeypatch):
    document = keep(alice)
    monkeypatch.setattr(services, "READERS", {})

    @readable("core.User")
    def owner(user, document):
        return user.pk == alice.pk

    assert may_read(charlie, document) is False

    @readable("core.user")
    def guest(user, document):
        return user.pk == charlie.pk

    assert (may_read(alice, document), may_read(charlie, document)) == (True, True)


# --- taking uploads in
# --------------------------------------------------------------------------------------------


def upload(size: int, **fields):
    request = RequestFactory().post(
        "/", {"file": SimpleUploadedFile("big.pdf", b"%PDF-" + b"x" * size), **fields}
    )
    request.upload_handlers = [CappedUploadHandler(request), *request.upload_handlers]
    return request


def test_a_request_that_is_too_large_keeps_the_text_and_drops_the_bytes(settings, alice):
    settings.UPLOAD_REQUEST_MAX = 1 << 20
    request = upload(3 << 20, title="标题")
    file = request.FILES["file"]
    assert isinstance(file, OversizedFile)
    assert (file.name, file.size, file.read(), list(file.chunks())) == ("big.pdf", (3 << 20) + 5, b"", [])
    assert request.POST["title"] == "标题"
    with pytest.raises(FileRefused) as caught:
        store_document(file, actor=alice, subject=alice, kind="cv", max_bytes=100 << 20)
    assert caught.value.code == "file_too_large"


def test_a_request_within_the_limit_passes_untouched(settings):
    settings.UPLOAD_REQUEST_MAX = 1 << 20
    file = upload(1000).FILES["file"]
    assert not isinstance(file, OversizedFile)
    assert file.read() == b"%PDF-" + b"x" * 1000


@pytest.mark.django_db(transaction=True)
def test_two_uploads_at_once_cannot_both_be_the_last(alice):
    results: list[str] = []
    gate = threading.Barrier(2)

    def run(name):
        gate.wait()
        try:
            store_document(samples.PDF, actor=SYSTEM, subject=alice, kind="cv", name=name, max_number=1)
            results.append("stored")
        except FileRefused as error:
            results.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(f"{n}.pdf",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["file_number", "stored"]
