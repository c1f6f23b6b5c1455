"""What people fill in: opinions from a queue, answers to an invitation, the reviewer's own entry, objections."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from funding.calls.models import Criterion
from funding.calls.questions import in_language
from funding.calls.states import CriterionKind, StageKind
from funding.reviews.models import Publication, Reviewer, StageRun
from funding.reviews.models.pool import EARLIEST_YEAR, LATEST_YEAR, LONGEST_STATEMENT
from funding.reviews.services.pool import MAX_KEYWORDS
from funding.reviews.services.publications import LONGEST_LIST
from funding.reviews.services.stages import DAYS_TO_CHANGE, LONGEST_COMMENT
from funding.reviews.states import OPINIONS_OF_STAGE, ConflictKind, Opinion, ReviewerKind
from park_portal.core.accounts.states import Language
from park_portal.core.calendar.services import deadline
from park_portal.core.forms import PortalForm, TextField

CHECKS: Final = (
    ("met", pgettext_lazy("criterion", "met")),
    ("not_met", pgettext_lazy("criterion", "not met")),
)
NOT_APPLICABLE: Final = ("na", _("not applicable"))
LONGEST_PERIOD: Final = 60  # working days


def text_area(
    label: Any, *, rows: int = 3, required: bool = False, help_text: Any = "", longest: int = 4000
) -> TextField:
    return TextField(
        label=label,
        required=required,
        max_length=longest,
        help_text=help_text,
        widget=forms.Textarea(attrs={"rows": rows}),
    )


class OpinionForm(PortalForm):
    """One opinion in a stage worked from a queue, with its checklist, its marks, and what to change on a return."""

    def __init__(self, *args: Any, run: StageRun, form: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.run = run
        self.criteria: list[Criterion] = list(run.stage.criteria.all())
        self.questions: list[tuple[str, str]] = questions_of(form) if form else []
        for criterion in self.criteria:
            self.fields[f"criterion-{criterion.pk}"] = _field_of(criterion)
        offered = OPINIONS_OF_STAGE[StageKind(run.stage.kind)]
        self.fields["opinion"] = forms.ChoiceField(
            label=pgettext_lazy("review", "Opinion"),
            choices=[(opinion.value, opinion.label.capitalize()) for opinion in offered],
            widget=forms.RadioSelect,
        )
        self.fields["comment_committee"] = text_area(
            _("For those who decide"),
            longest=LONGEST_COMMENT,
            help_text=_("The applicant does not see this."),
        )
        self.fields["comment_applicant"] = text_area(
            pgettext_lazy("review", "For the applicant"),
            longest=LONGEST_COMMENT,
            help_text=_("The applicant reads this: the reason of a rejection, or what to change."),
        )
        if Opinion.RETURN in offered:
            self._add_return()

    def _add_return(self) -> None:
        for key, label in self.questions:
            self.fields[f"open-{key}"] = forms.BooleanField(label=label, required=False)
            comment = text_area(_("What to change"), rows=2, longest=2000)
            # The style hides the boxes of questions that are not ticked; one that holds text stays in view.
            comment.widget.attrs["placeholder"] = " "
            self.fields[f"comment-{key}"] = comment
        self.fields["days"] = forms.IntegerField(
            label=_("Working days for the changes"),
            min_value=1,
            max_value=LONGEST_PERIOD,
            initial=DAYS_TO_CHANGE,
        )

    @property
    def can_return(self) -> bool:
        return "days" in self.fields

    def rubric(self) -> list[dict[str, Any]]:
        """Return each criterion with its field, in order."""
        return [{"criterion": c, "field": self[f"criterion-{c.pk}"]} for c in self.criteria]

    def openings(self) -> list[dict[str, Any]]:
        """Return the questions that a return may open, each with its tick and its comment."""
        if not self.can_return:
            return []
        return [
            {"open": self[f"open-{key}"], "comment": self[f"comment-{key}"]} for key, _label in self.questions
        ]

    def typed(self) -> list[tuple[str, str]]:
        """Return (label, text) of what was chosen and written, for who has to copy it."""
        field: Any = self.fields["opinion"]
        opinions = dict(field.choices)
        given = [
            (self["opinion"].label, str(opinions.get(self["opinion"].value(), ""))),
            *((self[name].label, self[name].value()) for name in ("comment_committee", "comment_applicant")),
            *((line["open"].label, line["comment"].value()) for line in self.openings()),
        ]
        return [(label, text) for label, text in given if text]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "days" in self.errors and cleaned.get("opinion") != Opinion.RETURN:
            del self.errors["days"]  # only asked of those who return
        return cleaned

    def facts(self) -> dict[str, Any]:
        """Return what ``act_in_stage`` takes."""
        data = self.cleaned_data
        checks, scores = {}, {}
        for criterion in self.criteria:
            given = data.get(f"criterion-{criterion.pk}") or ""
            if criterion.kind == CriterionKind.CHECK:
                checks[criterion.pk] = given
            elif given:
                scores[criterion.pk] = {"not_applicable": True} if given == "na" else {"value": given}
        facts: dict[str, Any] = {
            "opinion": data["opinion"],
            "checks": checks,
            "scores": scores,
            "comment_committee": data["comment_committee"],
            "comment_applicant": data["comment_applicant"],
        }
        if data["opinion"] == Opinion.RETURN:
            # Whoever comments on a question wants it changed.
            facts["items"] = {
                key: data.get(f"comment-{key}", "")
                for key, _label in self.questions
                if data.get(f"open-{key}") or data.get(f"comment-{key}")
            }
            facts["due_at"] = due_in(data.get("days") or DAYS_TO_CHANGE)
        return facts


def _field_of(criterion: Criterion) -> forms.Field:
    common: dict[str, Any] = {"label": criterion.label, "help_text": criterion.help, "required": False}
    extra = (NOT_APPLICABLE,) if criterion.allow_na else ()
    if criterion.kind == CriterionKind.CHECK:
        return forms.ChoiceField(choices=(*CHECKS, *extra), widget=forms.RadioSelect, **common)
    marks = [(str(mark), str(mark)) for mark in range(criterion.max_score + 1)]
    return forms.ChoiceField(choices=(("", "—"), *marks, *extra), widget=forms.Select, **common)


def questions_of(form: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (key, label) of every question of a frozen form."""
    return [
        (question["key"], in_language(question["label"]))
        for section in form["sections"]
        for question in section["questions"]
    ]


