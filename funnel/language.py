"""Words, numbers, durations and dates in the reader's language.

A sentence is written once, in English, where it is used: `words.text("{n} visitors signed", n=words.number(412))`.
The French of Quebec is in `locale/fr/LC_MESSAGES/funnel.po`, looked up by that English sentence and read as it is (no
compiled file). A sentence kept in a constant is marked with `message("...")` so that it is found too.

    python -m funnel.language

prints the catalogue entries that are missing, ready to be filled in, and whatever else is wrong with the catalogue.
"""

import math
import re
import string
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeGuard, TypeVar
from zoneinfo import ZoneInfo

from funnel.errors import DefinitionError, did_you_mean, listed

if TYPE_CHECKING:
    from babel.messages import Catalog
    from babel.numbers import NumberPattern

LOCALES = {"en": "en_CA", "fr": "fr_CA"}
UNKNOWN = "–"

Day = TypeVar("Day", bound=date)

_PACKAGE = Path(__file__).parent
_KEYWORDS: dict[str, tuple[int, ...]] = {"text": (1,), "message": (1,), "plural": (1, 2)}
NO_BREAK = "\u00a0"
NARROW_NO_BREAK = "\u202f"


@cache
def language(code: str) -> "Language":
    """Return the language of a code, `en` (English of Canada) or `fr` (French of Quebec)."""
    if code not in LOCALES:
        raise DefinitionError(
            f"No language '{code}'. {did_you_mean(code, LOCALES)}Known: {listed(LOCALES)}."
            " Write language='en' or language='fr'."
        )
    return Language(code)


def message(source: str) -> str:
    """Return the sentence unchanged: marks one kept in a constant, to be looked up later with `Language.text`."""
    return source


NAMES = {
    "visit": message("visit"),
    "sign": message("sign"),
    "share": message("share"),
    "partner_click": message("partner click"),
    "unsubscribe": message("unsubscribe"),
    "thanks_only": message("thanks only"),
    "partner": message("partner"),
    "both": message("both"),
    "thanks_page": message("thank-you page"),
    "thanks_shown": message("thank-you page shown"),
    "none": message("nothing more"),
    "same time": message("at the same time"),
    "direct": message("direct"),
    "search": message("search"),
    "social": message("social networks"),
    "email": message("email"),
    "press": message("press"),
    "friend": message("friends’ links"),
    "paid search": message("paid search"),
    "paid social": message("paid social networks"),
    "messaging": message("messaging"),
    "assistant": message("AI assistants"),
    "video": message("video sites"),
    "tv": message("television"),
    "radio": message("radio"),
    "petition": message("petition sites"),
    "display": message("banners"),
    "paid other": message("other paid links"),
    "print": message("print and QR codes"),
    "push": message("notifications"),
    "referral": message("other sites"),
    "mobile": message("mobile"),
    "desktop": message("computer"),
    "tablet": message("tablet"),
    "channel": message("channel"),
    "device": message("device"),
    "region": message("region"),
    "language": message("language"),
    "campaign": message("campaign"),
    "relay": message("relay"),
    "mention": message("mention"),
    "variant": message("variant"),
    "source": message("source"),
    "medium": message("medium"),
    "landing_page": message("landing page"),
    "first": message("first touch"),
    "last": message("last touch"),
    "last_non_direct": message("last touch that is not direct"),
    "linear": message("every touch alike"),
    "position": message("40/20/40"),
    "time_decay": message("time decay"),
    "markov": message("Markov removal"),
    "shapley": message("Shapley"),
    "not given": message("not given"),
    "other": message("other"),
    "before launch": message("before launch"),
    "after launch": message("after launch"),
    "relays before launch": message("relays before launch"),
    "relays after launch": message("relays after launch"),
    "relays, date unknown": message("relays, date unknown"),
    "no relay": message("no relay"),
    "bring a friend": message("bring a friend"),
    "a higher rung": message("a higher rung"),
    "none yet": message("none yet"),
    "wave": message("wave"),
    "outside the data": message("outside the data"),
    "first day of the data": message("first day of the data"),
    "no hours before it": message("no hours before it"),
    "window not over": message("window not over"),
    "tracker down": message("tracker down"),
    "no comparable day": message("no comparable day"),
    "no count on comparable days": message("no count on comparable days"),
    "told apart from others": message("told apart from others"),
    "same start as others": message("same start as others"),
    "not told apart from others": message("not told apart from others"),
    "not told apart from the baseline": message("not told apart from the baseline"),
    "too few minutes to tell apart": message("too few minutes to tell apart"),
    "counted with others": message("counted with others"),
    "interrupted series": message("interrupted series"),
    "local level": message("local level"),
    "these signers": message("these signers"),
    "first generation": message("first generation"),
    "all generations": message("all generations"),
    "within the horizon": message("within the horizon"),
    "through shares": message("through shares"),
    "by links of each page": message("by links of each page"),
    "as measured": message("as measured"),
    "as assumed": message("as assumed"),
    "some would have come anyway": message("some would have come anyway"),
    "first generation only": message("first generation only"),
    "smallest difference of any wave": message("smallest difference of any wave"),
    "smallest difference, and some would have come anyway": message(
        "smallest difference, and some would have come anyway"
    ),
    "personality": message("personality"),
    "organisation": message("organisation"),
    "visitor_id": message("visitor"),
    "event": message("event"),
    "event_id": message("event number"),
    "occurred_at": message("time of the event"),
    "session_id": message("session"),
    "consent": message("consent"),
    "is_bot": message("robot"),
    "no visitor_id": message("no visitor"),
    "no event": message("no name of an event"),
    "no occurred_at": message("no time"),
    "unreadable occurred_at": message("unreadable time"),
    "occurred_at out of range": message("time out of range"),
    "duplicated event_id": message("sent more than once"),
    "after the cutoff": message("after the cutoff"),
}

