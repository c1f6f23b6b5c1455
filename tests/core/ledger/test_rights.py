"""The role under which the portal serves people cannot change a booked row, even with every trigger gone."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from psycopg2 import errors

from park_portal.core.audit.services import seal_entries
from park_portal.core.ledger.models import Transfer
from park_portal.core.ledger.services import reverse_transfer, seal_transfers, verify_ledger
from park_portal.core.rights import APP_ROLE, assumable_role, give_rights, may_change_transfers, only_added
from tests.core.ledger.kinds import Fund
from tests.factories.core import make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_portal():
    """The test's connection assumes the portal's role, as web processes and workers do."""

    def assume():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL ROLE {APP_ROLE}")

    give_rights("default")
    return assume


def refused(statement, *values):
    with pytest.raises(DatabaseError) as error, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
    return isinstance(error.value.__cause__, errors.InsufficientPrivilege)


def test_portal_books_and_seals_but_cannot_touch_what_it_booked(as_portal):
    assert assumable_role() == APP_ROLE
    assert may_change_transfers()  # whoever owns the tables
    finance, other = make_staff("finance"), make_staff("finance")
    as_portal()
    fund = Fund.with_capital(1000_00)
    posted = fund.granted(5, actor=finance)
    reverse_transfer(posted, actor=other, reason="wrong")
    while seal_transfers():
        pass
    while seal_entries():
        pass
    assert not may_change_transfers()
    assert verify_ledger().findings == []
    for statement in (
        "UPDATE core_transfer SET memo = 'x'",
        "DELETE FROM core_transfer",
        "TRUNCATE core_transfer CASCADE",
        "UPDATE core_transferseal SET digest = 'x'",
        "DELETE FROM core_transferseal",
        "DELETE FROM core_closedmonth",
        "DELETE FROM core_entry",
        "UPDATE core_seal SET digest = 'x'",
        "ALTER TABLE core_transfer DISABLE TRIGGER USER",
        "SET session_replication_role = replica",
    ):
        assert refused(statement), statement
    assert Transfer.objects.get(pk=posted.pk).memo == ""


def test_every_table_that_is_only_added_to_is_out_of_reach(as_portal):
    tables = [model._meta.db_table for model in only_added()]
    assert {"core_transfer", "core_transferseal", "core_closedmonth", "core_entry", "core_seal"} <= set(
        tables
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND ("
            "has_table_privilege(%s, oid, 'DELETE') OR has_table_privilege(%s, oid, 'TRUNCATE') "
            "OR (relname <> 'core_entry' AND has_table_privilege(%s, oid, 'UPDATE')))",
            [tables, APP_ROLE, APP_ROLE, APP_ROLE],
        )
        assert cursor.fetchall() == []


def test_health_page_says_when_the_portal_serves_as_the_owner_of_its_tables(client, as_portal):
    client.force_login(make_staff("administrator"))
    assert "park_app" in client.get(reverse("admin:system")).content.decode()
    as_portal()
    assert "park_app" not in client.get(reverse("admin:system")).content.decode()
