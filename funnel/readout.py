"""ExperimentResult: an experiment's answer, and the further answers that stand on the same exposures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self

from funnel import charts
from funnel.comparisons.ahead import ahead
from funnel.comparisons.clusters import clusters_of
from funnel.comparisons.dilution import dilution_of
from funnel.comparisons.looking import Look
from funnel.comparisons.looks import looks_of
from funnel.comparisons.over_time import curves_of, horizon_of, novelty_of
from funnel.comparisons.posterior import posterior_of
from funnel.comparisons.segments import segments_of
from funnel.comparisons.split import split_of
from funnel.comparisons.table import Whole, frame_of, whole
from funnel.design import Design
from funnel.errors import DefinitionError
from funnel.exposures import Exposures
from funnel.language import Language, language
from funnel.results import Result, Saying, records
from funnel.verdicts import Decision, Told, decide, headings, remarks, verdict

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
        return self._answer("split", self.told.split)

    def curves(self) -> Result:
        """Return how many had each outcome that is a share by how long after exposure, for each variant.

        One row an outcome, variant and time. All exposed, pending ones as far as they were followed (Aalen-Johansen).
        """
        drawn = partial(charts.variant_curves, control=self.variants[0])
        return self._answer("curves", curves_of(self.told.found), draw=drawn, kind="share")

    def horizon(self) -> Result:
        """Return the curves' ends compared with the control, pending visitors in them: a row an outcome and variant."""
        return self._answer("horizon", horizon_of(self.told.found), headings.usual("curves"), kind="share")

    def looks(self) -> Result:
        """Return the primary outcome at the end of each day so far, and how far it had to be.

        One row a variant and day.
        """
        return self._answer("looks", looks_of(self.told.found, self.told.look), draw=charts.boundary)

    def posterior(self) -> Result:
        """Return the probability of each variant to be best in the primary outcome, and what choosing it may lose."""
        self._check_share("The posterior")
        drawn = partial(charts.posterior, control=self.variants[0])
        return self._answer("posterior", posterior_of(self.told.found, self.told.cells), draw=drawn)

    def segments(self) -> Result:
        """Return whether the difference varies between segments, and each segment's drawn toward the whole.

        One row a segment column, variant and group.
        """
        if not self.design.segments:
            raise DefinitionError(
                "No segments were declared. Name their columns in the experiment: segments=['device']."
            )
        frame = segments_of(self.told.found)
        drawn = partial(charts.segment_forest, unit=self._unit)
        return self._answer("segments", frame, headings.interactions(frame), draw=drawn)

    def novelty(self) -> Result:
        """Return when the difference of the primary outcome comes about: by day since exposure, and since the start."""
        frame = novelty_of(self.told.found)
        drawn = partial(charts.experiment_novelty, unit=self._unit)
        return self._answer("novelty", frame, headings.trends(frame), draw=drawn)

    def dilution(self) -> Result:
        """Return the effect over all who were assigned beside that over those exposed: one row a variant."""
        if self.design.assignment is None:
            raise DefinitionError(
                "The experiment does not say which event assigns a variant. Name it: assignment='assigned'."
            )
        frame, test = dilution_of(self.told.found)
        return self._answer("dilution", frame, [partial(headings.exposure_by_variant, test=test)])

    def clusters(self) -> Result:
        """Return every outcome over all visitors of the trees, friends included, with errors per tree (CR1 or CR2).

        Only where referred visitors inherit the variant: else the friends in a tree saw other variants.
        """
        if self.design.referred != "inherit":
            raise DefinitionError(
                "Friends in a tree saw other variants than its root, so there is nothing to put together: the"
                " experiment says referred='again'. Where they inherit the variant, say referred='inherit'."
            )
        return self._answer("clusters", clusters_of(self.told.found))

    def plan(self, lifts: Sequence[float] = LIFTS, *, power: float = 0.8) -> Result:
        """Return how many visitors and days it takes to find each lift of the primary outcome: one row a lift.

        From the control's share so far and the pace of the last seven days.
        """
        plan = ahead(self.told.found, self.told.cells, lifts, wanted=power)

        def draw(_: pandas.DataFrame, **told: Any) -> Figure:
            return charts.power_curve(plan.curves, **told)

        return self._answer("plan", plan.frame, [partial(headings.plan_basis, plan=plan, power=power)], draw=draw)

    def _answer(
        self,
        name: str,
        frame: pandas.DataFrame,
        said: Sequence[Saying] = (),
        *,
        draw: Callable[..., Figure] | None = None,
        kind: str | None = None,
    ) -> VariantResult:
        remarks = (*said, *headings.usual(name))
        return VariantResult(frame, headings.title(name), remarks, draw, self.language, kind or self.kind)

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
