"""What an assignment rests on: its pool with who is left out and why, the record of a draw, the export."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from tempfile import NamedTemporaryFile
from typing import Any, Final

from django.db import models
from django.http import Http404, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.reviews.admin.plan_pages import PAGE, PlanningPage, page_links
from funding.reviews.models import AssignmentPlan, PlannedPair, PlanPool, Reviewer, StageRun
from funding.reviews.models.assignment import CONFLICT, STEPPED_BACK, UNFIT
from funding.reviews.services import conflicts_of, kept_from, knows_names, record_of_draw
from park_portal.core.accounts.models import User
from park_portal.core.jobs.excel import Column, write_rows

SHOWN_EXCLUDED: Final = 25  # applications of a page of conflicts
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class PoolPage(PlanningPage):
    """Everyone who could be asked, with what they would read; and who is left out for which application, with the reason."""

    name, path = "pool", "<int:pk>/pool/"
    title, icon = gettext_lazy("Pool and conflicts"), "groups"
    template_name = "admin/funding/assignmentplan/pool.html"
    fullwidth = True

    def pool(self) -> PlanPool:
        found = PlanPool.objects.filter(plan=self.object).first()
        if found is None:
            raise Http404
        return found

    def context(self) -> Mapping[str, Any]:
        plan, pool = self.object, self.pool()
        shows_excluded = self.request.GET.get("show") == "excluded"
        part = self.excluded(pool) if shows_excluded else self.people(plan, pool)
        closed = pool.closed
        counts = [
            (gettext_lazy("conflicts of interest"), int((closed == CONFLICT).sum())),
            (gettext_lazy("stepped back from the application before"), int((closed == STEPPED_BACK).sum())),
            (gettext_lazy("match less than is allowed"), int((closed == UNFIT).sum())),
        ]
        return {
            "plan": plan,
            "pool": pool,
            "shows_keys": plan.is_draw and knows_names(plan, self.request.user),
            "shows_excluded": shows_excluded,
            "counts": counts,
            **part,
        }

    def people(self, plan: AssignmentPlan, pool: PlanPool) -> dict[str, Any]:
        number = self.number_of_page(len(pool.people))
        given = dict(
            plan.pairs.order_by().values("person").annotate(n=models.Count("pk")).values_list("person", "n")
        )
        order = sorted(pool.people, key=lambda who: (-given.get(who, 0), pool.column_of[who]))
        shown = order[(number - 1) * PAGE : number * PAGE]
        experts = {
            one.user_id: one
            for one in Reviewer.objects.filter(user__in=shown).select_related("user", "organisation")
        }
        closed = pool.closed
        most = max([1, *given.values(), *pool.terms["limit"]])
        return {
            "lines": [
                {
                    "entry": experts[who],
                    "key": pool.terms["people"][pool.column_of[who]],
                    "load": given.get(who, 0),
                    "limit": pool.terms["limit"][pool.column_of[who]],
                    "bar": round(100 * given.get(who, 0) / most),
                    "room": round(100 * pool.terms["limit"][pool.column_of[who]] / most),
                    "conflicts": int((closed[:, pool.column_of[who]] == CONFLICT).sum()),
                }
                for who in shown
                if who in experts
            ],
            "numbers": page_links(number, len(pool.people)),
        }

    def excluded(self, pool: PlanPool) -> dict[str, Any]:
        """Applications with reviewers left out for a conflict, a page of them, each with the reason as it is known now."""
        import numpy as np  # only plans wait for it

        closed = pool.closed
        rows = np.flatnonzero((closed == CONFLICT).any(axis=1) | (closed == STEPPED_BACK).any(axis=1))
        number = self.number_of_page(len(rows), SHOWN_EXCLUDED)
        shown = rows[(number - 1) * SHOWN_EXCLUDED : number * SHOWN_EXCLUDED]
        runs = StageRun.objects.select_related("application__organisation", "application__project").in_bulk(
            [pool.runs[row] for row in shown]
        )
        columns = {
            int(row): np.flatnonzero((closed[row] == CONFLICT) | (closed[row] == STEPPED_BACK))
            for row in shown
        }
        closed_to = kept_from(self.request.user, {run.application_id for run in runs.values()})
        people = User.objects.in_bulk({pool.people[column] for some in columns.values() for column in some})
        reasons = conflicts_of([run.application for run in runs.values()], list(people.values()))
        lines = []
        for row, some in columns.items():
            run = runs[pool.runs[row]]
            lines.append(
                {
                    "run": run,
                    "closed": closed_to.get(run.application_id, ""),
                    "people": []
                    if run.application_id in closed_to
                    else [
                        {
                            "person": people[pool.people[column]],
                            "reasons": reasons.get((run.application_id, pool.people[column]), []),
                            "away": closed[row, column] == STEPPED_BACK,
                        }
                        for column in some
                        if pool.people[column] in people
                    ],
                }
            )
        return {"excluded": lines, "numbers": page_links(number, len(rows), SHOWN_EXCLUDED)}


class DrawPage(PlanningPage):
    """A random draw for the record: pool, seed, hash, result, and how anybody makes it again."""

    name, path = "draw", "<int:pk>/draw/"
    title, icon = gettext_lazy("Record of the draw"), "casino"
    template_name = "admin/funding/assignmentplan/draw.html"

    def get(self) -> HttpResponseBase:
        plan: AssignmentPlan = self.object
        if (
            not plan.is_draw
            or plan.root.published_at is None
            or not PlanPool.objects.filter(plan=plan).exists()
        ):
            raise Http404
        record = record_of_draw(plan, self.request.user)
        if self.request.GET.get("format") == "json":
            whole = json.dumps(record, ensure_ascii=False, indent=1)
            return _download(whole.encode(), f"draw-{plan.pk}.json", "application/json")
        return self.render(
            plan=plan,
            record=record,
            people=[(key, *record["names"].get(key, ("", ""))) for key in _keys(record)],
            nameless=not record["names"],
            result=_by_application(record),
            commands=[f"manage.py draw --plan {plan.pk}", f"manage.py draw --file draw-{plan.pk}.json"],
        )


def _keys(record: Mapping[str, Any]) -> list[str]:
    return [one["key"] for one in record["pool"]["reviewers"]]


def _by_application(record: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = defaultdict(list)
    for number, key in record["result"]:
        found[number].append(key)
    return sorted(found.items())


class ExportPage(PlanningPage):
    """The pairs of a plan as an Excel file."""

    name, path = "export", "<int:pk>/export/"
    title, icon = gettext_lazy("Export"), "download"

    def get(self) -> HttpResponseBase:
        plan: AssignmentPlan = self.object
        rows = (
            plan.pairs.select_related("run__application", "person__reviewer")
            .order_by("run__application__number", "pk")
            .iterator(chunk_size=2000)
        )
        applications = plan.pairs.values_list("run__application", flat=True).order_by().distinct()
        closed = kept_from(self.request.user, applications)

        def unless_closed(value: Callable[[PlannedPair], Any]) -> Callable[[PlannedPair], Any]:
            return lambda pair: "—" if pair.run.application_id in closed else value(pair)

        columns = [
            Column(_("Application"), lambda pair: pair.run.application.number),
            Column(_("Title"), lambda pair: pair.run.application.title, 48),
            Column(
                _("Reviewer"),
                lambda pair: (
                    _("conflict of interest") if pair.run.application_id in closed else pair.person.name
                ),
            ),
            Column(_("E-mail"), unless_closed(lambda pair: pair.person.email), 28),
            Column(_("Institution"), unless_closed(lambda pair: pair.person.reviewer.institution), 28),
            Column(_("Match"), unless_closed(lambda pair: float(pair.affinity))),
            Column(_("Origin"), unless_closed(lambda pair: pair.get_origin_display())),
        ]
        with NamedTemporaryFile(suffix=".xlsx") as file:
            write_rows(file.name, columns, rows)
            content = file.read()
        return _download(content, f"assignment-{plan.pk}.xlsx", XLSX)


def _download(content: bytes, name: str, kind: str) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
