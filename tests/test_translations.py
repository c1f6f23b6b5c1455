"""The strings of Python, templates and scripts are found; what does not fit is named."""

import polib
import pytest

from park_portal import translations


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty checkout: `write(path, text)` adds a file, `part(text)` a catalogue."""
    for folder in ("park_portal", "templates", "static/js", "locale/zh_Hans/parts"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(translations, "ROOT", tmp_path)
    monkeypatch.setattr(translations, "CATALOGUE", tmp_path / "locale/zh_Hans")
    monkeypatch.setattr(translations, "PARTS", tmp_path / "locale/zh_Hans/parts")
    monkeypatch.setattr(translations, "PYTHON", ("park_portal",))
    monkeypatch.setattr(translations, "LIBRARIES", {})

    def write(path: str, text: str):
        (tmp_path / path).write_text(text, encoding="utf-8")
        return tmp_path / path

    return write


def part(write, text, name="room.po"):
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    return write(f"locale/zh_Hans/parts/{name}", head + text)


def test_strings_of_python_are_found(project):
    project(
        "park_portal/some.py",
        'a = _("One " "two")\n'
        'b = pgettext_lazy("of a call", "Open")\n'
        'c = ngettext("%(n)d row", "%(n)d rows", n)\n'
        'd = _(f"not {this}")\ne = _(name)\nf = row["key"]\n',
    )
    server, browser = translations.own_strings()
    assert browser == {}
    assert {key: use.plural for key, use in server.items()} == {
        (None, "One two"): None,
        ("of a call", "Open"): None,
        (None, "%(n)d row"): "%(n)d rows",
    }
    assert server[(None, "%(n)d row")].places == ["park_portal/some.py:3"]


def test_strings_of_templates_are_found(project):
    project(
        "templates/some.html",
        '{% load i18n %}\n<h1>{% translate "Hello" %}</h1>\n'
        '{% translate "May" context "month" %}{{ name|default:_("Nobody") }}\n'
        "{% blocktranslate count n=rows|length trimmed %}\n {{ n }} row\n{% plural %}\n {{ n }} rows\n"
        "{% endblocktranslate %}\n",
    )
    server, _browser = translations.own_strings()
    assert {key: use.plural for key, use in server.items()} == {
        (None, "Hello"): None,
        ("month", "May"): None,
        (None, "Nobody"): None,
        (None, "%(n)s row"): "%(n)s rows",
    }


def test_strings_of_scripts_are_found_and_compiled_for_them(project):
    project("static/js/save.js", 'say(gettext("Saved"));\nsay(ngettext("%s file", "%s files", n));\n')
    project("park_portal/some.py", 'a = _("Only here")\n')
    part(project, 'msgid "Saved"\nmsgstr "已保存"\n\nmsgid "Only here"\nmsgstr "仅此"\n')
    _server, browser = translations.own_strings()
    assert set(browser) == {(None, "Saved"), (None, "%s file")}
    translations.build(quiet=True)
    made = translations.CATALOGUE / "LC_MESSAGES"
    assert [e.msgid for e in polib.mofile(str(made / "djangojs.mo"))] == ["Saved"]
    assert {e.msgid for e in polib.mofile(str(made / "django.mo"))} == {"Saved", "Only here"}


def test_nothing_is_wrong_with_a_whole_catalogue(project):
    project("park_portal/some.py", 'a = _("Hello %(name)s")\nb = ngettext("%d row", "%d rows", n)\n')
    part(
        project,
        'msgid "Hello %(name)s"\nmsgstr "您好，%(name)s"\n\n'
        'msgid "%d row"\nmsgid_plural "%d rows"\nmsgstr[0] "%d 行"\n',
    )
    assert translations.problems() == []


@pytest.mark.parametrize(
    ("source", "entries", "words"),
    [
        ('_("Hello")', "", "park_portal/some.py:1: 'Hello': not translated"),
        ('_("Hello")', 'msgid "Hello"\nmsgstr ""\n', "park_portal/some.py:1: 'Hello': not translated"),
        ('_("Hello")', '#, fuzzy\nmsgid "Hello"\nmsgstr "您好"\n', "fuzzy"),
        ("pass", 'msgid "Hello"\nmsgstr "您好"\n', "used nowhere; delete it"),
        ('_("Hello %(name)s")', 'msgid "Hello %(name)s"\nmsgstr "您好"\n', "its placeholders are"),
        ('_("Hello {name}")', 'msgid "Hello {name}"\nmsgstr "您好 {nam}"\n', "its placeholders are"),
        (
            'ngettext("%d row", "%d rows", n)',
            'msgid "%d row"\nmsgstr "%d 行"\n',
            "has a plural in the source",
        ),
        ('_("您好")', 'msgid "您好"\nmsgstr "您好"\n', "the source language is English"),
    ],
)
def test_what_does_not_fit_is_named(project, source, entries, words):
    project("park_portal/some.py", source + "\n")
    part(project, entries)
    found = translations.problems()
    assert len(found) >= 1
    assert any(words in line for line in found), found


def test_two_rooms_must_not_translate_a_string_differently(project):
    project("park_portal/some.py", '_("Open")\n')
    part(project, 'msgid "Open"\nmsgstr "打开"\n', "a.po")
    part(project, 'msgid "Open"\nmsgstr "开放"\n', "b.po")
    assert len(translations.problems()) == 1
    assert "a.po translates it otherwise" in translations.problems()[0]


def test_text_outside_of_translate_is_named(project):
    project(
        "templates/some.html",
        "{# A comment with words #}\n{% comment %}more words{% endcomment %}\n"
        '<p class="card-title" title="Close the page">{{ name }} — 12 kB</p>\n<b>Hello</b>\n',
    )
    assert translations.untranslatable_text() == [
        "templates/some.html:3: 'Close the page': outside of translate",
        "templates/some.html:4: 'Hello': outside of translate",
    ]