# What outcomes of experiments are called: the event's name, and what is counted of it. Longer endings first.
MEASURED = {
    " per visitor": message("{event}, per visitor"),
    " brought directly": message("{event} by friends (first generation)"),
    " brought": message("{event} by friends (whole tree)"),
    " again": message("{event} again"),
}


@dataclass(frozen=True)
class Language:
    """One language of the reader. Get it with `language(code)`: the catalogue is read once.

    An unknown value (None or NaN) is written as an en dash by every method.
    """

    code: str

    @property
    def locale(self) -> str:
        """The locale as Babel names it: `en_CA` or `fr_CA`."""
        return LOCALES[self.code]

    @property
    def tag(self) -> str:
        """The language as a page names it: `en-CA` or `fr-CA`."""
        return self.locale.replace("_", "-")

    @cached_property
    def _catalogue(self) -> "Catalog":
        return _read_catalogue(self.code)

    def text(self, source: str, /, **values: object) -> str:
        """Return the sentence in this language, or the English one for want of it, with its {placeholders} filled."""
        return self._translation(source).format(**values)

    def plural(self, one: str, many: str, n: float, /, **values: object) -> str:
        """Return the sentence that suits `n`, which is also the placeholder {n}, written as a number.

        English takes `one` for 1 only; French takes the singular for 0 and 1. What is not known (NaN) is a dash.
        """
        filled = {"n": self.number(n), **values}
        if self.code != "en":
            found = self._catalogue.get(one)
            if found is not None and not found.fuzzy and isinstance(found.string, tuple) and all(found.string):
                return str(found.string[0 if abs(n) < 2 else 1]).format(**filled)
        return (one if n == 1 else many).format(**filled)

    def number(self, n: float | None, digits: int | None = None) -> str:
        """Return `12,345.6` or `12 345,6`: `digits` decimals, or as many as it has up to three when None."""
        if not _is_known(n):
            return UNKNOWN
        return self._decimal(n, "#,##0.###" if digits is None else "#,##0" + _decimals(digits))

    def percent(self, rate: float | None, digits: int = 1) -> str:
        """Return a rate from 0 to 1 as `24.0%` or `24,0 %`."""
        if not _is_known(rate):
            return UNKNOWN
        return self._decimal(rate * 100, "#,##0" + _decimals(digits)) + self._percent_sign

    def interval(self, low: float | None, high: float | None, digits: int = 1) -> str:
        """Return the bounds of a rate as `11.2% to 13.0%` or `11,2 % à 13,0 %`."""
        if not (_is_known(low) and _is_known(high)):
            return UNKNOWN
        return self.text("{low} to {high}", low=self.percent(low, digits), high=self.percent(high, digits))

    def rate(self, rate: float | None, low: float | None = None, high: float | None = None, digits: int = 1) -> str:
        """Return a rate with its interval folded in: `12.1% [11.8 to 12.4]` or `12,1 % [11,8 à 12,4]`.

        The rate stands alone where the interval is unknown or has no width.
        """
        if not (_is_known(rate) and _is_known(low) and _is_known(high)) or low == high:
            return self.percent(rate, digits)
        bounds = [self._decimal(bound * 100, "#,##0" + _decimals(digits)) for bound in (low, high)]
        folded = self.text("{low} to {high}", low=bounds[0], high=bounds[1]).replace(" ", NO_BREAK)
        return f"{self.percent(rate, digits)} [{folded}]"

    def estimate(self, value: float | None, low: float | None, high: float | None) -> str:
        """Return a number with its interval folded in: `0.34 [0.31 to 0.38]`; alone where the interval is unknown.

        Two decimals, one from 10 on, none from 100 on.
        """
        digits = 2 if not _is_known(value) or abs(value) < 10 else int(abs(value) < 100)
        if not (_is_known(value) and _is_known(low) and _is_known(high)):
            return self.number(value, digits)
        return self.text(
            "{value} [{low} to {high}]",
            value=self.number(value, digits),
            low=self.number(low, digits),
            high=self.number(high, digits),
        )

    def points(self, difference: float | None, digits: int = 1) -> str:
        """Return a difference of two rates in percentage points, with its sign: `+2.4 points` or `−0,5 point`."""
        if not _is_known(difference):
            return UNKNOWN
        value = round(difference * 100, digits)
        size = self._decimal(abs(value), "#,##0" + _decimals(digits))
        whole = 2 if abs(value) >= 2 or (self.code == "en" and abs(value) != 1) else 1
        return self.plural("{n} point", "{n} points", whole, n=_sign(value) + size).replace(" ", NO_BREAK)

    def signed(self, difference: float | None, digits: int = 3) -> str:
        """Return a difference of two numbers with its sign: `+0.152` or `−0,152`."""
        if not _is_known(difference):
            return UNKNOWN
        value = round(difference, digits)
        return _sign(value) + self._decimal(abs(value), "#,##0" + _decimals(digits))

    def chance(self, p: float | None) -> str:
        """Return a p-value as a sentence has it: `p = 0.0412`, or `p < 0.0001`."""
        if not _is_known(p):
            return UNKNOWN
        told = self.p_value(p)
        return f"p{NO_BREAK}{told}" if told.startswith("<") else f"p{NO_BREAK}={NO_BREAK}{told}"

    def p_value(self, p: float | None) -> str:
        """Return a p-value as a table has it: `0.0412`, or `< 0.0001`."""
        if not _is_known(p):
            return UNKNOWN
        return f"<{NO_BREAK}{self.number(0.0001, 4)}" if p < 0.0001 else self.number(p, 4)

    def duration(self, seconds: float | None) -> str:
        """Return a time elapsed in its two largest units: `45 s`, `12 min 5 s`, `2 h 10 min`, `3 days 4 h`."""
        if not _is_known(seconds):
            return UNKNOWN
        if seconds < 0:
            return "-" + self.duration(-seconds)
        if 0 < seconds < 0.5:
            return self.text("under {time}", time=self._unit(1, "s"))
        left = round(seconds) if seconds < 3_600 else round(seconds / 60) * 60
        if left >= 86_400:
            left = round(left / 3_600) * 3_600
        days, hours = divmod(left, 86_400)
        hours, minutes = divmod(hours, 3_600)
        minutes, remainder = divmod(minutes, 60)
        parts = [
            self._days(days) if days else "",
            self._unit(hours, "h") if hours else "",
            self._unit(minutes, "min") if minutes else "",
            self._unit(remainder, "s") if remainder else "",
        ]
        return " ".join([part for part in parts if part][:2]) or self._unit(0, "s")

    def date(self, day: date | None, length: Literal["long", "medium", "short"] = "long") -> str:
        """Return `January 14, 2018` or `14 janvier 2018` (and `1er janvier`).

        `medium` shortens the month, and `short` leaves out the year as well: `Jan 14`.
        """
        from babel.dates import format_date, format_skeleton

        if not _is_day(day):
            return UNKNOWN
        if length == "short":
            return str(format_skeleton("MMMd", day, locale=self.locale)).replace(" ", NO_BREAK)
        written = format_date(day, format=length, locale=self.locale)
        if self.code == "fr":
            written = re.sub(r"^1 ", "1er ", written)
        return written.replace(" ", NO_BREAK, 1 if length == "long" else -1)

    def moment(self, at: datetime | None, timezone: str = "UTC") -> str:
        """Return an aware instant on the clock of a zone.

        `January 14, 2018 at 8:05 p.m. EST` or `14 janvier 2018 à 20 h 05 HNE`.
        """
        from babel.dates import format_time, get_timezone_name

        if not _is_day(at):
            return UNKNOWN
        local = at.astimezone(ZoneInfo(timezone))
        pattern = "H 'h' mm" if self.code == "fr" else "short"
        clock = format_time(local, format=pattern, tzinfo=local.tzinfo, locale=self.locale)
        zone = "UTC" if timezone == "UTC" else get_timezone_name(local, width="short", locale=self.locale)
        time = f"{clock} {zone}".replace(" ", NO_BREAK).replace(NARROW_NO_BREAK, NO_BREAK)
        return self.text("{date} at {time}", date=self.date(local.date()), time=time)

    def listing(self, items: list[str]) -> str:
        """Return the items in one phrase: `share, partner and news`."""
        from babel.lists import format_list

        return format_list(items, locale=self.locale) if items else UNKNOWN

    def name(self, name: str) -> str:
        """Return the name of an event, step or column as words: `clic vers le partenaire` for `partner_click`.

        A name the catalogue does not know is only spelt out, underscores as spaces; one in the reader's own words
        (a space or a capital in it) is left as it is.
        """
        if name in NAMES:
            return self.text(NAMES[name])
        counted = re.fullmatch(r"(\d+) of (\d+)", name)
        for ending, source in MEASURED.items():
            if name.endswith(ending):
                return self.text(source, event=self.name(name.removesuffix(ending)))
        ratio = re.fullmatch(r"(\w+) per (\w+)", name)
        if ratio:
            return self.text(
                "{numerator} per {denominator}", numerator=self.name(ratio[1]), denominator=self.name(ratio[2])
            )
        if counted:
            return self.text("{done} of {all}", done=counted[1], all=counted[2])
        parts = name.split(" + ")
        if len(parts) > 1:
            return " + ".join(self.name(part) for part in parts)
        return name.replace("_", " ") if name.islower() and " " not in name else name

    def _translation(self, source: str) -> str:
        if self.code == "en":
            return source
        found = self._catalogue.get(source)
        if found is None or found.fuzzy or not isinstance(found.string, str):
            return source
        return found.string or source

    def _decimal(self, n: float, pattern: str) -> str:
        return _written(n, pattern, self.locale)

    @cached_property
    def _percent_sign(self) -> str:
        return f"{NO_BREAK}%" if self.code == "fr" else "%"

    def _unit(self, n: int, symbol: str) -> str:
        return f"{self.number(n)}{NO_BREAK}{symbol}"

    def _days(self, n: int) -> str:
        return self.plural("{n} day", "{n} days", n).replace(" ", NO_BREAK)


