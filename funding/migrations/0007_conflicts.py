import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

from funding.reviews import apart


class Migration(migrations.Migration):
    """Conflicts of interest as ties between people, organisations and applications; reviews that are suspended; pledges."""

    dependencies = [
        ("funding", "0006_reviewer_profile"),
        ("incubator", "0004_rows_looked_at"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # What the trigger of reviews asks; the rows they read are added below.
        migrations.RunSQL(apart.functions(), migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Pledge",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveSmallIntegerField(unique=True, verbose_name="version")),
                ("text", models.TextField(max_length=4000, verbose_name="text")),
                ("text_zh_hans", models.TextField(max_length=4000, null=True, verbose_name="text")),
                ("text_en", models.TextField(max_length=4000, null=True, verbose_name="text")),
                (
                    "effective_from",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="in force from"),
                ),
            ],
            options={
                "verbose_name": "pledge of integrity",
                "verbose_name_plural": "pledges of integrity",
                "ordering": ["-version"],
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="call",
            name="call_terms_fixed",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="conflict",
            name="conflict_identity_fixed",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="conflict",
            name="conflict_declared_is_kept",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="review",
            name="review_state_legal",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="review",
            name="review_refuses_conflict",
        ),
        migrations.AddField(
            model_name="call",
            name="conflict_scope",
            field=models.CharField(
                choices=[
                    ("organisation", "everybody of the same organisation"),
                    ("faculty", "of a university, only its same faculty"),
                ],
                db_default="organisation",
                default="organisation",
                help_text="Whom sharing a university keeps from reviewing.",
                max_length=12,
                verbose_name="same employer",
            ),
        ),
        migrations.AddField(
            model_name="conflict",
            name="decided_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="decided"),
        ),
        migrations.AddField(
            model_name="conflict",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="decided by",
            ),
        ),
        migrations.AddField(
            model_name="conflict",
            name="expires_on",
            field=models.DateField(
                blank=True, help_text="Empty: until it is taken back.", null=True, verbose_name="counts until"
            ),
        ),
        migrations.AddField(
            model_name="conflict",
            name="faculty",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="incubator.faculty",
                verbose_name="faculty",
            ),
        ),
        migrations.AddField(
            model_name="conflict",
            name="organisation",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="conflicts",
                to="incubator.organisation",
                verbose_name="organisation",
            ),
        ),
        migrations.AddField(
            model_name="conflict",
            name="other",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="conflicts_of_others",
                to=settings.AUTH_USER_MODEL,
                verbose_name="the other person",
            ),
        ),
        migrations.AddField(
            model_name="conflict",
            name="other_email",
            field=models.EmailField(
                blank=True, db_default="", max_length=254, verbose_name="e-mail of the other person"
            ),
        ),
        migrations.AddField(
            model_name="conflict",
            name="other_name",
            field=models.CharField(
                blank=True, db_default="", max_length=100, verbose_name="name of the other person"
            ),
        ),
        migrations.AddField(
            model_name="conflict",
            name="other_orcid",
            field=models.CharField(
                blank=True, db_default="", max_length=19, verbose_name="ORCID of the other person"
            ),
        ),
        migrations.AddField(
            model_name="conflict",
            name="since",
            field=models.DateField(blank=True, null=True, verbose_name="since"),
        ),
        migrations.AddField(
            model_name="conflict",
            name="source",
            field=models.CharField(
                choices=[
                    ("person", "declared by the person"),
                    ("applicant", "declared by the applicant"),
                    ("staff", "recorded by the park"),
                    ("publications", "publications"),
                    ("register", "the portal's own records"),
                ],
                db_default="staff",
                default="staff",
                max_length=12,
                verbose_name="source",
            ),
        ),
        migrations.AddField(
            model_name="conflict",
            name="state",
            field=models.CharField(
                choices=[("possible", "possible"), ("standing", "stands"), ("dismissed", "does not stand")],
                db_default="possible",
                default="possible",
                editable=False,
                max_length=10,
                verbose_name="state",
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="declared_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="declared to have no conflict"),
        ),
        migrations.AddField(
            model_name="review",
            name="suspension_told_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="told of the suspension"
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="suspended_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="suspended"),
        ),
        migrations.AddField(
            model_name="reviewer",
            name="institution_key",
            field=models.CharField(
                blank=True,
                db_default="",
                editable=False,
                max_length=200,
                verbose_name="institution as compared",
            ),
        ),
        migrations.AlterField(
            model_name="conflict",
            name="application",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="conflicts",
                to="funding.application",
                verbose_name="application",
            ),
        ),
        migrations.AlterField(
            model_name="conflict",
            name="kind",
            field=models.CharField(
                choices=[
                    ("declared", "declared by the reviewer"),
                    ("member", "belongs to the applicant"),
                    ("employer", "same employer"),
                    ("faculty", "same faculty"),
                    ("coauthor", "co-author"),
                    ("coinvestigator", "co-investigator"),
                    ("supervisor", "teacher or student"),
                    ("shareholder", "shareholder"),
                    ("board", "on the board"),
                    ("family", "family"),
                    ("competitor", "competes in the same call"),
                    ("unsuitable", "named as unsuitable by the applicant"),
                    ("other", "another reason"),
                ],
                max_length=16,
                verbose_name="kind",
            ),
        ),
        migrations.AlterField(
            model_name="review",
            name="state",
            field=models.CharField(
                choices=[
                    ("assigned", "waiting for an answer"),
                    ("accepted", "being written"),
                    ("submitted", "submitted"),
                    ("declined", "declined"),
                    ("recused", "conflict of interest"),
                    ("released", "released by staff"),
                    ("suspended", "suspended: conflict of interest"),
                ],
                default="assigned",
                max_length=10,
                verbose_name="state",
            ),
        ),
        migrations.AddIndex(
            model_name="conflict",
            index=models.Index(fields=["state", "-id"], name="conflict_by_state"),
        ),
        migrations.AddIndex(
            model_name="conflict",
            index=models.Index(
                django.db.models.functions.text.Lower("other_email"),
                condition=models.Q(("other_email", ""), _negated=True),
                name="conflict_by_email",
            ),
        ),
        migrations.AddIndex(
            model_name="conflict",
            index=models.Index(
                condition=models.Q(("other_orcid", ""), _negated=True),
                fields=["other_orcid"],
                name="conflict_by_orcid",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="call",
            trigger=pgtrigger.compiler.Trigger(
                name="call_terms_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state <> 'draft' AND ((OLD.code, OLD.fund_id, OLD.outcome, OLD.track, OLD.applicants, OLD.min_amount_fen, OLD.max_amount_fen, OLD.scoring, OLD.conflict_scope) IS DISTINCT FROM (NEW.code, NEW.fund_id, NEW.outcome, NEW.track, NEW.applicants, NEW.min_amount_fen, NEW.max_amount_fen, NEW.scoring, NEW.conflict_scope) OR (NEW.closes_at < OLD.closes_at AND OLD.last_number > 0)))",
                    func="RAISE EXCEPTION 'the terms of call % are fixed', OLD.id USING ERRCODE = 'check_violation';",
                    hash="5e0ce26fabd405ce3e4881e50d05606f90b0c62b",
                    operation="UPDATE",
                    pgid="pgtrigger_call_terms_fixed_8d83a",
                    table="funding_call",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="conflict",
            trigger=pgtrigger.compiler.Trigger(
                name="conflict_state_legal",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."state" IS DISTINCT FROM NEW."state")',
                    func="IF (OLD.\"state\", NEW.\"state\") NOT IN (('dismissed', 'possible'), ('possible', 'dismissed'), ('possible', 'standing'), ('standing', 'dismissed')) THEN RAISE EXCEPTION 'illegal transition of conflict: % to %', OLD.\"state\", NEW.\"state\" USING ERRCODE = 'check_violation'; END IF; RETURN NEW;",
                    hash="15c816af3dca62cb0b0ca2963ad615d04ed24e70",
                    operation="UPDATE",
                    pgid="pgtrigger_conflict_state_legal_b3fce",
                    table="funding_conflict",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="conflict",
            trigger=pgtrigger.compiler.Trigger(
                name="conflict_state_initial",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="IF NEW.\"state\" <> 'possible' THEN RAISE EXCEPTION 'conflict cannot begin as %', NEW.\"state\" USING ERRCODE = 'check_violation'; END IF; RETURN NEW;",
                    hash="cdfa8e63aa2013e1ecc7bc51de5fa3bab59b26f5",
                    operation="INSERT",
                    pgid="pgtrigger_conflict_state_initial_98b96",
                    table="funding_conflict",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="conflict",
            trigger=pgtrigger.compiler.Trigger(
                name="conflict_identity_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."person_id" IS DISTINCT FROM (NEW."person_id") OR OLD."application_id" IS DISTINCT FROM (NEW."application_id") OR OLD."other_id" IS DISTINCT FROM (NEW."other_id") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."source" IS DISTINCT FROM (NEW."source") OR OLD."recorded_by_id" IS DISTINCT FROM (NEW."recorded_by_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="07a915171e3a6783fd9dc7e60bd3d720651127b9",
                    operation="UPDATE",
                    pgid="pgtrigger_conflict_identity_fixed_51e15",
                    table="funding_conflict",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="conflict",
            trigger=pgtrigger.compiler.Trigger(
                name="conflict_declared_is_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.recorded_by_id = OLD.person_id AND OLD.application_id IS NOT NULL AND OLD.state = 'standing')",
                    func="\n    IF TG_OP = 'UPDATE' THEN\n        IF (OLD.state, OLD.expires_on) IS NOT DISTINCT FROM (NEW.state, NEW.expires_on) THEN RETURN NEW; END IF;\n    END IF;\n    RAISE EXCEPTION 'what % declared of themselves is kept', OLD.person_id\n        USING ERRCODE = 'check_violation', CONSTRAINT = 'conflict_declared_is_kept';\n",
                    hash="e7b7dca675064207f1311b5457d752fff204ca4b",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_conflict_declared_is_kept_48c00",
                    table="funding_conflict",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="conflict",
            trigger=pgtrigger.compiler.Trigger(
                name="conflict_moves_only_by_merge",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."organisation_id" IS DISTINCT FROM NEW."organisation_id")',
                    func="IF NOT EXISTS (SELECT 1 FROM incubator_organisation o WHERE o.id = OLD.\"organisation_id\" AND o.merged_into_id = NEW.\"organisation_id\") THEN RAISE EXCEPTION '% % stays with its organisation', TG_TABLE_NAME, OLD.id USING ERRCODE = 'check_violation', CONSTRAINT = 'conflict_moves_only_by_merge'; END IF; RETURN NEW;",
                    hash="118019e2706b9211fb6e7dd45a21acc1d67d2fd1",
                    operation="UPDATE",
                    pgid="pgtrigger_conflict_moves_only_by_merge_1d8c6",
                    table="funding_conflict",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="conflict",
            trigger=pgtrigger.compiler.Trigger(
                name="conflict_faculty_of_its_university",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    declare='DECLARE held "funding_conflict"%ROWTYPE; one bigint; other bigint;',
                    func='SELECT * INTO held FROM "funding_conflict" WHERE "id" = NEW."id"; IF NOT FOUND THEN RETURN NULL; END IF; one := (SELECT "organisation_id" FROM "incubator_faculty" WHERE "id" = held."faculty_id"); IF one IS NOT NULL THEN other := held."organisation_id"; IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: faculty.organisation is not organisation (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'conflict_faculty_of_its_university\'; END IF; END IF; RETURN NULL;',
                    hash="761c816b8bb6af4d622be07f52aca1ea31a88cc6",
                    operation='INSERT OR UPDATE OF "faculty_id", "organisation_id"',
                    pgid="pgtrigger_conflict_faculty_of_its_university_66e57",
                    table="funding_conflict",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="review",
            trigger=pgtrigger.compiler.Trigger(
                name="review_state_legal",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."state" IS DISTINCT FROM NEW."state")',
                    func="IF (OLD.\"state\", NEW.\"state\") NOT IN (('accepted', 'declined'), ('accepted', 'recused'), ('accepted', 'released'), ('accepted', 'submitted'), ('accepted', 'suspended'), ('assigned', 'accepted'), ('assigned', 'declined'), ('assigned', 'recused'), ('assigned', 'released'), ('assigned', 'suspended'), ('declined', 'assigned'), ('released', 'assigned'), ('submitted', 'accepted'), ('submitted', 'suspended'), ('suspended', 'assigned')) THEN RAISE EXCEPTION 'illegal transition of review: % to %', OLD.\"state\", NEW.\"state\" USING ERRCODE = 'check_violation'; END IF; RETURN NEW;",
                    hash="16547bea821f1059d7b5a49f9a4ffd4a51ef3b1f",
                    operation="UPDATE",
                    pgid="pgtrigger_review_state_legal_04f1c",
                    table="funding_review",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="review",
            trigger=pgtrigger.compiler.Trigger(
                name="review_refuses_conflict",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    IF TG_OP = 'UPDATE' THEN\n        IF NEW.state <> 'assigned' OR OLD.state = NEW.state THEN RETURN NEW; END IF;\n    END IF;\n    IF funding_conflict(NEW.reviewer_id, NEW.application_id, EXISTS (\n        SELECT 1 FROM funding_stagerun r JOIN funding_stage s ON s.id = r.stage_id\n        WHERE r.id = NEW.run_id AND s.acts = 'expert')) IS NOT NULL THEN\n        RAISE EXCEPTION 'person % has a conflict of interest with application %', NEW.reviewer_id, NEW.application_id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'review_refuses_conflict';\n    END IF;\n    RETURN NEW;\n",
                    hash="c7dcbd19f01ba5e139cdd87fbf3e5310065db873",
                    operation="INSERT OR UPDATE",
                    pgid="pgtrigger_review_refuses_conflict_47ea9",
                    table="funding_review",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="review",
            trigger=pgtrigger.compiler.Trigger(
                name="review_declared_first",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.\"state\" = 'accepted' AND OLD.\"state\" = 'assigned')",
                    func="\n    IF (NEW.declared_at IS NULL OR NEW.pledge_id IS NULL) AND EXISTS (\n        SELECT 1 FROM funding_stagerun r JOIN funding_stage s ON s.id = r.stage_id\n        WHERE r.id = NEW.run_id AND s.acts = 'expert') THEN\n        RAISE EXCEPTION 'review % has no declaration yet', NEW.id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'review_declared_first';\n    END IF;\n    RETURN NEW;\n",
                    hash="5101da6e8304188383bd7b947764a98847ef17bb",
                    operation="UPDATE",
                    pgid="pgtrigger_review_declared_first_1131d",
                    table="funding_review",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="reviewer",
            trigger=pgtrigger.compiler.Trigger(
                name="reviewer_faculty_of_its_university",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    declare='DECLARE held "funding_reviewer"%ROWTYPE; one bigint; other bigint;',
                    func='SELECT * INTO held FROM "funding_reviewer" WHERE "id" = NEW."id"; IF NOT FOUND THEN RETURN NULL; END IF; one := (SELECT "organisation_id" FROM "incubator_faculty" WHERE "id" = held."faculty_id"); IF one IS NOT NULL THEN other := held."organisation_id"; IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: faculty.organisation is not organisation (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'reviewer_faculty_of_its_university\'; END IF; END IF; RETURN NULL;',
                    hash="1e7ce020a5db6bc25cb42006f913e29b0c4ed06b",
                    operation='INSERT OR UPDATE OF "faculty_id", "organisation_id"',
                    pgid="pgtrigger_reviewer_faculty_of_its_university_f101d",
                    table="funding_reviewer",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="call",
            constraint=models.CheckConstraint(
                condition=models.Q(("conflict_scope__in", ["organisation", "faculty"])),
                name="call_conflict_scope_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="conflict",
            constraint=models.UniqueConstraint(
                condition=models.Q(("organisation__isnull", False)),
                fields=("person", "organisation", "kind", "since"),
                name="conflict_with_organisation_once",
                nulls_distinct=False,
            ),
        ),
        migrations.AddConstraint(
            model_name="conflict",
            constraint=models.UniqueConstraint(
                condition=models.Q(("other__isnull", False)),
                fields=("person", "other", "kind"),
                name="conflict_with_person_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="conflict",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        models.Q(("other_email", ""), ("other_name", ""), ("other_orcid", "")),
                        ("application__isnull", False),
                        ("organisation__isnull", True),
                        ("other__isnull", True),
                    ),
                    models.Q(
                        models.Q(("other_email", ""), ("other_name", ""), ("other_orcid", "")),
                        ("application__isnull", True),
                        ("organisation__isnull", False),
                        ("other__isnull", True),
                    ),
                    models.Q(
                        models.Q(("other_email", ""), ("other_name", ""), ("other_orcid", "")),
                        ("application__isnull", True),
                        ("organisation__isnull", True),
                        ("other__isnull", False),
                    ),
                    models.Q(
                        models.Q(("other_email", ""), ("other_name", ""), ("other_orcid", ""), _negated=True),
                        ("application__isnull", True),
                        ("organisation__isnull", True),
                        ("other__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="conflict_has_one_end",
            ),
        ),
        migrations.AddConstraint(
            model_name="conflict",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("other__isnull", True),
                    models.Q(("other", models.F("person")), _negated=True),
                    _connector="OR",
                ),
                name="conflict_not_with_oneself",
            ),
        ),
        migrations.AddConstraint(
            model_name="conflict",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("since__isnull", True),
                    ("expires_on__isnull", True),
                    ("expires_on__gte", models.F("since")),
                    _connector="OR",
                ),
                name="conflict_dates_in_order",
                violation_error_message="The end lies before the start.",
            ),
        ),
        migrations.AddConstraint(
            model_name="conflict",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "declared",
                            "member",
                            "employer",
                            "faculty",
                            "coauthor",
                            "coinvestigator",
                            "supervisor",
                            "shareholder",
                            "board",
                            "family",
                            "competitor",
                            "unsuitable",
                            "other",
                        ],
                    )
                ),
                name="conflict_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="conflict",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("source__in", ["person", "applicant", "staff", "publications", "register"])
                ),
                name="conflict_source_known",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pledge",
            trigger=pgtrigger.compiler.Trigger(
                name="pledge_words_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."version" IS DISTINCT FROM (NEW."version") OR OLD."text_zh_hans" IS DISTINCT FROM (NEW."text_zh_hans") OR OLD."text_en" IS DISTINCT FROM (NEW."text_en"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="04ab815ff4db098223c0804f23a22ab0b556c227",
                    operation="UPDATE",
                    pgid="pgtrigger_pledge_words_fixed_41347",
                    table="funding_pledge",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pledge",
            trigger=pgtrigger.compiler.Trigger(
                name="pledge_is_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="856a4f24302572b69847d0f5d68da4dc57c425ee",
                    operation="DELETE",
                    pgid="pgtrigger_pledge_is_kept_839a6",
                    table="funding_pledge",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="pledge",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reviews",
                to="funding.pledge",
                verbose_name="pledge of integrity signed",
            ),
        ),
        migrations.RemoveConstraint(
            model_name="callquestion",
            name="call_question_purpose_known",
        ),
        migrations.AlterField(
            model_name="callquestion",
            name="purpose",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "nothing in particular"),
                    ("title", "title of the application"),
                    ("amount", "amount requested"),
                    ("summary", "summary shown to reviewers who declared no conflict"),
                    ("budget", "budget: its total must equal the amount requested"),
                    ("unsuitable", "reviewers whom the applicant considers unsuitable"),
                    ("related", "people to whom the applicant is tied"),
                ],
                default="",
                max_length=12,
                verbose_name="read as",
            ),
        ),
        AddConstraintNotValid(
            model_name="callquestion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("purpose__in", ["", "title", "amount", "summary", "budget", "unsuitable", "related"])
                ),
                name="call_question_purpose_known",
            ),
        ),
    ]
