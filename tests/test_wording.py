"""A funnel in words, sentence by sentence: the definition, the answer, and when there is no answer."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

import funnel
from funnel import Exclusion, Funnel, Step

BEGIN = datetime(2018, 1, 14, tzinfo=UTC)
LATE = "2018-03-01T00:00Z"
RATES = (
    "Rates are over those whose time was up when the data ended; the others are shown as pending."
    " Intervals are Wilson’s, at 95%."
)


def plain(text):
    """Return the text with ordinary spaces."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


DESCRIBED = {
    "a plain funnel": (
        Funnel(["visit", "sign"]),
        "Steps in this order, whatever happens in between, within 7 days of the first: visit → sign."
        " Each visitor counts once, as far as the best attempt went; every “visit” begins an attempt."
        " Times and curves are of first attempts."
        " Events at the same instant may be consecutive steps; one event never fills two.",
    ),
    "follow-ups": (
        Funnel(["visit", "sign"], follow_ups=["share", "partner_click"], entry="first", follow_up_window="36 hours"),
        "Steps in this order, whatever happens in between, within 7 days of the first: visit → sign."
        " Each visitor counts once, from the first “visit”."
        " Events at the same instant may be consecutive steps; one event never fills two."
        " A follow-up (share or partner click) counts within 1 day 12 h of “sign”; each is measured on its own,"
        " never as a further step.",
    ),
    "the very next events": (
        Funnel(["visit", "sign"], order="strict", entry="each", ties="strict", window="90 min"),
        "Steps in this order, each the visitor’s very next event, within 1 h 30 min of the first: visit → sign."
        " Attempts that do not overlap all count, the deepest taken first; every “visit” begins one."
        " Each step must come later than the one before; one event never fills two.",
    ),
    "any order": (
        Funnel(["visit", "sign", "share"], order="any"),
        "Steps in any order, within 7 days of the first one done: visit, sign and share."
        " Each visitor counts once, as far as the best attempt went; every step done begins an attempt."
        " Times and curves are of first attempts. One event never fills two steps.",
    ),
    "any order, first": (
        Funnel(["visit", "sign"], order="any", entry="first"),
        "Steps in any order, within 7 days of the first one done: visit and sign."
        " Each visitor counts once, from the first of the steps that was done. One event never fills two steps.",
    ),
    "any order, each": (
        Funnel(["visit", "sign"], order="any", entry="each"),
        "Steps in any order, within 7 days of the first one done: visit and sign."
        " Attempts that do not overlap all count, the deepest taken first; every step done begins one."
        " One event never fills two steps.",
    ),
    "one step": (
        Funnel(["sign"], follow_ups=["share"], entry="first"),
        "One step: sign. Each visitor counts once, from the first “sign”. One event never fills two steps."
        " A follow-up (share) counts within 3 days of “sign”; each is measured on its own, never as a further step.",
    ),
    "narrowed steps": (
        Funnel(
            [
                Step(["visit", "scan"], name="arrival"),
                Step("sign", where="language = 'fr'"),
                Step("share", where={"via": ["mail", None]}),
            ],
            entry="first",
        ),
        "Steps in this order, whatever happens in between, within 7 days of the first: arrival → sign → share."
        " Each visitor counts once, from the first “arrival”."
        " Events at the same instant may be consecutive steps; one event never fills two."
        " “arrival” is any of these events: visit or scan."
        " “sign” is: sign, where language = 'fr'."
        " “share” is: share, where via = mail or unknown.",
    ),
    "exclusions and an optional step": (
        Funnel(
            ["visit", Step("read", optional=True), "sign"],
            entry="first",
            exclude=[
                Exclusion("unsubscribe"),
                Exclusion(["spam", "bot"], policy="drop_attempt"),
                Exclusion("staff", policy="drop_visitor"),
            ],
        ),
        "Steps in this order, whatever happens in between, within 7 days of the first: visit → sign."
        " Each visitor counts once, from the first “visit”."
        " Events at the same instant may be consecutive steps; one event never fills two."
        " “read” is optional: it is looked for between its neighbours and never holds anyone back."
        " “unsubscribe” between “visit” and “sign” ends the attempt, which still counts."
        " An attempt with “spam or bot” between “visit” and “sign” is left out."
        " A visitor with “staff” between “visit” and “sign” is left out.",
    ),
}


