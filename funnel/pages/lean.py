"""An SVG of plotly's made lean: flat, rounded, without what does not show, its colours by role and its styles shared.

What plotly writes says every style on every element and names its clips at random. Here each distinct style is a class
for all pictures of a page, a colour of the light theme is a variable that both themes set, coordinates are absolute and
end at a tenth of a pixel, and ids count from one. The picture is the same to the eye, a seventh of the size, and the
same bytes each time.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import chain, groupby
from xml.etree import ElementTree

# A clip or a pattern by its id, and how far it is moved with what it cuts.
_Cut = tuple[str, float, float]

# What a shape takes from the groups around it, and what each property is where nobody says.
_INHERITED = ("fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray", "fill-rule")
_USUAL = {
    "fill-opacity": "1",
    "stroke-opacity": "1",
    "opacity": "1",
    "stroke-dasharray": "none",
    "stroke-width": "1",
    "font-size": "12",
    "font-weight": "normal",
    "text-anchor": "start",
    "fill-rule": "nonzero",
    "shape-rendering": "auto",
    "text-shadow": "none",
}
_KEPT = {*_INHERITED, *_USUAL}
_CLEAR = 0.001
_TAKES = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "A": 7}

_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?")
_COMMAND = re.compile(r"([A-Za-z])([^A-Za-z]*)")
_COLOUR = re.compile(r"rgb\((\d+),(\d+),(\d+)\)|#([\da-f]{2})([\da-f]{2})([\da-f]{2})")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass
class Styles:
    """The classes that the pictures of a page share. `roles` names the colour variable of a light colour."""

    roles: Mapping[tuple[int, int, int], str]
    names: dict[str, str] = field(default_factory=dict)

    def of(self, properties: Mapping[str, str]) -> str:
        """Return the class for these properties, the same each time they are asked for."""
        written = ";".join(f"{name}:{self._written(value)}" for name, value in sorted(properties.items()))
        written = re.sub(r"(font-size:[\d.]+)", r"\1px", written)
        return self.names.setdefault(written, _class_name(len(self.names)))

    def sheet(self) -> str:
        """Return the style sheet of all classes given out so far."""
        return "".join(f".still .{name}{{{written}}}\n" for written, name in self.names.items())

    def _written(self, value: str) -> str:
        return _COLOUR.sub(self._role, value)

    def _role(self, found: re.Match[str]) -> str:
        rgb = [int(each, 16 if found[4] else 10) for each in found.groups() if each]
        role = self.roles.get((rgb[0], rgb[1], rgb[2]))
        return f"var(--chart-{role.replace('_', '-')})" if role else found[0]


def _class_name(place: int) -> str:
    return _LETTERS[place % 26] + (_class_name(place // 26 - 1) if place >= 26 else "")


@dataclass(frozen=True)
class Lean:
    """A picture as it goes into the page; `is_light` where it holds an image, which knows one theme only."""

    svg: str
    is_light: bool


@dataclass(frozen=True)
class Cells:
    """A heat map: of each cell, row by row from the top, its place between the low colour (0) and the high one (1)."""

    rows: Sequence[Sequence[float | None]]
    low: str
    high: str
    gap: tuple[float, float]


def lean(svg: str, number: int, styles: Styles, cells: Cells | None = None) -> Lean:
    """Return the picture `number` of a page, made lean. `cells` take the place of an image, if there is one in it."""
    root = ElementTree.fromstring(svg)
    ids = {each.get("id"): each for each in root.iter() if each.get("id")}
    shapes = list(_shapes(root, _Place()))
    written = _Written(number, styles, ids, cells)
    body = written.all(shapes)
    width, height = (_length(root, name) for name in ("width", "height"))
    return Lean(
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true" focusable="false">'
        f"{written.defs()}{body}</svg>",
        is_light=cells is None and any(shape.tag == "image" for shape in shapes),
    )


@dataclass(frozen=True)
class _Place:
    """Where an element stands: how far it is moved, how turned, cut by which clip, and what it inherits."""

    x: float = 0.0
    y: float = 0.0
    turn: str = ""
    clip: _Cut | None = None
    style: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Shape:
    tag: str
    element: ElementTree.Element
    place: _Place


def _shapes(element: ElementTree.Element, place: _Place) -> Iterator[_Shape]:
    """Yield what shows, from the back to the front, with its place in the whole picture."""
    tag = element.tag.rpartition("}")[2]
    if tag in ("defs", "clipPath", "pattern"):
        return
    place = _inside(element, place)
    if tag in ("path", "rect", "text", "image"):
        if _shows(tag, element, place.style):
            yield _Shape(tag, element, place)
        return
    for child in element:
        yield from _shapes(child, place)


def _inside(element: ElementTree.Element, place: _Place) -> _Place:
    x, y, turn = place.x, place.y, place.turn
    for kind, inside in re.findall(r"(\w+)\(([^)]*)\)", element.get("transform", "")):
        numbers = [float(each) for each in _NUMBER.findall(inside)] + [0.0, 0.0]
        if kind == "translate":
            x, y = x + numbers[0], y + numbers[1]
        elif kind == "rotate" and numbers[0] % 360:
            turn = f"rotate({_short(numbers[0])} {_short(x + numbers[1])} {_short(y + numbers[2])})"
    name = re.sub(r"url\(['\"]?#|['\"]?\)", "", element.get("clip-path", ""))
    clip = (name, x, y) if name and not name.startswith("legend") else place.clip  # a legend's cuts what scrolls
    said = dict(re.findall(r"([\w-]+)\s*:\s*([^;]+)", element.get("style", "")))
    said = {name: said.get(name, element.get(name, "")) for name in _KEPT}
    style = {**place.style, **{name: _plain(value) for name, value in said.items() if value}}
    if said["opacity"]:
        style["opacity"] = f"{float(said['opacity']) * float(place.style.get('opacity', 1)):g}"
    return _Place(x, y, turn, clip, style)


def _plain(value: str) -> str:
    """Return the value of a property without units, its numbers in two decimals at most."""
    without = value.replace("px", "").replace(", ", ",").strip()
    return f"{float(without):.2f}".rstrip("0").removesuffix(".") if _NUMBER.fullmatch(without) else without


def _is_clear(style: Mapping[str, str], what: str) -> bool:
    usual = "none" if what == "stroke" else "black"
    seen = float(style.get(f"{what}-opacity", 1)) * float(style.get("opacity", 1)) > _CLEAR
    wide = what == "fill" or float(style.get("stroke-width", 1)) > 0
    return style.get(what, usual) == "none" or not (seen and wide)


def _shows(tag: str, element: ElementTree.Element, style: Mapping[str, str]) -> bool:
    if tag == "text":
        return bool("".join(element.itertext()).strip()) and not _is_clear(style, "fill")
    if tag == "path" and element.get("d", "") in ("", "M0,0Z"):
        return False
    if tag == "rect" and not (float(_length(element, "width")) and float(_length(element, "height"))):
        return False
    return tag == "image" or not (_is_clear(style, "fill") and _is_clear(style, "stroke"))


def _properties(style: Mapping[str, str], tag: str) -> dict[str, str]:
    """Return the properties that make a difference, each but colours without its unit."""
    names = {"fill", "fill-opacity", "opacity"}
    names |= {"font-size", "font-weight", "text-anchor", "text-shadow"} if tag == "text" else set()
    told = {name: value for name, value in style.items() if name in names}
    if tag != "text":
        told |= {name: style[name] for name in ("fill-rule", "shape-rendering") if name in style}
        if _is_clear(style, "fill"):
            told = {name: value for name, value in told.items() if not name.startswith("fill")} | {"fill": "none"}
        if not _is_clear(style, "stroke"):
            told |= {name: value for name, value in style.items() if name.startswith("stroke")}
    return _differing(told)


def _differing(style: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in style.items() if _USUAL.get(name) != value}


@dataclass
class _Written:
    """The picture in writing: shapes that follow one another in one style and one clip are one path."""

    number: int
    styles: Styles
    ids: Mapping[str | None, ElementTree.Element]
    cells: Cells | None
    used: dict[_Cut, str] = field(default_factory=dict)
    dots: dict[str, str] = field(default_factory=dict)

    def all(self, shapes: Sequence[_Shape]) -> str:
        parts: list[tuple[str, str, str]] = []  # the clip; the class of a path, or nothing; what it says
        for (clip, are_dots), run in groupby(shapes, lambda shape: (shape.place.clip, _is_dot(shape))):
            cut = self._id(clip) if clip and clip[0] in self.ids else ""
            for style, said in self._dots(run) if are_dots else chain.from_iterable(map(self._one, run)):
                if parts and style and parts[-1][:2] == (cut, style):
                    parts[-1] = (cut, style, parts[-1][2] + said)
                else:
                    parts.append((cut, style, said))
        text, open_clip = "", ""
        for cut, style, said in parts:
            if cut != open_clip:
                text += "</g>" * bool(open_clip) + (f'<g clip-path="url(#{cut})">' if cut else "")
                open_clip = cut
            text += f'<path class="{style}" d="{_joined(said)}"/>' if style else said
        return text + "</g>" * bool(open_clip)

    def defs(self) -> str:
        found = "".join(self._definition(old, new) for old, new in self.used.items())
        found += "".join(f'<path id="{name}" d="{dots}"/>' for name, dots in self.dots.items())
        return f"<defs>{found}</defs>" if found else ""

    def _id(self, old: _Cut) -> str:
        return self.used.setdefault(old, f"p{self.number}-{len(self.used) + 1}")

    def _definition(self, cut: _Cut, name: str) -> str:
        element, place = self.ids[cut[0]], _Place(*cut[1:])
        shapes = [_Shape(each.tag.rpartition("}")[2], each, _inside(each, place)) for each in element]
        if element.tag.endswith("clipPath"):
            return f'<clipPath id="{name}"><path d="{"".join(map(_outline, shapes))}"/></clipPath>'
        turned = element.get("patternTransform")
        inside = "".join(
            f'<path class="{self.styles.of(_properties(each.place.style, "path"))}" d="{_outline(each, 3)}"/>'
            for each in shapes
        )
        return (
            f'<pattern id="{name}" width="{_length(element, "width", 3)}" height="{_length(element, "height", 3)}"'
            + ' patternUnits="userSpaceOnUse"'
            + (f' patternTransform="{turned}"' if turned else "")
            + f">{inside}</pattern>"
        )

    def _one(self, shape: _Shape) -> Iterator[tuple[str, str]]:
        """Yield the class and outline of a shape's paths, or nothing and the element as it is."""
        element, place = shape.element, shape.place
        if shape.tag == "text":
            yield "", self._text(shape)
            return
        if shape.tag == "image":
            x, y = _length(element, "x", 1, place.x), _length(element, "y", 1, place.y)
            if self.cells:
                yield from self._heat(self.cells, shape)
                return
            size = " ".join(f'{name}="{_length(element, name)}"' for name in ("width", "height"))
            source = element.get("{http://www.w3.org/1999/xlink}href") or element.get("href", "")
            yield "", f'<image x="{x}" y="{y}" {size} preserveAspectRatio="none" href="{source}"/>'
            return
        style = dict(place.style)
        pattern = re.fullmatch(r"url\(['\"]?#([^'\")]+)['\"]?\)", style.get("fill", ""))
        if pattern:
            style["fill"] = f"url(#{self._id((pattern[1], 0, 0))})"
        yield self.styles.of(_properties(style, "path")), _outline(shape)

    def _heat(self, cells: Cells, shape: _Shape) -> Iterator[tuple[str, str]]:
        """Yield the cells of a heat map: all in the low colour, and the high one over it, more or less clear.

        A cell is a line as thick as the cell is high.
        """
        x, y = (float(_length(shape.element, name, 3, at)) for name, at in (("x", shape.place.x), ("y", shape.place.y)))
        wide = float(_length(shape.element, "width")) / len(cells.rows[0])
        high = float(_length(shape.element, "height")) / len(cells.rows)
        thick = _short(high - cells.gap[1])
        layers: dict[str, str] = {}
        for row, shares in enumerate(cells.rows):
            for place, share in enumerate(shares):
                if share is None:
                    continue
                left, middle = x + place * wide + cells.gap[0] / 2, y + (row + 0.5) * high
                cell = f"M{_short(left)} {_short(middle)}h{_short(wide - cells.gap[0])}"
                high_colour = [(cells.high, _short(min(share, 1.0), 2))] if share > 0 else []
                for colour, clear in ((cells.low, "1"), *high_colour):
                    name = self.styles.of(
                        _differing({"stroke": colour, "stroke-opacity": clear, "stroke-width": thick})
                    )
                    layers[name] = layers.get(name, "") + cell
        yield from layers.items()

    def _dots(self, shapes: Iterable[_Shape]) -> Iterator[tuple[str, str]]:
        """Yield round marks as the round ends of lines of no length: all rims, as wider ones, then what they hold."""
        kinds: dict[tuple[str, str], str] = {}
        for shape in shapes:
            style, size, rim = shape.place.style, 2 * _radius(shape.element), 0.0
            wider = inside = ""
            if not _is_clear(style, "stroke"):
                rim = float(style.get("stroke-width", 1))
                wider = self._round(style["stroke"], size + rim)
            if not _is_clear(style, "fill"):
                inside = self._round(style.get("fill", "black"), size - rim)
            at = f"M{_short(shape.place.x)} {_short(shape.place.y)}h0"
            kinds[wider, inside] = kinds.get((wider, inside), "") + at
        if not all(wider for wider, _ in kinds):
            yield from ((name, dots) for names, dots in kinds.items() for name in names if name)
            return
        names = {kind: f"p{self.number}-d{len(self.dots) + place}" for place, kind in enumerate(kinds, start=1)}
        self.dots.update({names[kind]: _joined(dots) for kind, dots in kinds.items()})
        for layer in (0, 1):
            for kind, name in names.items():
                yield "", f'<use class="{kind[layer]}" href="#{name}"/>'

    def _round(self, colour: str, width: float) -> str:
        return self.styles.of(
            {"stroke": colour, "stroke-linecap": "round", "stroke-width": _short(width), "fill": "none"}
        )

    def _text(self, shape: _Shape) -> str:
        element, place = shape.element, shape.place
        x, y = _length(element, "x", 1, place.x), _length(element, "y", 1, place.y)
        name = self.styles.of(_properties(place.style, "text"))
        turn = f' transform="{place.turn}"' if place.turn else ""
        inside = escape(element.text or "", quote=False) + "".join(self._span(each, x, y) for each in element)
        return f'<text class="{name}" x="{x}" y="{y}"{turn}>{inside}</text>'

    def _span(self, element: ElementTree.Element, x: str, y: str) -> str:
        style = _inside(element, _Place()).style
        told = {name: value for name, value in style.items() if name in ("font-weight", "font-size", "fill")}
        name = f' class="{self.styles.of(told)}"' if told else ""
        line = f' x="{x}" y="{y}" dy="{element.get("dy")}"' if element.get("dy") else ""
        inside = escape(element.text or "", quote=False) + "".join(self._span(each, x, y) for each in element)
        return f"<tspan{name}{line}>{inside}</tspan>" + escape(element.tail or "", quote=False)


