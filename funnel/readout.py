"""ExperimentResult: an experiment's answer, and the further answers that stand on the same exposures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self

from funnel import charts
from funnel.comparisons.ahead import PACE_DAYS, Ahead, ahead
from funnel.comparisons.clusters import clusters_of
from funnel.comparisons.dilution import dilution_of
from funnel.comparisons.looking import Look
from funnel.comparisons.looks import looks_of
from funnel.comparisons.over_time import SINCE_START, curves_of, horizon_of, novelty_of
from funnel.comparisons.posterior import posterior_of
from funnel.comparisons.segments import segments_of
from funnel.comparisons.split import split_of
from funnel.comparisons.table import Whole, frame_of, whole
from funnel.design import Design
from funnel.errors import DefinitionError
from funnel.exposures import Exposures
from funnel.language import Language, language
from funnel.results import Result, Saying, records
from funnel.stats.heterogeneity import trend
from funnel.stats.proportions import normal_quantile
from funnel.stats.significance import DOUBTFUL, Test
from funnel.verdicts import Decision, Told, decide, remarks, verdict

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

LIFTS = (0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True, eq=False, repr=False)
class VariantResult(Result):
    """An answer about variants; `kind` says what its rates and differences are of: "share", "mean" or "ratio"."""

    kind: str = "share"


@dataclass(frozen=True, eq=False, repr=False)
class ExperimentResult(VariantResult):
    """One row an outcome and variant, the control first; `docs/definitions.md` says what every column is.

    `rate` is over all exposed whose window is over (a share, or a mean per visitor); `difference` is to the control.
    """

    told: Told = None  # type: ignore[assignment]

    @classmethod
    def of(cls, found: Exposures) -> Self:
        """Compare the variants and put the answer together."""
        cells = whole(found)
        look = _look(found, cells)
        frame, split = frame_of(found, cells, look), split_of(found)
        told = Told(found, cells, frame, split, look, decide(found, cells, frame, split, look))
        return cls(
            frame=frame,
            heading=partial(_heading, name=found.design.name),
            remarks=remarks(told),
            draw=charts.difference_forest,
            kind=told.primary.kind,
            told=told,
        )

    @property
    def design(self) -> Design:
        """The experiment that was measured."""
        return self.told.found.design

    @property
    def decision(self) -> Decision:
        """What the verdict says to do, as a code, with the variant it speaks of."""
        return self.told.decision

    @property
    def variants(self) -> tuple[str, ...]:
        """The variants, the control first."""
        return self.told.found.variants

    def verdict(self, code: str | None = None) -> str:
        """Return what to do, how sure that is, and what is not known, in three sentences, in "en" or "fr"."""
        return " ".join(verdict(self.told, self._words(code)))

    def summary(self, code: str | None = None) -> str:
        """Return the verdict."""
        return self.verdict(code)

    def split(self) -> Result:
        """Return whether visitors fell into the variants as planned: overall, at every look, by day and by segment.

        One row a check; p under 0.001, adjusted by Holm within days and within the groups of a segment, is a mismatch
        and withholds the verdict.
        """
        return VariantResult(self.told.split, _split_heading, language=self.language)

    def curves(self) -> Result:
        """Return how many had each outcome that is a share by how long after exposure, for each variant.

        One row an outcome, variant and time. All exposed, pending ones as far as they were followed (Aalen-Johansen).
        """
        return VariantResult(
            curves_of(self.told.found), _curves_heading, (_curves_remark,), charts.variant_curves, self.language
        )

    def horizon(self) -> Result:
        """Return the curves' ends compared with the control, pending visitors in them: a row an outcome and variant."""
        return VariantResult(horizon_of(self.told.found), _horizon_heading, (_curves_remark,), language=self.language)

    def looks(self) -> Result:
        """Return the primary outcome at the end of each day so far, and how far it had to be.

        One row a variant and day.
        """
        frame = looks_of(self.told.found, self.told.look)
        return VariantResult(frame, _looks_heading, (_looks_remark,), charts.boundary, self.language, self.kind)

    def posterior(self) -> Result:
        """Return the probability of each variant to be best in the primary outcome, and what choosing it may lose."""
        self._check_share("The posterior")
        frame = posterior_of(self.told.found, self.told.cells)
        return VariantResult(
            frame,
            _posterior_heading,
            (_posterior_remark,),
            partial(charts.posterior, control=self.variants[0]),
            self.language,
        )

    def segments(self) -> Result:
        """Return whether the difference varies between segments, and each segment's drawn toward the whole.

        One row a segment column, variant and group.
        """
        if not self.design.segments:
            raise DefinitionError(
                "No segments were declared. Name their columns in the experiment: segments=['device']."
            )
        frame = segments_of(self.told.found)
        said = tuple(_segment_remarks(frame))
        return VariantResult(
            frame, _segments_heading, said, partial(charts.segment_forest, unit=self._unit), self.language, self.kind
        )

    def novelty(self) -> Result:
        """Return when the difference of the primary outcome comes about: by day since exposure, and since the start."""
        frame = novelty_of(self.told.found)
        drawn = partial(charts.experiment_novelty, unit=self._unit)
        return VariantResult(frame, _novelty_heading, tuple(_trends(frame)), drawn, self.language, self.kind)

    def dilution(self) -> Result:
        """Return the effect over all who were assigned beside that over those exposed: one row a variant."""
        if self.design.assignment is None:
            raise DefinitionError(
                "The experiment does not say which event assigns a variant. Name it: assignment='assigned'."
            )
        frame, test = dilution_of(self.told.found)
        return VariantResult(frame, _dilution_heading, (partial(_dilution_remark, test=test),), language=self.language)

    def clusters(self) -> Result:
        """Return every outcome over all visitors of the trees, friends included, with errors per tree (CR1 or CR2).

        Only where referred visitors inherit the variant: else the friends in a tree saw other variants.
        """
        if self.design.referred != "inherit":
            raise DefinitionError(
                "Friends in a tree saw other variants than its root, so there is nothing to put together: the"
                " experiment says referred='again'. Where they inherit the variant, say referred='inherit'."
            )
        return VariantResult(
            clusters_of(self.told.found), _clusters_heading, (_clusters_remark,), language=self.language
        )

    def plan(self, lifts: Sequence[float] = LIFTS, *, power: float = 0.8) -> Result:
        """Return how many visitors and days it takes to find each lift of the primary outcome: one row a lift.

        From the control's share so far and the pace of the last seven days.
        """
        plan = ahead(self.told.found, self.told.cells, lifts, wanted=power)

        def draw(_: pandas.DataFrame, **told: Any) -> Figure:
            return charts.power_curve(plan.curves, **told)

        said: tuple[Saying, ...] = (partial(_plan_remark, plan=plan, power=power),)
        return VariantResult(plan.frame, _plan_heading, said, draw, self.language)

    @property
    def _unit(self) -> Literal["points", "number"]:
        return "points" if self.kind == "share" else "number"

    def _check_share(self, what: str) -> None:
        measure = self.told.primary
        if measure.kind != "share":
            raise DefinitionError(
                f"{what} is of a share of visitors, and the primary outcome '{measure.label}' is none. Make a"
                " funnel.Conversion the primary outcome."
            )

    def _words(self, code: str | None) -> Language:
        return language(code or self.language)

    def _for_json(self) -> dict[str, object]:
        return {
            "title": self.title,
            "verdict": list(verdict(self.told, self.words)),
            "decision": asdict(self.decision),
            "experiment": plain(self.design),
            "cutoff": self.told.found.events.cutoff.isoformat(),
            "notes": list(self.notes),
            "rows": records(self.frame),
            "split": records(self.told.split),
        }


