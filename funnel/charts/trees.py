"""The largest trees, seen from above: who began it in the middle, a ring a generation, and nobody to be recognised."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from funnel.charts.look import (
    LABEL,
    Theme,
    Trace,
    empty,
    figure,
    hidden_axis,
    key,
    note,
    numbers,
    palette,
    wrapped,
)
from funnel.language import Language
from funnel.language import language as language_of

if TYPE_CHECKING:
    import pandas
    from plotly.graph_objects import Figure

# For each node the position of its parent (-1 for the root, which is first), and how many signatures it stands for.
Shape = tuple[Sequence[int], Sequence[int]]

MOST_TREES = 10

_ACROSS, _APART = 3, 0.04  # small trees beside each other, and the part of the width between them
_LARGE, _SMALL, _HEAD, _LINE, _GAP, _KEY = 300, 118, 26, 17, 12, 20
_DOT, _MOST_WIDE = 4.0, 2.6  # pixels of a dot, and how much wider one is that gathers thousands
_STRAIGHT, _BENDS = 0.12, 7  # radians up to which a branch is a straight line, and the points of a bent one
_LETTERS = 52
_COLUMNS = ("signatures", "generations", "share", "structural_virality", "lasted_seconds")


@dataclass(frozen=True)
class Layout:
    """Where the nodes of a tree stand: `ring` is the generation, `angle` clockwise from the top, in radians."""

    ring: tuple[int, ...]
    angle: tuple[float, ...]

    def at(self, place: int) -> tuple[float, float]:
        """Return across and up from the root, in rings."""
        return on_ring(self.ring[place], self.angle[place])


def on_ring(radius: float, angle: float) -> tuple[float, float]:
    """Return across and up from the middle, to a ten-thousandth of a ring."""
    return round(radius * math.sin(angle), 4), round(radius * math.cos(angle), 4)


def layout(shape: Shape) -> Layout:
    """Place the nodes of a tree around its root, in a time proportional to their number.

    Leaves take angles in their order, as wide as their dots and wider where the ring is shorter; a node stands in the
    middle of the leaves below it. So no branch crosses another, and no two nodes meet: those of one ring are over
    leaves of their own.
    """
    parents, stands_for = shape
    has_children = set(parents)
    ring = [0] * len(parents)
    for place in range(1, len(parents)):
        ring[place] = ring[parents[place]] + 1
    wide = [
        0.0 if place in has_children else _wide(number) / max(ring[place], 1) for place, number in enumerate(stands_for)
    ]
    for place in range(len(parents) - 1, 0, -1):
        wide[parents[place]] += wide[place]
    start = [0.0] * len(parents)
    free = [0.0] * len(parents)  # where the next child of a node starts
    for place in range(1, len(parents)):
        start[place] = free[place] = free[parents[place]]
        free[parents[place]] += wide[place]
    turn = 2 * math.pi / wide[0]
    angle = [(begun + size / 2) * turn for begun, size in zip(start, wide, strict=True)]
    return Layout(tuple(ring), tuple(angle))


def largest_trees(
    frame: "pandas.DataFrame",
    *,
    shapes: Sequence[Shape],
    language: str = "en",
    title: str | None = None,
    theme: Theme = "light",
) -> "Figure":
    """Draw the frame of `ReferralsResult.trees`: the largest tree, under it up to nine more, three in a row.

    `shapes` are those of the trees, in the order of the rows. In the middle is who signed by themselves, and each ring
    further out a generation; the trees are each as wide as their place, so rings of one are not those of another. A dot
    is one signature; a larger one gathers several small branches. Nothing in it tells who is who or who came when.
    """
    words, colours = language_of(language), palette(theme)
    heading = words.text("The largest trees") if title is None else title
    trees = _trees(frame, shapes, words)
    if not trees:
        return empty(title=heading, colours=colours, words=words)
    samples = [
        (words.text("By themselves"), "vermilion"),
        (words.text("By a friend’s link"), "blue"),
    ]
    drawn = trees[-1].bottom
    foot = [words.text("A ring further out is a generation later.")]
    if any(tree.is_gathered for tree in trees):
        foot.append(words.text("A large dot gathers several small branches."))
    if len(frame) > len(trees):
        foot.append(
            words.text(
                "The first {shown} of {all} trees.", shown=words.number(len(trees)), all=words.number(len(frame))
            )
        )
    lines = [wrapped(text, _LETTERS) for text in foot]
    height = drawn + _GAP + _KEY * len(samples) + _LINE * sum(text.count("<br>") + 1 for text in lines)
    keys = [
        key(
            text, colours, shift=0, y=1 - (drawn + _GAP + _KEY * (place + 0.5)) / height,
            line={"color": colours[hue], "width": 10},
        )
        for place, (text, hue) in enumerate(samples)
    ]  # fmt: skip
    said = [each for tree in trees for each in _words(tree, height, colours, words)]
    under = {"x": 0, "xref": "paper", "y": 0, "yref": "paper", "yanchor": "bottom"}
    said.append(note("<br>".join(lines), colours, font={"color": colours["muted"]}, **under))
    axes: dict[str, Any] = {}
    for tree in trees:
        axes |= _axes(tree, height)
    return figure(
        [trace for tree in trees for trace in _traces(tree, colours, words)],
        title=heading,
        height=height,
        below=8,
        colours=colours,
        words=words,
        hovermode="closest",
        annotations=[*said, *(text for _, text in keys)],
        shapes=[*(ring for tree in trees for ring in _rings(tree, colours)), *(stroke for stroke, _ in keys)],
        **axes,
    )


@dataclass(frozen=True)
class _Tree:
    """One tree: its numbers, its nodes, and where it stands: in pixels from the top, in shares of the width."""

    place: int
    row: dict[str, float]
    shape: Shape
    nodes: Layout
    name: str
    top: int

    @property
    def is_first(self) -> bool:
        return self.place == 0

    @property
    def head(self) -> int:
        return _HEAD if self.is_first else 2 * _LINE + 4

    @property
    def bottom(self) -> int:
        return self.top + self.head + (_LARGE if self.is_first else _SMALL) + _GAP

    @property
    def across(self) -> tuple[float, float]:
        if self.is_first:
            return 0.0, 1.0
        column = (self.place - 1) % _ACROSS
        return column * (1 + _APART) / _ACROSS, (column + 1) * (1 + _APART) / _ACROSS - _APART

    @property
    def is_gathered(self) -> bool:
        return max(self.shape[1]) > 1

    @property
    def suffix(self) -> str:
        return "" if self.is_first else str(self.place + 1)


def _trees(frame: "pandas.DataFrame", shapes: Sequence[Shape], words: Language) -> list[_Tree]:
    columns = [numbers(frame, name) for name in _COLUMNS]
    rows = [dict(zip(_COLUMNS, values, strict=True)) for values in zip(*columns, strict=True)]
    found: list[_Tree] = []
    for place, (row, shape) in enumerate(zip(rows[:MOST_TREES], shapes, strict=False)):
        is_below = place > 0 and (place - 1) % _ACROSS == 0
        top = 0 if not found else found[-1].bottom if is_below else found[-1].top
        name = words.text("Tree {n}", n=words.number(place + 1))
        found.append(_Tree(place, row, shape, layout(shape), name, top))
    return found


def _traces(tree: _Tree, colours: Mapping[str, str], words: Language) -> list[Trace]:
    parents, stands_for = tree.shape
    across, up = _branches(tree)
    places = {"xaxis": f"x{tree.suffix}", "yaxis": f"y{tree.suffix}"}
    spots = [tree.nodes.at(place) for place in range(len(parents))]
    below = list(stands_for)
    for place in range(len(parents) - 1, 0, -1):
        below[parents[place]] += below[place]
    dot = _DOT if tree.is_first else _DOT - 1
    branches: Trace = {
        "type": "scatter",
        "mode": "lines",
        "x": across,
        "y": up,
        "line": {"color": colours["neutral"], "width": 0.8},
        "hoverinfo": "skip",
        **places,
    }
    dots: Trace = {
        "type": "scatter",
        "mode": "markers",
        "name": tree.name,
        "x": [x for x, _ in spots],
        "y": [y for _, y in spots],
        "marker": {
            "color": [colours["vermilion" if parent < 0 else "blue"] for parent in parents],
            "size": [round(dot * (2 if parent < 0 else _wide(n)), 1) for parent, n in zip(*tree.shape, strict=True)],
            "opacity": 1,
            "line": {"color": colours["card"], "width": 0.5},
        },
        "hovertext": [
            _hover(tree, place, below[place], words) if place else _about(tree, words) for place in range(len(parents))
        ],
        "hovertemplate": "%{hovertext}<extra></extra>",
        "cliponaxis": False,
        **places,
    }
    return [branches, dots]


def _wide(signatures: int) -> float:
    """Return how wide a dot is, 1 for one signature: each ten times as many widen it as much."""
    return min(1 + 0.5 * math.log10(signatures), _MOST_WIDE)


def _branches(tree: _Tree) -> tuple[list[float | None], list[float | None]]:
    """Return the lines from parents to children, with a gap after each; those that turn far are bent."""
    across: list[float | None] = []
    up: list[float | None] = []
    for place, parent in enumerate(tree.shape[0]):
        if parent < 0:
            continue
        ring, angle = tree.nodes.ring[place], tree.nodes.angle[place]
        from_angle = tree.nodes.angle[parent] if ring > 1 else angle
        steps = 1 if abs(angle - from_angle) < _STRAIGHT else _BENDS
        for step in range(steps + 1):
            part = step / steps
            eased = part * part * (3 - 2 * part)
            x, y = on_ring(ring - 1 + part, from_angle + (angle - from_angle) * eased)
            across.append(x)
            up.append(y)
        across.append(None)
        up.append(None)
    return across, up


def _rings(tree: _Tree, colours: Mapping[str, str]) -> list[dict[str, Any]]:
    deepest = max(tree.nodes.ring)
    every = max(1, math.ceil(deepest / 12))
    return [
        {
            "type": "circle",
            "xref": f"x{tree.suffix}",
            "yref": f"y{tree.suffix}",
            "x0": -ring,
            "x1": ring,
            "y0": -ring,
            "y1": ring,
            "line": {"color": colours["faint"], "width": 1},
            "layer": "below",
        }
        for ring in range(every, deepest + 1, every)
    ]


def _axes(tree: _Tree, height: int) -> dict[str, Any]:
    reach = max(tree.nodes.ring) + 0.3
    start = tree.top + tree.head
    domain = [1 - (tree.bottom - _GAP) / height, 1 - start / height]
    same = {"scaleanchor": f"x{tree.suffix}", "scaleratio": 1}
    return {
        f"xaxis{tree.suffix}": hidden_axis(range=[-reach, reach], domain=list(tree.across), anchor=f"y{tree.suffix}"),
        f"yaxis{tree.suffix}": hidden_axis(range=[-reach, reach], domain=domain, anchor=f"x{tree.suffix}", **same),
    }


def _words(tree: _Tree, height: int, colours: Mapping[str, str], words: Language) -> list[dict[str, Any]]:
    """Return how many signatures and generations, over the tree: in words for the first, shorter for the others."""
    place = {"x": sum(tree.across) / 2, "xref": "paper", "xanchor": "center", "yref": "paper", "yanchor": "top"}
    signatures, generations = _told(tree, words)
    if tree.is_first:
        text = f"<b>{signatures}</b> · {generations}"
        return [note(text, colours, y=1 - tree.top / height, font={"size": LABEL}, **place)]
    count = f"<b>{words.number(tree.row['signatures'])}</b>"
    return [
        note(count, colours, y=1 - tree.top / height, font={"size": LABEL}, **place),
        note(generations, colours, y=1 - (tree.top + _LINE) / height, font={"color": colours["muted"]}, **place),
    ]


def _told(tree: _Tree, words: Language) -> tuple[str, str]:
    return (
        words.plural("{n} signature", "{n} signatures", tree.row["signatures"]),
        words.plural("{n} generation", "{n} generations", tree.row["generations"]),
    )


def _about(tree: _Tree, words: Language) -> str:
    row = tree.row
    return "<br>".join(
        [
            f"<b>{tree.name}</b>",
            *_told(tree, words),
            words.text("{share} of all signatures", share=words.percent(row["share"])),
            words.text("structural virality {value}", value=words.number(row["structural_virality"], 2)),
            words.text("lasted {time}", time=words.duration(row["lasted_seconds"])),
        ]
    )


def _hover(tree: _Tree, place: int, below: int, words: Language) -> str:
    generation = words.text("Generation {n}", n=words.number(tree.nodes.ring[place]))
    if tree.shape[1][place] > 1:
        inside = words.plural("{n} signature gathered", "{n} signatures gathered", below)
    else:
        inside = words.plural("{n} signature below", "{n} signatures below", below - 1)
    return f"<b>{generation}</b><br>{inside}"
