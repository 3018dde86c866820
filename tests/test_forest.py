"""The referral forest: given rows to expected trees, plain Python on random ones, the sample's truth."""

import json
import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import funnel
from funnel import ColumnError, DataError, Step
from funnel.forest import forest
from funnel.journey_table.scratch import Scratch
from tests.tables import every_table

CASES = Counter()
BEGIN = datetime(2018, 1, 14, tzinfo=UTC)
COLUMNS = ["visitor_id", "event", "minute", "referred_by", "link_id"]
SAMPLE = Path(__file__).parents[1] / "data" / "sample"


def connected(rows, columns=COLUMNS):
    """Return events given as rows, `minute` counting from the beginning; columns of nothing but None are text."""
    frame = pd.DataFrame(rows, columns=columns)
    frame["occurred_at"] = [BEGIN + timedelta(minutes=minute) for minute in frame.pop("minute")]
    for name in ("referred_by", "link_id"):
        if name in frame and frame[name].isna().all():
            frame[name] = frame[name].astype("string")
    return funnel.connect(frame)


def grown(events, *arguments, **options):
    """Return the forest as plain rows, signers by visitor and referrers by visitor, and its problems; leave no tables.

    A signer: parent, link_id, arrived, root, generation, problem, signed. A referrer: parent, link_id, arrived. Times
    are minutes from the beginning.
    """
    with Scratch(events.connection) as scratch:
        found = forest(events, *arguments, scratch=scratch, **options)
        minutes = "(%s - epoch_us(timestamptz '2018-01-14 00:00:00+00')) / 60000000"
        arrived, signed = minutes % "arrived_us", minutes % "signed_us"
        signers = f"select visitor_id, parent, link_id, {arrived}, root, generation, problem, {signed} from "
        referrers = f"select visitor_id, parent, link_id, {arrived} from "
        signers, referrers = (
            {who: tuple(rest) for who, *rest in events.connection.execute(query).fetchall()}
            for query in (signers + found.signers, referrers + found.referrers)
        )
        scratch.drop()
    return signers, referrers, dict(found.problems)


def trees(rows):
    """Return parent, root, generation and problem by signer, and the problems that are not zero."""
    signers, _, problems = grown(connected(rows))
    short = {who: (row[0], *row[3:6]) for who, row in signers.items()}
    return short, {name: count for name, count in problems.items() if count}


# Who is whose parent


def test_a_signer_hangs_from_the_visitor_who_referred_them():
    rows = [
        ("ann", "sign", 0, None, None),
        ("ann", "share", 1, None, "L"),
        ("bob", "visit", 2, "ann", "L"),
        ("bob", "sign", 3, None, None),
        ("cat", "visit", 4, "bob", None),
        ("cat", "sign", 5, None, None),
        ("dan", "visit", 6, "bob", None),
    ]
    signers, referrers, problems = grown(connected(rows))
    assert signers == {
        "ann": (None, None, None, "ann", 0, None, 0),
        "bob": ("ann", "L", 2, "ann", 1, None, 3),
        "cat": ("bob", None, 4, "ann", 2, None, 5),
    }
    assert referrers == {"bob": ("ann", "L", 2), "cat": ("bob", None, 4), "dan": ("bob", None, 6)}
    assert set(problems.values()) == {0}


def test_a_link_names_whoever_shared_it_first():
    rows = [
        ("ann", "sign", 0, None, None),
        ("zoe", "sign", 0, None, None),
        ("zoe", "share", 1, None, "L"),
        ("ann", "share", 2, None, "L"),
        ("bob", "visit", 3, None, "L"),
        ("bob", "sign", 4, None, None),
    ]
    found, problems = trees(rows)
    # Ann shares a link that is already Zoe's: after her signature, so it makes her nobody's child.
    assert found == {"ann": (None, "ann", 0, None), "bob": ("zoe", "zoe", 1, None), "zoe": (None, "zoe", 0, None)}
    assert problems == {}


def test_a_link_shared_by_two_at_one_instant_is_the_lesser_visitors():
    rows = [
        ("zoe", "sign", 0, None, None),
        ("zoe", "share", 0, None, "L"),
        ("ann", "sign", 0, None, None),
        ("ann", "share", 0, None, "L"),
        ("bob", "visit", 1, None, "L"),
        ("bob", "sign", 2, None, None),
    ]
    found, _ = trees(rows)
    assert found["bob"] == ("ann", "ann", 1, None)


