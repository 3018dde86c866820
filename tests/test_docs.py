"""The definitions are complete: no result has a column that docs/definitions.md does not define."""

import inspect
import re
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest

import funnel
from funnel.report.change import changes
from funnel.verdicts.decision import Code

PAGE = (Path(__file__).parents[1] / "docs" / "definitions.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def results():
    events = funnel.connect(Path(__file__).parents[1] / "data" / "sample", timezone="America/Toronto")
    petition = funnel.Funnel(["visit", "sign"], follow_ups=["share", "partner_click"])
    journeys = petition.journeys(events, by=["channel"])
    result = journeys.measure(by="channel")
    return {
        "FunnelResult.frame": (result.frame, {"channel"}),
        "FunnelResult.follow_ups": (result.follow_ups, {"channel"}),
        "FunnelResult.curves().frame": (result.curves().frame, set()),
        "FunnelResult.cohorts().frame": (result.cohorts().frame, set()),
        "FunnelResult.times().frame": (result.times().frame, set()),
        "FunnelResult.sensitivity().frame": (result.sensitivity().frame, set()),
        "ChangeResult.frame": (changes(journeys.measure()).frame, set()),
        "Journeys.frame()": (journeys.frame(), {"channel", "visit", "sign", "share", "partner_click"}),
        "Events.check()": (events.check(), set()),
    }


@pytest.fixture(scope="module")
def outcome():
    """An experiment that has every answer: assigned before exposed, friends who inherit the variant, segments."""
    start, rows = pd.Timestamp("2018-01-14T15:00Z"), []

    def did(visitor, event, minutes, **given):
        rows.append(
            {"visitor_id": visitor, "event": event, "occurred_at": start + pd.Timedelta(minutes=minutes)} | given
        )

    for visitor in range(120):
        variant, device = ("thanks_only", "share")[visitor % 2], ("mobile", "desktop")[visitor // 2 % 2]
        did(visitor, "assigned", 60 * visitor, variant=variant, device=device)
        if visitor % 10 < 8:
            did(visitor, "thanks_shown", 60 * visitor + 1, variant=variant, device=device)
        if visitor % 20 in (1, 3, 4):
            friend = 1_000 + visitor
            did(visitor, "share", 60 * visitor + 2)
            did(friend, "visit", 60 * visitor + 3, referred_by=visitor)
            did(friend, "thanks_shown", 60 * visitor + 4, variant=variant, device=device)
    events = funnel.connect(pd.DataFrame(rows), cutoff="2018-01-30T15:00Z")
    return funnel.Experiment(
        "thanks_page",
        control="thanks_only",
        primary=funnel.Conversion("share"),
        secondary=[funnel.Referred("thanks_shown")],
        guardrails=[funnel.Guardrail("visit", margin=0.01)],
        segments=["device"],
        referred="inherit",
        assignment="assigned",
    ).measure(events)


def defined():
    """Return the columns that each section's table defines, in order."""
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    named = {}
    for section in sections:
        heading = section.splitlines()[0].strip("`")
        cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| ")]
        named[heading] = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    return named


def test_every_column_of_every_result_is_defined(results):
    for name, (frame, own) in results.items():
        assert [column for column in frame.columns if column not in own] == [
            column for column in defined()[name] if column != "by"
        ], name


def test_every_column_of_every_answer_of_an_experiment_is_defined(outcome):
    answers = [
        "split",
        "curves",
        "horizon",
        "looks",
        "posterior",
        "segments",
        "novelty",
        "dilution",
        "clusters",
        "plan",
    ]
    assert list(outcome.frame.columns) == defined()["ExperimentResult.frame"]
    for name in answers:
        assert list(getattr(outcome, name)().frame.columns) == defined()[f"ExperimentResult.{name}().frame"], name


def test_no_answer_of_an_experiment_is_missing_from_the_page():
    answers = {
        f"ExperimentResult.{name}().frame"
        for name, each in vars(funnel.ExperimentResult).items()
        if inspect.isfunction(each) and each.__annotations__.get("return") == "Result"
    }
    assert answers == {name for name in defined() if name.startswith("ExperimentResult.") and "()" in name}


def test_every_column_of_every_answer_about_referrals_is_defined():
    events = funnel.connect(Path(__file__).parents[1] / "data" / "sample", timezone="America/Toronto")
    question = funnel.Referrals(of="sign")
    assert list(question.forest(events).frame().columns) == defined()["ReferralForest.frame()"]
    result = question.measure(events)
    assert list(result.frame.columns) == defined()["ReferralsResult.frame"]
    # The table of measures stands below the one of columns; its first row is the heading.
    assert defined()["ReferralsResult.numbers"][:4] == list(result.numbers.columns)
    (section,) = re.findall(r"^## `ReferralsResult.numbers`\n(.+?)^## ", PAGE, flags=re.MULTILINE | re.DOTALL)
    told = [
        name
        for line in section.split("| measure | what")[1].splitlines()
        for name in re.findall(r"`([^`]+)`", line.split("|")[1] if line.startswith("| `") else "")
    ]
    assert told == result.numbers["measure"].tolist()
    for name in ("over_time", "offspring", "cycle", "trees"):
        assert list(getattr(result, name)().frame.columns) == defined()[f"ReferralsResult.{name}().frame"], name


def test_every_column_of_every_answer_about_relays_is_defined():
    events = funnel.connect(Path(__file__).parents[1] / "data" / "sample", timezone="America/Toronto")
    result = funnel.Relays(of="sign").measure(events)
    assert list(result.frame.columns) == defined()["RelaysResult.frame"]
    for name in ("generations", "waves", "first_day"):
        assert list(getattr(result, name)().frame.columns) == defined()[f"RelaysResult.{name}().frame"], name


def test_every_column_of_every_answer_about_mentions_is_defined():
    events = funnel.connect(Path(__file__).parents[1] / "data" / "sample", timezone="America/Toronto")
    result = funnel.Mentions().measure(events)
    assert list(result.frame.columns) == defined()["MentionsResult.frame"][: len(result.frame.columns)]
    answers = {"lives": result.lives(), "by_channel": result.by_channel(), "minutes": result.minutes("tv-01")}
    for name, answer in (answers | {"days": result.days("tv-01"), "placebo": result.placebo()}).items():
        assert list(answer.frame.columns) == defined()[f"MentionsResult.{name}().frame"], name


def test_every_column_of_every_answer_about_the_ladder_is_defined():
    events = funnel.connect(Path(__file__).parents[1] / "data" / "sample", timezone="America/Toronto")
    result = funnel.Ladder(["visit", "sign", "share", funnel.Friend()]).measure(events)
    assert list(result.frame.columns) == [name for name in defined()["LadderResult.frame"] if name != "by"]
    for name in ("transitions", "times", "fatigue", "value"):
        assert list(getattr(result, name)().frame.columns) == defined()[f"LadderResult.{name}().frame"], name


def test_every_column_of_what_was_forgone_is_defined():
    events = funnel.connect(Path(__file__).parents[1] / "data" / "sample", timezone="America/Toronto")
    test = funnel.Experiment("thanks_page", control="thanks_only", primary=funnel.Conversion("share"))
    result = funnel.Forgone(test, funnel.Referrals(of="sign"), draws=1_000).measure(events)
    assert list(result.frame.columns) == defined()["ForgoneResult.frame"]
    assert list(result.bounds().frame.columns) == defined()["ForgoneResult.bounds().frame"]
    assert list(result.forwards().frame.columns) == list(result.frame.columns)


def test_every_column_of_an_attribution_is_defined():
    events = funnel.connect(Path(__file__).parents[1] / "data" / "sample", timezone="America/Toronto")
    result = funnel.Attribution(to="sign", by="channel", models=["first", "linear"]).measure(events)
    for name, frame in (("frame", result.frame), ("paths().frame", result.paths().frame)):
        columns = ["by" if column == "channel" else column for column in frame.columns]
        assert columns == defined()[f"AttributionResult.{name}"]


def test_every_decision_is_defined():
    (section,) = re.findall(r"^## The decision\n(.+?)^## ", PAGE, flags=re.MULTILINE | re.DOTALL)
    codes = re.findall(r"^\| `([a-z ]+)` \|", section, flags=re.MULTILINE)
    assert sorted(codes) == sorted(get_args(Code))


def test_what_every_row_adds_up_to(results):
    """As the page says: visitors, dropped and pending of a row are the visitors of the step it follows."""
    frame, _ = results["FunnelResult.frame"]
    for _, group in frame.groupby("channel"):
        reached = dict(zip(group["step"], group["visitors"], strict=True))
        for row in group[group["after"].notna()].itertuples():
            assert row.visitors + row.dropped + row.pending == reached[row.after]
