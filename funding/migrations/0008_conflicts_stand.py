from django.db import migrations

from incubator.organisations.names import normalise_name


def carry_over(apps, schema_editor):
    """What was on record stands; who said so is told from who wrote it down."""
    conflicts = apps.get_model("funding", "Conflict").objects.filter(state="possible", decided_at=None)
    conflicts.update(state="standing")
    schema_editor.execute(
        """
        UPDATE funding_conflict SET source = CASE
            WHEN recorded_by_id = person_id THEN 'person'
            WHEN recorded_by_id IS NULL AND kind = 'unsuitable' THEN 'applicant' ELSE 'staff' END
        WHERE source = 'staff'
        """
    )
    for reviewer in apps.get_model("funding", "Reviewer").objects.exclude(institution=""):
        reviewer.institution_key = normalise_name(reviewer.institution)[:200]
        reviewer.save(update_fields=["institution_key"])


class Migration(migrations.Migration):
    """Carries the conflicts on record over, and what tells a reviewer's institution apart."""

    dependencies = [("funding", "0007_conflicts")]

    operations = [migrations.RunPython(carry_over, migrations.RunPython.noop)]
