"""What has changed in a funnel's numbers since the period before: whole days against as many days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from funnel.answers import FunnelResult
from funnel.counts import plan_of
from funnel.definition import UNITS, microseconds
from funnel.errors import DefinitionError
from funnel.events import Events, epoch_us
from funnel.journey_table import JourneyTable
from funnel.language import Language
from funnel.language import language as language_of
from funnel.results import Result, Saying
from funnel.stages import required_labels
from funnel.statements import count_where, statement
from funnel.stats import newcombe, wilson

if TYPE_CHECKING:
    import pandas

PERIOD = "7 days"
COLUMNS = (
    "step",
    "number",
    "visitors",
    "among",
    "rate",
    "rate_low",
    "rate_high",
    "before_visitors",
    "before_among",
    "before_rate",
    "before_rate_low",
    "before_rate_high",
    "change",
    "difference",
    "difference_low",
    "difference_high",
    "from_on",
    "to_on",
    "before_from_on",
    "before_to_on",
)
# A cutoff typed as 23:59, or 23:59:59, ends its day.
_NEARLY = timedelta(minutes=1)


class Span(NamedTuple):
    """Whole days in the zone of the events, both ends included."""

    first: date
    last: date


class Counted(NamedTuple):
    """One number to compare: of which step, "visitors" or "rate", and the conditions that count it (text of our own).

    `at` is the instant that puts a journey into a period, `reached` that it counts. For a rate `among` says over whom
    it is taken, those who had `time_us` before the data ends.
    """

    step: str
    number: str
    at: str
    reached: str
    among: str = ""
    time_us: int = 0


@dataclass(frozen=True, eq=False, repr=False)
class ChangeResult(Result):
    """One row a number: how many in the latest period and in the one before, or which rate, and how they differ.

    `docs/definitions.md` says what every column is.
    """

    def summary(self, code: str | None = None) -> str:
        """Return the change of every number, a sentence each, in "en" or "fr"."""
        words = language_of(code or self.language)
        said = []
        for row in rows(self.frame):
            told = {"step": words.name(row["step"]), "line": line(row, words)}
            is_rate = row["number"] == "rate"
            said.append(
                words.text("Rate of “{step}”, {line}.", **told) if is_rate else words.text("“{step}”, {line}.", **told)
            )
        return " ".join(said)

    def _for_json(self) -> dict[str, object]:
        return {**super()._for_json(), "summary": self.summary()}


def changes(result: FunnelResult, period: str | timedelta = PERIOD) -> ChangeResult:
    """Return what changed in the numbers of a funnel from one period of whole days to the next, the latest.

    The latest period ends with the last day that is whole at the cutoff. Who came and who reached the last step count
    on the day they did. A rate is of first attempts (of all, where each counts) begun in the latest period whose window
    is over, a follow-up's of those who then reached the last step; so its days are earlier ones. What begins before the
    first day of the data is null.
    """
    import pandas

    days = microseconds(period, argument="period") // UNITS["day"]
    if microseconds(period, argument="period") % UNITS["day"]:
        raise DefinitionError(f"period={str(period)!r} is no whole number of days. Give for example '7 days'.")
    table = result.table
    found = list(_numbers(table))
    spans = [_spans(table.events, timedelta(microseconds=each.time_us), days) for each in found]
    asked = [(each, span) for each, pair in zip(found, spans, strict=True) for span in pair]
    counted = iter(_count(table, asked))
    told = [
        _row(each, pair, next(counted), next(counted), table.events) for each, pair in zip(found, spans, strict=True)
    ]
    return ChangeResult(
        frame=_typed(pandas.DataFrame(told, columns=list(COLUMNS))),
        heading=partial(_heading, days=days),
        remarks=tuple(_remarks(table.events, spans)),
        language=result.language,
    )


def _typed(frame: pandas.DataFrame) -> pandas.DataFrame:
    texts = [name for name in COLUMNS if name.endswith("_on") or name in ("step", "number")]
    return frame.astype({name: float for name in COLUMNS if name not in texts} | dict.fromkeys(texts, object))


def _numbers(table: JourneyTable) -> Iterator[Counted]:
    """Yield what is compared: who came, who reached the last step, at which rate, and each follow-up's rate."""
    plan, definition = plan_of(table), table.definition
    first, last = required_labels(definition)[0], required_labels(definition)[-1]
    attempts = "is_counted" if definition.entry == "each" else "is_first"
    yield Counted(first, "visitors", "first_entered_at", "is_counted")
    if plan.steps > 1:
        at = f"step_{plan.steps}"
        yield Counted(last, "visitors", at, f"is_counted and {at} is not null")
        yield Counted(last, "rate", "entered_at", f"{at} is not null", attempts, plan.window)
    for place, label in enumerate(definition.follow_up_labels):
        reached = f"{attempts} and depth = {plan.steps}"
        yield Counted(label, "rate", "clock_at", f"follow_up_{place} is not null", reached, plan.follow_up_window)


