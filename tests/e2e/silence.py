"""What the logs of a running portal say of the people in it: nothing."""

from __future__ import annotations

import re

from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session

from park_portal.core.accounts.models import Invitation, User
from tests.stack import Stack

# A query string, an address, a mobile number, a number of an identity card, a token of the API.
PATTERNS = (
    re.compile(r"/\S*\?[\w.-]+="),
    re.compile(r"[\w.+-]+@[\w-]+\.\w+"),
    re.compile(r"(?<![\w.])1[3-9]\d{9}(?![\w.])"),
    re.compile(r"(?<!\w)\d{17}[\dXx](?!\w)"),
    re.compile(r"\bBearer (?!…)"),
)


def told_of_people(stack: Stack) -> list[str]:
    """Return the lines of the portal's logs that name a person or hold a key, each with what was found in it."""
    words = {
        *(word for row in User.objects.values_list("name", "email", "phone") for word in row),
        *(word for row in Invitation.objects.values_list("name", "email", "token_digest") for word in row),
        *EmailAddress.objects.values_list("email", flat=True),
        *Session.objects.values_list("session_key", flat=True),
    }
    # A name of one Latin word ("Officer") is a word that the logs may well use.
    words = {word for word in words if word and not re.fullmatch(r"[A-Za-z]{1,12}", word)}
    found = []
    for path in sorted(stack.folder.glob("*.log")):
        if path.stem == "mail":  # the sink of local mode, which keeps mails and says whose
            continue
        for line in path.read_text(errors="replace").splitlines():
            why = [word for word in words if word in line]
            why += [match[0] for pattern in PATTERNS if (match := pattern.search(line))]
            if why:
                found.append(f"{path.name}: {why} in {line[:400]}")
    return found
