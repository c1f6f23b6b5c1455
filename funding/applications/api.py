from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import django_filters
from django.db import models
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from funding.applications.models import AnswerFile, Application, Version
from funding.applications.naming import is_double_blind, names_left, names_of
from funding.applications.reading import typed_snapshot
from funding.applications.receipts import receipt_pdf
from funding.applications.services import (
    add_file,
    problems_of,
    remove_file,
    save_answer,
    start_application,
    submit_application,
    withdraw_application,
)
from funding.applications.sheet import sheet_of
from funding.applications.states import ApplicationState
from funding.calls.models import Call
from funding.calls.questions import type_of
from funding.calls.states import ApplicantKind
from incubator.organisations.models import Organisation
from incubator.projects.models import ResearchProject
from park_portal.core.api.acts import HasActs
from park_portal.core.api.idempotency import idempotent
from park_portal.core.api.problems import ApiError
from park_portal.core.api.resource import Resource, ResourceSerializer
from park_portal.core.documents.api import DocumentSerializer, describe_document
from park_portal.core.errors import Conflict, DomainError, Forbidden
from park_portal.core.jobs.api import JobSerializer
from park_portal.core.jobs.services import start_job
from park_portal.core.views import visible_or_404
from park_portal.core.workflow import require

# What the park sees of the way through the review; applicants read it from the state.
OF_THE_PARK = "funding.export_applications"


# What stands in the row itself; the other columns are read from what it points to.
OWN_COLUMNS = (
    *("id", "call", "kind", "organisation", "project", "number", "title", "amount_fen", "state"),
    *("current_stage", "due_at", "submitted_at", "created_at", "updated_at"),
)


class ApplicationSerializer(ResourceSerializer):
    private = dict.fromkeys(("stage", "due_at"), OF_THE_PARK)

    call = serializers.SlugRelatedField[Call](slug_field="code", read_only=True)
    stage = serializers.CharField(source="current_stage.kind", read_only=True, allow_null=True, default=None)
    due = serializers.DateTimeField(source="shown_due", read_only=True, allow_null=True)

    class Meta:
        model = Application
        fields = (
            *("id", "call", "kind", "organisation", "project", "number", "title", "amount_fen", "state"),
            *("due", "stage", "due_at", "submitted_at", "created_at", "updated_at"),
        )
        read_only_fields = fields

    def to_representation(self, instance: Application) -> dict[str, Any]:
        shown = super().to_representation(instance)
        # By when others should be done is theirs to know.
        if "due" in shown and instance.state == ApplicationState.IN_REVIEW:
            shown["due"] = None
        return shown


class StartSerializer(serializers.Serializer[Any]):
    call = serializers.CharField(max_length=24)
    organisation = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    project = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


class WithdrawSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=2000, default="")


class AnswerSerializer(serializers.Serializer[Any]):
    value = serializers.JSONField(allow_null=True, help_text="As it would be typed; null empties the answer.")


class TypedSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    value = serializers.JSONField(allow_null=True)
    revision = serializers.IntegerField()
    open = serializers.BooleanField(help_text="Whether it can be written now.")


class MissingSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    detail = serializers.CharField()


class LeftSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    place = serializers.CharField(help_text="Row and column of a table.")
    kind = serializers.CharField()
    text = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()


class NamesSerializer(serializers.Serializer[Any]):
    results = LeftSerializer(many=True)


class AnswersSerializer(serializers.Serializer[Any]):
    results = TypedSerializer(many=True)
    problems = MissingSerializer(many=True)


class SavedSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    revision = serializers.IntegerField()


