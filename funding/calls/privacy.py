"""Calls are the park's own texts; they name the officer who answers for them."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from funding.calls.services import NEWS
from park_portal.core.outbox.services import drop_unsent
from park_portal.core.personal import Basis, ConsentPurpose, Keep, Purpose, asks, holds

asks(
    ConsentPurpose(
        name=NEWS,
        label=_("News of new calls"),
        text={
            "zh-hans": "园区使用我的姓名和邮箱，在有新的申报通知开放时通过站内通知和邮件告知我。"
            "不同意不影响申报和使用其他功能；撤回后立即停止发送。",
            "en": "The park uses my name and e-mail address to tell me, in the inbox and by mail, when a new call opens. "
            "Without it I can apply and use everything else; when I withdraw, nothing more is sent.",
        },
        stop=lambda person: drop_unsent(person, consent=NEWS),
    )
)

holds(
    "funding.Call",
    people=("lead",),
    purpose=Purpose.CALLS,
    basis=Basis.LAW,
    keep=Keep.PROJECT,
    linked="lead created_by",
    scrubbed="contact",
    plain="id code title title_zh_hans title_en summary summary_zh_hans summary_en body body_zh_hans body_en fund outcome "
    "track opens_at closes_at grace_minutes applicants budget_fen budget_line scoring conflict_scope "
    "min_amount_fen max_amount_fen max_files "
    "max_file_mb copied_from state published_at last_number created_at",
    since="created_at",
)
holds(
    "funding.CallQuestion",
    plain="id call section question position required reviewers_see redacted purpose own_label own_label_zh_hans own_label_en "
    "help help_zh_hans help_en config condition_on condition_value",
)
holds("funding.CallText", plain="id call kind subject subject_zh_hans subject_en body body_zh_hans body_en")
holds(
    "funding.Criterion",
    plain="id stage kind label label_zh_hans label_en help help_zh_hans help_en weight max_score allow_na position",
)
holds(
    "funding.EligibilityRule",
    plain="id call kind applies_to value policy_key organisation source position",
)
holds(
    "funding.Question",
    plain="id key kind label label_zh_hans label_en help help_zh_hans help_en config retired",
)
holds("funding.Section", plain="id call title title_zh_hans title_en position")
holds(
    "funding.Stage",
    plain="id call position kind name name_zh_hans name_en instructions instructions_zh_hans instructions_en working_days "
    "acts required_count completion on_negative blindness",
)
