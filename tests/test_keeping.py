"""What several questions stand on is made once: who brought whom, in one pass, with the same numbers as alone."""

import gc
import weakref
from pathlib import Path

import pandas as pd
import pytest

import funnel
from funnel import Attribution, Conversion, Experiment, Forgone, Ladder, Mentions, Referrals, Referred, Relays, Step
from funnel.errors import DefinitionError
from funnel.forest import forest
from funnel.journey_table.scratch import Scratch
from funnel.keeping import MOST, Kept
from funnel.ladder import Friend
from tests.tables import every_table, forests_kept, tables_left

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
ROWS = [
    # visitor, event, minute, whose link
    ("ann", "sign", 0, None),
    ("ann", "share", 1, None),
    ("bob", "sign", 2, "ann"),
    ("cat", "sign", 3, "bob"),
]


def frame(rows=ROWS):
    given = pd.DataFrame(rows, columns=["visitor_id", "event", "minute", "referred_by"])
    given["occurred_at"] = pd.Timestamp("2018-01-14", tz="UTC") + pd.to_timedelta(given.pop("minute"), unit="min")
    return given


def planted(events, *arguments, **options):
    """Return the names of the tables of a forest."""
    with Scratch(events.connection) as scratch:
        found = forest(events, *arguments, scratch=scratch, **options)
        scratch.drop()
    return found.signers, found.referrers


# What is kept


def test_a_thing_is_made_once_for_what_decides_it():
    kept, made = Kept(), []

    def make():
        made.append(len(made))
        return made[-1]

    assert [kept.once(what, make) for what in ("a", "b", "a", ("a",), "b")] == [0, 1, 0, 2, 1]


def test_nothing_that_fails_is_kept():
    kept = Kept()
    with pytest.raises(ZeroDivisionError):
        kept.once("a", lambda: 1 / 0)
    assert kept.once("a", lambda: 1) == 1


def test_only_the_latest_asked_for_are_kept():
    kept = Kept()
    for number in range(MOST):
        kept.once(number, lambda number=number: number)
    kept.once(0, lambda: "made again")
    kept.once(MOST, lambda: MOST)
    assert kept.once(0, lambda: "made again") == 0
    assert kept.once(1, lambda: "made again") == "made again"


# Forests of one Events


def test_the_same_forest_is_planted_once():
    events = funnel.connect(frame())
    first = planted(events)
    assert planted(events, "sign") == first
    assert planted(events, Step("sign", name="signed"), shared="share") == first
    assert forests_kept(events) == 1


def test_another_question_has_another_forest():
    events = funnel.connect(frame())
    asked = [
        planted(events),
        planted(events, "share"),
        planted(events, shared="sign"),
        planted(events, Step("sign", where="visitor_id <> 'cat'")),
        planted(events, Step("sign", where={"visitor_id": ["ann", "bob"]})),
        planted(events, Step("sign", where={"visitor_id": ["ann", "Bob"]})),
        planted(events.where("visitor_id <> 'cat'")),
        planted(events.between(None, "2018-01-14 00:03")),
        planted(funnel.connect(frame())),
    ]
    assert len(set(asked)) == len(asked)


def test_a_forest_in_use_stays_when_many_others_are_asked_for():
    events = funnel.connect(frame())
    with Scratch(events.connection) as scratch:
        signers = forest(events, scratch=scratch).signers
        for minute in range(MOST):
            planted(events, Step("sign", where=f"occurred_at >= '2018-01-14 00:{minute:02}:00+00'"))
        assert signers in every_table(events)
    del scratch
    planted(events, "share")
    assert signers not in every_table(events)
    assert forests_kept(events) == MOST + 1  # one of them goes before the next question


def test_events_that_nobody_holds_go_at_once_with_their_forests():
    events = funnel.connect(frame())
    gc.disable()
    try:
        for result in (Referrals().measure(events), Ladder(["sign", "share", Friend()]).measure(events)):
            assert len(result.frame)
        assert forests_kept(events) == 1
        whose, gone = weakref.ref(events.connection), weakref.ref(events)
        del events, result
        assert gone() is None
        assert whose() is None
    finally:
        gc.enable()


def test_on_a_connection_that_stays_they_go_before_the_next_question():
    events = funnel.connect(frame())
    some = events.where("visitor_id <> 'cat'")
    first = planted(some)
    del some
    assert set(first) <= set(every_table(events))
    planted(events)
    assert set(first).isdisjoint(every_table(events))


# The questions of a report


def questions():
    pages = Experiment(
        "thanks_page",
        control="thanks_only",
        primary=Conversion("share"),
        secondary=[Referred("sign")],
        window="3 days",
    )
    return {
        "experiment": pages,
        "forgone": Forgone(pages, Referrals(of="sign")),
        "referrals": Referrals(of="sign"),
        "referrals by other links": Referrals(of="sign", shared="thanks_shown"),
        "referrals of sharers": Referrals(of="share", window="14 days"),
        "relays": Relays(of="sign", visited="visit"),
        "mentions": Mentions(of="sign", visited="visit"),
        "attribution": Attribution(to="sign", touch="visit", by="channel"),
        "ladder": Ladder(["visit", "sign", "share", Friend(), "partner_click"]),
    }


def answers(ask, events):
    """Return every frame of an answer."""
    result = ask.measure(events)
    further = {
        "ReferralsResult": ("over_time", "cycle", "trees"),
        "RelaysResult": ("generations", "waves", "first_day"),
        "LadderResult": ("transitions", "value"),
        "MentionsResult": ("lives",),
        "ForgoneResult": ("bounds", "forwards"),
    }.get(type(result).__name__, ())
    return [result.frame, *(getattr(result, name)().frame for name in further)]


def test_questions_that_share_forests_answer_as_each_alone_and_plant_each_once():
    together = funnel.connect(SAMPLE, timezone="America/Toronto")
    together.connection.execute("call enable_logging('QueryLog')")
    for name, ask in questions().items():
        alone = funnel.connect(SAMPLE, timezone="America/Toronto")
        for one, other in zip(answers(ask, alone), answers(ask, together), strict=True):
            pd.testing.assert_frame_equal(one, other, check_exact=True, obj=name)
    ran = """
        select message
        from duckdb_logs
        where type = 'QueryLog' and message like 'CREATE TEMPORARY TABLE "funnel_offspring_%'
    """
    # Of exposures, of signatures, of signatures by other links, and of shares.
    assert len(together.connection.execute(ran).fetchall()) == 4
    assert forests_kept(together) == 4


def test_what_was_forgone_takes_the_experiments_answer_where_it_is_there():
    events = funnel.connect(SAMPLE, timezone="America/Toronto")
    ask = questions()["forgone"]
    measured = ask.experiment.measure(events)
    before = tables_left(events)
    handed = ask.measure(events, measured=measured)
    assert handed.experiment is measured
    assert tables_left(events) == before
    pd.testing.assert_frame_equal(handed.frame, ask.measure(events).frame, check_exact=True)


def test_an_answer_to_another_experiment_or_over_other_events_is_refused():
    events = funnel.connect(SAMPLE, timezone="America/Toronto")
    ask = questions()["forgone"]
    other = Experiment("thanks_page", control="thanks_only", primary=Conversion("share"), window="2 days")
    elsewhere = events.where("device is not null")
    for measured in (other.measure(events), ask.experiment.measure(elsewhere), ask.experiment):
        with pytest.raises(DefinitionError) as caught:
            ask.measure(events, measured=measured)
        assert str(caught.value) == (
            "`measured` is no answer to this experiment over these events. Give what experiment.measure(events) gave,"
            " or leave it out."
        )
