"""Blacking out who applies: people, e-mail addresses, telephones, postal addresses, organisations. No Django here.

``find`` says where the names of a team stand in a text, ``redact`` puts ``MARK`` in their place. A name is known in 汉字
and found in pinyin too, family name first or last, joined, spaced, hyphenated, with tones or without, with initials; an
English name in either order and with initials; both after a title (Prof. Lin, 林教授). An organisation is found by its
full name, its name without place and legal form, what universities are called for short, and the capitals of its English
name. Any e-mail address, telephone number and ORCID is taken for the applicant's.

It rather hides too much than too little: a personal name that is also a word is hidden wherever it stands. What it cannot
know are nicknames, abbreviations of a company's own making, traditional characters for simplified ones, and what a
reader infers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from typing import Final

MARK: Final = "■■■"  # of one length, so that it does not tell how long the name is

_HAN: Final = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af〇"
_HAN_RUN: Final = re.compile(rf"[{_HAN}](?:[{_HAN}·]*[{_HAN}])?")
_LATIN_RUN: Final = re.compile(r"[^\W\d_]+(?:[ .'’-]+[^\W\d_]+)*\.?")


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _longest_first(words: str) -> tuple[str, ...]:
    return tuple(sorted(_listed(words), key=lambda word: (-len(word), word)))


COMPOUND_SURNAMES: Final = _listed(
    "欧阳 司马 上官 诸葛 皇甫 尉迟 公孙 慕容 令狐 夏侯 东方 司徒 司空 端木 南宫 宇文 长孙 独孤 轩辕 呼延 闻人 "
    "濮阳 淳于 单于 太史 申屠 公羊 澹台 百里 钟离 赫连 西门 完颜 拓跋 第五 仲孙 闾丘 子车 颛孙"
)
# Readings of family names that dictionaries give late or not at all.
_SURNAME_READINGS: Final = {
    "单": "shan", "仇": "qiu", "曾": "zeng", "解": "xie", "查": "zha", "朴": "piao park pak", "区": "ou", "盖": "ge gai",
    "任": "ren", "华": "hua", "翟": "zhai", "尉": "yu wei", "乐": "yue le", "覃": "qin tan", "种": "chong", "缪": "miao",
    "召": "shao", "员": "yun", "黑": "he", "秘": "bi", "重": "chong", "折": "she", "逄": "pang", "句": "gou", "繁": "po",
    "祭": "zhai", "洗": "xian", "冼": "xian", "石": "shi", "万": "wan mo", "燕": "yan", "宁": "ning", "牟": "mou mu",
    "李": "li lee", "王": "wang wong", "张": "zhang cheung", "陈": "chen chan", "黄": "huang wong", "林": "lin lam",
    "刘": "liu lau", "杨": "yang yeung", "吴": "wu ng", "周": "zhou chow", "郑": "zheng cheng", "谢": "xie tse",
    "吕": "lv lyu lui", "蔡": "cai tsai choi", "许": "xu hsu", "何": "he ho", "叶": "ye yip", "金": "jin kim",
}  # fmt: skip
_TITLES_HAN: Final = "教授|副教授|研究员|副研究员|博士|博士后|院士|老师|先生|女士|同学|医生|主任|总监|总经理|董事长|总|所长|院长"
_TITLES: Final = r"(?:Prof(?:essor|\.)?|Dr\.?|Doctor|Mr\.?|Mrs\.?|Ms\.?|Academician|PI)"
_PLACES: Final = _longest_first(
    "中华人民共和国 中国 上海市 上海 北京市 北京 天津市 天津 重庆市 重庆 广东省 广东 广州市 广州 深圳市 深圳 "
    "江苏省 江苏 南京市 南京 苏州市 苏州 无锡市 无锡 浙江省 浙江 杭州市 杭州 宁波市 宁波 安徽省 安徽 合肥市 合肥 "
    "山东省 山东 青岛市 青岛 四川省 四川 成都市 成都 湖北省 湖北 武汉市 武汉 湖南省 湖南 长沙市 长沙 福建省 福建 "
    "厦门市 厦门 陕西省 陕西 西安市 西安 河南 河北 江西 辽宁 吉林 黑龙江 云南 贵州 山西 甘肃 青海 海南 内蒙古 "
    "广西 宁夏 新疆 西藏 香港 澳门 台湾 张江 临港 浦东新区 浦东 青浦区 青浦 杨浦区 徐汇区 闵行区 松江区 嘉定区 "
    "宝山区 奉贤区 金山区 崇明区 静安区 黄浦区 长宁区 普陀区 虹口区"
)
_LEGAL: Final = re.compile(
    r"(?:\((?:有限合伙|普通合伙|集团|筹)\))?(?:股份有限公司|有限责任公司|集团有限公司|有限公司|有限合伙企业|合伙企业|分公司|集团|公司)"
    r"(?:\((?:有限合伙|普通合伙)\))?$"
)
_TRADES: Final = _longest_first(
    "生物医药 生物科技 生物技术 生物 医药 医疗 医疗器械 器械 制药 药业 基因 细胞 智能 人工智能 信息 数据 软件 "
    "网络 电子 芯片 半导体 材料 新材料 能源 环境 健康 科技 技术 科创 创新 研发 研究 咨询 服务 管理 投资 创业 实业 "
    "发展 工程 系统 设备 仪器 检测 诊断 控股"
)
_TRADES_LATIN: Final = _listed(
    "bio biotech biotechnology biotechnologies biology biological biosciences bioscience biopharma pharma "
    "pharmaceutical pharmaceuticals medical medicine health healthcare tech technology technologies intelligence "
    "intelligent ai data information software network systems system science sciences scientific research "
    "institute academy hospital innovation innovations development engineering materials energy environment group "
    "holding holdings capital ventures laboratory laboratories lab labs center centre college school university "
    "of the and for in at international national first second co company ltd limited inc incorporated corp "
    "corporation llc llp plc gmbh shanghai beijing china chinese shenzhen guangzhou hangzhou nanjing suzhou wuhan "
    "chengdu tianjin zhejiang jiangsu guangdong qingpu pudong hong kong new east west north south central normal "
    "state city state"
)
_LEGAL_LATIN: Final = _listed("co company ltd limited inc corp corporation llc plc gmbh")
_SMALL_WORDS: Final = _listed("of the and for in at")
_PUBLIC_MAIL: Final = _listed(
    "qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com 139.com 189.cn 21cn.com aliyun.com "
    "gmail.com outlook.com hotmail.com live.com icloud.com me.com yahoo.com yahoo.com.cn proton.me protonmail.com"
)
_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+-]+\s?(?:@|\(at\)|\[at\]|＠)\s?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_PHONE: Final = re.compile(
    r"(?<![\d.])(?:(?:\+|00)86[\s-]?)?(?:1[3-9]\d(?:[\s-]?\d{4}){2}|\(?0\d{2,3}\)?[\s-]?[2-9]\d{3}[\s-]?\d{3,4}(?:[\s-]?(?:转|ext\.?)\s?\d{1,6})?)(?![\d.]\d)",
    re.IGNORECASE,
)
_ORCID: Final = re.compile(r"(?<!\d)\d{4}-\d{4}-\d{4}-\d{3}[\dX](?!\d)", re.IGNORECASE)


class Kind(StrEnum):
    """What was found."""

    PERSON = "person"
    ORGANISATION = "organisation"
    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"
    CODE = "code"


@dataclass(frozen=True)
class Names:
    """What an applicant's team is known by, as it stands on file; each in whatever language."""

    people: frozenset[str] = frozenset()
    organisations: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()  # registration codes, domains


