"""Every route of the portal, asked with every method, as everybody, about every kind of row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import pytest
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

from tests.policy import table
from tests.policy.asking import Asker, Case, files_and_mails, fingerprint, undone
from tests.policy.cases import LEFT_OUT, all_cases
from tests.policy.roles import ROLES

pytestmark = pytest.mark.django_db

CASES: Final = all_cases()
TABLE: Final = table.read()
BY_ROUTE: Final[dict[str, list[Case]]] = defaultdict(list)
for _case in CASES:
    BY_ROUTE[_case.name].append(_case)

# Nothing of ours: Django's own way back to a record's page, and its page for addresses that it does not know.
NAMELESS: Final = frozenset({"admin:", ""})


def routes(resolver: URLResolver, space: tuple[str, ...] = ()) -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, (*space, *([pattern.namespace] if pattern.namespace else [])))
        else:
            yield ":".join([*space, pattern.name or ""]), pattern


def test_every_route_is_in_the_table():
    asked = {case.route for case in CASES} | set(LEFT_OUT)
    known = {name for name, _pattern in routes(get_resolver())} - NAMELESS
    assert sorted(known - asked) == [], "routes without a case in tests/policy/cases.py"
    assert sorted(asked - known) == [], "cases of routes that are gone"


def test_every_cell_is_in_the_table():
    wanted = [(case.name, method, case.whose) for case in CASES for method in case.methods]
    assert len(wanted) == len(set(wanted)), "a line is asked twice"
    assert sorted(set(wanted) - set(TABLE)) == [], "run python -m tests.policy, and read what it adds"
    assert sorted(set(TABLE) - set(wanted)) == [], "lines of the table that nothing asks"


SENT: Final = {name for (name, method, _), cells in TABLE.items() if method != "GET" and "ok" in cells}

# Posts that do nothing here for anybody, each with its reason.
DO_NOTHING: Final = {
    "set_language": "sets a cookie alone",
    "account_logout": "ends a session, which is not counted as an effect",
    "admin:logout": "likewise",
    "account_confirm_email": "wants the key of a mail; tests/core/accounts",
    "account_reset_password_from_key": "likewise",
    "account_confirm_login_code": "the portal sends no codes to sign in with",
    "account_set_password": "for accounts without a password",
    "account_reauthenticate": "has been done a moment ago; tests/core/accounts",
    "mfa_": "wants a code or a key of the person's own device; tests/core/accounts/test_second_factor.py",
    "socialaccount_connections": "nobody has come by the university here; tests/core/accounts/test_university.py",
    "usersessions_list": "ends sessions, which are not counted as an effect",
    "view-as-end": "nobody views as somebody else here; tests/core/accounts/test_viewing.py",
    "local-mail": "local mode's own mails, no rows",
    "admin:index": "shows the same as GET",
    "admin:core_transfer_verify": "looks at everything and writes nothing",
    "admin:search": "likewise",
    "admin:login": "likewise",
    "admin:app_list": "likewise",
    "api:my-data-requests-list[": "asks first who it is, which a token cannot say; tests/core/privacy",
    "admin:core_entry_verify": "reads the chain",
    "admin:core_importbatch_change": "leads on to the import's own page",
    "api:agreements-act[signature]": "wants a scan, which is sent from the page",
    "api:webhook-requests-again": "what waits to be sent is not sent again; tests/core/webhooks",
    "admin:password_change": "leads on to the portal's own page",
}


def test_each_payload_can_be_sent_by_somebody():
    """What nobody may send proves nothing about whoever may not."""
    idle = set()
    for (name, method, _whose), outcomes in TABLE.items():
        if (
            method == "GET"
            or name.startswith(tuple(DO_NOTHING))
            or name.endswith(("_history", "_changelist"))
        ):
            continue
        if any(one.startswith("st") for one in outcomes):
            idle.add(name)
    assert sorted(idle - SENT) == []


@pytest.mark.parametrize("name", sorted(BY_ROUTE))
def test_cells(world, untouched, name):
    asker, wrong = Asker(world, TABLE), []
    with undone():
        cells = [
            (case, method, role, wanted)
            for case in BY_ROUTE[name]
            for method in case.methods
            for role, wanted in zip(ROLES, TABLE[case.name, method, case.whose], strict=True)
        ]
        for case, method, _role, _wanted in cells:
            if method != "GET":
                asker.payload(case)
        done = [cell for cell in cells if cell[3].startswith(("ok", "to"))]
        refused = [cell for cell in cells if cell not in done]
        for case, method, role, wanted in done:
            with undone():
                answered = asker.ask(case, method, role)
            if answered != wanted:
                wrong.append(f"{case.key} {method} {role}: {answered} instead of {wanted}")
        # What is refused is not taken back: afterwards every row must be as it was in the beginning, and every file and
        # mail, which nothing takes back, as it was before the refusals.
        before = files_and_mails()
        for case, method, role, wanted in refused:
            if (answered := asker.ask(case, method, role)) != wanted:
                wrong.append(f"{case.key} {method} {role}: {answered} instead of {wanted}")
        assert wrong == []
        assert (fingerprint(), files_and_mails()) == (untouched, before)
