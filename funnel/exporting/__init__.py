"""A notebook as a page to send: run with the parameters asked for, and written like a report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from funnel.exporting.page import page_of
from funnel.exporting.parameters import pairs, with_parameters
from funnel.exporting.running import Progress, read_notebook, run
from funnel.language import language
from funnel.privacy import USUAL

__all__ = ["export", "pairs"]


def export(
    path: Path,
    *,
    parameters: Mapping[str, str] | None = None,
    title: str | None = None,
    code: bool = False,
    least: int = USUAL,
    progress: Progress | None = None,
) -> str:
    """Return the page of a notebook, run from top to bottom in its own folder by this Python.

    `parameters` are the values to give those in the cell tagged `parameters`, as typed. The one named `language` ("en"
    or "fr"), if there is one, is the language of the page and of all results in it; prose stays as it is written.
    Counts under `least` are hidden with what would reveal them. With `code` the code is there, folded. The page is the
    same bytes for the same notebook, parameters, data and versions.
    """
    notebook = read_notebook(path)
    values = with_parameters(notebook, parameters or {}, path)
    spoken = values.get("language")
    words = language(spoken if isinstance(spoken, str) else "en")
    done = run(notebook, path, language=words.code, least=least, progress=progress)
    return page_of(done, path, values, words=words, title=title, with_code=code, least=least)