def _look(found: Exposures, cells: Whole) -> Look:
    visitors = sum(cell.visitors for cell in cells[found.design.measures[0].label].values())
    return Look(found.design, visitors, (found.cutoff_us - found.first_at) / 86_400e6)


def _heading(words: Language, name: str) -> str:
    return words.text("Experiment “{name}”: each variant against the control", name=words.name(name))


def _split_heading(words: Language) -> str:
    return words.text("Whether visitors fell into the variants as planned")


def _curves_heading(words: Language) -> str:
    return words.text("How many, by how long after the variant was shown")


def _curves_remark(words: Language) -> str:
    return words.text(
        "All who were exposed are in the curves, pending ones as far as they were followed; that supposes they will do"
        " as those before them did."
    )


def _horizon_heading(words: Language) -> str:
    return words.text("The variants compared with everyone in, pending visitors too")


def _looks_heading(words: Language) -> str:
    return words.text("How the experiment went, day by day")


def _looks_remark(words: Language) -> str:
    return words.text(
        "At the end of each day, over those whose window was over by then; the boundary is how far a difference must be"
        " from 0 for its rule to call it one."
    )


def _posterior_heading(words: Language) -> str:
    return words.text("How likely each variant is the best")


def _posterior_remark(words: Language) -> str:
    return words.text(
        "With uniform priors, by quadrature. This is no cure for looking again and again: stopping once a probability"
        " is high finds differences where there are none."
    )


