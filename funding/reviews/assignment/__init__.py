"""Who reads what: exact assignment of reviewers to applications, and the random draw. No Django.

``assign`` maximises affinity, ``draw`` lets a published seed decide, both under the same conditions; ``price`` says
what other conditions would cost. What comes back carries its proof (`Assignment`); where nothing can come back,
`Infeasible` says who is missing, and `OutOfTime` that it took too long.
"""

from .drawing import draw, ticket
from .result import STEPS, Assignment, Infeasible, OutOfTime, Pair, Progress, Shortage
from .solving import Price, assign, price

__all__ = [
    "STEPS",
    "Assignment",
    "Infeasible",
    "OutOfTime",
    "Pair",
    "Price",
    "Progress",
    "Shortage",
    "assign",
    "draw",
    "price",
    "ticket",
]
