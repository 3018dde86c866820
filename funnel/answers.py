"""FunnelResult: a funnel's answer, and the further answers that stand on the same journeys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Self

from funnel import charts
from funnel.counts import Counted, answer_frame, counts, follow_ups, rates
from funnel.curves import Curve, clocks, cohorts, curve, times_to_convert
from funnel.definition import LONGEST, Definition
from funnel.journey_table import JourneyTable
from funnel.language import Language, language
from funnel.results import Result, Saying, records, shown
from funnel.stats.significance import DOUBTFUL
from funnel.wording import compared, described, remarks, summarised

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

    from funnel.charts.look import Theme

Remeasure = Callable[[Definition], JourneyTable]


@dataclass(frozen=True, eq=False, repr=False)
class FunnelResult(Result):
    """One row a group and step, follow-ups after the steps; `docs/definitions.md` says what every column is.

    `step_rate` is over those who did what comes before and whose window has closed; `overall_rate` over all who
    entered and whose window has closed. `frame` may be broken down; `totals` never is.
    """

    table: JourneyTable = None  # type: ignore[assignment]
    counted: Counted = None  # type: ignore[assignment]
    remeasure: Remeasure = None  # type: ignore[assignment]

    @classmethod
    def of(cls, table: JourneyTable, by: tuple[str, ...], remeasure: Remeasure) -> Self:
        """Count the journeys and put the answer together."""
        counted = counts(table, by)
        whole = rates(counted.totals())
        return cls(
            frame=answer_frame(table, counted),
            heading=partial(_heading, by=by),
            remarks=remarks(table, whole),
            table=table,
            counted=counted,
            remeasure=remeasure,
        )

    @property
    def by(self) -> tuple[str, ...]:
        """The columns the answer is broken down by."""
        return self.counted.by

    @property
    def definition(self) -> Definition:
        """The funnel that was measured."""
        return self.table.definition

    @cached_property
    def totals(self) -> pandas.DataFrame:
        """The counts and rates of all groups together, one row a step."""
        return rates(self.counted.totals())

    @cached_property
    def follow_ups(self) -> pandas.DataFrame:
        """What came after the last step: one row a group and combination of follow-ups.

        The visitors add up to those of the last step.
        """
        return follow_ups(self.table, self.counted)

    def summary(self, code: str | None = None) -> str:
        """Return the answer in two or three sentences, in "en" or "fr"."""
        return summarised(self.totals, self._grouped(), self.by, self.definition, self._words(code))

    def comparison(self, code: str | None = None) -> str:
        """Return which group does best and which worst, in a sentence, or that they cannot be told apart."""
        return compared(self._grouped(), self.by, self._words(code))

    def _grouped(self) -> pandas.DataFrame:
        """The counts and rates of each group, its values in `group`."""
        grouped = rates(self.counted.frame)
        grouped["group"] = [self.counted.groups[place] for place in grouped["group"]]
        return grouped

    def describe(self, code: str | None = None) -> str:
        """Return the definition in words, in "en" or "fr"."""
        return described(self.definition, self._words(code))

    def plot(self, *, theme: Theme = "light") -> Figure:
        """Return the funnel as bars; broken down, a row a step and group."""
        return super().plot(theme=theme)

    def plot_groups(self, *, theme: Theme = "light") -> Figure:
        """Return the groups side by side, a dot and interval for each rate."""
        frame = self._in_words().frame
        drawn = charts.groups(frame, by=self.by, language=self.language, title=self.title, theme=theme)
        return shown(drawn, self, theme)

    @property
    def has_chart(self) -> bool:
        """Tell that there is one."""
        return True

    def _drawn(self, theme: Theme) -> Figure:
        return charts.funnel_bars(self.frame, by=self.by, language=self.language, title=self.title, theme=theme)

    def branches(self) -> Result:
        """Return the follow-ups as a result of their own, with the branch diagram as its chart."""
        after = self.totals["step"][self.totals["kind"] == "step"].iloc[-1] if len(self.totals) else None
        return Result(
            self.follow_ups,
            _branch_heading,
            draw=partial(charts.branch_diagram, by=self.by, after=after),
            language=self.language,
        )

    def curves(self) -> Result:
        """Return how many convert by how long after: the last step after entry, and each follow-up after the last step.

        One row an outcome and elapsed time. First attempts; Kaplan-Meier for one outcome, Aalen-Johansen for
        follow-ups (which came first); stratified by day of entry, no further than every day has reached.
        """
        import pandas

        drawn = [(clock, curve(self.table, clock)) for clock in clocks(self.table)]
        frames = [each.frame for _, each in drawn if len(each.frame)]
        said = [remark for clock, each in drawn for remark in _curve_remarks(clock.after, each)]
        frame = pandas.concat(frames, ignore_index=True) if frames else drawn[0][1].frame
        return Result(frame, _curve_heading, tuple(said), charts.curves, self.language)

    def cohorts(self) -> Result:
        """Return, for each day of entry, the share that came to the last step by each age in days.

        Null where not everyone of the day has been followed for that long.
        """
        return Result(cohorts(self.table), _cohort_heading, (_cohort_remark,), charts.cohort_triangle, self.language)

    def times(self) -> Result:
        """Return how long it took from the step before: a histogram for each step and follow-up, of first attempts."""
        return Result(
            times_to_convert(self.table), _times_heading, (_times_remark,), charts.time_to_convert, self.language
        )

    def sensitivity(self) -> Result:
        """Return the last step's rate under other definitions, so that one sees how much the definition matters.

        One row a definition: entry rule, tie rule, half and double window, and three ways to treat those pending.
        """
        import pandas

        rows = [self._variant(name, changes) for name, changes in _variants(self.definition, self.words).items()]
        rows += self._pending_variants()
        names = ["definition", "entered", "converted", "overall_rate", "overall_rate_low", "overall_rate_high"]
        return Result(
            pandas.DataFrame(rows, columns=names),
            _sensitivity_heading,
            (_sensitivity_remark,),
            charts.sensitivity,
            self.language,
        )

    def _variant(self, name: str, changes: dict[str, Any]) -> tuple:
        whole = self.totals
        if changes:
            table = self.remeasure(replace(self.definition, **changes))
            whole = rates(counts(table).totals())
            table.drop()
        return (name, *_last_step(whole))

    def _pending_variants(self) -> list[tuple]:
        from funnel.stats.proportions import wilson

        steps = self.totals[self.totals["kind"] == "step"]
        if len(steps) < 2 or not steps["visitors"].iloc[0]:
            return []
        entered, reached = int(steps["visitors"].iloc[0]), int(steps["visitors"].iloc[-1])
        naive = wilson(reached, entered)
        rows = [(self.words.text("Pending counted as lost"), entered, reached, naive.value, naive.low, naive.high)]
        drawn = curve(self.table, clocks(self.table)[0])
        if len(drawn.frame):
            last = drawn.frame.iloc[-1]
            within = self.words.duration(drawn.reach_seconds)
            rows.append(
                (
                    self.words.text("First attempts by the curve, within {time}", time=within),
                    drawn.started,
                    drawn.ended,
                    last["rate"],
                    last["rate_low"],
                    last["rate_high"],
                )
            )
        return rows

    def _words(self, code: str | None) -> Language:
        return language(code or self.language)

    def _for_json(self) -> dict[str, object]:
        return {
            "title": self.title,
            "summary": self.summary(),
            "definition": {**plain(self.definition), "in_words": self.describe()},
            "cutoff": self.table.events.cutoff.isoformat(),
            "notes": list(self.notes),
            "rows": records(self.frame),
            "follow_ups": records(self.follow_ups) if self.definition.follow_ups else [],
        }


def _heading(words: Language, by: tuple[str, ...]) -> str:
    if not by:
        return words.text("Where visitors go, and where they stop")
    columns = words.listing([words.name(name) for name in by])
    return words.text("Where visitors go, and where they stop, by {columns}", columns=columns)


def _branch_heading(words: Language) -> str:
    return words.text("What they did next")


def _curve_heading(words: Language) -> str:
    return words.text("How many, by how long after")


def _curve_remarks(after: str, drawn: Curve) -> list[Saying]:
    if not len(drawn.frame):
        return [lambda words: words.text("Nobody has reached “{after}” yet.", after=words.name(after))]
    said: list[Saying] = []
    if drawn.is_cut_short:
        said.append(
            lambda words: words.text(
                "From “{after}”, the curves stop at {time}: later than that, the last days have not been followed.",
                after=words.name(after),
                time=words.duration(drawn.reach_seconds),
            )
        )
    if drawn.homogeneity_p < DOUBTFUL:
        said.append(
            lambda words: words.text(
                "From “{after}”, the days of entry differ more than chance allows (log-rank over {strata} strata,"
                " p = {p}); the curve is the mix of all of them, and may hold for none.",
                after=words.name(after),
                strata=words.number(drawn.strata),
                p=_chance(drawn.homogeneity_p, words),
            )
        )
    return said


def _chance(p: float, words: Language) -> str:
    return words.number(p, 4) if p >= 0.0001 else words.text("under {p}", p=words.number(0.0001, 4))


def _cohort_heading(words: Language) -> str:
    return words.text("Conversion by day of entry and days since")


def _cohort_remark(words: Language) -> str:
    return words.text(
        "First attempts only; a cell is empty where not everyone of that day has been followed for that long."
    )


def _times_heading(words: Language) -> str:
    return words.text("How long it takes")


def _times_remark(words: Language) -> str:
    return words.text("First attempts only, of those who went on; later bars take in more time.")


def _sensitivity_heading(words: Language) -> str:
    return words.text("The same funnel under other definitions")


def _sensitivity_remark(words: Language) -> str:
    return words.text(
        "Definitions differ in whom they count, so the intervals overlap by design: what matters is how far the rates"
        " lie apart."
    )


def _variants(definition: Definition, words: Language) -> dict[str, dict[str, Any]]:
    """Return other definitions of the same funnel, by what they are called; the one that was asked for comes first."""
    window = definition.window_us
    entries = {
        "any": words.text("Best attempt of each visitor"),
        "first": words.text("First attempt of each visitor"),
    }
    ties = {
        "forward": words.text("Events at the same instant may be consecutive"),
        "strict": words.text("Each step must come later than the one before"),
    }
    found: dict[str, dict[str, Any]] = {words.text("As asked"): {}}
    found |= {name: {"entry": entry} for entry, name in entries.items() if entry != definition.entry}
    if definition.order != "any":
        found |= {name: {"ties": rule} for rule, name in ties.items() if rule != definition.ties}
    for length, name in (
        (window // 2, words.text("Half the window: {time}", time=words.duration(window / 2e6))),
        (window * 2, words.text("Double window: {time}", time=words.duration(window / 5e5))),
    ):
        if 0 < length <= LONGEST:
            found[name] = {"window": timedelta(microseconds=length)}
    return found


def _last_step(whole: pandas.DataFrame) -> tuple[int, int, float, float, float]:
    """Return entered, converted, and the overall rate of the last step with its interval."""
    steps = whole[whole["kind"] == "step"]
    if steps.empty:
        return 0, 0, float("nan"), float("nan"), float("nan")
    last = steps.iloc[-1]
    rate = float(last["overall_rate"]), float(last["overall_rate_low"]), float(last["overall_rate_high"])
    return int(steps["visitors"].iloc[0]), int(last["visitors"]), *rate


def plain(definition: Definition) -> dict[str, object]:
    """Return the definition as JSON can hold it; what is left at its default is there too."""
    told = {each.name: getattr(definition, each.name) for each in fields(Definition) if each.init}
    told["steps"] = [asdict(step) for step in definition.every_step]
    told["follow_ups"] = [asdict(step) for step in definition.every_follow_up]
    told["exclude"] = [asdict(each) for each in definition.exclude]
    return {name: str(value) if isinstance(value, timedelta) else value for name, value in told.items()}