def catalogue_problems(code: str = "fr") -> Iterator[str]:
    """Yield what is wrong with a catalogue: each sentence that is missing, fuzzy, filled otherwise, or in no module."""
    catalogue = _read_catalogue(code)
    wanted = dict(messages_in_code())
    for source, many in wanted.items():
        found = catalogue.get(source)
        translations = () if found is None else _strings(found.string)
        if not translations or not all(translations) or (many is not None) != (len(translations) == 2):
            yield f"missing:\n{_entry(source, many)}"
        elif found is not None and found.fuzzy:
            yield f"fuzzy: {source}"
        elif any(_placeholders(text) - {"n"} != _placeholders(source, many) - {"n"} for text in translations):
            yield f"other placeholders: {source}"
    for entry in catalogue:
        if entry.id and _strings(entry.id)[0] not in wanted:
            yield f"in no module any more: {_strings(entry.id)[0]}"


def messages_in_code() -> Iterator[tuple[str, str | None]]:
    """Yield every sentence to translate with its plural, or None: from the modules and the templates of the package."""
    from babel.messages.extract import extract_from_dir

    methods = [("**.py", "python"), ("**.jinja", "jinja2.ext:babel_extract")]
    for _, _, found, _, _ in extract_from_dir(_PACKAGE, methods, {}, keywords=_KEYWORDS, strip_comment_tags=True):
        source, *many = _strings(found)
        yield source, many[0] if many else None


