"""The chapters of the story, each played by the people it is about, on the pages they would use.

Words are looked up in the language of the story; fields are found by their names, which no language changes.
"""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

from django.utils import timezone
from playwright.sync_api import Browser, Download, Locator, expect
from pypdf import PdfReader

from funding.applications.models import Application
from funding.awards.models import Award
from funding.calls.models import Call, CallQuestion, Stage
from funding.decisions.models import Letter
from funding.funds.models import Fund
from funding.reviews.models import Review, StageRun
from funding.reviews.services.pool import join_pool
from incubator.organisations.models import Organisation
from incubator.projects.models import ResearchProject
from park_portal.core.accounts.models import User
from park_portal.core.outbox.models import Delivery, Message
from park_portal.core.outbox.states import DeliveryStatus, MessageStatus
from park_portal.core.workflow import SYSTEM
from tests.e2e.visitor import Findings, Visitor, let_in
from tests.factories.applications import PDF
from tests.factories.calls import make_fund
from tests.factories.incubator import make_code, make_faculty, make_liaison, make_university
from tests.personas import make_person
from tests.stack import Stack


class Story:
    """One playing of the story in one language: who takes part, and what came of it."""

    def __init__(self, stack: Stack, browser: Browser, language: str, findings: Findings) -> None:
        self.stack, self.browser, self.language, self.findings = stack, browser, language, findings
        self.visitors: dict[str, Visitor] = {}
        self.tag = {"zh-hans": "zh", "en": "en"}[language]
        self.code = f"AIBT-{self.tag.upper()}"
        self.lead = self.member_of_staff("lead", self.both("顾若兰", "Gu Ruolan"))
        self.officer = self.member_of_staff("officer", self.both("欧阳帆", "Ouyang Fan"))
        self.university = make_university(
            self.both("曲江大学", "曲江第二大学"),
            name_en=self.both("Qujiang University", "Second Qujiang University"),
        )
        self.faculty = make_faculty(
            self.university, self.both("生命科学学院", "生命科学学院"), name_en="School of Life Sciences"
        )
        self.liaison = self.person("liaison", self.both("贺清", "He Qing"))
        make_liaison(self.liaison, self.university)
        self.fund: Fund = make_fund(code=f"story-{self.tag}")
        self.reviewers = [
            self.expert(name, institution)
            for name, institution in (
                (self.both("周以宁", "Zhou Yining"), "东海研究院"),
                (self.both("魏明轩", "Wei Mingxuan"), "江南医学院"),
                (self.both("许知行", "Xu Zhixing"), "滨江药物研究所"),
            )
        ]
        self.founder_mail = f"founder-{self.tag}@startup.example"
        self.pi_mail = f"pi-{self.tag}@university.example"
        self.expert_mail = f"expert-{self.tag}@institute.example"

    # --- people -----------------------------------------------------------------------------------------------------

    def both(self, zh: str, en: str) -> str:
        return zh if self.language == "zh-hans" else en

    def person(self, name: str, full_name: str, *roles: str) -> User:
        return let_in(make_person(f"{name}_{self.tag}", *roles, full_name=full_name, language=self.language))

    def member_of_staff(self, role: str, name: str) -> User:
        return self.person(f"staff_{role}", name, role)

    def expert(self, name: str, institution: str) -> User:
        user = self.person(
            name.lower().replace(" ", "") if name.isascii() else f"expert{len(name)}{ord(name[0])}", name
        )
        join_pool(user, actor=SYSTEM, institution=institution, keywords=["抗体", "AI"])
        return user

    def visitor(self, name: str, user: User | None = None, **options: Any) -> Visitor:
        """Return the browser of this person, opened and signed in when first asked for."""
        if name not in self.visitors:
            visitor = Visitor(
                name,
                browser=self.browser,
                stack=self.stack,
                language=self.language,
                findings=self.findings,
                **options,
            )
            self.visitors[name] = visitor
            if user is not None:
                visitor.sign_in(user)
        return self.visitors[name]

    def leave(self, name: str) -> None:
        self.visitors.pop(name).close()

    def wait(self, condition: Any, what: str, seconds: float = 30) -> None:
        next(iter(self.visitors.values())).wait(condition, what, seconds=seconds)

    # --- what there is ----------------------------------------------------------------------------------------------

    @property
    def call(self) -> Call:
        return Call.objects.get(code=self.code)

    def application_of(self, kind: str) -> Application:
        return Application.objects.get(call__code=self.code, **{f"{kind}__isnull": False})

    def run_of(self, application: Application) -> StageRun:
        return StageRun.objects.select_related("stage").get(
            application=application, state__in=["active", "paused"]
        )

    def wait_for_stage(self, application: Application, kind: str) -> None:
        def there() -> bool:
            found = Application.objects.select_related("current_stage").get(pk=application.pk)
            return found.current_stage is not None and found.current_stage.kind == kind

        self.wait(there, f"{application.number} reaches {kind}")


