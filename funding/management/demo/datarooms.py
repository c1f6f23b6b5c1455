"""The data room of the founder's company: what is in it, three investors, and who was there."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.core.files.base import ContentFile

from funding.datarooms import services
from funding.datarooms.models import DataRoomInvestor, DataRoomItem
from park_portal.core.accounts.models import User
from park_portal.core.documents.pdf import render_pdf

if TYPE_CHECKING:
    from funding.management.demo.build import Demo
    from incubator.organisations.models import Organisation

DECK: Final = (
    ("一页概览", "聚焦药物发现的湿实验与模型闭环，首条管线已完成体外验证。"),
    ("市场与客户", "已与三家药企签订联合验证协议，另有五家在谈。"),
    ("技术与知识产权", "发明专利授权 4 件、申请中 7 件，核心数据集自有。"),
    ("融资计划", "本轮拟融资 3,000 万元，用于管线推进与团队扩充。"),
)
FACTS: Final = (
    ("员工人数", "team", "typed", "27 人，其中博士 9 人"),
    ("现金可用月数", "finance", "typed", "14 个月"),
    ("上年营业收入", "finance", "typed", "612 万元"),
    ("股权结构", "finance", "typed", "创始团队 68 %，员工持股平台 12 %，天使投资人 20 %"),
    ("统一社会信用代码", "company", "uscc", ""),
)


def data_rooms(demo: Demo) -> None:
    """Fill one room, share some of it, and let one of its investors look."""
    company, owner, _park = demo.companies[0]
    investor = demo.cast.person(email="investor@park.example", name="沈若谷")
    demo.logins.append(("investor", investor))
    with demo.at(40):
        items = _fill(company, owner)
        people = [
            services.invite_investor(company, actor=owner, email=user.email, name=user.name, firm=firm)
            for user, firm in (
                (investor, "青溪资本"),
                (demo.cast.person(), "长三角生物医药基金"),
            )
        ]
        services.invite_investor(
            company, actor=owner, email="partner@fund.example", name="Anna Berg", firm="Nordhafen Ventures"
        )
        for row in people:
            user = User.objects.get(email=row.email)
            # As accepting the invitation does it.
            DataRoomInvestor.objects.filter(pk=row.pk).update(user=user)
            row.user = user
    deck, cap_table = items[0], items[5]
    with demo.at(30):
        day = (demo.today + timedelta(days=45)).date()
        services.grant_items(
            company, actor=owner, items=[*items[:4], items[6]], investors=people[:1], until=day
        )
        services.grant_items(
            company, actor=owner, items=[deck], investors=people, level="download", until=day
        )
        services.grant_items(company, actor=owner, items=[cap_table], investors=people[1:], until=day)
    with demo.at(21):
        services.open_item(deck.pk, actor=investor)
        for number in (1, 2, 4):
            services.show_page(deck.pk, number, actor=investor)
        services.read_facts(services.shared_items(investor, company))
    with demo.at(9):
        services.download_item(deck.pk, actor=investor)
        grant = cap_table.grants.select_related("item__organisation").get()
        services.revoke_grant(grant, actor=owner)
        asked = demo.cast.person()
        services.ask_for_room(
            actor=asked,
            uscc=company.uscc or "",
            firm="海纳医疗投资",
            message="我们关注类器官方向的早期项目，希望了解贵公司的融资计划。",
        )


def _fill(company: Organisation, owner: User) -> list[DataRoomItem]:
    pages = render_pdf(
        "letter",
        {
            "parts": [
                {"lang": "zh", "kind": "商业计划书", "title": title, "paragraphs": [text]}
                for title, text in DECK
            ]
        },
    )
    plan = render_pdf(
        "letter",
        {
            "parts": [
                {"lang": "zh", "title": "核心专利清单", "paragraphs": ["发明专利授权 4 件，申请中 7 件。"]}
            ]
        },
    )
    made = [
        services.add_document(
            company, actor=owner, file=ContentFile(content, name="资料.pdf"), title=title, folder=folder
        )
        for content, title, folder in ((pages, "商业计划书", "company"), (plan, "核心专利清单", "ip"))
    ]
    made += [
        services.add_fact(company, actor=owner, title=title, folder=folder, source=source, value=value)
        for title, folder, source, value in FACTS
    ]
    return made
