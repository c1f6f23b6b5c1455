from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Looks at the calls that were there before the check, without keeping anyone from writing."""

    dependencies = [("funding", "0004_calculations")]

    operations = [ValidateConstraint("call", "call_scoring_known")]