@dataclass(frozen=True)
class Hit:
    """One place in a text: ``text[start:end]`` names somebody."""

    start: int
    end: int
    kind: Kind
    text: str


def redact(text: str, names: Names) -> str:
    """Return ``text`` with ``MARK`` for whatever names the team; what stands side by side becomes one mark."""
    out: list[str] = []
    place = 0
    for hit in find(text, names):
        if hit.start > place or not out or out[-1] != MARK:
            out += [text[place : hit.start], MARK]
        place = hit.end
    return "".join([*out, text[place:]])


def find(text: str, names: Names) -> list[Hit]:
    """Return where ``text`` names the team, in order, without overlaps."""
    plain, places = _plain(text)
    found: list[tuple[int, int, Kind]] = []
    for kind, pattern in _patterns(names):
        found += [
            (match.start(), match.end(), kind)
            for match in pattern.finditer(plain)
            if match.end() > match.start()
        ]
    hits: list[Hit] = []
    for start, end, kind in sorted(found, key=lambda one: (one[0], -one[1])):
        first, last = places[start], places[end - 1] + 1
        # What is drawn over the last character, a tone or an invisible joiner, goes with it.
        while last < len(text) and (
            unicodedata.combining(text[last]) or unicodedata.category(text[last]) == "Cf"
        ):
            last += 1
        if hits and first < hits[-1].end:
            if last > hits[-1].end:
                earlier = hits.pop()
                hits.append(Hit(earlier.start, last, earlier.kind, text[earlier.start : last]))
            continue
        hits.append(Hit(first, last, kind, text[first:last]))
    return hits