def due_in(days: int) -> datetime:
    return deadline(timezone.now(), days)


# --- reviewers -----------------------------------------------------------------------------------------------------


class DeclineForm(PortalForm):
    """Why someone cannot review."""

    reason = TextField(
        label=_("Reason"),
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The park office reads it and asks someone else. The applicant never sees it."),
    )


DECLARABLE: Final = (
    ConflictKind.EMPLOYER,
    ConflictKind.FACULTY,
    ConflictKind.COAUTHOR,
    ConflictKind.COINVESTIGATOR,
    ConflictKind.SUPERVISOR,
    ConflictKind.FAMILY,
    ConflictKind.SHAREHOLDER,
    ConflictKind.BOARD,
    ConflictKind.COMPETITOR,
    ConflictKind.OTHER,
)


class RecuseForm(PortalForm):
    """What conflict of interest someone has."""

    kind = forms.ChoiceField(
        label=_("What connects you with the applicant?"),
        choices=[(kind.value, kind.label.capitalize()) for kind in DECLARABLE],
        widget=forms.RadioSelect,
    )
    note = TextField(
        label=_("In a few words"),
        max_length=400,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Needed for “another reason”. Only the park office reads it."),
    )


class TieForm(PortalForm):
    """Something that ties a reviewer to an organisation or a person."""

    kind = forms.ChoiceField(
        label=_("What ties you?"),
        choices=[
            (ConflictKind.EMPLOYER.value, _("I work there, or did in the last years")),
            (ConflictKind.SHAREHOLDER.value, _("I hold shares in it")),
            (ConflictKind.BOARD.value, _("I am on its board or advise it")),
            (ConflictKind.SUPERVISOR.value, _("Teacher or student")),
            (ConflictKind.COAUTHOR.value, _("Co-author")),
            (ConflictKind.COINVESTIGATOR.value, _("We do research together")),
            (ConflictKind.FAMILY.value, _("Family")),
            (ConflictKind.OTHER.value, _("Another reason")),
        ],
        widget=forms.RadioSelect,
    )
    organisation = TextField(
        label=_("Organisation"),
        max_length=100,
        required=False,
        help_text=_("For employer, shares and board: its full name or its Unified Social Credit Code."),
    )
    name = TextField(
        label=_("Person"),
        max_length=100,
        required=False,
        help_text=_("For the others: the name as the person writes it. E-mail or ORCID make it certain."),
    )
    email = forms.EmailField(label=_("E-mail of the person"), required=False, max_length=254)
    orcid = TextField(label=_("ORCID of the person"), required=False, max_length=60)
    since = forms.DateField(
        label=_("Since"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        label=pgettext_lazy("tie", "Until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Empty while it goes on. It counts for some years more; the page then says until when."),
    )
    note = TextField(label=_("In a few words"), max_length=400, required=False)


class ProfileForm(PortalForm):
    """A reviewer's own entry in the pool."""

    institution = TextField(label=_("Institution"), max_length=200, required=False)
    title = TextField(label=pgettext_lazy("person", "Title"), max_length=80, required=False)
    keywords = TextField(
        label=_("Keywords"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("What you can judge, separated by commas or line breaks; at most 20."),
    )
    statement = text_area(
        _("In your own words"),
        rows=5,
        longest=LONGEST_STATEMENT,
        help_text=_("What you work on, what you have judged before, what you would rather not judge."),
    )
    kind = forms.ChoiceField(
        label=_("You look at applications from"),
        choices=[("", "—"), *((kind.value, kind.label) for kind in ReviewerKind)],
        required=False,
        help_text=_("Calls may ask for a mix."),
    )
    orcid = TextField(
        label="ORCID",
        max_length=60,
        required=False,
        help_text=_("If you have one: it tells you from others of your name."),
    )
    capacity = forms.IntegerField(label=_("Reviews at a time"), min_value=1, max_value=50)
    active = forms.BooleanField(
        label=_("I am available for reviews"),
        required=False,
        help_text=_("Without this nobody will ask you; reviews already accepted stay yours."),
    )

    def clean_keywords(self) -> list[str]:
        text = self.cleaned_data["keywords"]
        for separator in ("，", "、", "；", ";", "\n"):
            text = text.replace(separator, ",")
        words = [word.strip() for word in text.split(",") if word.strip()]
        words = list(dict.fromkeys(words))
        if len(words) > MAX_KEYWORDS:
            raise forms.ValidationError(_("At most 20 keywords, please."))
        if any(len(word) > 60 for word in words):
            raise forms.ValidationError(_("A keyword has at most 60 characters."))
        return words

    @staticmethod
    def initial_of(reviewer: Reviewer) -> dict[str, Any]:
        return {
            "institution": reviewer.institution,
            "title": reviewer.title,
            "keywords": ", ".join(reviewer.keywords),
            "statement": reviewer.statement,
            "kind": reviewer.kind,
            "orcid": reviewer.orcid,
            "capacity": reviewer.capacity,
            "active": reviewer.active,
        }


class PublicationForm(PortalForm):
    """One publication of a reviewer's."""

    title = TextField(label=_("Title"), max_length=500)
    authors = TextField(
        label=_("Authors"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("As they are printed, one on each line or separated by semicolons."),
    )
    year = forms.IntegerField(label=_("Year"), required=False, min_value=EARLIEST_YEAR, max_value=LATEST_YEAR)
    source = TextField(
        label=_("Published in"),
        required=False,
        max_length=300,
        help_text=_("The journal, the conference or the publisher."),
    )
    doi = TextField(label="DOI", required=False, max_length=240)
    abstract = text_area(
        _("Abstract"),
        rows=8,
        longest=10_000,
        help_text=_("Your match with applications is counted from it: a title alone says little."),
    )

    def clean_authors(self) -> list[str]:
        text = self.cleaned_data["authors"].replace("；", "\n").replace(";", "\n")
        names = [name.strip() for name in text.split("\n") if name.strip()]
        if any(len(name) > 120 for name in names):
            raise forms.ValidationError(
                _("A name has at most 120 characters. Put each author on a line of their own.")
            )
        return names

    @staticmethod
    def initial_of(publication: Publication) -> dict[str, Any]:
        return {
            "title": publication.title,
            "authors": "\n".join(publication.authors),
            "year": publication.year,
            "source": publication.source,
            "doi": publication.doi,
            "abstract": publication.abstract,
        }


class PasteForm(PortalForm):
    """A list of publications as a reference manager exports it."""

    text = TextField(
        label=_("List of publications"),
        max_length=LONGEST_LIST,
        widget=forms.Textarea(attrs={"rows": 14, "class": "font-monospace", "spellcheck": "false"}),
        help_text=_(
            "In BibTeX or RIS, as Zotero, EndNote, NoteExpress, CNKI, Wanfang, Web of Science and Scopus export it. "
            "What is on your list already stays as it is."
        ),
    )


# --- the public notice ---------------------------------------------------------------------------------------------


class ObjectionForm(PortalForm):
    """An objection by anyone."""

    name = TextField(label=_("Your name"), max_length=80)
    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        help_text=_("The answer is sent there. Never shown to the applicant."),
    )
    text = TextField(
        label=_("What do you object to, and why?"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Facts that can be checked help most."),
    )


# --- staff ---------------------------------------------------------------------------------------------------------


class BulkPassForm(forms.Form):
    """The officer's word for the checklists of many applications."""

    checked = forms.BooleanField(
        label=_("I have checked these applications; every point of the checklist is met."),
    )
    comment_committee = text_area(_("For those who decide"), help_text=_("The applicant does not see this."))


class BulkRejectForm(forms.Form):
    """One reason for many."""

    comment_applicant = text_area(
        _("Reason"), required=True, help_text=_("Every one of these applicants reads it.")
    )


class BulkReturnForm(forms.Form):
    """What many applicants are asked to change."""

    questions = forms.MultipleChoiceField(
        label=_("Questions to open"), widget=forms.CheckboxSelectMultiple, choices=()
    )
    comment_applicant = text_area(_("What to change"), required=True, help_text=_("The applicant reads it."))
    days = forms.IntegerField(
        label=_("Working days for the changes"), min_value=1, max_value=LONGEST_PERIOD, initial=DAYS_TO_CHANGE
    )


class CloseForm(forms.Form):
    """A stage closed by hand."""

    outcome = forms.ChoiceField(
        label=_("Outcome"),
        choices=(
            ("passed", _("The application goes on to the next stage")),
            ("rejected", _("The application ends here")),
        ),
        widget=forms.RadioSelect,
    )
    note = text_area(
        _("Reason"), required=True, help_text=_("If the application ends here, the applicant reads it.")
    )


class DueForm(forms.Form):
    """Another deadline."""

    days = forms.IntegerField(
        label=_("Working days from today"), min_value=1, max_value=LONGEST_PERIOD, initial=DAYS_TO_CHANGE
    )
    reason = text_area(_("Reason"), required=True, longest=400)


class ReasonForm(forms.Form):
    """Why."""

    reason = text_area(_("Reason"), required=True, longest=400)


class ResolveForm(forms.Form):
    """What became of an objection."""

    upheld = forms.TypedChoiceField(
        label=_("The objection is"),
        choices=(
            ("no", _("not upheld: the notice goes on")),
            ("yes", _("upheld: the application leaves the notice and goes back to be decided")),
        ),
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
    )
    resolution = text_area(
        _("What was found"), required=True, rows=5, help_text=_("Whoever objected is sent these words.")
    )


class InviteReviewerForm(forms.Form):
    """Whom to invite to the pool."""

    email = forms.EmailField(label=_("E-mail"), max_length=254)
    name = TextField(label=_("Name"), max_length=80, required=False)
    language = forms.ChoiceField(
        label=_("Language of the mail"), choices=Language.choices, initial=Language.ZH_HANS
    )


class ConflictForm(forms.Form):
    """A conflict that staff know of."""

    application_number = TextField(label=_("Number of the application"), max_length=32)
    kind = forms.ChoiceField(label=_("Kind"), choices=ConflictKind.choices)
    note = text_area(_("Note"), longest=400)
