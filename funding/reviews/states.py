from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from funding.calls.states import StageKind
from park_portal.core.workflow import Machine, Transition


class RunState(models.TextChoices):
    ACTIVE = "active", pgettext_lazy("stage", "under way")
    PAUSED = "paused", pgettext_lazy("stage", "with the applicant")
    PASSED = "passed", pgettext_lazy("stage", "passed")
    REJECTED = "rejected", pgettext_lazy("stage", "not passed")
    SKIPPED = "skipped", pgettext_lazy("stage", "does not apply")
    STOPPED = "stopped", pgettext_lazy("stage", "stopped")


RUN_MACHINE = Machine(
    name="stage_run",
    label=_("stage of an application"),
    states=RunState,
    initial=RunState.ACTIVE,
    transitions=(
        Transition(
            "pause",
            (RunState.ACTIVE,),
            RunState.PAUSED,
            _("Return for changes"),
            "funding.return_application_run",
        ),
        Transition(
            "resume",
            (RunState.PAUSED,),
            RunState.ACTIVE,
            pgettext_lazy("stage", "Go on"),
            "funding.drive_stages",
        ),
        Transition(
            "pass",
            (RunState.ACTIVE,),
            RunState.PASSED,
            pgettext_lazy("stage", "Complete"),
            "funding.complete_stage",
        ),
        Transition(
            "reject",
            (RunState.ACTIVE, RunState.PAUSED),
            RunState.REJECTED,
            pgettext_lazy("stage", "Reject"),
            "funding.complete_stage",
        ),
        Transition(
            "skip",
            (RunState.ACTIVE,),
            RunState.SKIPPED,
            pgettext_lazy("stage", "Skip"),
            "funding.drive_stages",
        ),
        Transition(
            "stop",
            (RunState.ACTIVE, RunState.PAUSED),
            RunState.STOPPED,
            pgettext_lazy("stage", "Stop"),
            "funding.drive_stages",
        ),
    ),
)


class NoticeLineState(models.TextChoices):
    POSTED = "posted", pgettext_lazy("notice", "under public notice")
    PASSED = "passed", pgettext_lazy("notice", "notice over")
    OUT = "out", pgettext_lazy("notice", "taken out")


NOTICE_LINE_MACHINE = Machine(
    name="notice_line",
    label=_("line of a public notice"),
    states=NoticeLineState,
    initial=NoticeLineState.POSTED,
    tones={NoticeLineState.POSTED: "wait", NoticeLineState.PASSED: "good", NoticeLineState.OUT: "neutral"},
    transitions=(
        Transition(
            "pass",
            (NoticeLineState.POSTED,),
            NoticeLineState.PASSED,
            pgettext_lazy("notice", "End the notice"),
            "funding.publish_notice",
        ),
        Transition(
            "take_out",
            (NoticeLineState.POSTED, NoticeLineState.PASSED),
            NoticeLineState.OUT,
            pgettext_lazy("notice", "Take out of the notice"),
            "funding.publish_notice",
        ),
    ),
)


class AutomaticNote(models.TextChoices):
    """What the portal notes on a stage by itself: the code is kept, everyone reads it in their own language."""

    WITHDRAWN = "auto.withdrawn", _("Withdrawn by the applicant.")
    DECIDED = "auto.decided", _("Decided before this stage ended.")
    NOT_A_PROJECT = (
        "auto.not_a_project",
        _("Does not apply: the application does not come from a university project."),
    )


class ReviewState(models.TextChoices):
    ASSIGNED = "assigned", pgettext_lazy("review", "waiting for an answer")
    ACCEPTED = "accepted", pgettext_lazy("review", "being written")
    SUBMITTED = "submitted", pgettext_lazy("review", "submitted")
    DECLINED = "declined", pgettext_lazy("review", "declined")
    RECUSED = "recused", pgettext_lazy("review", "conflict of interest")
    RELEASED = "released", pgettext_lazy("review", "released by staff")
    SUSPENDED = "suspended", pgettext_lazy("review", "suspended: conflict of interest")


