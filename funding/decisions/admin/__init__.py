"""The staff's pages of decision: the board, the ranked table, verdicts, letters, the release."""

from funding.decisions.admin.decisions import DecisionAdmin, LetterAdmin, LetterTemplateAdmin

__all__ = ["DecisionAdmin", "LetterAdmin", "LetterTemplateAdmin"]
