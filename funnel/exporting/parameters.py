"""The parameters of a notebook: names in the one cell tagged `parameters`, whose values may be given from outside.

As papermill has it: the cell stays as it is, and one with the other values is put after it.
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnel.errors import DefinitionError, did_you_mean, listed

if TYPE_CHECKING:
    from nbformat import NotebookNode

TAG, INJECTED = "parameters", "injected-parameters"
TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list written as JSON",
    dict: "an object written as JSON",
}


def pairs(written: Sequence[str]) -> dict[str, str]:
    """Return what was typed as name=value, by name; the last one of a name holds."""
    bare = next((each for each in written if "=" not in each), None)
    if bare is not None:
        raise DefinitionError(f"The parameter '{bare}' has no value. Write it as -p {bare}=VALUE.")
    return {name.strip(): value for name, _, value in (each.partition("=") for each in written)}


def with_parameters(notebook: NotebookNode, asked: Mapping[str, str], path: Path) -> dict[str, Any]:
    """Put the values asked for into the notebook, in a cell after its own, and return all its parameters by name.

    A value is read as the type that the parameter has now; where it has none yet (None), as JSON where it is that, and
    as text otherwise. A parameter that names a file or folder is a path: one that is asked for is read from where it is
    typed, unless nothing is there.
    """
    place = _place(notebook, path)
    if place is None:
        if asked:
            raise DefinitionError(
                f"{path.name} has no cell tagged 'parameters', so that nothing can be set in it with -p. Tag the cell"
                " that gives them their values (in JupyterLab: Property Inspector, Cell Tags)."
            )
        return {}
    known = _assigned(notebook.cells[place].source, path)
    unknown = next((name for name in asked if name not in known), None)
    if unknown is not None:
        raise DefinitionError(
            f"{path.name} has no parameter '{unknown}'. {did_you_mean(unknown, known)}Known: {listed(known)}."
        )
    values = {name: _from_here(_read(name, written, known[name]), known[name], path) for name, written in asked.items()}
    if values:
        import nbformat

        lines = "\n".join(f"{name} = {value!r}" for name, value in values.items())
        cell: Any = nbformat.v4.new_code_cell(lines, metadata={"tags": [INJECTED]})  # type: ignore[no-untyped-call]
        notebook.cells.insert(place + 1, cell)
    return {**known, **values}


def _place(notebook: NotebookNode, path: Path) -> int | None:
    places = [number for number, cell in enumerate(notebook.cells) if TAG in cell.metadata.get("tags", [])]
    if len(places) > 1:
        raise DefinitionError(f"{path.name} has {len(places)} cells tagged 'parameters'. Put all of them in one.")
    return places[0] if places else None


def _assigned(source: str, path: Path) -> dict[str, Any]:
    """Return the names that a cell gives a plain value, in order."""
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise DefinitionError(
            f"The cell of parameters in {path.name} cannot be read: {error.msg}, line {error.lineno} of the cell."
        ) from None
    found = {}
    for statement in statements:
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
            continue
        try:
            found[statement.targets[0].id] = ast.literal_eval(statement.value)
        except ValueError:
            continue
    return found


def _read(name: str, written: str, now: Any) -> Any:
    """Return what was typed as the type of the value that is there now."""
    kind = type(now)
    if now is None or kind is str:
        return _json_or_text(written) if now is None else written
    try:
        if kind is bool:
            return TRUTHS[written.strip().lower()]
        value = kind(written) if kind in (int, float) else json.loads(written)
        if kind not in (int, float) and not isinstance(value, kind):
            raise ValueError
    except (KeyError, ValueError):
        example = str(now).lower() if isinstance(now, bool | int | float) else f"'{json.dumps(now)}'"
        raise DefinitionError(
            f"The parameter '{name}' is {KINDS.get(kind, kind.__name__)}; got '{written}'. Write for example"
            f" -p {name}={example}."
        ) from None
    return value


def _json_or_text(written: str) -> Any:
    if written in ("None", ""):
        return None
    try:
        return json.loads(written)
    except ValueError:
        return written


def _from_here(value: Any, now: object, path: Path) -> Any:
    """Return a path as it reads from the notebook's folder, where it was typed as one from the current folder."""
    if not (isinstance(value, str) and isinstance(now, str) and now and value) or Path(value).is_absolute():
        return value
    is_path = (path.parent / now).exists()
    return Path(os.path.relpath(value, path.parent)).as_posix() if is_path and Path(value).exists() else value
