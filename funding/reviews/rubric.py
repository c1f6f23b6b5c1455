"""A review's page as questions: rubric, recommendation, comments, in the same shape as an application's form.

One shape means one way of saving: the script that saves applications as they are typed saves reviews too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from funding.applications.asks import Ask, AskSection, Stored
from funding.calls.models import Criterion
from funding.calls.questions import present, type_of
from funding.calls.states import CriterionKind, QuestionKind
from funding.reviews.models import Review, Score
from funding.reviews.services.stages import LONGEST_COMMENT
from funding.reviews.states import OPINIONS_OF_STAGE, Confidence
from park_portal.core.errors import Text

MOST_BUTTONS: Final = 10  # up to this highest mark, marks are chosen; above, they are typed
NOT_TYPED: Final[Any] = object()


class Field:
    """One field of the page: how it is shown, and what is stored."""

    def __init__(
        self,
        key: str,
        kind: str,
        label: Text,
        value: Any,
        *,
        settings: Mapping[str, Any],
        help: str = "",
        required: bool = True,
    ) -> None:
        self.key, self.kind, self.label, self.value = key, kind, label, value
        self.settings, self.help, self.required = settings, help, required

    def text(self) -> str:
        return type_of(self.kind).text(self.value or None, self.settings, "")

    def from_post(self, data: Any) -> Any:
        return type_of(self.kind).from_post(data, self.key)

    def raw(self) -> Any:
        return type_of(self.kind).raw(self.value, self.settings)

    def ask(
        self,
        review: Review,
        *,
        problems: Sequence[Text] = (),
        typed: Any = NOT_TYPED,
        conflict: bool = False,
    ) -> Ask:
        """Return the field as the page shows it."""
        more: dict[str, Any] = {} if typed is NOT_TYPED else {"raw": typed}
        q = present(
            key=self.key,
            kind=self.kind,
            label=str(self.label),
            help=self.help,
            settings=self.settings,
            value=self.value,
            required=self.required,
            problems=problems,
            **more,
        )
        at = timezone.localtime(review.updated_at).strftime("%H:%M")
        held = Stored(self.text(), "", at, review.revision, own=True)  # nobody else writes a review
        return Ask(
            q=q,
            key=self.key,
            revision=review.revision,
            editable=True,
            hidden=False,
            conflict=held if conflict else None,
        )


def fields_of(review: Review) -> list[tuple[str, list[Field]]]:
    """Return the page's parts as (title, fields); two queries."""
    held = {score.criterion_id: score for score in review.scores.all()}
    rubric: list[Field] = []
    for criterion in review.run.stage.criteria.all():
        rubric += _criterion(criterion, held.get(criterion.pk))
    opinions = OPINIONS_OF_STAGE[review.run.stage.kind]
    verdict = [
        Field(
            "opinion",
            QuestionKind.SINGLE_CHOICE,
            _("Your recommendation"),
            review.opinion or None,
            settings={"choices": [_choice(opinion.value, opinion.label) for opinion in opinions]},
        ),
        Field(
            "confidence",
            QuestionKind.SINGLE_CHOICE,
            _("How well do you know this field?"),
            str(review.confidence) if review.confidence else None,
            settings={"choices": [_choice(str(level.value), level.label) for level in Confidence]},
        ),
    ]
    comments = [
        Field(
            "comment_committee",
            QuestionKind.LONG_TEXT,
            _("For the committee"),
            review.comment_committee,
            settings={"max_chars": LONGEST_COMMENT},
            help=_("Your reasons, strengths and weaknesses. The applicant never sees this."),
        ),
        Field(
            "comment_applicant",
            QuestionKind.LONG_TEXT,
            pgettext("review", "For the applicant"),
            review.comment_applicant,
            settings={"max_chars": LONGEST_COMMENT},
            help=_("Sent with the decision, without your name. Leave out what would tell who you are."),
            required=False,
        ),
    ]
    return [(_("Marks"), rubric), (_("Recommendation"), verdict), (_("Comments"), comments)]


