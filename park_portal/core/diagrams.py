"""State diagrams read from the tables that the portal itself obeys."""

from __future__ import annotations

from django.utils.translation import override

from park_portal.core.workflow import Machine, machines

HEAD = """# States

Drawn by `manage.py draw_states` from the tables in each room's `states.py`; a test fails when this page and the tables
differ. Each arrow names its act and, in brackets, the permission that allows it. Nothing else is possible: the service
refuses it, and so does a trigger in the database.
"""


def draw_machine(machine: Machine) -> str:
    """Return the Mermaid diagram of one machine."""
    lines = ["```mermaid", "stateDiagram-v2", "    direction LR", f"    [*] --> {machine.initial}"]
    lines += [f'    state "{label} ({value})" as {value}' for value, label in machine.states.choices]
    for transition in machine.transitions:
        for source in transition.sources:
            lines.append(f"    {source} --> {transition.target}: {transition.name} [{transition.rule}]")
    left = {source for transition in machine.transitions for source in transition.sources}
    lines += [f"    {value} --> [*]" for value in machine.states.values if value not in left]
    return "\n".join([*lines, "```"])


def draw_all() -> str:
    """Return the whole page, machines in the order of their names."""
    with override("en"):
        parts = [
            f"## {str(machine.label).capitalize()}\n\n{model._meta.label}, column `{machine.field}`.\n\n{draw_machine(machine)}"
            for model, machine in sorted(machines(), key=lambda pair: pair[1].name)
        ]
    return HEAD + "\n" + "\n\n".join(parts) + "\n"
