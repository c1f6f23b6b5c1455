"""Files that mean harm, made here byte by byte: two things at once, far more than they are, names that lead elsewhere."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Final

from PIL import Image, PngImagePlugin

from tests.core.documents import samples

# Says aloud that it ran, in whatever a browser may take it for.
SCRIPT: Final = b"<script>document.title='ran';alert('ran')</script>"
PAGE: Final = b"<!doctype html><html><body>" + SCRIPT + b"<img src=x onerror=alert('ran')></body></html>"
SVG: Final = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">' + SCRIPT + b"</svg>"

RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


# --- two things at once ---------------------------------------------------------------------------------------------

PDF_AND_PAGE: Final = b"%PDF-1.7\n" + PAGE + samples.PDF
PDF_AND_ZIP: Final = samples.PDF + samples.archive({"evil.html": PAGE})
PDF_WITH_SCRIPT: Final = (
    b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert\\('ran'\\))>>>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)
GIF_AND_SCRIPT: Final = b"GIF89a/*\x01\x00\x01\x00*/=1;alert('ran')//"
GIF_AS_TEXT: Final = b"GIF89a=1;alert('ran')//"
PNG_AND_ZIP: Final = samples.PNG + samples.archive({"evil.html": PAGE})
JPEG_AND_PAGE: Final = samples.JPEG + PAGE


def png_with_text() -> bytes:
    """A PNG that carries a page in its comments."""
    text, out = PngImagePlugin.PngInfo(), io.BytesIO()
    text.add_text("Comment", PAGE.decode())
    text.add_itxt("XML:com.adobe.xmp", SVG.decode(), zip=True)
    Image.new("RGB", (30, 20)).save(out, "PNG", pnginfo=text)
    return out.getvalue()


def png_with_palette() -> bytes:
    """A PNG whose colours, read as letters, are a page."""
    picture, out = Image.new("P", (30, 20)), io.BytesIO()
    picture.putpalette(PAGE.ljust(768, b" "))
    picture.save(out, "PNG")
    return out.getvalue()


def jpeg_with_comment() -> bytes:
    """A JPEG with a page as its comment, the place it was taken at, a turned camera and a colour profile of free bytes."""
    exif, out = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6  # taken with the camera on its side
    exif[0x010F] = "Secret Camera"
    exif.get_ifd(0x8825)[1] = "N"
    picture = Image.new("RGB", (30, 20), "white")
    picture.save(out, "JPEG", exif=exif, comment=PAGE, icc_profile=PAGE)
    return out.getvalue()


# --- far more than they are -----------------------------------------------------------------------------------------


def flood(kind: str, width: int, height: int) -> bytes:
    """A picture of a few bytes whose header says ``width`` × ``height`` pixels."""
    if kind == "PNG":

        def chunk(name: bytes, body: bytes) -> bytes:
            return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

        head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
        rows = zlib.compress(bytes(1 << 20), 9)
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    if kind == "JPEG":
        made = bytearray(samples.JPEG)
        place = made.index(b"\xff\xc0") + 5
        struct.pack_into(">HH", made, place, height, width)
        return bytes(made)
    body = struct.pack("<BBBB", 0x10, 0, 0, 0) + (width - 1).to_bytes(3, "little")
    body += (height - 1).to_bytes(3, "little")
    parts = b"WEBP" + b"VP8X" + struct.pack("<I", len(body)) + body + samples.WEBP[12:]
    return b"RIFF" + struct.pack("<I", len(parts)) + parts


def animation(kind: str) -> bytes:
    """Two frames."""
    out = io.BytesIO()
    Image.new("RGB", (30, 20)).save(
        out, kind, save_all=True, append_images=[Image.new("RGB", (30, 20), "red")], duration=100
    )
    return out.getvalue()


def bomb(megabytes: int = 200, name: str = "zeros.bin") -> bytes:
    """A zip of a few hundred kilobytes that unpacks to ``megabytes``."""
    return samples.archive({name: b"\0" * (megabytes << 20)})


def nested_bomb() -> bytes:
    """Sixteen archives in one, none of which is remarkable by itself."""
    one = bomb(30)
    return samples.archive({f"{number}.zip": one for number in range(16)}, method=zipfile.ZIP_STORED)


def deep(levels: int) -> bytes:
    """An archive in an archive in an archive …"""
    made = samples.archive({"a.txt": b"a"})
    for _level in range(levels - 1):
        made = samples.archive({"inner.zip": made})
    return made


def overlapping() -> bytes:
    """A zip whose fifty entries are all the same bytes (a "better zip bomb")."""
    made = samples.archive({"0": bytes(1 << 20)})
    place = made.index(b"PK\x01\x02")
    entry, end = made[place:-22], bytearray(made[-22:])
    struct.pack_into("<HHI", end, 8, 50, 50, len(entry) * 50)
    directory = b"".join(entry[:-1] + bytes([ord("0") + number]) for number in range(0, 50) if number != 44)
    return made[:place] + directory + entry[:-1] + b"~" + bytes(end)


def lying() -> bytes:
    """A zip whose directory says that its entry holds ten bytes."""
    made = bytearray(samples.archive({"a.txt": b"a" * (1 << 20)}))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", made, made.index(mark) + place, 10)
    for mark, place in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
        struct.pack_into("<I", made, made.index(mark) + place, zlib.crc32(b"a" * 10))
    return bytes(made)


# --- names that lead elsewhere --------------------------------------------------------------------------------------


def renamed(was: bytes, now: bytes) -> bytes:
    """A zip with one entry whose name, in both headers, is ``now``: written past what the library would allow."""
    assert len(was) == len(now)
    return samples.archive({was.decode(): b"x"}).replace(was, now)


def with_link() -> bytes:
    """A zip that unpacks to a symbolic link to the passwords of the machine."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        link = zipfile.ZipInfo("innocent.txt")
        link.create_system = 3
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    return out.getvalue()