def _read_catalogue(code: str) -> "Catalog":
    from babel.messages.pofile import read_po

    with (_PACKAGE / "locale" / code / "LC_MESSAGES" / "funnel.po").open("rb") as lines:
        return read_po(lines, locale=code, abort_invalid=True)


def _is_known(n: float | None) -> TypeGuard[float]:
    try:
        return n is not None and math.isfinite(n)
    except TypeError:  # pandas.NA is no number
        return False


def _is_day(day: Day | None) -> TypeGuard[Day]:
    return day is not None and day == day  # noqa: PLR0124 - pandas.NaT is a datetime unequal to itself


def _sign(value: float) -> str:
    return "" if value == 0 else "+" if value > 0 else "\u2212"


@lru_cache(10_000)
def _written(n: float, pattern: str, locale: str) -> str:
    """Return a number as the locale writes it; kept, since tables and charts say the same numbers several times."""
    from babel.numbers import format_decimal

    written = format_decimal(n, format=_number_pattern(pattern), locale=locale)
    if not any(digit in written for digit in "123456789"):
        written = written.lstrip("-")
    return written.replace(NO_BREAK, NARROW_NO_BREAK)


@cache
def _number_pattern(pattern: str) -> "NumberPattern":
    from babel.numbers import parse_pattern

    return parse_pattern(pattern)


def _decimals(digits: int) -> str:
    return "." + "0" * digits if digits else ""


def _strings(text: object) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, (tuple, list)) else (str(text),)


def _placeholders(*texts: str | None) -> set[str]:
    return {name for text in texts if text for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _entry(source: str, many: str | None) -> str:
    from babel.messages.pofile import normalize

    singular = f"msgid {normalize(source, width=110)}"
    if many is None:
        return f'{singular}\nmsgstr ""\n'
    return f'{singular}\nmsgid_plural {normalize(many, width=110)}\nmsgstr[0] ""\nmsgstr[1] ""\n'


if __name__ == "__main__":
    problems = list(catalogue_problems())
    print("\n".join(problems) if problems else "The French catalogue is complete.")
    sys.exit(1 if problems else 0)
