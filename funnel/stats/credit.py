"""How conversions are shared over the channels touched before them: rules, Markov chains, Shapley values, intervals.

None of these is causal: they share out what happened, and do not say what would have happened without a channel.

Every model reads paths, tallied or not: a list of `(tuple of channels, conversions, non_conversions)`, or `Paths`,
which is read once for all of them. It gives every channel of the paths its conversions, 0 or more; they sum to the
conversions of the paths with a touch. Those of journeys without a touch are nobody's: `Paths.untouched` counts them.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from funnel.errors import DataError, DefinitionError, did_you_mean, listed
from funnel.stats.chain import Chain
from funnel.stats.paths import Floats, Integers, Path, Paths
from funnel.stats.proportions import Estimate, normal_quantile

RULES = ("first", "last", "last_non_direct", "linear", "position", "time_decay")
MODELS = (*RULES, "markov", "shapley")

# From conversions and non-conversions (paths x draws) to credit (channels x draws).
_Model = Callable[[Floats, Floats], Floats]

_CELLS_AT_ONCE = 8_000_000


def rules(
    paths: Sequence[Path] | Paths, *, model: str, direct: str | None = None, half_life: float = 7.0
) -> dict[str, float]:
    """Return the conversions each channel is credited with by a rule that looks at one path at a time.

    `model` is one of

    - "first", "last": the whole conversion to one touch.
    - "last_non_direct": to the last touch of another channel than `direct`, and to `direct` where there is no other.
    - "linear": the same to every touch; a channel touched twice gets it twice.
    - "position": 40 % to the first touch, 40 % to the last, 20 % evenly to those between. Of two touches each gets
      50 %, and one touch gets all.
    - "time_decay": half as much for every `half_life` days a touch is older. Only differences of age within a path
      matter. It asks for `Paths`, as they carry ages: `Paths.of(paths, ages)`, or `Paths(..., ages=...)`.

    "first", "last", "linear" and "position" agree with mta's; its time decay goes by rank, not by age.

    >>> rules([(("radio", "friend"), 3, 5), (("friend",), 1, 0)], model="linear")
    {'friend': 2.5, 'radio': 1.5}
    """
    if model not in RULES:
        raise _unknown(model, RULES)
    read = _read(paths)
    return _credited(read, _by_share(read, _shares(read, model, direct, half_life)))


def markov_removal(paths: Sequence[Path] | Paths, *, order: int = 1, self_loops: bool = True) -> dict[str, float]:
    """Return the conversions each channel is credited with by what a Markov chain of the journeys loses without it.

    The chain goes from START over the last `order` channels touched to CONVERTED or NULL, with the probabilities of
    the journeys themselves. Without a channel, whoever comes to it goes to NULL. The removal effect is
    1 - P(converted without it) / P(converted); its share of all channels' effects is the share of the conversions the
    channel is credited with. The effects are all 0 only if nothing converted; then every credit is 0.

    `self_loops=False` counts touches of one channel that follow each other as one. Of order 1 this changes nothing; of
    a higher order it leaves room for more distant channels. An order above the longest path is the same as that path.

    A channel may have credit though nobody who touched it converted: with order 1 the chain supposes that whoever comes
    from it to the next channel goes on from there like everyone else. With an order as long as the paths its credit is
    0.

    Anderl et al. 2016, Int J Res Mark 33:457. Solved exactly: by inversion, and for more than 500 states by sweeps that
    hold every chance between two bounds 1e-14 apart, or else by sparse elimination. ChannelAttribution estimates the
    same by simulation.

    >>> credit = markov_removal([(("radio",), 2, 1), (("friend",), 1, 0), (("radio", "friend"), 1, 0)])
    >>> f"{credit['radio']:.9f} {credit['friend']:.9f}"
    '2.400000000 1.600000000'
    """
    read = _read(paths)
    return _credited(read, _by_removal(read, order, self_loops))


def shapley(paths: Sequence[Path] | Paths) -> dict[str, float]:
    """Return the conversions each channel is credited with by its Shapley value.

    The value of a set of channels is the conversions of the paths that touch no other channel. The mean, over all
    orders in which channels may join, of what each one adds is then the conversions of each path split evenly over its
    distinct channels: exact for any number of channels (Zhao, Mahboobi and Bagheri 2018, arXiv 1804.05327). How often
    and in what order channels were touched, and who did not convert, does not matter.

    >>> shapley([(("radio", "friend", "friend"), 3, 5), (("friend",), 1, 0)])
    {'friend': 2.5, 'radio': 1.5}
    """
    read = _read(paths)
    return _credited(read, _by_share(read, _even_shares(read)))


def credit_intervals(
    paths: Sequence[Path] | Paths,
    *,
    models: Iterable[str] = ("first", "last", "linear", "position", "markov", "shapley"),
    direct: str | None = None,
    half_life: float = 7.0,
    order: int = 1,
    self_loops: bool = True,
    level: float = 0.95,
    resamples: int = 1_000,
    seed: int = 0,
) -> dict[str, dict[str, Estimate]]:
    """Return each channel's credit by each model, with a bootstrap interval: model -> channel -> estimate.

    Journeys, converting or not, with a touch or not, are drawn again with replacement: as many as there were, by
    drawing how often each path occurs (multinomial). So conversions and non-conversions must be whole numbers, each
    journey one visitor's; visitors with several journeys make the interval too narrow. All models see the same draws.
    The ends are quantiles of the draws (Efron and Tibshirani 1993, section 13.3), never below 0, and the same in
    whatever order the rows come, tallied or not. `models` are rules, "markov" and "shapley"; `direct`, `half_life`,
    `order` and `self_loops` are theirs.

    What never happened is not drawn: where all draws agree the interval is a point, as [0, 0] for a channel without
    credit. Intervals of 95 % hold 94 % of the time from 10 expected conversions a channel, 93 to 94 % from 5 to 10,
    and 79 to 91 % below (tests/stats/test_credit.py prints it). A draw of 200,000 distinct paths takes some 8
    milliseconds a model.
    """
    normal_quantile(level)  # refuses what is no level
    asked = tuple(dict.fromkeys(models))
    for each in asked:
        if each not in MODELS:
            raise _unknown(each, MODELS)
    if not (isinstance(resamples, int) and resamples >= 1):
        raise DefinitionError(f"resamples={resamples!r} is no number of draws. Write 1000, or more for steadier ends.")
    read = _read(paths).tallied()
    prepared = [_prepared(read, each, direct, half_life, order, self_loops) for each in asked]
    estimates = {}
    for name, model, drawn in zip(asked, prepared, _drawn(read, prepared, resamples, seed), strict=True):
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=1).tolist()
        values = _credited(read, model).values()
        ends = zip(values, low, high, strict=True)
        estimates[name] = dict(zip(read.channels, (Estimate(*each) for each in ends), strict=True))
    return estimates


def _read(paths: Sequence[Path] | Paths) -> Paths:
    return paths if isinstance(paths, Paths) else Paths.of(paths)


def _unknown(model: str, known: Sequence[str]) -> DefinitionError:
    return DefinitionError(f"No model named {model!r}. {did_you_mean(model, known)}Known: {listed(known)}.")


def _prepared(paths: Paths, model: str, direct: str | None, half_life: float, order: int, self_loops: bool) -> _Model:
    if model == "markov":
        return _by_removal(paths, order, self_loops)
    shares = _even_shares(paths) if model == "shapley" else _shares(paths, model, direct, half_life)
    return _by_share(paths, shares)


def _credited(paths: Paths, model: _Model) -> dict[str, float]:
    credit = model(paths.conversions[:, None], paths.non_conversions[:, None])[:, 0]
    return dict(zip(paths.channels, credit.tolist(), strict=True))


def _drawn(paths: Paths, models: Sequence[_Model], resamples: int, seed: int) -> list[Floats]:
    """Return for each model the credit in each draw: channels x draws."""
    journeys = np.concatenate([paths.conversions, paths.non_conversions])
    if np.any(journeys != np.floor(journeys)):
        raise DataError("A number of journeys is not whole, so they cannot be drawn again. Give whole numbers.")
    if not journeys.any():
        raise DataError("There are no journeys, so none can be drawn again. Give 1 or more.")
    generator = np.random.default_rng(seed)
    at_once = max(1, _CELLS_AT_ONCE // len(journeys))
    drawn: list[list[Floats]] = [[] for _ in models]
    for start in range(0, resamples, at_once):
        conversions, non_conversions = np.split(_again(generator, journeys, min(at_once, resamples - start)), 2)
        for model, pieces in zip(models, drawn, strict=True):
            pieces.append(model(conversions, non_conversions))
    return [np.concatenate(pieces, axis=1) for pieces in drawn]


def _again(generator: np.random.Generator, journeys: Floats, draws: int) -> Floats:
    """Draw the journeys again: how often each row occurs in each draw, which is multinomial.

    Rows of one journey, most of them where paths are many, are drawn together, and then each with the same chance: in
    half of the time.
    """
    once, more = np.flatnonzero(journeys == 1), np.flatnonzero(journeys > 1)
    together = np.append(len(once), journeys[more])
    counts = generator.multinomial(int(together.sum()), together / together.sum(), size=draws)
    drawn = np.zeros((len(journeys), draws))
    drawn[more] = counts[:, 1:].T
    if len(once):
        for draw, many in enumerate(counts[:, 0].tolist()):
            drawn[once, draw] = np.bincount(generator.integers(len(once), size=many), minlength=len(once))
    return drawn


def _by_removal(paths: Paths, order: int, self_loops: bool) -> _Model:
    chain = Chain(paths, order=order, self_loops=self_loops)
    touched = (paths.lengths > 0)[:, None]

    def credit(conversions: Floats, non_conversions: Floats) -> Floats:
        lost = chain.lost(conversions, non_conversions)
        whole = lost.sum(axis=0)
        return np.divide(lost, whole, out=np.zeros_like(lost), where=whole > 0) * (conversions * touched).sum(axis=0)

    return credit


def _by_share(paths: Paths, shares: Floats) -> _Model:
    """Return the model that gives each touch its share, fixed beforehand, of the conversions of its path."""
    from scipy.sparse import csc_array

    # By columns, so that draws of journeys are read in their order: in half of the time.
    matrix = csc_array((shares, (paths.touches, paths.path_of)), shape=(len(paths.channels), len(paths.lengths)))
    matrix.eliminate_zeros()

    def credit(conversions: Floats, _: Floats) -> Floats:
        return np.asarray(matrix @ conversions)

    return credit


def _even_shares(paths: Paths) -> Floats:
    """Return 1 / distinct channels of its path for the first touch of each channel in a path, 0 for later ones."""
    rows = paths.path_of
    _, firsts = np.unique(rows * len(paths.channels) + paths.touches, return_index=True)
    shares = np.zeros(len(rows))
    shares[firsts] = 1 / np.bincount(rows[firsts], minlength=len(paths.lengths))[rows[firsts]]
    return shares


def _shares(paths: Paths, model: str, direct: str | None, half_life: float) -> Floats:
    """Return the share of its path's conversions each touch has; those of a path sum to 1."""
    places, lengths = paths.places, np.repeat(paths.lengths, paths.lengths)
    first, last = places == 0, places == lengths - 1
    if model == "first":
        return first.astype(float)
    if model == "last":
        return last.astype(float)
    if model == "last_non_direct":
        return _last_non_direct(paths, places, direct)
    if model == "linear":
        return 1 / lengths
    if model == "position":
        between = 0.2 / np.maximum(lengths - 2, 1)
        return np.select([lengths == 1, lengths == 2, first | last], [1.0, 0.5, 0.4], between)
    return _decayed(paths, half_life)


