from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from park_portal.core.outbox.registry import Kind, MergeField

NUMBER = MergeField(_("number of the application"), "AIBT-2026-0001")
TITLE = MergeField(
    _("title of the application"),
    {"zh-hans": "面向细胞治疗的智能质控平台", "en": "Intelligent quality control for cell therapy"},
)
CALL = MergeField(
    _("title of the call"), {"zh-hans": "“AI + BT”概念验证项目", "en": "AI + BT proof of concept"}
)
STAGE = MergeField(_("stage"), {"zh-hans": "专家评审", "en": "Expert review"})
DUE = MergeField(_("due"), "2026-03-31")
APPLICANT = MergeField(_("applicant"), {"zh-hans": "上海澄光生物科技有限公司", "en": "Chengguang Biotech"})
REVIEWER = MergeField(_("reviewer"), {"zh-hans": "周以宁", "en": "Zhou Yining"})
REASON = MergeField(
    _("reason"), {"zh-hans": "近期出差，无法按时完成。", "en": "Travelling, cannot finish in time."}
)

PROPOSED = MergeField(
    _("applications and who is proposed"),
    {"zh-hans": "AIBT-2026-0001 · 周以宁", "en": "AIBT-2026-0001 · Zhou Yining"},
)

REVIEW = _("Review")
STAFF = _("park staff")
REVIEWERS = _("the reviewer")