def admin_address(name: str, *args: Any) -> str:
    from django.urls import reverse

    return reverse(f"admin:{name}", args=args)


def local(moment: Any) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M")


# --- 1. the call -------------------------------------------------------------------------------------------------------


def build_call(story: Story) -> None:
    """The staff lead makes the call from the standard form, changes it, previews it, publishes it; it opens by itself."""
    lead = story.visitor("lead", story.lead)
    lead.open("/admin/")
    lead.open(admin_address("funding_call_changelist"))
    lead.press(lead.say("New call from the standard form"), role="link")
    now = timezone.now()
    lead.fill(
        code=story.code,
        fund=story.fund.pk,
        lead=story.lead.pk,
        opens_at=local(now),
        closes_at=local(now + timedelta(days=30)),
        university=story.university.pk,
    )
    lead.press(lead.say("New call from the standard form"), within=lead.page.locator("form[data-once]"))
    call = story.call
    lead.open(admin_address("funding_call_change", call.pk))
    lead.fill(contact=story.both("青浦园区 021-5920 0000", "Park office 021-5920 0000"))
    with lead.going():
        lead.page.locator("[name=_continue], [name=_save]").first.click()
    lead.open(admin_address("funding_call_eligibility", call.pk))
    add_own_question(story, lead)
    change_stages(story, lead)
    change_notice(story, lead)
    for role in ("public", "applicant", "liaison", "reviewer"):
        lead.open(f"{admin_address('funding_call_preview', call.pk)}?as={role}")
    lead.open(admin_address("funding_call_check", call.pk))
    lead.sees(lead.say("Nothing is missing: the call can be published."))
    lead.press(lead.say("Publish"), role="link", within=lead.page.locator("#content, main, .staff-page").last)
    lead.press(lead.say("Publish"), within=lead.page.locator("form[data-once]"))
    assert story.call.state in ("published", "open")
    story.wait(lambda: story.call.state == "open", "the call opens at its minute", seconds=75)


def add_own_question(story: Story, lead: Visitor) -> None:
    """A question of one's own, written into the bank and put into the form."""
    key = f"data_plan_{story.tag}"
    lead.open(admin_address("funding_call_form", story.call.pk))
    lead.open(admin_address("funding_question_add"))
    lead.fill(
        key=key, kind="long_text", label_zh_hans="数据来源与使用计划", label_en="Where the data come from"
    )
    with lead.going():
        lead.page.locator("[name=_save]").first.click()
    lead.fill(config_max_chars=600)
    with lead.going():
        lead.page.locator("[name=_save]").first.click()
    lead.open(admin_address("funding_call_form", story.call.pk))
    section = lead.page.locator(".builder-section").nth(1)
    section.locator("details.builder-bank summary").click()
    section.get_by_label(key).check()
    lead.press(lead.say("Add the questions ticked"), within=section)
    question = CallQuestion.objects.get(call__code=story.code, question__key=key)
    lead.open(admin_address("funding_call_question", story.call.pk, question.pk))
    lead.fill(required=True, own_label_zh_hans="本项目的数据来源", own_label_en="Data of this project")
    lead.press(lead.say("Save"))
    question.refresh_from_db()
    assert question.required
    assert question.own_label_en == "Data of this project"


def change_stages(story: Story, lead: Visitor) -> None:
    """The experts get eight working days, and this call goes without a public notice."""
    lead.open(admin_address("funding_call_stages", story.call.pk))
    expert = Stage.objects.get(call__code=story.code, kind="expert")
    notice = Stage.objects.get(call__code=story.code, kind="notice")
    with lead.going():
        lead.page.locator(f"button[value='remove:{notice.pk}']").click()
    assert not Stage.objects.filter(pk=notice.pk).exists()
    lead.open(admin_address("funding_call_stage", story.call.pk, expert.pk))
    lead.fill(working_days=8)
    lead.press(lead.say("Save"))
    expert.refresh_from_db()
    assert expert.working_days == 8
    assert expert.criteria.filter(allow_na=True).count() == 1


