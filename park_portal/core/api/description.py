"""What the OpenAPI description says of the mechanism."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema


class Schema(AutoSchema):
    """Names each operation after its resource and method: ``applications_submit``."""

    def get_operation_id(self) -> str:
        view: Any = self.view
        return f"{view.basename.replace('-', '_')}_{view.action}"


class TokenScheme(OpenApiAuthenticationExtension):
    """``Authorization: Bearer park_…``."""

    target_class = "park_portal.core.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "park_…"}


PROBLEM: Final = {
    "type": "object",
    "description": "Problem details (RFC 9457), in the language of who asks.",
    "required": ["type", "title", "status", "code", "instance", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:park:problem:version"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
REFUSED: Final = {
    "description": "Refused: nothing was changed.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
ONCE: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Another one for each request; sent again within a day, the request does nothing and is answered the same.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
VERSION: Final = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag of what is changed; 412 when somebody changed it meanwhile.",
    "schema": {"type": "string"},
}
FIELDS: Final = {
    "name": "fields",
    "in": "query",
    "required": False,
    "description": "Only these fields, separated by commas.",
    "schema": {"type": "string"},
}

TEXTS: Final = {
    "type": "object",
    "required": ["zh-hans", "en"],
    "properties": {"zh-hans": {"type": "string"}, "en": {"type": "string"}},
}
# What a webhook is sent: the other way round, from the portal to a program.
TOLD: Final = {
    "post": {
        "summary": "A notice",
        "description": (
            "Sent to your webhooks, after the Standard Webhooks specification (standardwebhooks.com), whose libraries check "
            "it. Decode the part of the secret after `whsec_` from base64; compute HMAC-SHA256 with it over "
            "`{webhook-id}.{webhook-timestamp}.{body}`, the body byte for byte; encode it in base64; compare it, in constant "
            "time, with each part of `webhook-signature` after `v1,`. Refuse what is older than five minutes. Answer with "
            "any 2xx within ten seconds; whatever else is tried again for a day, under the same `webhook-id`."
        ),
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": text,
                "schema": {"type": "string"},
            }
            for name, text in (
                ("webhook-id", "The same at every attempt: whoever has seen it has nothing more to do."),
                ("webhook-timestamp", "Seconds since 1970, of this attempt."),
                (
                    "webhook-signature",
                    "`v1,…`; two of them, parted by a space, for a day after a new secret.",
                ),
            )
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["type", "timestamp", "data"],
                        "properties": {
                            "type": {"type": "string", "examples": ["organisation.member_joined"]},
                            "timestamp": {"type": "string", "format": "date-time"},
                            "data": {
                                "type": "object",
                                "required": ["id", "subject", "text", "link"],
                                "properties": {
                                    "id": {
                                        "type": ["string", "null"],
                                        "description": "Of `GET /inbox/{id}/`; null for the park's, and for tests.",
                                    },
                                    "subject": TEXTS,
                                    "text": TEXTS,
                                    "link": {"type": ["string", "null"], "format": "uri"},
                                },
                            },
                        },
                    }
                }
            },
        },
        "responses": {"204": {"description": "Accepted, as any 2xx is."}},
    }
}


def describe(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Add to the description what every operation has: refusals, versions, keys of requests, sparse fields."""
    schemas = result["components"]["schemas"]
    # Rows are shown with the fields that were asked for, and without those that are not for the caller.
    for page in [schema for name, schema in schemas.items() if name.startswith("Paginated")]:
        row = page["properties"]["results"]["items"]["$ref"].rpartition("/")[2]
        schemas[row].pop("required", None)
    schemas["Problem"] = PROBLEM
    result["webhooks"] = {"notice": TOLD}
    for operations in result["paths"].values():
        for method, operation in operations.items():
            operation["responses"]["default"] = REFUSED
            parameters = operation.setdefault("parameters", [])
            if method in ("patch", "put", "delete"):
                parameters.append(VERSION)
            if method == "post":
                parameters.append(ONCE)
            if method == "get" and any(one["name"] == "after" for one in parameters):
                parameters.append(FIELDS)
    return result
