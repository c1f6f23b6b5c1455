from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Looks at the rows that were there before the check, without keeping anyone from writing."""

    dependencies = [("funding", "0016_blindness_filled")]

    operations = [ValidateConstraint("stage", "stage_blindness_known")]
