from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Looks at the rows that were there before the checks, without keeping anyone from writing.

    Stops at the first check that some row breaks, and names it: mend the row and migrate again. New rows are checked
    already.
    """

    dependencies = [("funding", "0002_rows_agree")]

    operations = [
        ValidateConstraint("call", "call_largest_amount_not_negative"),
        ValidateConstraint("call", "call_applicants_known"),
        ValidateConstraint("callquestion", "call_question_purpose_known"),
        ValidateConstraint("criterion", "criterion_kind_known"),
        ValidateConstraint("criterion", "rubric_weights_above_zero"),
        ValidateConstraint("decision", "decision_verdict_known"),
        ValidateConstraint("eligibilityrule", "eligibility_rule_kind_known"),
        ValidateConstraint("eligibilityrule", "eligibility_rule_for_known"),
        ValidateConstraint("lettertemplate", "letter_template_verdict_known"),
        ValidateConstraint("review", "review_opinion_known"),
        ValidateConstraint("stage", "stage_kind_known"),
        ValidateConstraint("stage", "stage_acts_known"),
        ValidateConstraint("stage", "stage_completion_known"),
        ValidateConstraint("stage", "stage_on_negative_known"),
        ValidateConstraint("stage", "stage_waits_for_an_opinion"),
    ]
