"""How staff answer requests about personal data, look at what is held, and see what goes before it goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import Http404, HttpResponseBase
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from park_portal.core.accounts.models import User
from park_portal.core.admin import Act, ReadOnly, StaffAdmin, StaffPage, dress, site_page, state_label
from park_portal.core.admin.home import list_url
from park_portal.core.admin.labels import act_label
from park_portal.core.admin.links import may_open
from park_portal.core.errors import DomainError
from park_portal.core.personal import HOLDINGS
from park_portal.core.policies.models import PolicyValue
from park_portal.core.privacy.erasing import begin_erasure, hindrances, refuse_erasure
from park_portal.core.privacy.forms import AnswerForm, ReasonForm
from park_portal.core.privacy.held import held_about, reads_of
from park_portal.core.privacy.models import DataRequest
from park_portal.core.privacy.retention import begin_retention, previews
from park_portal.core.privacy.services import fulfil, note_page_read, refuse
from park_portal.core.privacy.states import RequestKind


def _no_erasure(asked: DataRequest, actor: Any) -> None:
    if asked.kind == RequestKind.ERASURE:
        raise DomainError(_("An account is erased by its own act."))


def _checklist(asked: DataRequest, user: Any) -> Mapping[str, Any]:
    kept = [
        (holding.model._meta.verbose_name_plural, law.label)
        for holding in HOLDINGS.values()
        for law in dict.fromkeys(holding.laws.values())
        if holding.people and holding.rows_of(asked.person).exists()
    ]
    return {"hindrances": hindrances(asked.person), "kept": kept}


@admin.register(DataRequest)
class DataRequestAdmin(ReadOnly, StaffAdmin):
    where_from = _("People make such requests on their page “My data”; they appear here with their deadline.")
    list_display = ["what", "person", "state_label", "asked_at", "due_on"]
    list_filter = ["state", "kind"]
    list_select_related = ["person", "answered_by"]
    fieldsets = [
        (None, {"fields": ["what", "person", "state_label", "text", "due_on", "hindered"]}),
        (_("Answer"), {"fields": ["answer", "answered_by", "answered_at"]}),
    ]
    readonly_fields = ["what", "state_label", "hindered"]
    acts = [
        Act(
            "fulfil",
            fulfil,
            form=AnswerForm,
            icon="done",
            check=_no_erasure,
            button=_("Send the answer"),
            done=_("The request is answered."),
            explain=_("What was asked is done; say what you did."),
        ),
        Act(
            "erase",
            begin_erasure,
            label=_("Erase the account"),
            rule="core.answer_data_request",
            icon="person_remove",
            danger=True,
            check=refuse_erasure,
            template="admin/privacy_checklist.html",
            context=_checklist,
            button=_("Erase the account for good"),
            done=_("The account is being erased; the job tells when it is done."),
            explain=_(
                "Make sure that it is this person who asks. Their account, sign-in, inbox, tokens and own files are deleted "
                "for good, and their name is taken out of every text but what the law makes the park keep. It cannot be "
                "undone."
            ),
            after=lambda _asked, job: job.get_absolute_url(),
        ),
        Act(
            "refuse",
            refuse,
            form=AnswerForm,
            icon="block",
            button=_("Send the refusal"),
            done=_("The request is refused and the person is told why."),
            explain=_(
                "Say why, and to whom the person can turn: a refusal must be reasoned (PIPL, Article 50)."
            ),
        ),
    ]
    state_label = state_label()

    def rows_for(self, user: Any) -> models.QuerySet[DataRequest]:
        return DataRequest.objects.all()

    def acts_on(self, obj: Any, user: Any) -> list[Act]:
        by_kind = {"erase": RequestKind.ERASURE} if obj.kind != RequestKind.ERASURE else {"fulfil": obj.kind}
        return [act for act in super().acts_on(obj, user) if act.name not in by_kind]

    @display(description=_("what is asked"), ordering="kind")
    def what(self, asked: DataRequest) -> str:
        return asked.get_kind_display()

    @display(description=_("what hinders it"))
    def hindered(self, asked: DataRequest) -> str:
        if asked.kind != RequestKind.ERASURE:
            return "—"
        return "\n".join(str(one.text) for one in hindrances(asked.person)) or str(_("nothing"))


class HoldingsPage(StaffPage):
    """What is held about one person: opened with a reason, which is noted and which the person reads."""

    name, path = "holdings", "<int:pk>/holdings/"
    rule, title, icon = "core.see_holdings", _("What is held about this person"), "shield_person"
    template_name = "admin/privacy_holdings.html"
    offered = "record"

    def get_object(self, pk: Any) -> models.Model:
        found = User.objects.filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def get(self) -> HttpResponseBase:
        return self.render(form=dress(ReasonForm()))

    def post(self) -> HttpResponseBase:
        form = dress(ReasonForm(self.request.POST))
        if not form.is_valid():
            return self.render(form=form, status=422)
        person = self.object
        note_page_read(person, actor=self.request.user, reason=form.cleaned_data["reason"])
        return self.render(
            held=held_about(person),
            reads=[(entry, act_label(entry.action)) for entry in reads_of(person)],
            hindrances=hindrances(person),
        )


@site_page
class RetentionPage(StaffPage):
    """What tonight's run lets go by dated rules, and what the month to come."""

    name, path = "retention", "retention/"
    rule, title, icon = "core.keep_retention", _("Retention"), "auto_delete"
    template_name = "admin/privacy_retention.html"

    def context(self) -> Mapping[str, Any]:
        found = previews()
        # Who keeps the rules but cannot open them has no link that leads to a refusal.
        may_see = may_open(self.request, PolicyValue)
        return {
            "previews": [
                (one, list_url("core.policyvalue", q=one.rule.key) if may_see else "") for one in found
            ],
            "something": any(one.now for one in found),
        }

    def post(self) -> HttpResponseBase:
        job = begin_retention(actor=self.request.user)
        return self.redirect(job.get_absolute_url(), message=_("What is old enough is being let go."))
