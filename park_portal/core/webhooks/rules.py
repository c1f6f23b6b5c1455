from __future__ import annotations

from typing import Any

import rules

from park_portal.core.accounts.rules import is_lead


@rules.predicate
def is_own(user: Any, webhook: Any) -> bool:
    return webhook is not None and not webhook.of_park and webhook.user_id == user.pk


@rules.predicate
def is_of_park(user: Any, webhook: Any) -> bool:
    return webhook is not None and webhook.of_park


rules.add_perm("core.create_webhook", rules.is_authenticated)
# The park's webhooks tell of every person's business: whoever answers for the staff makes them.
rules.add_perm("core.create_park_webhook", is_lead)
rules.add_perm("core.change_webhook", is_own | (is_of_park & is_lead))
