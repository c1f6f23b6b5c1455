"""Translations without gettext's tools: finds the strings, merges the catalogues, compiles them, and checks them.

    python -m park_portal.translations build     locale/zh_Hans/parts/*.po → LC_MESSAGES/django[js].po and .mo
    python -m park_portal.translations check     say everything that is missing, left over, or does not fit
    python -m park_portal.translations missing   print what is missing as .po entries, to be pasted into a part

The source language is English: every msgid is what English readers see. Chinese is kept in parts, one per room, which
people edit; what is made of them is not committed. `thirdparty.po` holds what libraries show but do not translate, or
translate wrongly.
"""

import argparse
import ast
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import polib
from babel.messages.extract import extract

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "locale" / "zh_Hans"
PARTS = CATALOGUE / "parts"
THIRD_PARTY = "thirdparty.po"
HEADER = {
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Language": "zh_Hans",
    "Plural-Forms": "nplurals=1; plural=0;",
}

# Where our own strings are.
PYTHON = ("park_portal", "incubator", "funding")
TEMPLATES = ("templates",)
JAVASCRIPT = ("static/js",)

# What libraries show to people: (package, folders inside it; "" is all of it).
LIBRARIES: dict[str, tuple[str, ...]] = {
    "django.contrib.admin": ("",),
    "django.contrib.auth": ("",),
    "django.contrib.humanize": ("",),
    "django.contrib.postgres": ("",),
    "django.core.validators": ("",),
    "django.forms": ("",),
    "unfold": (
        "admin.py",
        "forms.py",
        "views.py",
        "widgets.py",
        "mixins",
        "templates",
        "templatetags",
        "contrib/filters",
        "contrib/forms",
        "contrib/import_export",
    ),
    "allauth": ("account", "core", "utils", "templates/account", "templates/allauth"),
    "import_export": ("",),
    "crispy_forms": ("",),
    "crispy_bootstrap5": ("",),
    "modeltranslation": ("",),
}

# name: which arguments are the context, the string, its plural.
FUNCTIONS: dict[str, object] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}

Key = tuple[str | None, str]  # Context, msgid.

