"""What was not collected, in words: the answer in a few sentences, and all that it supposes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from funnel.language import Language, message
from funnel.outcomes import Guardrail
from funnel.uncollected.measures import ALL, NEAR, THESE, World
from funnel.verdicts.told import quoted
from funnel.wording import complete_to

if TYPE_CHECKING:
    import pandas

    from funnel.results import Saying

TITLES = MappingProxyType(
    {
        "control": message("What showing only “{control}” cost"),
        "before": message("What the time before the experiment cost"),
        "everyone": message("What it would have been, had everyone seen the same"),
        "bounds": message("What is left where less is supposed"),
        "forwards": message("What another page would bring from now on"),
    }
)


@dataclass(frozen=True)
class Account:
    """What the sentences are made of; `best` is the variant they speak of, None where the split is broken."""

    world: World
    frame: pandas.DataFrame
    brought: str
    who: str
    best: str | None
    chosen_by: str

    @property
    def control(self) -> str:
        """The control."""
        return self.world.counts.variants[0]

    def row(self, outcome: str, counted: str) -> Any:
        """Return the best variant's row of an outcome, None where there is none or it has no amount."""
        frame = self.frame
        is_it = (frame["variant"] == self.best) & (frame["outcome"] == outcome) & (frame["counted"] == counted)
        rows = frame[is_it & frame["forgone"].notna()]
        return rows.iloc[0] if len(rows) else None


def title(who: str, control: str = "") -> Saying:
    """Return what an answer is called."""
    return lambda words: words.text(TITLES[who], control=words.name(control))


def summary(account: Account, words: Language) -> str:
    """Return what was forgone, what speaks against it, and what cannot be told: a few sentences."""
    return _told(account, _cost, words)


def ahead(account: Account, words: Language) -> str:
    """Return what the best variant would bring from tomorrow on, in a few sentences."""
    return _told(account, _from_tomorrow, words)


def _told(account: Account, cost: Callable[[Account, str, Language], str], words: Language) -> str:
    if account.best is None:
        return _withheld(words)
    best = words.name(account.best)
    amounts = list(_amounts(account, words))
    if not amounts:
        return words.text("Nothing of it can be told yet: no window of “{variant}” is over.", variant=best)
    gained, against = ([text for is_good, text in amounts if is_good is side] for side in (True, False))
    if gained:
        said = [cost(account, words.listing(gained), words)]
    else:
        said = [words.text("“{variant}” would have brought no more of anything.", variant=best)]
    if against:
        said.append(words.text("Against it: {against}.", against=words.listing(against)))
    if account.world.feeds_itself(account.best):
        said.append(_no_end(account, words))
    elif _holds_zero(account):
        said.append(words.text("In signatures, that cannot be told from nothing."))
    return " ".join(said)


def _withheld(words: Language) -> str:
    return words.text(
        "What was forgone is not told: visitors did not fall into the variants as planned, so the variants cannot be"
        " compared. Find the cause first."
    )


def _cost(account: Account, gained: str, words: Language) -> str:
    told = {"variant": words.name(str(account.best)), "control": words.name(account.control), "gained": gained}
    n = round(account.world.signers)
    if account.who == "control":
        return words.plural(
            "Showing “{control}” and not “{variant}” to {n} signer cost about {gained}; all intervals are at 95%.",
            "Showing “{control}” and not “{variant}” to {n} signers cost about {gained}; all intervals are at 95%.",
            n,
            **told,
        )
    if account.who == "before":
        return words.plural(
            "Not showing “{variant}” to {n} signer who came before the experiment cost about {gained}; all intervals"
            " are at 95%.",
            "Not showing “{variant}” to {n} signers who came before the experiment cost about {gained}; all intervals"
            " are at 95%.",
            n,
            **told,
        )
    return words.plural(
        "Had the {n} signer and their friends seen “{variant}”, it would have come to about {gained} more; all"
        " intervals are at 95%.",
        "Had all {n} signers and their friends seen “{variant}”, it would have come to about {gained} more; all"
        " intervals are at 95%.",
        n,
        **told,
    )


