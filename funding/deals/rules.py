"""Who works on deals: fund managers, and none who is tied to the company or the project that the deal is about."""

from __future__ import annotations

from typing import Any

import rules
from django.db.models import Q

from funding.reviews.models import Conflict
from incubator.organisations.models import Membership, Organisation
from incubator.projects.models import ResearchProject
from park_portal.core.accounts.rules import is_fund_manager, sees_records


def is_tied(user: Any, *, company_id: int | None, project_id: int | None) -> bool:
    """Return whether ``user`` is of this company or project, or has a conflict of interest with the company."""
    if company_id is not None and (
        Membership.objects.filter(user=user, organisation=company_id).exists()
        or Conflict.objects.standing().filter(person=user, organisation=company_id).exists()
    ):
        return True
    own = Q(pi_user=user) | Q(team__user=user)
    return project_id is not None and ResearchProject.objects.filter(own, pk=project_id).exists()


@rules.predicate
def is_apart(user: Any, obj: Any) -> bool:
    """Not tied to what a deal, a point of its list, a round or an organisation is about; with no record, not known to be."""
    if obj is None:
        return True
    about = getattr(obj, "deal", None) or getattr(obj, "round", None) or obj
    if isinstance(about, Organisation):
        return not is_tied(user, company_id=about.pk, project_id=None)
    company, project = getattr(about, "company_id", None), getattr(about, "project_id", None)
    return not is_tied(user, company_id=company, project_id=project)


rules.add_perm("funding.see_deals", sees_records)
rules.add_perm("funding.keep_mandate", is_fund_manager)
rules.add_perm("funding.open_deal", is_fund_manager & is_apart)
rules.add_perm("funding.move_deal", is_fund_manager & is_apart)
rules.add_perm("funding.settle_item", is_fund_manager & is_apart)
rules.add_perm("funding.hand_over", is_fund_manager & is_apart)
rules.add_perm("funding.keep_portfolio", is_fund_manager & is_apart)
