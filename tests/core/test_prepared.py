"""Queries that are put together once give what Django's own would."""

from __future__ import annotations

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from funding.applications.models import Answer, Application
from park_portal.core.accounts.models import User
from park_portal.core.prepared import Prepared, the_one
from tests.factories.applications import make_application, make_project_application

pytestmark = pytest.mark.django_db


def whole() -> Prepared[Application]:
    return Prepared(
        lambda pk: Application.objects.select_related("call__lead", "organisation", "project").filter(pk=pk),
        pk=-1,
    )


@pytest.mark.parametrize("make", [make_application, make_project_application])
def test_a_row_brings_what_was_selected_beside_it(make):
    application = make()
    found = whole().get(pk=application.pk)
    with CaptureQueriesContext(connection) as asked:
        seen = [found.call.lead, found.organisation, found.project, str(found.call)]
    assert len(asked) == 0
    expected = Application.objects.get(pk=application.pk)
    assert seen == [expected.call.lead, expected.organisation, expected.project, str(expected.call)]
    fields = [field.attname for field in Application._meta.concrete_fields]
    assert [getattr(found, name) for name in fields] == [getattr(expected, name) for name in fields]


def test_it_is_put_together_once_and_asked_with_each_value():
    first, second = make_application(), make_application()
    asked: list[int] = []

    def rows(pk: int):
        asked.append(pk)
        return Application.objects.filter(pk=pk)

    prepared = Prepared(rows, pk=-1)
    assert [prepared.get(pk=one.pk) for one in (first, second, first)] == [first, second, first]
    assert asked == [-1]


def test_values_are_converted_as_django_converts_them():
    application = make_application()
    answer = application.answers.filter(value__isnull=False).last()
    prepared = Prepared(lambda pk: Answer.objects.filter(pk=pk), pk=-1)
    assert prepared.get(pk=answer.pk).value == answer.value
    pairs = Prepared(lambda pk: Answer.objects.filter(pk=pk).values_list("pk", "value"), pk=-1)
    assert tuple(pairs.row(pk=answer.pk)) == (answer.pk, answer.value)


def test_what_is_not_there():
    prepared = Prepared(lambda pk: User.objects.filter(pk=pk), pk=-1)
    assert prepared.first(pk=0) is None
    assert prepared.row(pk=0) is None
    with pytest.raises(User.DoesNotExist):
        prepared.get(pk=0)


def test_a_value_that_the_query_does_not_use_is_a_mistake():
    prepared = Prepared(lambda pk, name: User.objects.filter(pk=pk), pk=-1, name="nobody's")
    with pytest.raises(ValueError, match="name"):
        prepared.first(pk=1, name="x")


class TestTheOne:
    def rows(self):
        return Application.objects.select_related("call__lead", "organisation", "project")

    def test_it_is_what_django_would_give(self):
        application = make_application()
        make_application()
        rows = self.rows().prefetch_related("answers")
        found = the_one(rows.filter(call=application.call), pk=str(application.pk))
        with CaptureQueriesContext(connection) as asked:
            seen = [found.call.lead, found.organisation, found.project, len(found.answers.all())]
        assert len(asked) == 0
        expected = rows.get(pk=application.pk)
        assert seen == [expected.call.lead, expected.organisation, None, len(expected.answers.all())]

    def test_what_is_not_among_the_rows_is_not_given(self):
        application = make_application()
        for rows in (
            self.rows().none(),
            self.rows().exclude(pk=application.pk),
            self.rows().filter(title="x"),
        ):
            with pytest.raises(Application.DoesNotExist):
                the_one(rows, pk=application.pk)
        with pytest.raises(ValueError):
            the_one(self.rows(), pk="x")

    def test_several_are_not_one(self):
        call = make_application().call
        make_application(call)
        with pytest.raises(Application.MultipleObjectsReturned):
            the_one(self.rows(), call=call)

    def test_what_is_noted_beside_a_row_stays(self):
        application = make_application()
        rows = self.rows().annotate(answered=models.Count("answers"))
        assert the_one(rows, pk=application.pk).answered == application.answers.count()
