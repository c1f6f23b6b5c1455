from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.workflow import Machine, Transition


class ProjectState(TextChoices):
    REGISTERED = "registered", pgettext_lazy("research project", "Registered")
    ACTIVE = "active", pgettext_lazy("research project", "Under way")
    COMPLETED = "completed", pgettext_lazy("research project", "Completed")
    STOPPED = "stopped", pgettext_lazy("research project", "Stopped")


class ReadinessLevel(IntegerChoices):
    """The nine levels of technology readiness after GB/T 22900, in the words of the portal."""

    TRL_1 = 1, _("Basic principles observed and reported")
    TRL_2 = 2, _("Technology concept or application formulated")
    TRL_3 = 3, _("Key functions proved by analysis and experiment")
    TRL_4 = 4, _("Components or first prototype validated in the laboratory")
    TRL_5 = 5, _("Components validated in a simulated environment of use")
    TRL_6 = 6, _("System prototype demonstrated in a simulated environment")
    TRL_7 = 7, _("Engineering prototype demonstrated in real use")
    TRL_8 = 8, _("Final product completed and qualified")
    TRL_9 = 9, _("Product proven in actual use")


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
    tones={ProjectState.ACTIVE: "good", ProjectState.STOPPED: "wait"},
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
