"""The exposed and what they did: given rows, a recount in plain Python on random ones, and laws that always hold."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import funnel
from funnel import Conversion, Count, DataError, Experiment, Funnel, Guardrail, Ratio, Referred, Step, Value
from funnel.curves import local_day
from funnel.statements import column
from tests.experiment_oracle import FIELDS, Asked, Rules, expected_refusal, recount
from tests.tables import tables_left

CASES = Counter()
BEGIN = datetime(2018, 1, 14, tzinfo=UTC)
TEXTS = ("visitor_id", "event", "variant", "experiment", "referred_by", "link_id", "device")


def connected(rows, *, cutoff=None, fields=FIELDS, begin=BEGIN):
    """Return events given as rows of `fields`, complete to a minute."""
    return funnel.connect(framed(rows, fields, begin), cutoff=None if cutoff is None else at(cutoff, begin))


def framed(rows, fields=FIELDS, begin=BEGIN):
    frame = pd.DataFrame(rows, columns=list(fields))
    frame["occurred_at"] = [at(minute, begin) for minute in frame.pop("minute")]
    for name in frame.columns.intersection(TEXTS):
        frame[name] = frame[name].astype("string")
    if "value" in frame:
        frame["value"] = frame["value"].astype("float64")
    return frame


def at(minute, begin=BEGIN):
    return begin + timedelta(minutes=minute)


def row(who, event, minute, variant=None, **more):
    """Return one row; an exposure belongs to the experiment "page" unless told otherwise."""
    told = {"visitor_id": who, "event": event, "minute": minute, "variant": variant} | more
    if told["event"] == "shown":
        told.setdefault("experiment", "page")
    return tuple(told.get(name) for name in FIELDS)


# A visitor of each arm whose window is over whatever is drawn, and one of no experiment who knows every event.
ALWAYS = [
    row("A", "shown", 0, "a"),
    row("A", "click", 0),
    row("B", "shown", 0, "b"),
    *(row("Z", event, 0) for event in ("visit", "sign", "share", "click", "leave")),
]


def named(*events):
    return lambda row: row["event"] in events


def on_phone(row):
    return row["event"] == "click" and row["device"] == "phone"


def asked_of(window):
    """Return the outcomes of `question`, for the recount; windows in minutes."""
    return [
        Asked("click", "share", named("click"), window),
        Asked("share per visitor", "count", named("share"), window),
        Asked("sign brought", "brought", named("sign"), window),
        Asked("sign brought directly", "brought", named("sign"), window, generations=1),
        Asked("click per share", "ratio", named("click"), 2, over=named("share")),
        Asked("value per visitor", "value", named("click"), window),
        Asked("on a phone", "share", on_phone, 4),
        Asked("visit brought", "brought", named("visit"), 3),
        Asked("visit brought directly", "brought", named("visit"), 3, generations=1),
        Asked("click or share", "share", named("click", "share"), 1),
        Asked("leave", "share", named("leave"), 1),
    ]


def question(window, **options):
    return Experiment(
        "page",
        control="a",
        exposure="shown",
        window=f"{window} minutes",
        primary=Conversion("click"),
        secondary=[Count("share"), Referred("sign"), Ratio("click", "share", window="2 minutes"), Value(event="click")],
        exploratory=[
            Conversion(Step("click", where="device = 'phone'", name="on a phone"), window="4 minutes"),
            Referred("visit", window="3 minutes"),
            Conversion(Step(["click", "share"]), window=timedelta(minutes=1)),
        ],
        guardrails=[Guardrail("leave", margin=0.01, window="1 minute")],
        **{"segments": ["device"]} | options,
    )


def plain(cells):
    return {
        key: {
            label: (
                cell.visitors,
                cell.pending,
                cell.total,
                cell.squares,
                cell.denominator,
                cell.denominator_squares,
                cell.products,
            )
            for label, cell in measured.items()
        }
        for key, measured in cells.items()
    }


def counted(found):
    counts = vars(found.counts)
    return {name: count for name, count in counts.items() if name != "before"}, counts["before"]


@st.composite
def campaigns(draw):
    """Draw rows, window and cutoff: ties at almost every minute, exposures of other experiments and of no variant."""
    window, cutoff, visitors = draw(st.integers(1, 4)), draw(st.integers(4, 12)), draw(st.integers(40, 150))
    return ALWAYS + drawn(visitors, draw(st.integers(0, 2**32))), window, cutoff


NOISE = {
    "event": ["shown", "visit", "sign", "share", "click", "leave"],
    "variant": [*"aabc", None],
    "experiment": ["page", "page", "other", None],
    "link_id": [*[None] * 8, "K", "L", "M"],
    "device": ["phone", "tablet", None],
    "value": [None, 0.0, 2.5, -1.25, 1000.000001],
}


def drawn(visitors, seed):
    """Return rows of many visitors: each comes, often by another's link, signs, sees a variant and does more."""
    generator = random.Random(seed)
    rows = []
    for number in range(visitors):
        who, begin = f"v{number:03}", generator.randrange(9)
        others = ["A", "B", "nobody", " ", *(f"v{other:03}" for other in range(max(number - 6, 0), number + 2))]
        shown = {"event": "shown", "experiment": "page", "variant": generator.choice("aabbc"), "link_id": None}
        told = [
            {"event": "visit", "referred_by": generator.choice([None, generator.choice(others)]), "link_id": None},
            {"event": "sign", "link_id": None},
            shown,
            *({} for _ in range(generator.randrange(6))),
        ]
        for each in told:
            noise = {name: generator.choice(values) for name, values in NOISE.items()}
            later = generator.randrange(1 + 2 * ("event" in each) + 6 * ("event" not in each))
            rows.append(row(**{"who": who, "minute": begin + later} | noise | each))
    return rows


