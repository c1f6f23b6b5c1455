from django.core.management import call_command

from park_portal.core.diagrams import draw_machine
from park_portal.core.workflow import Machine, Transition


def test_the_page_of_states_is_what_the_tables_say():
    call_command("draw_states", "--check")


def test_a_machine_is_drawn_with_its_acts_and_permissions():
    from django.db.models import TextChoices

    class Light(TextChoices):
        RED = "red", "Red"
        GREEN = "green", "Green"

    machine = Machine("light", "light", Light, "red", (Transition("go", ("red",), "green", "Go", "x.go"),))
    assert draw_machine(machine).splitlines() == [
        "```mermaid",
        "stateDiagram-v2",
        "    direction LR",
        "    [*] --> red",
        '    state "Red (red)" as red',
        '    state "Green (green)" as green',
        "    red --> green: go [x.go]",
        "    green --> [*]",
        "```",
    ]