def test_a_relays_link_that_nobody_shared_is_no_referral():
    found, problems = trees([("bob", "visit", 0, None, "relay-01"), ("bob", "sign", 1, None, None)])
    assert found == {"bob": (None, "bob", 0, None)}
    assert problems == {}


def test_the_referrer_wins_over_the_link_and_the_link_fills_in_for_none():
    rows = [
        ("ann", "sign", 0, None, None),
        ("ann", "share", 0, None, "A"),
        ("zoe", "sign", 0, None, None),
        ("bob", "visit", 1, "zoe", "A"),
        ("bob", "sign", 2, None, None),
        ("cat", "visit", 1, None, "A"),
        ("cat", "visit", 2, "zoe", None),
        ("cat", "sign", 3, None, None),
    ]
    found, problems = trees(rows)
    assert (found["bob"][0], found["cat"][0]) == ("zoe", "ann")
    assert problems == {"two parents": 1}


def test_the_first_link_wins_and_at_one_instant_the_lesser_parent():
    signed = [(who, "sign", 0, None, None) for who in ("ann", "zoe")]
    later = [("bob", "visit", 1, "zoe", None), ("bob", "visit", 2, "ann", None), ("bob", "sign", 3, None, None)]
    found, problems = trees(signed + later)
    assert (found["bob"][0], problems) == ("zoe", {"two parents": 1})
    tied = [(who, event, min(minute, 1), parent, link) for who, event, minute, parent, link in later]
    found, problems = trees(signed + tied)
    assert (found["bob"][0], problems) == ("ann", {"two parents": 1})


def test_what_comes_after_the_first_signature_is_no_referral_of_a_signer():
    rows = [
        ("ann", "sign", 0, None, None),
        ("bob", "sign", 1, None, None),
        ("bob", "visit", 2, "ann", None),
        ("bob", "sign", 3, "ann", None),
        ("cat", "sign", 1, "ann", None),
        ("dan", "visit", 9, "ann", None),
    ]
    signers, referrers, _ = grown(connected(rows))
    assert signers["bob"][:1] == (None,)
    assert referrers == {"cat": ("ann", None, 1), "dan": ("ann", None, 9)}


def test_without_either_column_everyone_is_a_root():
    rows = [("ann", "sign", 0), ("bob", "visit", 1), ("bob", "sign", 2)]
    signers, referrers, problems = grown(connected(rows, COLUMNS[:3]))
    assert {who: row[3:5] for who, row in signers.items()} == {"ann": ("ann", 0), "bob": ("bob", 0)}
    assert referrers == {}
    assert set(problems.values()) == {0}


def test_blank_referrers_and_links_say_nothing():
    rows = [
        ("ann", "share", 0, "", " "),
        ("ann", "sign", 0, "", ""),
        ("bob", "visit", 1, " ", " "),
        ("bob", "sign", 1, "", ""),
    ]
    found, problems = trees(rows)
    assert found == {"ann": (None, "ann", 0, None), "bob": (None, "bob", 0, None)}
    assert problems == {}


def test_steps_say_who_signs_and_what_makes_a_link_ones_own():
    rows = [
        ("ann", "pledge", 0, None, None, "fr"),
        ("ann", "invite", 1, None, "L", "fr"),
        ("bob", "visit", 2, None, "L", "fr"),
        ("bob", "pledge", 3, None, None, "fr"),
        ("cat", "pledge", 3, None, None, "en"),
    ]
    events = connected(rows, [*COLUMNS, "language"])
    signers, referrers, _ = grown(events, Step("pledge", where="language = 'fr'"), shared="invite")
    assert sorted(signers) == ["ann", "bob"]
    assert referrers == {"bob": ("ann", "L", 2)}
    assert grown(events, "pledge")[1] == {}


# The doubtful cases


def test_a_visitor_by_their_own_link_is_a_root_and_told():
    rows = [
        ("ann", "share", 0, None, "L"),
        ("ann", "visit", 1, None, "L"),
        ("ann", "sign", 2, None, None),
        ("bob", "visit", 3, "bob", None),
        ("bob", "sign", 4, None, None),
    ]
    found, problems = trees(rows)
    assert found == {"ann": (None, "ann", 0, "self-referral"), "bob": (None, "bob", 0, "self-referral")}
    assert problems == {"self-referral": 2}


