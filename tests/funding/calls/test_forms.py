"""Settings of questions in plain fields: what is shown is what is read back."""

import pytest
from django.core.exceptions import ValidationError
from django.forms import Form
from django.utils.translation import override

from funding.calls.diagram import Station, draw, fit, width_of
from funding.calls.forms import (
    config_fields,
    config_initial,
    config_read,
    read_choices,
    read_columns,
    write_columns,
)
from funding.calls.questions import type_of
from funding.calls.standard import STANDARD_QUESTIONS
from funding.calls.states import QuestionKind


@pytest.mark.parametrize("question", STANDARD_QUESTIONS, ids=lambda question: question.key)
def test_settings_survive_the_form(question):
    with override("en"):
        shown = config_initial(question.kind, question.config)
        form = type("F", (Form,), config_fields(question.kind))(
            {
                name: field.prepare_value(shown.get(name))
                for name, field in config_fields(question.kind).items()
            }
        )
        assert form.is_valid(), form.errors
        read = config_read(question.kind, form.cleaned_data)
    defaults = type_of(question.kind).defaults
    assert {**defaults, **read} == {**defaults, **question.config}


@pytest.mark.parametrize("kind", QuestionKind.values)
def test_every_setting_has_a_field(kind):
    fields = {name.removeprefix("config_") for name in config_fields(kind)}
    for name in type_of(kind).defaults:
        assert name in fields or {f"{name}_zh", f"{name}_en"} <= fields, name


def test_columns_are_written_one_a_line():
    text = "a | 甲 | A | choice | required\n- x | 子 | X\n- y | 丑 | Y\nb | 乙 | B | number 1\nc | 丙 | C | money yuan"
    text += "\nd | 丁 | D | number 0 0..100\ne | 戊 | E | number 0 1..duration\nf | 己 | F | number 2 -1.."
    columns = read_columns(text)
    assert columns == [
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
        {"key": "e", "kind": "number", "zh": "戊", "en": "E", "decimals": 0, "min": 1, "max": "duration"},
        {"key": "f", "kind": "number", "zh": "己", "en": "F", "decimals": 2, "min": -1},
    ]
    assert write_columns(columns) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a | 甲", "Line 1: write key | 中文 | English | kind, and | required where it must be filled in."),
        (
            "a | 甲 | A | colour",
            "Line 1: “colour” is no kind of column; there are text, number, money, date, choice.",
        ),
        ("a | 甲 | A | text | maybe", "Line 1: after the kind only “required” and “blind” may follow."),
        ("\n- x | 子 | X", "Line 2: only a column of the kind choice has choices below it."),
    ],
)
def test_columns_name_the_wrong_line(text, said):
    with override("en"), pytest.raises(ValidationError) as caught:
        read_columns(text)
    assert caught.value.messages == [said]


def test_choices_take_full_width_bars():
    assert read_choices("a ｜ 甲 ｜ A") == [{"value": "a", "zh": "甲", "en": "A"}]


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
