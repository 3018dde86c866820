"""The chain that paths of channels make, and what is lost of its conversions when a channel is taken out."""

from typing import TYPE_CHECKING

import numpy as np

from funnel.errors import DefinitionError
from funnel.stats.paths import Floats, Integers, Paths

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# Up to that many states a matrix is inverted whole; above, it is sparse and solved by sweeps.
_MOST_DENSE = 500
_CELLS_AT_ONCE = 4_000_000
_SWEEPS = 2_000
_ACCURACY = 1e-14


class Chain:
    """States START, the last `order` channels touched, CONVERTED and NULL; what moves between them is journeys.

    Made once from the paths, then filled with any counts of journeys: `lost` says what share of the conversions is lost
    without each channel. Journeys without a touch take no part: they convert with or without any channel.
    """

    def __init__(self, paths: Paths, *, order: int, self_loops: bool) -> None:
        from scipy.sparse import csc_array

        if not (isinstance(order, int) and order >= 1):
            raise DefinitionError(f"order={order!r} is no number of touches to remember. Write 1, 2, ...")
        paths = paths if self_loops else paths.without_repeats()
        rows, first = paths.path_of, paths.places == 0
        self.channels = len(paths.channels)
        states = _states(paths, order)
        self.states = int(states.max(initial=-1)) + 1
        self.channel_of = np.zeros(self.states, dtype=np.int64)
        self.channel_of[states] = paths.touches

        def counting(where: Integers, kinds: int, path: Integers) -> "csc_array":
            # How often each kind (a state, a move) occurs in each path.
            return csc_array((np.ones(len(where)), (where, path)), shape=(kinds, len(paths.lengths)))

        last = np.append(first[1:], True)[: len(first)]
        moves = np.flatnonzero(~first)
        distinct, move = np.unique(states[moves - 1] * self.states + states[moves], return_inverse=True)
        self.origins, self.targets = np.divmod(distinct, max(self.states, 1))
        self._visits = counting(states, self.states, rows)
        self._starts = counting(states[first], self.states, rows[first])
        self._ends = counting(states[last], self.states, rows[last])
        self._moves = counting(move, len(distinct), rows[moves])

    def lost(self, conversions: Floats, non_conversions: Floats) -> Floats:
        """Return the share of conversions lost without each channel: channels x draws, from paths x draws.

        All 0 where nothing converts, and never elsewhere: without the first channel of a path that converts, at least
        that path is lost.
        """
        journeys = conversions + non_conversions
        visits, moves = self._visits @ journeys, self._moves @ journeys
        starts, ends = self._starts @ journeys, self._ends @ conversions
        # A state nobody visited leads nowhere.
        per_visit = np.divide(1, visits, out=np.zeros_like(visits), where=visits > 0)
        transitions, exits = moves * per_visit[self.origins], ends * per_visit
        draws = journeys.shape[1]
        lost = np.zeros((self.channels, draws))
        converted = ends.sum(axis=0)
        if self.states > _MOST_DENSE:
            for draw in np.flatnonzero(converted > 0):
                lost[:, draw] = self._lost_sparse(starts[:, draw], transitions[:, draw], exits[:, draw])
        else:
            at_once = max(1, _CELLS_AT_ONCE // max(self.states, 1) ** 2)
            for start in range(0, draws, at_once):
                some = slice(start, start + at_once)
                lost[:, some] = self._lost_dense(visits[:, some], transitions[:, some], exits[:, some])
        # What rounding leaves below 0 is 0.
        return np.maximum(np.divide(lost, converted, out=np.zeros_like(lost), where=converted > 0), 0)

    def _lost_dense(self, visits: Floats, transitions: Floats, exits: Floats) -> Floats:
        """Return the conversions lost without each channel.

        With N the inverse of I - Q, so that N[s, t] is how often a journey in s comes to t, and S the states of a
        channel, those who come to S at all are visits[S] (N[S, S])^-1, by the state they come to first, and each
        converts with the chance (N exits)[S]. No journey is subtracted from another, so nothing is lost to rounding.
        """
        chances = np.tile(np.eye(self.states), (visits.shape[1], 1, 1))
        chances[:, self.origins, self.targets] -= transitions.T
        expected = np.linalg.inv(chances)
        converting = expected @ exits.T[:, :, None]
        lost = np.zeros((self.channels, visits.shape[1]))
        for channel in range(self.channels):
            own = np.flatnonzero(self.channel_of == channel)
            within = expected[:, own[:, None], own]
            lost[channel] = (visits[own].T * np.linalg.solve(within, converting[:, own])[:, :, 0]).sum(axis=1)
        return lost

    def _lost_sparse(self, starts: Floats, transitions: Floats, exits: Floats) -> Floats:
        """Return the same. At a state of the channel its chance to convert is lost, before it what is lost later."""
        from scipy.sparse import csr_array

        steps = csr_array((transitions, (self.origins, self.targets)), shape=(self.states, self.states))
        converting = _solved(steps, exits[:, None], np.ones((self.states, 1)))
        own = self.channel_of[:, None] == np.arange(self.channels)
        return np.asarray(starts @ _solved(steps, own * converting, (~own).astype(float)))


def _solved(steps: "csr_array", fixed: Floats, free: Floats) -> Floats:
    """Return the x of x = fixed + free * (steps @ x), chances from 0 to 1: states x columns.

    By sweeps from 0 upwards and from 1 downwards, until they agree: the truth is between them (Haddad and Monmege 2018,
    Theor Comput Sci 735:111). Where journeys go round for thousands of touches, that is too slow: elimination.
    """
    from scipy.sparse import diags_array, eye_array
    from scipy.sparse.linalg import splu

    low, high = np.zeros_like(fixed), np.ones_like(fixed)
    for _ in range(_SWEEPS):
        low, high = fixed + free * (steps @ low), fixed + free * (steps @ high)
        if np.max(high - low) <= _ACCURACY:
            return low
    columns = []
    for kept, column in zip(free.T, fixed.T, strict=True):
        left = eye_array(len(column)) - diags_array(kept) @ steps
        columns.append(splu(left.tocsc()).solve(column))
    return np.column_stack(columns)


def _states(paths: Paths, order: int) -> Integers:
    """Return the state after each touch: a number for the last `order` channels of its path so far, or all of them."""
    first, states = paths.places == 0, paths.touches
    _, states = np.unique(states, return_inverse=True)
    for _ in range(min(order, int(paths.lengths.max(initial=1))) - 1):
        before = np.where(first, 0, np.roll(states, 1) + 1)
        _, states = np.unique(before * len(paths.channels) + paths.touches, return_inverse=True)
    return states