def test_after_ones_own_link_the_next_one_counts():
    rows = [
        ("ann", "sign", 0, None, None),
        ("bob", "visit", 1, "bob", None),
        ("bob", "visit", 2, "ann", None),
        ("bob", "sign", 3, None, None),
    ]
    found, problems = trees(rows)
    assert found["bob"] == ("ann", "ann", 1, None)
    assert problems == {"self-referral": 1}


def test_a_parent_who_never_signed_leaves_the_child_and_all_below_in_no_tree():
    rows = [
        ("ann", "share", 0, None, "L"),
        ("bob", "visit", 1, None, "L"),
        ("bob", "sign", 2, None, None),
        ("cat", "sign", 3, "bob", None),
        ("dan", "sign", 4, "cat", None),
        ("eve", "sign", 5, "nobody", None),
    ]
    found, problems = trees(rows)
    assert found == {
        "bob": ("ann", None, None, "parent missing"),
        "cat": ("bob", None, None, "parent in no tree"),
        "dan": ("cat", None, None, "parent in no tree"),
        "eve": ("nobody", None, None, "parent missing"),
    }
    assert problems == {"parent missing": 2, "parent unknown": 1, "parent in no tree": 2}


def test_a_parent_outside_the_range_is_unknown():
    rows = [("ann", "sign", 0, None, None), ("bob", "visit", 10, "ann", None), ("bob", "sign", 11, None, None)]
    signers, _, problems = grown(connected(rows).between(BEGIN + timedelta(minutes=5), None))
    assert signers == {"bob": ("ann", None, 10, None, None, "parent missing", 11)}
    assert {name for name, count in problems.items() if count} == {"parent missing", "parent unknown"}


@pytest.mark.parametrize("minute", [2, 3])
def test_a_parent_who_signed_later_or_at_the_same_instant_is_in_no_tree_with_the_child(minute):
    rows = [
        ("bob", "sign", 2, "ann", None),
        ("ann", "sign", minute, None, None),
        ("cat", "sign", 4, "bob", None),
    ]
    found, problems = trees(rows)
    assert found == {
        "ann": (None, "ann", 0, None),
        "bob": ("ann", None, None, "parent signed later"),
        "cat": ("bob", None, None, "parent in no tree"),
    }
    assert problems == {"parent signed later": 1, "parent in no tree": 1}


def test_a_cycle_is_told_and_so_is_who_hangs_from_it():
    rows = [
        ("ann", "sign", 0, "cat", None),
        ("bob", "sign", 1, "ann", None),
        ("cat", "sign", 2, "bob", None),
        ("dan", "sign", 3, "cat", None),
        ("eve", "sign", 0, "cat", None),
        ("fay", "sign", 4, None, None),
    ]
    found, problems = trees(rows)
    assert {who: problem for who, (_, _, _, problem) in found.items()} == {
        "ann": "cycle",
        "bob": "cycle",
        "cat": "cycle",
        "dan": "parent in no tree",
        "eve": "parent signed later",
        "fay": None,
    }
    assert problems == {"cycle": 3, "parent in no tree": 1, "parent signed later": 1}


def test_a_link_used_before_it_was_shared_is_told():
    rows = [
        ("ann", "sign", 0, None, None),
        ("bob", "visit", 1, None, "L"),
        ("ann", "share", 2, None, "L"),
        ("bob", "sign", 3, None, None),
    ]
    found, problems = trees(rows)
    assert found["bob"] == ("ann", "ann", 1, None)
    assert problems == {"link used before it was shared": 1}


# Types