ANSWERS = st.sampled_from(["leave_out", "first"]), st.sampled_from(["again", "again", "inherit"])


@settings(max_examples=10)
@given(campaigns(), *ANSWERS)
def test_random_experiments_are_counted_as_by_hand(campaign, two_variants, referred):
    check(campaign, two_variants, referred)


@pytest.mark.slow
@settings(max_examples=300)
@given(campaigns(), *ANSWERS)
def test_many_more_random_experiments_are_counted_as_by_hand(campaign, two_variants, referred):
    check(campaign, two_variants, referred)


def check(campaign, two_variants, referred):
    rows, window, cutoff = campaign
    told = recount(rows, Rules(asked_of(window), cutoff, two_variants=two_variants))
    asked = question(window, two_variants=two_variants, referred=referred)
    events = connected(rows, cutoff=cutoff)
    variants = {unit.variant for unit in told.units.values()}
    CASES["experiments"] += 1
    if variants == {"a"} or expected_refusal(told, len(variants), referred=referred):
        with pytest.raises(DataError):
            asked.journeys(events)
        return
    CASES["visitors of experiments"] += len(told.units)
    found = asked.journeys(events).found
    assert plain(found.cells()) == told.cells
    assert counted(found) == (told.counts, told.before)
    by_device = recount(
        rows, Rules(asked_of(window), cutoff, two_variants=two_variants), group=lambda unit: (unit.device,)
    )
    assert plain(found.cells(column("by_0"))) == by_device.cells


# Laws

MANY, CUTOFF = ALWAYS + drawn(90, 7), 9


def answered(events, **options):
    """Return cells, overall and by device, and what was counted beside them."""
    found = question(3, **options).journeys(events).found
    return plain(found.cells()), plain(found.cells(column("by_0"))), counted(found), found.variants


@pytest.fixture(scope="module")
def usual():
    return answered(connected(MANY, cutoff=CUTOFF))


def test_the_campaign_of_these_laws_is_counted_as_by_hand(usual):
    rules = Rules(asked_of(3), CUTOFF)
    told, by_device = (recount(MANY, rules, group=group) for group in (lambda unit: (), lambda unit: (unit.device,)))
    assert usual == (told.cells, by_device.cells, (told.counts, told.before), ("a", "b", "c"))
    assert any(cell["sign brought"][2] for cell in told.cells.values())


def test_the_order_of_the_rows_and_the_threads_that_read_them_change_nothing(usual):
    shuffled = random.Random(3).sample(MANY, len(MANY))
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    connection.register("rows", framed(shuffled))
    assert answered(funnel.connect(connection.sql("select * from rows"), cutoff=at(CUTOFF))) == usual


