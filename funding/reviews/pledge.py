"""The pledge of integrity as the portal ships it: loaded after ``migrate`` where there is none yet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

FIRST: Final = {
    "zh-hans": (
        "一、本人与所评申请的申报单位、项目负责人及团队成员之间不存在未声明的利益冲突；评审期间出现或发现利益冲突的，立即停止评审并告知园区。\n"
        "二、本人亲自完成评审，不委托、不由他人代为评审，不将申请材料提供给任何人或输入公共的人工智能服务。\n"
        "三、本人对申请内容、评审意见和评审过程保密，不复制、不留存、不利用所知内容谋取利益。\n"
        "四、评审期间不与申请人及其利益相关方就评审事项进行任何联系，不接受请托、宴请和财物。\n"
        "五、本人依据申请材料独立、客观、公正地作出评价，遵守科研诚信有关规定，并承担相应责任。"
    ),
    "en": (
        "1. I have no undeclared conflict of interest with the applicant, the principal investigator or the team. If one "
        "arises or comes to my notice, I stop at once and tell the park.\n"
        "2. I write the review myself. Nobody writes it for me, and I give the application to nobody and to no public AI "
        "service.\n"
        "3. I keep the application, the reviews and how they came about confidential; I make and keep no copies and draw "
        "no advantage from what I learn.\n"
        "4. While the review goes on I have no contact about it with the applicant or anybody with an interest in it, and "
        "accept no requests, invitations or gifts.\n"
        "5. I judge independently, objectively and fairly on what the application says, by the rules of research "
        "integrity, and answer for it."
    ),
}


# The first version holds from the beginning, whenever the portal was set up.
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC)


def load_pledge(sender: Any, using: str, **kwargs: Any) -> None:
    """Receiver of ``post_migrate``: write the first version (a partial migration has no table yet)."""
    from django.db import connections  # imported where the models are loaded

    from funding.reviews.models import Pledge

    if Pledge._meta.db_table in connections[using].introspection.table_names():
        Pledge.objects.using(using).get_or_create(
            version=1,
            defaults={"text_zh_hans": FIRST["zh-hans"], "text_en": FIRST["en"], "effective_from": ALWAYS},
        )
