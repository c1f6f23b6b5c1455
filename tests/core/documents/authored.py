"""Real files that say who made them in every place their formats have: for what must take it out again."""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import openpyxl
from openpyxl.comments import Comment
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import FreeText, Text
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    StreamObject,
    TextStringObject,
)

from tests.core.documents.samples import archive

# Nobody's words but the author's: none of these may be left in a copy.
AUTHOR, COMPANY, DISK = "Lin-Ruoxi-Author", "Qingxin-Company", "C:\\Users\\linruoxi"
MARKS = (AUTHOR, COMPANY, "linruoxi", "Secret-Camera", "S-1-5-21-Lin")


def photograph(kind: str = "JPEG") -> bytes:
    """A picture whose Exif names its author."""
    exif, out = Image.Exif(), io.BytesIO()
    exif[315], exif[271], exif[33432] = AUTHOR, "Secret-Camera", COMPANY
    Image.new("RGB", (40, 30), "teal").save(out, kind, exif=exif)
    return out.getvalue()


def page(text: str = "The organoid answers.") -> bytes:
    """One plain page."""
    writer = PdfWriter()
    sheet = writer.add_blank_page(400, 300)
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    sheet[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/Font"): DictionaryObject({NameObject("/F1"): writer._add_object(font)})}
    )
    drawn = StreamObject()
    drawn._data = f"BT /F1 18 Tf 40 200 Td ({text}) Tj ET".encode("latin-1")
    sheet[NameObject("/Contents")] = writer._add_object(drawn)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def pdf(text: str = "The organoid answers.", *, comments: bool = True) -> bytes:
    """A PDF with author in its information, in XMP, in a picture's Exif, in comments and in its program's own notes."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(page(text))))
    writer.add_metadata({"/Author": AUTHOR, "/Creator": COMPANY, "/Title": "x", "/Company": COMPANY})
    xmp = StreamObject()
    xmp._data = f'<?xpacket begin="" id="x"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator><rdf:Seq><rdf:li>{AUTHOR}</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'.encode()
    xmp.update({NameObject("/Type"): NameObject("/Metadata"), NameObject("/Subtype"): NameObject("/XML")})
    writer.root_object[NameObject("/Metadata")] = writer._add_object(xmp)
    sheet = writer.pages[0]
    picture = StreamObject()
    picture._data = photograph()
    picture.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Image"),
            NameObject("/Width"): NumberObject(40),
            NameObject("/Height"): NumberObject(30),
            NameObject("/ColorSpace"): NameObject("/DeviceRGB"),
            NameObject("/BitsPerComponent"): NumberObject(8),
            NameObject("/Filter"): NameObject("/DCTDecode"),
            NameObject("/Metadata"): writer._add_object(xmp),
        }
    )
    sheet["/Resources"][NameObject("/XObject")] = DictionaryObject(
        {NameObject("/Im1"): writer._add_object(picture)}
    )
    sheet[NameObject("/PieceInfo")] = DictionaryObject(
        {NameObject("/Word"): DictionaryObject({NameObject("/Private"): TextStringObject(DISK)})}
    )
    sheet[NameObject("/LastModified")] = TextStringObject("D:20260101")
    if comments:
        note = Text(rect=(10, 10, 30, 30), text="Look at this.")
        note[NameObject("/T")] = TextStringObject(AUTHOR)
        writer.add_annotation(0, note)
        free = FreeText(rect=(50, 10, 90, 30), text="And at that.")
        free[NameObject("/T")] = TextStringObject(AUTHOR)
        writer.add_annotation(0, free)
        link = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Annot"),
                NameObject("/Subtype"): NameObject("/Link"),
                NameObject("/Rect"): ArrayObject([NumberObject(n) for n in (1, 1, 9, 9)]),
                NameObject("/A"): DictionaryObject(
                    {
                        NameObject("/S"): NameObject("/URI"),
                        NameObject("/URI"): TextStringObject("mailto:linruoxi@example.com"),
                    }
                ),
            }
        )
        sheet["/Annots"].append(writer._add_object(link))
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(
        {
            NameObject("/S"): NameObject("/JavaScript"),
            NameObject("/JS"): TextStringObject(f"app.alert('{AUTHOR}')"),
        }
    )
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def revised_pdf() -> bytes:
    """A PDF that was saved over an earlier state of itself, whose information names the author."""
    first = pdf()
    start = first.rindex(b"startxref")
    before = int(first[start:].split()[1])
    trailer = first[first.rindex(b"trailer") : start].replace(b">>", f"/Prev {before} >>".encode(), 1)
    info = re.search(rb"/Info (\d+) 0 R", trailer)
    assert info is not None
    place = len(first)
    new = b"%s 0 obj\n<</Author (Somebody)>>\nendobj\n" % info[1]
    table = b"xref\n%s 1\n%010d 00000 n \n" % (info[1], place)
    return first + new + table + trailer + b"startxref\n%d\n%%%%EOF\n" % (place + len(new))


def with_attachment() -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(page())))
    writer.add_attachment("cv.txt", AUTHOR.encode())
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def locked_pdf(password: str) -> bytes:
    """A PDF that ``password`` opens; with none, it is only locked against changes."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf())))
    writer.encrypt(user_password=password, owner_password="owner", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def properties() -> dict[str, bytes]:
    """The three parts of properties that any Office file may have, and a thumbnail."""
    core = (
        f'{_HEAD}<cp:coreProperties xmlns:cp="{PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:creator>{AUTHOR}</dc:creator><cp:lastModifiedBy>{AUTHOR}</cp:lastModifiedBy></cp:coreProperties>"
    )
    app = (
        f'{_HEAD}<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties">'
        f"<Company>{COMPANY}</Company><Manager>{AUTHOR}</Manager><Template>{DISK}\\x.dotx</Template></Properties>"
    )
    custom = (
        f'{_HEAD}<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties" '
        'xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"><property '
        'fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="2" name="Owner">'
        f"<vt:lpwstr>{AUTHOR}</vt:lpwstr></property></Properties>"
    )
    return {
        "docProps/core.xml": core.encode(),
        "docProps/app.xml": app.encode(),
        "docProps/custom.xml": custom.encode(),
        "docProps/thumbnail.jpeg": photograph(),
    }


def relations(
    rows: Mapping[str, tuple[str, str]], external: Mapping[str, tuple[str, str]] | None = None
) -> bytes:
    """A part of relations: {id: (kind, target)}."""
    lines = [
        f'<Relationship Id="{key}" Type="{kind if "/" in kind else f"{R}/{kind}"}" Target="{target}"/>'
        for key, (kind, target) in rows.items()
    ]
    lines += [
        f'<Relationship Id="{key}" Type="{R}/{kind}" Target="{target}" TargetMode="External"/>'
        for key, (kind, target) in (external or {}).items()
    ]
    return f'{_HEAD}<Relationships xmlns="{PACKAGE}/relationships">{"".join(lines)}</Relationships>'.encode()


def types(parts: Mapping[str, str]) -> bytes:
    lines = [
        f'<Default Extension="{ending}" ContentType="{mime}"/>'
        for ending, mime in (
            ("rels", "application/vnd.openxmlformats-package.relationships+xml"),
            ("xml", "application/xml"),
            ("jpeg", "image/jpeg"),
            ("png", "image/png"),
            ("bin", "application/octet-stream"),
            ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )
    ]
    lines += [
        f'<Override PartName="/{name}" ContentType="application/vnd.openxmlformats-officedocument.{kind}+xml"/>'
        for name, kind in parts.items()
    ]
    return f'{_HEAD}<Types xmlns="{PACKAGE}/content-types">{"".join(lines)}</Types>'.encode()


BODY = "The organoid answers."


def docx(text: str = BODY, **more: bytes) -> bytes:
    """A Word file with a comment, tracked changes, fields about the file, a linked template, a photograph and a table of
    Excel within it; each names its author."""
    mc = (
        'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
        'xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml" mc:Ignorable="w14"'
    )
    document = (
        f"{_HEAD}<w:document {W} {mc}><!-- {AUTHOR} --><w:body>"
        f'<w:p w14:paraId="1"><w:r><w:t>{text}</w:t></w:r></w:p>'
        f'<w:p><w:ins w:id="1" w:author="{AUTHOR}" w:date="2026-01-01T00:00:00Z"><w:r><w:t>Inserted.</w:t></w:r></w:ins>'
        f'<w:del w:id="2" w:author="{AUTHOR}"><w:r><w:delText>Deleted.</w:delText></w:r></w:del></w:p>'
        f'<w:p><w:pPr><w:pPrChange w:id="3" w:author="{AUTHOR}"><w:pPr/></w:pPrChange></w:pPr>'
        f'<w:fldSimple w:instr=" AUTHOR \\* MERGEFORMAT "><w:r><w:t>{AUTHOR}</w:t></w:r></w:fldSimple>'
        '<w:fldSimple w:instr=" PAGE "><w:r><w:t>7</w:t></w:r></w:fldSimple></w:p>'
        '<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> FILENAME \\p </w:instrText></w:r>'
        f'<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>{DISK}</w:t></w:r>'
        '<w:r><w:fldChar w:fldCharType="end"/></w:r><w:r><w:t>After.</w:t></w:r></w:p>'
        "</w:body></w:document>"
    )
    comments = (
        f'{_HEAD}<w:comments {W}><w:comment w:id="0" w:author="{AUTHOR}" w:initials="Lin-Ruoxi-Author">'
        "<w:p><w:r><w:t>Is this so?</w:t></w:r></w:p></w:comment></w:comments>"
    )
    people = (
        f'{_HEAD}<w15:people xmlns:w15="http://schemas.microsoft.com/office/word/2012/wordml"><w15:person '
        f'w15:author="{AUTHOR}"><w15:presenceInfo w15:providerId="AD" w15:userId="S-1-5-21-Lin"/></w15:person></w15:people>'
    )
    settings = f'{_HEAD}<w:settings {W} xmlns:r="{R}"><w:attachedTemplate r:id="rId1"/><w:docVars><w:docVar w:name="a" w:val="{AUTHOR}"/></w:docVars></w:settings>'
    parts = {
        "[Content_Types].xml": types(
            {
                "word/document.xml": "wordprocessingml.document.main",
                "word/comments.xml": "wordprocessingml.comments",
                "word/people.xml": "wordprocessingml.people",
                "word/settings.xml": "wordprocessingml.settings",
                "docProps/core.xml": "core-properties",
                "docProps/app.xml": "extended-properties",
                "docProps/custom.xml": "custom-properties",
            }
        ),
        "_rels/.rels": relations(
            {
                "rId1": ("officeDocument", "word/document.xml"),
                "rId2": (f"{PACKAGE}/relationships/metadata/core-properties", "docProps/core.xml"),
                "rId3": ("extended-properties", "docProps/app.xml"),
                "rId4": ("custom-properties", "docProps/custom.xml"),
                "rId5": (f"{PACKAGE}/relationships/metadata/thumbnail", "docProps/thumbnail.jpeg"),
            }
        ),
        "word/document.xml": document.encode(),
        "word/_rels/document.xml.rels": relations(
            {
                "rId1": ("comments", "comments.xml"),
                "rId2": ("http://schemas.microsoft.com/office/2011/relationships/people", "people.xml"),
                "rId3": ("settings", "settings.xml"),
                "rId4": ("image", "media/image1.jpeg"),
                "rId5": ("package", "embeddings/table.xlsx"),
                "rId6": ("customXml", "../customXml/item1.xml"),
            },
            {
                "rId7": ("hyperlink", "mailto:linruoxi@example.com"),
                "rId8": ("hyperlink", "https://example.com/method"),
            },
        ),
        "word/comments.xml": comments.encode(),
        "word/people.xml": people.encode(),
        "word/settings.xml": settings.encode(),
        "word/_rels/settings.xml.rels": relations(
            {}, {"rId1": ("attachedTemplate", "file:///C:/Users/linruoxi/x.dotm")}
        ),
        "word/media/image1.jpeg": photograph(),
        "word/embeddings/table.xlsx": xlsx(),
        "customXml/item1.xml": f"{_HEAD}<a><Author>{AUTHOR}</Author></a>".encode(),
        **properties(),
        **more,
    }
    return archive(parts)


def xlsx(text: str = BODY) -> bytes:
    """A workbook with properties, a note, the place where it lay on the disk, a person of threaded comments."""
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active["A1"], book.active.title = text, "Data"
    book.active["A2"], book.active["A3"] = 7, "=A2*6"
    book.active["A1"].comment = Comment(f"{AUTHOR}:\nIs this so?", AUTHOR)
    book.properties.creator = book.properties.lastModifiedBy = AUTHOR
    book.save(out)
    parts = {}
    with zipfile.ZipFile(io.BytesIO(out.getvalue())) as held:
        for entry in held.infolist():
            parts[entry.filename] = held.read(entry)
    path = (
        '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        '<mc:Choice Requires="x15"><x15ac:absPath url="C:\\Users\\linruoxi\\Desktop\\" '
        'xmlns:x15ac="http://schemas.microsoft.com/office/spreadsheetml/2010/11/ac"/></mc:Choice></mc:AlternateContent>'
        f'<fileSharing userName="{AUTHOR}"/>'
    )
    workbook = parts["xl/workbook.xml"].decode().replace("<workbookPr", f"{path}<workbookPr", 1)
    parts["xl/workbook.xml"] = workbook.encode()
    person = (
        f'{_HEAD}<personList xmlns="http://schemas.microsoft.com/office/spreadsheetml/2018/threadedcomments">'
        f'<person displayName="{AUTHOR}" id="{{1}}" userId="S-1-5-21-Lin" providerId="AD"/></personList>'
    )
    parts["xl/persons/person.xml"] = person.encode()
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    printer = f'<pageSetup xmlns:r="{R}" r:id="rIdPrinter"/>'
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(
        "<legacyDrawing", f"{printer}<legacyDrawing", 1
    ).encode()
    rels = parts["xl/worksheets/_rels/sheet1.xml.rels"].decode()
    row = f'<Relationship Id="rIdPrinter" Type="{R}/printerSettings" Target="../printerSettings/printerSettings1.bin"/>'
    parts["xl/worksheets/_rels/sheet1.xml.rels"] = rels.replace(
        "</Relationships>", f"{row}</Relationships>"
    ).encode()
    parts["xl/printerSettings/printerSettings1.bin"] = f"\\\\{COMPANY}\\printer".encode("utf-16-le")
    return archive(parts)


def pptx(text: str = BODY) -> bytes:
    """A presentation with commenting authors, old and new, and what it keeps of changes."""
    a, p = (
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"',
        'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"',
    )
    slide = (
        f"{_HEAD}<p:sld {p} {a}><p:cSld><p:spTree><p:sp><p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
        "</p:spTree></p:cSld></p:sld>"
    )
    authors = f'{_HEAD}<p:cmAuthorLst {p}><p:cmAuthor id="1" name="{AUTHOR}" initials="Lin-Ruoxi-Author" lastIdx="1" clrIdx="0"/></p:cmAuthorLst>'
    modern = (
        f'{_HEAD}<p188:authorLst xmlns:p188="http://schemas.microsoft.com/office/powerpoint/2018/8/main"><p188:author '
        f'id="{{1}}" name="{AUTHOR}" initials="L" userId="S-1-5-21-Lin" providerId="AD"/></p188:authorLst>'
    )
    changes = f'{_HEAD}<pc:chgInfo xmlns:pc="x"><pc:docChg><pc:chgData name="{AUTHOR}" userId="S-1-5-21-Lin"/></pc:docChg></pc:chgInfo>'
    return archive(
        {
            "[Content_Types].xml": types(
                {
                    "ppt/presentation.xml": "presentationml.presentation.main",
                    "ppt/slides/slide1.xml": "presentationml.slide",
                    "ppt/commentAuthors.xml": "presentationml.commentAuthors",
                }
            ),
            "_rels/.rels": relations(
                {
                    "rId1": ("officeDocument", "ppt/presentation.xml"),
                    "rId2": (f"{PACKAGE}/relationships/metadata/core-properties", "docProps/core.xml"),
                }
            ),
            "ppt/presentation.xml": f"{_HEAD}<p:presentation {p}/>".encode(),
            "ppt/_rels/presentation.xml.rels": relations(
                {
                    "rId1": ("slide", "slides/slide1.xml"),
                    "rId2": ("commentAuthors", "commentAuthors.xml"),
                    "rId3": ("changesInfo", "changesInfos/changesInfo1.xml"),
                }
            ),
            "ppt/slides/slide1.xml": slide.encode(),
            "ppt/commentAuthors.xml": authors.encode(),
            "ppt/authors.xml": modern.encode(),
            "ppt/changesInfos/changesInfo1.xml": changes.encode(),
            **properties(),
        }
    )


def everything_in(content: bytes) -> bytes:
    """All bytes of a file as whoever looks for a name would see them: unpacked, within one another, in any encoding."""
    found = [content]
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as held:
            for entry in held.infolist():
                found += [
                    entry.filename.encode(),
                    entry.comment,
                    entry.extra,
                    everything_in(held.read(entry)),
                ]
            found.append(held.comment)
    if content.startswith(b"%PDF-"):
        reader = PdfReader(io.BytesIO(content))
        found.append(str(reader.trailer).encode())
        for number in range(1, int(reader.trailer["/Size"])):
            found.append(_all_of(reader.get_object(number)))
    text = b"\n".join(found)
    return text + text.replace(b"\x00", b"")


def _all_of(thing: Any) -> bytes:
    said = repr(thing).encode()
    if isinstance(thing, StreamObject):
        said += thing._data
        with contextlib.suppress(zlib.error):
            said += zlib.decompress(thing._data)
    return said