def test_how_the_rows_are_split_over_files_changes_nothing(usual, tmp_path):
    parts = [MANY[:50], MANY[50:300], MANY[300:]]
    paths = [tmp_path / f"part{number}.parquet" for number, _ in enumerate(parts)]
    for path, part in zip(paths, parts, strict=True):
        framed(part).to_parquet(path)
    assert answered(funnel.connect(paths, cutoff=at(CUTOFF))) == usual


def test_years_later_everything_is_the_same(usual):
    assert answered(connected(MANY, cutoff=CUTOFF, begin=BEGIN + timedelta(days=4_000, hours=5))) == usual


def test_events_of_no_outcome_and_events_after_the_cutoff_change_nothing(usual):
    more = [row(f"v{number:03}", "scroll", number % 12, "b", device="phone", value=7.0) for number in range(90)]
    late = [row(f"v{number:03}", "click", CUTOFF + 1) for number in range(90)]
    assert answered(connected(MANY + more + more + late, cutoff=CUTOFF)) == usual


def test_events_told_twice_change_counts_but_no_shares(usual):
    twice = answered(connected(MANY + MANY, cutoff=CUTOFF))
    for variant, cells in usual[0].items():
        for label, cell in cells.items():
            visitors, pending, total, squares, *_ = twice[0][variant][label]
            times = 2 if label in ("share per visitor", "value per visitor", "click per share") else 1
            assert (visitors, pending, total, squares) == (*cell[:2], times * cell[2], times**2 * cell[3])


def test_groups_and_days_add_up_to_the_whole():
    found = question(3).journeys(connected(MANY, cutoff=CUTOFF)).found
    for group in (column("by_0"), local_day(found.events, column("exposed_at")), column("visitor_id")):
        sums = {}
        for (variant, _), cells in plain(found.cells(group)).items():
            so_far = sums.setdefault((variant,), dict.fromkeys(cells, (0,) * 7))
            for label, cell in cells.items():
                so_far[label] = tuple(map(sum, zip(so_far[label], cell, strict=True)))
        assert sums == plain(found.cells())


def test_a_referred_visitor_never_counts_whatever_they_do(usual):
    friends = []
    for number in range(40):
        who, by = f"w{number}", f"v{number:03}"
        friends.append(row(who, "visit", 0, referred_by=by))
        friends += [row(who, event, 1, "ab"[number % 2], device="phone") for event in ("shown", "click", "leave")]
    cells, by_device, (counts, before), _ = answered(connected(MANY + friends, cutoff=CUTOFF))
    for found, whole in ((cells, usual[0]), (by_device, usual[1])):
        kept = {
            key: {label: cell for label, cell in each.items() if "brought" not in label} for key, each in found.items()
        }
        assert kept == {
            key: {label: cell for label, cell in each.items() if "brought" not in label} for key, each in whole.items()
        }
    assert counts["referred"] == usual[2][0]["referred"] + 40
    assert before == usual[2][1]


def test_a_share_is_the_funnel_from_the_exposure_within_the_same_window():
    """Where a visitor saw one variant and came alone, a follow-up of the exposure is a conversion."""
    units = recount(MANY, Rules(asked_of(3), CUTOFF)).units
    events = connected([each for each in MANY if each[0] in units], cutoff=CUTOFF)
    cells = question(3).journeys(events).found.cells()
    shown = Step("shown", where="experiment = 'page' and variant is not null")
    walked = Funnel([shown], follow_ups=["click"], entry="first", follow_up_window="3 minutes")
    frame = walked.measure(events, by="variant").frame.set_index(["variant", "step"])
    assert len(cells) == 3
    for (variant,), measured in cells.items():
        cell = measured["click"]
        assert frame.loc[(variant, "shown"), "visitors"] == cell.visitors + cell.pending
        assert frame.loc[(variant, "click"), "step_rate"] == cell.total / cell.visitors


# By given rows


def small(rows, primary, **options):
    """Return the cells of the first outcome and what was counted, for two arms and a window of 3 minutes."""
    others = {"control": "a", "exposure": "shown", "window": "3 minutes"}
    found = Experiment("page", primary=primary, **others | options).journeys(connected(rows, cutoff=9)).found
    label = found.design.measures[0].label
    cells = {variant: found.cells()[(variant,)][label] for variant in found.variants}
    return {variant: (cell.visitors, cell.pending, cell.total) for variant, cell in cells.items()}, found.counts


