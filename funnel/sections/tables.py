"""Frames of numbers as tables to read: headings in words, rates with their interval, times told in units."""

import math
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from funnel.language import UNKNOWN, Language, message
from funnel.pages import Column, Table

if TYPE_CHECKING:
    import pandas

HEADINGS = {
    "step": message("Step"),
    "after": message("After"),
    "visitors": message("Visitors"),
    "step_rate": message("Of the step before"),
    "overall_rate": message("Of all whose time is up"),
    "dropped": message("Lost"),
    "pending": message("Pending"),
    "median_seconds": message("Half within"),
    "p75_seconds": message("Three quarters within"),
    "p90_seconds": message("Nine tenths within"),
    "median_seconds_from_entry": message("Half within, from entry"),
    "p75_seconds_from_entry": message("Three quarters within, from entry"),
    "p90_seconds_from_entry": message("Nine tenths within, from entry"),
    "step_bound": message("Of the step before, by what the pending do"),
    "overall_bound": message("Of everyone, by what the pending do"),
    "combination": message("What they did next"),
    "first": message("What came first"),
    "last_step_rate": message("Of the last step"),
    "outcome": message("Outcome"),
    "elapsed_seconds": message("Time since"),
    "rate": message("Rate"),
    "at_risk": message("Still followed"),
    "entered_on": message("Day of entry"),
    "age_days": message("Days since entry"),
    "definition": message("Way of counting"),
    "entered": message("Entered"),
    "converted": message("Converted"),
    "generation": message("Generation"),
    "signatures": message("Signatures"),
    "share": message("Share"),
    "referred": message("By a friend’s link"),
    "seeded": message("By themselves"),
    "k_factor": message("Brings each, once all have had time"),
    "signed_on": message("Day of signing"),
    "reproduction_number": message("One signature brings"),
    "brought": message("Signatures brought"),
    "signers": message("Signers"),
    "elapsed_from_seconds": message("From"),
    "elapsed_to_seconds": message("To"),
    "model": message("Model"),
    "credited": message("Credited"),
    "downstream": message("Downstream"),
    "downstream_share": message("Share of downstream"),
    "relay": message("Relay"),
    "kind": message("Kind"),
    "wave": message("Agreed"),
    "visits": message("Visits"),
    "brings": message("Each signer brings"),
    "declared": message("By a code or an answer"),
    "total": message("In all"),
    "half_seconds": message("Half of them within"),
    "first_day_share": message("In its first 24 hours"),
    "per_thousand": message("Per thousand of audience"),
    "source": message("Where they began"),
    "later": message("Later"),
    "rung": message("Rung"),
    "reached": message("Reached"),
    "highest": message("Highest so far"),
    "skipped": message("Skipped"),
    "to": message("Next"),
    "asks": message("Asks seen"),
    "responded": message("Answered"),
    "response_rate": message("Answered, of those whose time is over"),
    "harmed": message("Harmed"),
    "harmed_before": message("Harmed before"),
    "harm_rate": message("Harmed, of those not harmed before"),
    "value": message("Brings in all, friends of friends too"),
    "weight": message("Each counts"),
    "observed": message("Observed"),
    "expected": message("Expected"),
    "excess": message("Excess"),
    "ratio": message("Ratio"),
    "placebo_p": message("Placebo’s p"),
    "dispersion": message("Dispersion of days"),
    "days": message("Comparable days"),
    "half_life_minutes": message("Half-life (minutes)"),
    "delay_minutes": message("Sets in after (minutes)"),
    "together_with": message("Together with"),
    "note": message("Remark"),
    "aired_from": message("On the air from"),
    "first_life": message("First life"),
    "first_downstream": message("Friends of the first life"),
    "second_life": message("Second life"),
    "second_visitors": message("Visitors by the link"),
    "second_visits": message("Visits by the link"),
    "second_downstream": message("Friends of the second life"),
    "audience": message("Audience"),
    "score": message("Score"),
    "windows": message("Windows"),
    "above": message("Above it"),
    "largest": message("Largest of them"),
    "quantile_95": message("95% of them are below"),
    "counterfactual": message("Without it"),
    "cumulative": message("Running sum"),
    "is_effect": message("Of the mention"),
    "role": message("Role"),
    "method": message("Method"),
    "rate_shown": message("Under what they saw"),
    "rate_variant": message("Under the variant"),
    "forgone": message("More under the variant"),
    "assumption": message("Assumption"),
    "counted": message("Counted"),
    "rank": message("Rank"),
    "generations": message("Generations"),
    "next": message("Then"),
    "touches_left": message("Touches left"),
    "structural_virality": message("Structural virality"),
    "lasted_seconds": message("Lasted"),
    "check": message("Check"),
    "rows": message("Rows"),
    "severity": message("Weight"),
    "meaning": message("What it means"),
    "question": message("Question"),
    "stands": message("How it stands"),
    "differs": message("What differs"),
}
_LANDMARKS = (60, 600, 3_600, 21_600, 43_200, 86_400, 259_200, 604_800, 1_209_600, 2_592_000)
_AGES = (0, 1, 2, 3, 4, 5, 6, 7, 10, 14, 21, 28)


