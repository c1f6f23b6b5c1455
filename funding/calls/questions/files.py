"""Questions answered with files. The files themselves are documents; the value only names them."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from funding.calls.questions.base import QuestionType, Settings, in_order, whole
from funding.calls.states import QuestionKind
from park_portal.core.errors import DomainError, Problem, Text

# What an applicant may be asked for; documents are checked by their content, whatever their name says.
EXTENSIONS: Final = (
    "pdf",
    "docx",
    "xlsx",
    "pptx",
    "doc",
    "xls",
    "ppt",
    "png",
    "jpg",
    "jpeg",
    "zip",
    "txt",
    "csv",
)


def _place(extension: str) -> int:
    """Where ``extension`` stands when kinds are listed, whatever order they were chosen in."""
    return EXTENSIONS.index(extension) if extension in EXTENSIONS else len(EXTENSIONS)


class Files(QuestionType):
    """The value is a list of ``{"id", "name", "bytes"}``, made from the stored documents and never from a form."""

    kind = QuestionKind.FILES
    grouped = True
    defaults = {
        "min_files": None,
        "max_files": 5,
        "max_mb": None,
        "extensions": ["pdf", "docx", "xlsx", "pptx", "png", "jpg", "jpeg"],
    }

    def from_post(self, data: Any, prefix: str) -> None:
        return None

    def clean(self, raw: Any, settings: Settings) -> list[dict[str, Any]] | None:
        if raw in (None, "", []):
            return None
        if not isinstance(raw, list | tuple) or not all(
            isinstance(item, dict) and {"id", "name", "bytes"} <= item.keys() for item in raw
        ):
            raise DomainError(_("Add files with the button of this question."), code="type")
        return [
            {"id": str(item["id"]), "name": str(item["name"]), "bytes": int(item["bytes"])} for item in raw
        ]

    def missing(self) -> Text:
        return ngettext_lazy("Add at least one file.", "Add at least %(count)s files.", "count") % {
            "count": 1
        }

    def check(self, value: Any, settings: Settings) -> list[Text]:
        low, high = settings.get("min_files"), self.setting(settings, "max_files")
        if low and len(value) < low:
            message = ngettext_lazy("Add at least one file.", "Add at least %(count)s files.", "count")
            return [message % {"count": low}]
        if len(value) > high:
            message = ngettext_lazy("Keep at most one file.", "Keep at most %(count)s files.", "count")
            return [message % {"count": high}]
        return []

    def text(self, value: Any, settings: Settings, language: str) -> str:
        return "\n".join(item["name"] for item in value or [])

    def widget(self, raw: Any, settings: Settings) -> dict[str, Any]:
        extensions = sorted(self.setting(settings, "extensions"), key=_place)
        return {
            "accept": ",".join(f".{extension}" for extension in extensions),
            "extensions": ", ".join(extensions),
            "max_files": self.setting(settings, "max_files"),
            "max_mb": settings.get("max_mb"),
        }

    def check_settings(self, settings: Settings) -> list[Problem]:
        extensions = settings.get("extensions")
        found = []
        if not isinstance(extensions, list) or not extensions:
            found.append(Problem(_("Name at least one kind of file, such as pdf."), field="extensions"))
        else:
            found += [
                Problem(
                    _("“%(name)s” is not among the kinds of files: %(known)s.")
                    % {"name": extension, "known": ", ".join(EXTENSIONS)},
                    field="extensions",
                )
                for extension in extensions
                if extension not in EXTENSIONS
            ]
        return [
            *found,
            *whole(settings, "min_files", 0, 50, _("fewest files")),
            *whole(settings, "max_files", 1, 50, _("most files")),
            *whole(settings, "max_mb", 1, 200, _("size of a file (MB)")),
            *in_order(settings, "min_files", "max_files"),
        ]
