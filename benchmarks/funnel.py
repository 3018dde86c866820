"""How long a funnel takes, as a multiple of the least that any query over all visitors takes, in the same run.

    python -m benchmarks.funnel                 ten million events, three rounds
    python -m benchmarks.funnel --peers         beside the peers that are installed
    python -m benchmarks.funnel --large         fifty million events, in 1 GB and without a limit: the same numbers?

Machines differ and are busy with other things, so what counts are ratios within one run: every round does all pieces
of work once, one after the other, and the median of the rounds is shown. A first round is not counted.
"""

import argparse
import importlib.metadata
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import funnel
from benchmarks.data import COLUMNS, STEPS, events_file, parquet_file
from benchmarks.memory import peak
from benchmarks.peers import FEW, installed

FLOOR = "select visitor_id, count(*) from {events} group by all"
MOST_FLOORS = 2.5
MOST_SECONDS_OF_A_BREAKDOWN = 0.15
Seconds = dict[str, list[float]]


def main() -> None:
    """Read the options and run what they ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=_count, default=10_000_000, metavar="N", help="how many events (10_000_000)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how many rounds (3)")
    parser.add_argument("--peers", action="store_true", help="other engines too, those that are installed")
    parser.add_argument(
        "--large",
        "--memory-limit-test",
        type=_count,
        nargs="?",
        const=50_000_000,
        metavar="N",
        help="only this: N events (50_000_000) in bounded memory give the same numbers",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()) / "funnel-benchmarks",
        help="where the events are kept for the next time (%(default)s)",
    )
    asked = parser.parse_args()
    print(machine())
    if asked.large:
        compare_limits(events_file(asked.folder, asked.large), asked.large)
        return
    path = events_file(asked.folder, asked.events)
    floors, breakdown = compare_floor(path, asked.rounds)
    if asked.peers:
        compare_peers(parquet_file(path), path, asked.rounds)
    show_memory(path)
    judge(floors, breakdown)


def _count(text: str) -> int:
    return int(text.replace(",", ""))


def machine() -> str:
    """Return what the figures were taken on."""
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("duckdb", "numpy", "pandas"))
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {packages}"


def compare_floor(path: Path, rounds: int) -> tuple[float, float]:
    """Time funnels beside the floor, on the same connection; return one funnel's floors and a breakdown's seconds."""
    events = funnel.connect(path)
    petition = funnel.Funnel(STEPS)
    floor = FLOOR.format(events=events.name)
    connection = events.connection
    print(f"\n{events.rows:,} events of {events.visitors:,} visitors, in order of time; {rounds} rounds")
    print(f"floor: {FLOOR.format(events='events')}, into an Arrow table\n")
    one = "one funnel, four steps with times"
    seconds = _timed(
        {
            "floor": lambda: connection.sql(floor).to_arrow_table(),
            "floor, into a temporary table": lambda: connection.execute(
                f"create or replace temp table counted as {floor}"
            ),
            "floor, its rows only counted": lambda: connection.execute(f"select count(*) from ({floor})").fetchall(),
            one: lambda: petition.measure(events),
        },
        rounds,
    )
    _show(seconds, "floor")
    floors = median(_ratios(seconds, one, "floor"))
    journeys = petition.journeys(events, by=COLUMNS)
    breakdown = "of such: by three columns"
    seconds = _timed(
        {
            "floor": lambda: connection.sql(floor).to_arrow_table(),
            "one funnel, by channel": lambda: petition.measure(events, by="channel"),
            "journeys, with three columns": lambda: petition.journeys(events, by=COLUMNS),
            "of such: the funnel": journeys.measure,
            breakdown: lambda: journeys.measure(COLUMNS),
            "20 funnels: 5 lists of steps, 4 windows": lambda: [each.measure(events) for each in _twenty()],
        },
        rounds,
    )
    print()
    _show(seconds, "floor")
    return floors, median(seconds[breakdown])


def _timed(works: dict[str, Callable[[], object]], rounds: int) -> Seconds:
    """Do all works once a round, after one round that is not timed."""
    seconds: Seconds = {name: [] for name in works}
    for counts in (False, *[True] * rounds):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            if counts:
                seconds[name].append(time.perf_counter() - began)
    return seconds


def _twenty() -> list[funnel.Funnel]:
    lists = [STEPS, STEPS[:3], STEPS[:2], ["visit", "share"], ["sign", "share", "partner_click"]]
    return [
        funnel.Funnel(steps, window=window) for steps in lists for window in ("1 hour", "1 day", "7 days", "14 days")
    ]


def _show(seconds: Seconds, unit: str) -> None:
    width = max(map(len, seconds))
    print(f"{'':{width}}  {'seconds':>8}  {'x ' + unit:>8}  (least to most)")
    for name, times in seconds.items():
        low, high = min(_ratios(seconds, name, unit)), max(_ratios(seconds, name, unit))
        ratio = median(_ratios(seconds, name, unit))
        print(f"{name:{width}}  {median(times):8.3f}  {ratio:8.2f}  ({low:.2f} to {high:.2f})")


def _ratios(seconds: Seconds, name: str, unit: str) -> list[float]:
    return [mine / theirs for mine, theirs in zip(seconds[name], seconds[unit], strict=True)]


def compare_peers(parquet: Path, path: Path, rounds: int) -> None:
    """Time the peers beside one funnel, all of them over the same Parquet file, and compare the counts."""
    petition = funnel.Funnel(STEPS)
    counts: dict[str, list[int]] = {}

    def ours(_: Path) -> list[int]:
        return list(petition.measure(funnel.connect(parquet)).frame["visitors"])

    def counting(name: str, run: Callable[[Path], list[int]]) -> Callable[[], None]:
        return lambda: counts.update({name: run(parquet)})

    peers = installed()
    runs = {"funnel": ours, **{peer.name: peer.run for peer in peers}}
    print("\nthe same events as Parquet, read and counted; only funnel gives the times of the steps\n")
    _show(_timed({name: counting(name, run) for name, run in runs.items()}, rounds), "funnel")
    few = list(petition.measure(funnel.connect(path).where(f"visitor_id % {FEW} = 0")).frame["visitors"])
    print("\nvisitors who reached each step\n")
    print(f"funnel: {_listed(counts['funnel'])}; of 1/{FEW} of the visitors: {_listed(few)}")
    for peer in peers:
        same = counts[peer.name] == (few if peer.is_shown_few else counts["funnel"])
        print(f"{peer.name}: {'the same' if same else _listed(counts[peer.name])}")


def _listed(counts: list[int]) -> str:
    return ", ".join(f"{count:,}" for count in counts)


def show_memory(path: Path) -> None:
    """Show the peak of memory of each piece of work, in a process of its own."""
    print("\npeak memory, each in a process of its own\n")
    for work, name in (("nothing", "imports"), ("floor", "floor"), ("funnel", "one funnel"), ("journeys", "journeys")):
        print(f"{name:12}  {peak(work, path).gigabytes:5.2f} GB")


def compare_limits(path: Path, events: int) -> None:
    """Show that a limit on memory is kept and changes no number."""
    print(f"\n{events:,} events, without a limit and with memory_limit='1GB'\n")
    for work, name in (("funnel", "one funnel"), ("journeys", "journeys, by three columns")):
        free, bound = peak(work, path), peak(work, path, "1GB")
        same = "the same numbers" if free.answer == bound.answer else "DIFFERENT NUMBERS"
        print(
            f"{name:28}  {free.seconds:6.1f} s {free.gigabytes:5.2f} GB    "
            f"{bound.seconds:6.1f} s {bound.gigabytes:5.2f} GB    {same}"
        )


def judge(floors: float, breakdown: float) -> None:
    """Say whether the targets are met."""
    print(f"\none funnel: {floors:.2f} floors; the target is at most {MOST_FLOORS}")
    print(f"breakdown: {breakdown * 1000:.0f} ms; the target is under {MOST_SECONDS_OF_A_BREAKDOWN * 1000:.0f} ms")


if __name__ == "__main__":
    main()
