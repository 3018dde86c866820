"""Numbers of one period beside those of the period before, as a table to read."""

from typing import TYPE_CHECKING, Any

from funnel.language import UNKNOWN, Language
from funnel.pages import Column, Table

if TYPE_CHECKING:
    import pandas


def change_table(frame: "pandas.DataFrame", caption: str, words: Language) -> Table:
    """Return a table with a row a number: its two periods, its two values, and how they differ."""
    heads = (
        Column(words.text("Number")),
        Column(words.text("Latest days")),
        Column(words.text("Days before")),
        Column(words.text("Latest"), True),
        Column(words.text("Before"), True),
        Column(words.text("Change"), True),
    )
    return Table(caption, heads, tuple(_cells(row, words) for row in frame.to_dict("records")), names=1)


def _cells(row: dict[Any, Any], words: Language) -> tuple[str, ...]:
    step, is_rate = words.name(str(row["step"])), row["number"] == "rate"
    return (
        words.text("{step}: rate", step=step) if is_rate else words.text("{step}: how many", step=step),
        _days(row, "", words),
        _days(row, "before_", words),
        _value(row, "", words),
        _value(row, "before_", words),
        _change(row, words),
    )


def _days(row: dict[Any, Any], prefix: str, words: Language) -> str:
    first, last = row[f"{prefix}from_on"], row[f"{prefix}to_on"]
    if not _is_known(first):
        return UNKNOWN
    if first == last:
        return words.date(first, "medium")
    return words.text("{first} to {last}", first=words.date(first, "short"), last=words.date(last, "medium"))


def _value(row: dict[Any, Any], prefix: str, words: Language) -> str:
    if row["number"] == "rate":
        return words.rate(*(row[f"{prefix}rate{tail}"] for tail in ("", "_low", "_high")))
    return words.number(row[f"{prefix}visitors"], 0)


def _change(row: dict[Any, Any], words: Language) -> str:
    if row["number"] == "visitors":
        if not _is_known(row["change"]):
            return UNKNOWN
        size = words.percent(abs(row["change"]), 0)
        return f"{_sign(round(row['change'], 2))}{size}"
    if not _is_known(row["difference"]):
        return UNKNOWN
    return words.text(
        "{difference} [{low} to {high}]",
        difference=words.points(row["difference"]),
        low=words.signed(row["difference_low"] * 100, 1),
        high=words.signed(row["difference_high"] * 100, 1),
    )


def _sign(value: float) -> str:
    return "" if value == 0 else "+" if value > 0 else "\u2212"


def _is_known(value: object) -> bool:
    return value is not None and value == value  # noqa: PLR0124 - NaN and NaT are unequal to themselves