CALL = re.compile(r"(?<![\w.])(n?p?gettext|_)\(\s*")
LITERAL = re.compile(r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*,?\s*""", re.DOTALL)
PLACEHOLDER = re.compile(r"%\([a-zA-Z_][\w.]*\)[a-z]|%[sd%]|\{[a-zA-Z_]\w*(?:[.:][^{}]*)?\}")
LATIN = re.compile(r"[A-Za-z]{2}")
HAN = re.compile(r"[\u4e00-\u9fff]")


@dataclass
class Use:
    """One string of the source, and where it is used."""

    key: Key
    plural: str | None = None
    places: list[str] = field(default_factory=list)


# --- Finding ------------------------------------------------------------------------------------------------


def own_strings() -> tuple[dict[Key, Use], dict[Key, Use]]:
    """Our strings: those of Python and templates, and those of JavaScript."""
    _configure()
    server: dict[Key, Use] = {}
    for folder in PYTHON:
        for path in _files(ROOT / folder, (".py",)):
            _collect(server, _of_python(path), path)
    for folder in TEMPLATES:
        for path in _files(ROOT / folder, (".html", ".txt")):
            _collect(server, _of_template(path), path)
    browser: dict[Key, Use] = {}
    for folder in JAVASCRIPT:
        for path in _files(ROOT / folder, (".js",)):
            _collect(browser, _of_javascript(path), path)
    return server, browser


def library_strings() -> dict[Key, Use]:
    """What libraries may show and do not translate into Chinese themselves."""
    _configure()
    found: dict[Key, Use] = {}
    for package, folders in LIBRARIES.items():
        base = _base(package)
        uses: dict[Key, Use] = {}
        for folder in folders:
            for path in _files(base / folder if folder else base, (".py", ".html", ".txt")):
                _collect(uses, _of_python(path) if path.suffix == ".py" else _of_template(path), path)
        known = _shipped()
        found.update({key: use for key, use in uses.items() if key not in known})
    return found


def _files(base: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    if base.is_file():
        yield base
        return
    for path in sorted(base.rglob("*")):
        parts = path.relative_to(base).parts
        if path.suffix in suffixes and not {"migrations", "tests", "vendor", "locale"} & set(parts):
            yield path


def _collect(into: dict[Key, Use], found: Iterable[tuple[int, Key, str | None]], path: Path) -> None:
    place = path.relative_to(ROOT) if path.is_relative_to(ROOT) and ".venv" not in path.parts else path
    for line, key, plural in found:
        use = into.setdefault(key, Use(key))
        use.plural = use.plural or plural
        use.places.append(f"{place}:{line}")


def _of_python(path: Path) -> Iterator[tuple[int, Key, str | None]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
        if name not in FUNCTIONS:
            continue
        name = str(name).removesuffix("_lazy").removesuffix("_noop")
        wanted = 1 + ("p" in name) + name.startswith("n")
        strings = [arg.value for arg in node.args[:wanted] if isinstance(arg, ast.Constant)]
        if len(strings) == wanted and all(isinstance(one, str) for one in strings):
            yield from _as_use(name, node.lineno, [str(one) for one in strings])


def _as_use(name: str, line: int, strings: list[str]) -> Iterator[tuple[int, Key, str | None]]:
    context = strings.pop(0) if "p" in name and strings else None
    if strings and strings[0]:
        plural = strings[1] if name.startswith("n") and len(strings) > 1 else None
        yield line, (context, strings[0]), plural


def _of_javascript(path: Path) -> Iterator[tuple[int, Key, str | None]]:
    with path.open("rb") as file:
        for line, message, _comments, context in extract("javascript", file, keywords=FUNCTIONS):  # type: ignore[arg-type] # wider than the stubs say
            singular, plural = message if isinstance(message, tuple) else (message, None)
            if singular:
                yield line, (context, singular), plural


def _of_template(path: Path) -> Iterator[tuple[int, Key, str | None]]:
    """Django turns a template into calls of gettext, padded so that lines stay; we read those calls."""
    from django.utils.translation.template import templatize

    text = templatize(path.read_text(encoding="utf-8"), origin=str(path))
    for call in CALL.finditer(text):
        position, strings = call.end(), []
        while literal := LITERAL.match(text, position):
            strings.append(str(ast.literal_eval(literal[1])))
            position = literal.end()
        yield from _as_use(call[1], text.count("\n", 0, call.start()) + 1, strings)


@cache
def _shipped() -> frozenset[Key]:
    """What Django and the libraries translate into Simplified Chinese themselves; Django merges their catalogues."""
    keys: set[Key] = set()
    for base in (_base("django") / "conf", *map(_base, LIBRARIES)):
        for name in ("zh_Hans", "zh_hans", "zh_CN"):
            path = base / "locale" / name / "LC_MESSAGES" / "django.po"
            if path.exists():
                keys |= {
                    (entry.msgctxt, entry.msgid) for entry in polib.pofile(str(path)).translated_entries()
                }
    return frozenset(keys)


def _base(package: str) -> Path:
    """The folder (or the file, for a single module) of an installed package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{package} is not installed")
    return Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin)


def _configure() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "park_portal.settings")


# --- Building -----------------------------------------------------------------------------------------------


def parts() -> dict[Path, polib.POFile]:
    """The catalogues that people edit, by path."""
    return {path: polib.pofile(str(path)) for path in sorted(PARTS.glob("*.po"))}


