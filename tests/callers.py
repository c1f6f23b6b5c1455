"""A program that asks the API in a person's name: `caller(user).get("/applications/")`."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from django.http import HttpResponse
from django.test import Client

from park_portal.core.accounts.models import User
from park_portal.core.tokens.services import create_token
from park_portal.core.tokens.states import Scope

NUMBER = count(1)  # one person's tokens have names of their own


class Caller:
    """One program with a token of its own."""

    def __init__(self, user: User, *, scopes: list[str] | None = None, language: str = "en") -> None:
        self.token, self.secret = create_token(
            actor=user, name=f"test {next(NUMBER)}", scopes=scopes or Scope.values, days=1
        )
        self.language = language
        self.client = Client()

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """Send a request; `headers` are spelled `If_Match="…"`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named = {"Authorization": f"Bearer {self.secret}", "Accept-Language": self.language, **named}
        data = "" if body is None else body if isinstance(body, str | bytes) else json.dumps(body)
        address = path if path.startswith("/api/") else f"/api/v1{path}"
        return self.client.generic(method, address, data, content_type="application/json", headers=named)

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.send("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.send("PUT", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.send("PATCH", path, body, **headers)