def two_names() -> bytes:
    """A zip whose entry is called otherwise in its own header than in the directory."""
    made = samples.archive({"good.txt": b"x"})
    return made.replace(b"good.txt", b"evil.exe", 1)


def locked() -> bytes:
    """A zip with a password, as far as its headers say."""
    made = bytearray(samples.archive({"a.txt": b"x"}))
    made[6] |= 1
    made[made.index(b"PK\x01\x02") + 8] |= 1
    return bytes(made)


# --- Office files ---------------------------------------------------------------------------------------------------


def reaching(target: str, type_: str = "attachedTemplate", *, kind: str = "docx", head: str = "") -> bytes:
    """An Office file with a relation to ``target``, outside of it."""
    part = (
        f'{head}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{RELATIONS}/{type_}" Target="{target}" TargetMode="External"/></Relationships>'
    )
    return samples.office(kind, **{"word/_rels/settings.xml.rels": part.encode()})


ENTITIES: Final = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">'
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)

REFUSED: Final[dict[str, tuple[Callable[[], bytes] | bytes, str, str]]] = {
    "page": (PAGE, "page.html", "file_type"),
    "page called text": (PAGE, "page.txt", "file_type"),
    "page after blanks": (b"\n\n  <HTML><body onload=alert(1)>", "a.txt", "file_type"),
    "page called pdf": (PAGE, "page.pdf", "file_type"),
    "drawing": (SVG, "a.svg", "file_type"),
    "drawing called png": (SVG, "a.png", "file_type"),
    "drawing called text": (b'<?xml version="1.0"?>' + SVG, "a.txt", "file_type"),
    "script": (b"<?php system('id');", "a.txt", "file_type"),
    "gif and script": (GIF_AND_SCRIPT, "a.gif", "file_type"),
    "gif as text": (GIF_AS_TEXT, "a.txt", "file_type"),
    "rtf as text": (b"{\\rtf1\\object}", "a.txt", "file_type"),
    "program": (samples.EXE, "a.pdf", "file_type"),
    "png, wide": (lambda: flood("PNG", 100_000, 1), "a.png", "file_pixels"),
    "png, flood": (lambda: flood("PNG", 16_000, 16_000), "a.png", "file_pixels"),
    "png, two thousand million": (lambda: flood("PNG", 0x7FFFFFFF, 0x7FFFFFFF), "a.png", "file_pixels"),
    "jpeg, flood": (lambda: flood("JPEG", 16_000, 16_000), "a.jpg", "file_pixels"),
    "webp, flood": (lambda: flood("WEBP", 16_000, 16_000), "a.webp", "file_pixels"),
    "png, none": (lambda: flood("PNG", 0, 5), "a.png", "file_damaged"),
    "png, cut": (samples.PNG[:-30], "a.png", "file_damaged"),
    "png, head only": (b"\x89PNG\r\n\x1a\n", "a.png", "file_damaged"),
    "jpeg, cut": (samples.JPEG[:200], "a.jpg", "file_damaged"),
    "webp, cut": (samples.WEBP[:28], "a.webp", "file_damaged"),
    "webp whose frame is smaller": (lambda: flood("WEBP", 500, 500), "a.webp", "file_damaged"),
    "png, moving": (lambda: animation("PNG"), "a.png", "file_animated"),
    "webp, moving": (lambda: animation("WEBP"), "a.webp", "file_animated"),
    "bomb": (bomb, "a.zip", "file_bomb"),
    "bomb in a document": (
        lambda: samples.office("docx", **{"word/media/1.png": b"\0" * (200 << 20)}),
        "a.docx",
        "file_bomb",
    ),
    "nested bomb": (nested_bomb, "a.zip", "file_bomb"),
    "too deep": (lambda: deep(4), "a.zip", "file_bomb"),
    "overlapping": (overlapping, "a.zip", "file_bomb"),
    "lying": (lying, "a.zip", "file_bomb"),
    "parent folder": (lambda: samples.archive({"../../etc/cron.d/x": b"x"}), "a.zip", "file_names"),
    "parent folder, Windows": (lambda: renamed(b"__..__x.txt", b"a\\..\\..\\x.t"), "a.zip", "file_names"),
    "from the root": (lambda: samples.archive({"/etc/passwd": b"x"}), "a.zip", "file_names"),
    "drive": (lambda: renamed(b"C_/x.txt", b"C:/x.txt"), "a.zip", "file_names"),
    "NUL in a name": (lambda: renamed(b"a.txt_.exe", b"a.txt\0.exe"), "a.zip", "file_names"),
    "line break in a name": (lambda: renamed(b"a_b.txt", b"a\nb.txt"), "a.zip", "file_names"),
    "link": (with_link, "a.zip", "file_names"),
    "two names": (two_names, "a.zip", "file_type"),
    "same name twice": (
        lambda: renamed(b"a.txt", b"a.txt") and samples.archive({"a.txt": b"1", "A.TXT": b"2"}),
        "a.zip",
        "file_names",
    ),
    "slip in a document": (lambda: samples.office("docx", **{"../x": b"x"}), "a.docx", "file_names"),
    "slip in an inner archive": (
        lambda: samples.archive({"b.zip": samples.archive({"../x": b"x"})}),
        "a.zip",
        "file_names",
    ),
    "locked zip": (locked, "a.zip", "file_locked"),
    "locked document": (lambda: samples.compound("EncryptedPackage"), "a.docx", "file_locked"),
    "macros": (lambda: samples.office("docm"), "a.docx", "file_macros"),
    "macros, undeclared": (
        lambda: samples.office("xlsx", **{"xl/vbaProject.bin": b"x"}),
        "a.xlsx",
        "file_macros",
    ),
    "sheet of macros": (
        lambda: samples.office("xlsx", **{"xl/macrosheets/sheet1.xml": b"<x/>"}),
        "a.xlsx",
        "file_macros",
    ),
    "macros, Word 97": (
        lambda: samples.compound("WordDocument", "Macros", "_VBA_PROJECT"),
        "a.doc",
        "file_macros",
    ),
    "macros in a zip": (lambda: samples.archive({"a.docx": samples.office("docm")}), "a.zip", "file_macros"),
    "template elsewhere": (lambda: reaching("https://evil.example/t.dotm"), "a.docx", "file_reaches"),
    "template, spelled": (lambda: reaching("&#104;ttps://evil.example/t.dotm"), "a.docx", "file_reaches"),
    "template on a share": (lambda: reaching(r"\\evil.example\s\t.dotm"), "a.docx", "file_reaches"),
    "template on a share, as file": (
        lambda: reaching(r"file:///\\evil.example\s\t.dotm"),
        "a.docx",
        "file_reaches",
    ),
    "template on a host": (lambda: reaching("file://evil.example/s/t.dotm"), "a.docx", "file_reaches"),
    "picture elsewhere": (lambda: reaching("http://evil.example/1.png", "image"), "a.docx", "file_reaches"),
    "object elsewhere": (
        lambda: reaching("mhtml:http://evil.example/x.html!x", "oleObject"),
        "a.docx",
        "file_reaches",
    ),
    "sheet elsewhere": (
        lambda: reaching("https://evil.example/b.xlsx", "externalLinkPath", kind="xlsx"),
        "a.xlsx",
        "file_reaches",
    ),
    "a thousand million laughs": (lambda: reaching("&i;", head=ENTITIES), "a.docx", "file_type"),
}

