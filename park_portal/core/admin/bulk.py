"""Acts on all that match: counted before, done with a reason for each that is refused; as a job when there are many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin
from django.core.cache import cache
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict
from django.urls import reverse
from django.utils.translation import gettext as gettext_now
from django.utils.translation import gettext_lazy as _

from park_portal.core.admin.acts import ONCE, Act, again, first_time, new_token, refuse
from park_portal.core.admin.changelist import Matched
from park_portal.core.admin.pages import StaffPage
from park_portal.core.errors import DomainError, Text
from park_portal.core.jobs.excel import Column, export_rows
from park_portal.core.jobs.progress import Progress
from park_portal.core.jobs.registry import job
from park_portal.core.jobs.services import start_job

if TYPE_CHECKING:
    from park_portal.core.admin.base import StaffAdmin
    from park_portal.core.documents.models import Document
    from park_portal.core.jobs.models import Job

IDS: Final = "_ids"
# More than so many are a job: a request should end within a few seconds.
AT_ONCE: Final = 50
SHOWN: Final = 100
# So many of those that will be done are named before the button is pressed.
NAMED: Final = 20
OWN_KEYS: Final = ("csrfmiddlewaretoken", "expected", ONCE)
CHUNK: Final = 500


@dataclass(frozen=True)
class Refused:
    """One record that an act was, or would be, refused for."""

    pk: int
    label: str
    reason: str


@dataclass(frozen=True)
class Tally:
    """What came of an act on many records, or would come of it."""

    keys: list[Any]
    refused: list[Refused]
    # The first ones of ``keys`` with their names.
    named: list[tuple[Any, str]] = field(default_factory=list)

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Each reason and how many it refused, most frequent first."""
        return Counter(one.reason for one in self.refused).most_common()


def rehearse(act: Act, rows: models.QuerySet[Any], *, actor: Any) -> Tally:
    """Return what is known beforehand: the keys for which nothing speaks against the act, and the rest with reasons."""
    keys: list[Any] = []
    refused: list[Refused] = []
    named: list[tuple[Any, str]] = []
    for obj in rows.select_related(*act.select_related).iterator(chunk_size=CHUNK):
        reason = act.refusal(obj, actor)
        if reason is None:
            keys.append(obj.pk)
            if len(named) < NAMED:
                named.append((obj.pk, str(obj)))
        else:
            refused.append(Refused(obj.pk, str(obj), str(reason)))
    return Tally(keys, refused, named)


def carry_out(
    act: Act,
    rows: models.QuerySet[Any],
    keys: list[Any],
    *,
    actor: Any,
    data: Any,
    progress: Callable[[int, int | None, object], None] | None = None,
) -> Tally:
    """Do ``act`` for each of ``keys`` and return what was done and what was refused.

    With ``bulk="each"`` every record has a savepoint of its own: a refusal undoes nothing else. With ``bulk="all"`` the
    first refusal undoes everything and leaves as ``DomainError``.
    """
    done: list[Any] = []
    refused: list[Refused] = []
    with transaction.atomic():
        for obj in _in_order(rows.select_related(*act.select_related), keys):
            try:
                with transaction.atomic():
                    act.perform(obj, actor=actor, data=data)
                done.append(obj.pk)
            except DomainError as error:
                if act.bulk == "all":
                    raise DomainError(
                        gettext_now("Nothing was done. %(record)s: %(reason)s")
                        % {"record": obj, "reason": error},
                        code="bulk_refused",
                    ) from error
                refused.append(Refused(obj.pk, str(obj), str(error)))
            if progress is not None:
                progress(len(done) + len(refused), len(keys), str(obj))
    found = {*done, *(one.pk for one in refused)}
    gone = gettext_now("No longer there, or no longer visible to you")
    refused.extend(Refused(key, str(key), gone) for key in keys if key not in found)
    return Tally(done, refused)


def _in_order(rows: models.QuerySet[Any], keys: list[Any]) -> Iterator[Any]:
    for start in range(0, len(keys), CHUNK):
        batch = keys[start : start + CHUNK]
        found = rows.in_bulk(batch)
        yield from (found[key] for key in batch if key in found)