def _plain(text: str) -> tuple[str, list[int]]:
    """Return ``text`` as it is searched, and for each of its characters where in ``text`` it comes from.

    Full-width forms narrowed, tones and other accents dropped, invisible characters left out; case is kept.
    """
    if text.isascii():
        return text, list(range(len(text)))
    out: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        if unicodedata.category(char) == "Cf":
            continue
        for part in unicodedata.normalize("NFKD", char):
            if not unicodedata.combining(part):
                out.append(part)
                places.append(place)
    return "".join(out), places


@lru_cache(maxsize=256)
def _patterns(names: Names) -> list[tuple[Kind, re.Pattern[str]]]:
    people = [pattern for name in sorted(names.people) for pattern in _person(name)]
    organisations = [pattern for name in sorted(names.organisations) for pattern in _organisation(name)]
    addresses = [pattern for address in sorted(names.addresses) for pattern in _address(address)]
    found = [
        (Kind.EMAIL, _EMAIL),
        *((Kind.EMAIL, _literal(mail)) for mail in sorted(names.emails) if mail.strip()),
        (Kind.PHONE, _PHONE),
        *((Kind.PHONE, pattern) for phone in sorted(names.phones) for pattern in _phone(phone)),
        (Kind.CODE, _ORCID),
        *((Kind.CODE, _literal(code)) for code in sorted(names.codes) if len(code.strip()) >= 4),
        *((Kind.ADDRESS, pattern) for pattern in addresses),
        *((Kind.ORGANISATION, pattern) for pattern in organisations),
        *((Kind.PERSON, pattern) for pattern in people),
    ]
    return found


def _fold(text: str) -> str:
    return _plain(text)[0].strip()


def _literal(text: str) -> re.Pattern[str]:
    """Return an expression for ``text`` in any case, however it is spaced and broken; Latin words are whole."""
    words = re.findall(r"\w+|[^\w\s]", _fold(text))
    inner = r"\s*".join(_spaced(word) if _HAN_RUN.match(word) else re.escape(word) for word in words)
    return re.compile(_whole(inner, words), re.IGNORECASE)


def _spaced(word: str) -> str:
    return r"[\s·.]*".join(re.escape(char) for char in word)


def _whole(inner: str, words: list[str]) -> str:
    before = r"(?<![A-Za-z0-9])" if words and words[0][:1].isascii() and words[0][:1].isalnum() else ""
    after = r"(?![A-Za-z0-9])" if words and words[-1][-1:].isascii() and words[-1][-1:].isalnum() else ""
    return f"{before}{inner}{after}"


# --- people


def _person(name: str) -> Iterator[re.Pattern[str]]:
    """Yield what finds one person; ``林若溪 (Rossi Lin)`` is two names of one."""
    folded = _fold(name)
    for run in _HAN_RUN.findall(folded):
        plain = run.replace("·", "")
        if len(plain) >= 2:
            yield from _chinese(plain)
    for run in _LATIN_RUN.findall(re.sub(rf"[{_HAN}]+", " ", folded)):
        yield from _latin(run)


def _chinese(name: str) -> Iterator[re.Pattern[str]]:
    yield re.compile(r"[\s·.]*".join(map(re.escape, name)))
    size = 2 if name[:2] in COMPOUND_SURNAMES and len(name) > 2 else 1
    surname, given = name[:size], name[size:]
    yield re.compile(rf"{surname}[某]{{0,2}}(?:{_TITLES_HAN})")
    if len(name) > 4:
        return  # 阿卜杜拉·买买提: how it is written in Latin letters is the person's own choice
    family = r"[\s'-]*".join(_syllable(char, family=True) for char in surname)
    syllables = [_syllable(char) for char in given]
    first = r"[\s'-]*".join(syllables)
    capital = _capitals(family, surname), _capitals(first, given)
    if len(name) > 2:
        yield _words(rf"{family}[\s,.\-]*{first}", re.IGNORECASE)
        yield _words(rf"{first}[\s\-]*{family}", re.IGNORECASE)
    else:
        # Two syllables may be two English words, or one: only where they are written as names are.
        yield _words(rf"{capital[0]}[\s,\-]*{capital[1]}")
        yield _words(rf"{capital[1]}[\s\-]+{capital[0]}")
    initials = r"[.\s-]{0,2}".join(_initials(char) for char in given)
    yield _words(rf"{capital[0]},?\s+{initials}\.?")
    dotted = r"\.[\s-]?".join(_initials(char) for char in given)
    yield _words(rf"(?:{_initials(given[0])}|{dotted})\.\s*{capital[0]}")
    yield _words(rf"{initials}\.?\s+{capital[0]}")
    yield _words(rf"{_TITLES}\s*{capital[0]}")


