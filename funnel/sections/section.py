"""One result as one section of a page: sentence, chart, table, notes, and bars for readers without charts."""

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from funnel.language import Language
from funnel.pages import HIDDEN, Bar, Table
from funnel.sections import readings, variant_readings
from funnel.sections.changes import change_table
from funnel.sections.checks import check_table
from funnel.sections.relays import relay_table, wave_table
from funnel.sections.tables import cohort_table, credit_table, curve_table, table_of, time_table
from funnel.sections.variants import variant_table

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

STEP_COLUMNS = (
    "step",
    "visitors",
    "step_rate",
    "overall_rate",
    "dropped",
    "pending",
    "median_seconds",
    "p75_seconds",
    "p90_seconds",
)

# What tells a kind of frame, and those of its columns that a table has room for.
CHOSEN = (
    (
        {"counted", "forgone"},
        ("variant", "outcome", "counted", "signers", "rate_shown", "rate_variant", "forgone"),
    ),
    (
        {"mention", "placebo_p", "observed"},
        (
            "mention",
            "outcome",
            "observed",
            "expected",
            "excess",
            "ratio",
            "p",
            "placebo_p",
            "half_life_minutes",
            "note",
        ),
    ),
    (
        {"first_life", "second_life"},
        (
            "mention",
            "first_life",
            "first_downstream",
            "second_life",
            "second_downstream",
            "total",
            "per_thousand",
            "note",
        ),
    ),
)


class Answer(Protocol):
    """What a section needs of a result, a frozen dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def language(self) -> str:
        """The language title, notes and chart are told in."""

    @property
    def frame(self) -> "pandas.DataFrame":
        """The numbers."""

    @property
    def title(self) -> str:
        """What the numbers are."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What to keep in mind."""

    @property
    def has_chart(self) -> bool:
        """Whether there is a chart."""

    def plot(self) -> "Figure":
        """Return the chart."""


def table_for(result: Answer, words: Language) -> Table:
    """Return the table that suits the kind of result, known by its columns."""
    frame = result.frame
    kind = getattr(result, "kind", None)  # an experiment's answers say what their rates are
    if kind is not None:
        return variant_table(frame, result.title, words, kind=kind)
    if {"entered_on", "age_days", "overall_rate"} <= set(frame.columns):
        return cohort_table(frame, result.title, words)
    if {"outcome", "elapsed_seconds", "rate"} <= set(frame.columns):
        return curve_table(frame, result.title, words)
    if {"step", "elapsed_from_seconds", "visitors"} <= set(frame.columns):
        return time_table(frame, result.title, words)
    if {"model", "credited"} <= set(frame.columns):
        return credit_table(frame, result.title, words)
    if {"relay", "signatures", "total"} <= set(frame.columns):
        return relay_table(frame, result.title, words)
    if {"measure", "before_relays", "after_relays"} <= set(frame.columns):
        return wave_table(frame, result.title, words)
    if {"step", "number", "before_visitors"} <= set(frame.columns):
        return change_table(frame, result.title, words)
    if {"check", "rows", "severity", "meaning"} <= set(frame.columns):
        return check_table(frame, result.title, words)
    columns = (
        (*group_columns(frame), *STEP_COLUMNS, *_bounds(frame))
        if {"step", "after", "overall_rate"} <= set(frame.columns)
        else next((chosen for kind, chosen in CHOSEN if kind <= set(frame.columns)), None)
    )
    return table_of(in_words(frame, words), result.title, words, columns=columns)


def _bounds(frame: "pandas.DataFrame") -> tuple[str, ...]:
    """What the rate of everyone may come to, where somebody still has time."""
    return ("overall_bound",) if frame["pending"].sum() > 0 else ()


def reading_of(result: Answer, words: Language) -> str:
    """Return a sentence about the result, or nothing where its kind has none."""
    frame: Any = result.frame
    summary = getattr(result, "summary", None)  # a funnel's answer has one; others are read from their frame
    if summary is not None:
        return str(summary(words.code))
    if hasattr(result, "kind"):
        return variant_readings.reading(frame, words)
    columns = set(frame.columns)
    if {"entered_on", "age_days"} <= columns:
        return readings.of_cohorts(frame, words)
    if {"outcome", "elapsed_seconds"} <= columns:
        return readings.of_curves(frame, words)
    if {"definition", "overall_rate"} <= columns:
        return readings.of_sensitivity(frame, words)
    if {"step", "elapsed_from_seconds", "elapsed_to_seconds"} <= columns:
        return readings.of_times(frame, words)
    return ""


def in_words(frame: "pandas.DataFrame", words: Language) -> "pandas.DataFrame":
    """Return the frame with the names of steps and groups as words, so that chart and table call them the same.

    What is no name of a step ("none", "same time") stays as it is: charts and tables have words of their own for it.
    """
    named = frame.copy()
    for column in group_columns(frame):
        named[column] = [readings.group_name(value, words) for value in frame[column]]
    for column in ("step", "after", "outcome", "combination", "first"):
        if column in frame and frame[column].dtype.kind not in "iuf":
            named[column] = [_step_name(value, words) for value in frame[column]]
    return named


def group_columns(frame: "pandas.DataFrame") -> tuple[str, ...]:
    """The columns the groups are made of: those before the step, or before the combination of follow-ups."""
    names = [str(name) for name in frame.columns]
    ends = [names.index(name) for name in ("step", "combination") if name in names]
    return tuple(names[: min(ends, default=0)])


def step_bars(frame: "pandas.DataFrame", words: Language) -> tuple[Bar, ...]:
    """Return a bar a step from a common zero, for an ungrouped funnel; nothing for any other frame."""
    if not {"step", "after", "visitors", "overall_rate"} <= set(frame.columns) or group_columns(frame):
        return ()
    entered = frame["visitors"].iloc[0] if len(frame) else 0
    if not entered > 0:
        return ()
    return tuple(
        Bar(
            label=words.name(str(row["step"])),
            share=_part(row["visitors"], entered),
            text=_bar_text(row, words),
            pending=_part(row["pending"], entered),
        )
        for _, row in frame.iterrows()
    )


def _part(count: float | None, whole: float) -> float:
    """Return a count as part of the whole; nothing where it is not told."""
    return float(count) / float(whole) if count is not None and count > 0 else 0.0


def _step_name(value: object, words: Language) -> str | None:
    if not isinstance(value, str):
        return None
    return value if value in ("none", "same time") else words.name(value)


def _bar_text(row: "pandas.Series[Any]", words: Language) -> str:
    if row["visitors"] != row["visitors"]:
        return HIDDEN
    visitors = words.plural("{n} visitor", "{n} visitors", int(row["visitors"]))
    if row["after"] is None or row["after"] != row["after"]:
        return visitors
    return words.text(
        "{visitors}, {rate} of “{after}”",
        visitors=visitors,
        rate=words.percent(row["step_rate"]),
        after=words.name(str(row["after"])),
    )
