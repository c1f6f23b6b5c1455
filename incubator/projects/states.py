from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.workflow import Machine, Transition


class ProjectState(TextChoices):
    REGISTERED = "registered", pgettext_lazy("research project", "Registered")
    ACTIVE = "active", pgettext_lazy("research project", "Under way")
    COMPLETED = "completed", pgettext_lazy("research project", "Completed")
    STOPPED = "stopped", pgettext_lazy("research project", "Stopped")


class ProjectRole(TextChoices):
    PI = "pi", _("Principal investigator")
    CO_PI = "co_pi", _("Co-investigator")
    MEMBER = "member", pgettext_lazy("research team", "Member")
    ASSISTANT = "assistant", _("Research assistant")


PROJECT_MACHINE = Machine(
    name="research_project",
    label=_("Research project"),
    states=ProjectState,
    initial=ProjectState.REGISTERED,
    transitions=(
        Transition(
            "start",
            (ProjectState.REGISTERED,),
            ProjectState.ACTIVE,
            pgettext_lazy("research project", "Mark as under way"),
            "incubator.move_project",
        ),
        Transition(
            "complete",
            (ProjectState.REGISTERED, ProjectState.ACTIVE),
            ProjectState.COMPLETED,
            pgettext_lazy("research project", "Mark as completed"),
            "incubator.move_project",
        ),
        Transition(
            "stop",
            (ProjectState.REGISTERED, ProjectState.ACTIVE),
            ProjectState.STOPPED,
            pgettext_lazy("research project", "Stop"),
            "incubator.move_project",
        ),
        Transition(
            "resume",
            (ProjectState.STOPPED,),
            ProjectState.ACTIVE,
            pgettext_lazy("research project", "Resume"),
            "incubator.move_project",
        ),
    ),
)
