"""How long an experiment's answer takes on a million exposed visitors, once its journeys are built.

    python -m benchmarks.experiment                 a million compared, in four arms, three rounds
    python -m benchmarks.experiment --profile       and where the time of an answer goes

Seconds depend on the machine and on what else it does, so those of CPU are beside them; the target is for an answer and
its verdict once pandas and scipy are imported. The ratio is to pandas without any skill, in the same run, for the same
four rates.
"""

import argparse
import cProfile
import pstats
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, TypeVar

import duckdb

import funnel
from benchmarks.funnel import machine
from benchmarks.memory import gigabytes

if TYPE_CHECKING:
    import pandas

CONTROL = "thanks_only"
MOST_SECONDS_OF_A_VERDICT = 2.0
Answer = TypeVar("Answer")
# What friends add to the visitors compared, in hundredths: 12 friends of a visitor compared, 3 friends of a friend.
FRIENDS, FRIENDS_OF_FRIENDS = 12, 3


@dataclass(frozen=True)
class Took:
    """Seconds that went by, and seconds of work of all cores: on a busy machine the first are more."""

    wall: float
    processor: float


def main() -> None:
    """Read the options and run what they ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compared", type=int, default=1_000_000, metavar="N", help="visitors compared (1_000_000)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how many rounds (3)")
    parser.add_argument("--profile", action="store_true", help="show where the time of an answer goes")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()) / "funnel-benchmarks",
        help="where the events are kept for the next time (%(default)s)",
    )
    asked = parser.parse_args()
    print(machine())
    path = exposed_file(asked.folder, asked.compared)
    seconds = compare(path, asked.rounds)
    print(f"\nan answer and its verdict: {seconds:.2f} s; the target is under {MOST_SECONDS_OF_A_VERDICT:.0f} s")
    if asked.profile:
        profile(path)


def exposed_file(folder: Path, compared: int) -> Path:
    """Return a DuckDB file of events, in order of time, of so many visitors who came by themselves, and their friends.

    Everyone visits, signs and is shown one of four pages at random; a few share, click, unsubscribe. For 100 who came
    by themselves 12 are their friends, and 3 friends of those. Most bring nobody and a few bring a dozen: whose friend
    somebody is, is the cube of an even draw.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"exposed-{compared}.duckdb"
    if path.exists():
        return path
    unfinished = path.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    with duckdb.connect(unfinished) as connection:
        connection.execute("set memory_limit = '4GB'")
        given = {"compared": compared, "friends": FRIENDS, "more": FRIENDS_OF_FRIENDS}
        # One row a visitor: friends after those who may have brought them.
        connection.execute(
            """
            create temp table visitors as
            with drawn as (
                select
                    number,
                    cast($compared as bigint) as roots,
                    cast($compared as bigint) * cast($friends as bigint) // 100 as friends,
                    (hash(number, 1) % 1000003) / 1000003.0 as draw
                from range(cast($compared as bigint) * (100 + $friends + $more) // 100) as numbers(number)
            ),
            brought as (
                select
                    number,
                    case
                        when number >= roots + friends then roots + cast(floor(draw ** 3 * friends) as bigint)
                        when number >= roots then cast(floor(draw ** 3 * roots) as bigint)
                    end as referrer
                from drawn
            ),
            roots as (
                select
                    brought.number,
                    brought.referrer,
                    coalesce(above.referrer, brought.referrer, brought.number) as root,
                    case when brought.referrer is null then 0 when above.referrer is null then 1 else 2 end as depth
                from brought
                left join brought as above
                    on brought.referrer = above.number
            )
            select
                number,
                cast(hash(number, 2) >> 1 as bigint) as visitor_id,
                case when referrer is not null then cast(hash(referrer, 2) >> 1 as bigint) end as referred_by,
                1515906000 + hash(root, 3) % 1814400 + depth * 3600 + hash(number, 4) % 3000 as visited_at,
                ['thanks_only', 'share', 'partner', 'both'][1 + cast(hash(number, 5) % 4 as integer)] as variant,
                ['phone', 'computer', 'tablet'][1 + cast(hash(number, 6) % 3 as integer)] as device,
                hash(number, 7) % 1000 as shares,
                hash(number, 8) % 1000 as clicks,
                hash(number, 9) % 1000 as leaves,
                hash(number, 10) % 300000 as delay
            from roots
            """,
            given,
        )
        # One row an event.
        connection.execute(
            """
            create table events as
            with done as (
                select *, 'visit' as event, 0 as after from visitors
                union all
                select *, 'sign', 60 from visitors
                union all
                select *, 'thanks_shown', 61 from visitors
                union all
                select *, 'visit', 90000 from visitors where number % 3 = 0
                union all
                select *, 'share', 62 + delay % 600 from visitors
                where shares < map {'thanks_only': 40, 'share': 190, 'partner': 35, 'both': 160}[variant]
                union all
                select *, 'share', 700 + delay from visitors where shares < 30
                union all
                select *, 'partner_click', 62 + delay from visitors
                where clicks < map {'thanks_only': 10, 'share': 8, 'partner': 110, 'both': 80}[variant]
                union all
                select *, 'unsubscribe', 62 + delay from visitors
                where leaves < map {'thanks_only': 6, 'share': 8, 'partner': 9, 'both': 13}[variant]
            )
            select
                visitor_id,
                event,
                make_timestamptz(cast(visited_at + after as bigint) * 1000000) as occurred_at,
                case when event = 'thanks_shown' then variant end as variant,
                device,
                referred_by
            from done
            order by occurred_at, visitor_id, event
            """
        )
    unfinished.rename(path)
    return path


