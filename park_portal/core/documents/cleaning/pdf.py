"""PDFs without author, program, dates, XMP, signatures and the names of those who commented.

What is kept is what the pages are drawn from, by following the references from the document's root: earlier states of
the file, which an editor leaves behind the newest, are not reached and so not copied.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Any, Final

from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, StreamObject

from park_portal.core.documents.cleaning.parts import CannotClean, bare_jp2, bare_jpeg

OBJECTS_MAX: Final = 400_000

# Keys that say, wherever they stand, who or what made a thing. /PieceInfo is what programs note for themselves;
# /CreatorInfo and /User stand in layers; /AA and /OpenAction do something when the file is opened or turned over.
_SAID: Final = ("/Metadata", "/PieceInfo", "/LastModified", "/CreatorInfo", "/AA", "/Thumb")
# Of annotations: /T is the author, /NM a name the program gave it, /M and /CreationDate when.
_ANNOTATION: Final = ("/T", "/NM", "/M", "/CreationDate", "/Subj", "/RC")
_ACTIONS_KEPT: Final = ("/GoTo", "/URI", "/Named")


def clean_pdf(content: bytes) -> bytes:
    """Return the PDF ``content`` without what tells who made it. Raises ``CannotClean``."""
    try:
        cleaned = _rewritten(content)
        _check(cleaned)
    except CannotClean:
        raise
    except (
        PyPdfError,
        zlib.error,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        RecursionError,
        OSError,
    ) as error:
        # A parser of other people's files raises what it pleases; each means the same: nobody can say what is inside.
        raise CannotClean("damaged") from error
    return cleaned


def _rewritten(content: bytes) -> bytes:
    reader = PdfReader(io.BytesIO(content), strict=False)
    # Many are “locked” against changes only, with an empty password to read them.
    if reader.is_encrypted and not reader.decrypt(""):
        raise CannotClean("locked")
    if not reader.pages:
        raise CannotClean("damaged")
    writer = PdfWriter()
    writer.clone_reader_document_root(reader)
    writer.metadata = None
    catalogue = writer.root_object
    names = catalogue.get("/Names")
    if names is not None and "/EmbeddedFiles" in names.get_object():
        raise CannotClean("attachments")
    if names is not None:
        names.get_object().pop("/JavaScript", None)
    opened = catalogue.get("/OpenAction")
    if opened is not None and not isinstance(opened.get_object(), ArrayObject):
        catalogue.pop("/OpenAction", None)
    for key in ("/Perms", "/Legal", "/DSS", "/AF", "/Collection"):
        catalogue.pop(key, None)
    if len(writer._objects) > OBJECTS_MAX:
        raise CannotClean("too_large")
    for found in _dictionaries(writer):
        _strip(found)
    writer.compress_identical_objects(remove_duplicates=False, remove_unreferenced=True)
    writer._ID = None  # tells that two files are states of one
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _dictionaries(writer: PdfWriter) -> Iterator[DictionaryObject]:
    """Yield every dictionary of the file, those within others too; streams are dictionaries."""
    waiting: list[Any] = [one for one in writer._objects if one is not None]
    while waiting:
        one = waiting.pop()
        if isinstance(one, DictionaryObject):
            yield one
            # What is only pointed to is in the list of objects itself.
            waiting += one.values()
        elif isinstance(one, ArrayObject):
            waiting += list(one)


def _strip(found: DictionaryObject) -> None:
    for key in _SAID:
        found.pop(key, None)
    kind, sub = found.get("/Type"), found.get("/Subtype")
    if sub == "/FileAttachment" or kind == "/EmbeddedFile" or "/EF" in found:
        raise CannotClean("attachments")
    if kind == "/Sig" or "/ByteRange" in found:
        # A signature holds a certificate with its owner's name; copied, it would be void anyway.
        for key in list(found):
            if key not in ("/Type",):
                del found[key]
        return
    if kind == "/OCG":
        usage = found.get("/Usage")
        if usage is not None:
            usage.get_object().pop("/User", None)
    if "/Rect" in found and sub is not None and sub not in ("/Widget",):
        for key in _ANNOTATION:
            found.pop(key, None)
    if found.get("/FT") == "/Sig":
        found.pop("/V", None)
    if isinstance(found.get("/S"), NameObject) and ("/JS" in found or "/F" in found or "/URI" in found):
        _disarm(found)
    if isinstance(found, StreamObject):
        _strip_picture(found)


def _strip_picture(found: StreamObject) -> None:
    """Take Exif and its like out of a picture that is kept in its own format."""
    given = found.get("/Filter")
    filters = [str(one) for one in given] if isinstance(given, ArrayObject) else [str(given)]
    if filters == ["/FlateDecode", "/DCTDecode"]:
        found._data = zlib.decompress(found._data)
        found[NameObject("/Filter")] = NameObject("/DCTDecode")
        found.pop("/DecodeParms", None)
        filters = ["/DCTDecode"]
    if filters == ["/DCTDecode"]:
        found._data = bare_jpeg(found._data)
    elif filters == ["/JPXDecode"]:
        found._data = bare_jp2(found._data)
    elif "/DCTDecode" in filters or "/JPXDecode" in filters:
        raise CannotClean("media")


def _disarm(action: DictionaryObject) -> None:
    """Take out of an action a program, a file on the writer's disk, or the address of a mailbox."""
    kind = action.get("/S")
    if kind == "/URI":
        address = str(action.get("/URI", ""))
        if address.lower().lstrip().startswith(("mailto:", "file:")):
            action.pop("/URI", None)
    elif kind not in _ACTIONS_KEPT:
        for key in ("/JS", "/F", "/Win", "/UF"):
            action.pop(key, None)


def _check(content: bytes) -> None:
    """Read the copy back: it opens, and says nothing of its maker. Raises ``CannotClean``."""
    reader = PdfReader(io.BytesIO(content))
    if not reader.pages or reader.metadata or reader.xmp_metadata is not None:
        raise CannotClean("damaged")
