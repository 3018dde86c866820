"""The command that writes a notebook as a page."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from funnel.cli.speaking import say, sentences

if TYPE_CHECKING:
    from funnel.exporting.running import Progress


def export(
    notebook: Annotated[Path, typer.Argument(help="The notebook to run and write, as notebooks/01_funnel.ipynb.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The page to write; beside the notebook, under its name, if not given."),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", "-p", help="A parameter of the notebook: language=fr. May be repeated."),
    ] = None,
    code: Annotated[bool, typer.Option("--code", help="Show the code as well, folded.")] = False,
    title: Annotated[str | None, typer.Option(help="The heading of the page; the notebook's own if not given.")] = None,
) -> None:
    """Run a notebook and write it as one HTML page, like a report: no code, no connection, small counts hidden.

    The notebook itself stays as it is. Results and charts go in as published; rows of persons are refused.
    """
    page = output or notebook.with_suffix(".html")
    with sentences(), _cells(notebook.name) as progress:
        from funnel.exporting import export as exported
        from funnel.exporting import pairs
        from funnel.results import write

        path = write(
            page, exported(notebook, parameters=pairs(parameter or []), title=title, code=code, progress=progress)
        )
    say(f"Wrote {path} ({path.stat().st_size / 1e6:.1f} MB). It opens in any browser, with no connection.")


@contextmanager
def _cells(name: str) -> Iterator[Progress | None]:
    """Show which cell is running, in a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status(f"Starting {name} ...") as status:
        yield lambda done, cells: status.update(f"Running {name}: cell {min(done + 1, cells)} of {cells}")