KINDS = [
    Kind(
        name="review.stage_entered",
        label=_("Your application has reached the next stage"),
        audience=_("the applicant"),
        group=REVIEW,
        per_call=True,
        fields={"number": NUMBER, "title": TITLE, "call": CALL, "stage": STAGE, "due": DUE},
        subject={
            "zh-hans": "{{ number }} 已进入“{{ stage }}”环节",
            "en": "{{ number }} has reached the stage “{{ stage }}”",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n您在《{{ call }}》中提交的申请《{{ title }}》（{{ number }}）已进入“{{ stage }}”环节，"
            "预计 {{ due }} 前完成。目前无需您操作，如需补充材料，我们会另行通知。\n\n查看申请进度：\n{{ link }}",
            "en": "Hello {{ name }},\n\nyour application ‘{{ title }}’ ({{ number }}) to {{ call }} has reached the stage "
            "“{{ stage }}”, which should be done by {{ due }}. You need not do anything now; if something is missing we "
            "will write to you.\n\nSee where it stands:\n{{ link }}",
        },
    ),
    Kind(
        name="review.task_staff",
        label=_("An application waits for the park's staff"),
        audience=STAFF,
        offered_with="core.see_records",
        group=REVIEW,
        default="digest",
        fields={
            "number": NUMBER,
            "title": TITLE,
            "call": CALL,
            "stage": STAGE,
            "due": DUE,
            "applicant": APPLICANT,
        },
        subject={
            "zh-hans": "{{ number }} 待处理：{{ stage }}",
            "en": "{{ number }} waits for you: {{ stage }}",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ call }}》的申请《{{ title }}》（{{ number }}，{{ applicant }}）已进入“{{ stage }}”环节，"
            "请在 {{ due }} 前处理。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\n‘{{ title }}’ ({{ number }}, {{ applicant }}) of {{ call }} has reached the stage "
            "“{{ stage }}”. Please deal with it by {{ due }}.\n\n{{ link }}",
        },
    ),
    Kind(
        name="review.task_liaison",
        label=_("An application waits for the university's opinion"),
        audience=_("liaisons"),
        offered_with="incubator.see_care_list",
        group=REVIEW,
        per_call=True,
        fields={
            "number": NUMBER,
            "title": TITLE,
            "call": CALL,
            "stage": STAGE,
            "due": DUE,
            "applicant": APPLICANT,
        },
        subject={
            "zh-hans": "{{ number }} 待校方审核：{{ title }}",
            "en": "{{ number }} waits for the university: {{ title }}",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n贵校项目《{{ applicant }}》在《{{ call }}》中提交了申请《{{ title }}》（{{ number }}），"
            "请在 {{ due }} 前给出校方意见（同意推荐、退回修改或提出异议）。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\nthe project ‘{{ applicant }}’ of your university has applied to {{ call }} with "
            "‘{{ title }}’ ({{ number }}). Please endorse it, return it or object by {{ due }}.\n\n{{ link }}",
        },
    ),
    Kind(
        name="review.liaison_reminder",
        label=_("The university's opinion is due soon"),
        audience=_("liaisons"),
        offered_with="incubator.see_care_list",
        group=REVIEW,
        per_call=True,
        fields={"number": NUMBER, "title": TITLE, "call": CALL, "due": DUE},
        subject={
            "zh-hans": "提醒：{{ number }} 的校方意见应于 {{ due }} 前提交",
            "en": "Reminder: the opinion on {{ number }} is due on {{ due }}",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ call }}》的申请《{{ title }}》（{{ number }}）尚待校方意见，截止日期为 {{ due }}。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\n‘{{ title }}’ ({{ number }}) of {{ call }} still waits for the university's opinion, "
            "which is due on {{ due }}.\n\n{{ link }}",
        },
    ),
    Kind(
        name="review.no_liaison",
        label=_("An application waits for a liaison that nobody is"),
        audience=_("the call's staff lead"),
        offered_with="core.see_records",
        group=REVIEW,
        fields={"number": NUMBER, "title": TITLE, "call": CALL, "applicant": APPLICANT},
        subject={
            "zh-hans": "{{ number }} 没有可审核的校方联络人",
            "en": "{{ number }} has no liaison to review it",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ call }}》的申请《{{ title }}》（{{ number }}）已进入校方联络人审核，但其所属高校或院系目前没有"
            "在任的联络人。请任命联络人，或由项目主管结束此环节。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\n‘{{ title }}’ ({{ number }}) of {{ call }} has reached the liaison review, but nobody is "
            "liaison for its university or faculty today. Appoint one, or close the stage by hand.\n\n{{ link }}",
        },
    ),
    Kind(
        name="review.file_unclean",
        label=_("A file cannot be shown in double-blind review"),
        audience=STAFF,
        offered_with="core.see_records",
        group=REVIEW,
        fields={
            "number": NUMBER,
            "title": TITLE,
            "call": CALL,
            "files": MergeField(_("the files and why"), "- plan.doc: …"),
        },
        subject={
            "zh-hans": "{{ number }} 有文件无法用于双盲评审",
            "en": "Files of {{ number }} cannot be shown in double-blind review",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ call }}》的申请《{{ title }}》（{{ number }}）中，下列文件无法去除作者信息，"
            "双盲评审的评审人看不到它们：\n\n{{ files }}\n\n如需评审人审阅，请退回申请并请申请人换成普通 PDF 后重新提交。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\nof ‘{{ title }}’ ({{ number }}, {{ call }}) these files cannot be freed of what tells their "
            "authors, and reviewers of the double-blind stage do not get them:\n\n{{ files }}\n\nIf reviewers need them, "
            "return the application and ask for a plain PDF instead.\n\n{{ link }}",
        },
    ),
    Kind(
        name="review.invited",
        label=_("You are asked for a review"),
        audience=REVIEWERS,
        offered_with="funding.review",
        group=REVIEW,
        per_call=True,
        fields={"number": NUMBER, "title": TITLE, "call": CALL, "due": DUE},
        subject={
            "zh-hans": "邀请您评审 {{ number }}：{{ title }}",
            "en": "Will you review {{ number }}: {{ title }}?",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n诚邀您评审《{{ call }}》的申请《{{ title }}》（{{ number }}）。评审意见请于 {{ due }} 前提交。\n\n"
            "请先打开下面的页面，确认是否存在利益冲突，再决定接受或谢绝。申请全文在您接受之后才会显示。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\nwe would like you to review ‘{{ title }}’ ({{ number }}) of {{ call }}. The review is due "
            "on {{ due }}.\n\nOpen the page below, check whether you have a conflict of interest, then accept or decline. "
            "The full text is shown once you have accepted.\n\n{{ link }}",
        },
    ),
    Kind(
        name="review.reminder",
        label=_("A review is due soon"),
        audience=REVIEWERS,
        offered_with="funding.review",
        group=REVIEW,
        per_call=True,
        fields={
            "number": NUMBER,
            "title": TITLE,
            "call": CALL,
            "due": DUE,
            "days": MergeField(_("working days left"), "3"),
        },
        subject={
            "zh-hans": "提醒：{{ number }} 的评审还剩 {{ days }} 个工作日",
            "en": "Reminder: {{ number }} is due in {{ days }} working day(s)",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ call }}》的申请《{{ title }}》（{{ number }}）的评审意见应于 {{ due }} 前提交，"
            "还剩 {{ days }} 个工作日。\n\n如无法按时完成，请尽早在页面上谢绝，以便另请专家。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\nyour review of ‘{{ title }}’ ({{ number }}) of {{ call }} is due on {{ due }}, in "
            "{{ days }} working day(s).\n\nIf you cannot make it, please decline on the page soon, so that someone else can "
            "be asked.\n\n{{ link }}",
        },
    ),
    Kind(
        name="review.overdue_reviewer",
        label=_("Your review is overdue"),
        audience=REVIEWERS,
        offered_with="funding.review",
        group=REVIEW,
        per_call=True,
        fields={"number": NUMBER, "title": TITLE, "call": CALL, "due": DUE},
        subject={
            "zh-hans": "{{ number }} 的评审已逾期",
            "en": "Your review of {{ number }} is overdue",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ call }}》的申请《{{ title }}》（{{ number }}）的评审意见应于 {{ due }} 前提交，现已逾期。"
            "您仍可提交；如无法完成，请在页面上谢绝。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\nyour review of ‘{{ title }}’ ({{ number }}) of {{ call }} was due on {{ due }}. You can "
            "still submit it; if you cannot, please decline on the page.\n\n{{ link }}",
        },
    ),
    Kind(
        name="review.overdue",
        label=_("A review is overdue: a replacement is asked for"),
        audience=_("the call's staff lead"),
        offered_with="core.see_records",
        group=REVIEW,
        fields={
            "number": NUMBER,
            "title": TITLE,
            "call": CALL,
            "due": DUE,
            "reviewer": REVIEWER,
        },
        subject={
            "zh-hans": "评审逾期，请考虑替换专家：{{ number }}（{{ reviewer }}）",
            "en": "Overdue, please replace: {{ number }} ({{ reviewer }})",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n{{ reviewer }} 对《{{ title }}》（{{ number }}，《{{ call }}》）的评审应于 {{ due }} 前提交，"
            "现已逾期。请联系专家，或另行指派。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\n{{ reviewer }} has not sent the review of ‘{{ title }}’ ({{ number }}, {{ call }}) that was "
            "due on {{ due }}. Please get in touch, or assign someone else.\n\n{{ link }}",
        },
    ),
    Kind(
        name="review.replacement",
        label=_("A reviewer has stepped back: a replacement is asked for"),
        audience=STAFF,
        offered_with="core.see_records",
        group=REVIEW,
        fields={
            "number": NUMBER,
            "title": TITLE,
            "call": CALL,
            "reviewer": REVIEWER,
            "why": MergeField(
                _("what happened"), {"zh-hans": "声明利益冲突", "en": "declared a conflict of interest"}
            ),
            "reason": REASON,
        },
        subject={
            "zh-hans": "请另行指派专家：{{ number }}（{{ reviewer }} {{ why }}）",
            "en": "Please assign someone else: {{ number }} ({{ reviewer }} {{ why }})",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n{{ reviewer }} {{ why }}，不再评审《{{ title }}》（{{ number }}，《{{ call }}》）。\n\n"
            "{{ reason }}\n\n请另行指派专家：\n{{ link }}",
            "en": "Hello {{ name }},\n\n{{ reviewer }} {{ why }} and will not review ‘{{ title }}’ ({{ number }}, {{ call }})."
            "\n\n{{ reason }}\n\nPlease assign someone else:\n{{ link }}",
        },
    ),
    Kind(
        name="review.released",
        label=_("Your review is no longer needed"),
        audience=REVIEWERS,
        offered_with="funding.review",
        group=REVIEW,
        per_call=True,
        fields={"number": NUMBER, "title": TITLE, "call": CALL, "reason": REASON},
        subject={
            "zh-hans": "{{ number }} 无需再评审",
            "en": "No review of {{ number }} is needed any more",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ call }}》的申请《{{ title }}》（{{ number }}）无需您再评审。{{ reason }}\n\n感谢您的支持。",
            "en": "Hello {{ name }},\n\nyour review of ‘{{ title }}’ ({{ number }}) of {{ call }} is no longer needed. "
            "{{ reason }}\n\nThank you for your help.",
        },
    ),
    Kind(
        name="review.suspended",
        label=_("Your review is suspended: a conflict of interest"),
        audience=REVIEWERS,
        offered_with="funding.review",
        group=REVIEW,
        per_call=True,
        required=True,
        fields={"number": NUMBER, "title": TITLE, "call": CALL},
        subject={
            "zh-hans": "{{ number }} 的评审已暂停：利益冲突",
            "en": "Your review of {{ number }} is suspended: a conflict of interest",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n园区获知您与《{{ call }}》的申请《{{ title }}》（{{ number }}）之间存在利益冲突，"
            "您的评审已暂停，申请内容不再向您显示，已写的意见不会被采用。您无需任何操作，请勿保留或转交相关材料。\n\n"
            "如您认为情况有误，请联系园区；核实后可再次邀请您评审。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\nthe park has learnt of a conflict of interest between you and ‘{{ title }}’ "
            "({{ number }}) of {{ call }}. Your review is suspended: the application is no longer shown to you, and what "
            "you wrote is not used. You need not do anything; please keep no copies and pass nothing on.\n\n"
            "If this is a mistake, tell the park; you may then be asked again.\n\n{{ link }}",
        },
    ),
    Kind(
        name="review.stage_overdue",
        label=_("A stage of an application is overdue"),
        audience=_("the call's staff lead"),
        offered_with="core.see_records",
        group=REVIEW,
        fields={"number": NUMBER, "title": TITLE, "call": CALL, "stage": STAGE, "due": DUE},
        subject={
            "zh-hans": "{{ number }} 的“{{ stage }}”已逾期",
            "en": "{{ number }}: “{{ stage }}” is overdue",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ call }}》的申请《{{ title }}》（{{ number }}）的“{{ stage }}”环节应于 {{ due }} 前完成，"
            "现已逾期。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\nthe stage “{{ stage }}” of ‘{{ title }}’ ({{ number }}, {{ call }}) was due on {{ due }}."
            "\n\n{{ link }}",
        },
    ),
    Kind(
        name="review.objection",
        label=_("An objection was raised during the public notice"),
        audience=STAFF,
        offered_with="core.see_records",
        group=REVIEW,
        required=True,
        fields={
            "number": NUMBER,
            "title": TITLE,
            "call": CALL,
            "person": MergeField(_("who objects"), {"zh-hans": "何先生", "en": "Mr He"}),
        },
        subject={
            "zh-hans": "公示异议：{{ number }}",
            "en": "Objection during the public notice: {{ number }}",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n{{ person }} 对公示中的《{{ title }}》（{{ number }}，《{{ call }}》）提出异议。"
            "异议处理完毕之前，该申请不会通过公示。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\n{{ person }} objects to ‘{{ title }}’ ({{ number }}, {{ call }}), which is under public "
            "notice. It will not pass before the objection is resolved.\n\n{{ link }}",
        },
    ),
    Kind(
        name="review.under_notice",
        label=_("Your application is under public notice"),
        audience=_("people of the applicant"),
        group=REVIEW,
        required=True,
        per_call=True,
        fields={
            "number": NUMBER,
            "title": TITLE,
            "call": CALL,
            "due": MergeField(_("last day of the notice"), "2026-03-31"),
        },
        subject={
            "zh-hans": "拟立项公示：{{ title }}（{{ number }}）",
            "en": "Under public notice: {{ title }} ({{ number }})",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ title }}》（{{ number }}，《{{ call }}》）已列入拟立项名单，公示至 {{ due }}。"
            "公示期内任何人均可提出异议；公示期满且异议处理完毕后方作出立项决定。公示不等于已获立项。\n\n{{ link }}",
            "en": "Hello {{ name }},\n\n‘{{ title }}’ ({{ number }}, {{ call }}) is proposed for funding and under public "
            "notice until {{ due }}. Anyone may object until then; the decision is made when the period is over and every "
            "objection is answered. The notice is not yet an approval.\n\n{{ link }}",
        },
    ),
    Kind(
        name="review.objection_answered",
        label=_("Answer to an objection"),
        audience=_("whoever objected, by e-mail"),
        group=REVIEW,
        required=True,
        fields={
            "number": NUMBER,
            "title": TITLE,
            "call": CALL,
            "person": MergeField(_("who objects"), {"zh-hans": "何先生", "en": "Mr He"}),
            "found_zh": MergeField(_("what was found (Chinese)"), "异议不成立"),
            "found_en": MergeField(_("what was found (English)"), "not upheld"),
            "resolution": MergeField(
                _("the reasons"), {"zh-hans": "经核实，数据来源清楚。", "en": "The data are sound."}
            ),
        },
        # Whoever objected has no language on record: both, whichever text is sent.
        subject=dict.fromkeys(("zh-hans", "en"), "公示异议答复 / Answer to your objection：{{ number }}"),
        body=dict.fromkeys(
            ("zh-hans", "en"),
            "{{ person }}，您好：\n\n您在公示期内对《{{ title }}》（{{ number }}）提出的异议已经核查，结论：{{ found_zh }}。\n\n"
            "{{ resolution }}\n\n感谢您的监督。\n\n"
            "Your objection to ‘{{ title }}’ ({{ number }}) has been looked into: {{ found_en }}. The reasons are above. "
            "Thank you.",
        ),
    ),
    Kind(
        name="assignment.proposed",
        label=_("A replacement for a reviewer is proposed"),
        audience=STAFF,
        offered_with="core.see_records",
        group=REVIEW,
        fields={"call": CALL, "applications": PROPOSED},
        subject={
            "zh-hans": "《{{ call }}》已拟定替补专家，待确认",
            "en": "Replacements are proposed for {{ call }}",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ call }}》有专家退出评审或评审逾期，系统已在不变动其他专家的前提下拟定替补：\n\n"
            "{{ applications }}\n\n请查看并确认，确认后即发出邀请：\n{{ link }}",
            "en": "Hello {{ name }},\n\nreviewers of {{ call }} have stepped back or are overdue. Everyone else stays as they "
            "are; these are proposed in their place:\n\n{{ applications }}\n\nPlease look and confirm; the invitations then "
            "go out:\n{{ link }}",
        },
    ),
    Kind(
        name="assignment.replaced",
        label=_("Replacements for reviewers were invited"),
        audience=STAFF,
        offered_with="core.see_records",
        group=REVIEW,
        default="digest",
        fields={"call": CALL, "applications": PROPOSED},
        subject={
            "zh-hans": "《{{ call }}》已邀请替补专家",
            "en": "Replacements were invited for {{ call }}",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n《{{ call }}》有专家退出评审，系统已按该次指派的设置邀请替补：\n\n{{ applications }}\n\n"
            "查看：\n{{ link }}",
            "en": "Hello {{ name }},\n\nreviewers of {{ call }} have stepped back. As the assignment says, these were invited in "
            "their place:\n\n{{ applications }}\n\nSee them:\n{{ link }}",
        },
    ),
    Kind(
        name="assignment.failed",
        label=_("No replacement for a reviewer was found"),
        audience=STAFF,
        offered_with="core.see_records",
        group=REVIEW,
        fields={
            "call": CALL,
            "applications": MergeField(_("applications that lack a reviewer"), "AIBT-2026-0001"),
        },
        subject={
            "zh-hans": "《{{ call }}》未能找到替补专家",
            "en": "No replacement was found for {{ call }}",
        },
        body={
            "zh-hans": "{{ name }}，您好：\n\n以下申请缺少评审专家，按现有条件找不到替补：{{ applications }}。\n\n"
            "页面上说明了原因和可以放宽的条件：\n{{ link }}",
            "en": "Hello {{ name }},\n\nthese applications lack a reviewer, and under the criteria nobody can take the place: "
            "{{ applications }}.\n\nThe page says why, and what could be loosened:\n{{ link }}",
        },
    ),
]