ACCEPTED: Final[dict[str, tuple[Callable[[], bytes] | bytes, str]]] = {
    "pdf and page": (PDF_AND_PAGE, "a.pdf"),
    "pdf and zip": (PDF_AND_ZIP, "a.pdf"),
    "pdf with a script": (PDF_WITH_SCRIPT, "a.pdf"),
    "png and zip": (PNG_AND_ZIP, "a.png"),
    "png with text": (png_with_text, "a.png"),
    "png with palette": (png_with_palette, "a.png"),
    "jpeg and page": (JPEG_AND_PAGE, "a.jpg"),
    "jpeg with comment": (jpeg_with_comment, "a.jpg"),
    "page in a zip": (lambda: samples.archive({"evil.html": PAGE, "a.svg": SVG}), "a.zip"),
    "text that calls a script": (b"name,note\n1,<script>alert('ran')</script>\nalert('ran')", "a.csv"),
    "script as text": (b"alert('ran')", "a.txt"),
    "document in a zip": (
        lambda: samples.archive({"a.docx": samples.office("docx", **{"word/b.xlsx": samples.workbook()})}),
        "a.zip",
    ),
    "link that one clicks": (lambda: reaching("https://www.fudan.edu.cn/", "hyperlink"), "a.docx"),
    "the writer's own template": (lambda: reaching(r"file:///C:\Users\li\Normal.dotm"), "a.docx"),
    "the writer's own template, Mac": (lambda: reaching("file:///Users/li/Normal.dotm"), "a.docx"),
    "a sheet beside it": (
        lambda: reaching("%E9%A2%84%E7%AE%97.xlsx", "externalLinkPath", kind="xlsx"),
        "a.xlsx",
    ),
}

NAMES: Final = {
    "报告\u202efdp.exe.pdf": "报告fdp.exe.pdf",
    "\u2067\u200f账目\u2069.pdf": "账目.pdf",
    "a\r\nSet-Cookie: x=1\r\n\r\n<script>.pdf": "a Set-Cookie_ x=1 _script_.pdf",
    'a"; filename="b.html".pdf': "a_; filename=_b.html_.pdf",
    "../../../etc/passwd.pdf": "passwd.pdf",
    "..\\..\\windows\\win.pdf": "win.pdf",
    "CON.pdf": "_CON.pdf",
    "com1.a.pdf": "_com1.a.pdf",
    "长" * 300 + ".pdf": "长" * 78 + ".pdf",
    "😀" * 300 + ".pdf": "😀" * 59 + ".pdf",
    "x" * 300 + ".pdf": "x" * 116 + ".pdf",
    "a\x00.html\x00.pdf": "a.html.pdf",
}


def made(given: Callable[[], bytes] | bytes) -> bytes:
    return given() if callable(given) else given