@pytest.mark.parametrize("what", DESCRIBED)
def test_a_definition_in_words(what):
    petition, words = DESCRIBED[what]
    assert plain(petition.describe()) == f"{words} {RATES}"


@pytest.mark.parametrize("what", DESCRIBED)
def test_a_definition_in_french_has_no_english_sentence(what):
    petition, _ = DESCRIBED[what]
    french = plain(petition.describe("fr"))
    english = set(plain(petition.describe()).split(". "))
    assert [sentence for sentence in french.split(". ") if sentence in english] == []


def test_a_definition_in_french():
    assert plain(Funnel(["visit", "sign"], entry="first").describe("fr")) == (
        "Étapes dans cet ordre, quoi qu’il arrive entre elles, dans un délai de 7 jours après la première :"
        " visite → signature."
        " Chaque visiteur compte une fois, à partir de sa première « visite »."
        " Des événements du même instant peuvent être des étapes consécutives ; un événement n’en remplit jamais deux."
        " Les taux portent sur ceux dont le délai était écoulé à la fin des données ; les autres sont présentés"
        " comme étant en attente."
        " Les intervalles sont ceux de Wilson, à 95 %."
    )


# The answer


def connected(groups, **options):
    """Return events of groups: (channel, how many visit, of these sign, of these share), all in the first hour."""
    rows = []
    for channel, visits, signs, shares in groups:
        for number in range(visits):
            who = f"{channel} {number}"
            done = ["visit", *["sign"] * (number < signs), *["share"] * (number < shares)]
            rows += [(who, event, BEGIN + timedelta(minutes=minute), channel) for minute, event in enumerate(done)]
    frame = pd.DataFrame(rows, columns=["visitor_id", "event", "occurred_at", "channel"])
    return funnel.connect(frame, **{"cutoff": LATE} | options)


def summary(petition, events, code="en", by=None):
    return plain(petition.measure(events, by=by).summary(code))


PETITION = Funnel(["visit", "sign"], follow_ups=["share"])


def test_an_answer_in_three_sentences():
    """20 of 200: Wilson 6.6 % to 14.9 %; 5 of 20 went on, too few to read; 40 of 200 and 30 of 40 are enough."""
    assert summary(PETITION, connected([("tv", 200, 20, 5)])) == (
        "Of 200 visitors who began with “visit”, 20 reached “sign” within 7 days: 10.0% (6.6% to 14.9%)."
        " Not enough data on what follows “sign”: too few have had the whole 3 days for it."
    )
    assert summary(PETITION, connected([("tv", 200, 40, 30)])) == (
        "Of 200 visitors who began with “visit”, 40 reached “sign” within 7 days: 20.0% (15.0% to 26.1%)."
        " Of the 40 who reached “sign” and have had 3 days to go on, 75.0% went on to “share”."
    )


def test_an_answer_in_french():
    assert summary(PETITION, connected([("tv", 200, 40, 30)]), "fr") == (
        "Sur 200 visiteurs entrés par « visite », 40 sont parvenus à « signature » en 7 jours ou moins :"
        " 20,0 % (15,0 % à 26,1 %)."
        " Parmi les 40 qui sont parvenus à « signature » et dont le délai de 3 jours est écoulé, 75,0 % ont"
        " poursuivi jusqu’à « partage »."
    )


def test_those_who_still_have_time_are_told():
    early = connected([("tv", 200, 40, 30)], cutoff=BEGIN + timedelta(days=8))
    assert "still" not in summary(PETITION, early)
    rows = early.sql("select * exclude occurred_at, occurred_at from events")
    late = rows[rows["visitor_id"] == "tv 199"].assign(visitor_id="late", occurred_at=BEGIN + timedelta(days=6))
    one = funnel.connect(pd.concat([rows, late]), cutoff=BEGIN + timedelta(days=8))
    assert "1 still has time to, and is not counted as lost." in summary(PETITION, one)
    two = funnel.connect(pd.concat([rows, late, late.assign(visitor_id="later")]), cutoff=BEGIN + timedelta(days=8))
    assert "2 still have time to, and are not counted as lost." in summary(PETITION, two)


def test_attempts_are_called_attempts():
    each = Funnel(["visit", "sign"], entry="each")
    assert summary(each, connected([("tv", 200, 40, 30)])) == (
        "Of 200 attempts that began with “visit”, 40 reached “sign” within 7 days: 20.0% (15.0% to 26.1%)."
    )