REVIEW_MACHINE = Machine(
    name="review",
    label=_("review"),
    states=ReviewState,
    initial=ReviewState.ASSIGNED,
    # A reviewer who is released is expected no longer; a decision that is released has gone out.
    tones={ReviewState.RELEASED: "neutral", ReviewState.SUSPENDED: "wait"},
    transitions=(
        Transition(
            "accept",
            (ReviewState.ASSIGNED,),
            ReviewState.ACCEPTED,
            pgettext_lazy("review", "Accept"),
            "funding.answer_review",
        ),
        Transition(
            "decline",
            (ReviewState.ASSIGNED, ReviewState.ACCEPTED),
            ReviewState.DECLINED,
            pgettext_lazy("review", "Decline"),
            "funding.answer_review",
        ),
        Transition(
            "recuse",
            (ReviewState.ASSIGNED, ReviewState.ACCEPTED),
            ReviewState.RECUSED,
            _("Declare a conflict of interest"),
            "funding.answer_review",
        ),
        Transition(
            "submit",
            (ReviewState.ACCEPTED,),
            ReviewState.SUBMITTED,
            _("Submit the review"),
            "funding.write_review",
        ),
        Transition(
            "reopen",
            (ReviewState.SUBMITTED,),
            ReviewState.ACCEPTED,
            pgettext_lazy("review", "Reopen"),
            "funding.assign_reviews",
        ),
        Transition(
            "ask_again",
            (ReviewState.DECLINED, ReviewState.RELEASED, ReviewState.SUSPENDED),
            ReviewState.ASSIGNED,
            _("Ask again"),
            "funding.assign_reviews",
        ),
        Transition(
            "release",
            (ReviewState.ASSIGNED, ReviewState.ACCEPTED),
            ReviewState.RELEASED,
            _("Release the reviewer"),
            "funding.assign_reviews",
        ),
        # Made by the database itself, whenever a conflict comes to stand (sql/apart.sql).
        Transition(
            "suspend",
            (ReviewState.ASSIGNED, ReviewState.ACCEPTED, ReviewState.SUBMITTED),
            ReviewState.SUSPENDED,
            pgettext_lazy("review", "Suspend"),
            "funding.record_conflict",
        ),
    ),
)

OPEN_REVIEWS = (ReviewState.ASSIGNED, ReviewState.ACCEPTED)


class Opinion(models.TextChoices):
    """What a review recommends; which of these a stage offers depends on its kind."""

    PASS = "pass", pgettext_lazy("opinion", "pass")
    ENDORSE = "endorse", pgettext_lazy("opinion", "endorse")
    FUND = "fund", pgettext_lazy("opinion", "fund")
    FUND_WITH_CHANGES = "fund_with_changes", pgettext_lazy("opinion", "fund with changes")
    RETURN = "return", pgettext_lazy("opinion", "return for changes")
    REJECT = "reject", pgettext_lazy("opinion", "reject")
    OBJECT = "object", pgettext_lazy("opinion", "object")
    DO_NOT_FUND = "do_not_fund", pgettext_lazy("opinion", "do not fund")


POSITIVE = (Opinion.PASS, Opinion.ENDORSE, Opinion.FUND, Opinion.FUND_WITH_CHANGES)
NEGATIVE = (Opinion.REJECT, Opinion.OBJECT, Opinion.DO_NOT_FUND)

OPINIONS_OF_STAGE: dict[str, tuple[Opinion, ...]] = {
    StageKind.SCREENING: (Opinion.PASS, Opinion.RETURN, Opinion.REJECT),
    StageKind.LIAISON: (Opinion.ENDORSE, Opinion.RETURN, Opinion.OBJECT),
    StageKind.EXPERT: (Opinion.FUND, Opinion.FUND_WITH_CHANGES, Opinion.DO_NOT_FUND),
    StageKind.PANEL: (Opinion.FUND, Opinion.FUND_WITH_CHANGES, Opinion.DO_NOT_FUND),
    StageKind.DILIGENCE: (Opinion.PASS, Opinion.RETURN, Opinion.REJECT),
    StageKind.NOTICE: (Opinion.REJECT,),
    StageKind.DECISION: (),
}


class ReviewerKind(models.TextChoices):
    """From where a reviewer looks at an application: a mix of them sees more than one kind alone."""

    ACADEMIA = "academia", pgettext_lazy("reviewer", "academia")
    INDUSTRY = "industry", pgettext_lazy("reviewer", "industry")
    INVESTMENT = "investment", pgettext_lazy("reviewer", "investment")


