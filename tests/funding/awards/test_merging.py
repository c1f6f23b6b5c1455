"""Money follows its applicant into the record that the applicant was merged into, and nowhere else."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from funding.models import Application, Award
from incubator.organisations.services import merge_organisations
from tests.factories.core import make_staff, make_user
from tests.factories.decisions import make_award
from tests.factories.incubator import make_organisation

pytestmark = pytest.mark.django_db


def test_award_and_application_go_with_a_merged_organisation_alone():
    award, kept = make_award(), make_organisation(owner=make_user(), uscc=None)
    holder, stranger = award.organisation, make_organisation()

    for model, pk in ((Award, award.pk), (Application, award.application_id)):
        with pytest.raises(IntegrityError, match="stays with its organisation"), transaction.atomic():
            model.objects.filter(pk=pk).update(organisation=kept)

    merge_organisations(holder, actor=make_staff(), into=kept)

    for model, pk in ((Award, award.pk), (Application, award.application_id)):
        assert model.objects.get(pk=pk).organisation == kept
        with pytest.raises(IntegrityError, match="stays with its organisation"), transaction.atomic():
            model.objects.filter(pk=pk).update(organisation=stranger)