class VersionSerializer(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    submitted_at = serializers.DateTimeField()
    sha256 = serializers.CharField()
    form = serializers.JSONField()
    answers = serializers.JSONField()


class AnswerFileSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    question = serializers.CharField(help_text="The question's key.")
    document = DocumentSerializer()


class AnswerFilesSerializer(serializers.Serializer[Any]):
    results = AnswerFileSerializer(many=True)


class UploadSerializer(serializers.Serializer[Any]):
    file = serializers.FileField()


class ExportSerializer(serializers.Serializer[Any]):
    call = serializers.CharField(required=False, max_length=24)
    state = serializers.ChoiceField(choices=ApplicationState.choices, required=False)


class VersionsSerializer(serializers.Serializer[Any]):
    results = VersionSerializer(many=True)


class ApplicationFilter(django_filters.FilterSet):
    call = django_filters.CharFilter(field_name="call__code")
    state = django_filters.ChoiceFilter(choices=ApplicationState.choices)
    kind = django_filters.ChoiceFilter(choices=ApplicantKind.choices)

    class Meta:
        model = Application
        fields = ("call", "state", "kind")


class ApplicationResource(HasActs, Resource):
    """The applications of your organisations and projects; liaisons see those of their care, park staff all."""

    scope = "applications"
    model = Application
    serializer_class = ApplicationSerializer
    filterset_class = ApplicationFilter
    orders = ("id", "updated_at", "submitted_at")
    queryset = Application.objects.none()

    def rows(self) -> models.QuerySet[Application]:
        rows = Application.objects.visible_to(self.request.user)
        return rows.select_related("call", "current_stage")

    def rows_of_list(self) -> models.QuerySet[Application]:
        joined = ("call__code", "call__closes_at", "call__grace_minutes", "current_stage__kind")
        return self.rows().only(*OWN_COLUMNS, *joined)

    def prepare(self, rows: Sequence[Application]) -> None:
        drafts = [row for row in rows if row.state == ApplicationState.DRAFT]
        models.prefetch_related_objects(drafts, "extensions")  # of the others nobody asks for them

    @extend_schema(request=StartSerializer, responses={201: ApplicationSerializer})
    @idempotent
    def create(self, request: Request) -> Response:
        """Begin an application of one of your organisations or projects. An applicant has one draft a call."""
        sent = StartSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values = sent.validated_data
        call = visible_or_404(Call.objects.visible_to(self.actor), code=values["call"])
        who: dict[str, Any] = {}
        if "organisation" in values:
            rows = Organisation.objects.visible_to(self.actor)
            who["organisation"] = visible_or_404(rows, pk=values["organisation"])
        if "project" in values:
            who["project"] = visible_or_404(
                ResearchProject.objects.visible_to(self.actor), pk=values["project"]
            )
        made = start_application(call, actor=self.actor, **who)
        row = visible_or_404(self.rows(), pk=made.pk)
        return Response(self.show(row), status=201, headers={"ETag": self.tag_of(row)})

    @extend_schema(responses=AnswersSerializer)
    @action(detail=True, methods=["get"])
    def answers(self, request: Request, pk: str) -> Response:
        """What was typed so far: each answer by its question's key, with its revision as version."""
        application = self._own()
        sheet = sheet_of(application)
        return Response(
            {
                "results": [
                    {
                        "key": question.key,
                        "value": type_of(question.kind).raw(
                            sheet.values.get(question.key), question.settings
                        ),
                        "revision": sheet.revision(question.key),
                        "open": question.key in sheet.open_keys,
                    }
                    for question in sheet.questions
                ],
                "problems": [
                    {"key": one.field or "", "detail": str(one.message)} for one in problems_of(application)
                ],
            }
        )

    @extend_schema(request=AnswerSerializer, responses=SavedSerializer)
    @action(detail=True, methods=["put"], url_path=r"answers/(?P<key>[^/]{1,80})")
    def answer(self, request: Request, pk: str, key: str) -> Response:
        """Write one answer. ``If-Match`` is the revision you last saw ("0" for none); 412 with what is stored else."""
        sent = AnswerSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        try:
            answer = save_answer(
                self._own(), key, sent.validated_data["value"], actor=self.actor, revision=self._revision()
            )
        except Conflict as conflict:
            raise ApiError(412, "version", conflict.message, field=key) from conflict
        return Response({"key": key, "revision": answer.revision}, headers={"ETag": f'"{answer.revision}"'})

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    @idempotent
    def submit(self, request: Request, pk: str) -> Response:
        """Submit: freezes a version, numbers it and hands it to the review. What lacks is listed under ``errors``."""
        submit_application(self._own(), actor=self.actor)
        return Response(self.show(self.get_object()))

    @extend_schema(request=WithdrawSerializer)
    @action(detail=True, methods=["post"])
    @idempotent
    def withdraw(self, request: Request, pk: str) -> Response:
        """Withdraw for good; after submission with a reason."""
        sent = WithdrawSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        withdraw_application(self._own(), actor=self.actor, reason=sent.validated_data["reason"])
        return Response(self.show(self.get_object()))

    @extend_schema(responses=NamesSerializer)
    @action(detail=True, methods=["get"])
    def names(self, request: Request, pk: str) -> Response:
        """Where double-blind reviewers would read who applies, as it is typed now; empty where no stage is double-blind."""
        application = self._own()
        left = []
        if is_double_blind(application):
            form, answers = typed_snapshot(application)
            left = names_left(form, answers, names_of(application, form, answers))
        return Response(NamesSerializer({"results": left}).data)

    @extend_schema(responses=VersionsSerializer)
    @action(detail=True, methods=["get"])
    def versions(self, request: Request, pk: str) -> Response:
        """What was submitted, as it stood: the form and the answers of each version."""
        application = self.get_object()
        rows = Version.objects.filter(application=application).order_by("number")
        return Response(
            {
                "results": [
                    {
                        "number": one.number,
                        "submitted_at": one.submitted_at,
                        "sha256": one.digest,
                        "form": one.form,
                        "answers": one.answers,
                    }
                    for one in rows
                ]
            }
        )

    @extend_schema(responses=DocumentSerializer)
    @action(detail=True, methods=["get"], url_path=r"versions/(?P<number>[0-9]{1,4})/receipt")
    def receipt(self, request: Request, pk: str, number: str) -> Response:
        """The receipt of a version, to be downloaded under ``documents/``."""
        application = self.get_object()
        require(self.actor, "funding.view_application_page", application)
        rows = application.versions.select_related("application__call")
        document = receipt_pdf(visible_or_404(rows, number=number))
        return Response(describe_document(document, self.actor))

    @extend_schema(responses=AnswerFilesSerializer)
    @action(detail=True, methods=["get"])
    def files(self, request: Request, pk: str) -> Response:
        """The files given so far in answer to questions; their bytes are under ``documents/``."""
        rows = (
            self._own().files.filter(removed_at__isnull=True).select_related("document", "question__question")
        )
        return Response({"results": [self._file(one) for one in rows]})

    @extend_schema(request={"multipart/form-data": UploadSerializer}, responses={201: AnswerFileSerializer})
    @action(
        detail=True,
        methods=["post"],
        url_path=r"answers/(?P<key>[^/]{1,80})/files",
        parser_classes=[MultiPartParser],
    )
    @idempotent
    def upload(self, request: Request, pk: str, key: str) -> Response:
        """Add one file, sent as ``file`` of a multipart form, to a question of files."""
        application = self._own()
        upload = request.FILES.get("file")
        if upload is None:
            raise DomainError(_("Choose a file first."), code="no_file", field="file")
        return Response(self._file(add_file(application, key, upload, actor=self.actor)), status=201)

    @extend_schema(request=None, responses=AnswerFilesSerializer)
    @action(
        detail=True, methods=["post"], url_path=r"files/(?P<file>[0-9]{1,18})/remove", url_name="remove-file"
    )
    @idempotent
    def remove_file(self, request: Request, pk: str, file: str) -> Response:
        """Take a file out of its answer; versions already submitted keep it."""
        rows = self._own().files.select_related("question__question", "application")
        remove_file(visible_or_404(rows, pk=file), actor=self.actor)
        return self._files()

    @extend_schema(request=ExportSerializer, responses={202: JobSerializer})
    @action(detail=False, methods=["post"])
    @idempotent
    def export(self, request: Request) -> Response:
        """Write all that match, with what was submitted, into a workbook; the answer is the job that does it."""
        require(self.actor, "funding.export_applications")
        sent = ExportSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        values, rows = sent.validated_data, Application.objects.visible_to(self.actor)
        if "call" in values:
            rows = rows.filter(call__code=values["call"])
        if "state" in values:
            rows = rows.filter(state=values["state"])
        keys = list(rows.order_by("pk").values_list("pk", flat=True))
        job = start_job("applications.export", actor=self.actor, params={"keys": keys})
        return Response(JobSerializer(job, context=self.get_serializer_context()).data, status=202)

    def _files(self) -> Response:
        rows = self._own().files.filter(removed_at__isnull=True)
        return Response(
            {"results": [self._file(one) for one in rows.select_related("document", "question__question")]}
        )

    def _file(self, file: AnswerFile) -> dict[str, Any]:
        return {
            "id": file.pk,
            "question": file.question.key,
            "document": describe_document(file.document, self.actor),
        }

    def _own(self) -> Application:
        """Return the application for who belongs to its applicant: what is typed is nobody else's to read."""
        application: Application = self.get_object()
        if application.role_of(self.actor) is None:
            raise Forbidden
        return application

    def _revision(self) -> int:
        given = self.request.headers.get("If-Match", "").strip().strip('"')
        if not given:
            raise ApiError(
                428, "version_required", _("Send the ETag of what you change in an If-Match header.")
            )
        if not (given.isascii() and given.isdecimal() and len(given) < 10):
            raise DomainError(_('If-Match names the revision of the answer, such as "3".'), code="version")
        return int(given)