def question() -> funnel.Experiment:
    """Return the experiment that is asked: shares, what they bring, clicks, a guardrail and a segment."""
    return funnel.Experiment(
        "thanks_page",
        control=CONTROL,
        primary=funnel.Conversion("share"),
        secondary=[funnel.Conversion("partner_click"), funnel.Referred("sign"), funnel.Count("share")],
        guardrails=[funnel.Guardrail("unsubscribe", margin=0.005)],
        segments=["device"],
    )


def compare(path: Path, rounds: int) -> float:
    """Time an experiment's journeys and answers, and pandas; return the seconds of an answer, imports apart."""
    events = funnel.connect(path, timezone="America/Toronto")
    before = gigabytes()
    experiment = question()
    journeys, built = _timed(lambda: experiment.journeys(events))
    told, first = _timed(lambda: journeys.measure().verdict())
    print(f"\n{events.rows:,} events of {events.visitors:,} visitors; {journeys!r}\n")
    print(f"{'':30}  {'seconds':>8}  {'of CPU':>8}  (least to most seconds)")
    _row("journeys, built once", [built])
    _row("the first answer, with imports", [first])
    again = [_timed(lambda: journeys.measure().verdict())[1] for _ in range(rounds)]
    _row("an answer and its verdict", again)
    answer = journeys.measure()
    for name in ("split", "curves", "horizon", "looks", "segments", "novelty", "posterior", "plan"):
        _row(f"then: {name}()", [_timed(getattr(answer, name))[1] for _ in range(rounds)])
    highest = gigabytes()
    usual = _median(again)
    _beside_pandas(path, rounds, Took(built.wall + usual.wall, built.processor + usual.processor), answer.frame)
    print(f"\npeak memory: {before:.2f} GB with the events checked, {highest:.2f} GB after all of it\n\n{told}")
    return usual.wall


def _beside_pandas(path: Path, rounds: int, ours: Took, frame: "pandas.DataFrame") -> None:
    with duckdb.connect(path, read_only=True) as connection:
        events, read = _timed(connection.table("events").df)
        cutoff = connection.sql("select max(occurred_at) as at from events").df()["at"][0]
    tried = [_timed(lambda: shares_by_pandas(events, cutoff)) for _ in range(rounds)]
    rates, theirs = tried[0][0], _median([took for _, took in tried])
    same = all(rates[row.variant] == row.rate for row in frame[frame["outcome"] == "share"].itertuples())
    _row("pandas: reading the events", [read])
    _row("pandas: four rates", [took for _, took in tried])
    print(f"\npandas: {'the same four rates' if same else 'OTHER RATES'}, and nothing else of the answer")
    print(
        f"journeys and an answer: {ours.wall / (read.wall + theirs.wall):.2f} times pandas with its reading,"
        f" {ours.processor / (read.processor + theirs.processor):.2f} times of CPU"
    )


def shares_by_pandas(events: "pandas.DataFrame", cutoff: object) -> dict[str, float]:
    """Return by variant the share of visitors who share within three days, as one writes it without any skill."""
    import pandas

    shown = events[(events["event"] == "thanks_shown") & events["referred_by"].isna()]
    first = shown.sort_values("occurred_at").drop_duplicates("visitor_id")[["visitor_id", "occurred_at", "variant"]]
    seen = shown.groupby("visitor_id")["variant"].nunique()
    first = first[first["visitor_id"].isin(seen[seen == 1].index)]
    window = pandas.Timedelta(days=3)
    first = first[first["occurred_at"] + window <= cutoff].rename(columns={"occurred_at": "exposed_at"})
    shares = events.loc[events["event"] == "share", ["visitor_id", "occurred_at"]].merge(first, on="visitor_id")
    elapsed = shares["occurred_at"] - shares["exposed_at"]
    shared = shares.loc[(elapsed >= pandas.Timedelta(0)) & (elapsed <= window), "visitor_id"].unique()
    return dict(first["visitor_id"].isin(shared).groupby(first["variant"]).mean())


def _timed(work: Callable[[], Answer]) -> tuple[Answer, Took]:
    began, worked = time.perf_counter(), time.process_time()
    answer = work()
    return answer, Took(time.perf_counter() - began, time.process_time() - worked)


def _median(every: list[Took]) -> Took:
    return Took(median(took.wall for took in every), median(took.processor for took in every))


def _row(name: str, every: list[Took]) -> None:
    usual, walls = _median(every), [took.wall for took in every]
    spread = f"  ({min(walls):.3f} to {max(walls):.3f})" if len(walls) > 1 else ""
    print(f"{name:30}  {usual.wall:8.3f}  {usual.processor:8.3f}{spread}")


def profile(path: Path) -> None:
    """Show the functions that an answer spends its time in."""
    journeys = question().journeys(funnel.connect(path, timezone="America/Toronto"))
    journeys.measure()
    with cProfile.Profile() as watched:
        journeys.measure().verdict()
    pstats.Stats(watched).sort_stats("cumulative").print_stats("funnel", 30)


if __name__ == "__main__":
    main()