def _spans(events: Events, waited: timedelta, days: int) -> tuple[Span, Span]:
    """Return the latest whole days after which `waited` has passed at the cutoff, and as many days before them."""
    end = (events.cutoff + _NEARLY - waited).astimezone(ZoneInfo(events.timezone)).date() - timedelta(days=1)
    first = end - timedelta(days=days - 1)
    return Span(first, end), Span(first - timedelta(days=days), first - timedelta(days=1))


def _count(table: JourneyTable, asked: list[tuple[Counted, Span]]) -> list[tuple[int, int]]:
    """Return, for each number and span, how many did it, and of how many."""
    query = statement(
        """
        /* one row: the counts of every number and period */
        select _counts from _everyone as journeys
        """,
        counts=[
            count_where(condition)
            for each, span in asked
            for condition in _conditions(each, span, table.events, table.cutoff_us)
        ],
        everyone=table.everyone,
    )
    (found,) = table.rows(query)
    return [(int(found[place]), int(found[place + 1])) for place in range(0, len(found), 2)]


def _conditions(each: Counted, span: Span, events: Events, cutoff_us: int) -> tuple[str, str]:
    begin, end = (epoch_us(begin_of(day, events.timezone)) for day in (span.first, span.last + timedelta(days=1)))
    inside = f"{each.at} >= {begin} and {each.at} < {end}"
    if each.among:
        inside = f"{each.among} and {inside} and {each.at} + {each.time_us} <= {cutoff_us}"
    return f"{inside} and {each.reached}", inside


