"""A notebook run from top to bottom in a kernel of this very Python, in the notebook's own folder."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnel.errors import DataError, DefinitionError, SourceError
from funnel.exporting.kernel import PIECES, SHOWN, marks
from funnel.exporting.parameters import INJECTED

if TYPE_CHECKING:
    from nbformat import NotebookNode

Progress = Callable[[int, int], None]
BEGIN = "from funnel.exporting.kernel import Watch\n__exported__ = Watch.begin({language!r}, least={least})"
FINISH = "__exported__.finish({words!r})"
_WORD = re.compile(r"[^\s,;:()\[\]{}<>\"'“”«»‘’|]+")
LONG_NAME, LONG_NUMBER = 6, 8
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Run:
    """A notebook that was run: its cells with their outputs, and what its kernel gives of what they show.

    `pieces` are what outputs point to by number; `facts` say where the numbers come from; `hidden` what is not shown;
    `secret` are hidden numbers as they are written, each with the names of its group.
    """

    notebook: NotebookNode
    pieces: list[dict[str, Any]] = field(default_factory=list)
    facts: list[tuple[str, str, bool]] = field(default_factory=list)
    hidden: str = ""
    secret: list[tuple[str, list[str]]] = field(default_factory=list)


def read_notebook(path: Path) -> NotebookNode:
    """Return the notebook of a file, or say in a sentence why there is none."""
    try:
        import nbclient  # noqa: F401 - asked for here, before anything is run
        import nbformat
    except ImportError:
        raise DefinitionError(
            "Running a notebook needs nbclient, nbformat and ipykernel. Install them with:"
            " pip install 'acquisition-funnel[notebook]'."
        ) from None
    if not path.is_file():
        raise SourceError(f"No notebook at '{path}'. Write the path of an .ipynb file from where you are.")
    try:
        notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except Exception as error:  # nbformat raises errors of several libraries
        raise DataError(f"{path.name} is no notebook that can be read: {str(error).splitlines()[0]}") from None
    if notebook.metadata.get("kernelspec", {}).get("language", "python") != "python":
        raise DefinitionError(f"{path.name} is not written in Python; no other notebook can be exported.")
    return notebook


def run(notebook: NotebookNode, path: Path, *, language: str, least: int, progress: Progress | None = None) -> Run:
    """Run all cells and return them with what they show, told in `language`, counts under `least` hidden.

    `progress` is told how many code cells are done, and of how many. A cell that fails ends it with an error.
    """
    import nbformat
    from nbclient import NotebookClient

    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    numbers = _numbers(code)
    first, last = (nbformat.v4.new_code_cell() for _ in range(2))  # type: ignore[no-untyped-call]
    first.source = BEGIN.format(language=language, least=least)
    whole = nbformat.v4.new_notebook(cells=[first, *code, last], metadata=notebook.metadata)  # type: ignore[no-untyped-call]
    client = NotebookClient(
        whole, timeout=None, km=_kernel(), resources={"metadata": {"path": str(path.parent.resolve())}}
    )
    client.owns_km = True
    with client.setup_kernel(stderr=subprocess.DEVNULL):  # the engine counts its own leaks aloud as it closes
        _run_one(client, first, 0, "The export", path)
        for done, cell in enumerate(code):
            if progress:
                progress(done, len(code))
            _run_one(client, cell, done + 1, f"Cell {numbers[done]}", path)
        if progress:
            progress(len(code), len(code))
        words = set().union(*map(_words_of, code))
        last.source = FINISH.format(words=sorted(words))
        _run_one(client, last, len(code) + 1, "The export", path)
    found = next(output.data[PIECES] for output in last.outputs if PIECES in output.get("data", {}))
    _refuse(found, list(zip(numbers, code, strict=True)), path)
    facts = [(str(label), str(value), bool(is_code)) for label, value, is_code in found["facts"]]
    return Run(notebook, found["pieces"], facts, found["hidden"], [(word, names) for word, names in found["secret"]])


def _kernel() -> Any:
    """Return the manager of a kernel that is this Python, whatever kernels are installed under its name."""
    import zmq
    from ipykernel.kernelspec import make_ipkernel_cmd
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    manager = AsyncKernelManager()
    manager._kernel_spec = KernelSpec(
        argv=make_ipkernel_cmd(),
        language="python",
        display_name="Python",
        metadata={"supported_encryption": "curve"},
    )
    if zmq.has("curve"):
        manager.transport_encryption = "auto"
    return manager


def _numbers(code: list[NotebookNode]) -> list[int]:
    """Return which cell of code in the notebook each is, from 1; the one put in has the number of the one before."""
    numbers, number = [], 0
    for cell in code:
        number += INJECTED not in cell.metadata.get("tags", [])
        numbers.append(number)
    return numbers


def _run_one(client: Any, cell: NotebookNode, place: int, name: str, path: Path) -> None:
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    try:
        client.execute_cell(cell, place)
    except CellExecutionError as error:
        said = ": ".join(filter(None, [error.ename, _COLOURS.sub("", error.evalue).strip().rstrip(".")]))
        begins = next((line.strip() for line in cell.source.splitlines() if line.strip()), "")
        where = f"{name} of {path.name}" + (f", which begins with “{begins}”," if name.startswith("Cell") else "")
        raise DataError(f"{where} fails with {said}. Nothing was written.") from None
    except DeadKernelError:
        raise DataError(
            f"The Python that runs {path.name} died in {name[:1].lower()}{name[1:]}, for want of memory as a rule."
            " Nothing was written."
        ) from None


def _texts_of(cell: NotebookNode) -> list[str]:
    """Return everything that a cell shows as text."""
    streams = [output.text for output in cell.outputs if output.output_type == "stream"]
    shown = [str(output.data.get("text/plain", "")) for output in cell.outputs if "data" in output]
    return [*streams, *shown]


def _words_of(cell: NotebookNode) -> set[str]:
    """Return what a cell prints that could be somebody's number: long words, and long numbers."""
    words = {word.rstrip(".!?") for text in _texts_of(cell) for word in _WORD.findall(text)}
    return {word for word in words if len(word) >= (LONG_NUMBER if word.isdigit() else LONG_NAME)}


def _refuse(found: Mapping[str, Any], cells: list[tuple[int, NotebookNode]], path: Path) -> None:
    """Say in a sentence which cell shows what may not leave the house, if one does."""
    for number, cell in cells:
        shown = [output.data[SHOWN]["piece"] for output in cell.outputs if SHOWN in output.get("data", {})]
        shown += [piece for text in _texts_of(cell) for piece in marks(text)]
        refused = next((found["pieces"][each]["refused"] for each in shown if "refused" in found["pieces"][each]), None)
        if refused is not None:
            raise DataError(f"Cell {number} of {path.name} shows {refused}")
        if _words_of(cell) & set(found["visitors"]):
            raise DataError(
                f"Cell {number} of {path.name} prints the number of a visitor. A page shows people only added up: leave"
                " it out."
            )
