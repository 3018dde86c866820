"""A funnel in sentences: what happened, and what to do next where no experiment says."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from funnel.stages import required_labels
from funnel.verdicts.told import quoted
from funnel.wording.summary import FEWEST

if TYPE_CHECKING:
    import pandas

    from funnel.language import Language
    from funnel.report.answer import Told

# A source that brought less than this share of the signatures is not worth a word of the first sentence.
WORTH_SAYING = 0.1


class Story:
    """Tells the funnel. `shown` is its frame by step, with what must not be told left out."""

    def __init__(self, told: Told, shown: pandas.DataFrame, words: Language, least: int) -> None:
        self.told, self.words, self.least = told, words, least
        self.shown: Any = shown
        self.rows: Any = told.funnel.totals.set_index("step")
        self.definition = told.funnel.definition
        steps = required_labels(self.definition)
        self.first, self.last = steps[0], steps[-1]
        self.window = words.duration(self.definition.window_us / 1e6)

    # What happened

    def happened(self) -> str:
        """Return how many came and reached the last step, at which rate, and the source that brought most."""
        words, entered = self.words, self._visitors(self.first)
        if not entered:
            return words.text("not enough data: nobody has come yet")
        if entered < self.least:
            return words.text(
                "fewer than {k} visitors have come so far, too few to tell anything of them",
                k=words.number(self.least),
            )
        if self.first == self.last:
            return words.text("{signed}{source}", signed=self._alone(), source=self._source())
        reached = self._visitors(self.last)
        values = {"came": self._came(), "signed": self._signed(), "window": self.window, "source": self._source()}
        if not reached:
            return words.text("{came}, and {signed}", **values)
        if 0 < reached < self.least:
            return words.text("{came}, and {signed}, too few to read a rate from", **values)
        row, settled = self.shown.loc[self.last], self._settled()
        if not settled:
            return words.text("{came} and {signed} so far; nobody has had the whole {window} for it yet", **values)
        if settled < FEWEST:
            return words.text(
                "{came} and {signed} so far; too few have had the whole {window} for it to read a rate from", **values
            )
        if math.isnan(row["overall_rate"]):
            return words.text("{came} and {signed} so far{source}", **values)
        values["rate"] = words.percent(row["overall_rate"])
        if not math.isnan(row["overall_rate_low"]):
            interval = words.interval(row["overall_rate_low"], row["overall_rate_high"])
            values["rate"] = words.text("{rate} ({interval})", rate=values["rate"], interval=interval)
        if settled == entered and not self.rows.loc[self.last, "open"]:
            return words.text("{came} and {signed}: {rate}{source}", **values)
        if self.definition.entry == "each":
            return words.text("{came} and {signed}: {rate} of those whose {window} are over{source}", **values)
        return words.text("{came} and {signed}: {rate} of those who have had {window} for it{source}", **values)

    def _came(self) -> str:
        n = self.words.number(self._visitors(self.first))
        if math.isnan(self.shown.loc[self.first, "visitors"]):
            return self.words.text("visitors came")
        if self.definition.entry == "each":
            return self.words.text("{n} attempts were made", n=n)
        return self.words.text("{n} visitors came", n=n)

    def _signed(self) -> str:
        """Return how many reached the last step, in a verb of its own where that is signing."""
        words, n = self.words, self._visitors(self.last)
        few, last = {"k": words.number(self.least)}, words.name(self.last)
        is_signing = self.last == "sign"
        if not n:
            return (
                words.text("nobody has signed") if is_signing else words.text("nobody has reached “{last}”", last=last)
            )
        if n < self.least:
            if is_signing:
                return words.text("fewer than {k} have signed", **few)
            return words.text("fewer than {k} have reached “{last}”", last=last, **few)
        if math.isnan(self.shown.loc[self.last, "visitors"]):
            if is_signing:
                return words.text("some signed")
            return words.text("some reached “{last}”", last=last)
        if is_signing:
            return words.text("{n} signed", n=words.number(n))
        return words.text("{n} reached “{last}”", n=words.number(n), last=last)

    def _alone(self) -> str:
        """Return who did the only step, and what most of them went on to."""
        words, n = self.words, self.words.number(self._visitors(self.first))
        signed = words.text("{n} visitors did “{last}”", n=n, last=words.name(self.last))
        if self.last == "sign":
            signed = words.text("{n} people signed", n=n)
        label = max(self.definition.follow_up_labels, key=lambda each: float(self.rows.loc[each, "visitors"]))
        row = self.shown.loc[label]
        if math.isnan(row["step_rate"]) or self.rows.loc[label, "settled"] < FEWEST:
            return signed
        return words.text(
            "{signed}, and {rate} of those who have had {window} for it went on to “{step}”",
            signed=signed,
            rate=words.percent(row["step_rate"]),
            window=words.duration(self.definition.follow_up_window_us / 1e6),
            step=words.name(label),
        )

    def _source(self) -> str:
        """Return the source that brought most, of friends, the first relay and the first mention; often none."""
        found = max(self._sources(), default=None)
        if found is None or found[0] < max(self.least, WORTH_SAYING * self._visitors(self.last)):
            return ""
        return found[1]

    def _sources(self) -> Iterator[tuple[float, str]]:
        told, words = self.told, self.words
        if told.referrals is not None:
            referred = float(told.referrals.numbers.set_index("measure").loc["referred", "value"])
            yield referred, words.text("; {n} signatures came by friends’ links", n=words.number(referred, 0))
        if told.relays is not None:
            named = told.relays.frame[told.relays.frame["relay"].notna()]
            for relay, signatures in zip(named["relay"][:1], named["signatures"][:1], strict=True):
                yield (
                    float(signatures),
                    words.text(
                        "; the relay “{relay}” alone brought {n} signatures",
                        relay=words.name(str(relay)),
                        n=words.number(signatures, 0),
                    ),
                )
        if told.mentions is not None:
            lives = told.mentions.lives().frame
            for row in lives[lives["total"].notna() & lives["total_low"].gt(0)].head(1).to_dict("records"):
                yield (
                    float(row["total"]),
                    words.text(
                        "; the mention “{mention}” brought about {n} signatures",
                        mention=words.name(str(row["mention"])),
                        n=words.number(row["total"], 0),
                    ),
                )

    # What to do next and how sure that is, where no experiment says

    def next_step(self) -> tuple[str, str]:
        """Return what to do next and how sure that is, where no experiment says."""
        words, entered, reached = self.words, self._visitors(self.first), self._visitors(self.last)
        if entered < max(self.least, FEWEST):
            return (
                words.text("have the word spread first: there is nothing to choose between yet"),
                words.text("not enough data: nothing is sure yet, and nothing below should be read as a result"),
            )
        if not reached:
            return self._nobody()
        if self._settled() < FEWEST and self.first != self.last:
            return self._too_early()
        follow_ups = self.definition.follow_up_labels
        if not follow_ups:
            return self._nothing_asked(), self._unasked()
        if reached >= FEWEST and not any(self._visitors(label) for label in follow_ups):
            return self._nothing_taken(), self._unasked()
        if self.first == self.last:
            return self._no_trial(), self._unasked()
        return self._largest_loss()

    def _nobody(self) -> tuple[str, str]:
        words, settled = self.words, self._settled()
        to_do = words.text(
            "try “{last}” yourself before anything else: of so many visitors nobody did it, so either the page does not"
            " work or nothing records it",
            last=words.name(self.last),
        )
        if settled < FEWEST:
            return to_do, words.text(
                "not enough data for a rate: too few have had the whole {window}, so some may yet come to it",
                window=self.window,
            )
        return to_do, words.text(
            "none of those who have had {window} did it, so the rate is under {high} in all likelihood (95%); why,"
            " these data cannot say",
            window=self.window,
            high=words.percent(self.rows.loc[self.last, "overall_rate_high"]),
        )

    def _too_early(self) -> tuple[str, str]:
        words = self.words
        to_do = words.text(
            "change nothing yet, and look again once {fewest} visitors have had their {window}",
            fewest=words.number(FEWEST),
            window=self.window,
        )
        still = self._open()
        if still:
            unknown = words.text("what {still} will do", still=still)
            return to_do, words.text("not enough data for a rate; not known: {unknown}", unknown=unknown)
        return to_do, words.text("not enough data for a rate: too few visitors have come so far")

    def _nothing_asked(self) -> str:
        words = self.words
        if self.last == "sign":
            return words.text(
                "offer those who sign a next step, sharing with friends for one, and record it: nothing follows the"
                " signature so far"
            )
        return words.text(
            "offer those who reach “{last}” a next step, sharing with friends for one, and record it: nothing follows"
            " it so far",
            last=words.name(self.last),
        )

    def _nothing_taken(self) -> str:
        words = self.words
        steps = words.listing([quoted(label, words) for label in self.definition.follow_up_labels])
        return words.text(
            "see to it that {steps} can be found, done and recorded: of all who reached “{last}” nobody has gone"
            " further",
            steps=steps,
            last=words.name(self.last),
        )

    def _no_trial(self) -> str:
        words = self.words
        return words.text(
            "try another page after “{last}”: draw by chance who sees it, and compare what they do next",
            last=words.name(self.last),
        )

    def _unasked(self) -> str:
        return self.words.text(
            "how many would go further is not known; shown to one half and not to the other, drawn by chance, a next"
            " step tells"
        )

    def _largest_loss(self) -> tuple[str, str]:
        words = self.words
        label = max(required_labels(self.definition)[1:], key=lambda each: float(self.rows.loc[each, "dropped"]))
        row, shown = self.rows.loc[label], self.shown.loc[label]
        values = {"after": words.name(str(row["after"])), "step": words.name(label)}
        dropped, more = float(shown["dropped"]), round(self._per_point(label))
        if not self.rows.loc[label, "dropped"]:
            to_do = words.text("bring more visitors: none of those whose time is up has been lost on the way")
        elif math.isnan(dropped) or more < self.least:
            to_do = words.text("work first on the way from “{after}” to “{step}”: most who leave do so there", **values)
        else:
            values |= {"dropped": words.number(dropped, 0), "more": self._more(more)}
            to_do = words.text(
                "work first on the way from “{after}” to “{step}”: {dropped} stopped there, and each point gained would"
                " have meant about {more}",
                **values,
            )
        return to_do, self._counted(label)

    def _more(self, n: int) -> str:
        if self.last == "sign":
            return self.words.text("{n} signatures more", n=self.words.number(n))
        return self.words.text("{n} more at “{last}”", n=self.words.number(n), last=self.words.name(self.last))

    def _per_point(self, label: str) -> float:
        """Return how many more had reached the last step, had a hundredth more of those whose time is up gone on."""
        steps = required_labels(self.definition)
        later = steps[steps.index(label) + 1 :]
        return float(self.rows.loc[label, "settled"]) / 100 * math.prod(self.rows.loc[later, "step_rate"].fillna(0.0))

    def _counted(self, label: str) -> str:
        """Return how sure a loss is: counted, over whom, and without its reason."""
        words, row, still = self.words, self.shown.loc[label], self._open()
        unknown = [words.text("what {still} will do", still=still)] if still else []
        told = words.listing([*unknown, words.text("why people leave")])
        if math.isnan(row["step_rate_low"]):
            return words.text("how many leave is counted; not known: {unknown}", unknown=told)
        return words.text(
            "of those whose time is up, {interval} went on (95% interval); not known: {unknown}",
            interval=words.interval(row["step_rate_low"], row["step_rate_high"]),
            unknown=told,
        )

    def _open(self) -> str:
        """Return how many still have time, in words; empty where nobody has."""
        words, still = self.words, int(self.rows.loc[self.last, "open"])
        if not still:
            return ""
        if still < self.least:
            return words.text("the fewer than {k} visitors who still have time", k=words.number(self.least))
        if math.isnan(self.shown.loc[self.last, "pending"]):
            return words.text("the visitors who still have time")
        return words.text("the {n} visitors who still have time", n=words.number(still))

    def _visitors(self, step: str) -> int:
        return int(self.rows.loc[step, "visitors"])

    def _settled(self) -> int:
        return int(self.rows.loc[self.last, "settled_entries"])