class Unclean(models.TextChoices):
    """Why reviewers who must not know who applies do not get a file; the codes of ``documents.cleaning``."""

    DAMAGED = "damaged", pgettext_lazy("file", "It is damaged or not built as it should be.")
    LOCKED = "locked", pgettext_lazy("file", "It is locked with a password.")
    OLD_FORMAT = "old_format", pgettext_lazy("file", "It is in an old Office format (.doc, .xls, .ppt).")
    ATTACHMENTS = "attachments", pgettext_lazy("file", "Other files are attached inside it.")
    NESTED = "nested", pgettext_lazy("file", "It holds embedded objects that cannot be cleaned.")
    MEDIA = (
        "media",
        pgettext_lazy("file", "It holds sound, film or pictures of a kind that cannot be cleaned."),
    )
    TOO_LARGE = "too_large", pgettext_lazy("file", "It is too large to be cleaned.")


class Confidence(models.IntegerChoices):
    LOW = 1, _("I know the field from outside")
    FAIR = 2, _("I work in a neighbouring field")
    HIGH = 3, _("I work in this field")
    EXPERT = 4, _("this is my own subject")


class ConflictKind(models.TextChoices):
    DECLARED = "declared", _("declared by the reviewer")
    MEMBER = "member", _("belongs to the applicant")
    EMPLOYER = "employer", _("same employer")
    FACULTY = "faculty", _("same faculty")
    COAUTHOR = "coauthor", _("co-author")
    COINVESTIGATOR = "coinvestigator", _("co-investigator")
    SUPERVISOR = "supervisor", _("teacher or student")
    SHAREHOLDER = "shareholder", _("shareholder")
    BOARD = "board", _("on the board")
    FAMILY = "family", _("family")
    COMPETITOR = "competitor", _("competes in the same call")
    UNSUITABLE = "unsuitable", _("named as unsuitable by the applicant")
    OTHER = "other", _("another reason")


class ConflictSource(models.TextChoices):
    """Who or what says that there is a conflict."""

    PERSON = "person", _("declared by the person")
    APPLICANT = "applicant", _("declared by the applicant")
    STAFF = "staff", _("recorded by the park")
    PUBLICATIONS = "publications", _("publications")
    REGISTER = "register", pgettext_lazy("source of a conflict", "the portal's own records")


# What the database finds by itself, beside the sources that a row may have.
BASES = {
    **{source.value: source.label for source in ConflictSource},
    "name": _("name of the institution"),
    "earlier": _("an earlier application of the same applicant"),
}


# What a match of two names rests on (``names.Why``).
MATCHED_BY = {
    "email": _("same e-mail"),
    "orcid": _("same ORCID"),
    "name_and_institution": _("same name and institution"),
    "name": _("same name"),
    "pinyin": _("same pinyin"),
    "initials": _("same initials"),
}


class ConflictState(models.TextChoices):
    POSSIBLE = "possible", pgettext_lazy("conflict", "possible")
    STANDING = "standing", pgettext_lazy("conflict", "stands")
    DISMISSED = "dismissed", pgettext_lazy("conflict", "does not stand")


CONFLICT_MACHINE = Machine(
    name="conflict",
    label=_("conflict of interest"),
    states=ConflictState,
    initial=ConflictState.POSSIBLE,
    tones={
        ConflictState.POSSIBLE: "wait",
        ConflictState.STANDING: "bad",
        ConflictState.DISMISSED: "neutral",
    },
    transitions=(
        Transition(
            "confirm",
            (ConflictState.POSSIBLE,),
            ConflictState.STANDING,
            pgettext_lazy("conflict", "Confirm"),
            "funding.confirm_conflict",
        ),
        Transition(
            "dismiss",
            (ConflictState.POSSIBLE, ConflictState.STANDING),
            ConflictState.DISMISSED,
            pgettext_lazy("conflict", "Not so"),
            "funding.dismiss_conflict",
        ),
        Transition(
            "reopen",
            (ConflictState.DISMISSED,),
            ConflictState.POSSIBLE,
            pgettext_lazy("conflict", "Look again"),
            "funding.record_conflict",
        ),
    ),
)


