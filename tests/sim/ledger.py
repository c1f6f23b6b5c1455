"""Random actors on the ledger, on a PostgreSQL of its own: `python -m tests.sim.ledger --seed N --events 100000`.

Several actors at once promise, pay in, allot, hold, post, give up, pay, reverse and close months. They send things twice, send a
key again with another amount, ask for what cannot be, and die: between any two statements, before the commit and right
after it, so that they do not know what became of what they asked for; then they ask again with the same key. The clock moves on.

After every batch all of it must hold: the debits are the credits, what accounts say is what their transfers add up to, what was
paid is at most what was awarded and that at most the budget, whatever was answered was booked once and nothing else was, and
`verify_ledger` finds the replay and the chain whole. `--without GUARD` takes a trigger or constraint out of the database first, to
see that a ledger that does not hold is noticed.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "park_portal.settings")

BATCH = 1000
ACTORS = 4
LINES = 6
AWARDS = 40
BEGINS = datetime(2024, 1, 1, 1, 0, tzinfo=UTC)


class Died(BaseException):
    """The actor's process is gone; like a kill, no `except Exception` on the way stops it."""


@dataclass
class Told:
    """What all actors did and were told."""

    counts: Counter[str] = field(default_factory=Counter)
    # key: {account: change of the balance on its normal side}, of what was answered.
    booked: dict[str, dict[int, int]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str) -> None:
        with self.lock:
            self.counts[what] += 1

    def wrong(self, what: str) -> None:
        with self.lock:
            self.violations.append(what)


class Park:
    """Two funds with their accounts, as the rooms open them, and the people who act."""

    def __init__(self) -> None:
        from funding.awards.accounts import COMMITTED
        from funding.funds.accounts import BANK, BUDGET, PLEDGED, UNALLOTTED
        from park_portal.core.audit.services import SYSTEM
        from park_portal.core.ledger.services import Subject, account_of, make_book
        from tests.factories.core import make_staff

        self.people = [make_staff("finance") for _ in range(3)]
        self.funds = []
        for code in ("sim-one", "sim-two"):
            book = make_book(code, name_zh_hans=code, actor=SYSTEM)
            self.funds.append(
                {
                    "book": book,
                    "bank": account_of(book, BANK),
                    "pledged": account_of(book, PLEDGED, Subject("sim.partner", "1")),
                    "unallotted": account_of(book, UNALLOTTED),
                    "lines": [account_of(book, BUDGET, Subject("sim.line", str(n))) for n in range(LINES)],
                    "awards": [
                        account_of(book, COMMITTED, Subject("sim.award", str(n))) for n in range(AWARDS)
                    ],
                }
            )
        # Of which line an award is: its money comes from there and goes back there.
        self.line_of = {
            award.pk: fund["lines"][place % LINES]
            for fund in self.funds
            for place, award in enumerate(fund["awards"])
        }


