"""The pool of expert reviewers: joining it by invitation, and each one's own profile."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.reviews.models import Reviewer
from park_portal.core.accounts.models import Invitation, User
from park_portal.core.accounts.services import accepts, invite
from park_portal.core.accounts.states import Language
from park_portal.core.audit.services import changes_of, record
from park_portal.core.errors import DomainError, Problem
from park_portal.core.workflow import Actor, require

INVITATION: Final = "reviewer"
FIELDS: Final = ("institution", "organisation", "title", "keywords", "capacity", "active")
MAX_KEYWORDS: Final = 20


def invite_reviewer(
    email: str, *, actor: User, name: str = "", language: str = Language.ZH_HANS
) -> Invitation:
    """Invite someone to the pool of reviewers and return the invitation."""
    require(actor, "funding.invite_reviewers")
    if Reviewer.objects.filter(user__email__iexact=email).exists():
        raise DomainError(_("This person is already in the pool."), code="already_reviewer", field="email")
    return invite(email, INVITATION, actor=actor, name=name, language=language)


@accepts(
    INVITATION,
    label=gettext_lazy("the pool of expert reviewers"),
    role_label=lambda role: gettext_lazy("reviewer"),
)
def _accept_invitation(invitation: Invitation, user: User) -> str:
    join_pool(user, actor=user)
    return reverse("reviews:profile")


def join_pool(user: User, *, actor: Actor, **values: Any) -> Reviewer:
    """Put ``user`` in the pool, once, and return the entry. The caller has checked that ``actor`` may."""
    with transaction.atomic():
        reviewer, created = Reviewer.objects.get_or_create(user=user, defaults=values)
        if created:
            record("reviewer.join", reviewer, actor=actor, after={"user": user.pk})
    return reviewer


def update_reviewer(reviewer: Reviewer, *, actor: Actor, **values: Any) -> Reviewer:
    """Change institution, title, keywords, capacity or availability; employer on file only by staff."""
    require(actor, "funding.edit_reviewer", reviewer)
    if values.keys() - set(FIELDS):
        raise TypeError(f"not part of a reviewer: {sorted(values)}")
    if "organisation" in values:
        require(actor, "funding.invite_reviewers")
    if len(values.get("keywords", ())) > MAX_KEYWORDS:
        raise DomainError(
            _("At most %(number)d keywords, please.") % {"number": MAX_KEYWORDS},
            code="keywords",
            field="keywords",
        )
    with transaction.atomic():
        held = Reviewer.objects.select_for_update(of=("self",)).get(pk=reviewer.pk)
        before, after = changes_of(held, values)
        if not after:
            return held
        for key in after:
            setattr(held, key, values[key])
        try:
            held.full_clean(exclude=["user"])
        except ValidationError as error:
            problems = [
                Problem(text, field=field) for field, texts in error.message_dict.items() for text in texts
            ]
            raise DomainError(problems[0].message, field=problems[0].field, problems=problems) from error
        held.save(update_fields=[*after])
        record("reviewer.update", held, actor=actor, before=before, after=after)
    return held
