"""PDFs by typst: the template is a file of ours, the data is JSON that the template reads and never runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import noto_cjk_sans_otc
import typst
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.functional import Promise

from park_portal.core.documents.glyphs import printable

TEMPLATES: Final = Path(settings.BASE_DIR) / "templates" / "pdf"
FONT: Final = Path(str(noto_cjk_sans_otc.FONT_PATH))


class _Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        return str(o) if isinstance(o, Promise) else super().default(o)


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    """The one font family that every PDF uses, from its wheel: the machine's own fonts play no part."""
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONT.parent)]
    )


def render_pdf(template: str, data: Mapping[str, Any]) -> bytes:
    """Return the PDF that ``templates/pdf/<template>.typ`` makes of ``data``.

    ``data`` reaches the template as JSON (``#let data = json(bytes(sys.inputs.data))``), so that nothing
    in it is ever read as markup or code. What the font cannot draw is printed as an empty box, never left out. The same
    data gives the same bytes. Raises ``FileNotFoundError``
    for an unknown template and ``typst.TypstError`` for one with a mistake.
    """
    source = (TEMPLATES / f"{template}.typ").resolve()
    if not source.is_relative_to(TEMPLATES) or not source.is_file():
        raise FileNotFoundError(f"no PDF template {template!r}")
    compiler = typst.Compiler(str(source), root=str(TEMPLATES), font_paths=_fonts(), ignore_system_fonts=True)
    plain = json.dumps(dict(data), cls=_Encoder, ensure_ascii=False).replace("\\u0000", "")
    made = compiler.compile(sys_inputs={"data": printable(plain, FONT)}, format="pdf", timestamp=0)
    assert isinstance(made, bytes)
    return made
