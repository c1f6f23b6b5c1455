from __future__ import annotations

from typing import Any

import rules


@rules.predicate
def is_own(user: Any, token: Any) -> bool:
    return token is not None and token.user_id == user.pk


rules.add_perm("core.create_token", rules.is_authenticated)
rules.add_perm("core.revoke_token", is_own)
