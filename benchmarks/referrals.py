"""How long the trees of a petition and all that is read from them take, at three sizes, ten generations deep.

    python -m benchmarks.referrals                      1.25, 2.5 and 5 million signatures, each in its own process
    python -m benchmarks.referrals --signatures 1e6     a quarter, a half and the whole of a million

Seconds depend on the machine and on what else it does. What counts is that a million takes as long in the whole as in
a quarter of it. Beside it stands the same count of generations and trees by plain numpy, handed the parents as places
in an array, which the events do not say.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

import funnel
from benchmarks.funnel import machine
from benchmarks.memory import gigabytes

GENERATIONS, GROWTH = 11, 0.8
PARTS = (0.25, 0.5, 1.0)
MOST_SECONDS, MOST_GIGABYTES = 30, 4
Took = tuple[float, float]
ANSWERS = ("over_time", "offspring", "cycle", "trees")


def main() -> None:
    """Read the options; measure each size in a child process, so that its peak of memory is its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--signatures", type=count, default=5_000_000, metavar="N", help="signatures in the whole (5_000_000)"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()) / "funnel-benchmarks",
        help="where the events are kept for the next time (%(default)s)",
    )
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        print(json.dumps(measured(asked.child)))
        return
    print(machine())
    print(
        f"\n{'signatures':>11}{'checked':>9}{'measure':>9}{'answers':>9}{'in all':>9}{'of CPU':>9}{'a million':>11}",
        end="",
    )
    print(f"{'peak memory':>13}{'numpy alone':>13}")
    for part in PARTS:
        path = signatures_file(asked.folder, int(asked.signatures * part))
        command = [sys.executable, "-m", "benchmarks.referrals", "--child", str(path)]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        whole = show(found, *timed(lambda path=path: counted(path)))
    met = whole < MOST_SECONDS and found["gigabytes"] < MOST_GIGABYTES
    print(
        f"\nthe targets are {MOST_SECONDS} s in all, the check of the events apart, and {MOST_GIGABYTES} GB:", end=" "
    )
    print("met" if met else "MISSED")


def show(found: dict[str, Any], expected: dict[str, Any], alone: Took) -> float:
    """Print a row, and return the seconds of the trees and all answers: those of the check of the events apart."""
    took, signatures = found["seconds"], sum(expected["generations"])
    answers = sum(took[name][0] for name in ANSWERS)
    whole = took["measure"][0] + answers
    worked = sum(took[name][1] for name in ("measure", *ANSWERS))
    same = all(found[name] == value for name, value in expected.items())
    print(f"{signatures:>11,}{took['checked'][0]:>7.2f} s{took['measure'][0]:>7.2f} s{answers:>7.2f} s", end="")
    print(f"{whole:>7.2f} s{worked:>7.2f} s{whole / signatures * 1e6:>9.2f} s", end="")
    print(f"{found['gigabytes']:>10.2f} GB{alone[0]:>11.2f} s   {'the same' if same else 'OTHER'} numbers")
    return whole


def measured(path: Path) -> dict[str, Any]:
    """Return seconds by piece of work, imports apart, the peak of memory, and what `counted` counts."""
    import pandas  # noqa: F401
    import scipy.stats  # noqa: F401

    seconds: dict[str, Took] = {}
    events, seconds["checked"] = timed(lambda: funnel.connect(path, memory_limit="2GB"))
    result, seconds["measure"] = timed(lambda: funnel.Referrals().measure(events))
    for name in ANSWERS:
        answer, seconds[name] = timed(getattr(result, name))
    return {
        "seconds": seconds,
        "gigabytes": gigabytes(),
        "generations": result.frame["signatures"].tolist(),
        "referred": result.frame["referred"].tolist(),
        "trees": int((~result.spread.lineage.is_referred).sum()),
        "in trees": int(result.spread.lineage.sizes[~result.spread.lineage.is_referred].sum()),
        "largest": answer.frame["signatures"].tolist(),
    }


