from django.db import migrations

# The form and stages of announced calls are fixed; this says of them in a new column what an old one said. Places of
# stages are checked at once, for a table with checks still to come cannot have its trigger back.
FILL_STAGES = """
    SET CONSTRAINTS ALL IMMEDIATE;
    ALTER TABLE funding_stage DISABLE TRIGGER pgtrigger_stage_fixed_6eb3b;
    UPDATE funding_stage SET blindness = 'double' WHERE blind AND blindness = 'single';
    ALTER TABLE funding_stage ENABLE TRIGGER pgtrigger_stage_fixed_6eb3b;
"""
# When a reviewer answered or was released: of accepting it was kept, of the rest only the trail has it.
FILL_REVIEWS = """
    UPDATE funding_review SET answered_at = accepted_at WHERE answered_at IS NULL AND accepted_at IS NOT NULL;
    UPDATE funding_review r SET answered_at = e.at
    FROM (SELECT object_id, max(at) AS at FROM core_entry
          WHERE object_type = 'funding.review' AND action IN ('review.decline', 'review.recuse') GROUP BY object_id) e
    WHERE r.answered_at IS NULL AND r.state IN ('declined', 'recused') AND e.object_id = r.id::text;
    UPDATE funding_review r SET released_at = e.at
    FROM (SELECT object_id, max(at) AS at FROM core_entry
          WHERE object_type = 'funding.review' AND action = 'review.release' GROUP BY object_id) e
    WHERE r.released_at IS NULL AND r.state = 'released' AND e.object_id = r.id::text;
"""


class Migration(migrations.Migration):
    """Fills the new columns from what was there."""

    dependencies = [("funding", "0015_blindness")]

    operations = [
        migrations.RunSQL(FILL_STAGES, migrations.RunSQL.noop),
        migrations.RunSQL(FILL_REVIEWS, migrations.RunSQL.noop),
    ]
