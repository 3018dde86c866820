"""How long `funnel report` takes on the sample, in a process of its own, and which part of it takes how much.

    python -m benchmarks.report                     five rounds of the command, then one with its parts
    python -m benchmarks.report --source events.parquet

The target is 10 seconds for the command. On a machine with other work the seconds of CPU say more. Of the parts, what
counts is the share of the whole; the first that needs a library, or who brought whom, pays for those after it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.funnel import machine
from benchmarks.memory import gigabytes

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
ZONE = "America/Toronto"
MOST_SECONDS = 10.0
COMMAND = [sys.executable, "-c", "from funnel.cli import app; app()", "report"]


def main() -> None:
    """Read the options and run what they ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", default=str(SAMPLE), help="the events to report on (the sample)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="how many rounds of the command (5)")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside:
        print(json.dumps(parts(asked.source)))
        return
    print(machine())
    compare(asked.source, asked.rounds)


def compare(source: str, rounds: int) -> None:
    """Print the seconds of the command, and the parts of one run by themselves."""
    took = [command(source) for _ in range(rounds)]
    wall, work = (median(each) for each in zip(*took, strict=True))
    fewest, most = min(took)[0], max(took)[0]
    print(f"\nfunnel report, in a new process; {rounds} rounds\n")
    print(f"    {'whole command':<28}{wall:7.2f} s  ({fewest:.2f} to {most:.2f}), {work:.2f} s of CPU")
    found = subprocess.run(
        [sys.executable, "-m", "benchmarks.report", "--inside", "--source", source],
        check=True,
        capture_output=True,
        text=True,
    )
    each = json.loads(found.stdout)
    memory = each.pop("memory")
    whole = sum(each.values())
    for name, seconds in each.items():
        print(f"    {name:<28}{seconds:7.2f} s of CPU  {seconds / whole:6.1%}")
    print(f"    {'peak memory':<28}{memory:7.2f} GB")
    print(f"\nthe command: {wall:.1f} s; the target is under {MOST_SECONDS:.0f} s")


def command(source: str) -> tuple[float, float]:
    """Return the seconds that the command takes, from the start of its process to the end, and those of CPU."""
    with tempfile.TemporaryDirectory() as folder:
        began, before = time.perf_counter(), os.times()
        options = [source, "--timezone", ZONE, "--output", str(Path(folder) / "report.html")]
        subprocess.run([*COMMAND, *options], check=True, capture_output=True)
        wall, after = time.perf_counter() - began, os.times()
    return wall, sum(after[2:4]) - sum(before[2:4])


def parts(source: str) -> dict[str, float]:
    """Return the seconds of CPU of each part of a report made in this process, where nothing is imported yet."""
    seconds: dict[str, float] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        began = time.process_time()
        yield
        seconds[name] = time.process_time() - began

    with timed("imports: the command"):
        import funnel.cli
    with timed("imports: the report"):
        import funnel
        from funnel.analysis import Analysis
        from funnel.language import language
        from funnel.report import Report
        from funnel.report.measured import Measured
        from funnel.report.outline import OUTLINE
    with timed("imports: pandas, scipy"):
        import pandas  # noqa: F401
        import scipy.optimize  # noqa: F401
    with timed("imports: plotly, Babel"):
        import babel.numbers  # noqa: F401
        import plotly.graph_objects  # noqa: F401
    with timed("reading the events"):
        events = funnel.connect(source, timezone=ZONE)
        events.fingerprint()
    asked = funnel.Funnel(
        ["visit", "sign"], follow_ups=["share", "partner_click"], window="7 days", follow_up_window="3 days"
    )
    measured = Measured(events, Analysis(asked), language("en"))
    report = Report("")
    for name, part in OUTLINE.items():
        with timed(f"section: {name}"):
            report.chapters.extend(part.write(measured))
    with timed("hiding small counts, charts"):
        report.published()
    with timed("the page"):
        report.html()
    return {**seconds, "memory": gigabytes()}


if __name__ == "__main__":
    main()