class CalculationKind(models.TextChoices):
    """What a calculation works out; each is kept with its method, seed and inputs."""

    ASSIGNMENT = "assignment", _("assignment of reviewers")
    DRAW = "draw", _("random draw of reviewers")
    RATING = "rating", _("calibrated scores")
    CHANCES = "chances", _("chances of standing above the line")
    LOTTERY = "lottery", _("lottery among equals")
    AGENDA = "agenda", _("order of an agenda")


class PlanMethod(models.TextChoices):
    """How a plan finds who reviews what."""

    OPTIMAL = "optimal", pgettext_lazy("plan", "best match")
    DRAW = "draw", pgettext_lazy("plan", "random draw")


class PlanFloor(models.TextChoices):
    """How the worst-served application is looked after."""

    BEST = "best", _("first make the worst-served application as well served as possible")
    NUMBER = "number", _("every application at least this well")
    NONE = "none", _("only the sum of all matches counts")


class PairOrigin(models.TextChoices):
    """Who put a pair into a plan."""

    SOLVED = "solved", pgettext_lazy("pair", "worked out")
    DRAWN = "drawn", pgettext_lazy("pair", "drawn")
    HAND = "hand", pgettext_lazy("pair", "chosen by hand")
    KEPT = "kept", pgettext_lazy("pair", "asked already")


class PlanState(models.TextChoices):
    DRAFT = "draft", pgettext_lazy("plan", "being prepared")
    SOLVING = "solving", pgettext_lazy("plan", "being worked out")
    READY = "ready", pgettext_lazy("plan", "to be confirmed")
    FAILED = "failed", pgettext_lazy("plan", "not possible like this")
    CONFIRMING = "confirming", pgettext_lazy("plan", "being confirmed")
    CONFIRMED = "confirmed", pgettext_lazy("plan", "confirmed")
    DISCARDED = "discarded", pgettext_lazy("plan", "discarded")


PLAN_MACHINE = Machine(
    name="assignment_plan",
    label=_("assignment of reviewers"),
    states=PlanState,
    initial=PlanState.DRAFT,
    tones={
        PlanState.SOLVING: "info",
        PlanState.READY: "wait",
        PlanState.CONFIRMING: "info",
        PlanState.CONFIRMED: "good",
        PlanState.FAILED: "bad",
        PlanState.DISCARDED: "neutral",
    },
    transitions=(
        Transition(
            "solve",
            (PlanState.DRAFT, PlanState.READY, PlanState.FAILED),
            PlanState.SOLVING,
            pgettext_lazy("plan", "Work it out"),
            "funding.assign_reviews",
        ),
        Transition(
            "stop",
            (PlanState.SOLVING,),
            PlanState.DRAFT,
            pgettext_lazy("plan", "Stop"),
            "funding.assign_reviews",
        ),
        Transition(
            "finish",
            (PlanState.SOLVING,),
            PlanState.READY,
            pgettext_lazy("plan", "Take the result"),
            "funding.drive_stages",
        ),
        Transition(
            "fail",
            (PlanState.SOLVING,),
            PlanState.FAILED,
            pgettext_lazy("plan", "Say why it is not possible"),
            "funding.drive_stages",
        ),
        Transition(
            "change",
            (PlanState.READY, PlanState.FAILED),
            PlanState.DRAFT,
            pgettext_lazy("plan", "Change the criteria"),
            "funding.assign_reviews",
        ),
        Transition(
            "confirm",
            (PlanState.READY,),
            PlanState.CONFIRMING,
            pgettext_lazy("plan", "Confirm and invite"),
            "funding.assign_reviews",
        ),
        Transition(
            "complete",
            (PlanState.CONFIRMING,),
            PlanState.CONFIRMED,
            pgettext_lazy("plan", "Invitations are out"),
            "funding.drive_stages",
        ),
        Transition(
            "put_back",
            (PlanState.CONFIRMING,),
            PlanState.READY,
            pgettext_lazy("plan", "Put back"),
            "funding.drive_stages",
        ),
        Transition(
            "discard",
            (PlanState.DRAFT, PlanState.READY, PlanState.FAILED),
            PlanState.DISCARDED,
            pgettext_lazy("plan", "Discard"),
            "funding.assign_reviews",
        ),
    ),
)

# A plan in one of these may still change; of the replacements of one plan there is one such at a time.
OPEN_PLANS = (
    PlanState.DRAFT,
    PlanState.SOLVING,
    PlanState.READY,
    PlanState.FAILED,
    PlanState.CONFIRMING,
)
