"""Errors to a Sentry and traces to an OpenTelemetry collector: each only where its address is given, and without people.

Both are asked for by environment alone (`SENTRY_DSN`, `OTEL_EXPORTER_OTLP_ENDPOINT`); without them none of it is imported.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from park_portal.core import context
from park_portal.core.logs import clean


def begin() -> None:
    """Begin what the environment asks for, in this process and in those that it will start."""
    if settings.SENTRY_DSN:
        _begin_sentry()
    if settings.OTEL_ENDPOINT:
        _begin_traces()


def _begin_sentry() -> None:
    import sentry_sdk  # only where it is asked for
    from sentry_sdk.integrations.celery import CeleryIntegration
    from sentry_sdk.integrations.django import DjangoIntegration

    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=settings.RELEASE or None,
        environment=settings.PARK_MODE,
        integrations=[DjangoIntegration(middleware_spans=False), CeleryIntegration()],
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=None,
        before_send=scrubbed,
    )


# Of a request nothing else leaves the portal: neither query, body, cookies, headers nor address.
KEPT_OF_REQUEST = ("method",)


def scrubbed(event: Any, hint: Any = None) -> Any:
    """Return Sentry's event as it may leave the portal: every text cleaned, nobody named, the request by its number."""
    event.pop("user", None)
    event.pop("server_name", None)
    event.pop("extra", None)
    event.pop("breadcrumbs", None)
    if "request" in event:
        event["request"] = {key: event["request"][key] for key in KEPT_OF_REQUEST if key in event["request"]}
    event.get("contexts", {}).pop("celery", None)
    source = context.current()
    event["tags"] = {**(event.get("tags") or {}), "request_id": source.request_id, "door": source.door}
    return _cleaned(event)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {key: _cleaned(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(one) for one in value]
    return value


def _begin_traces() -> None:
    from opentelemetry import trace  # only where it is asked for
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.celery import CeleryInstrumentor
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
    from opentelemetry.trace import Status

    class Scrubbing(BatchSpanProcessor):
        """Leaves out of a span what may tell of a person before it is kept for sending."""

        def on_end(self, span: ReadableSpan) -> None:
            kept = {key: value for key, value in (span.attributes or {}).items() if key in KEPT_OF_SPAN}
            span._attributes = kept
            span._events = ()  # an exception's text
            span._status = Status(span.status.status_code)  # … and once more, as its description
            super().on_end(span)

    provider = TracerProvider(
        resource=Resource.create({"service.name": "park-portal", "service.version": settings.RELEASE}),
        sampler=ParentBased(TraceIdRatioBased(settings.OTEL_PERCENT / 100)),
    )
    provider.add_span_processor(Scrubbing(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument(response_hook=_name_request)
    CeleryInstrumentor().instrument()


def _name_request(span: Any, request: Any, response: Any) -> None:
    if span.is_recording():
        span.set_attribute("park.request_id", response.get("X-Request-ID", ""))


# Of what the instruments note, this much is sent: no address, no query, no header, no argument of a task.
KEPT_OF_SPAN = frozenset(
    {
        "http.method",
        "http.request.method",
        "http.route",
        "http.status_code",
        "http.response.status_code",
        "http.flavor",
        "celery.action",
        "celery.state",
        "celery.task_name",
        "messaging.destination",
        "messaging.operation.name",
        "park.request_id",
        "error.type",
    }
)
