"""What was measured, without the place where it lies: its fingerprint, its size, its dates, the hash of its files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from funnel.conditions import quoted
from funnel.sources.paths import BESIDE, find_files

if TYPE_CHECKING:
    from funnel.events import Events

_CHUNK = 1 << 20


def described(events: Events, files: dict[str, Path]) -> dict[str, Any]:
    """Return what the events are; `files` are those they were read from, by the name they are listed under."""
    at = {name: getattr(events, name).astimezone(UTC).isoformat() for name in ("first_at", "last_at", "cutoff")}
    return {
        "fingerprint": events.fingerprint(),
        "rows": events.rows,
        "visitors": events.visitors,
        **at,
        "cutoff_is_default": events.cutoff_is_default,
        "timezone": events.timezone,
        "beside": {name: _beside(events, table) for name, table in sorted(events.tables.items())},
        "files": {name: sha256_of(path) for name, path in sorted(files.items())},
    }


def files_of(source: str, *tables: str) -> dict[str, Path]:
    """Return the files of a source and of the tables beside it, by their path within the folder they have in common.

    Files of one folder go by their name alone. `tables` are files of tables that do not lie beside the events.
    """
    path = Path(source).expanduser()
    found = {
        each.absolute() for each in (*find_files(source), *(file for table in tables for file in find_files(table)))
    }
    if path.is_dir():
        found |= {each.absolute() for each in _near(path)}
    folder = Path(os.path.commonpath([each.parent for each in found]))
    return {each.relative_to(folder).as_posix(): each for each in sorted(found)}


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while part := stream.read(_CHUNK):
            digest.update(part)
    return digest.hexdigest()


def _near(folder: Path) -> Iterator[Path]:
    for name in BESIDE:
        yield from (each for each in sorted(folder.glob(f"{name}.*")) if each.is_file())


def _beside(events: Events, table: str) -> dict[str, Any]:
    # One row a column of the table beside the events.
    columns = events.connection.execute(f"describe {quoted(table)}").fetchall()
    rows = events.connection.execute(f"select count(*) from {quoted(table)}").fetchall()[0][0]
    read = replace(events, name=table, columns={str(each[0]): str(each[1]) for each in columns})
    return {"rows": int(rows), "fingerprint": read.fingerprint()}