def build(*, quiet: bool = False, force: bool = True) -> None:
    """Merge the parts and compile them. Unless forced, only when a part or a script is newer than what was made."""
    made = CATALOGUE / "LC_MESSAGES" / "django.mo"
    sources = [
        *PARTS.glob("*.po"),
        PARTS,
        Path(__file__),
        *(p for f in JAVASCRIPT for p in (ROOT / f).rglob("*.js")),
    ]
    if not force and made.exists() and made.stat().st_mtime > max(p.stat().st_mtime for p in sources):
        return
    server, browser = polib.POFile(), polib.POFile()
    for catalogue in (server, browser):
        catalogue.metadata = dict(HEADER)
    in_browser: dict[Key, Use] = {}
    for folder in JAVASCRIPT:
        for path in _files(ROOT / folder, (".js",)):
            _collect(in_browser, _of_javascript(path), path)
    seen: set[Key] = set()
    for part in parts().values():
        for entry in part:
            key = (entry.msgctxt, entry.msgid)
            if entry.obsolete or entry.fuzzy or key in seen:
                continue
            seen.add(key)
            server.append(entry)
            if key in in_browser:
                browser.append(entry)
    made.parent.mkdir(parents=True, exist_ok=True)
    for name, catalogue in (("djangojs", browser), ("django", server)):
        _write(made.parent / f"{name}.po", str(catalogue).encode())
        _write(made.parent / f"{name}.mo", catalogue.to_binary())
    if not quiet:
        print(f"{len(server)} strings, {len(browser)} of them for scripts")


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: processes that start at the same moment may be reading it."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


# --- Checking -----------------------------------------------------------------------------------------------


def problems() -> list[str]:
    """Everything that keeps zh-Hans from being whole, a line each; empty when it is."""
    server, browser = own_strings()
    ours = {**server, **browser}
    theirs = library_strings()
    found: list[str] = []
    entries: dict[Key, tuple[Path, polib.POEntry]] = {}
    for path, part in parts().items():
        name = path.name
        for entry in part:
            key = (entry.msgctxt, entry.msgid)
            label = f"{name}:{entry.linenum}: {entry.msgid!r}"
            if entry.obsolete:
                found.append(f"{label}: marked obsolete; delete it")
                continue
            if entry.fuzzy:
                found.append(f"{label}: fuzzy")
            if key in entries:
                other_path, other = entries[key]
                if _texts(other) != _texts(entry):
                    found.append(f"{label}: {other_path.name} translates it otherwise")
                continue
            entries[key] = (path, entry)
            # What a library translates itself may be put right there.
            if key not in ours and key not in theirs and not (name == THIRD_PARTY and key in _shipped()):
                found.append(f"{label}: used nowhere; delete it")
            found.extend(f"{label}: {problem}" for problem in _misfits(entry, {**theirs, **ours}.get(key)))
    for origin, uses in (("", ours), ("a library's: ", theirs)):
        for key, use in sorted(uses.items(), key=lambda item: (item[1].places[0], item[0][1])):
            if HAN.search(key[1]) and not LATIN.search(
                key[1]
            ):  # A Chinese unit or name within English is fine.
                found.append(f"{use.places[0]}: {use.key[1]!r}: the source language is English")
            elif key not in entries or not all(_texts(entries[key][1])):
                context = f" (in the sense of {key[0]!r})" if key[0] else ""
                found.append(f"{use.places[0]}: {origin}{key[1]!r}{context}: not translated")
    found += untranslatable_text()
    return found


