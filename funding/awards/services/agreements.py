"""The agreement of an award: drawn up, issued as a PDF, signed by all."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from django.core.files.base import File
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from funding.awards.models import Agreement, AgreementTemplate, Award, Signature
from funding.awards.notices import AGREEMENT_KIND, AGREEMENT_TEXT
from funding.awards.services.people import tell_grantee
from funding.awards.states import AgreementState, AwardState, Party
from park_portal.core.audit.services import Actor, record
from park_portal.core.checked import checked
from park_portal.core.documents.models import Document
from park_portal.core.documents.pdf import render_pdf
from park_portal.core.documents.services import readable, store_document
from park_portal.core.errors import DomainError, IllegalTransition, Problem
from park_portal.core.money import format_yuan
from park_portal.core.outbox.registry import LANGUAGES, check_text, merge
from park_portal.core.text import both
from park_portal.core.workflow import advance, require

_SHORT: Final = {"zh-hans": "zh", "en": "en"}


def draft_agreement(award: Award, *, actor: Actor, **terms: Any) -> Agreement:
    """Begin the agreement of ``award`` over what the decision granted; raises where there is one already."""
    require(actor, "funding.draft_agreement", award)
    with transaction.atomic():
        held = Award.objects.select_for_update().get(pk=award.pk)
        if held.state != AwardState.AGREEMENT:
            raise IllegalTransition(state=held.state)
        refuse_drawn(held, actor)
        agreement = Agreement(award=held, amount_fen=held.amount_fen, **terms)
        checked(agreement)
        agreement.save(force_insert=True)
        record("agreement.draft", agreement, actor=actor, after=terms)
    return agreement


def refuse_drawn(award: Award, actor: Actor) -> None:
    """Raise ``DomainError`` where ``award`` has an agreement."""
    if Agreement.objects.filter(award=award).exists():
        raise DomainError(_("There is an agreement already."), code="has_agreement")


def edit_agreement(agreement: Agreement, *, actor: Actor, **terms: Any) -> Agreement:
    """Change the terms of an agreement that is not issued."""
    require(actor, "funding.draft_agreement", agreement)
    with transaction.atomic():
        held = Agreement.objects.select_for_update().get(pk=agreement.pk)
        if held.state != AgreementState.DRAFT:
            raise IllegalTransition(state=held.state)
        before = {key: getattr(held, key) for key in terms}
        for key, value in terms.items():
            setattr(held, key, value)
        checked(held)
        held.save(update_fields=list(terms))
        record("agreement.edit", held, actor=actor, before=before, after=terms)
    return held


def problems_of_agreement(agreement: Agreement) -> list[Problem]:
    """Return what is missing before ``agreement`` can be issued: sums that do not fit, days outside its time."""
    award, problems = agreement.award, []
    for label, rows in (
        (_("The tranches come to %(sum)s, the award to %(amount)s."), award.tranches),
        (_("The budget categories come to %(sum)s, the award to %(amount)s."), award.categories),
    ):
        total = rows.aggregate(sum=Sum("amount_fen"))["sum"] or 0
        if total != agreement.amount_fen:
            problems.append(
                Problem(label % {"sum": format_yuan(total), "amount": format_yuan(agreement.amount_fen)})
            )
    milestones = list(award.milestones.order_by("number"))
    if not milestones:
        problems.append(Problem(_("There is no milestone.")))
    problems += [
        Problem(
            _("Milestone %(milestone)s is due on %(day)s, outside the time of the agreement.")
            % {"milestone": one, "day": one.due_on.isoformat()}
        )
        for one in milestones
        if not agreement.starts_on <= one.due_on <= agreement.ends_on
    ]
    return problems


def issue_agreement(agreement: Agreement, *, actor: Actor) -> Agreement:
    """Make the agreement's PDF, for all to sign; from here on its terms are fixed."""
    require(actor, "funding.issue_agreement", agreement)
    with transaction.atomic():
        held = (
            Agreement.objects.select_for_update(of=("self",))
            .select_related("award__fund", "award__organisation", "award__project")
            .get(pk=agreement.pk)
        )
        if held.state == AgreementState.DRAFT and (problems := problems_of_agreement(held)):
            raise DomainError(_("The agreement is not complete."), code="incomplete", problems=problems)
        document = store_document(
            agreement_pdf(held), actor=actor, subject=held, kind="agreement", name=f"{held.award.number}.pdf"
        )
        done = advance(held, "issue", actor=actor, changes={"document": document})
        tell_grantee(
            "award.agreement_issued",
            held.award,
            key=f"agreement/{held.pk}/{held.version}",
            ends=held.ends_on.isoformat(),
        )
    return done


def reopen_agreement(agreement: Agreement, *, actor: Actor) -> Agreement:
    """Take an issued agreement back to change it; what was signed so far was another version."""
    with transaction.atomic():
        held = Agreement.objects.select_for_update().get(pk=agreement.pk)
        return advance(held, "reopen", actor=actor, changes={"version": held.version + 1})


