"""Files that mean harm are refused or harmless: through the service that keeps them and the address that serves them."""

from __future__ import annotations

import io
import resource
import time
from contextlib import suppress

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from hypothesis import given
from hypothesis import settings as search
from hypothesis import strategies as st
from PIL import Image

from park_portal.core.accounts.models import User
from park_portal.core.documents import formats, images, services
from park_portal.core.documents.formats import sniff
from park_portal.core.documents.models import Document
from park_portal.core.documents.services import FileRefused, store_document
from tests.core.documents import corpus, samples

pytestmark = pytest.mark.django_db

EVERYTHING = frozenset(formats.FORMATS)


@pytest.fixture(autouse=True)
def _store(settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(
        services, "READERS", {"core.user": [lambda user, document: str(user.pk) == document.subject_id]}
    )


@pytest.fixture
def alice():
    return User.objects.create_user("alice@example.org", "Harbour-7-lantern", name="Alice")


def keep(owner, content, name):
    return store_document(
        ContentFile(content, name=name), actor=owner, subject=owner, kind="cv", name=name, allowed=EVERYTHING
    )


@pytest.mark.parametrize("case", sorted(corpus.REFUSED))
def test_what_means_harm_is_refused_at_once_and_leaves_nothing(alice, tmp_path, case):
    given_, name, code = corpus.REFUSED[case]
    content = corpus.made(given_)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    with pytest.raises(FileRefused) as caught:
        keep(alice, content, name)
    assert caught.value.code == code
    assert name in str(caught.value)
    assert time.perf_counter() - began < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10  # kilobytes
    assert Document.objects.count() == 0
    assert not (tmp_path / "documents").exists()


@pytest.mark.parametrize("case", sorted(corpus.ACCEPTED))
def test_what_is_taken_leaves_as_an_attachment_that_nothing_runs(client, alice, case):
    given_, name = corpus.ACCEPTED[case]
    document = keep(alice, corpus.made(given_), name)
    client.force_login(alice)
    response = client.get(document.get_absolute_url())
    assert response.status_code == 200
    assert response["Content-Type"].partition(";")[0] in {format_.mime for format_ in formats.FORMATS}
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'; frame-ancestors 'none'"
    assert response["Cache-Control"] == "private, no-store"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "case", [case for case in sorted(corpus.ACCEPTED) if case.startswith(("png", "jpeg"))]
)
def test_of_a_picture_only_the_pixels_are_kept(alice, case):
    given_, name = corpus.ACCEPTED[case]
    content = corpus.made(given_)
    assert b"<script>" in content or b"evil" in content
    kept = keep(alice, content, name).open().read()
    for trace in (b"script", b"html", b"evil", b"Secret", b"Exif", b"ICC", b"PK\x03\x04", b"PLTE", b"tEXt"):
        assert trace not in kept
    was, now = Image.open(io.BytesIO(content)), Image.open(io.BytesIO(kept))
    turned = was.getexif().get(0x0112) == 6
    assert now.size == ((20, 30) if turned else (30, 20))
    assert dict(now.getexif()) == {}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_pictures_of_every_make_look_as_before(kind, mode):
    try:
        content = samples.picture(kind, mode=mode)
    except (OSError, ValueError, TypeError):
        return  # this format has no such pictures
    format_ = {"PNG": formats.PNG, "JPEG": formats.JPEG, "WEBP": formats.WEBP}[kind]
    drawn = images.redraw(io.BytesIO(content), format_)
    assert sniff(io.BytesIO(drawn)) is format_
    was, now = Image.open(io.BytesIO(content)).convert("RGBA"), Image.open(io.BytesIO(drawn)).convert("RGBA")
    assert was.size == now.size
    if kind == "PNG":
        assert was.tobytes() == now.tobytes()
    assert images.redraw(io.BytesIO(content), format_) == drawn


