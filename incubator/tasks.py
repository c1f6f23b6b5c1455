"""Contents page: every task of the park."""

from incubator.organisations.tasks import end_terms

__all__ = ["end_terms"]
