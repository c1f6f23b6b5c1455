from __future__ import annotations

import hashlib
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from funding.applications.models import Application
from funding.decisions.models import Decision, Letter
from funding.decisions.services import Proposal, seen_of
from funding.decisions.states import Verdict
from park_portal.core.forms import MoneyInput, PortalForm, TextField
from park_portal.core.outbox.registry import LANGUAGES


class VerdictForm(PortalForm):
    """One verdict, written out: what is granted, under which conditions, with which words to the applicant."""

    seen = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)
    verdict = forms.ChoiceField(label=_("Verdict"), choices=Verdict.choices)
    amount = MoneyInput(
        label=_("Amount granted (yuan)"), required=False, help_text=_("Only with an approval.")
    )
    amount_reason = TextField(
        label=_("Why less than asked for"),
        required=False,
        max_length=1000,
        help_text=_("Where the amount is below what was asked for. Goes into the letter."),
    )
    reserve_place = forms.IntegerField(
        label=_("Place on the reserve list"),
        required=False,
        min_value=1,
        max_value=999,
        help_text=_("With “reserve”. Empty: behind those who stand there already."),
    )
    conditions = TextField(label=_("Conditions"), required=False, max_length=4000, widget=forms.Textarea)
    comment_applicant = TextField(
        label=_("For the applicant"),
        required=False,
        max_length=8000,
        widget=forms.Textarea,
        help_text=_(
            "Goes into the letter. The reviewers' own comments for the applicant are shown to them beside it."
        ),
    )
    note = TextField(
        label=_("Internal note"),
        required=False,
        max_length=4000,
        widget=forms.Textarea,
        help_text=_("Never leaves the staff."),
    )

    def proposal(self, application: Application) -> Proposal:
        data = self.cleaned_data
        approves = data["verdict"] == Verdict.APPROVE
        return Proposal(
            application,
            data["verdict"],
            amount_fen=data["amount"] if approves else None,
            amount_reason=data["amount_reason"] if approves else "",
            reserve_place=data["reserve_place"] if data["verdict"] == Verdict.RESERVE else None,
            conditions=data["conditions"],
            comment_applicant=data["comment_applicant"],
            note=data["note"],
            seen=data["seen"],
        )


class AnnounceForm(PortalForm):
    """Where the seed of a lottery will come from."""

    source = TextField(
        label=_("Where the seed will come from"),
        max_length=400,
        help_text=_(
            "Something nobody can know or choose today and everybody can look up later, such as the closing value of "
            "the SSE Composite Index on a day to come."
        ),
    )


class DrawForm(PortalForm):
    """The seed of an announced lottery."""

    seed = TextField(
        label=_("Seed"), max_length=64, help_text=_("As it was published, to the last digit: 3401.25, say.")
    )


class RowForm(PortalForm):
    """One line of the ranked table: a verdict or nothing, and the amount that goes with an approval.

    ``seen`` and ``was`` say which pending verdict its reader saw, so that lines nobody touched are told from changes.
    """

    seen = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)
    was = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)
    verdict = forms.ChoiceField(label=_("Verdict"), required=False, choices=[("", "—"), *Verdict.choices])
    amount = MoneyInput(label=_("Amount granted (yuan)"), required=False)
    amount_reason = TextField(label=_("Why less than asked for"), required=False, max_length=1000)
    reserve_place = forms.IntegerField(
        label=_("Place on the reserve list"), required=False, min_value=1, max_value=999
    )

    @staticmethod
    def initial_of(application: Application, pending: Decision | None) -> dict[str, Any]:
        return {
            "seen": seen_of(pending),
            "was": _said(pending.verdict, pending.amount_fen, pending.amount_reason, pending.reserve_place)
            if pending
            else "",
            "verdict": pending.verdict if pending else "",
            "amount": (pending.amount_fen if pending else None) or application.amount_fen,
            "amount_reason": pending.amount_reason if pending else "",
            "reserve_place": pending.reserve_place if pending else None,
        }

    @property
    def chosen(self) -> tuple[str, int | None]:
        """The verdict, and the amount of an approval."""
        verdict = self.cleaned_data["verdict"]
        return verdict, self.cleaned_data["amount"] if verdict == Verdict.APPROVE else None

    @property
    def is_touched(self) -> bool:
        """Whether its reader chose anything else than what they saw."""
        verdict, amount = self.chosen
        said = _said(verdict, amount, self.cleaned_data["amount_reason"], self.cleaned_data["reserve_place"])
        return bool(verdict) and said != self.cleaned_data["was"]


def _said(verdict: str, amount_fen: int | None, reason: str, place: int | None) -> str:
    """Return what tells one verdict from another: of an approval the amount and why, of a reserve its place."""
    if verdict == Verdict.APPROVE:
        return f"{verdict}-{amount_fen or ''}-{hashlib.sha256(reason.strip().encode()).hexdigest()[:12]}"
    return f"{verdict}-{place or ''}" if verdict == Verdict.RESERVE else verdict


class BudgetForm(PortalForm):
    """Another budget for a call that has been announced."""

    budget_fen = MoneyInput(
        label=_("Budget (yuan)"), required=False, help_text=_("Empty: no limit. Never below what is granted.")
    )
    reason = TextField(label=_("Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))


class PromoteForm(PortalForm):
    """What the first reserve gets."""

    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)
    amount_fen = MoneyInput(label=_("Amount granted (yuan)"))
    amount_reason = TextField(
        label=_("Why less than asked for"),
        required=False,
        max_length=1000,
        help_text=_("Where the amount is below what was asked for. Goes into the letter."),
    )


class LetterForm(PortalForm):
    """A letter's text in both languages."""

    subject_zh_hans = TextField(label=_("Subject (Chinese)"), max_length=200)
    body_zh_hans = TextField(
        label=_("Text (Chinese)"), max_length=10000, widget=forms.Textarea(attrs={"rows": 12})
    )
    subject_en = TextField(label=_("Subject (English)"), max_length=200)
    body_en = TextField(
        label=_("Text (English)"), max_length=10000, widget=forms.Textarea(attrs={"rows": 12})
    )

    @classmethod
    def initial_of(cls, letter: Letter) -> dict[str, str]:
        return {
            f"{part}_{code.replace('-', '_')}": getattr(letter, part).get(code, "")
            for part in ("subject", "body")
            for code in LANGUAGES
        }

    def texts(self) -> dict[str, dict[str, Any]]:
        return {
            part: {code: self.cleaned_data[f"{part}_{code.replace('-', '_')}"] for code in LANGUAGES}
            for part in ("subject", "body")
        }
