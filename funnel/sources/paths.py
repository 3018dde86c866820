"""Which files are meant, and their first bytes."""

import gzip
import itertools
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from funnel.errors import SourceError, did_you_mean, listed

KINDS = {
    ".parquet": "Parquet",
    ".pq": "Parquet",
    ".csv": "CSV",
    ".tsv": "CSV",
    ".jsonl": "JSON",
    ".ndjson": "JSON",
    ".json": "JSON",
}
DATABASES = (".duckdb", ".ddb", ".db")
READABLE = (
    "a DuckDB file, Parquet, CSV, TSV or JSON (.jsonl, .json; text also as .gz), or a folder of files of one kind"
)
GLOB = "*?["
# Tables that may lie in the folder of the events and are none.
BESIDE = ("relays", "mentions")


def find_files(source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[Path]:
    """Return the files that are meant, in the order of their names: a file, several, a glob or a folder."""
    if not isinstance(source, str | os.PathLike):
        return sorted({path for each in source for path in find_files(each)})
    path = Path(source).expanduser()
    if path.is_dir():
        return _in_folder(path)
    if path.exists():
        return [path]
    if _is_pattern(str(path)):
        found = sorted(each for each in _fitting(path) if each.is_file())
        if found:
            return found
        raise SourceError(f"No file fits the pattern '{source}'. Check the folder and the ending.")
    folder = path.parent
    if not folder.is_dir():
        raise SourceError(f"There is no folder '{folder}', so no file '{path.name}' in it. Check the path.")
    near = sorted(each.name for each in folder.iterdir() if not each.name.startswith("."))
    raise SourceError(
        f"There is no file '{path.name}' in '{folder}'. {did_you_mean(path.name, near)}It holds: {listed(near)}."
    )


def file_kind(path: Path) -> str:
    """Return the kind of file by its ending, a `.gz` or `.zst` after it set aside."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in (".gz", ".zst"):
        suffixes.pop()
    if not suffixes or suffixes[-1] not in KINDS:
        raise SourceError(f"{path.name} is no table that can be read. Give {READABLE}.")
    return KINDS[suffixes[-1]]


def duckdb_path(path: Path) -> str:
    """Return the path as DuckDB's readers take it: characters that mean a pattern there stand for themselves."""
    return "".join(f"[{character}]" if character in GLOB else character for character in str(path))


def opened(path: Path) -> BinaryIO:
    """Open a file of text as bytes, through gzip when its name says so."""
    return cast(BinaryIO, gzip.open(path)) if path.suffix.lower() == ".gz" else path.open("rb")


def refuse_binary(path: Path) -> None:
    """Refuse a file that holds no text at all, or text that shows in its first bytes not to be UTF-8."""
    if path.suffix.lower() == ".zst":
        return
    try:
        with opened(path) as stream:
            start = stream.read(4096)
    except (OSError, EOFError):
        raise SourceError(f"{path.name} is no gzip file, although its name says so. Check the file.") from None
    if not start.strip():
        raise SourceError(f"{path.name} is empty. Give a source with at least one event.")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise SourceError(f"{path.name} is UTF-16 text. Save it as UTF-8.")
    if start.startswith((b"%PDF", b"PK\x03\x04", b"PAR1", b"\x1f\x8b", b"SQLite")) or b"\0" in start:
        raise SourceError(f"{path.name} holds no text, although its name says so. Give {READABLE}.")


def has_mixed_line_ends(path: Path) -> bool:
    r"""Return whether lines end in more than one of `\n`, `\r\n` and `\r`."""
    found: set[bytes] = set()
    with opened(path) as stream:
        for line in stream:
            plain = line.rstrip(b"\r\n")
            found.add(line[len(plain) :])
            if b"\r" in plain:
                found.add(b"\r")
    return len(found - {b""}) > 1


def _is_pattern(text: str) -> bool:
    return any(character in text for character in GLOB)


def _fitting(pattern: Path) -> Iterable[Path]:
    """Return the paths that fit a pattern, `**` standing for any number of folders."""
    fixed = list(itertools.takewhile(lambda part: not _is_pattern(part), pattern.parts))
    return Path(*fixed).glob(str(Path(*pattern.parts[len(fixed) :])))


def _in_folder(folder: Path) -> list[Path]:
    """Return `events.*` of the folder when there is one, else all its files, those of folders inside it too."""
    events = [each for each in sorted(folder.glob("events.*")) if each.is_file() and is_readable(each)]
    if len(events) == 1:
        return events
    if events:
        raise SourceError(f"The folder '{folder.name}' holds {listed(each.name for each in events)}. Give one of them.")
    within = sorted(each for each in folder.rglob("*") if each.is_file() and not each.name.startswith((".", "_")))
    within = [each for each in within if each.stem not in BESIDE] or within
    found = [each for each in within if is_readable(each)]
    if not found:
        shown = listed(each.name for each in within)
        raise SourceError(f"The folder '{folder.name}' holds no table that can be read: {shown}. Give {READABLE}.")
    return found


def is_readable(path: Path) -> bool:
    """Return whether the file's ending is one that can be read."""
    return any(suffix.lower() in (*KINDS, *DATABASES) for suffix in path.suffixes[-2:])