PAIR = [row("ann", "shown", 0, "a"), row("bob", "shown", 0, "b")]


@pytest.mark.parametrize(("minute", "converted"), [(0, 0), (1, 1), (2, 1), (4, 1), (5, 0)])
def test_an_outcome_counts_from_the_exposure_to_the_windows_end_both_included(minute, converted):
    rows = [
        row("ann", "shown", 1, "a"),
        row("bob", "shown", 1, "b"),
        row("bob", "click", 1),
        row("ann", "click", minute),
    ]
    cells, counts = small(rows, Conversion("click"))
    assert cells == {"a": (1, 0, converted), "b": (1, 0, 1)}
    assert counts.before == ({"click": 1} if minute == 0 else {})


@pytest.mark.parametrize(("minute", "pending"), [(5, 0), (6, 0), (7, 1), (9, 1)])
def test_a_window_is_over_when_its_end_is_the_cutoff_and_pending_after(minute, pending):
    rows = [*PAIR, row("cat", "shown", minute, "b"), row("cat", "click", minute)]
    cells, _ = small(rows, Conversion("click"))
    assert cells == {"a": (1, 0, 0), "b": (2 - pending, pending, 1 - pending)}


def test_who_saw_two_variants_is_left_out_or_counted_with_the_first():
    rows = [*PAIR, row("cat", "shown", 1, "b"), row("cat", "shown", 2, "a"), row("cat", "click", 3)]
    left_out, counts = small(rows, Count("click"))
    first, _ = small(rows, Count("click"), two_variants="first")
    assert left_out == {"a": (1, 0, 0), "b": (1, 0, 0)}
    assert first == {"a": (1, 0, 0), "b": (2, 0, 1)}
    assert counts.several == 1


def test_a_second_exposure_to_the_same_variant_opens_no_second_window():
    rows = [*PAIR, row("bob", "shown", 2, "b"), row("bob", "click", 3), row("bob", "click", 4)]
    assert small(rows, Count("click"))[0] == {"a": (1, 0, 0), "b": (1, 0, 1)}


def test_friends_and_their_friends_are_credited_to_the_visitor_at_the_root():
    """Bob brings Cat, who brings Dan: two for Bob, though Cat and Dan saw the other variant; Eve signs too late."""
    rows = [*PAIR, *(row(who, "sign", 0) for who in ("ann", "bob"))]
    for who, by, minute in (("cat", "bob", 1), ("dan", "cat", 3), ("eve", "dan", 4)):
        rows += [row(who, "sign", minute, referred_by=by), row(who, "shown", minute, "a")]
    whole, counts = small(rows, Referred("sign"))
    assert whole == {"a": (1, 0, 0), "b": (1, 0, 2)}
    assert (counts.referred, counts.known_referrer, counts.crossed) == (3, 3, 1)
    found = Experiment("page", control="a", exposure="shown", window="3 minutes", primary=Referred("sign")).journeys(
        connected(rows, cutoff=9)
    )
    assert found.found.cells()[("b",)]["sign brought directly"].total == 1


def test_the_first_link_wins_and_a_link_belongs_to_whoever_posted_it_first():
    """Cat comes by Bob's link, then by Ann's: Bob's. The events that make a link one's own are named by `shared`."""
    rows = [*PAIR, *(row(who, "sign", 0) for who in ("ann", "bob"))]
    rows += [row("bob", "post", 1, link_id="K"), row("ann", "post", 1, link_id="L"), row("ann", "post", 2, link_id="K")]
    rows += [row("cat", "visit", 2, link_id="K"), row("cat", "visit", 3, link_id="L"), row("cat", "sign", 3)]
    assert small(rows, Referred("sign", shared="post"))[0] == {"a": (1, 0, 0), "b": (1, 0, 1)}
    assert small(rows, Referred("sign"))[0] == {"a": (1, 0, 0), "b": (1, 0, 0)}


