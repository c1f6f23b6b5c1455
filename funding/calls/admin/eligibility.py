"""Who may apply: the eligibility rules of a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from funding.calls import building
from funding.calls.admin.builder import BuilderPage
from funding.calls.facts import RuleText, rules_of
from funding.calls.forms import RuleForm
from funding.calls.states import ApplicantKind
from park_portal.core.admin.acts import refuse
from park_portal.core.errors import DomainError


class RulesPage(BuilderPage):
    """Lists the eligibility rules."""

    name, path = "eligibility", "<int:pk>/eligibility/"
    title = gettext_lazy("Who may apply")
    template_name = "admin/funding/call/rules.html"

    def context(self) -> Mapping[str, Any]:
        rules: list[RuleText] = rules_of(self.object)
        applicants = [ApplicantKind(kind).label for kind in self.object.applicants]
        return {**super().context(), "rules": rules, "applicants": applicants}

    def post(self) -> HttpResponseBase:
        name, key = self.do()
        if name != "remove":
            raise Http404
        rule = self.of_call(self.object.eligibility_rules.all(), key)
        building.remove_rule(rule, actor=self.request.user)
        return self.redirect(message=_("The rule was removed."))


class RulePage(BuilderPage):
    """Adds or changes one eligibility rule; ``rule_id`` 0 is a new one."""

    name, path = "rule", "<int:pk>/eligibility/<int:rule_id>/"
    rule = "funding.build_call"
    title = gettext_lazy("Eligibility rule")
    template_name = "admin/funding/call/edit.html"

    def step(self) -> str:
        return "eligibility"

    def context(self) -> Mapping[str, Any]:
        return {**super().context(), "back": self.address("eligibility", self.object.pk)}

    def current(self) -> Any:
        number = self.kwargs["rule_id"]
        return self.of_call(self.object.eligibility_rules.all(), number) if number else None

    def get(self) -> HttpResponseBase:
        return self.form_page(RuleForm(rule=self.current()))

    def post(self) -> HttpResponseBase:
        rule = self.current()
        form = RuleForm(self.request.POST, rule=rule)
        if not form.is_valid():
            return self.form_page(form)
        try:
            if rule is None:
                building.add_rule(self.object, actor=self.request.user, **form.cleaned_data)
            else:
                building.change_rule(rule, actor=self.request.user, **form.cleaned_data)
        except DomainError as error:
            return self.form_page(form, problems=refuse(form, error))
        return self.redirect(self.address("eligibility", self.object.pk), message=_("Saved."))
