"""The pool of expert reviewers: joining it by invitation, and each one's own profile."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.reviews.models import Reviewer
from incubator.organisations.services import clean_or_refuse
from park_portal.core.accounts.models import Invitation, User
from park_portal.core.accounts.services import accepts, invite
from park_portal.core.accounts.states import Language
from park_portal.core.audit.services import changes_of, record
from park_portal.core.errors import DomainError
from park_portal.core.workflow import Actor, require

INVITATION: Final = "reviewer"
FIELDS: Final = (
    *(
        "institution",
        "organisation",
        "faculty",
        "kind",
        "title",
        "orcid",
        "keywords",
        "statement",
        "capacity",
    ),
    "active",
)
# Conflicts of interest are read from them: they are what the park has found out.
OF_STAFF: Final = frozenset({"organisation", "faculty"})
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
    """Change what the pool says of one expert (``FIELDS``); employer and faculty on file only by staff.

    An ORCID iD may be given as its web address. Raises ``DomainError`` for what does not pass.
    """
    require(actor, "funding.edit_reviewer", reviewer)
    if values.keys() - set(FIELDS):
        raise TypeError(f"not part of a reviewer: {sorted(values)}")
    if OF_STAFF & values.keys():
        require(actor, "funding.invite_reviewers")
    if len(values.get("keywords", ())) > MAX_KEYWORDS:
        raise DomainError(
            _("At most %(number)d keywords, please.") % {"number": MAX_KEYWORDS},
            code="keywords",
            field="keywords",
        )
    if "orcid" in values:
        values["orcid"] = orcid_of(values["orcid"])
    with transaction.atomic():
        held = Reviewer.objects.select_for_update(of=("self",)).get(pk=reviewer.pk)
        before, after = changes_of(held, values)
        if not after:
            return held
        for key in after:
            setattr(held, key, values[key])
        clean_or_refuse(held, exclude=["user"])
        held.updated_at = timezone.now()
        held.save(update_fields=[*after, "updated_at"])
        record("reviewer.update", held, actor=actor, before=before, after=after)
    return held


def orcid_of(typed: str) -> str:
    """Return an ORCID iD as it is stored: without the address before it, grouped in fours by hyphens."""
    bare = typed.strip().rstrip("/").rpartition("/")[2].upper()
    digits = bare.replace("-", "").replace(" ", "")
    return "-".join(digits[at : at + 4] for at in range(0, 16, 4)) if len(digits) == 16 else bare
