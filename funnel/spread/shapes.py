"""Shapes: the largest trees as they can be drawn, with no trace of who is in them or when they signed."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from funnel.spread.lineage import Counts, Lineage

# For each node the position of its parent (-1 for the root, which is first), and how many signatures it stands for.
Shape = tuple[tuple[int, ...], tuple[int, ...]]

MOST_SHAPES = 10
MOST_NODES = 1_500  # in all


def shapes_of(trees: Lineage, roots: Counts, *, most_nodes: int = MOST_NODES) -> list[Shape]:
    """Return a shape a tree, of the first ten roots; its nodes are in order of generation, then of their parents.

    All together have `most_nodes` at most: as many each, and what smaller trees do not need is for the larger. In one
    that needs more, branches of fewer signatures than a threshold, the least that will do, are gathered in one node
    with their siblings that are as small. The numbers that the nodes stand for sum to the signatures of the tree.

    Siblings are in order of the signatures below them, the most first, and among equals by the shape of what is below:
    two trees that differ only in who signed when are the same. Takes a time proportional to the size of the forest.
    """
    chosen = roots[:MOST_SHAPES]
    room = dict(zip(chosen.tolist(), _shared_out(trees.sizes[chosen], most_nodes), strict=True))
    return [_shape(trees, root, nodes) for root, nodes in room.items()]


def _shared_out(sizes: Counts, most_nodes: int) -> list[int]:
    """Return how many nodes each tree may have; two at the least."""
    room, left = [0] * len(sizes), most_nodes
    for done, place in enumerate(np.argsort(sizes, kind="stable").tolist()):
        room[place] = max(min(int(sizes[place]), left // (len(sizes) - done)), 2)
        left -= room[place]
    return room


def _shape(trees: Lineage, root: int, most_nodes: int) -> Shape:
    inside = np.flatnonzero(trees.root == root)
    size = trees.sizes[inside]
    # Of a tree, places in the forest are in order of generation: the root is first.
    above = np.searchsorted(inside, trees.parent[inside[1:]])
    least = _threshold(size, above, most_nodes)
    shown = np.flatnonzero(size >= least)
    number = np.zeros(len(inside), dtype=np.int64)
    number[shown] = np.arange(len(shown))
    parents = [-1, *number[above[shown[1:] - 1]].tolist()]
    stands_for = [1] * len(shown)
    small = np.flatnonzero(size[1:] < least)
    gathered = np.zeros(len(inside), dtype=np.int64)
    np.add.at(gathered, above[small], size[1 + small])
    for place in shown[gathered[shown] > 0].tolist():
        parents.append(int(number[place]))
        stands_for.append(int(gathered[place]))
    return _in_order(parents, stands_for)


def _threshold(size: Counts, above: Counts, most_nodes: int) -> int:
    """Return how many signatures a branch must have to be a node of its own: the least that leaves few enough nodes.

    A higher threshold never leaves more nodes, as each branch less adds at most one node that gathers.
    """
    smallest = np.full(len(size), np.iinfo(np.int64).max)
    np.minimum.at(smallest, above, size[1:])
    candidates = np.append(np.unique(size), size[0] + 1)
    low, high = 0, len(candidates) - 1
    while low < high:
        middle = (low + high) // 2
        alone = size >= candidates[middle]
        nodes = alone.sum() + (alone & (smallest < candidates[middle])).sum()
        low, high = (low, middle) if nodes <= most_nodes else (middle + 1, high)
    return int(min(candidates[low], size[0]))


def _in_order(parents: list[int], stands_for: list[int]) -> Shape:
    """Return the nodes generation by generation, siblings by what is below them; parents are given before children."""
    children: list[list[int]] = [[] for _ in parents]
    generation = [0] * len(parents)
    waiting = [0]
    for place, parent in enumerate(parents):
        if parent >= 0:
            children[parent].append(place)
    for place in waiting:
        for child in children[place]:
            generation[child] = generation[place] + 1
            waiting.append(child)
    below = list(stands_for)
    rank = [0] * len(parents)
    for depth in range(max(generation), -1, -1):
        keys = {}
        for place in (each for each in waiting if generation[each] == depth):
            children[place].sort(key=rank.__getitem__)
            below[place] += sum(below[child] for child in children[place])
            keys[place] = (-below[place], stands_for[place], [rank[child] for child in children[place]])
        ranked = sorted(keys.values())
        for place, key in keys.items():
            rank[place] = bisect_left(ranked, key)
    ordered = [0]
    for place in ordered:
        ordered += children[place]
    position = {place: at for at, place in enumerate(ordered)}
    return (
        tuple(-1 if parents[place] < 0 else position[parents[place]] for place in ordered),
        tuple(stands_for[place] for place in ordered),
    )