def change_notice(story: Story, lead: Visitor) -> None:
    """The receipt's text becomes this call's own; a wrong merge field is refused, the preview shows the rest."""
    lead.open(admin_address("funding_call_texts", story.call.pk))
    lead.open(admin_address("funding_call_text", story.call.pk, "application.received"))
    lead.fill(
        subject_zh_hans="青浦园区已收到 {{ numbre }}",
        body_zh_hans="{{ name }}，您好：已收到“{{ title }}”。{{ receipt }}",
        subject_en="Qingpu has received {{ number }}",
        body_en="Hello {{ name }}: we have “{{ title }}”. {{ receipt }}",
    )
    lead.press(lead.say("Save"))
    lead.sees("numbre")
    lead.fill(subject_zh_hans="青浦园区已收到 {{ number }}")
    lead.sees("Qingpu has received AIBT-2026-0001", within=lead.page.locator("#text-preview"))
    lead.press(lead.say("Save"))
    assert story.call.texts.filter(kind="application.received").count() == 1


# --- 2. the startup ------------------------------------------------------------------------------------------------------


def startup_applies(story: Story) -> None:
    """A founder signs up, registers the company, writes, is refused, mends, submits once, and gets number, PDF and mail."""
    founder = story.visitor("founder")
    founder.open("/")
    founder.open("/calls/")
    founder.open(f"/calls/{story.code}/")
    founder.open("/accounts/signup/")
    founder.sign_up(story.founder_mail, story.both("程一诺", "Cheng Yinuo"))
    founder.sign_in(story.founder_mail)
    founder.open("/organisations/new/")
    founder.fill(
        uscc="91310118123456789X",
        name_zh_hans=story.both("上海澄序生物科技有限公司", "上海映川智能科技有限公司"),
        name_en=story.both("Chengxu Biotech", "Yingchuan Intelligence"),
        founded_on=(timezone.localdate() - timedelta(days=500)).isoformat(),
    )
    send(founder)
    assert (
        Organisation.objects.filter(name_en=story.both("Chengxu Biotech", "Yingchuan Intelligence")).count()
        == 0
    )
    founder.look("refused")
    founder.fill(uscc=make_code(7_000_000 + len(story.tag) + ord(story.tag[0])))
    send(founder)
    company = Organisation.objects.get(name_en=story.both("Chengxu Biotech", "Yingchuan Intelligence"))

    founder.open(f"/applications/start/{story.code}/")
    founder.fill(applicant=f"organisation-{company.pk}")
    founder.press(founder.say("Begin the application"))
    application = story.application_of("organisation")

    write_answers(founder, title=title_of(story, "startup"), amount="120", trl=2, **own_answer(story))
    wait_until_saved(founder)
    assert application.answers.count() >= 18
    assert founder.page.locator("[data-eligibility] .is-unmet").count() == 1
    founder.look("written")
    # Saved means saved: the page comes back as it was left.
    founder.page.reload()
    assert founder.page.locator("[name=title]").input_value() == title_of(story, "startup")
    upload(founder, "technical_files", story.both("检测报告.pdf", "report.pdf"))

    # The budget does not yet add up, and the TRL is too low: refused, with a list of what to mend.
    go_to_check(founder)
    problems = founder.page.locator("main .error-summary li a")
    assert problems.count() >= 2
    assert application.versions.count() == 0
    with founder.going():
        problems.first.click()
    founder.fill(trl_now=4)
    cell(founder, "budget", 1, "amount").fill("50")
    wait_until_saved(founder)
    assert founder.page.locator("[data-ask=budget] .balance-equal").is_visible()
    assert founder.page.locator("[data-eligibility] .is-unmet").count() == 0
    go_to_check(founder)
    assert founder.page.locator("main .error-summary").count() == 0

    submit_once(founder, application)
    check_receipt(story, founder, application, story.founder_mail)


def title_of(story: Story, who: str) -> str:
    return {
        "startup": story.both(
            "类器官药敏预测的多模态模型验证", "Validating a multimodal model of organoid response"
        ),
        "team": story.both(
            "抗体亲和力优化平台的概念验证", "Proof of concept of an antibody affinity platform"
        ),
    }[who]


