"""Lineage: the trees of a forest as arrays, in an order in which parents come before their children.

One place a signer who is in a tree; who is in none has no place. Counting over trees from leaf to root is a pass over
generations here, which a database would do by joining the table with itself as many times.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from funnel.curves import local_day
from funnel.forest import Forest
from funnel.statements import column, sql, statement

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Lineage:
    """The signers in trees, roots first, then by generation: four arrays of one length.

    `parent` is the place of the signer whose link was used, -1 for roots; `generation` grows with the place;
    `signed_us` is microseconds since 1970, `signed_on` days since 1970 in the zone of the events.
    """

    parent: Counts
    generation: Counts
    signed_us: Counts
    signed_on: Counts

    @classmethod
    def of(cls, forest: Forest) -> Lineage:
        """Read the trees of a forest."""
        query = statement(
            """
            /* one row a signer in a tree, parents before children */
            with placed as (
                select
                    signers.visitor_id,
                    signers.parent,
                    signers.generation,
                    signers.signed_us,
                    row_number() over (
                        order by signers.generation, signers.signed_us, cast(signers.visitor_id as varchar)
                    ) - 1 as place
                from _signers as signers
                where signers.generation is not null
            )
            select
                coalesce(parents.place, -1) as parent,
                children.generation as generation,
                children.signed_us as signed_us,
                datediff('day', date '1970-01-01', _day) as signed_on
            from placed as children
            left join placed as parents
                on children.parent = parents.visitor_id and children.generation > 0
            order by children.place
            """,
            signers=forest.signers,
            day=local_day(forest.events, column("signed_us", of="children")),
        )
        found = forest.connection.execute(sql(query)).fetchnumpy()
        return cls(
            *(np.asarray(found[name], dtype=np.int64) for name in ("parent", "generation", "signed_us", "signed_on"))
        )

    def __len__(self) -> int:
        return len(self.parent)

    @cached_property
    def is_referred(self) -> NDArray[np.bool_]:
        """Tell of each signer whether a signer's link brought them."""
        return self.parent >= 0

    @cached_property
    def children(self) -> Counts:
        """How many signers each signer's links brought directly."""
        return np.bincount(self.parent[self.is_referred], minlength=len(self))

    @cached_property
    def sizes(self) -> Counts:
        """How many signers are in the tree below each signer, the signer included."""
        sizes = np.ones(len(self), dtype=np.int64)
        for start, end in reversed(self._generations[1:]):
            # Children stand after their parents, so a generation is complete when its turn comes.
            np.add.at(sizes, self.parent[start:end], sizes[start:end])
        return sizes

    @cached_property
    def root(self) -> Counts:
        """The place of the root of each signer's tree."""
        root = np.arange(len(self))
        for start, end in self._generations[1:]:
            root[start:end] = root[self.parent[start:end]]
        return root

    @property
    def cycle_seconds(self) -> Floats:
        """Seconds from the parent's signature to the child's, for each referred signer in the order of places."""
        referred = np.flatnonzero(self.is_referred)
        return (self.signed_us[referred] - self.signed_us[self.parent[referred]]) / 1e6

    @cached_property
    def _generations(self) -> list[tuple[int, int]]:
        """The places of each generation: from, up to."""
        edges = np.searchsorted(self.generation, np.arange(self.generation[-1] + 2)) if len(self) else np.zeros(1, int)
        return [(int(start), int(end)) for start, end in itertools.pairwise(edges)]