def _radius(element: ElementTree.Element) -> float:
    """Return the radius of a circle around the origin, as plotly writes one, or 0 for anything else."""
    found = re.fullmatch(r"M([\d.]+),0A\1,\1 0 1,1 0,-\1A\1,\1 0 0,1 \1,0Z", element.get("d", ""))
    return float(found[1]) if found else 0.0


def _is_dot(shape: _Shape) -> bool:
    """Whether a shape is a round mark that nothing shines through, on whatever it lies."""
    style = shape.place.style
    solid = all(style.get(name, "1") == "1" for name in ("opacity", "fill-opacity", "stroke-opacity"))
    holed = _is_clear(style, "fill") and not _is_clear(style, "stroke")
    return bool(_radius(shape.element)) and not shape.place.turn and solid and not holed


def _outline(shape: _Shape, digits: int = 1) -> str:
    """Return the outline of a path or a rectangle, moved to its place in the whole picture."""
    element, place = shape.element, shape.place
    if shape.tag == "rect":
        x, y = (_length(element, "x", digits, place.x), _length(element, "y", digits, place.y))
        wide, high = (_length(element, name, digits) for name in ("width", "height"))
        return f"M{x} {y}h{wide}v{high}h-{wide}z"
    return _moved(element.get("d", ""), place.x, place.y, digits)