def _criterion(criterion: Criterion, score: Score | None) -> list[Field]:
    key = f"criterion-{criterion.pk}"
    na = score is not None and score.not_applicable
    value = "na" if na else _plain(score.value) if score is not None and score.value is not None else None
    note = Field(
        f"{key}-note",
        QuestionKind.SHORT_TEXT,
        _("Note on “%(criterion)s”") % {"criterion": criterion.label},
        score.note if score is not None else "",
        settings={"max_chars": 1000},
        required=False,
    )
    chosen = criterion.kind == CriterionKind.CHECK or criterion.max_score <= MOST_BUTTONS
    if chosen:
        return [
            Field(
                key,
                QuestionKind.SINGLE_CHOICE,
                _label(criterion),
                value,
                settings={"choices": _marks(criterion)},
                help=criterion.help,
            ),
            note,
        ]
    settings = {"min": 0, "max": criterion.max_score, "decimals": 2}
    typed = Field(
        key,
        QuestionKind.NUMBER,
        _label(criterion),
        None if na else value,
        settings=settings,
        help=criterion.help,
    )
    if not criterion.allow_na:
        return [typed, note]
    applies = Field(
        f"{key}-na",
        QuestionKind.SINGLE_CHOICE,
        _("Does “%(criterion)s” apply?") % {"criterion": criterion.label},
        "na" if na else "applies",
        settings={
            "choices": [
                _choice("applies", gettext_lazy("it applies")),
                _choice("na", gettext_lazy("not applicable")),
            ]
        },
    )
    return [typed, applies, note]


def _plain(value: Any) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _label(criterion: Criterion) -> str:
    if criterion.kind == CriterionKind.CHECK:
        return criterion.label
    return _("%(criterion)s (0–%(highest)d, weight %(weight)d)") % {
        "criterion": criterion.label,
        "highest": criterion.max_score,
        "weight": criterion.weight,
    }


def _marks(criterion: Criterion) -> list[dict[str, str]]:
    if criterion.kind == CriterionKind.CHECK:
        found = [_choice("1", gettext_lazy("met")), _choice("0", gettext_lazy("not met"))]
    else:
        found = [
            {"value": str(mark), "zh": str(mark), "en": str(mark)} for mark in range(criterion.max_score + 1)
        ]
    if criterion.allow_na:
        found.append(_choice("na", gettext_lazy("not applicable")))
    return found


def _choice(value: str, label: Any) -> dict[str, str]:
    """Return the choice in the reader's language: unlike an applicant's, these are made for each page anew."""
    text = str(label)
    return {"value": value, "zh": text, "en": text}


def page_of(
    review: Review,
    parts: Sequence[tuple[str, list[Field]]],
    *,
    problems: Mapping[str, Sequence[Text]] | None = None,
    typed: Mapping[str, Any] | None = None,
    conflicts: Sequence[str] = (),
) -> list[AskSection]:
    """Return the whole page, ``parts`` being its fields, with what was refused and what was typed and not taken."""
    problems, typed = problems or {}, typed or {}
    return [
        AskSection(
            number,
            title,
            [
                field.ask(
                    review,
                    problems=problems.get(field.key, ()),
                    typed=typed.get(field.key, NOT_TYPED),
                    conflict=field.key in conflicts,
                )
                for field in fields
            ],
        )
        for number, (title, fields) in enumerate(parts, 1)
    ]


def progress_of(parts: Sequence[tuple[str, list[Field]]]) -> tuple[int, int]:
    """Return (answered, wanted): how many of the required fields among ``parts`` are filled in."""
    wanted = done = 0
    for _title, fields in parts:
        without = {f.key.removesuffix("-na") for f in fields if f.key.endswith("-na") and f.value == "na"}
        for field in fields:
            if field.required and not field.key.endswith("-na"):
                wanted += 1
                done += bool(field.value) or field.key in without
    return done, wanted
