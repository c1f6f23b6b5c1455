import django.core.serializers.json
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    """Calculations on record, and how a call's scores become ratings."""

    dependencies = [
        ("funding", "0003_rows_looked_at"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Calculation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("assignment", "assignment of reviewers"),
                            ("draw", "random draw of reviewers"),
                            ("rating", "calibrated scores"),
                            ("chances", "chances of standing above the line"),
                            ("lottery", "lottery among equals"),
                            ("agenda", "order of an agenda"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("method", models.CharField(max_length=200, verbose_name="method")),
                ("seed", models.CharField(blank=True, max_length=64, verbose_name="seed")),
                ("inputs_sha256", models.CharField(max_length=64, verbose_name="fingerprint of the inputs")),
                (
                    "parameters",
                    models.JSONField(
                        default=dict,
                        encoder=django.core.serializers.json.DjangoJSONEncoder,
                        verbose_name="settings",
                    ),
                ),
                (
                    "result",
                    models.JSONField(
                        default=dict,
                        encoder=django.core.serializers.json.DjangoJSONEncoder,
                        verbose_name="result",
                    ),
                ),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="made")),
            ],
            options={
                "verbose_name": "calculation",
                "verbose_name_plural": "calculations",
                "ordering": ["-id"],
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="call",
            name="call_terms_fixed",
        ),
        migrations.AddField(
            model_name="call",
            name="scoring",
            field=models.CharField(
                choices=[
                    ("calibrated", "calibrated: each reviewer's severity is taken out"),
                    ("mean", "plain mean"),
                    ("median", "median"),
                    ("trimmed", "highest and lowest dropped, mean of the rest"),
                ],
                db_default="mean",
                default="mean",
                help_text="How the scores of several reviewers become one; named wherever it is shown.",
                max_length=12,
                verbose_name="rating",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="call",
            trigger=pgtrigger.compiler.Trigger(
                name="call_terms_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state <> 'draft' AND ((OLD.code, OLD.fund_id, OLD.outcome, OLD.track, OLD.applicants, OLD.min_amount_fen, OLD.max_amount_fen, OLD.scoring) IS DISTINCT FROM (NEW.code, NEW.fund_id, NEW.outcome, NEW.track, NEW.applicants, NEW.min_amount_fen, NEW.max_amount_fen, NEW.scoring) OR (NEW.closes_at < OLD.closes_at AND OLD.last_number > 0)))",
                    func="RAISE EXCEPTION 'the terms of call % are fixed', OLD.id USING ERRCODE = 'check_violation';",
                    hash="1c46bdee874332f57c3b96d9599eb0a2424e2b73",
                    operation="UPDATE",
                    pgid="pgtrigger_call_terms_fixed_8d83a",
                    table="funding_call",
                    when="BEFORE",
                ),
            ),
        ),
        AddConstraintNotValid(
            model_name="call",
            constraint=models.CheckConstraint(
                condition=models.Q(("scoring__in", ["calibrated", "mean", "median", "trimmed"])),
                name="call_scoring_known",
            ),
        ),
        migrations.AddField(
            model_name="calculation",
            name="call",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="calculations",
                to="funding.call",
                verbose_name="call",
            ),
        ),
        migrations.AddField(
            model_name="calculation",
            name="made_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="made by",
            ),
        ),
        migrations.AddField(
            model_name="calculation",
            name="stage",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="calculations",
                to="funding.stage",
                verbose_name="stage",
            ),
        ),
        migrations.AddIndex(
            model_name="calculation",
            index=models.Index(fields=["call", "kind", "-id"], name="calculation_by_call"),
        ),
        migrations.AddConstraint(
            model_name="calculation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["assignment", "draw", "rating", "chances", "lottery", "agenda"])
                ),
                name="calculation_kind_known",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="calculation",
            trigger=pgtrigger.compiler.Trigger(
                name="calculation_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="a46b9f480c9772e3a75d4fe51fd9c43073b3d2c9",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_calculation_append_only_03e3c",
                    table="funding_calculation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="calculation",
            trigger=pgtrigger.compiler.Trigger(
                name="calculation_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="IF coalesce(current_setting('park.allow_truncate', true), '') <> 'on' THEN RAISE EXCEPTION 'cannot empty %', TG_TABLE_NAME USING ERRCODE = 'check_violation'; END IF; RETURN NULL;",
                    hash="1cead82aca7e308d0b5b78f186d2126764e4d3ad",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_calculation_no_truncate_c677d",
                    table="funding_calculation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="calculation",
            trigger=pgtrigger.compiler.Trigger(
                name="calculation_stage_of_its_call",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE one bigint; other bigint;",
                    func='one := (SELECT "call_id" FROM "funding_stage" WHERE "id" = NEW."stage_id"); IF one IS NOT NULL THEN other := NEW."call_id"; IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: stage.call is not call (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'calculation_stage_of_its_call\'; END IF; END IF; RETURN NEW;',
                    hash="91e2e9264fddcde7fc56f5c7099329bc5ab2fd01",
                    operation="INSERT",
                    pgid="pgtrigger_calculation_stage_of_its_call_148e0",
                    table="funding_calculation",
                    when="BEFORE",
                ),
            ),
        ),
    ]
