"""The folder of a run: written whole or not at all, and never over what something else wrote."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from funnel.errors import DefinitionError, SourceError, listed

MANIFEST = "manifest.json"
SCHEMA = 1
MADE_BY = "funnel run"


@contextmanager
def replaced(out: Path) -> Iterator[Path]:
    """Give an empty folder that takes the place of `out` at the end; after an error `out` is as it was.

    Refused before that: a folder that holds what no run wrote.
    """
    target = out.expanduser().resolve()
    check_ours(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        rooms = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise SourceError(f"{out} cannot be written: {error.strerror}. Give a folder in a folder of yours.") from None
    try:
        made, before = rooms / "made", rooms / "before"
        made.mkdir()
        yield made
        if target.exists():
            target.rename(before)
        try:
            made.rename(target)
        except OSError:
            if before.exists():
                before.rename(target)
            raise
    finally:
        shutil.rmtree(rooms, ignore_errors=True)


def check_ours(target: Path) -> None:
    """Refuse a target that is no folder, or one with files in it that no run wrote; what is not there may be made."""
    if not target.exists():
        return
    if not target.is_dir():
        raise SourceError(f"'{target.name}' is a file. Give the name of a folder, as -o out.")
    there = {each.relative_to(target).as_posix() for each in target.rglob("*") if not each.is_dir()}
    others = sorted(there - _written(target))
    if others:
        raise SourceError(
            f"The folder '{target.name}' holds what no run wrote: {listed(others, most=3)}."
            " Give another folder, or move these away."
        )


def manifest_of(out: Path) -> dict[str, Any]:
    """Return what a run says of itself; refuse a folder that no run wrote."""
    manifest = _read(out.expanduser())
    if manifest is None:
        raise SourceError(
            f"No run wrote '{out}': there is no {MANIFEST} of one in it. Give a folder that `funnel run` wrote."
        )
    if manifest["schema"] != SCHEMA:
        raise DefinitionError(
            f"'{out}' is of version {manifest['schema']} of what runs write; this is version {SCHEMA}."
            " Run both again with one version of the package."
        )
    return manifest


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in a folder, by its path within."""
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    return {each.relative_to(folder).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest() for each in files}


def _written(target: Path) -> set[str]:
    """Return the files that the run which made the folder wrote; none where no run made it."""
    manifest = _read(target)
    return {MANIFEST, *manifest["files"]} if manifest else set()


def _read(folder: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_ours = isinstance(manifest, dict) and manifest.get("made_by") == MADE_BY
    return manifest if is_ours else None