def _from_tomorrow(account: Account, gained: str, words: Language) -> str:
    return words.text(
        "Showing “{variant}” from tomorrow would bring, for every {signers} signers that “{control}” would have, about"
        " {gained} more; all intervals are at 95%.",
        variant=words.name(str(account.best)),
        control=words.name(account.control),
        signers=words.number(account.world.signers),
        gained=gained,
    )


def _amounts(account: Account, words: Language) -> Iterator[tuple[bool, str]]:
    """Yield the follow-ups of these signers and the signatures: whether it speaks for the variant, and its words."""
    for measure in account.world.counts.measures:
        row = account.row(measure.label, THESE)
        if row is not None:
            is_harm = isinstance(measure.outcome, Guardrail) and measure.outcome.worse == "higher"
            is_more = bool(row["forgone"] > 0)
            yield is_more is not is_harm, _times(row, is_harm or not is_more, words)
    row = account.row(f"{account.brought} brought", NEAR if account.world.feeds_itself(str(account.best)) else ALL)
    if row is not None:
        yield bool(row["forgone"] > 0), _signatures(row, words)


def _times(row: Any, is_said_which_way: bool, words: Language) -> str:
    """Return how many of an outcome; with "more" or "fewer" where that is not plain from the sentence."""
    told = {"outcome": words.name(str(row["outcome"])), "interval": _ends(row, words)}
    if not is_said_which_way:
        return words.text("{n} “{outcome}” ({interval})", n=_whole(row["forgone"], words), **told)
    n = _whole(abs(row["forgone"]), words)
    if row["forgone"] > 0:
        return words.text("{n} “{outcome}” more ({interval})", n=n, **told)
    return words.text("{n} “{outcome}” fewer ({interval})", n=n, **told)


def _signatures(row: Any, words: Language) -> str:
    n, interval = round(abs(row["forgone"])), _ends(row, words)
    if row["forgone"] > 0:
        return words.plural(
            "{n} signature by friends ({interval})", "{n} signatures by friends ({interval})", n, interval=interval
        )
    return words.plural(
        "{n} signature by friends fewer ({interval})",
        "{n} signatures by friends fewer ({interval})",
        n,
        interval=interval,
    )


def _ends(row: Any, words: Language) -> str:
    """Return the interval, its ends in the order of their size where the amount is told without its sign."""
    low, high = row["forgone_low"], row["forgone_high"]
    if row["forgone"] <= 0:
        low, high = -high, -low
    return words.text("{low} to {high}", low=_whole(low, words), high=_whole(high, words))


def _whole(value: float, words: Language) -> str:
    if not math.isfinite(value):
        return words.number(value)
    told = words.number(abs(round(value)), 0)
    return f"\u2212{told}" if round(value) < 0 else told


def _holds_zero(account: Account) -> bool:
    row = account.row(f"{account.brought} brought", ALL)
    return row is not None and bool(row["forgone_low"] <= 0 <= row["forgone_high"])


def _no_end(account: Account, words: Language) -> str:
    growth = float(account.world.growth(str(account.best))[0])
    return words.plural(
        "That is up to {n} generation of friends: each signer would bring about {r} others, so there is no total.",
        "That is up to {n} generations of friends: each signer would bring about {r} others, so there is no total.",
        account.world.horizon,
        r=words.number(growth, 2),
    )


def assumptions(account: Account) -> tuple[Saying, ...]:
    """Return what the numbers suppose, a sentence each: the most doubtful first."""
    world = account.world
    said: list[Saying] = [partial(_plain, source=source) for source in (_ANYWAY, _INTERFERENCE, _SATURATION)]
    said.append(partial(_plain, source=_PER_LINK if world.drawn.worth is None else _PER_SHARE))
    said.append(partial(_plain, source=_TRANSPORT[account.who]))
    said.append(partial(_growth, world=world))
    if world.counts.unshown and account.who == "everyone":
        said.append(partial(_unshown, count=world.counts.unshown))
    if len(world.asked) > 1 and account.chosen_by == "rate":
        said.append(partial(_plain, source=_CHOSEN))
    return tuple(said)