def _moved(d: str, x: float, y: float, digits: int) -> str:
    """Return a path moved by so much, each step counted from the point before it.

    Points are rounded where they are, and steps go between rounded points: nothing adds up along a path.
    """
    at = start = (0.0, 0.0)
    text = ""
    for command, inside in _COMMAND.findall(d):
        kind, numbers = command.upper(), [float(each) for each in _NUMBER.findall(inside)]
        if kind == "Z":
            at, text = start, text + "z"
            continue
        for first in range(0, len(numbers), _TAKES[kind]):
            taken = numbers[first : first + _TAKES[kind]]
            from_x, from_y = at if command.islower() else (x, y)
            bend, ends = (taken[:5], taken[5:]) if kind == "A" else ([], taken)
            if kind == "H":
                points = [(ends[0] + from_x, at[1])]
            elif kind == "V":
                points = [(at[0], ends[0] + from_y)]
            else:
                points = [(ends[i] + from_x, ends[i + 1] + from_y) for i in range(0, len(ends), 2)]
            points = [(round(across, digits), round(down, digits)) for across, down in points]
            if kind == "M" and not first:
                start, text = points[0], f"{text}M{_short(points[0][0], digits)} {_short(points[0][1], digits)}"
            else:
                text += _step(kind, bend, [(px - at[0], py - at[1]) for px, py in points], digits)
            at = points[-1]
    return text.replace(" -", "-")