class BulkPage(StaffPage):
    """The page of an act on many records: how many would be done, how many refused and why; then the result."""

    name = "bulk"
    path = "all/<slug:act>/"
    template_name = "admin/bulk.html"
    rule = ""

    @property
    def act(self) -> Act:
        assert self.admin is not None
        try:
            act = self.admin.act(self.kwargs["act"], on="record")
        except KeyError:
            raise Http404 from None
        if not act.bulk:
            raise Http404
        return act

    def allowed(self, user: Any, obj: models.Model | None) -> bool:
        return self.act.offered_to(user)

    def get_title(self) -> Text:
        return self.act.label

    def rows(self) -> models.QuerySet[Any]:
        """Return the records meant: those ticked, or all that match the filters of the list."""
        assert self.admin is not None
        if IDS in self.request.GET:
            keys = [key for key in self.request.GET[IDS].split(",") if key.isdecimal()][:1000]
            return self.admin.get_queryset(self.request).filter(pk__in=keys).order_by("pk")
        return matching(self.admin, self.request).order_by("pk")

    def back(self) -> str:
        query = self.request.GET.copy()
        query.pop(IDS, None)
        query.pop("result", None)
        return f"{self.address('changelist')}{'?' if query else ''}{query.urlencode()}"

    def form(self, *args: Any) -> forms.BaseForm:
        return self.act.make_form(None, self.request.user, *args)

    def show(self, form: forms.BaseForm, tally: Tally, **context: Any) -> HttpResponseBase:
        assert self.admin is not None
        opens = self.admin.has_view_permission(self.request)
        return self.render(
            named=[(label, self.address("change", pk) if opens else "") for pk, label in tally.named],
            named_more=len(tally.keys) - len(tally.named),
            act=self.act,
            form=form,
            tally=tally,
            total=len(tally.keys) + len(tally.refused),
            refused=tally.refused[:SHOWN],
            as_job=len(tally.keys) > AT_ONCE,
            back=self.back(),
            token=new_token(),
            **context,
        )

    def get(self) -> HttpResponseBase:
        token = self.request.GET.get("result")
        if token:
            kept = cache.get(f"bulk:{self.request.user.pk}:{token[:40]}")
            if kept is None:
                return self.redirect(self.back())
            refused = [Refused(**one) for one in kept["refused"]]
            return self.render(
                act=self.act, done=kept["done"], refused=refused[:SHOWN], refused_count=len(refused),
                reasons=Tally([], refused).reasons, finished=True, back=self.back(),
            )  # fmt: skip
        return self.show(self.form(), rehearse(self.act, self.rows(), actor=self.request.user))

    def post(self) -> HttpResponseBase:
        act, user = self.act, self.request.user
        form = self.form(self.request.POST, self.request.FILES)
        tally = rehearse(act, self.rows(), actor=user)
        if not form.is_valid():
            return self.show(form, tally)
        if self.request.POST.get("expected") != str(len(tally.keys)):
            problem = _("The list has changed since you looked at it. Check the figures and confirm again.")
            return self.show(form, tally, problems=[problem])
        if not tally.keys:
            return self.show(form, tally, problems=[_("There is nothing that this could be done with.")])
        if not first_time(self.request):
            return self.redirect(self.back(), message=_("This was already done."))
        assert self.admin is not None
        if len(tally.keys) > AT_ONCE and not self.request.FILES:
            meta = self.admin.model._meta
            started = start_job(
                "admin.act",
                actor=user,
                params={
                    "model": meta.label_lower,
                    "act": act.name,
                    "keys": tally.keys,
                    "form": {
                        key: self.request.POST.getlist(key)
                        for key in self.request.POST
                        if key not in OWN_KEYS
                    },
                },
            )
            return self.redirect(reverse("admin:core_job_change", args=[started.pk]))
        try:
            result = carry_out(
                act, self.admin.get_queryset(self.request), tally.keys, actor=user, data=form.cleaned_data
            )
        except DomainError as error:
            again(self.request)
            return self.show(form, tally, problems=refuse(form, error))
        except BaseException:
            again(self.request)
            raise
        token = new_token()
        refused = [asdict(one) for one in [*tally.refused, *result.refused]]
        cache.set(f"bulk:{user.pk}:{token}", {"done": len(result.keys), "refused": refused}, 3600)
        query = self.request.GET.copy()
        query["result"] = token
        return self.redirect(f"{self.request.path}?{query.urlencode()}")


def matching(model_admin: StaffAdmin, request: HttpRequest) -> models.QuerySet[Any]:
    """Return all records that match the filters and the search in the address, not only a page of them.

    Raises ``IncorrectLookupParameters`` when a filter does not exist or does not offer its value.
    """
    query = QueryDict(mutable=True)
    for key, values in request.GET.lists():
        if key not in (IDS, "result", "p", "o"):
            query.setlist(key, values)
    changes = Matched.of(model_admin, request, query)
    return changes.queryset


# --- many: a job


@job("admin.act", label=_("Act on many records"), attempts=1)
def act_on_many(job_: Job, progress: Progress) -> Document | None:
    """Do an act for the keys that its owner confirmed; the result is a list of those that were refused."""
    params = job_.params
    model_admin = next(
        (
            found
            for model, found in admin.site._registry.items()
            if model._meta.label_lower == params["model"]
        ),
        None,
    )
    if model_admin is None or job_.owner is None:
        raise DomainError(_("The portal no longer knows this act."), code="act_unknown")
    act = model_admin.act(params["act"], on="record")  # type: ignore[attr-defined] # a StaffAdmin, since it has acts
    data = QueryDict(mutable=True)
    for key, values in params["form"].items():
        data.setlist(key, values)
    form = act.make_form(None, job_.owner, data)
    if not form.is_valid():
        raise DomainError(_("What was typed is no longer valid. Do it again from the list."), code="act_form")
    rows = model_admin.rows_for(job_.owner)  # type: ignore[attr-defined] # likewise
    tally = carry_out(act, rows, params["keys"], actor=job_.owner, data=form.cleaned_data, progress=progress)
    if not tally.refused:
        return None
    columns: Iterable[Column] = [
        Column(gettext_now("No."), "pk", width=10),
        Column(gettext_now("Record"), "label", width=60),
        Column(gettext_now("Refused because"), "reason", width=80),
    ]
    return export_rows(
        columns, tally.refused, progress, name=gettext_now("Refused"), total=len(params["keys"])
    )
