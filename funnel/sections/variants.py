"""Answers of experiments as tables to read: a row a variant, rates and differences each on their own scale."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from funnel.language import UNKNOWN, Language, message
from funnel.pages import Column, Table
from funnel.sections.readings import group_name

if TYPE_CHECKING:
    import pandas

HEADINGS = {
    "outcome": message("Outcome"),
    "role": message("Role"),
    "variant": message("Variant"),
    "visitors": message("Visitors"),
    "pending": message("Pending"),
    "rate": message("Rate"),
    "difference": message("Difference to the control"),
    "p_adjusted": message("Adjusted p"),
    "safety": message("Safety"),
    "check": message("Check"),
    "column": message("Column"),
    "group": message("Group"),
    "exposed": message("Exposed"),
    "assigned": message("Assigned"),
    "exposed_rate": message("Share exposed"),
    "assigned_difference": message("Difference over all assigned"),
    "exposed_difference": message("Difference over the exposed"),
    "is_mismatch": message("As planned"),
    "probability_best": message("Probability to be best"),
    "expected_loss": message("Expected loss if chosen"),
    "control_visitors": message("Visitors in the control"),
    "shrunk": message("Drawn toward all groups"),
    "interaction_p_adjusted": message("Adjusted p of varying"),
    "clock": message("Clock"),
    "day": message("Day"),
    "looked_on": message("Day of the look"),
    "fraction": message("Of the planned visitors"),
    "z": message("Standard errors from 0"),
    "critical": message("Needed"),
    "elapsed_seconds": message("Time since"),
    "at_risk": message("Still followed"),
    "clusters": message("Trees"),
    "method": message("Method"),
    "p": message("p"),
    "lift": message("Lift"),
    "total": message("Visitors in all"),
    "days": message("Days"),
    "power": message("Power so far"),
}
WORDS = {
    "primary": message("primary"),
    "secondary": message("secondary"),
    "exploratory": message("exploratory"),
    "guardrail": message("guardrail"),
    "safe": message("safe"),
    "harmful": message("harmful"),
    "not shown safe": message("not shown safe"),
    "overall": message("overall"),
    "sequential": message("at every look"),
    "day": message("by day"),
    "segment": message("by group"),
    "since exposure": message("since exposure"),
    "since start": message("since the start"),
}

# The columns of each kind of answer that are worth a reader's time; the frame holds them all.
ANSWER = ("outcome", "role", "variant", "visitors", "pending", "rate", "difference", "p_adjusted", "safety")
SHOWN: tuple[tuple[str, ...], ...] = (
    ("check", "column", "group", "exposed", "p_adjusted", "is_mismatch"),
    ("variant", "visitors", "rate", "probability_best", "expected_loss"),
    ("column", "group", "variant", "visitors", "control_visitors", "difference", "shrunk", "interaction_p_adjusted"),
    ("clock", "day", "variant", "visitors", "difference"),
    ("looked_on", "variant", "visitors", "fraction", "difference", "z", "critical"),
    ("variant", "assigned", "exposed_rate", "assigned_difference", "exposed_difference"),
    ("outcome", "variant", "visitors", "clusters", "rate", "difference", "p", "method"),
    ("outcome", "variant", "elapsed_seconds", "rate", "at_risk"),
    ("outcome", "variant", "elapsed_seconds", "visitors", "rate", "difference"),
    ("lift", "rate", "visitors", "total", "days", "power"),
)
TEXTS = (
    "outcome",
    "role",
    "variant",
    "safety",
    "check",
    "column",
    "group",
    "clock",
    "looked_on",
    "method",
    "is_mismatch",
)


def columns_of(frame: "pandas.DataFrame") -> tuple[str, ...] | None:
    """Return the columns to show of an experiment's answer, or None where the frame is none."""
    names = set(frame.columns)
    if {"role", "kind", "p_adjusted"} <= names:
        return ANSWER
    fitting = [shown for shown in SHOWN if set(shown) <= names]
    return max(fitting, key=len, default=None)


def variant_table(frame: "pandas.DataFrame", caption: str, words: Language, *, kind: str) -> Table:
    """Return the table of an experiment's answer; `kind` says what its rates are where the rows do not."""
    shown = [name for name in columns_of(frame) or () if name in TEXTS or frame[name].notna().any()]
    kinds = frame["kind"].tolist() if "kind" in frame else [kind] * len(frame)
    if {"at_risk", "elapsed_seconds"} <= set(frame.columns):
        frame, kinds = _landmarks(frame), [kind] * len(frame)
    rows = [
        tuple(_cell(row, name, each, words) for name in shown)
        for row, each in zip(frame.to_dict("records"), kinds, strict=False)
    ]
    kept = [place for place, name in enumerate(shown) if not rows or any(row[place] != UNKNOWN for row in rows)]
    return Table(
        caption=caption,
        columns=tuple(Column(words.text(HEADINGS[shown[place]]), shown[place] not in TEXTS) for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in rows),
        names=min(2, sum(shown[place] in TEXTS for place in kept[:2])) or 1,
    )


