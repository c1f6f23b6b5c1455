"""What a positive decision creates: one small class an outcome, calling a service further down."""

from __future__ import annotations

from typing import Final, Protocol

from funding.awards.services import accept_award, open_award
from funding.calls.states import Outcome
from funding.decisions.models import Decision
from park_portal.core.audit.services import Actor


class OutcomeOf(Protocol):
    def open(self, decision: Decision, *, actor: Actor) -> None:
        """Create what the approved application is given; must be safe to call twice."""


class OpensAward:
    """A fund call gives money: the award opens in its first state."""

    def open(self, decision: Decision, *, actor: Actor) -> None:
        assert decision.amount_fen is not None  # the database demands an amount with every approval
        open_award(decision.application, actor=actor, amount_fen=decision.amount_fen)


class AcceptsAward:
    """A call for acceptance (验收) ends awards: the amount of the decision is what of the costs is recognised."""

    def open(self, decision: Decision, *, actor: Actor) -> None:
        assert decision.amount_fen is not None
        accept_award(decision.application, actor=actor, recognised_fen=decision.amount_fen)


OUTCOMES: Final[dict[str, OutcomeOf]] = {
    Outcome.AWARD: OpensAward(),
    Outcome.ACCEPTANCE: AcceptsAward(),
}