def table_of(
    frame: "pandas.DataFrame", caption: str, words: Language, *, columns: Sequence[str] | None = None
) -> Table:
    """Return a table with a row for each row of the frame, in its order.

    `x_low` and `x_high` are folded into `x`, or into an interval of their own where there is no `x`. A column in which
    nothing is known is left out.
    """
    names = [name for name in (columns or _folded(frame)) if _is_told(frame, name)]
    leading = max(1, next((place for place, name in enumerate(names) if _is_number(frame, name)), len(names)))
    shown = [_cells(frame, name, words) for name in names]
    return Table(
        caption=caption,
        columns=tuple(Column(heading(name, words), _is_number(frame, name)) for name in names),
        rows=tuple(zip(*shown, strict=True)),
        names=min(leading, 2),
    )


def heading(name: str, words: Language) -> str:
    """Return the heading of a column: the reader's words for a known one, its own name spelt out for another."""
    if name in HEADINGS:
        return words.text(HEADINGS[name])
    return _capital(words.name(name))


def _capital(spelt: str) -> str:
    return spelt[:1].upper() + spelt[1:]


def cohort_table(frame: "pandas.DataFrame", caption: str, words: Language) -> Table:
    """Return the cohort triangle: a row a day of entry, a column for some ages, a dash where nothing can be known."""
    ages = [age for age in _AGES if age in set(frame["age_days"])]
    rates = frame.pivot_table(index="entered_on", columns="age_days", values="overall_rate", dropna=False)
    visitors = frame.groupby("entered_on")["visitors"].max()  # hidden in all rows of a day, or in none
    return Table(
        caption=caption,
        columns=(
            Column(heading("entered_on", words)),
            Column(heading("visitors", words), True),
            *(Column(words.plural("After {n} day", "After {n} days", age), True) for age in ages),
        ),
        rows=tuple(
            (
                words.date(day, "medium"),
                words.number(visitors[day]),
                *(words.percent(rates.loc[day, age] if age in rates else None) for age in ages),
            )
            for day in sorted(visitors.index)
        ),
    )


def curve_table(frame: "pandas.DataFrame", caption: str, words: Language) -> Table:
    """Return some points of each curve, its end among them: a row an outcome and time."""
    rows = [
        (
            words.name(str(outcome)),
            words.text(
                "{time} after “{step}”", time=words.duration(point.elapsed_seconds), step=words.name(str(after))
            ),
            words.rate(point.rate, point.rate_low, point.rate_high),
            words.number(point.at_risk),
        )
        for (outcome, after), curve in frame.groupby(["outcome", "after"], sort=False, dropna=False)
        for point in _some(curve[curve["rate"].notna() & (curve["elapsed_seconds"] > 0)])
    ]
    heads = (
        Column(heading("outcome", words)),
        Column(heading("elapsed_seconds", words)),
        Column(words.text("Reached it"), True),
        Column(heading("at_risk", words), True),
    )
    return Table(caption, heads, tuple(rows), 2)


def _some(curve: "pandas.DataFrame") -> list[Any]:
    """Return the curve's points at round times and its end; of a curve too short for these, a few points."""
    rows = list(curve.itertuples())
    rounded = [row for row in rows[:-1] if row.elapsed_seconds in _LANDMARKS] + rows[-1:]
    places = {round((len(rows) - 1) * part / 6) for part in range(1, 7)}
    return rounded if len(rounded) > 2 else [row for place, row in enumerate(rows) if place in places]