def test_the_step_where_most_are_lost_is_named():
    chain = Funnel(["visit", "sign", "share"])
    assert summary(chain, connected([("tv", 200, 40, 30)])) == (
        "Of 200 visitors who began with “visit”, 30 reached “share” within 7 days: 15.0% (10.7% to 20.6%)."
        " Most are lost between “visit” and “sign”: 160."
    )
    assert "Most are lost" not in summary(chain, connected([("tv", 200, 200, 200)]))


def test_groups_are_compared_only_where_they_stand_apart():
    apart = connected([("tv", 200, 20, 0), ("mail", 200, 80, 1), ("web", 20, 20, 0)])
    assert summary(Funnel(["visit", "sign"]), apart, by="channel").endswith(
        " By channel, “mail” does best (40.0%) and “television” worst (10.0%)."
    )
    near = connected([("tv", 200, 40, 0), ("mail", 200, 42, 1)])
    assert summary(Funnel(["visit", "sign"]), near, by="channel").endswith(
        " By channel, no group stands clearly apart from the others."
    )
    small = connected([("tv", 200, 40, 0), ("mail", 20, 1, 1)])
    assert summary(Funnel(["visit", "sign"]), small, by="channel").endswith(
        " By channel, there are not two groups large enough to compare."
    )


def test_of_many_groups_the_extremes_of_chance_are_not_named():
    """Twenty groups of 500 that convert alike: their extremes lie apart, the whole of them does not."""
    random = np.random.default_rng(40)
    signed = random.binomial(500, 0.2, 20)
    groups = connected([(f"group {place}", 500, int(count), 0) for place, count in enumerate(signed)])
    result = Funnel(["visit", "sign"]).measure(groups, by="channel")
    rates = result.frame[result.frame["step"] == "sign"]
    assert rates["step_rate_low"].max() > rates["step_rate_high"].min()
    assert result.comparison() == "By channel, no group stands clearly apart from the others."


def test_the_rate_names_whom_it_is_of():
    """40 of 200 whose week is over signed; three more came an hour ago, one of whom has signed."""
    early = connected([("tv", 200, 40, 30)], cutoff=BEGIN + timedelta(days=8))
    rows = early.sql("select * exclude occurred_at, occurred_at from events")
    late = [
        {"visitor_id": name, "event": event, "occurred_at": BEGIN + timedelta(days=7, hours=hour), "channel": "tv"}
        for name, event, hour in [("x", "visit", 1), ("y", "visit", 1), ("z", "visit", 1), ("z", "sign", 2)]
    ]
    events = funnel.connect(pd.concat([rows, pd.DataFrame(late)]), cutoff=BEGIN + timedelta(days=8))
    assert summary(Funnel(["visit", "sign"]), events) == (
        "Of 200 visitors who began with “visit” and have had 7 days to go on, 40 reached “sign”: 20.0%"
        " (15.0% to 26.1%)."
        " In all, 41 of 203 have so far; 2 still have time to, and are not counted as lost."
    )


def test_a_group_without_a_name_is_unknown():
    events = connected([(None, 200, 20, 0), ("mail", 200, 80, 1)])
    assert summary(Funnel(["visit", "sign"]), events, by="channel").endswith(
        "“mail” does best (40.0%) and “unknown” worst (10.0%)."
    )


def test_too_few_is_said_and_nothing_else():
    assert summary(PETITION, connected([("tv", 29, 10, 9)]), by="channel") == (
        "Not enough data: only 29 visitors have had the whole 7 days to get from “visit” to “sign”,"
        " too few to read a rate from."
    )
    pending = connected([("tv", 29, 10, 9)], cutoff=None)
    assert summary(PETITION, pending) == (
        "Not enough data: nobody who began with “visit” has had the whole 7 days to get to “sign” yet."
    )


def test_one_step_is_a_count():
    assert summary(Funnel(["sign"], follow_ups=["share"]), connected([("tv", 50, 40, 10)])) == (
        "40 visitors did “sign”. Of the 40 who reached “sign” and have had 3 days to go on, 25.0% went on to “share”."
    )


def test_a_result_describes_its_definition_in_its_own_language():
    result = PETITION.measure(connected([("tv", 50, 40, 10)]), language="fr")
    assert result.describe() == PETITION.describe("fr")
    assert result.describe("en") == PETITION.describe("en")
    assert result.summary() == result.summary("fr") != result.summary("en")