def note_signature(
    agreement: Agreement, *, actor: Actor, party: str, name: str, signed_on: date, scan: File
) -> Signature:
    """Note who signed for ``party`` and when, with the scan; with the last signature the agreement is signed."""
    require(actor, "funding.note_signature", agreement)
    if signed_on > timezone.localdate():
        raise DomainError(_("This day is still to come."), code="future", field="signed_on")
    with transaction.atomic():
        held = Agreement.objects.select_for_update(of=("self",)).select_related("award").get(pk=agreement.pk)
        if held.state != AgreementState.ISSUED:
            raise IllegalTransition(state=held.state)
        if party not in held.parties:
            raise DomainError(_("This party does not sign this agreement."), code="party", field="party")
        if held.signatures.filter(version=held.version, party=party).exists():
            raise DomainError(
                _("%(party)s has signed already.") % {"party": Party(party).label},
                code="signed",
                field="party",
            )
        document = store_document(scan, actor=actor, subject=held, kind="signed_agreement")
        signature = Signature.objects.create(
            agreement=held,
            version=held.version,
            party=party,
            name=name,
            signed_on=signed_on,
            scan=document,
            noted_by_id=actor.pk,
        )
        record(
            "agreement.signature",
            held,
            actor=actor,
            after={"party": party, "name": name, "signed_on": signed_on.isoformat()},
        )
        signed = set(held.signatures.filter(version=held.version).values_list("party", flat=True))
        if signed >= set(held.parties):
            advance(held, "sign", actor=actor)
    return signature


def _day(day: date) -> str:
    return date_format(day, "DATE_FORMAT")


def _grantee(award: Award) -> str:
    """Return who signs as the grantee: the organisation, or the university that the research team is of."""
    return str(award.project.institution if award.project is not None else award.organisation)


def _context(agreement: Agreement) -> dict[str, Any]:
    award = agreement.award
    return {
        "award": award.number,
        "title": award.title,
        "grantee": both(lambda: _grantee(award)),
        "fund": both(lambda: str(award.fund.name)),
        "amount": format_yuan(agreement.amount_fen),
        "starts": both(lambda: _day(agreement.starts_on)),
        "ends": both(lambda: _day(agreement.ends_on)),
        "pi": agreement.pi_name,
        "scope": agreement.scope,
        "trl_start": str(agreement.trl_start),
        "trl_target": str(agreement.trl_target),
        "months": str(agreement.report_months),
    }


def agreement_text(agreement: Agreement) -> dict[str, str]:
    """Return {language: text}: the fund's own template, the park's, or the portal's, filled in."""
    own = {row.fund_id: row for row in AgreementTemplate.objects.all()}
    template = own.get(agreement.award.fund_id) or own.get(None)
    context = _context(agreement)
    found = {}
    for language in LANGUAGES:
        text = getattr(template, f"body_{language.replace('-', '_')}", None) if template else None
        check_text(AGREEMENT_KIND, text or AGREEMENT_TEXT[language])
        found[language] = merge(text or AGREEMENT_TEXT[language], context, language)
    return found


def agreement_pdf(agreement: Agreement) -> bytes:
    """Return the agreement as a PDF, Chinese first, then English: its articles, plan and budget, and where to sign."""
    award, texts, parts = agreement.award, agreement_text(agreement), []
    milestones = list(award.milestones.order_by("number"))
    tranches = list(award.tranches.select_related("milestone").order_by("number"))
    categories = list(award.categories.order_by("pk"))
    for language, short in _SHORT.items():
        with override(language):
            parts.append(
                {
                    "lang": short,
                    "kind": str(award.fund.name),
                    "title": _("Award agreement"),
                    "facts": [
                        [_("Award"), award.number],
                        [_("Title"), award.title],
                        [_("Grantee"), _grantee(award)],
                        [_("Amount"), format_yuan(agreement.amount_fen)],
                        [_("From – to"), f"{_day(agreement.starts_on)} – {_day(agreement.ends_on)}"],
                        ["TRL", f"{agreement.trl_start} → {agreement.trl_target}"],
                    ],
                    "paragraphs": [
                        line.strip()
                        for line in texts[language].replace("\r\n", "\n").split("\n\n")
                        if line.strip()
                    ],
                    "tables": [
                        {
                            "title": _("Milestones"),
                            "head": [_("Milestone"), _("Due"), _("Technical"), _("Market"), "TRL"],
                            "rows": [
                                [
                                    str(m),
                                    m.due_on.isoformat(),
                                    m.technical_goal,
                                    m.market_goal,
                                    str(m.trl or "–"),
                                ]
                                for m in milestones
                            ],
                        },
                        {
                            "title": _("Tranches"),
                            "head": [_("Tranche"), _("Paid when"), "#" + _("Amount")],
                            "rows": [
                                [
                                    str(t.number),
                                    "；".join(
                                        one
                                        for one in (
                                            str(t.milestone) if t.milestone else _("agreement signed"),
                                            t.condition,
                                        )
                                        if one
                                    ),
                                    format_yuan(t.amount_fen),
                                ]
                                for t in tranches
                            ],
                            "sums": ["", _("Total"), format_yuan(sum(t.amount_fen for t in tranches))],
                        },
                        {
                            "title": _("Budget"),
                            "head": [_("Budget category"), "#" + _("Amount")],
                            "rows": [[str(c), format_yuan(c.amount_fen)] for c in categories],
                            "sums": [_("Total"), format_yuan(sum(c.amount_fen for c in categories))],
                        },
                    ],
                    "signatures": [str(Party(party).label) for party in agreement.parties],
                    "signs": [_("Name and seal"), _("Date")],
                }
            )
    return render_pdf("agreement", {"reference": award.number, "parts": parts})


@readable("funding.agreement")
def reads_agreement(user: Any, document: Document) -> bool:
    """Whoever sees the award reads its agreement and the scans of the signatures."""
    return Agreement.objects.visible_to(user).filter(pk=document.subject_id).exists()