def _joined(d: str) -> str:
    """Return a path of ours with each new start counted from the point before it, where that is shorter."""
    x = y = start_x = start_y = 0.0
    text = ""
    for command, inside in _COMMAND.findall(d):
        numbers = [float(each) for each in _NUMBER.findall(inside)]
        said = command + inside
        if command == "M":
            here = f"m{_short(numbers[0] - x)} {_short(numbers[1] - y)}".replace(" -", "-")
            said = here if text and len(here) < len(said) else said
            x, y = start_x, start_y = numbers[0], numbers[1]
        elif command == "z":
            x, y = start_x, start_y
        elif command in "hv":
            x, y = (x + numbers[0], y) if command == "h" else (x, y + numbers[0])
        else:
            x, y = x + numbers[-2], y + numbers[-1]
        text += said
    return text


def _step(kind: str, bend: Sequence[float], steps: Sequence[tuple[float, float]], digits: int) -> str:
    """Return one step of a path from the point before it; nothing where it leads nowhere."""
    said = [_short(each, digits) for step in steps for each in step]
    if kind in "CA":
        return kind.lower() + " ".join([*(_short(each, digits) for each in bend), *said])
    across, down = said
    if down == "0":
        return "" if across == "0" else f"h{across}"
    return f"v{down}" if across == "0" else f"l{across} {down}"


def _length(element: ElementTree.Element, name: str, digits: int = 1, more: float = 0.0) -> str:
    """Return an attribute that is a length, with or without its unit, and so much more."""
    return _short(float(element.get(name, "0").removesuffix("px")) + more, digits)


def _short(number: float, digits: int = 1) -> str:
    """Return a number to a tenth, or so many digits, in as few letters as it takes."""
    written = f"{number:.{digits}f}".rstrip("0").removesuffix(".")
    return "0" if written in ("-0", "") else re.sub(r"^(-?)0\.", r"\1.", written)
