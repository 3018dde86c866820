"""Charts as pictures: drawn once, here, by a Chrome or Chromium that is installed, through kaleido.

Nothing is downloaded and no host is asked: plotly.js is that of the installed package, formulas (which kaleido would
fetch a library for) are off, and the browser is told of a proxy that no one answers at, so that whatever it might ask
for on its own fails on this machine.
"""

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from funnel.errors import SourceError
from funnel.pages.content import Look
from funnel.pages.drawings import Drawing
from funnel.pages.lean import Cells, Lean, Styles, lean

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
# Narrow enough for a phone to show words at four fifths of their size, wide enough to be shown larger on a screen.
WIDTH = 400
NOBODY = "127.0.0.1:9"  # the discard port


def browser() -> str | None:
    """Return the path of the browser to draw with.

    It is what BROWSER_PATH names and nothing else, or the first known one on the path, or one where Windows and macOS
    usually have it.
    """
    named = os.environ.get("BROWSER_PATH", "")
    if named:
        return shutil.which(named)
    return next(filter(None, map(shutil.which, BROWSERS)), None) or _in_its_usual_place()


def _in_its_usual_place() -> str | None:
    if find_spec("choreographer") is None:  # comes with kaleido
        return None
    from choreographer.browsers.chromium import Chromium

    return Chromium.find_browser(skip_local=False)


def why_no_stills() -> str:
    """Return why charts cannot be drawn as pictures on this machine, and what to do; nothing where they can."""
    if find_spec("kaleido") is None:
        return "Without kaleido the page has tables and bars and no charts: pip install 'acquisition-funnel[static]'."
    if browser() is None:
        return (
            "Without Chrome or Chromium the page has tables and bars and no charts:"
            " install one, or write its path in BROWSER_PATH."
        )
    return ""


@dataclass(frozen=True)
class Stills:
    """The pictures of a page, in the order of its charts, and the style sheet they share."""

    pictures: Sequence[Lean]
    style: str


def stills_of(drawings: Sequence[Drawing], look: Look) -> Stills | None:
    """Return the charts as pictures; nothing where there are none to draw, or nothing to draw them with."""
    if not drawings or why_no_stills():
        return None
    styles = Styles({_rgb(colour): role for role, colour in reversed([*look.light.items()]) if colour.startswith("#")})
    written = drawn(drawings)
    pictures = [
        lean(svg, drawing.number, styles, _cells(drawing)) for svg, drawing in zip(written, drawings, strict=True)
    ]
    return Stills(pictures, styles.sheet())


def drawn(drawings: Sequence[Drawing]) -> list[str]:
    """Return what plotly draws, as SVG."""
    import kaleido  # type: ignore[import-untyped, unused-ignore]

    program = browser()
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{drawing.number}.svg" for drawing in drawings]
        figures = [
            {
                "fig": dict(drawing.spec),
                "path": str(file),
                "opts": {"format": "svg", "width": WIDTH, "height": drawing.height},
            }
            for drawing, file in zip(drawings, files, strict=True)
        ]
        tabs = min(len(figures), os.cpu_count() or 1, 4)
        options = {"n": tabs, "mathjax": False, "path": program, "proxy_server": NOBODY}
        try:
            kaleido.write_fig_from_object_sync(figures, kopts=options)
            return [file.read_text(encoding="utf-8") for file in files]
        except Exception as problem:
            raise SourceError(
                f"The browser {program} did not draw the charts: {problem}."
                " Make the page with charts to touch, or write the path of another browser in BROWSER_PATH."
            ) from problem


def _cells(drawing: Drawing) -> Cells | None:
    """Return the cells of a heat map: plotly draws these as an image, whose colours no theme could change."""
    spec: dict[str, Any] = dict(drawing.spec)
    found = [trace for trace in spec["data"] if trace.get("type") == "heatmap"]
    if len(found) != 1:
        return None
    (trace,) = found
    rows = trace["z"]
    (_, low), (_, high) = trace["colorscale"]
    span = trace["zmax"] - trace["zmin"]
    shares = [[None if each is None else (each - trace["zmin"]) / span for each in row] for row in rows]
    first, last = spec["layout"]["yaxis"]["range"]
    return Cells(
        rows=shares if first > last else shares[::-1],
        low=low,
        high=high,
        gap=(trace.get("xgap", 0), trace.get("ygap", 0)),
    )


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return red, green, blue