def own_answer(story: Story) -> dict[str, str]:
    """The answer to the question that this call has of its own."""
    return {
        f"data_plan_{story.tag}": story.both(
            "公开数据集和自有实验数据。", "Public data sets and experiments of our own."
        )
    }


def write_answers(who: Visitor, *, title: str, amount: str, trl: int, **more: str) -> None:
    """Fill the standard form as it is typed; the budget adds up to 70 + 40 = 110."""
    page = who.page
    words = who.both(
        "我们在三个公开数据集和一个内部靶点上完成了验证，关键数据可以复核，预测结果与实验一致。",
        "The model was validated on three public data sets and one target of our own, and the key figures hold. ",
    )
    who.fill(
        title=title,
        summary=words * 3,
        amount=amount,
        start_date=(timezone.localdate() + timedelta(days=90)).isoformat(),
        duration="18",
        technical_basis=words * 4,
        market_need=words * 4,
        trl_now=trl,
        trl_target=6,
        ownership="company",
        route="licence",
        **more,
    )
    for key, value in (("fields", "ai_drug"), ("fields", "omics"), ("compliance", "none")):
        page.locator(f"input[name={key}][value={value}]").check()
    fill_table(
        who, "ip", [{"type": "invention", "title": words[:20], "owner": words[:12], "status": "filed"}]
    )
    fill_table(who, "market_evidence", [{"type": "intent", "party": words[:10], "finding": words[:30]}])
    fill_table(
        who,
        "team",
        [
            {
                "name": who.both("程一诺", "Cheng Yinuo"),
                "role": "pi",
                "employer": words[:12],
                "share": "40",
            },
            {
                "name": who.both("李嘉禾", "Li Jiahe"),
                "role": "manager",
                "employer": words[:12],
                "share": "60",
            },
        ],
    )
    fill_table(
        who,
        "milestones",
        [
            {"task": words[:16], "side": "technical", "deliverable": words[:20], "month": "6"},
            {"task": words[:16], "side": "market", "deliverable": words[:20], "month": "15"},
        ],
    )
    fill_table(
        who,
        "budget",
        [
            {"category": "testing", "purpose": words[:16], "amount": "70"},
            {"category": "computing", "purpose": words[:16], "amount": "40"},
        ],
    )
    page.locator("[data-ask=consent] input[type=checkbox]").check()


def cell(who: Visitor, key: str, row: int, column: str) -> Locator:
    return who.page.locator(f"[data-ask={key}] [data-rows] > tr").nth(row).locator(f"[name$='-{column}']")


