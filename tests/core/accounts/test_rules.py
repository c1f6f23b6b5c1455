"""Rights come with roles alone."""

import pytest
from django.contrib.auth.models import Permission

from park_portal.core.accounts.models import User

pytestmark = pytest.mark.django_db


def test_a_right_given_to_one_person_counts_for_nothing(people):
    liaison = people("liaison")
    liaison.user_permissions.add(Permission.objects.get(codename="view_application"))
    assert not User.objects.get(pk=liaison.pk).has_perm("funding.view_application")


def test_a_role_brings_its_rights(people):
    assert User.objects.get(pk=people("officer").pk).has_perm("funding.view_application")
