"""What the commands say: tables, errors in the words one types here, and that something is under way."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from funnel.errors import FunnelError

if TYPE_CHECKING:
    from funnel.pages import Table as Told


def print_table(table: Told) -> None:
    """Print a table as wide as the terminal, or wide enough for most where there is none."""
    from funnel.sections.printed import WIDE, printed

    width = shutil.get_terminal_size((WIDE, 0)).columns if sys.stdout.isatty() else WIDE
    typer.echo(printed(table, width=width) + "\n")


def say(sentence: str) -> None:
    """Say something beside what was asked for."""
    typer.echo(sentence, err=True)


@contextmanager
def sentences(to_name: str = "") -> Iterator[None]:
    """Say an error of ours as one types it here and end with code 1; `to_name` are the options that name events."""
    try:
        yield
    except FunnelError as error:
        told = as_typed(str(error))
        if to_name and told.startswith("No event is named "):
            told += f" Name yours with {to_name}."
        say(f"Error: {told}")
        raise typer.Exit(1) from None


# Arguments that are an option here, with the text or number they are given.
OPTIONS = (
    "timezone|cutoff|table|window|follow_up_window|where|memory_limit|name|control|primary|exposure|variant|looks"
    "|planned|referred|two_variants|interval|assignment|baseline|lift|difference|variants|power|alpha|correction|formula"
    "|downstream|launched_at|who|before|effect|baseline|signers"
)
VARIANT_SHARES = r"(?:shares=)?\{((?:'[^']*': [\d.]+(?:, )?)+)\}"


def as_typed(sentence: str) -> str:
    """Return an error's advice as one types it here: --timezone UTC for timezone='UTC'."""
    for pattern, put in (
        (r'events\.where\("([^"]*)"\)', lambda found: f"--where {shlex.quote(found[1])}"),
        (r"columns=\{([^}]*)\}", lambda found: _pairs(found[1], "--column {}={}", " ")),
        (VARIANT_SHARES, lambda found: "--shares " + _pairs(found[1], "{}={}", ",")),
        (r"segments=\['([^']*)'\]", lambda found: f"--segments {shlex.quote(found[1])}"),
        (r"`(segments|shares)`", lambda found: f"--{found[1]}"),
        (r"\bReferred\('([^']*)'\)", lambda found: f"referred:{found[1]}"),
        (", or a Step with a name of its own", lambda _: ""),
        (r"as funnel\.required_visitors\(\.\.\.\)\.total", lambda _: "as `funnel plan` says"),
        (rf"\b({OPTIONS})=(?:'([^']*)'|(-?\d+(?:\.\d+)?))", _option),
        (rf"\b({OPTIONS})=(?=[\s.,:;?]|$)", lambda found: f"--{found[1].replace('_', '-')}"),
    ):
        sentence = re.sub(pattern, put, sentence)
    return sentence


def _option(found: re.Match[str]) -> str:
    value = shlex.quote(found[2]) if found[2] is not None else found[3]
    return f"--{found[1].replace('_', '-')} {value}"


def _pairs(written: str, form: str, between: str) -> str:
    """Return the pairs of a dictionary that is written out, each in a form of its own."""
    return between.join(form.format(key, value) for key, value in re.findall(r"'([^']*)': '?([^',}]*)'?", written))


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Show that something is under way, in a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{what} ..."):
        yield


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None] | None]:
    """Show a growing count, in a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{what} ...") as status:
        yield lambda done: status.update(f"{what}: {done:,} events")


@contextmanager
def fraction(what: str) -> Iterator[Callable[[float], None] | None]:
    """Show a bar, in a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda share: bar.update(task, completed=share)