@pytest.mark.parametrize(
    ("visitors", "referrer", "parent"),
    [
        ([7, 8], "7", 7),
        ([7, 8], " 7 ", 7),
        ([7, 8], "7.0", 7),
        ([7, 8], "7.4", None),
        ([7, 8], "ann", None),
        ([7, 8], 7.0, 7),
        ([7, 8], 7.4, None),
        ([7, 8], float("inf"), None),
        (["7", "8"], 7, "7"),
        (["7", "8"], 7.0, "7"),
        (["07", "8"], 7, "7"),
        ([7.0, 8.0], 7, 7.0),
        ([2**62 + 1, 8], str(2**62 + 1), 2**62 + 1),
    ],
)
def test_a_referrer_is_compared_as_a_visitor_whatever_the_types(visitors, referrer, parent):
    one, other = visitors
    rows = [(one, "sign", 0), (other, "visit", 1), (other, "sign", 2)]
    frame = pd.DataFrame(rows, columns=["visitor_id", "event", "minute"])
    frame["occurred_at"] = [BEGIN + timedelta(minutes=minute) for minute in frame.pop("minute")]
    frame["referred_by"] = pd.Series([None, referrer, None], dtype="Int64" if isinstance(referrer, int) else None)
    events = funnel.connect(frame)
    signers, referrers, problems = grown(events)
    is_found = parent == one
    assert referrers == {other: (parent, None, 1)}
    assert signers[other][3:6] == ((one, 1, None) if is_found else (None, None, "parent missing"))
    assert problems["parent missing"] == problems["parent unknown"] == (0 if is_found else 1)


def test_two_referrers_of_whom_one_cannot_be_read_are_two_parents():
    rows = [(7, "sign", 0, None, None), (8, "visit", 1, "7", None), (8, "visit", 1, "ann", None)]
    found, problems = trees([*rows, (8, "sign", 2, None, None)])
    assert found[8] == (7, 7, 1, None)
    assert problems == {"two parents": 1}


