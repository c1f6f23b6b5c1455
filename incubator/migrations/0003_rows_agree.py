import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    """Rules that services kept become the database's own. Rows that are there are looked at by the migration after this."""

    dependencies = [
        ("incubator", "0002_liaison_claims"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="faculty",
            trigger=pgtrigger.compiler.Trigger(
                name="faculty_moves_only_by_merge",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."organisation_id" IS DISTINCT FROM NEW."organisation_id")',
                    func="IF NOT EXISTS (SELECT 1 FROM incubator_organisation o WHERE o.id = OLD.\"organisation_id\" AND o.merged_into_id = NEW.\"organisation_id\") THEN RAISE EXCEPTION '% % stays with its organisation', TG_TABLE_NAME, OLD.id USING ERRCODE = 'check_violation', CONSTRAINT = 'faculty_moves_only_by_merge'; END IF; RETURN NEW;",
                    hash="4935d00e9f64c8d1bfa58c740e5b87c198ce6b03",
                    operation="UPDATE",
                    pgid="pgtrigger_faculty_moves_only_by_merge_e5b84",
                    table="incubator_faculty",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="liaison",
            trigger=pgtrigger.compiler.Trigger(
                name="liaison_faculty_of_its_university",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    declare='DECLARE held "incubator_liaison"%ROWTYPE; one bigint; other bigint;',
                    func='SELECT * INTO held FROM "incubator_liaison" WHERE "id" = NEW."id"; IF NOT FOUND THEN RETURN NULL; END IF; one := (SELECT "organisation_id" FROM "incubator_faculty" WHERE "id" = held."faculty_id"); IF one IS NOT NULL THEN other := held."organisation_id"; IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: faculty.organisation is not organisation (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'liaison_faculty_of_its_university\'; END IF; END IF; RETURN NULL;',
                    hash="c4e3009c988ff8499bab7fe2be15e0e51dd82e0e",
                    operation='INSERT OR UPDATE OF "faculty_id", "organisation_id"',
                    pgid="pgtrigger_liaison_faculty_of_its_university_d54a8",
                    table="incubator_liaison",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="liaisonclaim",
            trigger=pgtrigger.compiler.Trigger(
                name="liaison_claim_faculty_of_its_university",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    declare='DECLARE held "incubator_liaisonclaim"%ROWTYPE; one bigint; other bigint;',
                    func='SELECT * INTO held FROM "incubator_liaisonclaim" WHERE "id" = NEW."id"; IF NOT FOUND THEN RETURN NULL; END IF; one := (SELECT "organisation_id" FROM "incubator_faculty" WHERE "id" = held."faculty_id"); IF one IS NOT NULL THEN other := held."organisation_id"; IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: faculty.organisation is not organisation (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'liaison_claim_faculty_of_its_university\'; END IF; END IF; RETURN NULL;',
                    hash="124b1168caacf47b3b64252f4d39f64bea94fbdf",
                    operation='INSERT OR UPDATE OF "faculty_id", "organisation_id"',
                    pgid="pgtrigger_liaison_claim_faculty_of_its_university_c80b4",
                    table="incubator_liaisonclaim",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membership",
            trigger=pgtrigger.compiler.Trigger(
                name="membership_person_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."user_id" IS DISTINCT FROM (NEW."user_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="aae257321d132fae7961ce46ddb528d9880f2af8",
                    operation="UPDATE",
                    pgid="pgtrigger_membership_person_fixed_30848",
                    table="incubator_membership",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membership",
            trigger=pgtrigger.compiler.Trigger(
                name="membership_moves_only_by_merge",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."organisation_id" IS DISTINCT FROM NEW."organisation_id")',
                    func="IF NOT EXISTS (SELECT 1 FROM incubator_organisation o WHERE o.id = OLD.\"organisation_id\" AND o.merged_into_id = NEW.\"organisation_id\") THEN RAISE EXCEPTION '% % stays with its organisation', TG_TABLE_NAME, OLD.id USING ERRCODE = 'check_violation', CONSTRAINT = 'membership_moves_only_by_merge'; END IF; RETURN NEW;",
                    hash="f18ed3ad85eb713b5143a4a117672a3aa4a025c9",
                    operation="UPDATE",
                    pgid="pgtrigger_membership_moves_only_by_merge_3ad80",
                    table="incubator_membership",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="organisation",
            trigger=pgtrigger.compiler.Trigger(
                name="organisation_merged_into_one_that_stands",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (NEW."merged_into_id" IS NOT NULL AND OLD."merged_into_id" IS DISTINCT FROM (NEW."merged_into_id"))',
                    declare="DECLARE held text;",
                    func="\n    SELECT state INTO held FROM incubator_organisation WHERE id = NEW.merged_into_id FOR SHARE;\n    IF held = 'merged' THEN\n        RAISE EXCEPTION 'organisation % cannot be merged into %, which was merged itself', NEW.id, NEW.merged_into_id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'organisation_merged_into_one_that_stands';\n    END IF;\n    RETURN NEW;\n",
                    hash="2f0ac103982342c751f634a0a199381bc01c2a54",
                    operation="UPDATE",
                    pgid="pgtrigger_organisation_merged_into_one_that_stands_d2a9c",
                    table="incubator_organisation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="projectmember",
            trigger=pgtrigger.compiler.Trigger(
                name="project_member_project_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."project_id" IS DISTINCT FROM (NEW."project_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="9213251e7414fe4746f4129f7d4fa12a2b555f08",
                    operation="UPDATE",
                    pgid="pgtrigger_project_member_project_fixed_8309b",
                    table="incubator_projectmember",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="researchproject",
            trigger=pgtrigger.compiler.Trigger(
                name="project_faculty_of_its_university",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    constraint="CONSTRAINT",
                    declare='DECLARE held "incubator_researchproject"%ROWTYPE; one bigint; other bigint;',
                    func='SELECT * INTO held FROM "incubator_researchproject" WHERE "id" = NEW."id"; IF NOT FOUND THEN RETURN NULL; END IF; one := (SELECT "organisation_id" FROM "incubator_faculty" WHERE "id" = held."faculty_id"); IF one IS NOT NULL THEN other := held."university_id"; IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: faculty.organisation is not university (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'project_faculty_of_its_university\'; END IF; END IF; RETURN NULL;',
                    hash="97855976c244cc6ffebc52293c15793baf4ae15e",
                    operation='INSERT OR UPDATE OF "faculty_id", "university_id"',
                    pgid="pgtrigger_project_faculty_of_its_university_c5184",
                    table="incubator_researchproject",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        AddConstraintNotValid(
            model_name="organisation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "merged"), _negated=True), ("uscc__isnull", True), _connector="OR"
                ),
                name="organisation_merged_has_no_code",
            ),
        ),
        AddConstraintNotValid(
            model_name="organisation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["startup", "company", "university", "institute", "hospital", "public_body"])
                ),
                name="organisation_kind_known",
            ),
        ),
        AddConstraintNotValid(
            model_name="projectmember",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["pi", "co_pi", "member", "assistant"])),
                name="project_member_role_known",
            ),
        ),
    ]