def _landmarks(frame: "pandas.DataFrame") -> "pandas.DataFrame":
    """Return the end of each curve and three times before it."""
    import pandas

    chosen = []
    for _, curve in frame.groupby(["outcome", "variant"], sort=False):
        rows = curve[curve["rate"].notna()]
        if rows.empty:
            continue
        last = rows["elapsed_seconds"].max()
        places = [(rows["elapsed_seconds"] - last * part).abs().idxmin() for part in (1 / 24, 1 / 3, 2 / 3, 1)]
        chosen.append(rows.loc[list(dict.fromkeys(places))])
    return pandas.concat(chosen) if chosen else frame.iloc[:0]


def _cell(row: Mapping[Any, Any], name: str, kind: str, words: Language) -> str:
    value = row[name]
    if name in ("column", "group"):
        is_grouped = row.get("column") is not None and row["column"] == row["column"]
        return _group(row, name, words) if is_grouped or row.get("check") == "day" else UNKNOWN
    if value is None or value != value:  # noqa: PLR0124 - NaN and NaT are unequal to themselves
        return UNKNOWN
    if name in ("variant", "outcome"):
        return words.name(str(value))
    if name == "is_mismatch":
        return words.text("no") if value else words.text("yes")
    if name == "looked_on":
        return words.date(value, "medium")
    if name in TEXTS:
        return words.text(WORDS[str(value)]) if str(value) in WORDS else str(value)
    if name == "rate":
        return _rate(row, kind, words)
    if name in ("difference", "shrunk", "assigned_difference", "exposed_difference"):
        low, high = _ends(row, name)
        return _difference(value, low, high, kind, words)
    return _WRITERS.get(name, Language.number)(words, value)


def _group(row: Mapping[Any, Any], name: str, words: Language) -> str:
    value = row[name]
    if name == "column":
        return words.name(str(value)) if value is not None and value == value else UNKNOWN  # noqa: PLR0124
    return words.date(value, "medium") if hasattr(value, "year") else group_name(value, words)


def _ends(row: Mapping[Any, Any], name: str) -> tuple[float, float]:
    """Return the interval told with a difference: that of all variants at once, but a guardrail's own."""
    is_family = name == "difference" and "simultaneous_low" in row and row["role"] != "guardrail"
    base = "simultaneous" if is_family else name
    return float(row[f"{base}_low"]), float(row[f"{base}_high"])


def _rate(row: Mapping[Any, Any], kind: str, words: Language) -> str:
    ends = (row.get("rate_low"), row.get("rate_high"))
    if kind == "share":
        return words.rate(row["rate"], *ends)
    value = words.number(row["rate"], 3)
    if UNKNOWN in (words.number(ends[0]), words.number(ends[1])):
        return value
    return words.text(
        "{value} [{low} to {high}]", value=value, low=words.number(ends[0], 3), high=words.number(ends[1], 3)
    )


def _difference(value: float, low: float, high: float, kind: str, words: Language) -> str:
    scale, digits = (100, 1) if kind == "share" else (1, 3)
    told = words.points(value) if kind == "share" else words.signed(value)
    ends = [words.signed(end * scale, digits) for end in (low, high)]
    if UNKNOWN in ends:
        return told
    return words.text("{value} [{low} to {high}]", value=told, low=ends[0], high=ends[1])


def _p(words: Language, p: float) -> str:
    return words.chance(p).split("=")[-1].removeprefix("p").strip()


_WRITERS: dict[str, Callable[[Language, Any], str]] = {
    "p": _p,
    "p_adjusted": _p,
    "interaction_p_adjusted": _p,
    "fraction": lambda words, value: words.percent(value, 0),
    "exposed_rate": lambda words, value: words.percent(value),
    "probability_best": lambda words, value: words.percent(value),
    "power": lambda words, value: words.percent(value, 0),
    "lift": lambda words, value: words.percent(value, 0),
    "expected_loss": lambda words, value: words.points(value, 2),
    "elapsed_seconds": lambda words, value: words.duration(value),
    "z": lambda words, value: words.number(value, 2),
    "critical": lambda words, value: words.number(value, 2),
    "day": lambda words, value: words.number(value),
}
