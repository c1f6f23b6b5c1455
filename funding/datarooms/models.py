from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import pgtrigger
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from funding.datarooms.states import REQUEST_MACHINE, Folder, ItemKind, Level, RequestState, Source, What
from incubator.organisations.merging import moves_only_by_merge
from incubator.organisations.models import Membership, Organisation
from incubator.organisations.states import OrganisationState, Role
from park_portal.core.documents.models import Document
from park_portal.core.invariants import Agrees, kept, one_of
from park_portal.core.workflow import may

if TYPE_CHECKING:
    from typing import Self


def rooms_of(user: Any) -> models.QuerySet[Organisation]:
    """Return the organisations whose data room ``user`` fills: those they own or edit, while they stand."""
    if not user.is_authenticated:
        return Organisation.objects.none()
    places = Membership.objects.filter(user=user, role__in=[Role.OWNER, Role.EDITOR])
    return Organisation.objects.filter(pk__in=places.values("organisation")).exclude(
        state=OrganisationState.MERGED
    )


class DataRoomItemQuerySet(models.QuerySet["DataRoomItem"]):
    def visible_to(self, user: Any) -> Self:
        """What one's own company has put in its room, and what somebody else's grants one at this moment."""
        if not user.is_authenticated:
            return self.none()
        granted = DataRoomGrant.objects.live().filter(item=models.OuterRef("pk"), investor__user=user)
        return self.filter(
            Q(organisation__in=rooms_of(user).values("pk")) | models.Exists(granted), removed_at__isnull=True
        )


class DataRoomItem(models.Model):
    """One document or one field that a company keeps for its investors."""

    # Known before the row is written, which its document needs; and it tells nobody how many there are.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="data_room_items",
        verbose_name=_("organisation"),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=ItemKind)
    folder = models.CharField(_("folder"), max_length=10, choices=Folder, default=Folder.COMPANY)
    title = models.CharField(_("title"), max_length=120)
    document = models.OneToOneField(
        Document,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("document"),
    )
    pages = models.PositiveIntegerField(
        _("pages"), default=0, help_text=_("0: cannot be shown on a page, only downloaded.")
    )
    source = models.CharField(_("where the value is from"), max_length=20, choices=Source, blank=True)
    value = models.TextField(_("value"), max_length=4000, blank=True)
    as_of = models.DateField(_("as of"), null=True, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    changed_at = models.DateTimeField(_("changed at"), default=timezone.now)
    removed_at = models.DateTimeField(_("removed at"), null=True, blank=True)

    objects: ClassVar[DataRoomItemQuerySet] = DataRoomItemQuerySet.as_manager()  # type: ignore[assignment] # as_manager() is beyond the plugin

    class Meta:
        verbose_name = _("data room item")
        verbose_name_plural = _("data room items")
        ordering = ["folder", "title", "id"]
        indexes = [models.Index(fields=["organisation", "folder"], name="data_room_item_by_room")]
        constraints = [
            one_of("data_room_item_folder_known", "folder", Folder),
            one_of("data_room_item_source_known", "source", Source, empty=True),
            models.CheckConstraint(
                name="data_room_item_is_document_or_field",
                condition=Q(kind=ItemKind.DOCUMENT, document__isnull=False, source="", value="")
                | Q(~Q(value=""), kind=ItemKind.FACT, document__isnull=True, source=Source.TYPED)
                | Q(~Q(source__in=["", Source.TYPED]), kind=ItemKind.FACT, document__isnull=True, value=""),
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="data_room_item_identity_fixed", fields=["created_by", "created_at"]),
            moves_only_by_merge("data_room_item"),
            kept("data_room_item"),
        ]

    def __str__(self) -> str:
        # What stands in the audit trail, which others read: not the title.
        return f"{self.kind} {str(self.pk)[:8]}"

    def get_absolute_url(self) -> str:
        return reverse("datarooms:room", args=[self.organisation_id])

    @property
    def is_document(self) -> bool:
        return self.kind == ItemKind.DOCUMENT

    @property
    def is_shown(self) -> bool:
        """Whether it can be looked at on a page, with the viewer's name across it."""
        return not self.is_document or self.pages > 0

    def value_shown(self) -> str:
        """Return the value of a field as it is now, in the language being read."""
        if self.source == Source.TYPED:
            return self.value
        if self.source == Source.FIELD:
            return str(self.organisation.get_technology_field_display())
        found = getattr(self.organisation, self.source)
        return "" if found is None else str(found)


class DataRoomInvestorQuerySet(models.QuerySet["DataRoomInvestor"]):
    def visible_to(self, user: Any) -> Self:
        """For the company alone: no investor learns who the others are."""
        return self.filter(organisation__in=rooms_of(user).values("pk"), removed_at__isnull=True)


class DataRoomInvestor(models.Model):
    """One investor whom a company lets into its data room: by address, and by account once the invitation is accepted."""

    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        related_name="data_room_investors",
        verbose_name=_("organisation"),
    )
    email = models.EmailField(_("e-mail"), max_length=254)
    name = models.CharField(_("name"), max_length=80)
    firm = models.CharField(_("fund or company"), max_length=120, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="data_rooms",
        verbose_name=_("person"),
    )
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("invited by")
    )
    created_at = models.DateTimeField(_("since"), default=timezone.now)
    removed_at = models.DateTimeField(_("removed at"), null=True, blank=True)

    objects: ClassVar[DataRoomInvestorQuerySet] = DataRoomInvestorQuerySet.as_manager()  # type: ignore[assignment] # as_manager() is beyond the plugin

    class Meta:
        verbose_name = _("investor of a data room")
        verbose_name_plural = _("investors of data rooms")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                "organisation",
                Lower("email"),
                name="data_room_investor_address_once",
                condition=Q(removed_at__isnull=True),
                violation_error_message=_("This investor is already on the list."),
            ),
            models.UniqueConstraint(
                fields=["organisation", "user"],
                name="data_room_investor_person_once",
                condition=Q(removed_at__isnull=True),
                violation_error_message=_("This investor is already on the list."),
            ),
        ]
        triggers = [
            # Nobody else slips into the place that somebody was let into.
            pgtrigger.Protect(
                name="data_room_investor_stays_who_it_is",
                operation=pgtrigger.UpdateOf("user_id"),
                condition=pgtrigger.Q(old__user__isnull=False)
                & pgtrigger.Q(old__user__df=pgtrigger.F("new__user")),
            ),
            moves_only_by_merge("data_room_investor"),
            kept("data_room_investor"),
        ]

    def __str__(self) -> str:
        # What an invitation says it is to.
        return str(self.organisation)

    def get_absolute_url(self) -> str:
        return reverse("datarooms:room", args=[self.organisation_id])

    @property
    def label(self) -> str:
        return f"{self.name} · {self.firm}" if self.firm else self.name


