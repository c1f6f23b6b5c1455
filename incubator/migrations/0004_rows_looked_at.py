from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Looks at the rows that were there before the checks, without keeping anyone from writing.

    Stops at the first check that some row breaks, and names it: mend the row and migrate again. New rows are checked
    already.
    """

    dependencies = [("incubator", "0003_rows_agree")]

    operations = [
        ValidateConstraint("organisation", "organisation_merged_has_no_code"),
        ValidateConstraint("organisation", "organisation_kind_known"),
        ValidateConstraint("projectmember", "project_member_role_known"),
    ]
