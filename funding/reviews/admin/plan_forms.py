"""What staff type into an assignment: its criteria, and who reads one application."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any, Final

from django import forms
from django.utils import timezone
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext_lazy as _

from funding.calls.models import Stage
from funding.calls.states import Acts
from funding.reviews.criteria import MOST_LOAD, MOST_REVIEWS, PlanCriteria, PoolFilter
from funding.reviews.models import AssignmentPlan
from funding.reviews.services.planning.plans import LARGEST_SEED
from funding.reviews.states import PlanFloor, PlanMethod, ReviewerKind, RunState
from park_portal.core.calendar.working_days import SHANGHAI
from park_portal.core.errors import DomainError, Problem
from park_portal.core.forms import TextField

MIX_FIELDS: Final = {f"mix_{kind.value}": kind for kind in ReviewerKind}
SEPARATORS: Final = ("，", "、", "；", ";", "\n")


def listed(text: str) -> tuple[str, ...]:
    """Return what was typed with commas or line breaks between, each once."""
    for separator in SEPARATORS:
        text = text.replace(separator, ",")
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


class CriteriaForm(forms.Form):
    """What an assignment must keep, and whom it may ask."""

    per_application = forms.IntegerField(
        label=_("Reviewers of each application"), min_value=1, max_value=MOST_REVIEWS
    )
    max_load = forms.IntegerField(
        label=_("Applications of each reviewer, at most"),
        min_value=1,
        max_value=MOST_LOAD,
        help_text=_("Nobody gets more than they said they take on at a time, whatever stands here."),
    )
    min_load = forms.IntegerField(
        label=_("Applications of each reviewer, at least"), min_value=0, max_value=MOST_LOAD
    )
    floor = forms.ChoiceField(
        label=_("Looking after the worst-served application"),
        choices=[(floor.value, capfirst(floor.label)) for floor in PlanFloor],
        widget=forms.RadioSelect,
    )
    floor_value = forms.FloatField(
        label=_("How well each application is to match"),
        required=False,
        min_value=0,
        max_value=1,
        help_text=_(
            "From 0 to 1: the mean match of its reviewers. Only for “every application at least this well”."
        ),
    )
    minimum = forms.FloatField(
        label=_("Weakest match that is allowed"),
        min_value=0,
        max_value=1,
        help_text=_("From 0 to 1; at 0 nobody is left out for not matching."),
    )
    one_per_institution = forms.BooleanField(
        label=_("At most one reviewer of an institution for each application"), required=False
    )
    connected = forms.BooleanField(
        label=_("Connect all applications by shared reviewers"),
        required=False,
        help_text=_("So that scores can be calibrated: strict and lenient reviewers are then told apart."),
    )
    max_shared = forms.IntegerField(
        label=_("Applications that two reviewers may share, at most"), required=False, min_value=1
    )
    together = forms.IntegerField(
        label=_("Give similar applications to the same reviewers (per cent)"),
        min_value=0,
        max_value=100,
        help_text=_(
            "0: not asked for; 100: as few reviewers for each group of similar applications as can be."
        ),
    )
    keywords = TextField(
        label=_("Only reviewers with one of these keywords"), required=False, max_length=1000
    )
    institutions = TextField(
        label=_("Only reviewers of these institutions"),
        required=False,
        max_length=1000,
        help_text=_("A part of the name is enough. Separate several by commas."),
    )
    kinds = forms.MultipleChoiceField(
        label=_("Only reviewers who look from"),
        required=False,
        choices=[(kind.value, capfirst(kind.label)) for kind in ReviewerKind],
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: everyone."),
    )
    with_room = forms.BooleanField(label=_("Only who can take on another review now"), required=False)
    on_time = forms.IntegerField(
        label=_("Only who hands in at least this share of reviews on time (per cent)"),
        min_value=0,
        max_value=100,
        help_text=_("Who has not reviewed yet is not left out."),
    )
    due_on = forms.DateField(
        label=_("Reviews due"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("Without a date: when the stage of the application ends."),
    )
    invites_replacements = forms.BooleanField(
        label=_("Invite replacements by itself"),
        required=False,
        help_text=AssignmentPlan._meta.get_field("invites_replacements").help_text,
    )
    seed = forms.IntegerField(
        label=_("Seed"),
        required=False,
        min_value=0,
        max_value=LARGEST_SEED,
        help_text=_(
            "A number that decides a draw and breaks ties. Left empty, the portal makes one. For a draw it is published "
            "with the pool before anything is drawn."
        ),
    )

    # How the fields are grouped on the page.
    PARTS: tuple[tuple[Any, tuple[str, ...]], ...] = (
        (_("How many"), ("per_application", "max_load", "min_load", "due_on")),
        (_("How well"), ("floor", "floor_value", "minimum")),
        (
            _("What else is kept"),
            ("one_per_institution", *MIX_FIELDS, "connected", "max_shared", "together"),
        ),
        (_("Who is asked"), ("keywords", "institutions", "kinds", "with_room", "on_time")),
        (_("Afterwards"), ("invites_replacements", "seed")),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, kind in MIX_FIELDS.items():
            label = format_lazy(_("Reviewers from {kind} for each application, at least"), kind=kind.label)
            self.fields[name] = forms.IntegerField(
                label=label, required=False, min_value=0, max_value=MOST_REVIEWS
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("floor") == PlanFloor.NUMBER and cleaned.get("floor_value") is None:
            self.add_error("floor_value", _("Say how well each application is to match, from 0 to 1."))
        return cleaned

    def clean_due_on(self) -> datetime | None:
        day = self.cleaned_data["due_on"]
        if day is None:
            return None
        if day < timezone.localdate():
            raise forms.ValidationError(_("The deadline lies in the past."))
        return datetime.combine(day, time(23, 59, 59), SHANGHAI)

    def criteria(self) -> PlanCriteria:
        data = self.cleaned_data
        names = (
            *("per_application", "max_load", "min_load", "floor", "floor_value", "minimum"),
            *("one_per_institution", "together", "connected", "max_shared"),
        )
        return PlanCriteria(
            **{name: data[name] for name in names},
            mix={kind.value: data[name] for name, kind in MIX_FIELDS.items() if data[name]},
            pool=PoolFilter(
                keywords=listed(data["keywords"]),
                institutions=listed(data["institutions"]),
                kinds=tuple(data["kinds"]),
                with_room=data["with_room"],
                on_time=data["on_time"],
            ),
        )

    def values(self) -> dict[str, Any]:
        """Return what ``create_plan`` and ``change_plan`` take."""
        data = self.cleaned_data
        given = {
            "criteria": self.criteria(),
            "due_at": data["due_on"],
            "invites_replacements": data["invites_replacements"],
        }
        if data["seed"] is not None:
            given["seed"] = data["seed"]
        return given

    def take(self, error: DomainError) -> None:
        """Put a service's refusal beside its fields."""
        for problem in error.problems or [Problem(error.message, field=error.field)]:
            field = next(iter(MIX_FIELDS)) if problem.field == "mix" else problem.field
            self.add_error(field if field in self.fields else None, str(problem.message))

    def parts(self) -> list[tuple[Any, list[Any]]]:
        return [(title, [self[name] for name in names if name in self.fields]) for title, names in self.PARTS]

    @staticmethod
    def initial_of(criteria: PlanCriteria, plan: AssignmentPlan | None = None) -> dict[str, Any]:
        found = {**criteria.as_json(), **criteria.as_json()["pool"]}
        found.update({name: criteria.mix.get(kind.value, 0) for name, kind in MIX_FIELDS.items()})
        found["keywords"] = ", ".join(criteria.pool.keywords)
        found["institutions"] = ", ".join(criteria.pool.institutions)
        if plan is not None:
            found["seed"] = plan.seed
            found["invites_replacements"] = plan.invites_replacements
            found["due_on"] = timezone.localdate(plan.due_at, SHANGHAI) if plan.due_at else None
        return found


class NewPlanForm(CriteriaForm):
    """A new assignment: for which stage, and how."""

    stage: Any = forms.ModelChoiceField(
        label=_("Call and stage"), queryset=Stage.objects.none(), empty_label=None
    )
    method = forms.ChoiceField(
        label=_("How reviewers are found"),
        choices=(
            (PlanMethod.OPTIMAL.value, _("Best match: the proven optimum under the criteria below")),
            (
                PlanMethod.DRAW.value,
                _("Random draw: by lot from all who are eligible, repeatable from a published seed"),
            ),
        ),
        initial=PlanMethod.OPTIMAL.value,
        widget=forms.RadioSelect,
    )
    field_order = ["stage", "method"]
    PARTS = ((_("What is assigned"), ("stage", "method")), *CriteriaForm.PARTS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["stage"]
        field.queryset = stages_to_assign()
        field.label_from_instance = lambda stage: f"{stage.call.code} · {stage.call} · {stage}"


def stages_to_assign() -> Any:
    """Return the expert stages in which applications are, newest call first."""
    return (
        Stage.objects.filter(acts=Acts.EXPERT, runs__state=RunState.ACTIVE)
        .select_related("call")
        .order_by("-call__opens_at", "pk")
        .distinct()
    )
