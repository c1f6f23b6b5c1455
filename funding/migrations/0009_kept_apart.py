from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations

from funding.reviews import apart

INSTALLED = "7f7d7872b830412e"


class Migration(migrations.Migration):
    """From now on the database keeps reviewers and applicants apart, whoever writes what; first it looks at what is there."""

    dependencies = [
        ("core", "0006_rights_stay_whose_they_are"),
        ("funding", "0008_conflicts_stand"),
        ("incubator", "0004_rows_looked_at"),
    ]

    operations = [
        ValidateConstraint("callquestion", "call_question_purpose_known"),
        migrations.RunSQL(apart.install(), apart.remove()),
        migrations.RunSQL("SELECT funding_keep_all_apart()", migrations.RunSQL.noop),
    ]
