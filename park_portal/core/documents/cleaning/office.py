"""Word, Excel and PowerPoint files (ISO/IEC 29500) without author, company, paths, and who commented or changed what.

The package is written anew part by part. Properties, thumbnails, printers' settings and data that programs keep for
themselves are left out; in the others the names of people are replaced where the standard puts them. A part that may hold
names where nobody can look (sound, film, old embedded files) makes the file one that cannot be cleaned.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, Final

from lxml import etree

from park_portal.core.documents import formats
from park_portal.core.documents.cleaning.parts import (
    CannotClean,
    bare_emf,
    bare_gif,
    bare_jpeg,
    bare_png,
    packed,
)
from park_portal.core.documents.formats import Format

Inner = Callable[[bytes], tuple[bytes, Format]]

PART_MAX: Final = 64 << 20  # of a part that is read as a tree
AUTHOR: Final = "Author"  # what Office's own document inspector puts in the place of a name
CONTENT_TYPES: Final = "[Content_Types].xml"

# Parts without which the file opens and looks the same.
_DROPPED: Final = re.compile(
    r"^(docProps/|customXml/|docMetadata/|xl/printerSettings/|xl/revisions/|ppt/changesInfos/|ppt/printerSettings/"
    r"|_xmlsignatures/|word/people\.xml$|(word|xl|ppt)/(webextensions|userCustomization|customUI)/"
    r"|.*[tT]humbnail\.[a-z]+$)",
)
# Parts that hold what the sheet holds and nobody's name; they may be long.
_PLAIN_TREES: Final = frozenset(
    {"worksheet", "chartsheet", "sst", "styleSheet", "calcChain", "pivotCacheRecords", "theme", "fonts"}
)
# Parts that say nothing but who and with what, wherever they lie.
_DROPPED_TREES: Final = frozenset({"coreProperties", "Properties", "people", "chgInfo"})
_ROOT: Final = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z][\w.-]*)[\s/>]")
_PICTURES: Final[dict[str, Callable[[bytes], bytes]]] = {
    "jpg": bare_jpeg,
    "jpeg": bare_jpeg,
    "jfif": bare_jpeg,
    "png": bare_png,
    "gif": bare_gif,
    "emf": bare_emf,
}
# Formats without a place for a name: bitmaps, simple metafiles; obfuscated fonts.
_PLAIN: Final = frozenset({"bmp", "dib", "wmf", "odttf", "fntdata", "ttf"})
# Streams of the old equations and symbols: their own data and how they are shown, no property sets and no paths.
_OLE_PLAIN: Final = frozenset(
    {"Root Entry", "\x01CompObj", "\x01Ole", "\x03ObjInfo", "Equation Native", "\x02OlePres000", "\x03EPRINT"}
)
# What a field shows that is about the file: its text was put there by the program.
_ABOUT_THE_FILE: Final = re.compile(
    r"^\s*(AUTHOR|LASTSAVEDBY|USERNAME|USERINITIALS|USERADDRESS|FILENAME|TEMPLATE|DOCPROPERTY|INFO|COMMENTS|KEYWORDS)\b",
    re.IGNORECASE,
)
# Paths on somebody's disk or in somebody's network, and mailboxes: what a link shows on the page stays.
_OWN_PATH: Final = re.compile(r"^\s*(file:|mailto:|[a-z]:[\\/]|[\\/]{2}|[\\/])", re.IGNORECASE)
_PARSER: Final[dict[str, Any]] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": True,
}


def clean_office(content: bytes, inner: Inner) -> bytes:
    """Return the Office file ``content`` without what tells who made it; ``inner`` cleans the files within it.

    Raises ``CannotClean``.
    """
    parts: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in archive.infolist():
                if entry.is_dir() or _DROPPED.match(entry.filename):
                    continue
                part = _part(entry.filename, archive, entry, inner)
                if part is not None:
                    parts[entry.filename] = part
    except (
        zipfile.BadZipFile,
        KeyError,
        OSError,
        etree.XMLSyntaxError,
        UnicodeDecodeError,
        IndexError,
    ) as error:
        raise CannotClean("damaged") from error
    _forget_dropped(parts)
    return packed(parts)


def _part(name: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, inner: Inner) -> bytes | None:
    """Return what is left of a part; None when nothing of it is."""
    ending = name.rpartition(".")[2].lower()
    if "/embeddings/" in name and ending not in ("xml", "rels"):
        return _embedded(archive.read(entry), inner)
    if ending in _PICTURES:
        return _PICTURES[ending](archive.read(entry))
    if ending in ("xml", "rels", "vml"):
        return _xml(name, archive, entry)
    if ending == "svg":
        return _svg(archive.read(entry))
    if ending in _PLAIN or (ending == "bin" and "/activeX/" not in name and "/ctrlProps/" not in name):
        return _binary(archive.read(entry), ending)
    raise CannotClean("media")


def _xml(name: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes | None:
    with archive.open(entry) as file:
        begins = _ROOT.search(file.read(8192))
    root = begins[1].decode() if begins else ""
    if root in _DROPPED_TREES:
        return None
    if root in _PLAIN_TREES:
        return archive.read(entry)
    if entry.file_size > PART_MAX:
        raise CannotClean("too_large")
    return _tree(name, archive.read(entry))


def _embedded(content: bytes, inner: Inner) -> bytes:
    if content.startswith(b"PK\x03\x04") or content.startswith(b"%PDF-"):
        return inner(content)[0]
    return _binary(content, "bin")


def _binary(content: bytes, ending: str) -> bytes:
    if ending != "bin":
        return content
    if not content.startswith(b"\xd0\xcf\x11\xe0"):
        raise CannotClean("nested")
    names = set(formats.names_in_compound(io.BytesIO(content)))
    if not names <= _OLE_PLAIN:
        raise CannotClean("nested")
    return content


# --- parts that are trees


def _local(tag: Any) -> str:
    return etree.QName(tag).localname if isinstance(tag, str) else ""


def _tree(name: str, content: bytes) -> bytes:
    root = etree.fromstring(content, etree.XMLParser(remove_comments=True, remove_pis=True, **_PARSER))
    if root.getroottree().docinfo.doctype:
        raise CannotClean("damaged")
    if name.endswith(".rels"):
        _relations(root)
    elif name != CONTENT_TYPES:
        space = (etree.QName(root.tag).namespace or "").lower()
        for word, deed in (
            ("word", _word),
            ("spreadsheet", _excel),
            ("presentation", _powerpoint),
            ("powerpoint", _powerpoint),
        ):
            if word in space:
                deed(root)
    out: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    return out


def _relations(root: Any) -> None:
    for row in root:
        target = row.get("Target", "")
        if row.get("TargetMode", "").lower() == "external" and _OWN_PATH.match(target):
            # What the relation is for stays, so that the part which names it stays whole.
            row.set(
                "Target", "mailto:" if target.lower().lstrip().startswith("mailto:") else "file:///hidden"
            )


def _word(root: Any) -> None:
    for element in list(root.iter(etree.Element)):
        for key in element.attrib:
            if _local(key) == "author":
                element.set(key, AUTHOR)
            elif _local(key) == "initials":
                element.set(key, AUTHOR[0])
            elif _local(key) in ("userId", "providerId"):
                element.set(key, "")
        kind = _local(element.tag)
        if kind in ("mailMerge", "docVars") and element.getparent() is not None:
            element.getparent().remove(element)
        elif kind == "fldSimple" and _ABOUT_THE_FILE.match(_attribute(element, "instr")):
            for text in _named(element, "t"):
                text.text = ""
    _blank_fields(root)


def _blank_fields(root: Any) -> None:
    """Empty what fields about the file show, where their beginning and end stand apart.

    Fields may stand within one another: each is open from its beginning to its end, and shows text after its separator.
    """
    fields: list[dict[str, Any]] = []
    for element in root.iter(etree.Element):
        kind = _local(element.tag)
        if kind == "fldChar":
            step = _attribute(element, "fldCharType")
            if step == "begin":
                fields.append({"code": "", "shows": False})
            elif fields and step == "separate":
                fields[-1]["shows"] = True
            elif fields and step == "end":
                fields.pop()
        elif kind == "instrText" and fields and not fields[-1]["shows"]:
            fields[-1]["code"] += element.text or ""
        elif kind == "t" and any(one["shows"] and _ABOUT_THE_FILE.match(one["code"]) for one in fields):
            element.text = ""


def _excel(root: Any) -> None:
    authors = [element.text or "" for element in _named(root, "author")]
    for element in list(root.iter(etree.Element)):
        kind = _local(element.tag)
        if kind == "author":
            element.text = AUTHOR
        elif kind == "absPath" and element.getparent() is not None:  # where the file lay on the writer's disk
            element.getparent().remove(element)
        elif kind == "person":
            element.set("displayName", AUTHOR)
            for key in ("userId", "providerId"):
                if key in element.attrib:
                    element.set(key, "")
        elif kind in ("fileSharing", "connection"):
            for key in ("userName", "sourceFile", "odcFile"):
                element.attrib.pop(key, None)
        elif kind == "t" and element.text:
            # Excel begins each note with its author's name.
            element.text = next(
                (
                    AUTHOR + element.text[len(one) :]
                    for one in authors
                    if one and element.text.startswith(one)
                ),
                element.text,
            )


def _powerpoint(root: Any) -> None:
    for element in root.iter(etree.Element):
        if _local(element.tag) in ("cmAuthor", "author"):
            for key, put in (("name", AUTHOR), ("initials", AUTHOR[0]), ("userId", ""), ("providerId", "")):
                if key in element.attrib:
                    element.set(key, put)


def _attribute(element: Any, name: str) -> str:
    return next((str(value) for key, value in element.attrib.items() if _local(key) == name), "")


def _named(root: Any, name: str) -> Iterator[Any]:
    return (element for element in root.iter(etree.Element) if _local(element.tag) == name)


_SVG: Final = (
    "http://www.w3.org/2000/svg",
    "http://www.w3.org/1999/xlink",
    "http://www.w3.org/XML/1998/namespace",
)


def _svg(content: bytes) -> bytes:
    """Return a drawing without the notes of the program that drew it."""
    root = etree.fromstring(content, etree.XMLParser(remove_comments=True, remove_pis=True, **_PARSER))
    if root.getroottree().docinfo.doctype:
        raise CannotClean("damaged")
    for element in list(root.iter(etree.Element)):
        name = etree.QName(element.tag)
        if (name.namespace not in _SVG or name.localname in ("metadata", "title", "desc")) and (
            element.getparent() is not None
        ):
            element.getparent().remove(element)
            continue
        for key in element.attrib:
            if etree.QName(key).namespace not in (None, *_SVG):
                del element.attrib[key]
    out: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return out


# --- what pointed to parts that are gone


def _forget_dropped(parts: dict[str, bytes]) -> None:
    """Take away the relations and content types of parts that were left out."""
    for name in [name for name in parts if name.endswith(".rels")]:
        folder, base = posixpath.split(posixpath.dirname(name))[0], posixpath.basename(name)[: -len(".rels")]
        if base and posixpath.join(folder, base) not in parts:
            del parts[name]
            continue
        root = etree.fromstring(parts[name], etree.XMLParser(**_PARSER))
        gone = []
        for row in list(root):
            if row.get("TargetMode", "").lower() == "external":
                continue
            target = row.get("Target", "").partition("#")[0]
            place = (
                target.lstrip("/")
                if target.startswith("/")
                else posixpath.normpath(posixpath.join(folder, target))
            )
            if target and place not in parts:
                gone.append(row.get("Id", ""))
                root.remove(row)
        parts[name] = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
        if gone and base:
            _forget(parts, posixpath.join(folder, base), set(gone))
    types = etree.fromstring(parts[CONTENT_TYPES], etree.XMLParser(**_PARSER))
    for row in list(types):
        place = row.get("PartName", "").lstrip("/")
        if place and place not in parts:
            types.remove(row)
    parts[CONTENT_TYPES] = etree.tostring(types, xml_declaration=True, encoding="UTF-8", standalone=True)


_RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def _forget(parts: dict[str, bytes], name: str, gone: set[str]) -> None:
    """Take out of a part what names a relation that is gone: an Excel sheet its printer's settings."""
    if len(parts[name]) > PART_MAX:
        raise CannotClean("too_large")
    root = etree.fromstring(parts[name], etree.XMLParser(**_PARSER))
    found = False
    for element in root.iter(etree.Element):
        for key in element.attrib:
            if etree.QName(key).namespace == _RELATIONS and element.get(key) in gone:
                del element.attrib[key]
                found = True
    if found:
        parts[name] = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
