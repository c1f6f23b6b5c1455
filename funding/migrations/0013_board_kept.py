import pgtrigger.compiler
import pgtrigger.migrations
from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """What the database refuses of the board and of public notices, once every application under notice has its line."""

    dependencies = [("funding", "0012_notices_as_lists")]

    operations = [
        ValidateConstraint("decision", "decision_place_of_a_reserve"),
        pgtrigger.migrations.RemoveTrigger(
            model_name="decision",
            name="decision_in_a_letter_fixed",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="objection",
            name="objection_words_fixed",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="call",
            trigger=pgtrigger.compiler.Trigger(
                name="call_budget_covers_what_was_granted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.budget_fen < COALESCE(OLD.budget_fen, 9223372036854775807))",
                    func="IF GREATEST(NEW.budget_fen, 0) < (SELECT COALESCE(SUM(d.amount_fen), 0) FROM funding_decision d JOIN funding_application a ON a.id = d.application_id LEFT JOIN funding_award w ON w.application_id = a.id WHERE a.call_id = NEW.id AND d.state = 'released' AND d.verdict = 'approve' AND w.state IS DISTINCT FROM 'lapsed') THEN RAISE EXCEPTION 'more was granted under call % than that', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = 'call_budget_covers_what_was_granted'; END IF; RETURN NEW;",
                    hash="32421bc4785f175c703939410282ba82f961e95d",
                    operation="UPDATE",
                    pgid="pgtrigger_call_budget_covers_what_was_granted_64763",
                    table="funding_call",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="decision",
            trigger=pgtrigger.compiler.Trigger(
                name="decision_in_a_letter_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'pending' AND (OLD.verdict, OLD.amount_fen, OLD.amount_reason, OLD.conditions, OLD.comment_applicant) IS DISTINCT FROM (NEW.verdict, NEW.amount_fen, NEW.amount_reason, NEW.conditions, NEW.comment_applicant))",
                    func="IF EXISTS (SELECT 1 FROM funding_letter WHERE decision_id = NEW.id) THEN RAISE EXCEPTION 'decision % has a letter that says otherwise', NEW.id USING ERRCODE = 'check_violation'; END IF; RETURN NEW;",
                    hash="46f84774527367841b2196d987bcd5feb316567b",
                    operation="UPDATE",
                    pgid="pgtrigger_decision_in_a_letter_fixed_43fe2",
                    table="funding_decision",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="decision",
            trigger=pgtrigger.compiler.Trigger(
                name="decision_after_its_notice",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'pending' AND NEW.state = 'released' AND NEW.verdict = 'approve')",
                    func="\n    IF EXISTS (SELECT 1 FROM funding_stage s JOIN funding_application a ON a.call_id = s.call_id\n               WHERE a.id = NEW.application_id AND s.kind = 'notice')\n       AND NOT EXISTS (SELECT 1 FROM funding_noticeline l WHERE l.application_id = NEW.application_id\n                       AND l.state = 'passed' AND COALESCE(l.amount_fen, NEW.amount_fen) >= NEW.amount_fen) THEN\n        RAISE EXCEPTION 'the public notice of application % is not over', NEW.application_id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'decision_after_its_notice';\n    END IF;\n    RETURN NEW;\n",
                    hash="1924dc80e835f03962e1c017dda482c178ef90c7",
                    operation="UPDATE",
                    pgid="pgtrigger_decision_after_its_notice_d088c",
                    table="funding_decision",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="decision",
            trigger=pgtrigger.compiler.Trigger(
                name="decision_within_the_budget",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state = 'pending' AND NEW.state = 'released' AND NEW.verdict = 'approve')",
                    declare="DECLARE held funding_call%ROWTYPE; spent bigint;",
                    func="\n    SELECT c.* INTO held FROM funding_call c JOIN funding_application a ON a.call_id = c.id\n        WHERE a.id = NEW.application_id FOR NO KEY UPDATE OF c;\n    SELECT COALESCE(SUM(d.amount_fen), 0) INTO spent FROM funding_decision d\n        JOIN funding_application a ON a.id = d.application_id LEFT JOIN funding_award w ON w.application_id = a.id\n        WHERE a.call_id = held.id AND d.state = 'released' AND d.verdict = 'approve' AND d.id <> NEW.id\n        AND w.state IS DISTINCT FROM 'lapsed';\n    IF held.budget_fen IS NOT NULL AND spent + NEW.amount_fen > held.budget_fen THEN\n        RAISE EXCEPTION 'call % has no budget left for application %', held.code, NEW.application_id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'decision_within_the_budget';\n    END IF;\n    RETURN NEW;\n",
                    hash="af2cf0a6341ff735ae80daf8e5d06a99930c2329",
                    operation="UPDATE",
                    pgid="pgtrigger_decision_within_the_budget_2fd91",
                    table="funding_decision",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="objection",
            trigger=pgtrigger.compiler.Trigger(
                name="objection_words_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."run_id" IS DISTINCT FROM (NEW."run_id") OR OLD."line_id" IS DISTINCT FROM (NEW."line_id") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."email" IS DISTINCT FROM (NEW."email") OR OLD."text" IS DISTINCT FROM (NEW."text") OR OLD."received_at" IS DISTINCT FROM (NEW."received_at") OR OLD."due_at" IS DISTINCT FROM (NEW."due_at"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="15e33064ee8714062212bb78286a16a625db0781",
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
                name="objection_of_its_line",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE one bigint; other bigint;",
                    func='one := (SELECT "application_id" FROM "funding_noticeline" WHERE "id" = NEW."line_id"); IF one IS NOT NULL THEN other := (SELECT "application_id" FROM "funding_stagerun" WHERE "id" = NEW."run_id"); IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: line.application is not run.application (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'objection_of_its_line\'; END IF; END IF; RETURN NEW;',
                    hash="60944970276e15cf37d143412e50723dc9ace282",
                    operation="INSERT",
                    pgid="pgtrigger_objection_of_its_line_72507",
                    table="funding_objection",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="objection",
            trigger=pgtrigger.compiler.Trigger(
                name="objection_while_posted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="IF NEW.line_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM funding_noticeline l JOIN funding_publicnotice n ON n.id = l.notice_id WHERE l.id = NEW.line_id AND l.state = 'posted' AND NEW.received_at < n.ends_at) THEN RAISE EXCEPTION 'line % is not under notice', NEW.line_id USING ERRCODE = 'check_violation', CONSTRAINT = 'objection_while_posted'; END IF; RETURN NEW;",
                    hash="d8418b937ba96a27e0fbbd1f5dfd0107f0b3abbb",
                    operation="INSERT",
                    pgid="pgtrigger_objection_while_posted_a9eea",
                    table="funding_objection",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="placement",
            trigger=pgtrigger.compiler.Trigger(
                name="placement_of_its_call",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE one bigint; other bigint;",
                    func='one := (SELECT "call_id" FROM "funding_application" WHERE "id" = NEW."application_id"); IF one IS NOT NULL THEN other := NEW."call_id"; IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: application.call is not call (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'placement_of_its_call\'; END IF; END IF; RETURN NEW;',
                    hash="eaa396e911d78169b781c85abf3e86b2a3ed7c4d",
                    operation="INSERT",
                    pgid="pgtrigger_placement_of_its_call_49d7a",
                    table="funding_placement",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="placement",
            trigger=pgtrigger.compiler.Trigger(
                name="placement_application_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."call_id" IS DISTINCT FROM (NEW."call_id") OR OLD."application_id" IS DISTINCT FROM (NEW."application_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="865668cd5a51ddc3781e6d31e5ee207a6d566795",
                    operation="UPDATE",
                    pgid="pgtrigger_placement_application_fixed_449c6",
                    table="funding_placement",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="publicnotice",
            trigger=pgtrigger.compiler.Trigger(
                name="public_notice_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."call_id" IS DISTINCT FROM (NEW."call_id") OR OLD."published_at" IS DISTINCT FROM (NEW."published_at") OR OLD."working_days" IS DISTINCT FROM (NEW."working_days") OR OLD."ends_at" IS DISTINCT FROM (NEW."ends_at") OR OLD."published_by_id" IS DISTINCT FROM (NEW."published_by_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="7bc3cdc53fc558d2eaeb5c6de30fd36740c0edd5",
                    operation="UPDATE",
                    pgid="pgtrigger_public_notice_fixed_1b1b7",
                    table="funding_publicnotice",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="publicnotice",
            trigger=pgtrigger.compiler.Trigger(
                name="public_notice_document_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."document_id" IS NOT NULL AND OLD."document_id" IS DISTINCT FROM (NEW."document_id"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="f918e65c94fa2aa33cfe83cf52583db1babfb98f",
                    operation="UPDATE",
                    pgid="pgtrigger_public_notice_document_fixed_94131",
                    table="funding_publicnotice",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="publicnotice",
            trigger=pgtrigger.compiler.Trigger(
                name="public_notice_is_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="103dad643ad09c64ea931eb8749b30f4a21df4bb",
                    operation="DELETE",
                    pgid="pgtrigger_public_notice_is_kept_4b4ec",
                    table="funding_publicnotice",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="noticeline",
            trigger=pgtrigger.compiler.Trigger(
                name="notice_line_state_legal",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."state" IS DISTINCT FROM NEW."state")',
                    func="IF (OLD.\"state\", NEW.\"state\") NOT IN (('passed', 'out'), ('posted', 'out'), ('posted', 'passed')) THEN RAISE EXCEPTION 'illegal transition of notice_line: % to %', OLD.\"state\", NEW.\"state\" USING ERRCODE = 'check_violation'; END IF; RETURN NEW;",
                    hash="51d8f1384c9573e7085b96f13410c02134af7921",
                    operation="UPDATE",
                    pgid="pgtrigger_notice_line_state_legal_84cc9",
                    table="funding_noticeline",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="noticeline",
            trigger=pgtrigger.compiler.Trigger(
                name="notice_line_state_initial",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="IF NEW.\"state\" <> 'posted' THEN RAISE EXCEPTION 'notice_line cannot begin as %', NEW.\"state\" USING ERRCODE = 'check_violation'; END IF; RETURN NEW;",
                    hash="082eb50ad64c1cfcbbebeaf0a423f1a6c30a01fa",
                    operation="INSERT",
                    pgid="pgtrigger_notice_line_state_initial_b2713",
                    table="funding_noticeline",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="noticeline",
            trigger=pgtrigger.compiler.Trigger(
                name="notice_line_of_its_call",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE one bigint; other bigint;",
                    func='one := (SELECT "call_id" FROM "funding_publicnotice" WHERE "id" = NEW."notice_id"); IF one IS NOT NULL THEN other := (SELECT "call_id" FROM "funding_application" WHERE "id" = NEW."application_id"); IF one IS DISTINCT FROM other THEN RAISE EXCEPTION \'%: notice.call is not application.call (% and %)\', TG_TABLE_NAME, one, other USING ERRCODE = \'check_violation\', CONSTRAINT = \'notice_line_of_its_call\'; END IF; END IF; RETURN NEW;',
                    hash="2b9ff91cd4910083abfdc1fca7f84a3f7bcdcbf1",
                    operation="INSERT",
                    pgid="pgtrigger_notice_line_of_its_call_f1782",
                    table="funding_noticeline",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="noticeline",
            trigger=pgtrigger.compiler.Trigger(
                name="notice_line_fixed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."notice_id" IS DISTINCT FROM (NEW."notice_id") OR OLD."application_id" IS DISTINCT FROM (NEW."application_id") OR OLD."amount_fen" IS DISTINCT FROM (NEW."amount_fen"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="d26b56047a7cc5f2d1a25da13c40efe81d009e27",
                    operation="UPDATE",
                    pgid="pgtrigger_notice_line_fixed_486ed",
                    table="funding_noticeline",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="noticeline",
            trigger=pgtrigger.compiler.Trigger(
                name="notice_line_passes_in_time",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.\"state\" = 'passed' AND NOT (OLD.\"state\" = 'passed'))",
                    func="\n    IF NEW.ended_at < (SELECT ends_at FROM funding_publicnotice WHERE id = NEW.notice_id)\n       OR EXISTS (SELECT 1 FROM funding_objection WHERE line_id = NEW.id AND upheld IS NOT FALSE) THEN\n        RAISE EXCEPTION 'the notice of application % is not over', NEW.application_id\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'notice_line_passes_in_time';\n    END IF;\n    RETURN NEW;\n",
                    hash="a95e9e6cd00b77385c9e806295ac4e9a4d19d638",
                    operation="UPDATE",
                    pgid="pgtrigger_notice_line_passes_in_time_f246e",
                    table="funding_noticeline",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="noticeline",
            trigger=pgtrigger.compiler.Trigger(
                name="notice_line_is_kept",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="cb27995611b60b5b08f951b5608fec527142eb1c",
                    operation="DELETE",
                    pgid="pgtrigger_notice_line_is_kept_ca712",
                    table="funding_noticeline",
                    when="BEFORE",
                ),
            ),
        ),
    ]
