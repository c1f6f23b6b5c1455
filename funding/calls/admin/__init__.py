"""Staff's door to calls: the builder, its previews, the acts, and the bank of questions."""

from funding.calls.admin.bank import QuestionAdmin
from funding.calls.admin.calls import CallAdmin

__all__ = ["CallAdmin", "QuestionAdmin"]
