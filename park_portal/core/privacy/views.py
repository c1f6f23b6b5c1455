"""“My data”: what is held about one, a copy of it, and what one can ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from park_portal.core.admin.labels import act_label, label_acts
from park_portal.core.jobs.models import Job
from park_portal.core.policies.services import policy
from park_portal.core.privacy import copies
from park_portal.core.privacy.erasing import hindrances
from park_portal.core.privacy.forms import AskForm, EraseForm
from park_portal.core.privacy.held import PAGE_READ, held_about, reads_of
from park_portal.core.privacy.models import Consent, DataRequest
from park_portal.core.privacy.services import (
    ask,
    consents_of,
    give_consent,
    note_viewing,
    withdraw,
    withdraw_consent,
)
from park_portal.core.privacy.states import RequestKind, RequestState
from park_portal.core.reads import READ
from park_portal.core.views import ActPage, Crumb, PortalMixin

label_acts(
    {
        READ: pgettext_lazy("audit", "read contact data"),
        PAGE_READ: pgettext_lazy("audit", "looked at what is held about a person"),
        "privacy_request.ask": pgettext_lazy("audit", "made a request about their data"),
        "privacy.retention": pgettext_lazy("audit", "let old data go"),
        "consent.give": pgettext_lazy("audit", "gave a consent"),
        "consent.withdraw": pgettext_lazy("audit", "withdrew a consent"),
        "user.erase": pgettext_lazy("audit", "erased an account"),
        "audit.erase": pgettext_lazy("audit", "took words of an erased account out of the trail"),
    }
)


class MyDataPage(PortalMixin):
    """What is held about the person, why, since when and how long, and who looked."""

    title = _("My data")
    template_name = "core/privacy/my_data.html"
    permission = "core.use_data_rights"

    def get(self, request: HttpRequest) -> HttpResponse:
        person = self.request.user
        note_viewing(person)
        return self.render(
            person=person,
            held=held_about(person),
            reads=[(entry, act_label(entry.action)) for entry in reads_of(person)],
            requests=list(DataRequest.objects.filter(person=person)[:20]),
            copies=list(Job.objects.visible_to(person).filter(kind=copies.JOB).select_related("result")[:3]),
            copy_days=policy("privacy.copy_days"),
            answer_days=policy("privacy.answer_days"),
        )


class OnceMore(ActPage):
    """A page for who has just shown who they are: asked before the form, so that nothing typed is lost."""

    permission = "core.use_data_rights"

    @method_decorator(reauthentication_required(app="allauth.mfa"))
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return super().dispatch(request, *args, **kwargs)

    def get_crumbs(self) -> Sequence[Crumb]:
        return (Crumb(_("My data"), reverse("my-data")), Crumb(self.title))

    def success_url(self) -> str:
        return reverse("my-data")

    def cancel_url(self) -> str:
        return reverse("my-data")


class CopyPage(OnceMore):
    """Begins the job that makes the copy."""

    title = _("A copy of my data")
    submit_label = _("Make a copy")
    explain = _(
        "All that is held about you, as a page to read and as JSON for programs, and the files you put in. Keep the "
        "archive where nobody else finds it."
    )

    def act(self, form: Any) -> Job:
        return copies.begin_copy(self.request.user, actor=self.request.user)

    def success_url(self) -> str:
        return str(self.result.get_absolute_url())


class ConsentsPage(PortalMixin):
    """Every purpose with its text and one button: to agree, or to withdraw; nothing is agreed to beforehand."""

    title = _("Consents")
    template_name = "core/privacy/consents.html"
    permission = "core.use_data_rights"

    def get_crumbs(self) -> Sequence[Crumb]:
        return (Crumb(_("My data"), reverse("my-data")), Crumb(self.title))

    def get(self, request: HttpRequest) -> HttpResponse:
        person = self.request.user
        own = Consent.objects.visible_to(person)
        return self.render(
            purposes=[(purpose, purpose.text_shown, held) for purpose, held in consents_of(person)],
            past=[(consent, str(consent)) for consent in own.filter(withdrawn_at__isnull=False)[:20]],
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        person = self.request.user
        if purpose := request.POST.get("give"):
            give_consent(person, actor=person, purpose=purpose)
            messages.success(request, _("You have agreed. You can withdraw here at any time."))
        elif purpose := request.POST.get("withdraw"):
            withdraw_consent(person, actor=person, purpose=purpose)
            messages.success(request, _("Your consent is withdrawn; it has stopped."))
        return HttpResponseRedirect(reverse("my-consents"))


class AskPage(ActPage):
    """A request that staff answer."""

    title = _("Request about my data")
    form_class = AskForm
    permission = "core.use_data_rights"
    submit_label = _("Send the request")
    success = _("Your request is with the park office.")
    explain = _(
        "Name, telephone and language you change yourself in your profile, addresses under “E-mail addresses”. For "
        "everything else, say here what you would like."
    )

    def get_crumbs(self) -> Sequence[Crumb]:
        return (Crumb(_("My data"), reverse("my-data")), Crumb(self.title))

    def act(self, form: AskForm) -> Any:
        return ask(self.request.user, actor=self.request.user, **form.cleaned_data)

    def success_url(self) -> str:
        return reverse("my-data")

    def cancel_url(self) -> str:
        return reverse("my-data")


class ErasePage(OnceMore):
    """Asks for the account to be erased."""

    title = _("Erase my account")
    template_name = "core/privacy/erase.html"
    form_class = EraseForm
    submit_label = _("Ask for my account to be erased")
    submit_tone = "danger"
    success = _("Your request is with the park office.")

    def get_context(self, **values: Any) -> dict[str, Any]:
        person = self.request.user
        waiting = DataRequest.objects.filter(
            person=person, kind=RequestKind.ERASURE, state=RequestState.OPEN
        ).first()
        return super().get_context(
            hindrances=hindrances(person),
            waiting=waiting,
            answer_days=policy("privacy.answer_days"),
            **values,
        )

    def act(self, form: EraseForm) -> Any:
        person = self.request.user
        return ask(person, actor=person, kind=RequestKind.ERASURE, text=form.cleaned_data["text"])


class WithdrawPage(ActPage):
    """Takes a request back."""

    model = DataRequest
    permission = "core.withdraw_data_request"
    title = _("Withdraw the request")
    submit_label = pgettext_lazy("data request", "Withdraw")
    submit_tone = "danger"
    success = _("The request is withdrawn.")

    def rows(self) -> models.QuerySet[DataRequest]:
        return DataRequest.objects.filter(person=self.request.user, state=RequestState.OPEN)

    def get_crumbs(self) -> Sequence[Crumb]:
        return (Crumb(_("My data"), reverse("my-data")), Crumb(str(self.object)))

    def act(self, form: Any) -> DataRequest:
        return withdraw(self.object, actor=self.request.user)

    def success_url(self) -> str:
        return reverse("my-data")

    def cancel_url(self) -> str:
        return reverse("my-data")