def _last_non_direct(paths: Paths, places: Integers, direct: str | None) -> Floats:
    if direct is None:
        raise DefinitionError(
            f"The model 'last_non_direct' needs the channel that is direct. Write direct='...', one of: "
            f"{listed(paths.channels)}."
        )
    own = paths.channels.index(direct) if direct in paths.channels else -1
    # A direct touch ranks behind every other one of its path.
    ranks = np.where(paths.touches == own, -1, places)
    best = np.full(len(paths.lengths), -1)
    np.maximum.at(best, paths.path_of, ranks)
    only_direct = np.repeat(best == -1, paths.lengths)
    last = places == np.repeat(paths.lengths - 1, paths.lengths)
    return np.where(only_direct, last, ranks == np.repeat(best, paths.lengths)).astype(float)


def _decayed(paths: Paths, half_life: float) -> Floats:
    if not 0 < half_life < np.inf:
        raise DefinitionError(f"half_life={half_life} is no number of days. Write 7 for a week.")
    if paths.ages is None:
        raise DefinitionError(
            "The model 'time_decay' needs the age of each touch. Give the paths as Paths.of(paths, ages), in days."
        )
    rows = paths.path_of
    ages = np.where(paths.conversions[rows] > 0, paths.ages, 0.0)
    # Counted from the youngest touch of the path, so that a path of old touches does not vanish.
    youngest = np.full(len(paths.lengths), np.inf)
    np.minimum.at(youngest, rows, ages)
    weights = np.exp2((youngest[rows] - ages) / half_life)
    return np.asarray(weights / np.bincount(rows, weights, len(paths.lengths))[rows])