_ANYWAY = message(
    "Supposed: who came by a friend’s link would not have come without it. Where some would have, it is less."
)
_INTERFERENCE = message(
    "Supposed: what one signer sees changes what another does through links alone (no interference)."
)
_SATURATION = message("Supposed: further shares reach people as ready to sign as those reached so far (no saturation).")
_PER_SHARE = message("Supposed: what is shared brings as many signatures whichever page asked for it.")
_PER_LINK = message(
    "Signatures are those that the links of each page’s signers brought; nothing is supposed of how much was shared."
)
_CHOSEN = message(
    "The variant told of has the highest rate in these very data, so its advantage may be somewhat overstated."
)
_TRANSPORT = MappingProxyType(
    {
        "control": message(
            "Supposed: the differences among those who came without a friend’s link hold for everyone who saw the"
            " control, in every wave."
        ),
        "before": message(
            "Supposed: the differences seen in the experiment held before it too, and who saw nothing then did as the"
            " control’s signers do."
        ),
        "everyone": message(
            "Supposed: the differences among those who came without a friend’s link hold for everyone who signed, in"
            " every wave."
        ),
        "forwards": message(
            "Supposed: signers to come do as those of the experiment who came without a friend’s link."
        ),
    }
)


def _plain(words: Language, source: str) -> str:
    return words.text(source)


def _growth(words: Language, world: World) -> str:
    told = {"r": words.number(float(world.drawn.mix_brings[0]), 2)}
    if world.later == "own":
        return words.text(
            "Supposed: friends see the page of those who brought them, and whoever signs brings others as signers so"
            " far did under it ({r} each over all pages), followed to the end.",
            **told,
        )
    return words.text(
        "Supposed: the friends brought see the pages as they were mixed, and bring others as signers so far did ({r}"
        " each), followed to the end.",
        **told,
    )


def _unshown(words: Language, count: int) -> str:
    return words.plural(
        "{n} signer saw no page at all and counts as one who saw the control.",
        "{n} signers saw no page at all and count as having seen the control.",
        count,
    )


def remarks(account: Account) -> tuple[Saying, ...]:
    """Return what to keep in mind: a broken split, totals without an end, who is pending, and what is supposed."""
    world = account.world
    said: list[Saying] = []
    if account.best is None:
        said.append(_withheld)
    endless = [variant for variant in world.asked if world.feeds_itself(variant)]
    if endless:
        said.append(partial(_refused, variants=endless, horizon=world.horizon))
    if world.counts.pending:
        said.append(partial(_pending, count=world.counts.pending))
    said.extend(assumptions(account))
    said.append(_law)
    events = world.counts.found.events
    if events.cutoff_is_default:
        said.append(partial(complete_to, events))
    return tuple(said)


def _refused(words: Language, variants: list[str], horizon: int) -> str:
    named = words.listing([quoted(variant, words) for variant in variants])
    return words.plural(
        "With {variants} each signer may bring one other or more, so there is no total: see up to {n} generation.",
        "With {variants} each signer may bring one other or more, so there is no total: see up to {n} generations.",
        horizon,
        variants=named,
    )


def _pending(words: Language, count: int) -> str:
    return words.plural(
        "{n} visitor is still within the window; the rates of the others stand for them.",
        "{n} visitors are still within the window; the rates of the others stand for them.",
        count,
    )


def _law(words: Language) -> str:
    return words.text(
        "Intervals are at 95%, from seeded draws: shares of visitors from beta laws, numbers from gamma laws as"
        " overdispersed as the data. They are of what is to be expected, chance of a single run left out."
    )


def bound_remark(words: Language, anyway: float) -> str:
    """Return what the bounds mean."""
    return words.text(
        "{share} of the friends are taken to have come anyway. The smallest difference is that of the worst wave of"
        " exposure, or of friends, so it is below the truth where all waves are alike.",
        share=words.percent(anyway, 0),
    )
