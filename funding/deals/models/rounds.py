from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from funding.awards.models import Award
from funding.deals.captable import Holder
from funding.deals.states import (
    CONVERTS,
    ROUND_MACHINE,
    ConversionBasis,
    DealStage,
    Instrument,
    RoundState,
)
from funding.funds.models import Fund, StaffRows
from incubator.organisations.merging import moves_only_by_merge
from incubator.organisations.models import Organisation
from park_portal.core.audit.models import append_only
from park_portal.core.invariants import Agrees, kept, one_of
from park_portal.core.money import MAX_FEN, MoneyField

# The lock keeps money from coming in while the round is closed.
_PLANNED = """
    IF TG_OP = 'DELETE' THEN
        SELECT state INTO held FROM funding_round WHERE id = OLD.round_id FOR SHARE;
    ELSE
        SELECT state INTO held FROM funding_round WHERE id = NEW.round_id FOR SHARE;
    END IF;
    IF held <> 'planned' THEN
        RAISE EXCEPTION 'the round is %', held
            USING ERRCODE = 'check_violation', CONSTRAINT = 'investment_while_round_is_planned';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
"""
_CONVERTS = f"""
    IF NOT EXISTS (SELECT 1 FROM funding_investment i JOIN funding_round earlier ON earlier.id = i.round_id
                   JOIN funding_round r ON r.id = NEW.round_id
                   WHERE i.id = NEW.investment_id AND i.instrument IN ({", ".join(f"'{one}'" for one in CONVERTS)})
                   AND earlier.state = 'closed' AND r.state = 'planned') THEN
        RAISE EXCEPTION 'investment % does not convert in round %', NEW.investment_id, NEW.round_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'conversion_of_what_converts';
    END IF;
    RETURN NEW;
"""


