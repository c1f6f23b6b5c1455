from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from funding.deals.states import DealStage, MandateTrack
from funding.funds.models import Fund, StaffRows
from incubator.organisations.models import Organisation
from park_portal.core.money import MAX_FEN, MoneyField


class Mandate(models.Model):
    """What one fund invests in, who manages it, and how much was promised to it for that."""

    fund = models.OneToOneField(
        Fund, verbose_name=_("fund"), on_delete=models.PROTECT, related_name="mandate"
    )
    manager = models.ForeignKey(
        Organisation,
        verbose_name=_("managed by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="mandates",
    )
    manager_name = models.CharField(
        _("manager, where it is no organisation of the portal"), max_length=120, blank=True
    )
    tracks = ArrayField(
        models.CharField(max_length=8, choices=MandateTrack),
        verbose_name=_("fields"),
        default=list,
        blank=True,
        help_text=_("None: any field."),
    )
    stages = ArrayField(
        models.CharField(max_length=8, choices=DealStage),
        verbose_name=_("stages"),
        default=list,
        blank=True,
        help_text=_("None: any stage."),
    )
    regions = ArrayField(
        models.CharField(max_length=40),
        verbose_name=_("regions"),
        default=list,
        blank=True,
        help_text=_("Words of the registered address, such as 青浦. None: anywhere."),
    )
    ticket_from_fen = MoneyField(_("ticket from"))
    ticket_to_fen = MoneyField(_("ticket to"))
    capital_fen = MoneyField(_("capital committed"))
    note = models.CharField(_("note"), max_length=400, blank=True)

    objects = StaffRows.as_manager()

    class Meta:
        verbose_name = _("mandate")
        verbose_name_plural = _("mandates of funds")
        ordering = ["fund"]
        constraints = [
            models.CheckConstraint(
                name="mandate_ticket_in_order",
                condition=Q(ticket_from_fen__gt=0, ticket_to_fen__gte=F("ticket_from_fen")),
                violation_error_message=_("The largest ticket is smaller than the smallest."),
            ),
            models.CheckConstraint(
                name="mandate_ticket_within_capital",
                condition=Q(capital_fen__gte=F("ticket_to_fen"), capital_fen__lte=MAX_FEN),
                violation_error_message=_("The largest ticket is more than the capital of the fund."),
            ),
            models.CheckConstraint(
                name="mandate_fields_known", condition=Q(tracks__contained_by=MandateTrack.values)
            ),
            models.CheckConstraint(
                name="mandate_stages_in_list", condition=Q(stages__contained_by=DealStage.values)
            ),
            models.CheckConstraint(
                name="mandate_has_a_manager",
                condition=Q(manager__isnull=False, manager_name="")
                | (Q(manager__isnull=True) & ~Q(manager_name="")),
                violation_error_message=_("Name who manages the fund: an organisation, or its name."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.fund)