def test_the_order_of_categories_decides_nothing():
    rows = [
        ("ann", "sign", 0, None, None),
        ("ann", "share", 0, None, "L"),
        ("zoe", "share", 0, None, "L"),
        ("bob", "visit", 1, "zoe", None),
        ("bob", "visit", 1, "ann", None),
        ("cat", "visit", 1, None, "L"),
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame["occurred_at"] = [BEGIN + timedelta(minutes=minute) for minute in frame.pop("minute")]
    for name in ("visitor_id", "referred_by"):
        frame[name] = pd.Categorical(frame[name], categories=["zoe", "cat", "bob", "ann"])
    events = funnel.connect(frame)
    assert events.columns["visitor_id"].startswith("ENUM")
    # Zoe's own sharing of what is Ann's names Ann.
    assert grown(events)[1] == {"bob": ("ann", None, 1), "cat": ("ann", "L", 1), "zoe": ("ann", "L", 0)}


def test_not_a_number_is_no_referrer():
    rows = """
        from (values (7, 'sign', 0, 'nan'), (8, 'visit', 1, '7'), (8, 'sign', 2, 'nan')) as t(who, event, late, parent)
        select
            who as visitor_id,
            event,
            timestamptz '2018-01-14 00:00:00+00' + to_minutes(late) as occurred_at,
            cast(parent as double) as referred_by
    """
    signers, referrers, problems = grown(funnel.connect(duckdb.connect().sql(rows)))
    assert {who: row[3:5] for who, row in signers.items()} == {7: (7, 0), 8: (7, 1)}
    assert referrers == {8: (7, None, 1)}
    assert set(problems.values()) == {0}


def test_columns_of_any_name_stand_beside():
    rows = [("ann", "sign", 0, None, None), ("bob", "visit", 1, "ann", None), ("bob", "sign", 2, None, None)]
    expected = grown(connected(rows))
    others = ["parent", "root", "given", "signed", "owners", "earliest", "events", "naming", "_events", 'we"ird; drop']
    assert grown(connected([(*row, *others) for row in rows], COLUMNS + others)) == expected


# Errors and what is left behind


def test_an_event_that_does_not_exist_is_refused():
    events = connected([("ann", "sign", 0, None, None)])
    with pytest.raises(DataError) as caught:
        grown(events, "sing")
    assert str(caught.value) == "No event is named 'sing'. Did you mean 'sign'? Known: sign (1)."
    with pytest.raises(DataError) as caught:
        grown(events, shared=Step("shares"))
    assert str(caught.value) == "No event is named 'shares'. Known: sign (1)."
    with pytest.raises(ColumnError):
        grown(events, Step("sign", where="lang = 'fr'"))


def test_only_its_two_tables_are_left():
    events = connected([("ann", "sign", 0, None, None)])
    with Scratch(events.connection) as scratch:
        found = forest(events, scratch=scratch)
        assert set(every_table(events)) == {found.signers, found.referrers}


# Plain Python on random events


def names_told(rows, visitor_of):
    """Return by visitor what their events name, own and others apart: (minute, parent, link, name, is early)."""
    signed, owners = first_signatures(rows), {}
    for who, event, minute, _, link in rows:
        if event == "share" and said(link):
            owners[link] = min(owners.get(link, (minute, who)), (minute, who))
    own, others = defaultdict(list), defaultdict(list)
    for who, event, minute, referrer, written in rows:
        link = said(written)
        shared, owner = owners.get(link, (None, None))
        if minute > signed.get(who, minute):
            continue
        if said(referrer):
            parent = visitor_of(referrer)
            named = (minute, parent, link, referrer if parent is None else str(parent), False)
        elif owner is not None and (event, owner) != ("share", who):
            named = (minute, owner, link, str(owner), minute < shared)
        else:
            continue
        (own if named[1] == who else others)[who].append(named)
    return own, others


def said(text):
    """Return the text, None when it is blank."""
    return text if text and text.strip() else None


def first_signatures(rows):
    signed = {}
    for who, event, minute, _, _ in rows:
        if event == "sign":
            signed[who] = min(signed.get(who, minute), minute)
    return signed


def earliest_first(named):
    """Order what events name by minute, parent and link, those without one last."""
    minute, parent, link, _, early = named
    return minute, parent is None, parent or 0, link is None, link or "", early


def by_hand(rows, visitor_of):
    """Return what `grown` returns, one signer at a time: up from parent to parent until there is none."""
    signed = first_signatures(rows)
    own, others = names_told(rows, visitor_of)
    first = {}
    for who, named in others.items():
        minute, parent, link, _, early = min(named, key=earliest_first)
        first[who] = (parent, link, minute, early)
    signers, problems = {}, Counter()
    for who, at in signed.items():
        parent, link, arrived, early = first.get(who, (None, None, None, False))
        root, generation, problem = climb(who, first, signed)
        if who not in first and who in own:
            problem = "self-referral"
        elif problem:
            problems[problem] += 1
        problems["parent unknown"] += problem == "parent missing" and parent not in {row[0] for row in rows}
        problems["self-referral"] += who in own
        problems["two parents"] += len({each[3] for each in others.get(who, [])}) > 1
        problems["link used before it was shared"] += early
        signers[who] = (parent, link, arrived, root, generation, problem, at)
    return signers, {who: row[:3] for who, row in first.items()}, +problems


def climb(who, first, signed):
    """Return root, generation and problem of one signer."""
    path, problem = [who], None
    while path[-1] in first:
        child, parent = path[-1], first[path[-1]][0]
        if parent == who:
            return None, None, "cycle"
        if parent not in signed:
            return None, None, "parent missing" if child == who else problem or "parent in no tree"
        if signed[parent] >= signed[child]:
            problem = problem or ("parent signed later" if child == who else "parent in no tree")
        if parent in path:
            break
        path.append(parent)
    return (None, None, problem) if problem else (path[-1], len(path) - 1, None)


def rows_of(visitors, referrers):
    row = st.tuples(
        st.sampled_from(visitors),
        st.sampled_from(["sign", "sign", "visit", "share"]),
        st.integers(0, 6),
        st.none() | st.sampled_from(referrers),
        st.sampled_from([None, None, "K", "L", "M", " "]),
    )
    # The first row makes columns of text, and an event to ask for, whatever is drawn.
    return st.lists(row, max_size=24).map(lambda rows: [(visitors[0], "sign", 6, " ", " "), *rows])


PROBLEMS = [
    "parent missing",
    "parent unknown",
    "cycle",
    "parent signed later",
    "parent in no tree",
    "self-referral",
    "two parents",
    "link used before it was shared",
]
NAMES, NUMBERS = list("abcdefgh"), list(range(1, 9))


def number_of(text):
    """Return the visitor of a number written as text."""
    return int(float(text)) if text.strip().replace(".0", "").isdigit() else None


@settings(max_examples=25)
@given(rows_of(NAMES, [*NAMES, *NAMES, "nobody", " "]), st.sets(st.sampled_from(COLUMNS[3:])))
def test_random_events_of_named_visitors_grow_as_by_hand(rows, empty):
    CASES["forests of names"] += 1
    rows = [
        (who, event, minute, " " if "referred_by" in empty else by, " " if "link_id" in empty else link)
        for who, event, minute, by, link in rows
    ]
    signers, referrers, problems = by_hand(rows, str)
    assert grown(connected(rows)) == (signers, referrers, {**dict.fromkeys(PROBLEMS, 0), **problems})


@settings(max_examples=25)
@given(rows_of(NUMBERS, ["1", "2", "3.0", " 4", "5", "6", "7", "8", "99", "x", "y", "2.5", " "]), st.randoms())
def test_random_events_of_numbered_visitors_grow_as_by_hand_in_any_order(rows, generator):
    CASES["forests of numbers"] += 1
    signers, referrers, problems = by_hand(rows, number_of)
    generator.shuffle(rows)
    assert grown(connected(rows)) == (signers, referrers, {**dict.fromkeys(PROBLEMS, 0), **problems})


def test_each_problem_comes_up_among_random_events():
    generator, met = random.Random(4), Counter()
    for _ in range(300):
        rows = [
            (
                generator.choice(NAMES),
                generator.choice(["sign", "visit", "share"]),
                generator.randrange(7),
                generator.choice([None, *NAMES, "nobody"]),
                generator.choice([None, "K", "L"]),
            )
            for _ in range(20)
        ]
        met.update(by_hand(rows, str)[2].keys())
    assert set(met) == set(PROBLEMS)


# Deep, wide, and whatever the order


def test_a_chain_of_two_thousand_generations_is_climbed():
    deep = 2_000
    rows = [(who, "sign", who, str(who - 1) if who else None, None) for who in range(deep + 1)]
    signers, _, problems = grown(connected(rows))
    assert {who: row[3:5] for who, row in signers.items()} == {who: (0, who) for who in range(deep + 1)}
    assert set(problems.values()) == {0}


@pytest.mark.parametrize("deep", [1, 2, 4, 9, 300])
def test_a_branch_of_any_length_below_a_missing_parent_or_a_cycle_is_no_cycle(deep):
    rows = [(who, "sign", who, str(who - 1), None) for who in range(1, deep + 1)]
    rows += [(1001, "sign", 0, "1002", None), (1002, "sign", 0, "1001", None)]
    rows += [(who, "sign", who, str(who - 1), None) for who in range(1003, 1003 + deep)]
    _, _, problems = grown(connected(rows))
    found = {name: count for name, count in problems.items() if count}
    below = {"parent in no tree": 2 * deep - 1}
    assert found == {"parent missing": 1, "parent unknown": 1, "cycle": 2, **below}


def test_a_cycle_of_two_thousand_ends():
    around = 2_000
    rows = [(who, "sign", 0, str((who + 1) % around), None) for who in range(around)]
    rows += [(who + around, "sign", 1, str(who), None) for who in range(around)]
    _, _, problems = grown(connected(rows))
    assert (problems["cycle"], problems["parent in no tree"]) == (around, around)


def sample_events(select="*"):
    """Return the sample's events, some of its columns, in an order of no meaning, and as one thread reads them."""
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    return funnel.connect(connection.sql(f"select {select} from '{SAMPLE / 'events.parquet'}' order by hash(event_id)"))


def test_the_sample_grows_the_generations_of_its_truth():
    truth = json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))["realised"]
    signers, referrers, problems = grown(funnel.connect(SAMPLE))
    generations = Counter(str(row[4]) for row in signers.values())
    assert generations == truth["signatures_by_generation"]
    assert len(signers) == truth["events"]["sign"]
    assert len(referrers) == truth["friends"]
    assert set(problems.values()) == {0}
    assert all(row[4] == signers[row[0]][4] + 1 and row[3] == signers[row[0]][3] for row in signers.values() if row[0])
    # The same from the links alone, as from the referrers alone but for the links' names; in another order, one thread.
    assert grown(sample_events("* exclude (referred_by)")) == (signers, referrers, problems)
    by_referrer, _, _ = grown(sample_events("* exclude (link_id)"))
    assert by_referrer == {who: (row[0], None, *row[2:]) for who, row in signers.items()}