class Round(models.Model):
    """One round in which a company raises money, planned or closed."""

    machine = ROUND_MACHINE

    company = models.ForeignKey(
        Organisation, verbose_name=_("company"), on_delete=models.PROTECT, related_name="rounds"
    )
    name = models.CharField(pgettext_lazy("round of investment", "name"), max_length=60)
    stage = models.CharField(_("stage"), max_length=8, choices=DealStage)
    state = models.CharField(
        _("state"), max_length=8, choices=RoundState, default=ROUND_MACHINE.initial, editable=False
    )
    target_fen = MoneyField(_("amount sought"), null=True, blank=True)
    pre_money_fen = MoneyField(
        _("valuation before the round"),
        null=True,
        blank=True,
        help_text=_("Empty for the founders' shares, and where nobody buys shares."),
    )
    closed_on = models.DateField(_("closed on"), null=True, blank=True, editable=False)
    note = models.CharField(_("note"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    objects = StaffRows.as_manager()

    class Meta:
        verbose_name = _("round of investment")
        verbose_name_plural = _("rounds of investment")
        ordering = ["-id"]
        constraints = [
            one_of("round_stage_known", "stage", DealStage),
            models.CheckConstraint(
                name="round_amounts_positive",
                condition=(Q(target_fen__isnull=True) | Q(target_fen__gt=0, target_fen__lte=MAX_FEN))
                & (Q(pre_money_fen__isnull=True) | Q(pre_money_fen__gt=0, pre_money_fen__lte=MAX_FEN)),
                violation_error_message=_("Amounts are above zero."),
            ),
            models.CheckConstraint(
                name="round_closed_has_a_day",
                condition=Q(state=RoundState.CLOSED, closed_on__isnull=False)
                | (~Q(state=RoundState.CLOSED) & Q(closed_on__isnull=True)),
            ),
        ]
        triggers = [
            *ROUND_MACHINE.triggers(),
            pgtrigger.Protect(
                name="round_closed_stays_as_it_is",
                operation=pgtrigger.UpdateOf("name", "stage", "target_fen", "pre_money_fen", "closed_on"),
                condition=pgtrigger.Q(old__state=RoundState.CLOSED),
            ),
            moves_only_by_merge("round", "company"),
            kept("round"),
        ]

    def __str__(self) -> str:
        return f"{self.company} · {self.name}"


class Investment(models.Model):
    """What one investor puts into one round, and for what."""

    round = models.ForeignKey(
        Round, verbose_name=_("round of investment"), on_delete=models.PROTECT, related_name="investments"
    )
    fund = models.ForeignKey(
        Fund,
        verbose_name=_("fund"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="investments",
    )
    organisation = models.ForeignKey(
        Organisation,
        verbose_name=_("investor"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="investments",
    )
    holder_name = models.CharField(
        _("investor, where it is no organisation of the portal"), max_length=120, blank=True
    )
    award = models.ForeignKey(
        Award,
        verbose_name=_("award that it was granted by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="investments",
    )
    instrument = models.CharField(_("instrument"), max_length=12, choices=Instrument)
    amount_fen = MoneyField(_("amount"))
    shares = models.BigIntegerField(_("shares"), null=True, blank=True)
    cap_fen = MoneyField(_("valuation cap"), null=True, blank=True)
    discount_bp = models.IntegerField(
        _("discount"), null=True, blank=True, help_text=_("In hundredths of a percent: 2000 is 20 %.")
    )
    interest_bp = models.IntegerField(
        _("interest a year"), null=True, blank=True, help_text=_("In hundredths of a percent: 600 is 6 %.")
    )
    matures_on = models.DateField(_("due on"), null=True, blank=True)

    objects = StaffRows.as_manager()

    class Meta:
        verbose_name = _("investment")
        verbose_name_plural = _("investments")
        ordering = ["-id"]
        constraints = [
            one_of("investment_instrument_known", "instrument", Instrument),
            models.CheckConstraint(
                name="investment_amount_positive",
                condition=Q(amount_fen__gt=0, amount_fen__lte=MAX_FEN),
                violation_error_message=_("Amounts are above zero."),
            ),
            models.CheckConstraint(
                name="investment_has_one_holder",
                condition=Q(fund__isnull=False, organisation__isnull=True, holder_name="")
                | Q(fund__isnull=True, organisation__isnull=False, holder_name="")
                | (Q(fund__isnull=True, organisation__isnull=True) & ~Q(holder_name="")),
                violation_error_message=_("Name one investor: a fund, an organisation, or another by name."),
            ),
            models.CheckConstraint(
                name="investment_terms_of_its_instrument",
                condition=Q(
                    instrument=Instrument.EQUITY,
                    shares__isnull=False,
                    cap_fen__isnull=True,
                    discount_bp__isnull=True,
                    interest_bp__isnull=True,
                    matures_on__isnull=True,
                )
                | Q(
                    instrument=Instrument.CONVERTIBLE,
                    shares__isnull=True,
                    interest_bp__isnull=False,
                    matures_on__isnull=False,
                )
                | (
                    Q(
                        instrument=Instrument.SAFE,
                        shares__isnull=True,
                        interest_bp__isnull=True,
                        matures_on__isnull=True,
                    )
                    & (Q(cap_fen__isnull=False) | Q(discount_bp__isnull=False))
                )
                | Q(
                    instrument=Instrument.LOAN,
                    shares__isnull=True,
                    cap_fen__isnull=True,
                    discount_bp__isnull=True,
                    interest_bp__isnull=False,
                    matures_on__isnull=False,
                ),
                violation_error_message=_(
                    "These terms do not go with the instrument. Equity: shares. Convertible: interest and due date, "
                    "cap and discount where agreed. SAFE-like: cap or discount. Loan: interest and due date."
                ),
            ),
            models.CheckConstraint(
                name="investment_terms_possible",
                condition=(Q(shares__isnull=True) | Q(shares__gt=0))
                & (Q(cap_fen__isnull=True) | Q(cap_fen__gt=0, cap_fen__lte=MAX_FEN))
                & (Q(discount_bp__isnull=True) | Q(discount_bp__gt=0, discount_bp__lt=10_000))
                & (Q(interest_bp__isnull=True) | Q(interest_bp__gte=0, interest_bp__lte=10_000)),
                violation_error_message=_("Shares, cap, discount or interest are out of range."),
            ),
            models.CheckConstraint(
                name="investment_by_award_converts",
                condition=Q(award__isnull=True) | Q(instrument__in=CONVERTS, fund__isnull=False),
                violation_error_message=_("What an award grants is the fund's, and convertible."),
            ),
            models.UniqueConstraint(
                name="investment_of_an_award_once",
                fields=["award"],
                violation_error_message=_("This award is in a round already."),
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="investment_while_round_is_planned",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Delete,
                declare=[("held", "text")],
                func=_PLANNED,
            ),
            Agrees(
                name="investment_of_its_award",
                same={"award.fund": "fund", "award.organisation": "round.company"},
            ),
            pgtrigger.ReadOnly(
                name="investment_terms_fixed",
                fields=[
                    *("round", "fund", "holder_name", "award", "instrument", "amount_fen", "shares"),
                    *("cap_fen", "discount_bp", "interest_bp", "matures_on"),
                ],
            ),
            moves_only_by_merge("investment"),
        ]

    def __str__(self) -> str:
        return f"{self.holder} · {self.get_instrument_display()}"

    @property
    def holder(self) -> str:
        return str(self.fund or self.organisation or self.holder_name)

    @property
    def holder_key(self) -> Holder:
        """By what one holder is told from another over all rounds."""
        if self.fund_id is not None:
            return ("fund", str(self.fund_id))
        return ("organisation", str(self.organisation_id)) if self.organisation_id else ("", self.holder_name)


class Conversion(models.Model):
    """One convertible investment that became shares in a later round."""

    investment = models.OneToOneField(
        Investment, verbose_name=_("investment"), on_delete=models.PROTECT, related_name="conversion"
    )
    round = models.ForeignKey(
        Round, verbose_name=_("round of investment"), on_delete=models.PROTECT, related_name="conversions"
    )
    amount_fen = MoneyField(_("amount converted"), help_text=_("With interest."))
    shares = models.BigIntegerField(_("shares"))
    basis = models.CharField(_("price"), max_length=8, choices=ConversionBasis)
    # {"zh-hans": text, "en": text}: how the shares were worked out.
    worked_out = models.JSONField(_("how it was worked out"), default=dict)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects = StaffRows.as_manager()

    class Meta:
        verbose_name = _("conversion")
        verbose_name_plural = _("conversions")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="conversion_amounts_positive", condition=Q(amount_fen__gt=0, shares__gt=0)
            ),
            one_of("conversion_basis_known", "basis", ConversionBasis),
        ]
        triggers = [
            *append_only("conversion"),
            Agrees(name="conversion_in_its_company", same={"investment.round.company": "round.company"}),
            pgtrigger.Trigger(
                name="conversion_of_what_converts",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func=_CONVERTS,
            ),
        ]

    def __str__(self) -> str:
        return str(self.investment)

    @property
    def explained(self) -> str:
        """How the shares were worked out, in the language being read."""
        language = "zh-hans" if (get_language() or "zh-hans").startswith("zh") else "en"
        return str(self.worked_out.get(language, ""))