def begin_of(day: date, timezone: str) -> datetime:
    """Return the first instant of a day, also where its midnight comes twice or is skipped.

    >>> begin_of(date(2018, 3, 12), "America/Toronto").isoformat()
    '2018-03-12T04:00:00+00:00'
    """
    zone = ZoneInfo(timezone)
    readings = [datetime.combine(day, time.min, zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
    return min(each for each in readings if each.astimezone(zone).date() == day)


def _row(
    each: Counted, spans: tuple[Span, Span], latest: tuple[int, int], before: tuple[int, int], events: Events
) -> dict[str, object]:
    began_on = events.first_at.astimezone(ZoneInfo(events.timezone)).date()
    is_told, is_compared = (began_on <= span.first for span in spans)
    row: dict[str, object] = {"step": each.step, "number": each.number}
    for prefix, span, counted, is_there in (
        ("", spans[0], latest, is_told),
        ("before_", spans[1], before, is_compared),
    ):
        if is_there:
            row |= {f"{prefix}{name}": value for name, value in _of_period(each, span, counted).items()}
    if not is_compared:
        return row
    if each.number == "visitors":
        return row | {"change": latest[0] / before[0] - 1 if before[0] else None}
    if latest[1] and before[1]:
        gap = newcombe(*latest, *before)
        row |= {"difference": gap.value, "difference_low": gap.low, "difference_high": gap.high}
    return row


def _of_period(each: Counted, span: Span, counted: tuple[int, int]) -> dict[str, object]:
    told: dict[str, object] = {"visitors": counted[0], "from_on": span.first, "to_on": span.last}
    if each.number == "rate":
        told["among"] = counted[1]
        if counted[1]:
            rate = wilson(*counted)
            told |= {"rate": rate.value, "rate_low": rate.low, "rate_high": rate.high}
    return told


def _heading(words: Language, days: int) -> str:
    return words.plural("The latest day and the one before", "The latest {n} days and the {n} before", days)


def _remarks(events: Events, spans: list[tuple[Span, Span]]) -> Iterator[Saying]:
    yield lambda words: words.text(
        "Counts are of the day on which something happened; a rate is of first attempts whose time is up, so its days"
        " are earlier ones. Two periods also differ in who came, and from where."
    )
    began = events.first_at.astimezone(ZoneInfo(events.timezone))
    compared = [span.first for pair in spans for span in pair if span.first == began.date()]
    if compared and began - begin_of(began.date(), events.timezone) > _NEARLY:
        yield lambda words: words.text(
            "The data begin at {moment}: the first day compared is no whole one, unless nothing was online before.",
            moment=words.moment(events.first_at, events.timezone),
        )


# In words


def rows(frame: pandas.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of the frame, with None for what is not known."""
    return [
        {str(name): None if value is None or value != value else value for name, value in row.items()}  # noqa: PLR0124
        for row in frame.to_dict("records")
    ]


def line(row: dict[str, Any], words: Language, *, least: int = 0) -> str:
    """Return what changed, in one line; `row` is one of `rows`. Nothing is told of 1 to `least` - 1 people."""
    latest, before = _period(row, "", words), _period(row, "before_", words)
    if not latest:
        return words.text("no earlier period to compare with")
    if is_few(row, "", least):
        return words.text("too few {latest} to tell", latest=latest)
    if not before:
        return words.text(
            "{value} {latest}; no earlier period to compare with", value=_value(row, "", words), latest=latest
        )
    if is_few(row, "before_", least):
        return words.text(
            "{value} {latest}; too few {before} to compare", value=_value(row, "", words), latest=latest, before=before
        )
    return words.text(
        "{change}: {value} {latest} against {value_before} {before}",
        change=_change(row, words),
        value=_value(row, "", words),
        latest=latest,
        value_before=_value(row, "before_", words),
        before=before,
    )


def in_short(row: dict[str, Any], words: Language, *, least: int = 0) -> str:
    """Return what changed in a few words, without values and dates; as `line` where there is nothing to compare."""
    latest, before = row["from_on"], row["before_from_on"]
    if latest is None or before is None or is_few(row, "", least) or is_few(row, "before_", least):
        return line(row, words, least=least)
    change = points_in_short(row, words) if row["number"] == "rate" else _change(row, words)
    return words.plural(
        "{change} against the day before",
        "{change} against the {n} days before",
        (row["to_on"] - latest).days + 1,
        change=change,
    )


def points_in_short(row: dict[str, Any], words: Language) -> str:
    """Return how a rate changed, in points, or that no clear change is seen."""
    if row["difference_low"] <= 0 <= row["difference_high"]:
        return words.text("no clear change")
    return words.points(row["difference"])


def is_few(row: dict[str, Any], prefix: str, least: int) -> bool:
    """Tell whether a count, or the rest of those a rate is over, is of fewer than `least` people, or not known."""
    did, of = row[f"{prefix}visitors"], row[f"{prefix}among"]
    if did is None or (row["number"] == "rate" and not of):
        return True
    return 0 < did < least or (of is not None and 0 < of - did < least)


def _value(row: dict[str, Any], prefix: str, words: Language) -> str:
    if row["number"] == "rate":
        return words.percent(row[f"{prefix}rate"])
    return words.number(row[f"{prefix}visitors"], 0)


def _change(row: dict[str, Any], words: Language) -> str:
    if row["number"] == "rate":
        return points_changed(row, words)
    if row["change"] is None:
        return words.text("none before") if row["visitors"] else words.text("none in either")
    whole = round(row["change"] * 100)
    if not whole:
        return words.text("about as many")
    size = words.percent(abs(whole) / 100, 0)
    return f"+{size}" if whole > 0 else f"\u2212{size}"


def points_changed(row: dict[str, Any], words: Language) -> str:
    """Return how a rate changed, in points with the interval, or that no clear change is seen."""
    ends = {
        "low": words.signed(row["difference_low"] * 100, 1),
        "high": words.signed(row["difference_high"] * 100, 1),
    }
    if row["difference_low"] <= 0 <= row["difference_high"]:
        return words.text("no clear change ({low} to {high} points)", **ends)
    return words.text("{difference} ({low} to {high})", difference=words.points(row["difference"]), **ends)


def _period(row: dict[str, Any], prefix: str, words: Language) -> str:
    """Return the days of a period as an adverb: `from January 21 to 27`, `du 21 au 27 janvier`; empty without any."""
    first, last = row[f"{prefix}from_on"], row[f"{prefix}to_on"]
    return "" if first is None else within(first, last, words)


def within(first: date, last: date, words: Language) -> str:
    """Return days, both ends included, as an adverb: `from January 21 to 27`, `du 28 janvier au 3 février`."""
    if first == last:
        return words.text("on {day}", day=_day(last, words))
    is_one_month = (first.year, first.month) == (last.year, last.month)
    begin, end = _day(first, words), _day(last, words)
    if is_one_month and words.code == "fr":
        begin = _first_of_month(str(first.day))
    elif is_one_month:
        end = str(last.day)
    return words.text("from {first} to {last}", first=begin, last=end)


def _day(day: date, words: Language) -> str:
    from babel.dates import format_skeleton

    written = str(format_skeleton("MMMMd", day, locale=words.locale)).replace(" ", "\u00a0")
    return _first_of_month(written) if words.code == "fr" else written


def _first_of_month(written: str) -> str:
    return f"1er{written[1:]}" if written == "1" or written.startswith("1\u00a0") else written
