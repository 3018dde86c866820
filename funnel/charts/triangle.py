"""How each day's entries convert as they age; what cannot be observed yet is hatched."""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from funnel.charts.look import SMALL, TEXT_FONT, Theme, axis, figure, note, palette, percent_ticks
from funnel.language import Language
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

_HEAD, _ROW, _TALLEST, _LEFT = 44, 24, 640, 74
_MOST_WRITTEN, _ROOM_TO_WRITE, _ROOM_FOR_DAY = 8, 16, 16  # columns that a phone has room for; pixels of a row


def cohort_triangle(
    frame: "pandas.DataFrame",
    *,
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw the frame of `FunnelResult.cohorts`: a row a day of entry, a column a day of age, in shares of its entries.

    Cells at the end of a row without a rate lie after the cutoff: they are hatched. The rates are written in the cells
    where there is room, and read from a scale of colours elsewhere.
    """
    words, colours = language_of(language), palette(theme)
    rates = frame.pivot(index="entered_on", columns="age_days", values="overall_rate").sort_index()
    entries = frame.groupby("entered_on")["visitors"].max().sort_index().tolist()
    days, ages = [_date(day) for day in rates.index], [int(age) for age in rates.columns]
    cells = [[float(rate) for rate in row] for row in rates.to_numpy(dtype=float, na_value=math.nan)]
    row = min(_ROW, _TALLEST / max(len(days), 1))
    height = int(row * len(days)) + _HEAD
    is_written = len(ages) <= _MOST_WRITTEN and row >= _ROOM_TO_WRITE
    return figure(
        [_hatching(cells, colours, words), _heat(cells, days, entries, ages, colours, words, is_written=is_written)],
        title=words.text("Conversion by day of entry") if title is None else title,
        height=height,
        below=32 if is_written else 84,
        left=_LEFT,
        colours=colours,
        words=words,
        barmode="overlay",
        bargap=0,
        annotations=_notes(height, colours, words),
        xaxis=axis(
            "", colours, range=[-0.5, len(ages) - 0.5], side="top", showgrid=False, showline=False, **_age_ticks(ages)
        ),
        yaxis=axis(
            "",
            colours,
            range=[len(days) - 0.5, -0.5],
            domain=[0, 1 - _HEAD / height],
            showgrid=False,
            showline=False,
            **_day_ticks(days, row, words),
        ),
    )


def _date(day: Any) -> date:
    import pandas

    return pandas.Timestamp(day).date()


def _hatching(cells: list[list[float]], colours: Mapping[str, str], words: Language) -> dict[str, Any]:
    """Return stripes behind the cells at the end of each row that have no rate."""
    gaps = [_trailing_gap(row) for row in cells]
    unseen = [(place, gap) for place, gap in enumerate(gaps) if gap]
    return {
        "type": "bar",
        "orientation": "h",
        "name": words.text("not observable yet"),
        "y": [place for place, _ in unseen],
        "x": [gap for _, gap in unseen],
        "base": [len(cells[place]) - gap - 0.5 for place, gap in unseen],
        "width": 1,
        "marker": {"color": colours["line"], "pattern": {"shape": "/", "fgcolor": colours["line"], "size": 7}},
        "hovertext": [words.text("not observable yet")] * len(unseen),
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _trailing_gap(row: Sequence[float]) -> int:
    return next((place for place, rate in enumerate(reversed(row)) if not math.isnan(rate)), len(row))


def _heat(
    cells: list[list[float]],
    days: list[date],
    entries: list[float],
    ages: list[int],
    colours: Mapping[str, str],
    words: Language,
    *,
    is_written: bool,
) -> dict[str, Any]:
    highest = max((rate for row in cells for rate in row if not math.isnan(rate)), default=0.0) or 0.01
    hover = [
        [_hover(rate, day, count, age, words) for rate, age in zip(row, ages, strict=True)]
        for row, day, count in zip(cells, days, entries, strict=True)
    ]
    written = {
        "text": [["" if math.isnan(rate) else words.number(rate * 100, 1) for rate in row] for row in cells],
        "texttemplate": "%{text}",
        "textfont": {"size": 10, "family": TEXT_FONT, "color": colours["ink"]},
    }
    return {
        "type": "heatmap",
        "x": list(range(len(ages))),
        "y": list(range(len(days))),
        "z": cells,
        "zmin": 0,
        "zmax": highest,
        "colorscale": [[0, colours["heat_low"]], [1, colours["heat_high"]]],
        "xgap": 2,
        "ygap": 2 if is_written else 1,
        "hoverongaps": False,
        "hovertext": hover,
        "hovertemplate": "%{hovertext}<extra></extra>",
        "showscale": not is_written,
        "colorbar": _scale(highest, colours, words),
        **(written if is_written else {}),
    }


def _hover(rate: float, day: date, entries: float, age: int, words: Language) -> str:
    shown = words.text("{rate} of {n} entries", rate=words.percent(rate), n=words.number(entries))
    after = words.plural("{n} day after entry", "{n} days after entry", age)
    return f"{words.date(day)}<br>{after}<br>{shown}"


def _scale(highest: float, colours: Mapping[str, str], words: Language) -> dict[str, Any]:
    return {
        "orientation": "h",
        "y": 0,
        "yanchor": "top",
        "ypad": 34,
        "x": 0.5,
        "thickness": 10,
        "outlinewidth": 0,
        "tickfont": {"size": SMALL, "color": colours["muted"]},
        **percent_ticks(highest, words, most=4),
    }


def _notes(height: int, colours: Mapping[str, str], words: Language) -> list[dict[str, Any]]:
    place = {"x": 0, "xref": "paper", "xshift": 14 - _LEFT, "yref": "paper", "font": {"color": colours["muted"]}}
    return [
        note(
            words.text("Share of entries (%), by age in days"),
            colours,
            **{**place, "y": 1, "yanchor": "top", "yshift": 2, "font": {}},
        ),
        note(words.text("Day"), colours, y=1 - _HEAD / height, yanchor="bottom", yshift=2, **place),
        note(words.text("Hatched: not observable yet"), colours, y=0, yanchor="top", yshift=-6, **place),
    ]


def _age_ticks(ages: list[int]) -> dict[str, Any]:
    shown = range(0, len(ages), max(1, math.ceil(len(ages) / 10)))
    return {"tickmode": "array", "tickvals": list(shown), "ticktext": [str(ages[place]) for place in shown]}


def _day_ticks(days: list[date], row: float, words: Language) -> dict[str, Any]:
    shown = range(0, len(days), max(1, math.ceil(_ROOM_FOR_DAY / row)))
    text = [words.date(days[place], "short") for place in shown]
    return {"tickmode": "array", "tickvals": list(shown), "ticktext": text}
