import django.core.serializers.json
import django.db.models.deletion
import django.utils.timezone
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    """Who sees whom in a stage, what is blacked out, and the files that reviewers of a double-blind stage get.

    The column ``blind`` of the release before stays in the table until the next one, with a default, for whoever still
    writes it; the code knows it no longer.
    """

    dependencies = [
        ("core", "0006_rights_stay_whose_they_are"),
        ("funding", "0014_assignment_plans"),
    ]

    operations = [
        migrations.CreateModel(
            name="CleanCopy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "problem",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("damaged", "It is damaged or not built as it should be."),
                            ("locked", "It is locked with a password."),
                            ("old_format", "It is in an old Office format (.doc, .xls, .ppt)."),
                            ("attachments", "Other files are attached inside it."),
                            ("nested", "It holds embedded objects that cannot be cleaned."),
                            ("media", "It holds sound, film or pictures of a kind that cannot be cleaned."),
                            ("too_large", "It is too large to be cleaned."),
                        ],
                        max_length=12,
                        verbose_name="not shown because",
                    ),
                ),
                ("revision", models.PositiveSmallIntegerField(default=1, verbose_name="revision")),
                (
                    "names",
                    models.JSONField(
                        blank=True,
                        default=list,
                        encoder=django.core.serializers.json.DjangoJSONEncoder,
                        verbose_name="names in the text",
                    ),
                ),
                ("unread", models.PositiveIntegerField(default=0, verbose_name="parts without text")),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="made")),
            ],
            options={
                "verbose_name": "file for double-blind review",
                "verbose_name_plural": "files for double-blind review",
                "ordering": ["id"],
            },
        ),
        migrations.AlterField(
            model_name="stage",
            name="blind",
            field=models.BooleanField(db_default=False, default=False, verbose_name="blind"),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveField(model_name="stage", name="blind")],
        ),
        migrations.AddField(
            model_name="callquestion",
            name="redacted",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="For the reviewers of a double-blind stage.",
                verbose_name="names are blacked out",
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="answered_at",
            field=models.DateTimeField(
                blank=True,
                help_text="Accepted, declined, or a conflict declared.",
                null=True,
                verbose_name="answered",
            ),
        ),
        migrations.AddField(
            model_name="review",
            name="released_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="released"),
        ),
        migrations.AddField(
            model_name="stage",
            name="blindness",
            field=models.CharField(
                choices=[
                    ("single", "single-blind: reviewers see who applies, applicants never see who reviewed"),
                    ("double", "double-blind: neither sees the other"),
                    ("open", "open: after the decision applicants are told who reviewed"),
                ],
                db_default="single",
                default="single",
                help_text="Of experts who are asked for a review; reviewers are told before they accept.",
                max_length=8,
                verbose_name="who sees whom",
            ),
        ),
        AddConstraintNotValid(
            model_name="stage",
            constraint=models.CheckConstraint(
                condition=models.Q(("blindness__in", ["single", "double", "open"])),
                name="stage_blindness_known",
            ),
        ),
        migrations.AddField(
            model_name="cleancopy",
            name="document",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="copy_of",
                to="core.document",
                verbose_name="file for reviewers",
            ),
        ),
        migrations.AddField(
            model_name="cleancopy",
            name="original",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="clean_copy",
                to="core.document",
                verbose_name="file as sent",
            ),
        ),
        migrations.AddConstraint(
            model_name="cleancopy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "problem__in",
                        [
                            "damaged",
                            "locked",
                            "old_format",
                            "attachments",
                            "nested",
                            "media",
                            "too_large",
                            "",
                        ],
                    )
                ),
                name="clean_copy_problem_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="cleancopy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("document__isnull", False), ("problem", "")),
                    models.Q(("document__isnull", True), models.Q(("problem", ""), _negated=True)),
                    _connector="OR",
                ),
                name="clean_copy_or_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="cleancopy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("document__isnull", True),
                    models.Q(("document", models.F("original")), _negated=True),
                    _connector="OR",
                ),
                name="clean_copy_is_another",
            ),
        ),
    ]
