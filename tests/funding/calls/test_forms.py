"""Settings of questions in plain fields: what is shown is what is read back."""

import pytest
from django.forms import Form
from django.utils.translation import override

from funding.calls.diagram import Station, draw, fit, width_of
from funding.calls.forms import ColumnLines, config_fields, config_initial, config_read
from funding.calls.lines import new_key
from funding.calls.questions import type_of
from funding.calls.standard import STANDARD_QUESTIONS
from funding.calls.states import QuestionKind
from tests.funding.calls.typed import columns, lines


@pytest.mark.parametrize("question", STANDARD_QUESTIONS, ids=lambda question: question.key)
def test_settings_survive_the_form(question):
    with override("en"):
        shown = config_initial(question.kind, question.config)
        typed = {}
        for name, field in config_fields(question.kind).items():
            if name == "config_choices":
                typed |= lines(name, shown[name], stored=len(shown[name]))
            elif name == "config_columns":
                typed |= columns(*shown[name], stored=len(shown[name]))
            else:
                typed[name] = field.prepare_value(shown.get(name))
        form = type("F", (Form,), config_fields(question.kind))(typed)
        assert form.is_valid(), form.errors
        read = config_read(question.kind, form.cleaned_data)
    defaults = type_of(question.kind).defaults
    assert {**defaults, **read} == {**defaults, **question.config}


@pytest.mark.parametrize("kind", QuestionKind.values)
def test_every_setting_has_a_field(kind):
    fields = {name.removeprefix("config_") for name in config_fields(kind)}
    for name in type_of(kind).defaults:
        assert name in fields or {f"{name}_zh", f"{name}_en"} <= fields, name


def test_columns_are_read_from_lines():
    typed = columns(
        {
            "zh": "甲",
            "en": "A",
            "key": "a",
            "kind": "choice",
            "required": True,
            "choices": [{"zh": "子", "en": "X"}, {"value": "y", "zh": "丑", "en": "Y"}],
        },
        {"zh": "乙", "en": "B", "key": "b", "kind": "number", "decimals": 1},
        {"zh": "丙", "en": "C", "key": "c", "kind": "money", "unit": "yuan"},
        {"zh": "丁", "en": "D", "key": "d", "kind": "number", "decimals": 0, "min": 0, "max": 100},
        {"zh": "戊", "en": "E", "key": "e", "kind": "number", "min": 1, "max": "duration"},
        {"zh": "己", "en": "F", "key": "f", "kind": "number", "decimals": 2, "min": "-1.5"},
        {"zh": "庚", "en": "G", "key": "g", "unit": "yuan", "decimals": 3, "names_applicant": True},
    )
    found = ColumnLines(typed, prefix="config_columns")
    assert found.is_valid(), found.errors
    assert found.rows() == [
        {
            "key": "a",
            "kind": "choice",
            "zh": "甲",
            "en": "A",
            "required": True,
            "choices": [{"value": "x", "zh": "子", "en": "X"}, {"value": "y", "zh": "丑", "en": "Y"}],
        },
        {"key": "b", "kind": "number", "zh": "乙", "en": "B", "decimals": 1},
        {"key": "c", "kind": "money", "zh": "丙", "en": "C", "unit": "yuan"},
        {"key": "d", "kind": "number", "zh": "丁", "en": "D", "decimals": 0, "min": 0, "max": 100},
        {"key": "e", "kind": "number", "zh": "戊", "en": "E", "min": 1, "max": "duration"},
        {"key": "f", "kind": "number", "zh": "己", "en": "F", "decimals": 2, "min": -1.5},
        {"key": "g", "kind": "text", "zh": "庚", "en": "G", "names_applicant": True},
    ]


@pytest.mark.parametrize(
    ("column", "wrong"),
    [
        ({"en": ""}, {"en": ["This field is required."]}),
        (
            {"key": "a b"},
            {"key": ["“a b” cannot be a key: lower-case letters, digits and _, beginning with a letter."]},
        ),
        (
            {"kind": "colour"},
            {"kind": ["Select a valid choice. colour is not one of the available choices."]},
        ),
        ({"kind": "choice"}, {"choices": ["Give at least two choices."]}),
        (
            {"kind": "choice", "choices": [{"zh": "甲", "en": "A"}, {"zh": "乙"}]},
            {"choices": ["Correct the marked lines."]},
        ),
        (
            {"choices": [{"zh": "甲", "en": "A"}]},
            {"choices": ["Only a column of choices has choices: choose this kind or remove them."]},
        ),
        ({"kind": "number", "max": "so many"}, {"max": ["A limit must be a number."]}),
        (
            {"kind": "number", "min": "5", "max": "4"},
            {"__all__": ["The lower limit lies above the upper one."]},
        ),
    ],
)
def test_a_wrong_column_is_refused_at_its_field(column, wrong):
    with override("en"):
        found = ColumnLines(
            columns({"zh": "甲", "en": "A"}, {"zh": "乙", "en": "B", **column}), prefix="config_columns"
        )
        assert not found.is_valid()
        assert found.errors == [{}, wrong, {}]


@pytest.mark.parametrize(
    ("text", "taken", "key"),
    [
        ("Principal investigator", set(), "principal_investigator"),
        ("Task", {"task", "task_2"}, "task_3"),
        ("3-D printing", set(), "choice_3_d_printing"),
        ("任务", set(), "choice"),
        ("任务", {"choice"}, "choice_2"),
        ("a" * 90, set(), "a" * 36),
        ("a" * 90, {"a" * 36}, "a" * 36 + "_2"),
    ],
)
def test_a_new_key_is_made_from_the_english(text, taken, key):
    assert new_key(text, taken, "choice") == key


def test_diagram_fits_its_words():
    assert width_of("概念AI", 10) == pytest.approx(31.2)
    assert fit("概念验证", 30, 10) == "概念…"
    assert fit("ok", 30, 10) == "ok"


def test_diagram_has_a_box_and_an_arrow_for_each_step():
    stations = [Station("1", ["a", "b"], ends="no", returns="back"), Station("2", ["c"])]
    drawing = draw(stations, start="in", ends=[("good", "yes"), ("bad", "no")])
    assert [box.kind for box in drawing.boxes] == ["start", "stage", "bad", "stage", "good", "bad"]
    assert [arrow.kind for arrow in drawing.arrows] == ["next", "end", "return", "next", "next", "next"]
    assert all(box.x >= 0 and box.x + box.width <= drawing.width for box in drawing.boxes)
    assert all(box.y + box.height <= drawing.height for box in drawing.boxes)
    assert draw([], start="in", ends=[("good", "yes")]).arrows == []
