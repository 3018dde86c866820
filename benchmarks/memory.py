"""One piece of work in a process of its own, so that its peak of memory is its own: `python -m benchmarks.memory`."""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.data import COLUMNS, STEPS

WORKS = ("nothing", "floor", "funnel", "journeys")


@dataclass(frozen=True)
class Peak:
    """What a piece of work took, and its answer as text."""

    seconds: float
    gigabytes: float
    answer: str


def peak(work: str, events: Path, memory_limit: str | None = None) -> Peak:
    """Do the work in a child process."""
    limit = [] if memory_limit is None else ["--memory-limit", memory_limit]
    command = [sys.executable, "-m", "benchmarks.memory", work, str(events), *limit]
    return Peak(**json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def _do(work: str, events: Path, memory_limit: str | None) -> str:
    import duckdb

    import funnel

    if work == "nothing":
        return ""
    if work == "floor":
        with duckdb.connect(events, read_only=True) as connection:
            counted = connection.sql("select visitor_id, count(*) as events from events group by all").to_arrow_table()
        return str(counted.num_rows)
    checked = funnel.connect(events, memory_limit=memory_limit)
    petition = funnel.Funnel(STEPS)
    if work == "funnel":
        return petition.measure(checked).frame.to_json(double_precision=15)
    return petition.journeys(checked, by=COLUMNS).measure(COLUMNS).frame.to_json(double_precision=15)


def gigabytes() -> float:
    """Return the peak of resident memory. On Linux ru_maxrss begins with the parent's, VmHWM does not."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024 / 1e9
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e9


def main() -> None:
    """Do one piece of work and print what it took as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=WORKS)
    parser.add_argument("events", type=Path)
    parser.add_argument("--memory-limit")
    asked = parser.parse_args()
    began = time.perf_counter()
    answer = _do(asked.work, asked.events, asked.memory_limit)
    found = {"seconds": time.perf_counter() - began, "gigabytes": gigabytes(), "answer": answer}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