def credit_table(frame: "pandas.DataFrame", caption: str, words: Language) -> Table:
    """Return what each model credits: a row a channel, a column a model, the conversions without a touch last."""
    by = str(frame.columns[0])
    models = list(dict.fromkeys(frame["model"]))
    credited = {
        (None if channel is None or channel != channel else channel, model): value  # noqa: PLR0124 - NaN
        for channel, model, value in zip(frame[by], frame["model"], frame["credited"], strict=True)
    }
    channels = list(dict.fromkeys(channel for channel, _ in credited))
    return Table(
        caption=caption,
        columns=(Column(heading(by, words)), *(Column(_capital(words.name(model)), True) for model in models)),
        rows=tuple(
            (
                words.text("no touch") if channel is None else words.name(str(channel)),
                *(words.number(float(credited[channel, model]), 0) for model in models),
            )
            for channel in channels
        ),
    )


def time_table(frame: "pandas.DataFrame", caption: str, words: Language) -> Table:
    """Return the histogram of times, a row a step and span of time, with its share of those who made the step."""
    everyone = frame.groupby("step")["visitors"].transform(lambda counts: counts.sum(skipna=False))
    rows = [
        (
            words.name(str(row.step)),
            span(row.elapsed_from_seconds, row.elapsed_to_seconds, words),
            words.number(row.visitors),
            words.percent(row.visitors / total if total else None),
        )
        for row, total in zip(frame.itertuples(), everyone, strict=True)
    ]
    heads = (heading("step", words), words.text("Time since the step before"))
    counted = (heading("visitors", words), words.text("Share of them"))
    columns = (*(Column(each) for each in heads), *(Column(each, True) for each in counted))
    return Table(caption, columns, tuple(rows), names=2)


def span(low: float, high: float, words: Language) -> str:
    """Return a span of time in words, open at its end where `high` is infinite."""
    if math.isinf(high):
        return words.text("{time} or more", time=words.duration(low))
    return words.text("{low} to {high}", low=words.duration(low), high=words.duration(high))


def _folded(frame: "pandas.DataFrame") -> list[str]:
    """The columns to show: every one but the bounds, which go with their rate or, without one, become a column."""
    names: list[str] = []
    for name in map(str, frame.columns):
        base, _, bound = name.rpartition("_")
        shown = base if bound in ("low", "high") and f"{base}_low" in frame and f"{base}_high" in frame else name
        if shown not in names:
            names.append(shown)
    return names


def _is_told(frame: "pandas.DataFrame", name: str) -> bool:
    source = name if name in frame else f"{name}_low"
    return source in frame and bool(frame[source].notna().any() or not len(frame))


def _is_number(frame: "pandas.DataFrame", name: str) -> bool:
    return name not in frame or frame[name].dtype.kind in "iuf"


def _cells(frame: "pandas.DataFrame", name: str, words: Language) -> list[str]:
    if f"{name}_low" in frame:
        lows, highs = frame[f"{name}_low"], frame[f"{name}_high"]
        if name not in frame:
            return [words.interval(low, high) for low, high in zip(lows, highs, strict=True)]
        told = words.rate if name.endswith(("rate", "share")) else words.estimate
        return [told(*each) for each in zip(frame[name], lows, highs, strict=True)]
    write = _writer(frame, name, words)
    return [write(value) for value in frame[name]]


def _writer(frame: "pandas.DataFrame", name: str, words: Language) -> Callable[[Any], str]:
    if not _is_number(frame, name):
        return lambda value: _value(value, words)
    if name.endswith(("_seconds", "_seconds_from_entry")):
        return words.duration
    if name == "p" or name.endswith("_p"):
        return words.p_value
    if name.endswith(("rate", "share")):
        return words.percent
    return lambda value: words.number(value) if value % 1 == 0 else words.estimate(value, None, None)


def _value(value: object, words: Language) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN and NaT are unequal to themselves
        return UNKNOWN
    if isinstance(value, datetime) and (value.hour or value.minute or value.tzinfo):
        return words.moment(value, getattr(value.tzinfo, "key", "UTC"))
    if isinstance(value, date):
        return words.date(value, "medium")
    return words.name(str(value)) if isinstance(value, str) else str(value)