def test_what_is_transparent_stays_so():
    picture = Image.new("P", (4, 4))
    picture.putpalette([200, 10, 10] * 256)
    out = io.BytesIO()
    picture.save(out, "PNG", transparency=0)
    drawn = Image.open(io.BytesIO(images.redraw(out, formats.PNG)))
    assert (drawn.mode, drawn.getpixel((0, 0))) == ("RGBA", (200, 10, 10, 0))


def test_a_photograph_with_a_second_picture_in_it_is_taken_as_the_first():
    out = io.BytesIO()
    Image.new("RGB", (30, 20), "white").save(
        out, "MPO", save_all=True, append_images=[Image.new("RGB", (30, 20))]
    )
    drawn = Image.open(io.BytesIO(images.redraw(out, formats.JPEG)))
    assert (drawn.format, getattr(drawn, "n_frames", 1), drawn.getpixel((5, 5))) == (
        "JPEG",
        1,
        (255, 255, 255),
    )


@search(max_examples=300, deadline=None)
@given(
    base=st.sampled_from([samples.PNG, samples.JPEG, samples.WEBP]),
    cuts=st.lists(st.tuples(st.integers(0, 700), st.binary(max_size=6)), min_size=1, max_size=4),
)
def test_broken_pictures_are_damaged_never_an_error_of_ours(base, cuts):
    content = bytearray(base)
    for place, put in cuts:
        content[place % len(content) : place % len(content) + len(put)] = put
    file = io.BytesIO(bytes(content))
    format_ = sniff(file)
    if format_ in formats.IMAGES:
        with suppress(images.Damaged, images.Flood, images.Moving):
            images.redraw(file, format_)


@search(max_examples=300, deadline=None)
@given(
    base=st.sampled_from(
        [samples.archive({"a.txt": b"a" * 99, "b/c": b"x"}), samples.office("docx"), samples.workbook()]
    ),
    cuts=st.lists(st.tuples(st.integers(0, 9000), st.binary(max_size=6)), min_size=1, max_size=4),
)
def test_broken_archives_are_refused_never_an_error_of_ours(base, cuts):
    content = bytearray(base)
    for place, put in cuts:
        content[place % len(content) : place % len(content) + len(put)] = put
    with suppress(FileRefused):
        services._told(ContentFile(bytes(content)), shown="a.zip")


@pytest.mark.parametrize("name", sorted(corpus.NAMES))
def test_names_are_cleaned_where_they_come_in_and_where_they_leave(client, alice, name):
    document = keep(alice, samples.PDF, name)
    assert document.name == corpus.NAMES[name]
    assert len(document.name.encode()) <= 255
    client.force_login(alice)
    header = client.get(document.get_absolute_url())["Content-Disposition"]
    assert header.startswith("attachment; filename")
    assert not set(header) & {"\r", "\n", "\0", "\u202e"}


def test_a_name_from_before_is_cleaned_on_its_way_out(client, alice, monkeypatch):
    document = keep(alice, samples.PDF, "a.pdf")
    monkeypatch.setattr(
        "park_portal.core.documents.views.name_for", lambda *args: "报告\u202efdp\r\nX: 1.pdf"
    )
    client.force_login(alice)
    header = client.get(document.get_absolute_url())["Content-Disposition"]
    assert header == "attachment; filename*=utf-8''%E6%8A%A5%E5%91%8Afdp%20X_%201.pdf"


def test_addresses_cannot_be_guessed_and_contents_not_asked_for(client, alice):
    first, second = keep(alice, samples.PDF, "a.pdf"), keep(alice, samples.PDF, "b.pdf")
    assert (first.public_id.version, second.public_id.version) == (4, 4)
    client.force_login(alice)
    for path in (
        f"/documents/{first.pk}/",
        f"/documents/{first.sha256}/",
        f"/media/{first.path}",
        f"/{first.path}",
    ):
        assert client.get(path).status_code == 404
    # … not even by a stored path, as nginx alone may.
    assert client.get(f"/protected/{first.path}").status_code == 404
    assert default_storage.exists(first.path)
