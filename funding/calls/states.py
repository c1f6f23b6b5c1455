from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.workflow import Machine, Transition


class CallState(models.TextChoices):
    DRAFT = "draft", pgettext_lazy("call", "draft")
    PUBLISHED = "published", pgettext_lazy("call", "announced")
    OPEN = "open", pgettext_lazy("call", "open")
    CLOSED = "closed", pgettext_lazy("call", "closed")
    CANCELLED = "cancelled", pgettext_lazy("call", "cancelled")


CALL_MACHINE = Machine(
    name="call",
    label=_("call"),
    states=CallState,
    initial=CallState.DRAFT,
    transitions=(
        Transition("publish", (CallState.DRAFT,), CallState.PUBLISHED, _("Publish"), "funding.publish_call"),
        Transition("open", (CallState.PUBLISHED,), CallState.OPEN, _("Open now"), "funding.open_call"),
        Transition("close", (CallState.OPEN,), CallState.CLOSED, _("Close now"), "funding.close_call"),
        Transition(
            "reopen", (CallState.CLOSED,), CallState.OPEN, _("Extend and reopen"), "funding.extend_call"
        ),
        Transition(
            "cancel",
            (CallState.DRAFT, CallState.PUBLISHED),
            CallState.CANCELLED,
            _("Cancel the call"),
            "funding.cancel_call",
        ),
    ),
)


class Outcome(models.TextChoices):
    """What a positive decision creates; each has a class in decisions/outcomes.py."""

    AWARD = "award", _("award")
    ACCEPTANCE = "acceptance", _("acceptance of an award")


class ApplicantKind(models.TextChoices):
    ORGANISATION = "organisation", _("startup or company")
    PROJECT = "project", _("university research team")


class ConflictScope(models.TextChoices):
    """Whom sharing a university keeps from reviewing."""

    ORGANISATION = "organisation", _("everybody of the same organisation")
    FACULTY = "faculty", _("of a university, only its same faculty")


class QuestionKind(models.TextChoices):
    SHORT_TEXT = "short_text", _("short text")
    LONG_TEXT = "long_text", _("long text")
    NUMBER = "number", pgettext_lazy("kind of question", "number")
    MONEY = "money", _("money")
    DATE = "date", _("date")
    SINGLE_CHOICE = "single_choice", _("single choice")
    MULTIPLE_CHOICE = "multiple_choice", _("multiple choice")
    TABLE = "table", _("table (budget, team, …)")
    FILES = "files", _("files")
    IP = "ip", _("intellectual property")
    TRL = "trl", _("technology readiness level (TRL)")
    CONSENT = "consent", _("consent")


class Purpose(models.TextChoices):
    """What the portal itself reads an answer as."""

    NONE = "", _("nothing in particular")
    TITLE = "title", _("title of the application")
    AMOUNT = "amount", _("amount requested")
    SUMMARY = "summary", _("summary shown to reviewers who declared no conflict")
    BUDGET = "budget", _("budget: its total must equal the amount requested")
    UNSUITABLE = "unsuitable", _("reviewers whom the applicant considers unsuitable")
    RELATED = "related", _("people to whom the applicant is tied")


# What reviewers and liaisons never read.
CONFIDENTIAL = (Purpose.UNSUITABLE, Purpose.RELATED)


class StageKind(models.TextChoices):
    SCREENING = "screening", _("screening")
    LIAISON = "liaison", _("liaison review")
    EXPERT = "expert", _("expert review")
    PANEL = "panel", _("panel")
    DILIGENCE = "diligence", _("due diligence")
    NOTICE = "notice", _("public notice")
    DECISION = "decision", _("decision")


class Acts(models.TextChoices):
    """Who acts in a stage."""

    OFFICER = "officer", _("programme officers")
    LEAD = "lead", _("staff lead")
    FUND_MANAGER = "fund_manager", _("fund manager")
    LIAISON = "liaison", _("university liaisons")
    EXPERT = "expert", _("assigned experts")


class Completion(models.TextChoices):
    """What completes a stage for one application."""

    COUNT = "count", _("the required number of opinions is in")
    ALL = "all", _("everyone assigned has answered")
    STAFF = "staff", _("staff close it by hand")
    TIME = "time", _("the period is over without an open objection")


class Blindness(models.TextChoices):
    """What those who review and those who apply learn of each other."""

    SINGLE = "single", _("single-blind: reviewers see who applies, applicants never see who reviewed")
    DOUBLE = "double", _("double-blind: neither sees the other")
    OPEN = "open", _("open: after the decision applicants are told who reviewed")


class OnNegative(models.TextChoices):
    CONTINUE = "continue", _("goes on, the objection is shown to those who decide")
    REJECT = "reject", _("ends the application")


class Scoring(models.TextChoices):
    """How the scores of an application's reviews become its rating; see reviews/calibration.py."""

    CALIBRATED = "calibrated", _("calibrated: each reviewer's severity is taken out")
    MEAN = "mean", _("plain mean")
    MEDIAN = "median", _("median")
    TRIMMED = "trimmed", _("highest and lowest dropped, mean of the rest")


class CriterionKind(models.TextChoices):
    SCORE = "score", _("score")
    CHECK = "check", _("check (met or not)")


class RuleKind(models.TextChoices):
    """Eligibility rules that the portal can work out from what it knows; see applications/eligibility.py."""

    MAX_AGE = "max_age_months", _("company founded at most … months before the call closes")
    MIN_AGE = "min_age_months", _("company founded at least … months before the call closes")
    IN_DISTRICT = "in_qingpu", _("registered in Qingpu District")
    HAS_USCC = "has_uscc", _("Unified Social Credit Code on file")
    UNIVERSITY = "of_university", _("project of the named university")
    MIN_TRL = "min_trl", _("TRL at least …")
    MAX_TRL = "max_trl", _("TRL at most …")
    MIN_AMOUNT = "min_amount", _("amount requested at least … (10,000 yuan)")
    MAX_AMOUNT = "max_amount", _("amount requested at most … (10,000 yuan)")
    MAX_APPLICATIONS = "max_applications", _("at most … applications to this call")
    NO_OPEN_AWARD = "no_open_award", _("no running award of the same fund")