def _words(inner: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z])(?:{inner})(?![A-Za-z])", flags)


def _readings(char: str, *, family: bool) -> list[str]:
    import pypinyin  # Half a second with its dictionaries: only who redacts waits for it.

    found = {
        reading
        for row in pypinyin.pinyin(char, style=pypinyin.Style.NORMAL, heteronym=True)
        for reading in row
    }
    if family:
        found |= set(_SURNAME_READINGS.get(char, "").split())
    # ü is typed as v, yu or u.
    found |= {reading.replace("v", put) for reading in found if "v" in reading for put in ("u", "yu", "ue")}
    found |= {reading.replace("ü", put) for reading in found if "ü" in reading for put in ("v", "u", "yu")}
    return sorted(
        (reading for reading in found if reading.isascii()), key=lambda reading: (-len(reading), reading)
    )


def _syllable(char: str, *, family: bool = False) -> str:
    readings = _readings(char, family=family)
    return rf"(?:{'|'.join(readings)})[1-5]?" if readings else re.escape(char)


def _initials(char: str) -> str:
    return f"[{''.join(sorted({reading[0].upper() for reading in _readings(char, family=False)})) or re.escape(char)}]"


def _capitals(pattern: str, chars: str) -> str:
    """Return the expression of syllables that begin with a capital, or are capitals throughout."""
    rows = []
    for place, char in enumerate(chars):
        readings = _readings(char, family=True)
        if not readings:
            rows.append(re.escape(char))
            continue
        shapes = [one.capitalize() for one in readings] + [one.upper() for one in readings]
        # Only the first syllable of a name has a capital: Ruoxi, Ouyang.
        rows.append(f"(?:{'|'.join(shapes + (readings if place else []))})")
    return r"[\s'-]?".join(rows) if rows else pattern


def _latin(name: str) -> Iterator[re.Pattern[str]]:
    """Yield what finds a name in Latin letters: in either order, with initials, after a title."""
    words = [word for word in re.split(r"[\s.,]+", name) if word]
    if len(words) < 2:
        if len(name) >= 4:
            yield _words(re.escape(name), re.IGNORECASE)
        return
    first, last = words[0], words[-1]
    middle = r"(?:[\s.]+[A-Za-z]\.?){0,2}"
    whole = r"[\s.]+".join(map(re.escape, words))
    yield _words(whole, re.IGNORECASE)
    for one, other in ((first, last), (last, first)):
        if min(len(one), len(other)) < 2:
            continue
        yield _words(rf"{re.escape(one)}{middle}[\s\-]+{re.escape(other)}", re.IGNORECASE)
        yield _words(rf"{re.escape(other)}\s*,\s*{re.escape(one)}", re.IGNORECASE)
        if len(other) >= 3:
            capital = rf"(?:{re.escape(other.capitalize())}|{re.escape(other.upper())}|{re.escape(other)})"
            rest = "".join(rf"(?:[.\s-]*{word[0].upper()})?" for word in words[1:-1])
            initial = one[0].upper()
            yield _words(rf"{initial}\.?{rest}\.?\s+{capital}")
            yield _words(rf"{capital},?\s+{initial}{rest}\.?")
            yield _words(rf"{_TITLES}\s+{capital}")


# --- organisations

# What stands behind a short name and belongs to it: 青芯 + 生物科技有限公司, Qingxin + Biotech Co., Ltd.
_TRADES_AFTER: Final = rf"(?:{'|'.join(_TRADES)})*(?:(?:股份|责任)?有限(?:责任)?公司|公司|集团)?"
_TRADES_LATIN_AFTER: Final = (
    rf"(?:[\s,]+(?:{'|'.join(sorted(_TRADES_LATIN - _SMALL_WORDS, key=len, reverse=True))})(?![A-Za-z]))*"
)


