"""The kinds of accounts and the codes of transfers, declared by the rooms whose money they are (``accounts.py``).

    BANK = account_kind("fund.bank", _("bank account"), Side.DEBIT)
    PAY = transfer_code("award.pay", _("payment to an award"))

Both are kept in the rows as text: what was booked stays what it was, also when a kind is no longer declared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from park_portal.core.errors import Text
from park_portal.core.ledger.states import Side


@dataclass(frozen=True)
class AccountKind:
    """What accounts of this kind hold; ``normal`` is the side on which they grow."""

    name: str
    label: Text
    normal: Side
    may_go_below_zero: bool = False


@dataclass(frozen=True)
class TransferCode:
    """What transfers of this code are for; ``crosses`` says that they lead from one book to another."""

    name: str
    label: Text
    crosses: bool = False


_kinds: Final[dict[str, AccountKind]] = {}
_codes: Final[dict[str, TransferCode]] = {}


def account_kind(name: str, label: Text, normal: Side, *, may_go_below_zero: bool = False) -> AccountKind:
    """Declare a kind of account and return it; ``ValueError`` when the name is taken."""
    if name in _kinds:
        raise ValueError(f"account kind {name} is declared twice")
    _kinds[name] = AccountKind(name, label, normal, may_go_below_zero)
    return _kinds[name]


def transfer_code(name: str, label: Text, *, crosses: bool = False) -> TransferCode:
    """Declare a code of transfers and return it; ``ValueError`` when the name is taken."""
    if name in _codes:
        raise ValueError(f"transfer code {name} is declared twice")
    _codes[name] = TransferCode(name, label, crosses)
    return _codes[name]


def account_kinds() -> list[AccountKind]:
    """Return every kind of account, by name."""
    return [_kinds[name] for name in sorted(_kinds)]


def transfer_codes() -> list[TransferCode]:
    """Return every code of transfers, by name."""
    return [_codes[name] for name in sorted(_codes)]


def kind_label(name: str) -> Text:
    """Return what a kind of account is called; its name where no room declares it any longer."""
    return _kinds[name].label if name in _kinds else name


def code_label(name: str) -> Text:
    """Return what a code of transfers is called; its name where no room declares it any longer."""
    return _codes[name].label if name in _codes else name
