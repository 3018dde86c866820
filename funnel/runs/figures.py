"""The charts of a run as pictures, drawn by the browser that is installed: the same chart gives the same bytes."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnel.errors import SourceError
from funnel.pages.drawings import HEIGHT
from funnel.pages.stills import NOBODY, browser

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

WIDTH = 900
# Points of a screen a point of the picture: fine enough for a slide.
SCALE = 2
_OWN = re.compile(r'id="defs-([0-9a-f]{6})"')


def why_none() -> str:
    """Return why no picture can be drawn here, and what to do; nothing where they can."""
    if find_spec("kaleido") is None:
        return "No figures were drawn, for there is no kaleido here: pip install 'acquisition-funnel[static]'."
    if browser() is None:
        return (
            "No figures were drawn, for there is no Chrome or Chromium here: install one, or write its path in"
            " BROWSER_PATH."
        )
    return ""


def draw(figures: Mapping[str, Figure], folder: Path) -> None:
    """Write NAME.svg and NAME.png of every figure into the folder, all in one run of the browser."""
    import kaleido  # type: ignore[import-untyped, unused-ignore]

    if not figures:
        return
    folder.mkdir(parents=True, exist_ok=True)
    asked = [_asked(name, figure, kind, folder) for name, figure in figures.items() for kind in ("svg", "png")]
    tabs = min(len(asked), os.cpu_count() or 1, 4)
    options = {"n": tabs, "mathjax": False, "path": browser(), "proxy_server": NOBODY}
    try:
        kaleido.write_fig_from_object_sync(asked, cancel_on_error=True, kopts=options)
    except Exception as problem:
        raise SourceError(
            f"The browser {browser()} did not draw the figures: {problem}. Write the path of another in BROWSER_PATH."
        ) from problem
    for name in figures:
        path = folder / f"{name}.svg"
        path.write_text(steady(path.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


def steady(svg: str) -> str:
    """Return a picture without the number that plotly draws at random to tell its parts from those of other pictures.

    >>> steady('<defs id="defs-6527f9"><clipPath id="clip6527f9xy"/></defs><g clip-path="url(#clip6527f9xy)"/>')
    '<defs id="defs-000000"><clipPath id="clip000000xy"/></defs><g clip-path="url(#clip000000xy)"/>'
    """
    own = _OWN.search(svg)
    return svg if own is None else re.sub(rf"\b([a-z]+\d{{0,2}}-?){own[1]}", r"\g<1>000000", svg)


def _asked(name: str, figure: Any, kind: str, folder: Path) -> dict[str, Any]:
    told = figure.to_plotly_json()
    for place, trace in enumerate(told["data"]):
        trace["uid"] = f"{place:06x}"  # else plotly draws one at random, and names parts of the picture by it
    size = {"width": WIDTH, "height": int(figure.layout.height or HEIGHT), "scale": SCALE if kind == "png" else 1}
    return {"fig": told, "path": folder / f"{name}.{kind}", "opts": {"format": kind, **size}}
