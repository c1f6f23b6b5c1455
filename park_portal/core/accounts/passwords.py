"""Words that anyone would try first at this portal: no password is made of them alone (docs/security.md lists them)."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

WORDS: Final = (
    *("qingpu", "fudan", "shanghai", "park", "portal", "incubator", "innovation", "center", "centre"),
    *(
        "university",
        "science",
        "technology",
        "biotech",
        "startup",
        "company",
        "project",
        "password",
        "welcome",
    ),
    *("admin", "officer", "lead", "finance", "auditor", "liaison", "reviewer", "mentor", "investor"),
    *("青浦", "复旦", "上海", "大学", "科技园", "园区", "门户", "孵化器", "创新", "中心", "管理员", "密码"),
)
# Of what is left without them, so many letters must be the person's own.
OWN: Final = 4


class ParkWordsValidator:
    """Refuses a password that is words of the park with digits and signs round them."""

    def validate(self, password: str, user: Any = None) -> None:
        own = password.casefold()
        for word in WORDS:
            own = own.replace(word, " ")
        if " " in own and sum(letter.isalpha() for letter in own) < OWN:
            raise ValidationError(self.get_help_text(), code="password_of_the_park")

    def get_help_text(self) -> str:
        return _("The password is made of words that anyone would try here. Add words of your own.")
