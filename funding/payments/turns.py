"""What awards are told of payments: what keeps a tranche and an award as they are, whose turn it is, what was paid."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.awards.hooks import Part, Turn, awaits, keeps_tranche, shows_part, stops_close
from funding.awards.models import Award, Tranche
from funding.awards.services import stops_of
from funding.payments.models import Disbursement
from funding.payments.states import OVER, DisbursementState
from park_portal.core.accounts.models import User
from park_portal.core.errors import Problem, Text

_S = DisbursementState
# Who, and what.
NEXT: dict[str, tuple[Text, Text]] = {
    _S.ASKED: (gettext_lazy("programme officer"), gettext_lazy("Check the evidence for payment %(payment)s")),
    _S.CHECKED: (gettext_lazy("finance"), gettext_lazy("Approve payment %(payment)s")),
    _S.APPROVED: (gettext_lazy("another finance officer"), gettext_lazy("Release payment %(payment)s")),
    _S.RELEASED: (
        gettext_lazy("finance"),
        gettext_lazy("Take in the bank's statement on payment %(payment)s"),
    ),
    _S.RETURNED: (gettext_lazy("grantee"), gettext_lazy("Correct payment %(payment)s and ask again")),
    _S.BOUNCED: (gettext_lazy("grantee"), gettext_lazy("Correct the account of payment %(payment)s")),
}


def _living(award: Award) -> list[Disbursement]:
    return list(Disbursement.objects.filter(award=award).exclude(state__in=OVER).order_by("pk"))


@keeps_tranche
def asked_for(tranche: Tranche) -> Iterator[Problem]:
    living = Disbursement.objects.filter(tranche=tranche).exclude(state=_S.CANCELLED).first()
    if living is not None:
        yield Problem(_("It was asked for: %(payment)s.") % {"payment": living.number})


@stops_close
def payments_open(award: Award) -> Iterator[Problem]:
    for payment in _living(award):
        yield Problem(
            _("Payment %(payment)s is not over: %(state)s.")
            % {"payment": payment.number, "state": payment.get_state_display()}
        )


@awaits
def payment_turns(award: Award) -> Iterator[Turn]:
    for payment in _living(award):
        who, what = NEXT[payment.state]
        url = (
            payment.get_absolute_url()
            if payment.state in (_S.RETURNED, _S.BOUNCED)
            else reverse("admin:funding_disbursement_change", args=[payment.pk])
        )
        yield Turn(who, str(what) % {"payment": payment.number}, url=url)
    yield from _tranches_to_ask_for(award)


def _tranches_to_ask_for(award: Award) -> Iterator[Turn]:
    """Tranches whose conditions are met and that nobody has asked for."""
    asked = set(
        Disbursement.objects.filter(award=award).exclude(state=_S.CANCELLED).values_list("tranche", flat=True)
    )
    for tranche in award.tranches.all():
        tranche.award = award
        if tranche.pk not in asked and tranche.amount_fen and not stops_of(tranche):
            yield Turn(
                _("grantee"),
                _("Ask for tranche %(number)s") % {"number": tranche.number},
                url=f"{reverse('payments:ask')}?tranche={tranche.pk}",
            )


@shows_part
def payments_part(award: Award, user: User) -> Iterator[Part]:
    rows = list(Disbursement.objects.filter(award=award).select_related("tranche").order_by("pk"))
    if rows:
        yield Part(gettext_lazy("Payments"), "funding/payments/_part.html", {"payments": rows}, order=30)
