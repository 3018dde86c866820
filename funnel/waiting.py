"""Long work says that it goes on to whoever waits for it: after a second, and without leaving a trace."""

from __future__ import annotations

import contextvars
import functools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import ParamSpec, TypeVar

import duckdb

from funnel.language import Language
from funnel.language import language as language_of

PATIENCE, EVERY = 1.0, 0.5  # seconds

Answer = TypeVar("Answer")
Options = ParamSpec("Options")
Tell = Callable[[float, float | None], None]

_IS_SHOWN = contextvars.ContextVar("is_shown", default=False)


def patiently(answer: Callable[Options, Answer]) -> Callable[Options, Answer]:
    """Have a question's method of `events` show that it is at work, in the language that it answers in.

    It shows nothing where `progress=` is given: that hears of the work.
    """

    @functools.wraps(answer)
    def answered(*args: Options.args, **options: Options.kwargs) -> Answer:
        events = args[1] if len(args) > 1 else options.get("events")
        connection = getattr(events, "connection", None)  # what has none is no events: the method says so
        if connection is None or options.get("progress") is not None:
            return answer(*args, **options)
        with waiting(connection, str(options.get("language") or "en")):
            return answer(*args, **options)

    return answered


@contextmanager
def waiting(connection: duckdb.DuckDBPyConnection, language: str = "en") -> Iterator[None]:
    """Show how long the work has gone on, and how far its statement has come, where somebody can see it.

    In a notebook whose reader is there, and in an interactive shell; not in a script, nor in a notebook that is run to
    be exported. Work inside work is shown once.
    """
    place = _in_notebook if _has_reader() else _in_shell if _is_typed() else None
    if place is None or _IS_SHOWN.get():
        yield
        return
    before, over = _IS_SHOWN.set(True), threading.Event()
    # The notebook shows what a thread says under the cell whose context it has.
    watch = functools.partial(_watch, connection, language_of(language), place, over)
    watcher = threading.Thread(target=contextvars.copy_context().run, args=(watch,), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        _IS_SHOWN.reset(before)


def _watch(
    connection: duckdb.DuckDBPyConnection,
    words: Language,
    place: Callable[[Language], AbstractContextManager[Tell]],
    over: threading.Event,
) -> None:
    began = time.monotonic()
    if over.wait(PATIENCE):
        return
    with place(words) as tell:
        while True:
            tell(time.monotonic() - began, _share_done(connection))
            if over.wait(EVERY):
                return


def _share_done(connection: duckdb.DuckDBPyConnection) -> float | None:
    """Return how much of the statement that runs is done, 0 to 1; None where the engine does not say."""
    try:
        percent = connection.query_progress()
    except duckdb.Error:
        return None
    return percent / 100 if percent >= 0 else None


def _has_reader() -> bool:
    """Tell whether a notebook's kernel runs this cell for somebody who could be asked something, as no export can."""
    kernel = getattr(_shell(), "kernel", None)
    if kernel is None:
        return False
    return bool(kernel.get_parent().get("content", {}).get("allow_stdin"))


def _is_typed() -> bool:
    """Tell whether somebody types in a shell of Python or IPython."""
    return hasattr(sys, "ps1") and not hasattr(_shell(), "kernel") and sys.stderr.isatty()


def _shell() -> object:
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


@contextmanager
def _in_notebook(words: Language) -> Iterator[Tell]:
    from IPython.display import display

    def bundle(seconds: float, share: float | None) -> dict[str, str]:
        told = words.text("At work for {time}", time=words.duration(seconds))
        value = "" if share is None else f' value="{share:.3f}"'
        page = f'<label lang="{words.tag}">{told} <progress{value}></progress></label>'
        return {"text/html": page, "text/plain": told}

    shown = display(bundle(PATIENCE, None), raw=True, display_id=True)  # type: ignore[no-untyped-call]
    try:
        yield lambda seconds, share: shown.update(bundle(seconds, share), raw=True)
    finally:
        shown.update({}, raw=True)


@contextmanager
def _in_shell(words: Language) -> Iterator[Tell]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    with Progress(TextColumn("{task.description}"), BarColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def tell(seconds: float, share: float | None) -> None:
            told = words.text("At work for {time}", time=words.duration(seconds))
            bar.update(task, description=told, total=None if share is None else 1.0, completed=share or 0.0)

        yield tell