def test_one_who_was_exposed_before_a_friends_link_reached_them_came_alone():
    rows = [*PAIR, row("cat", "shown", 1, "b"), row("cat", "visit", 2, referred_by="ann")]
    rows += [row("dan", "shown", 2, "b"), row("dan", "visit", 2, referred_by="ann")]
    cells, counts = small(rows, Count("visit"))
    assert cells == {"a": (1, 0, 0), "b": (2, 0, 1)}
    assert counts.referred == 1


def test_without_a_column_of_experiments_every_exposure_counts():
    fields = [name for name in FIELDS if name != "experiment"]
    rows = [tuple(each[FIELDS.index(name)] for name in fields) for each in MANY]
    found = question(3).journeys(connected(rows, cutoff=CUTOFF, fields=fields)).found
    told = recount(MANY, Rules(asked_of(3), CUTOFF, has_names=False))
    assert plain(found.cells()) == told.cells
    assert counted(found) == (told.counts, told.before)


def test_values_are_summed_exactly_in_millionths():
    """Ten tenths are one, and a third is cut at the sixth decimal."""
    rows = [*PAIR, *(row("bob", "give", 1, value=0.1) for _ in range(10)), row("ann", "give", 1, value=1 / 3)]
    assert small(rows, Value())[0] == {"a": (1, 0, 333_333), "b": (1, 0, 1_000_000)}


def test_an_experiments_tables_go_when_they_are_dropped_or_forgotten():
    events = connected(MANY, cutoff=CUTOFF)
    trial = question(3).journeys(events)
    assert tables_left(events) == [trial.found.units]
    trial.found.drop()
    assert not tables_left(events)


def test_a_condition_on_an_outcome_may_be_a_mapping():
    rows = [*PAIR, row("ann", "click", 1, device="phone"), row("bob", "click", 1, device="tablet")]
    asked = [Conversion(Step("click", where={"device": device}, name=device)) for device in ("phone", "tablet")]
    assert small(rows, asked[0], secondary=asked[1:])[0] == {"a": (1, 0, 1), "b": (1, 0, 0)}
    assert small(rows, Referred(Step("click", where={"device": ["phone"]})))[0] == {"a": (1, 0, 0), "b": (1, 0, 0)}


def test_an_event_without_a_value_is_no_value_before_the_exposure():
    rows = [
        row("ann", "shown", 1, "a"),
        row("bob", "shown", 1, "b"),
        row("bob", "visit", 0),
        row("bob", "give", 2, value=2),
    ]
    cells, counts = small(rows, Value())
    assert cells == {"a": (1, 0, 0), "b": (1, 0, 2_000_000)}
    assert counts.before == {}


def test_values_that_cancel_out_are_values_after_the_exposure():
    rows = [row("ann", "shown", 1, "a"), row("bob", "shown", 1, "b"), row("bob", "give", 0, value=1)]
    rows += [row("bob", "give", 2, value=5), row("bob", "give", 3, value=-5)]
    assert small(rows, Value())[0] == {"a": (1, 0, 0), "b": (1, 0, 0)}


def test_an_exposure_to_another_experiment_makes_nobody_come_alone():
    """Cat sees another experiment, comes back by Ann's link, then sees this one: referred, condition or not."""
    rows = [*PAIR, row("cat", "shown", 0, "z", experiment="other"), row("cat", "visit", 1, referred_by="ann")]
    rows += [row("cat", "shown", 2, "a"), row("bob", "click", 1)]
    for exposure in ("shown", Step("shown", where="visitor_id is not null")):
        cells, counts = small(rows, Conversion("click"), exposure=exposure)
        assert cells == {"a": (1, 0, 0), "b": (1, 0, 1)}
        assert counts.referred == 1


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_value_that_is_no_number_is_refused_or_nothing(value):
    connection = duckdb.connect()
    connection.register("rows", framed([*PAIR, row("bob", "give", 1, value=2)]))
    relation = connection.sql(f"select * replace (if(event = 'give', '{value}'::double, value) as value) from rows")
    events = funnel.connect(relation, cutoff=at(9))
    asked = Experiment("page", control="a", exposure="shown", window="3 minutes", primary=Value())
    if value == "nan":
        assert asked.journeys(events).found.cells()[("b",)]["value per visitor"].total == 0
    else:
        with pytest.raises(DataError):
            asked.journeys(events)
