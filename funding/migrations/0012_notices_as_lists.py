from django.db import migrations


def make_lists(apps, schema_editor):
    """Give every application that is or was under notice a line, and each objection the line it was raised against.

    Applications of a call whose periods end together make one list. No amounts were published then.
    """
    StageRun = apps.get_model("funding", "StageRun")
    PublicNotice = apps.get_model("funding", "PublicNotice")
    NoticeLine = apps.get_model("funding", "NoticeLine")
    Objection = apps.get_model("funding", "Objection")
    Application = apps.get_model("funding", "Application")
    with schema_editor.connection.cursor() as cursor:
        # What was found of an objection stays as it is; that it now names its line changes nothing of it.
        cursor.execute(
            "SELECT set_config('pgtrigger.ignore', (SELECT array_agg(tgname)::text FROM pg_trigger "
            "WHERE tgrelid = 'funding_objection'::regclass AND tgname LIKE 'pgtrigger_objection_resolved_fixed%%'), "
            "true)"
        )
    lists = {}
    runs = (
        StageRun.objects.filter(stage__kind="notice")
        .exclude(state="skipped")
        .select_related("stage__call", "application")
        .order_by("entered_at", "pk")
    )
    for run in runs.iterator(chunk_size=500):
        key = (run.stage.call_id, run.due_at)
        notice = lists.get(key)
        if notice is None:
            notice = lists[key] = PublicNotice.objects.create(
                call_id=run.stage.call_id,
                published_at=min(run.entered_at, run.due_at.replace(hour=0, minute=0, second=0)),
                working_days=max(run.stage.working_days, 1),
                ends_at=run.due_at,
                published_by_id=run.stage.call.lead_id,
            )
        line = NoticeLine.objects.create(notice=notice, application_id=run.application_id)
        upheld = Objection.objects.filter(run=run, upheld=True).exists()
        if run.state == "passed":
            NoticeLine.objects.filter(pk=line.pk).update(
                state="passed", ended_at=max(run.finished_at or run.due_at, run.due_at)
            )
        elif run.state != "active" or upheld:
            NoticeLine.objects.filter(pk=line.pk).update(state="out", ended_at=run.finished_at or run.due_at)
        else:
            Application.objects.filter(pk=run.application_id).update(notice_until=run.due_at)
        Objection.objects.filter(run=run).update(line=line)
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pgtrigger.ignore', NULL, true)")


class Migration(migrations.Migration):
    """Public notices that were periods of single applications become lists."""

    dependencies = [("funding", "0011_board_and_notices")]

    operations = [migrations.RunPython(make_lists, migrations.RunPython.noop)]