def _texts(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def _misfits(entry: polib.POEntry, use: Use | None) -> Iterator[str]:
    if use is not None and bool(use.plural) != bool(entry.msgid_plural):
        yield "has a plural in the source" if use.plural else "has no plural in the source"
        return
    for text in _texts(entry):
        if not text:
            continue
        allowed = set(PLACEHOLDER.findall(entry.msgid)) | set(PLACEHOLDER.findall(entry.msgid_plural or ""))
        needed = set(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
        there = set(PLACEHOLDER.findall(text))
        if there - allowed or needed - there:
            yield f"its placeholders are {sorted(needed)}, those of the translation {sorted(there)}"
        for edge in (str.startswith, str.endswith):
            if edge(entry.msgid, "\n") != edge(text, "\n"):
                yield "a line break at the beginning or end is on one side only"


# Text that stands in a template as it is. Names, units and marks are the same in every language.
SAME_EVERYWHERE = re.compile(
    r"\b(?:English|AI|BT|AIBT|PDF|XLSX|CSV|JSON|ID|URL|TRL|IP|ORCID|USCC|RMB|CNY|Excel|API|htmx|kB|MB|GB|KB|UTC|"
    r"utf-8|nbsp|middot|mdash|ndash|hellip|times|rarr|larr|uarr|darr|bull|copy|amp|lt|gt|quot|raquo|laquo|rsaquo|lsaquo|ensp|emsp|thinsp)\b|中文"
    r"|^\s*(?:中\s*文|En\s*glish)\s*$"  # The two halves of the language switch.
    r"|^\s*(?:disabled|required|checked|selected|readonly|multiple|hidden|autofocus)\s*$"  # Bare attributes.
    r"|\b[a-z]+(?:[-_]+[a-z]+)+\b|\b__\w+__\b"  # A class or a mark: no language has such words.
)
WORD = re.compile(r"[A-Za-z]{2,}|[\u4e00-\u9fff]")
TEMPLATE_SYNTAX = re.compile(
    r"{%\s*comment.*?endcomment\s*%}"
    r"|{%\s*block(?:translate|trans)\b.*?endblock(?:translate|trans)\s*%}"
    r"|{#.*?#}|{{.*?}}|{%.*?%}",
    re.DOTALL,
)
MARKUP = re.compile(
    r"<!--.*?-->|<(script|style|svg|code|kbd)\b.*?</\1\s*>|<![^>]*>"
    r"|<span[^>]*\bmaterial-symbols-outlined\b[^>]*>[^<]*</span>",  # The name of an icon.
    re.DOTALL | re.IGNORECASE,
)
BARE_ATTRIBUTE = re.compile(r"""[\w-]+="[^"]*\"""")
SHOWN_ATTRIBUTE = re.compile(
    r"""\s(?:title|alt|placeholder|aria-label|aria-description|label)=(?:"([^"]*)"|'([^']*)')"""
)


def untranslatable_text() -> list[str]:
    """Words in templates that stand outside of `translate`: no catalogue can reach them."""
    found = []
    for folder in TEMPLATES:
        for path in _files(ROOT / folder, (".html", ".txt")):
            text = path.read_text(encoding="utf-8")
            text = TEMPLATE_SYNTAX.sub(_blank, text)
            shown = _attributes(text) if path.suffix == ".html" else []
            if path.suffix == ".html":
                text = BARE_ATTRIBUTE.sub(_blank, re.sub(r"<[^>]*>", _blank, MARKUP.sub(_blank, text)))
            shown += [(match.start(), match[0]) for match in re.finditer(r"[^\n]+", text)]
            for position, words in shown:
                if WORD.search(SAME_EVERYWHERE.sub(" ", words)):
                    line = text.count("\n", 0, position) + 1
                    found.append(
                        f"{path.relative_to(ROOT)}:{line}: {words.strip()[:70]!r}: outside of translate"
                    )
    return found


def _attributes(text: str) -> list[tuple[int, str]]:
    return [(match.start(), match[1] or match[2] or "") for match in SHOWN_ATTRIBUTE.finditer(text)]


def _blank(match: re.Match[str]) -> str:
    """As many spaces, so that positions and lines stay."""
    return re.sub(r"[^\n]", " ", match[0])


def missing() -> str:
    """What is not translated yet, as entries of a catalogue."""
    server, browser = own_strings()
    known = {(e.msgctxt, e.msgid) for part in parts().values() for e in part if e.translated()}
    catalogue = polib.POFile()
    for key, use in {**server, **browser, **library_strings()}.items():
        if key not in known:
            entry = polib.POEntry(msgctxt=key[0], msgid=key[1], msgstr="", comment=use.places[0])
            if use.plural:
                entry.msgid_plural, entry.msgstr_plural = use.plural, {0: ""}
            catalogue.append(entry)
    return "\n".join(str(entry) for entry in catalogue)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m park_portal.translations", description=__doc__)
    parser.add_argument("command", choices=["build", "check", "missing"])
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args()
    match options.command:
        case "build":
            build(quiet=options.quiet)
        case "missing":
            print(missing())
        case "check":
            found = problems()
            print("\n".join(found) or "Every string is translated.")
            return 1 if found else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