def _segments_heading(words: Language) -> str:
    return words.text("Whether the difference varies between groups of visitors")


def _segment_remarks(frame: pandas.DataFrame) -> list[Saying]:
    families = frame.drop_duplicates(["column", "variant"])
    varying = families[families["interaction_p_adjusted"] < DOUBTFUL]
    said: list[Saying] = [partial(_varying, row=row) for row in varying.itertuples()]
    if varying.empty:
        said.append(partial(_alike, smallest=float(families["interaction_p_adjusted"].min())))
    said.append(
        lambda words: words.text(
            "Each group’s own difference is drawn toward that of all groups, as far as they differ no more than chance;"
            " a group is never called different because it is significant and another is not. Interactions are"
            " corrected by Benjamini-Hochberg."
        )
    )
    return said


def _varying(words: Language, row: Any) -> str:
    return words.text(
        "By {column}, the difference of “{variant}” varies more than chance allows ({p}).",
        column=words.name(str(row.column)),
        variant=words.name(str(row.variant)),
        p=words.chance(row.interaction_p_adjusted),
    )


def _alike(words: Language, smallest: float) -> str:
    if math.isnan(smallest):
        return words.text("No column has two groups to compare.")
    return words.text(
        "In no column does the difference of a variant vary more than chance allows (smallest {p}).",
        p=words.chance(smallest),
    )


def _novelty_heading(words: Language) -> str:
    return words.text("When the difference comes about, and whether it lasts")


def _trends(frame: pandas.DataFrame) -> list[Saying]:
    """Return for each variant whether its difference changed from the first days to the last."""
    said: list[Saying] = []
    days = frame[frame["clock"] == SINCE_START]
    for variant, rows in days.groupby("variant", sort=False):
        # The standard error behind a Newcombe interval, as wide as the interval is on average.
        errors = (rows["difference_high"] - rows["difference_low"]) / 2 / normal_quantile(0.95)
        said.append(partial(_trend, variant=str(variant), test=trend(rows["difference"], errors, rows["day"])[1]))
    return said


def _trend(words: Language, variant: str, test: Test) -> str:
    if not test.p < DOUBTFUL:
        return words.text(
            "“{variant}”: no trend over the days of the experiment can be seen ({p}).",
            variant=words.name(variant),
            p=words.chance(test.p),
        )
    change = words.text("shrinks") if test.statistic < 0 else words.text("grows")
    return words.text(
        "“{variant}”: the difference {change} over the days of the experiment ({p}).",
        variant=words.name(variant),
        change=change,
        p=words.chance(test.p),
    )


def _dilution_heading(words: Language) -> str:
    return words.text("All who were assigned, and those who were exposed")


def _dilution_remark(words: Language, test: Test) -> str:
    if test.p < DOUBTFUL:
        return words.text(
            "The variants expose different shares of those assigned ({p}): being exposed depends on the variant, so"
            " read the difference over all who were assigned.",
            p=words.chance(test.p),
        )
    return words.text(
        "The variants expose the same share of those assigned as far as can be told ({p}): the difference over the"
        " exposed holds for them, and over all assigned it is that much smaller.",
        p=words.chance(test.p),
    )


def _clusters_heading(words: Language) -> str:
    return words.text("Everyone in the trees, with errors per tree")


def _clusters_remark(words: Language) -> str:
    return words.text(
        "Friends resemble one another, so the tree is what varies by chance, and large trees weigh more. How large a"
        " tree grows depends on the variant itself: the verdict rests on the visitors at the roots alone."
    )


def _plan_heading(words: Language) -> str:
    return words.text("How many visitors it takes to find a difference")


def _plan_remark(words: Language, plan: Ahead, power: float) -> str:
    return words.text(
        "From {baseline} in the control and {pace} visitors a day (all variants, last {days} days), with a power of"
        " {power}. Formula: {formula}; correction: {correction}.",
        baseline=words.percent(plan.baseline),
        pace=words.number(plan.pace, 0),
        days=words.number(PACE_DAYS),
        power=words.percent(power, 0),
        formula=plan.formula,
        correction=plan.correction,
    )


def plain(design: Design) -> dict[str, object]:
    """Return the design as JSON can hold it; what is left at its default is there too."""
    return {each.name: _plain(getattr(design, each.name)) for each in fields(design)}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        told = {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
        return {"kind": type(value).__name__, **told}
    if isinstance(value, timedelta):
        return str(value)
    return dict(value) if isinstance(value, Mapping) else value
