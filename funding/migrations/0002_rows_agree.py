import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    """Rules that services kept become the database's own. Rows that are there are looked at by the migration after this."""

    dependencies = [
        ("funding", "0001_initial"),
        ("incubator", "0004_rows_looked_at"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="answer",
            name="answer_only_while_editable",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="answerfile",
            name="answer_file_only_while_editable",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="application",
            name="application_identity_fixed",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="review",
            name="review_submitted_fixed",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="answer",
            trigger=pgtrigger.compiler.Trigger(
                name="answer_only_while_editable",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE owner bigint; held text;",
                    func="IF TG_OP = 'DELETE' THEN owner := OLD.application_id; ELSE owner := NEW.application_id; END IF; SELECT state INTO held FROM funding_application WHERE id = owner; IF held NOT IN ('draft', 'returned') THEN RAISE EXCEPTION 'application % is not open for changes', owner USING ERRCODE = 'check_violation'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;",
                    hash="4f68e69343eab27f80da4759794482b502c5e215",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_answer_only_while_editable_240d1",
                    table="funding_answer",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="answer",
            trigger=pgtrigger.compiler.Trigger(
                name="answer_of_its_call",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE one bigint; other bigint;",
                    func='one := (SELECT "call_id" FROM "funding_callquestion" WHERE "id" = NEW."question_id"); IF one IS NOT NULL THEN other := (SELECT "call_id" FROM "funding_application" WHERE "id" = NEW."application_id"); IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: question.call is not application.call (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'answer_of_its_call\'; END IF; END IF; RETURN NEW;',
                    hash="2992113babaa969e023ffc88b5d07dc32791037c",
                    operation="INSERT",
                    pgid="pgtrigger_answer_of_its_call_07e1b",
                    table="funding_answer",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="answer",
            trigger=pgtrigger.compiler.Trigger(
                name="answer_place_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."application_id" IS DISTINCT FROM (NEW."application_id") OR OLD."question_id" IS DISTINCT FROM (NEW."question_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="4ecc6abe293a67de9174223526d4fc2489c3a983",
                    operation="UPDATE",
                    pgid="pgtrigger_answer_place_fixed_fe315",
                    table="funding_answer",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="answerfile",
            trigger=pgtrigger.compiler.Trigger(
                name="answer_file_only_while_editable",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE owner bigint; held text;",
                    func="IF TG_OP = 'DELETE' THEN owner := OLD.application_id; ELSE owner := NEW.application_id; END IF; SELECT state INTO held FROM funding_application WHERE id = owner; IF held NOT IN ('draft', 'returned') THEN RAISE EXCEPTION 'application % is not open for changes', owner USING ERRCODE = 'check_violation'; END IF; IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW;",
                    hash="eed50c139f75da606bf95fde921d8f62b0f2b35a",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_answer_file_only_while_editable_7ffc2",
                    table="funding_answerfile",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="answerfile",
            trigger=pgtrigger.compiler.Trigger(
                name="answer_file_of_its_call",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE one bigint; other bigint;",
                    func='one := (SELECT "call_id" FROM "funding_callquestion" WHERE "id" = NEW."question_id"); IF one IS NOT NULL THEN other := (SELECT "call_id" FROM "funding_application" WHERE "id" = NEW."application_id"); IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: question.call is not application.call (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'answer_file_of_its_call\'; END IF; END IF; RETURN NEW;',
                    hash="375861d237ffb7e9dacb9d59ef1689f68da17f93",
                    operation="INSERT",
                    pgid="pgtrigger_answer_file_of_its_call_3cf8f",
                    table="funding_answerfile",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="answerfile",
            trigger=pgtrigger.compiler.Trigger(
                name="answer_file_place_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."application_id" IS DISTINCT FROM (NEW."application_id") OR OLD."question_id" IS DISTINCT FROM (NEW."question_id") OR OLD."document_id" IS DISTINCT FROM (NEW."document_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="2cf66abfd36cfa94a0aa23340cd88d6105dfa588",
                    operation="UPDATE",
                    pgid="pgtrigger_answer_file_place_fixed_6bca5",
                    table="funding_answerfile",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="application",
            trigger=pgtrigger.compiler.Trigger(
                name="application_identity_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."call_id" IS DISTINCT FROM (NEW."call_id") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."project_id" IS DISTINCT FROM (NEW."project_id") OR OLD."created_by_id" IS DISTINCT FROM (NEW."created_by_id") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="1594904ee3c7569535892d359b6d6b2b50f4ba9a",
                    operation="UPDATE",
                    pgid="pgtrigger_application_identity_fixed_a35e5",
                    table="funding_application",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="application",
            trigger=pgtrigger.compiler.Trigger(
                name="application_moves_only_by_merge",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."organisation_id" IS DISTINCT FROM NEW."organisation_id")',
                    func="IF NOT EXISTS (SELECT 1 FROM incubator_organisation o WHERE o.id = OLD.\"organisation_id\" AND o.merged_into_id = NEW.\"organisation_id\") THEN RAISE EXCEPTION '% % stays with its organisation', TG_TABLE_NAME, OLD.id USING ERRCODE = 'check_violation', CONSTRAINT = 'application_moves_only_by_merge'; END IF; RETURN NEW;",
                    hash="5060158348065b0ae0744373e825a79c067ead5e",
                    operation="UPDATE",
                    pgid="pgtrigger_application_moves_only_by_merge_bd6d2",
                    table="funding_application",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="application",
            trigger=pgtrigger.compiler.Trigger(
                name="application_stage_of_its_call",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE one bigint; other bigint;",
                    func='one := (SELECT "call_id" FROM "funding_stage" WHERE "id" = NEW."current_stage_id"); IF one IS NOT NULL THEN other := NEW."call_id"; IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: current_stage.call is not call (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'application_stage_of_its_call\'; END IF; END IF; RETURN NEW;',
                    hash="355e7f8287db8b52d32160387392f54e5d344f2b",
                    operation='INSERT OR UPDATE OF "current_stage_id"',
                    pgid="pgtrigger_application_stage_of_its_call_c745c",
                    table="funding_application",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="application",
            trigger=pgtrigger.compiler.Trigger(
                name="application_submitted_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."submitted_at" IS NOT NULL AND (OLD."submitted_at" IS DISTINCT FROM (NEW."submitted_at") OR (NOT (OLD."state" IN (\'draft\', \'returned\')) AND OLD."amount_fen" IS DISTINCT FROM (NEW."amount_fen"))))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="c58bb339e8beb2f19acb0a4c4b2ba38233b672cd",
                    operation="UPDATE",
                    pgid="pgtrigger_application_submitted_fixed_02e7b",
                    table="funding_application",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="application",
            trigger=pgtrigger.compiler.Trigger(
                name="application_is_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."submitted_at" IS NOT NULL)',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="56c867bc9dabe76fff5dad20b82bbec0a3127087",
                    operation="DELETE",
                    pgid="pgtrigger_application_is_kept_99870",
                    table="funding_application",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="application",
            trigger=pgtrigger.compiler.Trigger(
                name="application_decided_by_release",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND NEW.state IN ('approved', 'declined', 'reserved'))",
                    constraint="CONSTRAINT",
                    func="\n    IF NOT EXISTS (SELECT 1 FROM funding_decision d\n                   WHERE d.application_id = NEW.id AND d.state = 'released'\n                   AND d.verdict = CASE NEW.state WHEN 'approved' THEN 'approve'\n                                                  WHEN 'reserved' THEN 'reserve' ELSE 'decline' END) THEN\n        RAISE EXCEPTION 'application % is % without a decision that says so', NEW.id, NEW.state\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'application_decided_by_release';\n    END IF;\n    RETURN NULL;\n",
                    hash="43a74fcb20c2eac6aeb0a91c0ca0955a3c0c84f3",
                    operation="UPDATE",
                    pgid="pgtrigger_application_decided_by_release_ed370",
                    table="funding_application",
                    timing="DEFERRABLE INITIALLY DEFERRED",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="award",
            trigger=pgtrigger.compiler.Trigger(
                name="award_of_its_application",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE one bigint; other bigint;",
                    func='one := NEW."fund_id"; IF one IS NOT NULL THEN other := (SELECT "fund_id" FROM "funding_call" WHERE "id" = (SELECT "call_id" FROM "funding_application" WHERE "id" = NEW."application_id")); IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: fund is not application.call.fund (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'award_of_its_application\'; END IF; END IF; one := NEW."organisation_id"; IF one IS NOT NULL THEN other := (SELECT "organisation_id" FROM "funding_application" WHERE "id" = NEW."application_id"); IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: organisation is not application.organisation (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'award_of_its_application\'; END IF; END IF; one := NEW."project_id"; IF one IS NOT NULL THEN other := (SELECT "project_id" FROM "funding_application" WHERE "id" = NEW."application_id"); IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: project is not application.project (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'award_of_its_application\'; END IF; END IF; RETURN NEW;',
                    hash="04718eeb5f42b97519edbd1afe836ff6f5330c2f",
                    operation="INSERT",
                    pgid="pgtrigger_award_of_its_application_a66ac",
                    table="funding_award",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="award",
            trigger=pgtrigger.compiler.Trigger(
                name="award_of_a_released_approval",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n    IF NOT EXISTS (SELECT 1 FROM funding_decision d\n                   WHERE d.application_id = NEW.application_id AND d.state = 'released' AND d.verdict = 'approve'\n                   AND d.amount_fen = NEW.amount_fen) THEN\n        RAISE EXCEPTION 'no released decision grants application % the amount %', NEW.application_id, NEW.amount_fen\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'award_of_a_released_approval';\n    END IF;\n    RETURN NULL;\n",
                    hash="b34916a7792b04458a669cdbbe9782c3df9a1865",
                    operation="INSERT",
                    pgid="pgtrigger_award_of_a_released_approval_9ea43",
                    table="funding_award",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="award",
            trigger=pgtrigger.compiler.Trigger(
                name="award_terms_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."number" IS DISTINCT FROM (NEW."number") OR OLD."application_id" IS DISTINCT FROM (NEW."application_id") OR OLD."fund_id" IS DISTINCT FROM (NEW."fund_id") OR OLD."project_id" IS DISTINCT FROM (NEW."project_id") OR OLD."title" IS DISTINCT FROM (NEW."title") OR OLD."amount_fen" IS DISTINCT FROM (NEW."amount_fen") OR OLD."awarded_at" IS DISTINCT FROM (NEW."awarded_at"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="959e621414349098d4a1e6d213d511d765363bd3",
                    operation="UPDATE",
                    pgid="pgtrigger_award_terms_fixed_b5767",
                    table="funding_award",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="award",
            trigger=pgtrigger.compiler.Trigger(
                name="award_moves_only_by_merge",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."organisation_id" IS DISTINCT FROM NEW."organisation_id")',
                    func="IF NOT EXISTS (SELECT 1 FROM incubator_organisation o WHERE o.id = OLD.\"organisation_id\" AND o.merged_into_id = NEW.\"organisation_id\") THEN RAISE EXCEPTION '% % stays with its organisation', TG_TABLE_NAME, OLD.id USING ERRCODE = 'check_violation', CONSTRAINT = 'award_moves_only_by_merge'; END IF; RETURN NEW;",
                    hash="4b4969639d0c722ce5786c78c7feadfe84ed8a98",
                    operation="UPDATE",
                    pgid="pgtrigger_award_moves_only_by_merge_de49f",
                    table="funding_award",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="award",
            trigger=pgtrigger.compiler.Trigger(
                name="award_is_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="7f3a2b7764a77f1a9eb7af6234f9332531776f3f",
                    operation="DELETE",
                    pgid="pgtrigger_award_is_kept_c696b",
                    table="funding_award",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="callquestion",
            trigger=pgtrigger.compiler.Trigger(
                name="call_question_of_its_call",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE one bigint; other bigint;",
                    func='one := (SELECT "call_id" FROM "funding_section" WHERE "id" = NEW."section_id"); IF one IS NOT NULL THEN other := NEW."call_id"; IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: section.call is not call (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'call_question_of_its_call\'; END IF; END IF; one := (SELECT "call_id" FROM "funding_callquestion" WHERE "id" = NEW."condition_on_id"); IF one IS NOT NULL THEN other := NEW."call_id"; IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: condition_on.call is not call (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'call_question_of_its_call\'; END IF; END IF; RETURN NEW;',
                    hash="c615b754e39149e493a7e080a6525843d331a47b",
                    operation='INSERT OR UPDATE OF "call_id", "section_id", "condition_on_id"',
                    pgid="pgtrigger_call_question_of_its_call_39914",
                    table="funding_callquestion",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="conflict",
            trigger=pgtrigger.compiler.Trigger(
                name="conflict_identity_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."person_id" IS DISTINCT FROM (NEW."person_id") OR OLD."application_id" IS DISTINCT FROM (NEW."application_id") OR OLD."kind" IS DISTINCT FROM (NEW."kind") OR OLD."recorded_by_id" IS DISTINCT FROM (NEW."recorded_by_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="f3131fd927628eceed2c8b241bdd25ee24ee7281",
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
                    condition='WHEN (OLD."recorded_by_id" = (OLD."person_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="9f0dfa2a01b184cba1855e138040c5c86e0d94c5",
                    operation="DELETE",
                    pgid="pgtrigger_conflict_declared_is_kept_48c00",
                    table="funding_conflict",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="decision",
            trigger=pgtrigger.compiler.Trigger(
                name="decision_application_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."application_id" IS DISTINCT FROM (NEW."application_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="828e2c0ff718c64180ab84eea66cfabdb6b3702e",
                    operation="UPDATE",
                    pgid="pgtrigger_decision_application_fixed_068f3",
                    table="funding_decision",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="decision",
            trigger=pgtrigger.compiler.Trigger(
                name="decision_in_a_letter_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'pending' AND (OLD.verdict, OLD.amount_fen, OLD.conditions, OLD.comment_applicant) IS DISTINCT FROM (NEW.verdict, NEW.amount_fen, NEW.conditions, NEW.comment_applicant))",
                    func="IF EXISTS (SELECT 1 FROM funding_letter WHERE decision_id = NEW.id) THEN RAISE EXCEPTION 'decision % has a letter that says otherwise', NEW.id USING ERRCODE = 'check_violation'; END IF; RETURN NEW;",
                    hash="25493132e05dbed8d380802b22d02a3f0a301549",
                    operation="UPDATE",
                    pgid="pgtrigger_decision_in_a_letter_fixed_43fe2",
                    table="funding_decision",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="letter",
            trigger=pgtrigger.compiler.Trigger(
                name="letter_decision_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."decision_id" IS DISTINCT FROM (NEW."decision_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="1075eba71a9019e0d9d51565e3d8ad5c448904bd",
                    operation="UPDATE",
                    pgid="pgtrigger_letter_decision_fixed_84bea",
                    table="funding_letter",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="letter",
            trigger=pgtrigger.compiler.Trigger(
                name="letter_checked_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."state" = \'checked\' AND (OLD."subject" IS DISTINCT FROM (NEW."subject") OR OLD."body" IS DISTINCT FROM (NEW."body") OR OLD."document_id" IS DISTINCT FROM (NEW."document_id")))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="d5791073e5a157331965a84d1d4f83c46aef7ecc",
                    operation="UPDATE",
                    pgid="pgtrigger_letter_checked_fixed_21bc5",
                    table="funding_letter",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="letter",
            trigger=pgtrigger.compiler.Trigger(
                name="letter_waits_for_its_decision",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.\"state\" = 'released' AND NOT (OLD.\"state\" = 'released'))",
                    func="IF NOT EXISTS (SELECT 1 FROM funding_decision WHERE id = NEW.decision_id AND state = 'released') THEN RAISE EXCEPTION 'the decision of letter % is not released', NEW.id USING ERRCODE = 'check_violation'; END IF; RETURN NEW;",
                    hash="564d8b2b2fb669cd7a9b826a3b646068f7778044",
                    operation="UPDATE",
                    pgid="pgtrigger_letter_waits_for_its_decision_740f4",
                    table="funding_letter",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="objection",
            trigger=pgtrigger.compiler.Trigger(
                name="objection_words_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."run_id" IS DISTINCT FROM (NEW."run_id") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."email" IS DISTINCT FROM (NEW."email") OR OLD."text" IS DISTINCT FROM (NEW."text") OR OLD."received_at" IS DISTINCT FROM (NEW."received_at"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="8889181d14446f0cef6ce2a825ee2ca1fa547a35",
                    operation="UPDATE",
                    pgid="pgtrigger_objection_words_fixed_58064",
                    table="funding_objection",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="objection",
            trigger=pgtrigger.compiler.Trigger(
                name="objection_resolved_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."upheld" IS NOT NULL)',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="60ca665f189857e19d425d8da3440a8c42849129",
                    operation="UPDATE",
                    pgid="pgtrigger_objection_resolved_fixed_6fddc",
                    table="funding_objection",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="objection",
            trigger=pgtrigger.compiler.Trigger(
                name="objection_is_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="7fa50370cda263fa01985f0a177cebbfeda64321",
                    operation="DELETE",
                    pgid="pgtrigger_objection_is_kept_5dcd1",
                    table="funding_objection",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="return",
            trigger=pgtrigger.compiler.Trigger(
                name="return_of_its_application",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE one bigint; other bigint;",
                    func='one := (SELECT "application_id" FROM "funding_version" WHERE "id" = NEW."version_id"); IF one IS NOT NULL THEN other := NEW."application_id"; IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: version.application is not application (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'return_of_its_application\'; END IF; END IF; one := (SELECT "call_id" FROM "funding_stage" WHERE "id" = NEW."stage_id"); IF one IS NOT NULL THEN other := (SELECT "call_id" FROM "funding_application" WHERE "id" = NEW."application_id"); IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: stage.call is not application.call (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'return_of_its_application\'; END IF; END IF; RETURN NEW;',
                    hash="3b37f6b0b4e69f47ff4dca598ed58fae5c96b3e2",
                    operation="INSERT",
                    pgid="pgtrigger_return_of_its_application_9dc04",
                    table="funding_return",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="return",
            trigger=pgtrigger.compiler.Trigger(
                name="return_terms_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."application_id" IS DISTINCT FROM (NEW."application_id") OR OLD."version_id" IS DISTINCT FROM (NEW."version_id") OR OLD."stage_id" IS DISTINCT FROM (NEW."stage_id") OR OLD."message" IS DISTINCT FROM (NEW."message") OR OLD."due_at" IS DISTINCT FROM (NEW."due_at") OR OLD."returned_by_id" IS DISTINCT FROM (NEW."returned_by_id") OR OLD."returned_at" IS DISTINCT FROM (NEW."returned_at"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="c600650fb37701ab180474e8988fa48292e629a3",
                    operation="UPDATE",
                    pgid="pgtrigger_return_terms_fixed_a413c",
                    table="funding_return",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="return",
            trigger=pgtrigger.compiler.Trigger(
                name="return_is_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="324a0a786c2397c30b4b78bd233440886295aee4",
                    operation="DELETE",
                    pgid="pgtrigger_return_is_kept_34676",
                    table="funding_return",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="returnitem",
            trigger=pgtrigger.compiler.Trigger(
                name="return_item_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."returned_id" IS DISTINCT FROM (NEW."returned_id") OR OLD."question_id" IS DISTINCT FROM (NEW."question_id") OR OLD."comment" IS DISTINCT FROM (NEW."comment"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="9530314aa2b1a3ed69e149602d19f33c8811c685",
                    operation="UPDATE",
                    pgid="pgtrigger_return_item_fixed_89bc6",
                    table="funding_returnitem",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="returnitem",
            trigger=pgtrigger.compiler.Trigger(
                name="return_item_is_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="ead6bd4d7e7326c91aeec2141b0abeaae6ad3daa",
                    operation="DELETE",
                    pgid="pgtrigger_return_item_is_kept_edb3d",
                    table="funding_returnitem",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="returnitem",
            trigger=pgtrigger.compiler.Trigger(
                name="return_item_of_its_call",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE one bigint; other bigint;",
                    func='one := (SELECT "call_id" FROM "funding_callquestion" WHERE "id" = NEW."question_id"); IF one IS NOT NULL THEN other := (SELECT "call_id" FROM "funding_application" WHERE "id" = (SELECT "application_id" FROM "funding_return" WHERE "id" = NEW."returned_id")); IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: question.call is not returned.application.call (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'return_item_of_its_call\'; END IF; END IF; RETURN NEW;',
                    hash="16e10d75d193a19dfafce63a3d3a85979fef5a91",
                    operation="INSERT",
                    pgid="pgtrigger_return_item_of_its_call_57c5d",
                    table="funding_returnitem",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="review",
            trigger=pgtrigger.compiler.Trigger(
                name="review_of_its_run",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE one bigint; other bigint;",
                    func='one := (SELECT "application_id" FROM "funding_stagerun" WHERE "id" = NEW."run_id"); IF one IS NOT NULL THEN other := NEW."application_id"; IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: run.application is not application (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'review_of_its_run\'; END IF; END IF; RETURN NEW;',
                    hash="4b1b338b23a673c32fd5b53ca6e8d29c8d494a2b",
                    operation="INSERT",
                    pgid="pgtrigger_review_of_its_run_6f03b",
                    table="funding_review",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="review",
            trigger=pgtrigger.compiler.Trigger(
                name="review_is_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="10bf4f0eb29089b65870fec57b3fcc60af04629e",
                    operation="DELETE",
                    pgid="pgtrigger_review_is_kept_2cdf7",
                    table="funding_review",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="review",
            trigger=pgtrigger.compiler.Trigger(
                name="review_submitted_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (NEW."state" = \'submitted\' AND OLD."state" = \'submitted\' AND (OLD."opinion" IS DISTINCT FROM (NEW."opinion") OR OLD."confidence" IS DISTINCT FROM (NEW."confidence") OR OLD."score" IS DISTINCT FROM (NEW."score") OR OLD."submitted_at" IS DISTINCT FROM (NEW."submitted_at") OR OLD."comment_committee" IS DISTINCT FROM (NEW."comment_committee") OR OLD."comment_applicant" IS DISTINCT FROM (NEW."comment_applicant")))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="581ce1f9758e6981daa8f8d66d30d6c0170bda33",
                    operation="UPDATE",
                    pgid="pgtrigger_review_submitted_fixed_53949",
                    table="funding_review",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="score",
            trigger=pgtrigger.compiler.Trigger(
                name="score_of_its_stage",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE one bigint; other bigint;",
                    func='one := (SELECT "stage_id" FROM "funding_criterion" WHERE "id" = NEW."criterion_id"); IF one IS NOT NULL THEN other := (SELECT "stage_id" FROM "funding_stagerun" WHERE "id" = (SELECT "run_id" FROM "funding_review" WHERE "id" = NEW."review_id")); IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: criterion.stage is not review.run.stage (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'score_of_its_stage\'; END IF; END IF; RETURN NEW;',
                    hash="8073398784589844c35879331fe2821813dec2ca",
                    operation="INSERT",
                    pgid="pgtrigger_score_of_its_stage_44b6f",
                    table="funding_score",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="score",
            trigger=pgtrigger.compiler.Trigger(
                name="score_place_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."review_id" IS DISTINCT FROM (NEW."review_id") OR OLD."criterion_id" IS DISTINCT FROM (NEW."criterion_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="e1c14edb35593fbb0d357b733c7302700dc44316",
                    operation="UPDATE",
                    pgid="pgtrigger_score_place_fixed_d036b",
                    table="funding_score",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="score",
            trigger=pgtrigger.compiler.Trigger(
                name="score_is_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="54a2cfd4fccfc6b11ee8097a3a51fb53f85b6058",
                    operation="DELETE",
                    pgid="pgtrigger_score_is_kept_b4d54",
                    table="funding_score",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="stagerun",
            trigger=pgtrigger.compiler.Trigger(
                name="stage_run_of_its_call",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE one bigint; other bigint;",
                    func='one := (SELECT "call_id" FROM "funding_stage" WHERE "id" = NEW."stage_id"); IF one IS NOT NULL THEN other := (SELECT "call_id" FROM "funding_application" WHERE "id" = NEW."application_id"); IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: stage.call is not application.call (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'stage_run_of_its_call\'; END IF; END IF; RETURN NEW;',
                    hash="0646cd8038e3c40a92bb7b2390f11a0350c01fe1",
                    operation="INSERT",
                    pgid="pgtrigger_stage_run_of_its_call_d8ea6",
                    table="funding_stagerun",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="stagerun",
            trigger=pgtrigger.compiler.Trigger(
                name="stage_run_place_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."application_id" IS DISTINCT FROM (NEW."application_id") OR OLD."stage_id" IS DISTINCT FROM (NEW."stage_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="968aed4e96a8aa4caaa85104d9e217ff57803988",
                    operation="UPDATE",
                    pgid="pgtrigger_stage_run_place_fixed_7bd0a",
                    table="funding_stagerun",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="stagerun",
            trigger=pgtrigger.compiler.Trigger(
                name="stage_run_is_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="793599d1abeea684bfb76b9f5c2aa1637deb10cf",
                    operation="DELETE",
                    pgid="pgtrigger_stage_run_is_kept_e106c",
                    table="funding_stagerun",
                    when="BEFORE",
                ),
            ),
        ),
        AddConstraintNotValid(
            model_name="call",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("max_amount_fen__isnull", True), ("max_amount_fen__gte", 0), _connector="OR"
                ),
                name="call_largest_amount_not_negative",
            ),
        ),
        AddConstraintNotValid(
            model_name="call",
            constraint=models.CheckConstraint(
                condition=models.Q(("applicants__contained_by", ["organisation", "project"])),
                name="call_applicants_known",
            ),
        ),
        AddConstraintNotValid(
            model_name="callquestion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("purpose__in", ["", "title", "amount", "summary", "budget", "unsuitable"])
                ),
                name="call_question_purpose_known",
            ),
        ),
        AddConstraintNotValid(
            model_name="criterion",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["score", "check"])), name="criterion_kind_known"
            ),
        ),
        AddConstraintNotValid(
            model_name="criterion",
            constraint=models.CheckConstraint(
                condition=models.Q(("weight__gte", 1), ("max_score__gte", 1)),
                name="rubric_weights_above_zero",
            ),
        ),
        AddConstraintNotValid(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(("verdict__in", ["approve", "reserve", "decline"])),
                name="decision_verdict_known",
            ),
        ),
        AddConstraintNotValid(
            model_name="eligibilityrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "max_age_months",
                            "min_age_months",
                            "in_qingpu",
                            "has_uscc",
                            "of_university",
                            "min_trl",
                            "max_trl",
                            "min_amount",
                            "max_amount",
                            "max_applications",
                            "no_open_award",
                        ],
                    )
                ),
                name="eligibility_rule_kind_known",
            ),
        ),
        AddConstraintNotValid(
            model_name="eligibilityrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("applies_to__in", ["organisation", "project", ""])),
                name="eligibility_rule_for_known",
            ),
        ),
        AddConstraintNotValid(
            model_name="lettertemplate",
            constraint=models.CheckConstraint(
                condition=models.Q(("verdict__in", ["approve", "reserve", "decline"])),
                name="letter_template_verdict_known",
            ),
        ),
        AddConstraintNotValid(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "opinion__in",
                        [
                            "pass",
                            "endorse",
                            "fund",
                            "fund_with_changes",
                            "return",
                            "reject",
                            "object",
                            "do_not_fund",
                            "",
                        ],
                    )
                ),
                name="review_opinion_known",
            ),
        ),
        AddConstraintNotValid(
            model_name="stage",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        ["screening", "liaison", "expert", "panel", "diligence", "notice", "decision"],
                    )
                ),
                name="stage_kind_known",
            ),
        ),
        AddConstraintNotValid(
            model_name="stage",
            constraint=models.CheckConstraint(
                condition=models.Q(("acts__in", ["officer", "lead", "fund_manager", "liaison", "expert"])),
                name="stage_acts_known",
            ),
        ),
        AddConstraintNotValid(
            model_name="stage",
            constraint=models.CheckConstraint(
                condition=models.Q(("completion__in", ["count", "all", "staff", "time"])),
                name="stage_completion_known",
            ),
        ),
        AddConstraintNotValid(
            model_name="stage",
            constraint=models.CheckConstraint(
                condition=models.Q(("on_negative__in", ["continue", "reject"])),
                name="stage_on_negative_known",
            ),
        ),
        AddConstraintNotValid(
            model_name="stage",
            constraint=models.CheckConstraint(
                condition=models.Q(("required_count__gte", 1)), name="stage_waits_for_an_opinion"
            ),
        ),
    ]