def fill_table(who: Visitor, key: str, rows: list[dict[str, str]]) -> None:
    for number, row in enumerate(rows):
        for column, value in row.items():
            field = cell(who, key, number, column)
            if field.evaluate("one => one.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)


def wait_until_saved(who: Visitor) -> None:
    who.page.locator("[data-status-box][data-tone=good]").wait_for()
    status = who.page.locator("[data-status]").inner_text()
    assert re.search(r"\d\d:\d\d", status), status


def upload(who: Visitor, key: str, name: str) -> None:
    who.page.locator(f"input[type=file][name={key}]").set_input_files(
        {"name": name, "mimeType": "application/pdf", "buffer": PDF}
    )
    who.page.locator(f"[data-files={key}] li", has_text=name).wait_for()


def go_to_check(who: Visitor) -> None:
    who.press(who.say("Check and submit"))
    assert who.path().endswith("/check/"), who.path()


def send(who: Visitor) -> None:
    """Press the main button of the form on a portal page."""
    with who.going():
        who.page.locator("main form .form-actions :is(.btn-primary, .btn-danger)").first.click()


def submit_once(who: Visitor, application: Application) -> None:
    """Submit by a double click, then replay the same request: one version, one number."""
    button = who.page.locator("main form[data-once] button")
    form = {
        name: who.page.locator(f"main form[data-once] [name={name}]").input_value()
        for name in ("csrfmiddlewaretoken", "version")
    }
    check = f"{who.stack.url}/applications/{application.pk}/check/"
    button.dblclick(no_wait_after=True)
    # Without a script the second click breaks off the way that the first had begun: only the end of it counts.
    expect(who.page).to_have_url(re.compile(rf"/applications/{application.pk}/(\?.*)?$"), timeout=30_000)
    who.page.wait_for_load_state()
    who.look()
    application.refresh_from_db()
    assert re.fullmatch(rf"{application.call.code}-\d{{4}}", application.number or "")
    replay = who.context.request.post(check, form=form, headers={"Referer": check})
    assert replay.ok
    assert application.versions.count() == 1
    who.open(f"/applications/{application.pk}/check/")
    assert who.path() == f"/applications/{application.pk}/"
    who.sees(application.number or "")


def read_pdf(download: Download) -> str:
    content = download.path().read_bytes()
    assert content.startswith(b"%PDF-")
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def check_receipt(story: Story, who: Visitor, application: Application, email: str) -> None:
    with who.page.expect_download() as waiting:
        who.page.locator(f"main a[href$='/receipt/{application.versions.count()}/']").first.click()
    text = read_pdf(waiting.value)
    assert application.number in text
    assert "".join(application.title.split())[:8] in "".join(text.split())
    mail = story.stack.wait_for_mail(to=email, subject=application.number or "")
    assert mail.subject == story.both("青浦园区已收到 ", "Qingpu has received ") + str(application.number)
    who.open("/inbox/")
    with who.going():
        who.page.locator("main a.subject", has_text=application.number or "").first.click()


# --- 3. the research team ---------------------------------------------------------------------------------------------


def team_applies(story: Story) -> None:
    """The liaison registers a project, its investigator follows the invitation in the mail, applies and submits."""
    liaison = story.visitor("liaison", story.liaison)
    liaison.open("/")
    liaison.open("/projects/new/")
    liaison.fill(
        title_zh_hans="抗体亲和力优化的蛋白语言模型",
        title_en="Protein language models for antibody affinity",
        who="other",
        principal_investigator=story.both("陈思远", "Chen Siyuan"),
        pi_email=story.pi_mail,
        university=story.university.pk,
        faculty=story.faculty.pk,
        trl="4",
    )
    send(liaison)
    project = ResearchProject.objects.get(team__email=story.pi_mail)
    liaison.sees(project.code)

    mail = story.stack.wait_for_mail(to=story.pi_mail)
    address = next(link for link in story.stack.links(mail) if "/invitations/" in link)
    pi = story.visitor("investigator")
    pi.open(address)
    pi.press(pi.say("Register with this address"), role="link")
    pi.sign_up(story.pi_mail, story.both("陈思远", "Chen Siyuan"))
    pi.sign_in(story.pi_mail)
    pi.open(address)
    pi.press(pi.say("Accept"), within=pi.page.locator("main"))
    project.refresh_from_db()
    assert project.pi_user is not None
    assert project.pi_user.email == story.pi_mail

    pi.open("/").open("/projects/").open(project.get_absolute_url())
    pi.open(f"/calls/{story.code}/")
    pi.open(f"/applications/start/{story.code}/")
    pi.fill(applicant=f"project-{project.pk}")
    pi.press(pi.say("Begin the application"))
    application = story.application_of("project")
    write_answers(pi, title=title_of(story, "team"), amount="110", trl=4, **own_answer(story))
    wait_until_saved(pi)
    go_to_check(pi)
    submit_once(pi, application)
    check_receipt(story, pi, application, story.pi_mail)


# --- 4. screening --------------------------------------------------------------------------------------------------------


def screening(story: Story) -> None:
    """One application goes back for changes to two questions and comes again; both pass."""
    officer = story.visitor("officer", story.officer)
    startup, team = story.application_of("organisation"), story.application_of("project")
    for application in (startup, team):
        story.wait_for_stage(application, "screening")
    officer.open("/admin/")
    officer.open(admin_address("funding_stagerun_changelist"))
    officer.open(admin_address("funding_application_changelist"))
    officer.open(admin_address("funding_application_change", startup.pk))

    run = story.run_of(startup)
    officer.open(admin_address("funding_stagerun_work", run.pk))
    details = officer.page.locator("details", has=officer.page.locator("[name=days]"))
    details.locator("summary").click()
    comment = story.both("请说明测试费的测算依据。", "Please say how the testing cost was worked out.")
    officer.fill(
        opinion="return",
        comment_applicant=story.both("请补充两处。", "Please mend two places."),
        days=5,
        **{"open-budget": True, "comment-budget": comment, "open-market_need": True},
    )
    officer.press(officer.say("Give this opinion"))
    startup.refresh_from_db()
    assert startup.state == "returned"

    resubmission(story, startup, comment)
    story.wait(lambda: story.run_of(startup).state == "active", "the screening goes on")

    officer.open(admin_address("funding_stagerun_work", run.pk))
    officer.sees(story.both("试剂盒报价", "three quotations"))
    for application in (startup, team):
        officer.open(admin_address("funding_stagerun_work", story.run_of(application).pk))
        for criterion in story.run_of(application).stage.criteria.all():
            officer.fill(**{f"criterion-{criterion.pk}": "met"})
        officer.fill(opinion="pass")
        officer.press(officer.say("Give this opinion"))
    story.wait_for_stage(startup, "expert")  # The university has no say in a company's application.
    story.wait_for_stage(team, "liaison")


def resubmission(story: Story, application: Application, comment: str) -> None:
    founder = story.visitor("founder")
    mail = story.stack.wait_for_mail(
        to=story.founder_mail, subject=story.both("退回修改", "is returned for changes")
    )
    assert application.number in mail.subject
    founder.open("/")
    founder.open(f"/applications/{application.pk}/")
    founder.sees(comment)
    founder.follow(founder.say("Make the changes"))
    page = founder.page
    assert page.locator("[name=title]").count() == 0
    assert page.locator("[name=market_need]").is_editable()
    founder.sees(comment)
    page.locator("[name=market_need]").fill(
        page.locator("[name=market_need]").input_value()
        + story.both("以及试剂盒报价三份。", " With three quotations for the kit.")
    )
    cell(founder, "budget", 0, "purpose").fill(
        story.both("测试费：三家报价均价", "Testing: mean of three offers")
    )
    wait_until_saved(founder)
    go_to_check(founder)
    founder.press(founder.say("Submit again"))
    application.refresh_from_db()
    assert application.state == "in_review"
    assert application.versions.count() == 2
    founder.open(f"/applications/{application.pk}/versions/2/")
    founder.open(f"/applications/{application.pk}/versions/2/changes/")
    assert founder.page.locator("main ins").count() >= 1
    assert founder.page.locator("main .change").count() == 2


# --- 5. the university -----------------------------------------------------------------------------------------------------


def liaison_endorses(story: Story) -> None:
    liaison, team = story.visitor("liaison"), story.application_of("project")
    story.stack.wait_for_mail(to=story.liaison.email, subject=team.number or "")
    liaison.open("/").open("/university/queue/")
    liaison.follow(team.title, within=liaison.page.locator("main"))
    liaison.fill(
        opinion="endorse",
        comment_committee=story.both("权属清晰，同意推荐。", "Ownership is clear; endorsed."),
    )
    liaison.press(liaison.say("Give this opinion"))
    story.wait_for_stage(team, "expert")


# --- 6. experts ------------------------------------------------------------------------------------------------------------


def experts_review(story: Story) -> None:
    """Three are asked for each application; one of them declares a conflict, and staff ask the newcomer instead."""
    officer = story.visitor("officer", story.officer)
    startup, team = story.application_of("organisation"), story.application_of("project")
    invite_expert(story, officer)
    runs = [story.run_of(startup), story.run_of(team)]
    officer.open(admin_address("funding_stagerun_assign"))
    for run in runs:
        officer.page.locator(f"[name=run][value='{run.pk}']").check()
    officer.press(officer.say("Show the pool for these"))
    for user in story.reviewers:
        officer.page.locator(f"[name=person][value='{user.pk}']").check()
    officer.press(officer.say("Ask the ticked reviewers"))
    assert Review.objects.filter(run__in=runs, state="assigned").count() == 6
    for user in story.reviewers:
        story.stack.wait_for_mail(to=user.email, subject=startup.number or "")
    one_steps_back(story, officer, startup, story.reviewers[2])
    for number, review in enumerate(
        Review.objects.filter(run__in=runs, state="assigned")
        .select_related("reviewer")
        .order_by("reviewer", "pk")
    ):
        write_review(story, review, number)
    for application in (startup, team):
        story.wait_for_stage(application, "decision")


def one_steps_back(story: Story, officer: Visitor, startup: Application, recused: User) -> None:
    """A reviewer declares a conflict before seeing the text; staff are told and ask the newcomer instead."""
    with_conflict = Review.objects.get(run__application=startup, reviewer=recused)
    reviewer = story.visitor("recused", recused)
    reviewer.open("/reviews/").open(with_conflict.get_absolute_url())
    reviewer.follow(reviewer.say("Declare a conflict of interest"))
    reviewer.fill(
        kind="coauthor", note=story.both("去年合写论文一篇。", "We wrote a paper together last year.")
    )
    send(reviewer)
    with_conflict.refresh_from_db()
    assert with_conflict.state == "recused"
    reviewer.open(with_conflict.get_absolute_url())
    assert reviewer.page.get_by_text(story.both("试剂盒报价", "three quotations")).count() == 0

    story.stack.wait_for_mail(to=story.lead.email, subject=startup.number or "")
    newcomer = User.objects.get(email=story.expert_mail)
    officer.open(f"{admin_address('funding_stagerun_assign')}?run={with_conflict.run_id}")
    officer.open(admin_address("funding_review_changelist"))
    officer.open(admin_address("funding_review_act", with_conflict.pk, "replace"))
    officer.fill(person=newcomer.pk)
    officer.press(officer.say("Replace the reviewer"), within=officer.page.locator("form[data-once]"))
    assert Review.objects.filter(run=with_conflict.run, state="assigned").count() == 3


def invite_expert(story: Story, officer: Visitor) -> None:
    """Somebody new joins the pool by an invitation and fills in their own entry."""
    officer.open(admin_address("funding_reviewer_changelist"))
    officer.press(officer.say("Invite a reviewer"), role="link")
    name = story.both("秦映雪", "Qin Yingxue")
    officer.fill(email=story.expert_mail, name=name, language=story.language)
    officer.press(officer.say("Invite a reviewer"), within=officer.page.locator("form[data-once]"))
    mail = story.stack.wait_for_mail(to=story.expert_mail)
    address = next(link for link in story.stack.links(mail) if "/invitations/" in link)
    expert = story.visitor("newcomer")
    expert.open(address)
    expert.press(expert.say("Register with this address"), role="link")
    expert.sign_up(story.expert_mail, name)
    expert.sign_in(story.expert_mail)
    expert.open(address)
    expert.press(expert.say("Accept"), within=expert.page.locator("main"))
    assert expert.path() == "/reviews/profile/"
    expert.fill(institution=story.both("西岸研究院", "West Bank Institute"), keywords="AI; 抗体", capacity=4)
    send(expert)
    User.objects.get(email=story.expert_mail).reviewer  # noqa: B018 - joined the pool


def write_review(story: Story, review: Review, number: int) -> None:
    """Accept, mark as one types, leave, come back, finish and submit; intellectual property is not applicable to some."""
    user = review.reviewer
    who = (
        story.visitor("newcomer")
        if user.email == story.expert_mail
        else story.visitor(f"reviewer-{user.pk}", user)
    )
    who.open("/").open(review.get_absolute_url())
    assert who.page.locator("#application-title").count() == 0  # The text comes after the answer.
    who.fill(pledge=True)
    who.press(who.say("No conflict: accept the review"))
    better = review.application.kind == "project"
    criteria = list(review.run.stage.criteria.all())
    for criterion in criteria:
        mark = "na" if criterion.allow_na and number % 2 else str((9 if better else 6) - number % 3)
        who.fill(**{f"criterion-{criterion.pk}": mark})
    wait_until_saved(who)
    who.page.reload()
    assert who.page.locator(f"[name='criterion-{criteria[0].pk}']:checked").count() == 1
    go_to_check_review(who)
    assert who.page.locator("main .error-summary li").count() >= 2
    who.open(review.get_absolute_url())
    who.fill(
        opinion="fund" if better else "do_not_fund",
        confidence="3",
        comment_committee=story.both("证据充分，计划可行。", "The evidence carries; the plan is sound."),
        comment_applicant=story.both("建议补充对照实验。", "Please add a control experiment."),
    )
    wait_until_saved(who)
    go_to_check_review(who)
    who.fill(pledge=True)
    who.press(who.say("Submit the review"))
    review.refresh_from_db()
    assert review.state == "submitted"
    assert review.score is not None


def go_to_check_review(who: Visitor) -> None:
    who.press(who.say("Check and submit"))
    assert who.path().endswith("/check/"), who.path()


# --- 7. the decision ---------------------------------------------------------------------------------------------------------


def decision(story: Story) -> None:
    """The ranked table; one is approved, one declined; letters are written, checked and released together."""
    lead = story.visitor("lead")
    startup, team = story.application_of("organisation"), story.application_of("project")
    lead.open(admin_address("funding_decision_board"))
    lead.open(admin_address("funding_decision_ranking", story.call.pk))
    rows = lead.page.locator("tr[id^=application-]")
    assert [row.get_attribute("id") for row in rows.all()] == [
        f"application-{team.pk}",
        f"application-{startup.pk}",
    ]
    lead.fill(
        **{
            f"row{team.pk}-verdict": "approve",
            f"row{team.pk}-amount": "1000000",
            f"row{team.pk}-amount_reason": story.both("压缩设备费。", "Less for equipment."),
            f"row{startup.pk}-verdict": "decline",
        }
    )
    lead.press(lead.say("Keep verdicts and order"))
    lead.open(admin_address("funding_decision_verdict", team.pk))
    lead.fill(conditions=story.both("三个月内完成伦理备案。", "Ethics filing within three months."))
    lead.press(lead.say("Keep pending"))
    lead.open(admin_address("funding_decision_ranking", story.call.pk))
    lead.press(lead.say_many("Write %(counter)s letter", "Write %(counter)s letters", 2) % {"counter": 2})
    # Nothing is told before the release.
    assert Application.objects.get(pk=team.pk).state == "in_review"
    lead.open(admin_address("funding_letter_changelist"))
    for letter in Letter.objects.filter(decision__application__call__code=story.code):
        lead.open(admin_address("funding_letter_text", letter.pk))
        with lead.going():
            lead.page.locator("button[name=check]").click()
    lead.open(admin_address("funding_decision_release", story.call.pk))
    lead.press(
        lead.say_many("Release %(counter)s decision", "Release %(counter)s decisions", 2) % {"counter": 2}
    )
    startup.refresh_from_db()
    team.refresh_from_db()
    assert (team.state, startup.state) == ("approved", "declined")
    story.wait(lambda: Award.objects.filter(application=team).exists(), "the award is opened")
    award = Award.objects.get(application=team)
    assert award.state == Award.machine.initial
    assert not Award.objects.filter(application=startup).exists()
    lead.open(admin_address("funding_award_changelist"))
    lead.open(admin_address("funding_award_change", award.pk))
    outcome(story, "founder", startup, story.founder_mail)
    outcome(story, "investigator", team, story.pi_mail)


def outcome(story: Story, name: str, application: Application, email: str) -> None:
    """The mail, the outcome page with the comments meant for the applicant, and the letter."""
    mail = story.stack.wait_for_mail(to=email, subject=application.title)
    who = story.visitor(name)
    who.open("/").open(f"/applications/{application.pk}/")
    who.open(f"/applications/{application.pk}/outcome/")
    who.sees(story.both("建议补充对照实验。", "Please add a control experiment."))
    assert (
        who.page.get_by_text(
            story.both("证据充分，计划可行。", "The evidence carries; the plan is sound.")
        ).count()
        == 0
    )
    with who.page.expect_download() as waiting:
        who.follow_download(who.say("Download the letter (PDF)"))
    text = read_pdf(waiting.value)
    assert application.number in text
    assert mail.text


# --- 8. the record -------------------------------------------------------------------------------------------------------------


def verify_record(story: Story) -> None:
    """Every act is in the audit trail, whose chain holds; nothing is left in the outbox."""
    due = Message.objects.filter(status=MessageStatus.WAITING, due_at__lte=timezone.now())
    story.wait(lambda: not due.exists(), "everything due has left the outbox")
    assert not Message.objects.filter(status=MessageStatus.FAILED).exists()
    assert not Delivery.objects.filter(status__in=[DeliveryStatus.WAITING, DeliveryStatus.FAILED]).exists()
    said = story.stack.manage("verify_audit", "--seal")
    assert re.match(r"Audit chain intact: \d{3,} entries sealed, ", said), said
    officer = story.visitor("officer", story.officer)
    officer.open(admin_address("funding_application_changelist"))
    officer.open(admin_address("funding_application_change", story.application_of("project").pk))