class DataRoomGrantQuerySet(models.QuerySet["DataRoomGrant"]):
    def live(self, at: datetime | None = None) -> Self:
        """Return those that hold at a moment, by default now."""
        moment = at or timezone.now()
        return self.filter(
            revoked_at__isnull=True,
            starts_at__lte=moment,
            ends_at__gt=moment,
            item__removed_at__isnull=True,
            investor__removed_at__isnull=True,
            item__organisation__state=OrganisationState.ACTIVE,
        )

    def visible_to(self, user: Any) -> Self:
        """The company's own; for those who watch over the park, that there are grants. Investors see things, not grants."""
        if not user.is_authenticated:
            return self.none()
        if may(user, "funding.see_data_room_grants"):
            return self
        return self.filter(item__organisation__in=rooms_of(user).values("pk"))


class TsTzRange(models.Func):
    """The span from one moment, which is part of it, to another, which is not."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class DataRoomGrant(models.Model):
    """One thing that one investor may see or download, from one moment to another."""

    item = models.ForeignKey(
        DataRoomItem,
        on_delete=models.PROTECT,
        related_name="grants",
        verbose_name=pgettext_lazy("data room", "item"),
    )
    investor = models.ForeignKey(
        DataRoomInvestor, on_delete=models.PROTECT, related_name="grants", verbose_name=_("investor")
    )
    level = models.CharField(_("may"), max_length=10, choices=Level, default=Level.VIEW)
    unmarked = models.BooleanField(
        _("without a watermark"),
        default=False,
        help_text=_("The company agreed that the file leaves as it is."),
    )
    starts_at = models.DateTimeField(_("from"), default=timezone.now)
    ends_at = models.DateTimeField(_("until"))
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("granted by")
    )
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("revoked by"),
    )

    objects: ClassVar[DataRoomGrantQuerySet] = DataRoomGrantQuerySet.as_manager()  # type: ignore[assignment] # as_manager() is beyond the plugin

    class Meta:
        verbose_name = _("data room grant")
        verbose_name_plural = _("data room grants")
        ordering = ["-id"]
        indexes = [models.Index(fields=["ends_at"], name="data_room_grant_by_end")]
        constraints = [
            one_of("data_room_grant_level_known", "level", Level),
            models.CheckConstraint(
                name="data_room_grant_ends_later", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(
                name="data_room_grant_unmarked_is_download",
                condition=Q(unmarked=False) | Q(level=Level.DOWNLOAD),
            ),
            models.CheckConstraint(
                name="data_room_grant_revoked_when",
                condition=Q(revoked_by__isnull=True) | Q(revoked_at__isnull=False),
            ),
            ExclusionConstraint(
                name="data_room_grant_once_at_a_time",
                expressions=[
                    (TsTzRange("starts_at", "ends_at"), RangeOperators.OVERLAPS),
                    ("item", RangeOperators.EQUAL),
                    ("investor", RangeOperators.EQUAL),
                ],
                condition=Q(revoked_at__isnull=True),
            ),
        ]
        triggers = [
            Agrees(name="data_room_grant_of_one_room", same={"item.organisation": "investor.organisation"}),
            # What was granted stays what it was; another time or level is another grant.
            pgtrigger.ReadOnly(
                name="data_room_grant_is_final",
                fields=["item", "investor", "level", "unmarked", "starts_at", "ends_at", "granted_by"],
            ),
            pgtrigger.Protect(
                name="data_room_grant_stays_revoked",
                operation=pgtrigger.UpdateOf("revoked_at", "revoked_by_id"),
                condition=pgtrigger.Q(old__revoked_at__isnull=False),
            ),
            kept("data_room_grant"),
        ]

    def __str__(self) -> str:
        return f"{self.item} → {self.investor_id}"

    @property
    def is_live(self) -> bool:
        return self.revoked_at is None and self.starts_at <= timezone.now() < self.ends_at

    @property
    def last_day(self) -> date:
        """The day at whose end, in Shanghai, it is over."""
        return timezone.localdate(self.ends_at - timedelta(microseconds=1))

    @property
    def may_download(self) -> bool:
        return self.level == Level.DOWNLOAD and self.item.is_document


class DataRoomAccessQuerySet(models.QuerySet["DataRoomAccess"]):
    def visible_to(self, user: Any) -> Self:
        """For the company whose room it is."""
        return self.filter(grant__item__organisation__in=rooms_of(user).values("pk"))


class DataRoomAccess(models.Model):
    """One time that an investor opened, paged through or downloaded something, or was refused it."""

    grant = models.ForeignKey(
        DataRoomGrant, on_delete=models.PROTECT, related_name="accesses", verbose_name=_("grant")
    )
    what = models.CharField(_("what was done"), max_length=12, choices=What)
    at = models.DateTimeField(pgettext_lazy("data room", "when"), default=timezone.now)
    version = models.PositiveIntegerField(_("version"), default=1)
    page = models.PositiveIntegerField(_("page"), null=True, blank=True)
    opening = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="pages",
        verbose_name=_("opened as"),
    )

    objects: ClassVar[DataRoomAccessQuerySet] = DataRoomAccessQuerySet.as_manager()  # type: ignore[assignment] # as_manager() is beyond the plugin

    class Meta:
        verbose_name = _("access to a data room")
        verbose_name_plural = _("accesses to data rooms")
        ordering = ["-id"]
        indexes = [models.Index(fields=["at"], name="data_room_access_by_time")]
        constraints = [
            one_of("data_room_access_what_known", "what", What),
            models.CheckConstraint(
                name="data_room_access_page_of_opening",
                condition=Q(what=What.PAGE, page__isnull=False, opening__isnull=False)
                | Q(~Q(what=What.PAGE), page__isnull=True, opening__isnull=True),
            ),
        ]
        # Nothing of it changes; it goes when the dated rule says so (``privacy.py``), and never within a year.
        triggers = [
            pgtrigger.Protect(name="data_room_access_is_final", operation=pgtrigger.Update),
            pgtrigger.Protect(
                name="data_room_access_stays_a_year",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Condition("OLD.\"at\" > now() - interval '1 year'"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.grant_id}"


class DataRoomRequestQuerySet(models.QuerySet["DataRoomRequest"]):
    def visible_to(self, user: Any) -> Self:
        """Who asked, and the owners of the company that is asked."""
        if not user.is_authenticated:
            return self.none()
        owned = Membership.objects.filter(user=user, role=Role.OWNER)
        return self.filter(Q(person=user) | Q(organisation__in=owned.values("organisation")))


class DataRoomRequest(models.Model):
    """One person's request to be let into a company's data room: the company is named by its code, known here or not."""

    machine = REQUEST_MACHINE

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="data_room_requests",
        verbose_name=_("person"),
    )
    uscc = models.CharField(_("unified social credit code"), max_length=18)
    organisation = models.ForeignKey(
        Organisation,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="data_room_requests",
        verbose_name=_("organisation"),
    )
    firm = models.CharField(_("fund or company"), max_length=120)
    message = models.TextField(_("message"), max_length=1000, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=RequestState, default=REQUEST_MACHINE.initial, editable=False
    )
    created_at = models.DateTimeField(_("asked"), default=timezone.now)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("answered by"),
    )

    objects: ClassVar[DataRoomRequestQuerySet] = DataRoomRequestQuerySet.as_manager()  # type: ignore[assignment] # as_manager() is beyond the plugin

    class Meta:
        verbose_name = _("request for a data room")
        verbose_name_plural = _("requests for data rooms")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "uscc"],
                name="data_room_request_open_once",
                condition=Q(state=RequestState.PENDING),
            )
        ]
        triggers = [
            *REQUEST_MACHINE.triggers(),
            pgtrigger.ReadOnly(name="data_room_request_identity_fixed", fields=["person", "uscc"]),
            moves_only_by_merge("data_room_request"),
        ]

    def __str__(self) -> str:
        return f"{self.uscc} {self.person_id}"

    def get_absolute_url(self) -> str:
        return reverse("datarooms:index")
