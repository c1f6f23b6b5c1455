from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.workflow import Machine, Transition


class ImportState(TextChoices):
    CHECKED = "checked", pgettext_lazy("import", "Checked, not imported")
    APPLIED = "applied", pgettext_lazy("import", "Imported")
    UNDONE = "undone", pgettext_lazy("import", "Undone")
    DISCARDED = "discarded", pgettext_lazy("import", "Discarded")


class RowAction(TextChoices):
    CREATED = "created", pgettext_lazy("imported row", "New")
    UPDATED = "updated", pgettext_lazy("imported row", "Changed")
    UNCHANGED = "unchanged", pgettext_lazy("imported row", "Unchanged")


IMPORT_MACHINE = Machine(
    name="import_batch",
    label=_("Import"),
    states=ImportState,
    initial=ImportState.CHECKED,
    transitions=(
        Transition(
            "apply",
            (ImportState.CHECKED,),
            ImportState.APPLIED,
            pgettext_lazy("import", "Import"),
            "core.run_import",
        ),
        Transition(
            "undo",
            (ImportState.APPLIED,),
            ImportState.UNDONE,
            pgettext_lazy("import", "Undo"),
            "core.run_import",
        ),
        Transition(
            "discard",
            (ImportState.CHECKED,),
            ImportState.DISCARDED,
            pgettext_lazy("import", "Discard"),
            "core.run_import",
        ),
    ),
)