def _organisation(name: str) -> Iterator[re.Pattern[str]]:
    folded = _fold(name)
    if not folded:
        return
    yield _literal(folded)
    if _HAN_RUN.search(folded):
        for short in _short_chinese(folded):
            yield re.compile(_spaced(short) + _TRADES_AFTER)
        return
    for short in _short_latin(folded):
        yield _words(re.escape(short).replace(r"\ ", r"[\s-]*") + _TRADES_LATIN_AFTER, re.IGNORECASE)
    letters = _acronym(folded)
    if letters:
        yield _words(letters)


def _short_chinese(name: str) -> Iterable[str]:
    """Return what an organisation is called for short."""
    found = set()
    bare = re.sub(rf"\((?:{'|'.join(_PLACES)})\)", "", name)
    bare = _LEGAL.sub("", re.sub(r"\s+", "", bare))
    local = _without_places(bare)
    found |= {bare, local}
    if bare.endswith(("大学", "学院")):
        core = bare[:-2]
        if len(core) == 2:
            found.add(core)
        elif len(core) >= 4 and bare.endswith("大学"):
            found |= {f"{core[:3]}大", f"{core[2]}大"}  # 上海交大, 交大
    brand = local
    shorter = True
    while shorter:
        shorter = False
        for trade in _TRADES:
            if brand.endswith(trade) and len(brand) - len(trade) >= 0:
                brand, shorter = brand[: -len(trade)], True
    found.add(brand)
    return sorted(one for one in found if len(one) >= 2 and one not in _PLACES and one not in _TRADES)


def _without_places(name: str) -> str:
    shorter = True
    while shorter:
        shorter = False
        for place in _PLACES:
            if name.startswith(place) and len(name) - len(place) >= 2 and not name.startswith(f"{place}大学"):
                name, shorter = name[len(place) :], True
                break
    return name


def _short_latin(name: str) -> Iterable[str]:
    words = re.findall(r"[A-Za-z0-9]+", name)
    while words and words[-1].lower() in _LEGAL_LATIN:
        words.pop()
    found = {" ".join(words)} if len(words) > 1 else set()
    own = [word for word in words if word.lower() not in _TRADES_LATIN]
    found |= {word for word in own if len(word) >= 4}
    found |= {f"{one} {other}" for one, other in pairwise(words) if one in own and other in own}
    return sorted(found)


def _acronym(name: str) -> str:
    words = [word for word in re.findall(r"[A-Za-z]+", name) if word.lower() not in _SMALL_WORDS]
    letters = "".join(word[0].upper() for word in words)
    return letters if 3 <= len(letters) <= 6 else ""


# --- telephones, addresses


def _phone(phone: str) -> Iterator[re.Pattern[str]]:
    digits = re.sub(r"\D", "", _fold(phone))
    for country in ("0086", "86"):
        if digits.startswith(country) and len(digits) > 11:
            digits = digits[len(country) :]
    if len(digits) >= 7:
        spaced = r"[\s()-]*".join(digits)
        yield re.compile(rf"(?<!\d)(?:\+?(?:00)?86[\s-]?)?\(?{spaced}(?!\d)")


def _address(address: str) -> Iterator[re.Pattern[str]]:
    folded = _fold(address)
    if len(folded) < 6:
        return
    yield _literal(folded)
    local = _without_places(re.sub(r"\s+", "", folded))
    # The street with its number says it, without the city.
    if len(local) >= 5 and re.search(r"\d", local) and local != folded:
        yield _literal(local)
    street = re.match(rf"([{_HAN}]+(?:路|街|道|巷|弄)\s*\d+\s*(?:号|弄))", local)
    if street:
        yield _literal(street[1])


def domains_of(emails: Iterable[str], websites: Iterable[str] = ()) -> set[str]:
    """Return the domains that belong to a team: those of its mailboxes that are no public ones, and of its websites."""
    found = {mail.rpartition("@")[2].strip().lower() for mail in emails if "@" in mail}
    for address in websites:
        host = re.sub(r"^[a-z]+://", "", address.strip().lower()).partition("/")[0].partition(":")[0]
        found.add(host.removeprefix("www."))
    return {domain for domain in found if "." in domain and domain not in _PUBLIC_MAIL}
