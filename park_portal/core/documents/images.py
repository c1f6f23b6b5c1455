"""Pictures drawn anew: what is kept is what one sees, and nothing that came along in the file.

No Django here. A camera's file holds where and when it was taken, a thumbnail of what was cut away, a colour profile,
comments, whatever somebody appended; some files are a picture and a web page or an archive at once. So only the pixels
are kept. The size is read from the header, before anything is unpacked.
"""

from __future__ import annotations

import io
import struct
from typing import Any, BinaryIO, Final

from PIL import Image, ImageOps

from park_portal.core.documents.formats import JPEG, PNG, WEBP, Format

PIXELS_MAX: Final = (
    50_000_000  # A4 at 600 dpi is 35 million, a phone's camera 12 to 50; each costs four bytes
)
SIDE_MAX: Final = 16_383  # what a WebP can be; PNG would allow two thousand million
JPEG_QUALITY: Final = 90  # no difference that one sees in a scanned certificate
WEBP_QUALITY: Final = 90

# What each format can hold; anything else is turned into the nearest. A palette is free bytes of the sender's choice,
# so it goes; so does the fourth ink of a printer's JPEG, which browsers show wrongly.
_MODES: Final[dict[Format, frozenset[str]]] = {
    PNG: frozenset({"1", "L", "LA", "RGB", "RGBA", "I;16"}),
    JPEG: frozenset({"L", "RGB"}),
    WEBP: frozenset({"RGB", "RGBA"}),
}
_OPTIONS: Final[dict[Format, dict[str, Any]]] = {
    PNG: {},
    JPEG: {"quality": JPEG_QUALITY},
    WEBP: {"quality": WEBP_QUALITY, "method": 4},
}
_CODECS: Final = {PNG: "PNG", JPEG: "JPEG", WEBP: "WEBP"}
_FRAME_HEADERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_SEGMENTS_MAX: Final = 2_000


class Damaged(ValueError):
    """The picture cannot be read to its end."""


class Flood(ValueError):
    """The picture has more pixels than anybody needs; ``width`` and ``height`` say how many."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(f"{width} × {height}")
        self.width, self.height = width, height


class Moving(ValueError):
    """The picture has several frames: which of them would be the document?"""


def redraw(file: BinaryIO, format_: Format) -> bytes:
    """Return the picture in ``file`` (seekable) encoded anew in the same format, upright, with nothing but its pixels.

    Of a phone's JPEG with several pictures in it, the first: it is the one that every viewer shows. A lossless WebP
    stays lossless. The same bytes give the same bytes. Raises ``Flood`` before unpacking, ``Moving`` for an animation,
    ``Damaged`` for what cannot be read.
    """
    width, height = size_of(file, format_)
    if width > SIDE_MAX or height > SIDE_MAX or width * height > PIXELS_MAX:
        raise Flood(width, height)
    options = dict(_OPTIONS[format_])
    if format_ is WEBP and _is_lossless(file):
        options = {"lossless": True, "quality": 75, "method": 4}
    file.seek(0)
    try:
        with Image.open(file, formats=[_CODECS[format_]]) as picture:
            if picture.size != (width, height):
                raise Damaged
            if format_ is not JPEG and getattr(picture, "n_frames", 1) > 1:
                raise Moving
            picture.load()
            drawn = _plain(ImageOps.exif_transpose(picture), _MODES[format_])
        out = io.BytesIO()
        drawn.save(out, _CODECS[format_], **options)
    except (Damaged, Moving):
        raise
    except Exception as error:
        # Decoders of other people's bytes raise what they please (KeyError, SyntaxError, zlib.error …), and each means
        # the same: no picture that anybody could look at.
        raise Damaged from error
    return out.getvalue()


def _plain(picture: Image.Image, modes: frozenset[str]) -> Image.Image:
    """Return ``picture`` in one of ``modes``, without anything that was written beside its pixels."""
    mode = picture.mode
    if mode not in modes or "transparency" in picture.info:
        wanted = "RGBA" if picture.has_transparency_data and "RGBA" in modes else "RGB"
        if mode in ("I", "F") and "I;16" in modes:
            wanted = "I;16"
        if wanted == "RGB" and picture.has_transparency_data:
            # On paper, what is transparent is white.
            paper = Image.new("RGBA", picture.size, "white")
            paper.alpha_composite(picture.convert("RGBA"))
            picture = paper
        picture = picture.convert(wanted)
    picture.info = {}
    return picture


def size_of(file: BinaryIO, format_: Format) -> tuple[int, int]:
    """Return width and height in pixels as the header says them, without unpacking; leaves ``file`` at its beginning.

    Raises ``Damaged`` where the header says none, ``Moving`` where it announces an animation.
    """
    file.seek(0)
    try:
        width, height = {PNG: _png_size, JPEG: _jpeg_size, WEBP: _webp_size}[format_](file)
    except (struct.error, IndexError):
        raise Damaged from None
    finally:
        file.seek(0)
    if not width or not height:
        raise Damaged
    return width, height


def _png_size(file: BinaryIO) -> tuple[int, int]:
    head = file.read(33)
    if head[12:16] != b"IHDR":
        raise Damaged
    width, height = struct.unpack_from(">II", head, 16)
    return width, height


def _jpeg_size(file: BinaryIO) -> tuple[int, int]:
    file.seek(2)
    for _segment in range(_JPEG_SEGMENTS_MAX):
        if file.read(1) != b"\xff":
            raise Damaged
        marker = 0xFF
        while marker == 0xFF:  # Any number of them may stand before a marker.
            marker = file.read(1)[0]
        if marker in _WITHOUT_LENGTH:
            continue
        (length,) = struct.unpack(">H", file.read(2))
        if marker in _FRAME_HEADERS:
            _bits, height, width = struct.unpack(">BHH", file.read(5))
            return width, height
        if marker in (0xD9, 0xDA) or length < 2:
            raise Damaged
        file.seek(length - 2, io.SEEK_CUR)
    raise Damaged


def _webp_size(file: BinaryIO) -> tuple[int, int]:
    head = file.read(30)
    kind = head[12:16]
    if kind == b"VP8X":
        if head[20] & 0x02:
            raise Moving
        return (
            1 + int.from_bytes(head[24:27], "little"),
            1 + int.from_bytes(head[27:30].ljust(3, b"\0"), "little"),
        )
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return 1 + (bits & 0x3FFF), 1 + ((bits >> 14) & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise Damaged


def _is_lossless(file: BinaryIO) -> bool:
    """Return whether a WebP's pixels are packed without loss, told from the kinds of its first few parts."""
    file.seek(12)
    for _part in range(16):
        head = file.read(8)
        if len(head) < 8 or head[:4] == b"VP8 ":
            return False
        if head[:4] == b"VP8L":
            return True
        length = int.from_bytes(head[4:], "little")
        file.seek(length + length % 2, io.SEEK_CUR)
    return False
