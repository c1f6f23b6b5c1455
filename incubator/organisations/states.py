from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.workflow import Machine, Transition


class OrganisationState(TextChoices):
    ACTIVE = "active", pgettext_lazy("organisation", "Active")
    MERGED = "merged", pgettext_lazy("organisation", "Merged")
    CLOSED = "closed", pgettext_lazy("organisation", "Closed down")


class OrganisationKind(TextChoices):
    STARTUP = "startup", _("Startup")
    COMPANY = "company", _("Company")
    UNIVERSITY = "university", _("University")
    INSTITUTE = "institute", _("Research institute")
    HOSPITAL = "hospital", _("Hospital")
    PUBLIC_BODY = "public_body", _("Public body")


class TechnologyField(TextChoices):
    AI = "ai", _("Artificial intelligence")
    BT = "bt", _("Biotechnology")
    AI_BT = "ai_bt", _("AI + BT")
    OTHER = "other", pgettext_lazy("technology field", "Other")


class Role(TextChoices):
    OWNER = "owner", pgettext_lazy("organisation role", "Owner")
    EDITOR = "editor", pgettext_lazy("organisation role", "Editor")
    VIEWER = "viewer", pgettext_lazy("organisation role", "Viewer")


ORGANISATION_MACHINE = Machine(
    name="organisation",
    label=_("Organisation"),
    states=OrganisationState,
    initial=OrganisationState.ACTIVE,
    tones={OrganisationState.ACTIVE: "good"},
    transitions=(
        Transition(
            "merge",
            (OrganisationState.ACTIVE, OrganisationState.CLOSED),
            OrganisationState.MERGED,
            _("Merge into another record"),
            "incubator.merge_organisation",
        ),
        Transition(
            "close",
            (OrganisationState.ACTIVE,),
            OrganisationState.CLOSED,
            _("Mark as closed down"),
            "incubator.close_organisation",
        ),
        Transition(
            "reopen",
            (OrganisationState.CLOSED,),
            OrganisationState.ACTIVE,
            pgettext_lazy("organisation", "Reopen"),
            "incubator.close_organisation",
        ),
    ),
)
