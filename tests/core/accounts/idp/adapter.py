import json
from pathlib import Path
from typing import Any

from allauth.idp.oidc.adapter import DefaultOIDCAdapter
from django.conf import settings


class Adapter(DefaultOIDCAdapter):
    """Says of each person what the test has written down."""

    def get_claims(self, purpose: str, user: Any, client: Any, scopes: Any, **kwargs: Any) -> dict[str, Any]:
        claims = super().get_claims(purpose, user, client, scopes, **kwargs)
        said = json.loads(Path(f"{settings.DATABASES['default']['NAME']}.json").read_text())
        return {**claims, **said.get(purpose, {})}
