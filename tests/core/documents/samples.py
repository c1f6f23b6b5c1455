"""Small files of every kind, made here byte by byte."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import openpyxl
from PIL import Image

PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def picture(kind: str, *, mode: str = "RGB", size: tuple[int, int] = (30, 20), **options: Any) -> bytes:
    """A picture of two colours, as Pillow writes it."""
    drawn, out = Image.new(mode, size), io.BytesIO()
    drawn.paste(Image.new(mode, (size[0] // 2, size[1]), 1 if mode in ("1", "P", "L") else "teal"))
    drawn.save(out, kind, **options)
    return out.getvalue()


PNG, JPEG, WEBP = picture("PNG"), picture("JPEG"), picture("WEBP")
EXE = b"MZ\x90\x00\x03\x00\x00\x00" + b"\x00" * 200
HTML = b"<!doctype html><script>alert(1)</script>"

OFFICE_MAIN = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
    "docm": "application/vnd.ms-word.document.macroEnabled.main+xml",
}


def archive(entries: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of ``entries``."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return out.getvalue()


def office(kind: str, **more: bytes) -> bytes:
    """The skeleton of an Office file: just enough for what it says it is."""
    types = (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        f'<Override PartName="/main.xml" ContentType="{OFFICE_MAIN[kind]}"/></Types>'
    )
    return archive({"[Content_Types].xml": types.encode(), "main.xml": b"<x/>", **more})


def workbook() -> bytes:
    """A real workbook, as openpyxl writes it."""
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active["A1"] = "复旦大学"
    book.save(out)
    return out.getvalue()


def compound(stream: str, *more: str) -> bytes:
    """An OLE compound file whose directory names ``stream`` (and up to three ``more``), as Office 97 wrote them."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<H", header, 30, 9)  # sectors of 512 bytes
    struct.pack_into("<I", header, 48, 1)  # the directory begins in sector 1
    struct.pack_into("<109I", header, 76, 0, *([0xFFFFFFFF] * 108))  # the table lies in sector 0
    table = struct.pack("<128I", 0xFFFFFFFD, 2, 0xFFFFFFFE, *([0xFFFFFFFF] * 125))

    def entry(name: str) -> bytes:
        raw = bytearray(128)
        encoded = (name + "\0").encode("utf-16-le")
        raw[: len(encoded)] = encoded
        struct.pack_into("<H", raw, 64, len(encoded))
        return bytes(raw)

    first = b"".join(entry(name) for name in ("Root Entry", "1Table", "Data", "x"))
    second = b"".join(entry(name) for name in (stream, *more)).ljust(
        512, b"\0"
    )  # in the directory's second sector
    return bytes(header) + table + first + second