class Actor:
    """One process that does things, dies, and does them again."""

    def __init__(self, number: int, seed: int, park: Park, told: Told, clock: Any, share: float) -> None:
        self.number, self.park, self.told, self.clock = number, park, told, clock
        self.random = random.Random(seed * 1000 + number)
        self.deaths = random.Random(seed * 1000 + number + 500)
        self.share = share
        self.count = 0
        self.held: list[Any] = []  # pending transfers that this actor knows of
        self.posted: list[Any] = []
        self.last: tuple[str, Callable[[int], Any], int] | None = None

    # --- one event

    def step(self) -> None:
        self.clock.shift(timedelta(minutes=self.random.randrange(1, 90)))
        acts: list[tuple[int, Callable[[], None]]] = [
            (5, self.promise),
            (10, self.pay_in),
            (9, self.allot),
            (2, self.give_back),
            (3, self.shift),
            (14, self.hold_award),
            (10, self.post),
            (4, self.void),
            (14, self.hold_payment),
            (14, self.pay),
            (4, self.reverse),
            (2, self.pay_many),
            (4, self.send_again),
            (2, self.send_otherwise),
            (2, self.nonsense),
            (1, self.expire),
            (1, self.close),
        ]
        act = self.random.choices([one for _weight, one in acts], [weight for weight, _one in acts])[0]
        act()
        self.told.add("events")

    # --- what is asked for, again and again until it is answered

    def ask(self, what: str, key: str, do: Callable[[], Any]) -> Any:
        """Do it, dying now and then and asking again; return what was answered, None where it was refused."""
        from django.db import connection

        from park_portal.core.errors import DomainError

        died = False
        for attempt in range(50):
            try:
                with mortal(self.deaths, self.share if attempt < 3 else 0.0) as end:
                    answer = do()
            except BaseException as error:
                # What a library says of the connection that is gone is heard by nobody.
                if end.came:
                    self.told.add("died")
                    died = True
                    connection.connection = None
                    connection.close()
                    connection.in_atomic_block, connection.savepoint_ids = False, []
                    connection.needs_rollback = connection.closed_in_transaction = False
                    connection.run_on_commit = []
                    continue
                if not isinstance(error, DomainError):
                    raise
                self.told.add(f"refused:{error.code}")
                with self.told.lock:
                    self.told.refused.add(key)
                return None
            if died:
                self.told.add("asked again")
            self.told.add(what)
            return answer
        self.told.wrong(f"{what} {key} was never answered")
        return None

    def key(self, what: str) -> str:
        self.count += 1
        return f"{what}-{self.number}-{self.count}"

    def book(
        self, what: str, debit: Any, credit: Any, code: Any, amount: int | None = None, **values: Any
    ) -> Any:
        from park_portal.core.ledger.services import Subject, hold_transfer, post_transfer

        key = self.key(what)
        amount = amount or self.random.randrange(1, 5_000_000)
        person = self.random.choice(self.park.people)
        service = hold_transfer if values.pop("hold", False) else post_transfer
        on = self.day()

        def do(amount_fen: int = amount) -> Any:
            return service(
                debit=debit, credit=credit, amount_fen=amount_fen, code=code, key=key, about=Subject("sim.event", key),
                actor=person, memo=what, on=on, **values,
            )  # fmt: skip

        answer = self.ask(what, key, do)
        if answer is not None:
            if service is post_transfer:
                self.note(answer)
            self.last = (key, do, amount)
        return answer

    def note(self, transfer: Any) -> None:
        """Remember what was answered: this transfer moved its amount, once."""
        changes = {
            account.pk: transfer.amount_fen
            if (account.normal == "debit") == is_debit
            else -transfer.amount_fen
            for account, is_debit in ((transfer.debit, True), (transfer.credit, False))
        }
        with self.told.lock:
            self.told.booked[transfer.key] = changes
            self.told.refused.discard(transfer.key)
        self.posted.append(transfer)
        del self.posted[:-50]

    def day(self) -> date:
        from django.utils import timezone

        return timezone.localdate() - timedelta(days=self.random.choice((0, 0, 0, 1, 3, 10)))

    # --- the acts

    def promise(self) -> None:
        from funding.funds.accounts import COMMIT

        fund = self.random.choice(self.park.funds)
        self.book(
            "promise", fund["pledged"], fund["unallotted"], COMMIT, self.random.randrange(1, 50_000_000)
        )

    def pay_in(self) -> None:
        from funding.funds.accounts import PAY_IN

        fund = self.random.choice(self.park.funds)
        self.book("pay in", fund["bank"], fund["pledged"], PAY_IN, self.random.randrange(1, 30_000_000))

    def allot(self) -> None:
        from funding.funds.accounts import ALLOT

        fund = self.random.choice(self.park.funds)
        line = self.random.choice(fund["lines"])
        self.book("allot", fund["unallotted"], line, ALLOT, self.random.randrange(1, 20_000_000))

    def give_back(self) -> None:
        from funding.funds.accounts import RETURN

        fund = self.random.choice(self.park.funds)
        self.book("give back", self.random.choice(fund["lines"]), fund["unallotted"], RETURN)

    def shift(self) -> None:
        from funding.funds.accounts import SHIFT

        fund = self.random.choice(self.park.funds)
        one, other = self.random.sample(fund["lines"], 2)
        self.book("shift", one, other, SHIFT)

    def hold_award(self) -> None:
        from django.utils import timezone

        from funding.awards.accounts import COMMIT

        fund = self.random.choice(self.park.funds)
        award = self.random.choice(fund["awards"])
        expires = (
            timezone.now() + timedelta(days=self.random.randrange(1, 60))
            if self.random.random() < 0.3
            else None
        )
        held = self.book(
            "hold award", self.park.line_of[award.pk], award, COMMIT, hold=True, expires_at=expires
        )
        if held is not None:
            self.held.append(held)

    def hold_payment(self) -> None:
        from funding.awards.accounts import PAY

        fund = self.random.choice(self.park.funds)
        award = self.random.choice(fund["awards"])
        held = self.book(
            "hold payment", award, fund["bank"], PAY, self.random.randrange(1, 2_000_000), hold=True
        )
        if held is not None:
            self.held.append(held)

    def _end(self, what: str, service: Any, **values: Any) -> None:
        if not self.held:
            return
        held = self.held.pop(self.random.randrange(len(self.held)))
        person = self.random.choice(self.park.people)
        answer = self.ask(what, f"{held.key}/{what}", lambda: service(held, actor=person, **values))
        if answer is not None and what == "post":
            self.note(answer)

    def post(self) -> None:
        from park_portal.core.ledger.services import post_held

        part = {}
        if self.held and self.random.random() < 0.3:
            part = {"amount_fen": max(1, self.held[-1].amount_fen // 2)}
        self._end("post", post_held, **part)

    def pay(self) -> None:
        self.post()

    def void(self) -> None:
        from park_portal.core.ledger.services import void_held

        self._end("void", void_held)

    def reverse(self) -> None:
        from park_portal.core.ledger.services import reverse_transfer

        if not self.posted:
            return
        transfer = self.random.choice(self.posted)
        person = self.random.choice(self.park.people)
        answer = self.ask(
            "reverse",
            f"{transfer.key}/reversal",
            lambda: reverse_transfer(transfer, actor=person, reason="simulated"),
        )
        if answer is not None:
            self.note(answer)

    def pay_many(self) -> None:
        from funding.awards.accounts import PAY
        from park_portal.core.ledger.services import Booking, Subject, book_all

        fund = self.random.choice(self.park.funds)
        key, person, on = self.key("batch"), self.random.choice(self.park.people), self.day()
        bookings = [
            Booking(
                award,
                fund["bank"],
                self.random.randrange(1, 1000),
                PAY,
                f"{key}-{n}",
                Subject("sim.event", key),
                on=on,
            )
            for n, award in enumerate(self.random.sample(fund["awards"], 12))
        ]
        answer = self.ask("batch", key, lambda: book_all(bookings, actor=person))
        for transfer in answer or ():
            self.note(transfer)

    def send_again(self) -> None:
        if self.last is None:
            return
        key, do, _amount = self.last
        before = self.told.booked.get(key)
        answer = self.ask("sent again", key, do)
        if answer is None:
            self.told.wrong(f"{key} was booked and is refused when sent again")
        elif before is not None:
            self.told.refused.discard(key)

    def send_otherwise(self) -> None:
        if self.last is None:
            return
        key, do, amount = self.last
        held = key in self.told.refused
        if self.ask("sent otherwise", key, lambda: do(amount + 1)) is not None:
            self.told.wrong(f"{key} was booked over {amount} and again over {amount + 1}")
        if not held:
            self.told.refused.discard(key)

    def nonsense(self) -> None:
        from funding.awards.accounts import PAY
        from park_portal.core.money import MAX_FEN

        one, other = self.park.funds
        award = self.random.choice(one["awards"])
        amount: Any = self.random.choice((0, -5, 1.5, MAX_FEN + 1, "7"))
        bank = self.random.choice((one["bank"], other["bank"]))
        if bank is other["bank"]:
            amount = 1
        if self.book("nonsense", award, bank, PAY, amount or -1) is not None:
            self.told.wrong(f"{amount!r} of {bank} was booked")

    def expire(self) -> None:
        from park_portal.core.ledger.services import expire_held

        self.ask("expire", "expire", expire_held)
        self.told.refused.discard("expire")

    def close(self) -> None:
        from park_portal.core.ledger.services import close_month
        from park_portal.core.ledger.services.closing import next_to_close

        book = self.random.choice(self.park.funds)["book"]
        month = next_to_close(book)
        # Not at once: what is dated a few days back would find its month closed each time.
        if month is not None and self.random.random() < 0.3:
            person = self.random.choice(self.park.people)
            self.ask("close", f"close {month}", lambda: close_month(book, month=month, actor=person))


@dataclass
class End:
    """Whether the process died, as a kill does it: its connection is gone in that moment."""

    came: bool = False

    def come(self) -> None:
        from django.db import connection

        self.came = True
        connection.connection.close()
        raise Died


@contextmanager
def mortal(chance: random.Random, share: float) -> Iterator[End]:
    """Within, the process dies in ``share`` of the cases: before or after one of the statements, or around the commit."""
    from django.db import connection

    end = End()
    if chance.random() >= share:
        yield end
        return
    at = chance.randrange(0, 4)
    after = chance.random() < 0.5
    seen = 0

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen - 1 == at and not after:
            end.come()
        result = execute(sql, params, many, context)
        if seen - 1 == at:
            end.come()
        return result

    commit = connection._commit

    def commit_and_die() -> None:
        # Most acts have one statement or two; a death that waits for a later one comes around the commit.
        if at >= 2 and not after:
            end.come()
        commit()
        if at >= 2:
            end.come()

    connection._commit = commit_and_die  # type: ignore[method-assign]
    try:
        with connection.execute_wrapper(watch):
            yield end
    finally:
        del connection._commit


# --- what must hold


def check(park: Park, told: Told) -> None:
    """Look at everything; whatever does not hold is a violation."""
    from django.db import connection

    from park_portal.core.ledger.models import Account, Transfer
    from park_portal.core.ledger.services import seal_transfers, verify_ledger

    while seal_transfers():
        pass
    verdict = verify_ledger()
    for finding in verdict.findings:
        told.wrong(f"verify_ledger: {finding}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(debits_posted_fen), sum(credits_posted_fen) FROM core_account")
        debits, credits = cursor.fetchone()
        if debits != credits:
            told.wrong(f"debits {debits}, credits {credits}")
        cursor.execute(
            "SELECT a.id FROM core_account a LEFT JOIN ("
            " SELECT x.account, sum(x.d) AS d, sum(x.c) AS c FROM ("
            "  SELECT debit_id AS account, amount_fen AS d, 0 AS c FROM core_transfer"
            "   WHERE step IN ('direct', 'post', 'reversal')"
            "  UNION ALL SELECT credit_id, 0, amount_fen FROM core_transfer"
            "   WHERE step IN ('direct', 'post', 'reversal')) x GROUP BY 1) f ON f.account = a.id"
            " WHERE (a.debits_posted_fen, a.credits_posted_fen) <> (coalesce(f.d, 0), coalesce(f.c, 0))"
        )
        for (account,) in cursor.fetchall():
            told.wrong(f"account {account} is not what its transfers add up to")
    accounts = {row.pk: row for row in Account.objects.all()}
    for fund in park.funds:
        paid = of_code("award.pay", fund["awards"], "debit")
        for line in fund["lines"]:
            awards = [award for award in fund["awards"] if park.line_of[award.pk] is line]
            awarded = of_code("award.commit", awards, "credit")
            budget = sum(
                of_code(code, [line], "credit").get(line.pk, 0) for code in ("budget.allot", "budget.shift")
            )
            budget -= sum(
                of_code(code, [line], "debit").get(line.pk, 0) for code in ("budget.return", "budget.shift")
            )
            if sum(awarded.values()) > budget:
                told.wrong(f"budget line {line.pk}: awarded {sum(awarded.values())} of {budget}")
            for award in awards:
                if paid.get(award.pk, 0) > awarded.get(award.pk, 0):
                    told.wrong(f"award {award.pk}: paid {paid[award.pk]} of {awarded.get(award.pk, 0)}")
    if len(told.booked) != len(
        stored := dict(
            Transfer.objects.filter(step__in=("direct", "post", "reversal")).values_list("key", "amount_fen")
        )
    ):
        odd = set(stored) ^ set(told.booked)
        told.wrong(f"booked without an answer, or answered and not booked: {sorted(odd)[:5]}")
    if unwanted := told.refused & set(stored):
        told.wrong(f"refused and booked: {sorted(unwanted)[:5]}")
    expected: Counter[int] = Counter()
    for changes in told.booked.values():
        expected.update(changes)
    for key, account in accounts.items():
        if account.balance_fen != expected[key]:
            told.wrong(f"account {key} holds {account.balance_fen}, the answers add up to {expected[key]}")


def of_code(code: str, accounts: list[Any], side: str) -> dict[int, int]:
    """Return what moved by this code on this side of each account, reversals taken off."""
    from django.db.models import Case, F, Sum, When

    from park_portal.core.ledger.models import Transfer

    found: Counter[int] = Counter()
    other = "credit" if side == "debit" else "debit"
    for column, sign in ((side, 1), (other, -1)):
        rows = Transfer.objects.filter(
            **{f"{column}__in": accounts},
            code=code,
            step__in=("direct", "post") if sign == 1 else ("reversal",),
        )
        for row in (
            rows.order_by().values(column).annotate(sum=Sum(Case(When(pk__gt=0, then=F("amount_fen")))))
        ):
            found[row[column]] += sign * row["sum"]
    return dict(found)


# --- the run


def run(seed: int, events: int, *, share: float = 0.08, without: str = "") -> Told:
    """Let the actors loose on a database of their own and return what they were told, violations included."""
    import time_machine
    from django.conf import settings
    from django.db import connections

    from tests import databases, factories

    name = f"park_sim_{os.getpid()}"
    databases.copy_template(name)
    connections.close_all()
    connections.settings["default"]["NAME"] = name
    connections["default"].settings_dict["NAME"] = name
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    factories.load()
    told = Told()
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
        if without:
            from tests.laws.violations import drop

            drop(without)
        with time_machine.travel(BEGINS, tick=True) as clock:
            park = Park()
            actors = [Actor(number, seed, park, told, clock, share) for number in range(ACTORS)]
            done = 0
            while done < events and not told.violations:
                size = min(BATCH, events - done)
                threads = [
                    threading.Thread(
                        target=_steps, args=(actor, size // ACTORS + (actor.number < size % ACTORS), told)
                    )
                    for actor in actors
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                done += size
                check(park, told)
    finally:
        connections.close_all()
        databases.drop(name)
    return told


def _steps(actor: Actor, number: int, told: Told) -> None:
    from django.db import connections

    try:
        for _ in range(number):
            actor.step()
    except Exception as error:
        told.wrong(f"actor {actor.number}: {type(error).__name__}: {error}")
    finally:
        connections.close_all()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim.ledger", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument(
        "--deaths", type=float, default=0.08, help="share of the requests in which the actor dies"
    )
    parser.add_argument("--without", default="", help="a trigger or constraint to take away first")
    options = parser.parse_args()
    django.setup()
    from park_portal import local

    local.ensure_for_this_process()
    begun = time.monotonic()
    told = run(options.seed, options.events, share=options.deaths, without=options.without)
    for what, number in sorted(told.counts.items()):
        print(f"{what}: {number}")
    for violation in told.violations[:20]:
        print(f"VIOLATION {violation}")
    print(
        f"seed={options.seed} events={told.counts['events']} booked={len(told.booked)} died={told.counts['died']} "
        f"violations={len(told.violations)} seconds={time.monotonic() - begun:.0f}"
    )
    return 1 if told.violations else 0


if __name__ == "__main__":
    sys.exit(main())
