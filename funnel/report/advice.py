"""An experiment in two sentences for whoever has to act: what to do, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from funnel.outcomes import Guardrail
from funnel.verdicts.told import amount, between, quoted
from funnel.wording.summary import FEWEST

if TYPE_CHECKING:
    import pandas

    from funnel.language import Language
    from funnel.readout import ExperimentResult

BEYOND_DOUBT, WELL_FOUNDED = 0.001, 0.01
LEAST_CHANCE = 0.0001


class Advice:
    """Tells an experiment: what to do, and how sure that is.

    `shown` is its frame with what must not be told left out, `ahead` the same of what the variant would bring.
    """

    def __init__(
        self,
        trial: ExperimentResult,
        shown: pandas.DataFrame,
        ahead: pandas.DataFrame | None,
        words: Language,
        least: int,
    ) -> None:
        self.trial, self.shown, self.words, self.least = trial, shown, words, least
        self.told, self.decision = trial.told, trial.decision
        self.primary = self.told.primary
        self.window = words.duration(self.primary.window / 1e6)
        self.ahead: Any = None if ahead is None or ahead["forgone"].isna().any() else ahead.iloc[0]
        if self.ahead is not None and round(self.ahead["forgone"]) < least:
            self.ahead = None

    # What to do

    def to_do(self, others: int) -> str:
        """Return what to do; with the name of the experiment, where there are others."""
        words, advice = self.words, self._to_do()
        if not others or self.decision.code in ("split broken", "not enough data", "wait"):
            return advice
        return words.text(
            "{advice} (experiment “{experiment}”)", advice=advice, experiment=words.name(self.trial.design.name)
        )

    def _to_do(self) -> str:
        words, values = self.words, self._names()
        match self.decision.code:
            case "split broken":
                return words.text(
                    "mend the experiment “{experiment}” before anything else: visitors did not fall into its variants"
                    " as planned, so nothing in it can be compared",
                    **values,
                )
            case "not enough data":
                return words.text(
                    "let the experiment “{experiment}” run on: a comparison takes {fewest} visitors or more in each"
                    " variant, and “{outcome}” at least once",
                    **values,
                    fewest=words.number(FEWEST),
                )
            case "wait":
                return words.text(
                    "let the experiment “{experiment}” run on to the {planned} visitors planned, and decide nothing"
                    " before",
                    **values,
                    planned=words.number(self.trial.design.planned),
                )
            case "adopt":
                return self._adopt(values)
            case "harmful":
                return self._keep_from_harm(values)
            case "not shown safe":
                return self._not_yet(values)
            case "keep control":
                return self._keep(values)
        return words.text(
            "keep “{control}” or choose on other grounds: no variant is shown to bring more “{outcome}” within"
            " {window}",
            **values,
        )

    def _adopt(self, values: dict[str, str]) -> str:
        words = self.words
        values["gain"] = self._gain()
        if "rate" not in values:
            return words.text(
                "show everyone the variant “{variant}”: it brings more “{outcome}” within {window} than"
                " “{control}”{gain}",
                **values,
            )
        return words.text(
            "show everyone the variant “{variant}”: “{outcome}” comes to {rate} within {window}, against {base} with"
            " “{control}”{gain}",
            **values,
        )

    def _gain(self) -> str:
        """Return what showing the variant to everyone would bring, as the end of a sentence."""
        if self.ahead is None:
            return ""
        return self.words.text(
            "; that would bring about {n} more signatures for every {signers} there would be without it",
            n=self.words.number(self.ahead["forgone"], 0),
            signers=self.words.number(self.ahead["signers"]),
        )

    def _keep_from_harm(self, values: dict[str, str]) -> str:
        words = self.words
        values["harm"] = words.listing(list(self._guarded("harmful")))
        if "rate" not in values:
            return words.text(
                "keep “{control}”: the variant “{variant}” brings more “{outcome}”, but does harm ({harm})", **values
            )
        return words.text(
            "keep “{control}”: the variant “{variant}” brings more “{outcome}” ({rate} against {base}), but does harm"
            " ({harm})",
            **values,
        )

    def _guarded(self, safety: str) -> Iterator[str]:
        """Yield the guardrails of the variant that its decision rests on, each with its difference and limit."""
        words = self.words
        frame = self.shown
        rows: Any = frame[(frame["role"] == "guardrail") & (frame["variant"] == self.decision.variant)]
        for row in rows[rows["safety"] == safety].to_dict("records"):
            values = {
                "outcome": words.name(str(row["outcome"])),
                "margin": words.points(row["margin"], 2),
                "difference": words.points(row["difference"], 2),
            }
            if math.isnan(row["difference"]):
                yield words.text("“{outcome}” past its limit of {margin}", **values)
            else:
                yield words.text("“{outcome}” {difference}, with a limit of {margin}", **values)

    def _not_yet(self, values: dict[str, str]) -> str:
        words = self.words
        rows = self.shown[(self.shown["role"] == "guardrail") & (self.shown["variant"] == self.decision.variant)]
        unproven: Any = rows[rows["safety"] == "not shown safe"]
        values["risk"] = words.listing(
            [
                words.text(
                    "“{outcome}” may pass its limit of {margin}",
                    outcome=words.name(str(row["outcome"])),
                    margin=words.points(row["margin"], 2),
                )
                for row in unproven.to_dict("records")
            ]
        )
        if self.ahead is not None:
            values["n"] = words.number(self.ahead["forgone"], 0)
            values["signers"] = words.number(self.ahead["signers"])
            return words.text(
                "do not show everyone the variant “{variant}” yet, and let the experiment run on: it would bring about"
                " {n} more signatures for every {signers} there would be without it, but {risk}",
                **values,
            )
        if "rate" not in values:
            return words.text(
                "do not show everyone the variant “{variant}” yet, and let the experiment run on: it brings more"
                " “{outcome}”, but {risk}",
                **values,
            )
        return words.text(
            "do not show everyone the variant “{variant}” yet, and let the experiment run on: it brings more"
            " “{outcome}” ({rate} against {base}), but {risk}",
            **values,
        )

    def _keep(self, values: dict[str, str]) -> str:
        words = self.words
        if len(self.told.compared) > 1:
            return words.text("keep “{control}”: every other variant brings less “{outcome}” within {window}", **values)
        if "rate" not in values:
            return words.text(
                "keep “{control}”: the variant “{variant}” brings less “{outcome}” within {window}", **values
            )
        return words.text(
            "keep “{control}”: the variant “{variant}” brings less “{outcome}” within {window} ({rate} against {base})",
            **values,
        )

    def _names(self) -> dict[str, str]:
        """Return the names in the sentences; `rate` and `base` only where both may be told."""
        words, variant = self.words, self.decision.variant
        values = {
            "experiment": words.name(self.trial.design.name),
            "outcome": words.name(self.primary.label),
            "control": words.name(self.told.control),
            "window": self.window,
        }
        if variant is None:
            return values
        values["variant"] = words.name(variant)
        rates = [float(self._row(each)["rate"]) for each in (variant, self.told.control)]
        if not any(map(math.isnan, rates)):
            values["rate"], values["base"] = (amount(self.primary, rate, words) for rate in rates)
        return values

    def _row(self, variant: str) -> Any:
        """Return the row of a variant on the primary outcome."""
        frame = self.shown
        return frame[(frame["outcome"] == self.primary.label) & (frame["variant"] == variant)].iloc[0]

    # How sure

    def how_sure(self, others: int) -> str:
        """Return how sure the advice is, and what is not known; and that other experiments are told elsewhere."""
        words, found = self.words, self._finding()
        unknown = self._unknown()
        if unknown:
            found = words.text("{finding}; not known: {unknown}", finding=found, unknown=words.listing(unknown))
        if not others:
            return found
        return words.plural(
            "{finding}; {n} other experiment has a section of its own",
            "{finding}; {n} other experiments have sections of their own",
            others,
            finding=found,
        )

    def _finding(self) -> str:
        words, variant = self.words, self.words.name(self.decision.variant or "")
        match self.decision.code:
            case "split broken":
                failed = self.told.split[self.told.split["is_mismatch"]]
                return words.text(
                    "chance alone would share visitors out like that {once}, and no difference is known until the cause"
                    " is found (redirects, caches, robots, exposures recorded late, shares changed midway)",
                    once=once(float(failed["p_adjusted"].min()), words),
                )
            case "not enough data":
                return self._too_few()
            case "wait":
                return self._so_far()
            case "no difference":
                return self._room()
            case "keep control":
                shown = {
                    BEYOND_DOUBT: words.text(
                        "that “{variant}” brings less is beyond reasonable doubt", variant=variant
                    ),
                    WELL_FOUNDED: words.text("that “{variant}” brings less is well founded", variant=variant),
                    1.0: words.text("that “{variant}” brings less is likely, and no more than that", variant=variant),
                }
                return self._supported(shown)
        shown = {
            BEYOND_DOUBT: words.text("that “{variant}” brings more is beyond reasonable doubt", variant=variant),
            WELL_FOUNDED: words.text("that “{variant}” brings more is well founded", variant=variant),
            1.0: words.text("that “{variant}” brings more is likely, and no more than that", variant=variant),
        }
        return self._supported(shown)

    def _supported(self, shown: dict[float, str]) -> str:
        """Return how well a difference is supported, with its interval, and what stands beside the variant."""
        words, row = self.words, self._row(str(self.decision.variant))
        full = self.told.row(str(self.decision.variant))
        p = float(full["p_adjusted"])
        grade = 1.0 if self._is_at_odds(full) else min((each for each in shown if p < each), default=1.0)
        said = shown[grade]
        if not (math.isnan(row["difference"]) or math.isnan(row["p_adjusted"])):
            said = words.text(
                "{shown} ({interval} at 95%; chance alone would show such a difference {once})",
                shown=said,
                interval=between(self.primary, row["simultaneous_low"], row["simultaneous_high"], words),
                once=once(p, words),
            )
        beside = [
            *([self._told_ahead()] if self.ahead is not None else []),
            *(self._worst() if self.decision.code == "not shown safe" else []),
            *([self._rivals()] if self.decision.rivals else []),
            *(self._passed_over(each) for each in self.decision.passed_over),
        ]
        return words.text("; ").join([said, *beside])

    def _told_ahead(self) -> str:
        return self.words.text(
            "the signatures gained are between {low} and {high}",
            low=self.words.number(self.ahead["forgone_low"], 0),
            high=self.words.number(self.ahead["forgone_high"], 0),
        )

    def _worst(self) -> Iterator[str]:
        """Yield how far the guardrails that are not shown safe may have moved, where that may be told."""
        rows: Any = self.shown[
            (self.shown["role"] == "guardrail")
            & (self.shown["variant"] == self.decision.variant)
            & (self.shown["safety"] == "not shown safe")
            & self.shown["difference"].notna()
        ]
        for row in rows.to_dict("records"):
            yield self.words.text(
                "“{outcome}” {difference} so far, at worst {worst}",
                outcome=self.words.name(str(row["outcome"])),
                difference=self.words.points(row["difference"], 2),
                worst=self.words.points(row["difference_high" if row["margin"] > 0 else "difference_low"], 2),
            )

    def _rivals(self) -> str:
        names = self.words.listing([quoted(each, self.words) for each in self.decision.rivals])
        return self.words.text("it cannot be told apart from {rivals}", rivals=names)

    def _passed_over(self, variant: str) -> str:
        """Return why a variant that brings more still is not the one to show."""
        frame = self.told.frame
        answers = set(frame.loc[(frame["role"] == "guardrail") & (frame["variant"] == variant), "safety"])
        if "harmful" in answers:
            return self.words.text("“{variant}” brings more still, but does harm", variant=self.words.name(variant))
        return self.words.text("“{variant}” brings more still, but is not shown safe", variant=self.words.name(variant))

    def _too_few(self) -> str:
        words, variant = self.words, str(self.decision.variant)
        visitors = int(self.told.row(variant)["visitors"])
        values = {"variant": words.name(variant), "window": self.window, "k": words.number(self.least)}
        if visitors >= FEWEST:
            return words.text(
                "not enough data: nobody has come to “{outcome}” in any variant yet",
                outcome=words.name(self.primary.label),
            )
        if not visitors:
            return words.text("not enough data: nobody with the variant “{variant}” has had {window} yet", **values)
        if visitors < self.least:
            return words.text(
                "not enough data: fewer than {k} visitors with the variant “{variant}” have had {window}", **values
            )
        return words.text(
            "not enough data: {n} visitors with the variant “{variant}” have had {window}",
            n=words.number(visitors),
            **values,
        )

    def _so_far(self) -> str:
        words, look = self.words, self.told.look
        values = {
            "visitors": words.number(look.visitors),
            "planned": words.number(self.trial.design.planned),
            "window": self.window,
        }
        if look.visitors < self.least:
            values["visitors"] = words.text("fewer than {k}", k=words.number(self.least))
        if self.trial.design.looks != "fixed":
            return words.text("{visitors} of the {planned} have had {window}, and so far nothing is shown", **values)
        return words.text(
            "{visitors} of the {planned} have had {window}, and deciding both now and at the end would find a"
            " difference where there is none in {now} of cases instead of 5%",
            now=words.percent(look.error_when_peeking()[0], 0),
            **values,
        )

    def _room(self) -> str:
        """Return how large a difference may be that the data do not exclude, and how usual the largest seen is."""
        words, frame = self.words, self.shown
        rows = frame[(frame["outcome"] == self.primary.label) & (frame["variant"] != self.told.control)]
        p = float(self.told.compared["p_adjusted"].min())
        if rows[["simultaneous_low", "simultaneous_high"]].isna().to_numpy().any():
            return words.text("chance alone would show as large a difference {once}", once=once(p, words))
        return words.text(
            "there is room for a difference of {interval} (95% interval), and chance alone would show as large a one"
            " {once}",
            interval=between(self.primary, rows["simultaneous_low"].min(), rows["simultaneous_high"].max(), words),
            once=once(p, words),
        )

    def _is_beyond_doubt(self) -> bool:
        if self.decision.variant is None:
            return False
        return bool(self.told.row(self.decision.variant)["p_adjusted"] < BEYOND_DOUBT)

    def _is_at_odds(self, row: Any) -> bool:
        """Tell whether the interval of all variants at once holds 0, though the test finds a difference."""
        return bool(row["simultaneous_low"] <= 0 <= row["simultaneous_high"])

    def _unknown(self) -> list[str]:
        """Return what is not known: harm that nobody watched for, who still has time, and what comes later."""
        words, told, found = self.words, self.told, []
        if self.decision.code == "split broken":
            return []
        guardrails = [each for each in told.found.design.measures if isinstance(each.outcome, Guardrail)]
        if self.decision.code == "not shown safe":
            found.append(words.text("whether “{variant}” is safe", variant=words.name(str(self.decision.variant))))
        if self.decision.code == "adopt" and not guardrails:
            found.append(words.text("whether it does harm (nothing was recorded for that)"))
        if told.pending:
            few = told.pending < self.least
            found.append(
                words.text("what fewer than {k} visitors who still have time will do", k=words.number(self.least))
                if few
                else words.text("what {n} visitors who still have time will do", n=words.number(told.pending))
            )
        # Looking every day finds differences where there are none, yet hardly ever one as clear as that.
        if told.found.design.looks == "fixed" and told.found.design.planned is None and not self._is_beyond_doubt():
            found.append(words.text("whether the day of this look was fixed beforehand"))
        found.append(words.text("what happens after {window}", window=self.window))
        return found


def once(p: float, words: Language) -> str:
    """Return how often chance alone does as much, in words: `less than once in 10,000 times`.

    >>> from funnel.language import language
    >>> once(0.04, language("en"))
    'about once in 25 times'
    """
    if p < LEAST_CHANCE:
        return words.text("less than once in {n} times", n=words.number(round(1 / LEAST_CHANCE)))
    if p > 0.5:
        return words.text("more often than not")
    return words.text("about once in {n} times", n=words.number(round(1 / p)))
