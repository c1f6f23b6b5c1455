"""Fictional people, each made once, with the roles that the story needs."""

from __future__ import annotations

from random import Random

from allauth.account.models import EmailAddress
from pypinyin import Style, lazy_pinyin

from funding.management.demo.park import FAMILY_NAMES, GIVEN_NAMES
from park_portal.core.accounts.models import User

DOMAIN = "park.example"


class Cast:
    """Hands out people who do not exist yet, in an order that depends only on the seed."""

    def __init__(self, random: Random, password: str | None) -> None:
        names = [f"{family}{given}" for family in FAMILY_NAMES for given in GIVEN_NAMES]
        random.shuffle(names)
        self._names = iter(names)
        self._taken: set[str] = set()
        # Hashing once is enough: it is the same password for all of them.
        self._hash = _hash(password)
        self._random = random

    def name(self) -> str:
        return next(self._names)

    def person(self, *, email: str = "", name: str = "", language: str = "zh-hans", **fields: object) -> User:
        """Create and return a person with a verified address."""
        name = name or self.name()
        email = email or self._address(name)
        user = User(
            email=email, name=name, language=language, phone=self._phone(), password=self._hash, **fields
        )
        user.save()
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
        return user

    def _address(self, name: str) -> str:
        syllables = lazy_pinyin(name, style=Style.NORMAL)
        base = f"{''.join(syllables[1:])}.{syllables[0]}"
        address, number = base, 1
        while address in self._taken:
            number += 1
            address = f"{base}{number}"
        self._taken.add(address)
        return f"{address}@{DOMAIN}"

    def _phone(self) -> str:
        # 170 numbers with a zero block: none of them is anyone's.
        return f"1700000{self._random.randrange(10000):04d}"


def romanise(name: str) -> str:
    """Return a Chinese name in pinyin, family name first: “Chen Siyuan”."""
    syllables = lazy_pinyin(name, style=Style.NORMAL)
    return f"{syllables[0].capitalize()} {''.join(syllables[1:]).capitalize()}"


def _hash(password: str | None) -> str:
    user = User()
    if password is None:
        user.set_unusable_password()
    else:
        user.set_password(password)
    return user.password