def counted(path: Path) -> dict[str, Any]:
    """Return the same from the parents, by climbing from every signer to the root, a generation at a time."""
    with duckdb.connect(path, read_only=True) as connection:
        found = connection.sql("select coalesce(parent, number) as parent from signers order by number").fetchnumpy()
    parent = np.asarray(found["parent"])
    root, generation = np.arange(len(parent)), np.zeros(len(parent), dtype=np.int64)
    while (climbing := parent[root] != root).any():
        generation += climbing
        root = parent[root]
    brought = np.bincount(generation)
    return {
        "generations": brought.tolist(),
        "referred": [*brought[1:].tolist(), 0],
        "trees": int(brought[0]),
        "in trees": len(parent),
        "largest": np.sort(np.bincount(root))[::-1][:10].tolist(),
    }


def signatures_file(folder: Path, signatures: int) -> Path:
    """Return a DuckDB file of so many signers in eleven generations, from 0 to 10, each four fifths of the one before.

    Whose friend somebody is, is the cube of an even draw from the generation before, so that few bring many. Everyone
    visits and signs; those who bring somebody, and a third of the others, share a link a minute later. Friends come by
    that link a minute before they sign, half a day to two and a half days after its sharer did; half of these visits
    also say whose. Identifiers are sparse numbers of 63 bits. The table `signers` says who is whose parent.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"signatures-{signatures}.duckdb"
    if path.exists():
        return path
    unfinished = path.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    edges = np.floor(signatures * (1 - GROWTH ** np.arange(GENERATIONS + 1)) / (1 - GROWTH**GENERATIONS))
    with duckdb.connect(unfinished) as connection:
        connection.execute("set memory_limit = '4GB'")
        # One row a signer: those who may have brought them come before.
        connection.execute(
            """
            create table signers as
            with generations as (
                select
                    unnest(range($generations)) as generation,
                    unnest($starts) as starts,
                    unnest($ends) as ends
            ),
            drawn as (
                select
                    numbers.number,
                    generations.generation,
                    above.starts as above_starts,
                    above.ends as above_ends,
                    (hash(numbers.number, 1) % 1000003) / 1000003.0 as draw
                from range($signatures) as numbers(number)
                join generations
                    on numbers.number >= generations.starts and numbers.number < generations.ends
                left join generations as above
                    on generations.generation = above.generation + 1
            )
            select
                number,
                above_starts + cast(floor(draw ** 3 * (above_ends - above_starts)) as bigint) as parent,
                cast(hash(number, 2) >> 1 as bigint) as visitor_id,
                1515906000 + generation * 129600 + hash(number, 3) % 86400 as signed_at
            from drawn
            """,
            {
                "signatures": signatures,
                "generations": GENERATIONS,
                "starts": edges[:-1].astype(int).tolist(),
                "ends": edges[1:].astype(int).tolist(),
            },
        )
        # One row an event.
        connection.execute(
            """
            create table events as
            with done as (
                select visitor_id, 'visit' as event, signed_at - 60 as second, parent, parent as shared from signers
                union all
                select visitor_id, 'sign', signed_at, null, null from signers
                union all
                select visitor_id, 'share', signed_at + 60, null, number
                from signers
                where number % 3 = 0 or number in (select parent from signers)
            )
            select
                visitor_id,
                event,
                make_timestamptz(cast(second as bigint) * 1000000) as occurred_at,
                case when parent is not null and second % 2 = 0 then cast(hash(parent, 2) >> 1 as bigint) end
                    as referred_by,
                'L' || shared as link_id
            from done
            order by occurred_at, visitor_id, event
            """
        )
    unfinished.rename(path)
    return path


def timed(work: Callable[[], Any]) -> tuple[Any, Took]:
    """Return what the work returns, and the seconds it took: by the clock, and of all cores."""
    began, worked = time.perf_counter(), time.process_time()
    answer = work()
    return answer, (time.perf_counter() - began, time.process_time() - worked)


def count(written: str) -> int:
    """Read a whole number, which may be written as 1_000_000 or 1e6."""
    return int(float(written.replace("_", "")))


if __name__ == "__main__":
    main()
