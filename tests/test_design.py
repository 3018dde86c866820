"""What an experiment may be, and every sentence that refuses one: before any event is seen, and over events."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

import funnel
from funnel import (
    ColumnError,
    Conversion,
    Count,
    DataError,
    DefinitionError,
    Experiment,
    Funnel,
    Guardrail,
    Ratio,
    Referred,
    Step,
    Value,
)
from funnel.design import Design

BEGIN = datetime(2018, 1, 14, tzinfo=UTC)
FIELDS = ["visitor_id", "event", "day", "variant", "experiment", "referred_by", "amount"]


def asked(**options):
    return Experiment("page", **{"control": "a", "exposure": "shown", "primary": Conversion("click")} | options)


def connected(rows, *, without=(), cutoff=20):
    """Return events given as (visitor, event, day, variant and so on), without some columns."""
    frame = pd.DataFrame([(*row, *[None] * (len(FIELDS) - len(row))) for row in rows], columns=FIELDS)
    frame["occurred_at"] = [BEGIN + timedelta(days=day) for day in frame.pop("day")]
    frame["amount"] = frame["amount"].astype("string")
    for name in ("variant", "experiment", "referred_by"):
        frame[name] = frame[name].astype("string")
    return funnel.connect(frame.drop(columns=list(without)), cutoff=BEGIN + timedelta(days=cutoff))


def measured(rows, *, without=(), cutoff=20, **options):
    return asked(**options).measure(connected(rows, without=without, cutoff=cutoff))


# Two arms that can be compared, and everything that follows of each.
PAIR = [
    ("ann", "shown", 0, "a", "page"),
    ("ann", "click", 1),
    ("bob", "shown", 0, "b", "page"),
    ("bob", "sign", 1),
]

SHARES_MAP = "Give for example shares={'thanks_only': 0.5, 'share': 0.5}."
LOOKS = "Write 'fixed' (one look, at the planned end), the number of planned looks from 2 to 100, or 'anytime'."
OUTCOMES = "takes Conversion, Count, Referred, Ratio or Value"
MARGIN = (
    "Give how much worse is still bearable, as a share between 0 and 1: margin=0.005 is half a percentage point."
    " Which way is worse goes in worse=."
)

NOT_ASKED = {
    "no name": (
        lambda: Experiment(" ", control="a", primary=Count("x")),
        "name=' ' is no name. Give it as the events have it.",
    ),
    "a control that is no name": (
        lambda: asked(control=None),
        "control=None is no name. Give it as the events have it.",
    ),
    "a variant column that is no name": (
        lambda: asked(variant=3),
        "variant=3 is no name. Give it as the events have it.",
    ),
    "a primary outcome that is an event's name": (
        lambda: asked(primary="share"),
        f"`primary` {OUTCOMES}; got 'share'. Give for example funnel.Conversion('share').",
    ),
    "a guardrail as a secondary outcome": (
        lambda: asked(secondary=[Guardrail("leave", margin=0.01)]),
        f"`secondary` {OUTCOMES}; got Guardrail(event='leave', margin=0.01, worse='higher', window=None)."
        " Give for example funnel.Conversion('share').",
    ),
    "an event's name as an exploratory outcome": (
        lambda: asked(exploratory="share"),
        f"`exploratory` {OUTCOMES}; got 'share'. Give for example funnel.Conversion('share').",
    ),
    "a guardrail that is an event's name": (
        lambda: asked(guardrails=["unsubscribe"]),
        "`guardrails` takes guardrails; got 'unsubscribe'."
        " Give for example [funnel.Guardrail('unsubscribe', margin=0.005)].",
    ),
    "segments that are no names": (
        lambda: asked(segments=[1]),
        "`segments` takes names of columns; got [1]. Give for example ['device'].",
    ),
    "segments that are no list": (
        lambda: asked(segments=7),
        "`segments` takes names of columns; got 7. Give for example ['device'].",
    ),
    "a window of nothing": (
        lambda: asked(window="0 days"),
        "window='0 days' is not longer than zero. Give for example '7 days'.",
    ),
    "an outcome's window without a unit": (
        lambda: Conversion("click", window="7"),
        "window='7' is not a length of time. Give a number and a unit, for example '7 days' or '90 minutes'.",
    ),
    "one look, as a number": (lambda: asked(looks=1), f"looks=1 is not known. {LOOKS}"),
    "looks that are true": (lambda: asked(looks=True), f"looks=True is not known. {LOOKS}"),
    "looks beyond counting": (lambda: asked(looks=101), f"looks=101 is not known. {LOOKS}"),
    "looks of another name": (lambda: asked(looks="always"), f"looks='always' is not known. {LOOKS}"),
    "looks that are a list": (lambda: asked(looks=[0.5, 1]), f"looks=[0.5, 1] is not known. {LOOKS}"),
    "a planned size of nobody": (
        lambda: asked(planned=0),
        "planned=0 is no number of visitors. Give how many all arms together should have at the planned end,"
        " as funnel.required_visitors(...).total.",
    ),
    "a planned size that is no whole number": (
        lambda: asked(planned=10.5),
        "planned=10.5 is no number of visitors. Give how many all arms together should have at the planned end,"
        " as funnel.required_visitors(...).total.",
    ),
    "shares that are a list": (
        lambda: asked(shares=[0.5, 0.5]),
        f"`shares` maps each variant to its planned share; got [0.5, 0.5]. {SHARES_MAP}",
    ),
    "one share": (
        lambda: asked(shares={"a": 1}),
        f"`shares` maps each variant to its planned share; got {{'a': 1}}. {SHARES_MAP}",
    ),
    "shares that do not sum to 1": (
        lambda: asked(shares={"a": 0.5, "b": 0.4}),
        "The planned shares sum to 0.9. Give shares that sum to 1, as {'thanks_only': 0.5, 'share': 0.5}.",
    ),
    "shares in percent": (
        lambda: asked(shares={"a": 50, "b": 50}),
        "The planned share of variant 'a' is 50. Give a share from 0 to 1, as 0.5 for half.",
    ),
    "a share below zero": (
        lambda: asked(shares={"a": 1.5, "b": -0.5}),
        "The planned share of variant 'a' is 1.5. Give a share from 0 to 1, as 0.5 for half.",
    ),
    "a share that is text": (
        lambda: asked(shares={"a": 0.5, "b": "half"}),
        "The planned share of variant 'b' is 'half'. Give a share from 0 to 1, as 0.5 for half.",
    ),
    "a control without a share": (
        lambda: asked(control="thanks_onl", shares={"thanks_only": 0.5, "share": 0.5}),
        "Control 'thanks_onl' has no planned share. Did you mean 'thanks_only'? Planned: thanks_only, share.",
    ),
    "friends of an unknown kind": (
        lambda: asked(referred="agian"),
        "referred='agian' is not known. Did you mean 'again'? Known: again, inherit.",
    ),
    "two variants of an unknown kind": (
        lambda: asked(two_variants="last"),
        "two_variants='last' is not known. Known: leave_out, first.",
    ),
    "an interval of an unknown kind": (
        lambda: asked(interval="wald"),
        "interval='wald' is not known. Known: newcombe, score.",
    ),
    "one outcome twice": (
        lambda: asked(secondary=[Conversion("click")]),
        "Outcome 'click' is there twice. Give each outcome once, or a Step with a name of its own.",
    ),
    "an outcome that is a guardrail too": (
        lambda: asked(guardrails=[Guardrail("click", margin=0.01)]),
        "Outcome 'click' is there twice. Give each outcome once, or a Step with a name of its own.",
    ),
    "the exposure as an outcome": (
        lambda: asked(primary=Conversion("shown")),
        "Outcome 'shown' is the exposure itself, which every visitor has. Give an event that comes after it.",
    ),
    "the exposure as one of several events counted": (
        lambda: asked(secondary=[Count(["share", "shown"])]),
        "Outcome 'share or shown per visitor' is the exposure itself, which every visitor has."
        " Give an event that comes after it.",
    ),
    "an outcome of a mapping": (
        lambda: Conversion({"event": "click"}),
        "Conversion takes the name of an event, or a Step; got {'event': 'click'}.",
    ),
    "an outcome of nothing": (lambda: Referred(None), "Referred takes the name of an event, or a Step; got None."),
    "an outcome of no name": (
        lambda: Count(""),
        "A step needs the name of an event, or several; got ''. Give for example Step('sign').",
    ),
    "a ratio over nothing": (
        lambda: Ratio("click", 3),
        "A step needs the name of an event, or several; got 3. Give for example Step('sign').",
    ),
    "a value of no column": (
        lambda: Value(""),
        "A value is the name of a column; got ''. Give for example 'value'.",
    ),
    "a margin of the wrong sign": (
        lambda: Guardrail("leave", margin=-0.005),
        f"The margin of guardrail 'leave' is -0.005. {MARGIN}",
    ),
    "a margin of nothing": (
        lambda: Guardrail("leave", margin=0),
        f"The margin of guardrail 'leave' is 0. {MARGIN}",
    ),
    "a margin in percent": (
        lambda: Guardrail("leave", margin=5),
        f"The margin of guardrail 'leave' is 5. {MARGIN}",
    ),
    "a margin that is text": (
        lambda: Guardrail("leave", margin="0.5%"),
        f"The margin of guardrail 'leave' is '0.5%'. {MARGIN}",
    ),
    "a way of getting worse that is none": (
        lambda: Guardrail("leave", margin=0.01, worse="up"),
        "worse='up' is not known. Write worse='higher' or worse='lower'.",
    ),
    "a funnel in place of events": (
        lambda: asked().measure(Funnel(["visit", "sign"])),
        "An experiment is measured over events; got Funnel. Give funnel.connect(source).",
    ),
    "a path in place of events": (
        lambda: asked().journeys("data/sample"),
        "An experiment is measured over events; got str. Give funnel.connect(source).",
    ),
    "an unknown language": (
        lambda: asked().measure(connected(PAIR), language="de"),
        "No language 'de'. Known: en, fr. Write language='en' or language='fr'.",
    ),
}


@pytest.mark.parametrize("case", NOT_ASKED)
def test_an_experiment_that_cannot_be_asked_is_refused_in_one_sentence(case):
    ask, sentence = NOT_ASKED[case]
    with pytest.raises(DefinitionError) as refusal:
        ask()
    assert str(refusal.value) == sentence


EVENTS = "Known: shown (2), click (1), sign (1)."
FRIENDS = [(f"w{number}", "shown", 2, "ab"[number % 2], "page", "ann") for number in range(20)]
SAME = [(f"w{number}", "shown", 2, "a", "page", "ann") for number in range(20)]

NOT_ANSWERED = {
    "no column says the variant": (
        lambda: measured(PAIR, variant="varient"),
        ColumnError,
        "No column named 'varient' to say what each visitor saw. Did you mean 'variant'?"
        " Known: amount, event, experiment, occurred_at, referred_by, variant, visitor_id. Name yours with variant=.",
    ),
    "no column of a segment": (
        lambda: measured(PAIR, segments=["devise"]),
        ColumnError,
        "No column named 'devise'. Known: amount, event, experiment, occurred_at, referred_by, variant, visitor_id.",
    ),
    "no event of the exposure": (
        lambda: measured(PAIR, exposure="show"),
        DataError,
        f"No event is named 'show'. Did you mean 'shown'? {EVENTS}",
    ),
    "no event of the outcome": (
        lambda: measured(PAIR, primary=Conversion("clic")),
        DataError,
        f"No event is named 'clic'. Did you mean 'click'? {EVENTS}",
    ),
    "no event of a guardrail": (
        lambda: measured(PAIR, guardrails=[Guardrail("leave", margin=0.01)]),
        DataError,
        f"No event is named 'leave'. {EVENTS} If nobody has done it yet, leave the outcome out for now.",
    ),
    "no event of a ratio's denominator": (
        lambda: measured(PAIR, secondary=[Ratio("click", "view")]),
        DataError,
        f"No event is named 'view'. {EVENTS} If nobody has done it yet, leave the outcome out for now.",
    ),
    "no event of the signatures brought": (
        lambda: measured(PAIR, secondary=[Referred("signs")]),
        DataError,
        f"No event is named 'signs'. Did you mean 'sign'? {EVENTS}",
    ),
    "nothing that says who brought whom": (
        lambda: measured(PAIR, secondary=[Referred("sign")], without=["referred_by"]),
        ColumnError,
        "Referred('sign') needs to know who brought whom: no column named 'referred_by' or 'link_id'."
        " Known: amount, event, experiment, occurred_at, variant, visitor_id.",
    ),
    "a value of text": (
        lambda: measured([*PAIR, ("bob", "give", 1, None, None, None, "5 $")], secondary=[Value("amount")]),
        ColumnError,
        "Column 'amount' holds VARCHAR, which cannot be added up. Give a column of numbers.",
    ),
    "no exposure fits its condition": (
        lambda: measured(PAIR, exposure=Step("shown", where="variant = 'c'"), without=["experiment"]),
        DataError,
        "There is no exposure: no 'shown' event fits. Name the event with exposure=.",
    ),
    "an unknown experiment": (
        lambda: Experiment("pages", control="a", exposure="shown", primary=Count("click")).measure(connected(PAIR)),
        DataError,
        "Experiment 'pages' has no exposure: no 'shown' event names it in column 'experiment'."
        " Did you mean 'page'? Experiments there: page.",
    ),
    "exposures of no variant": (
        lambda: measured([("ann", "shown", 0, None, "page"), ("bob", "shown", 0, None, "page"), *PAIR[1::2]]),
        DataError,
        "None of the 2 exposures of experiment 'page' says which variant was shown: column 'variant' is null in all of"
        " them. Name the right column with variant=.",
    ),
    "an unknown control": (
        lambda: measured(PAIR, control="A"),
        DataError,
        "Control 'A' of experiment 'page' has no visitors. Did you mean 'a'? Variants with visitors: 'a' (1), 'b' (1).",
    ),
    "an unknown variant": (
        lambda: measured(PAIR, shares={"a": 0.5, "both": 0.5}),
        DataError,
        "Variant 'both' of experiment 'page' has no visitors. Variants with visitors: 'a' (1), 'b' (1).",
    ),
    "one arm only": (
        lambda: measured(PAIR[:2]),
        DataError,
        "Experiment 'page' has one arm only: 'a' (1). There is nothing to compare it with.",
    ),
    "an arm of referred visitors only": (
        lambda: measured([*PAIR, ("cat", "shown", 1, "c", "page", "bob")], shares={"a": 0.4, "b": 0.3, "c": 0.3}),
        DataError,
        "Variant 'c' of experiment 'page' has no visitors. Variants with visitors: 'a' (1), 'b' (1).",
    ),
    "nobody is left": (
        lambda: measured([("ann", "shown", 0, "a", "page", "zoe"), ("bob", "shown", 0, "b", "page", "zoe"), PAIR[1]]),
        DataError,
        "Nobody is left to compare: of the exposed, 2 arrived by a share link and 0 saw two variants."
        " Is referred_by filled in for visitors who came on their own?",
    ),
    "a window longer than the data": (
        lambda: measured(PAIR, cutoff=2),
        DataError,
        "The window of outcome 'click', 3 days, is longer than the data: the first exposure was followed for 2 days,"
        " so no window is over. Give a shorter window, or wait.",
    ),
    "an outcome's window longer than the data": (
        lambda: measured(PAIR, cutoff=10, secondary=[Count("sign", window="2 weeks")]),
        DataError,
        "The window of outcome 'sign per visitor', 14 days, is longer than the data: the first exposure was followed"
        " for 10 days, so no window is over. Give a shorter window, or wait.",
    ),
    "every outcome before the exposure": (
        lambda: measured([("ann", "click", 0), ("ann", "shown", 1, "a", "page"), ("bob", "shown", 1, "b", "page")]),
        DataError,
        "Every event of outcome 'click' came before the exposure (1 in all), so it is no outcome of it."
        " Is exposure= the right event?",
    ),
    "inherited variants that were drawn again": (
        lambda: measured([*PAIR, *FRIENDS], referred="inherit"),
        DataError,
        "10 of 20 referred visitors saw another variant than whoever referred them, so variants were not inherited."
        " If each visitor was randomised again, say referred='again'; if some inherited and some did not, no analysis"
        " can put them together.",
    ),
    "variants drawn again that were inherited": (
        lambda: measured([*PAIR, *SAME]),
        DataError,
        "20 of 20 referred visitors saw the variant of whoever referred them, where drawing again would give about 10."
        " If all inherit it, say referred='inherit'; if some do and some do not, no analysis can put them together.",
    ),
    "segments that were not declared": (
        lambda: measured(PAIR).segments(),
        DefinitionError,
        "No segments were declared. Name their columns in the experiment: segments=['device'].",
    ),
    "dilution without an assignment": (
        lambda: measured(PAIR).dilution(),
        DefinitionError,
        "The experiment does not say which event assigns a variant. Name it: assignment='assigned'.",
    ),
    "clusters of friends who were drawn again": (
        lambda: measured(PAIR).clusters(),
        DefinitionError,
        "Friends in a tree saw other variants than its root, so there is nothing to put together: the experiment says"
        " referred='again'. Where they inherit the variant, say referred='inherit'.",
    ),
    "the posterior of a mean": (
        lambda: measured(PAIR, primary=Count("click")).posterior(),
        DefinitionError,
        "The posterior is of a share of visitors, and the primary outcome 'click per visitor' is none."
        " Make a funnel.Conversion the primary outcome.",
    ),
    "a plan for a mean": (
        lambda: measured(PAIR, primary=Count("click")).plan(),
        DefinitionError,
        "Planning needs a share of visitors as primary outcome, and 'click per visitor' is none."
        " Measure it with primary=funnel.Conversion(...).",
    ),
    "a plan from a control of which everyone did it": (
        lambda: measured(PAIR).plan(),
        DataError,
        "Control 'a' has 'click' from 1 of 1 visitors, which is nothing to plan from."
        " Use funnel.required_visitors with a baseline of your own.",
    ),
}


@pytest.mark.parametrize("case", NOT_ANSWERED)
def test_an_experiment_that_these_events_cannot_answer_is_refused_in_one_sentence(case):
    ask, kind, sentence = NOT_ANSWERED[case]
    with pytest.raises(kind) as refusal:
        ask()
    assert str(refusal.value) == sentence


def test_a_control_planned_at_nothing_is_refused_without_a_guess():
    with pytest.raises(DefinitionError) as refusal:
        asked(control="a", shares={"a": 0, "b": 1})
    assert str(refusal.value) == (
        "Control 'a' is planned to have no visitors. Give it a share above 0, or another control."
    )


def test_clusters_of_an_arm_that_still_has_time_are_refused_by_its_name():
    result = measured([*PAIR, ("cat", "shown", 19, "c", "page")], referred="inherit")
    with pytest.raises(DataError) as refusal:
        result.clusters()
    assert str(refusal.value) == (
        "No window of outcome 'click' is over in arm 'c', so its trees cannot be compared. Wait until one is."
    )


# Reported, not refused

REPORTED = {
    "an outcome before the exposure": (
        [*PAIR, ("cat", "click", 0), ("cat", "shown", 1, "b", "page")],
        {},
        "1 visitor had “click” before the exposure; that does not count.",
    ),
    "two variants": (
        [*PAIR, ("cat", "shown", 1, "a", "page"), ("cat", "shown", 2, "b", "page")],
        {},
        "1 visitor saw two variants and is left out.",
    ),
    "two variants, the first counted": (
        [*PAIR, ("cat", "shown", 1, "a", "page"), ("cat", "shown", 2, "b", "page")],
        {"two_variants": "first"},
        "1 visitor saw two variants and is counted with the first.",
    ),
    "exposures of no variant": (
        [*PAIR, ("cat", "shown", 1, None, "page"), ("dan", "shown", 1, None, "page")],
        {},
        "2 exposures name no variant and are left out.",
    ),
    "two experiments that share a visitor": (
        [*PAIR, ("bob", "shown", 1, "red", "colour")],
        {},
        "1 visitor compared here was in another experiment too.",
    ),
    "a friend who was drawn again": (
        [*PAIR, ("cat", "shown", 1, "a", "page", "bob")],
        {},
        "1 visitor came by a friend’s link and is left out: they were randomised again, and how many come depends on"
        " the variant of others.",
    ),
    "a friend who inherited the variant": (
        [*PAIR, ("cat", "shown", 1, "b", "page", "bob")],
        {"referred": "inherit"},
        "1 visitor came by a friend’s link and is left out: they saw the variant of whoever referred them, and count in"
        " that person’s tree.",
    ),
    "a visitor who still has time": (
        [*PAIR, ("cat", "shown", 18, "b", "page")],
        {},
        "1 visitor still has time and is in no rate; the curves take them in as far as they were followed.",
    ),
    "shares that were not planned": (PAIR, {}, "No shares were planned; the variants are taken to have equal ones."),
}


@pytest.mark.parametrize("case", REPORTED)
def test_what_is_left_out_or_supposed_is_said_in_a_note(case):
    rows, options, sentence = REPORTED[case]
    assert sentence in measured(rows, **options).notes


def test_nothing_is_said_of_what_did_not_happen():
    told = measured(PAIR, shares={"a": 0.5, "b": 0.5}, planned=2).notes
    assert told == (
        "Compared are 2 visitors at their first exposure, who came without a friend’s link; each counts in every rate,"
        " whatever they did.",
        "The split is as planned as far as can be told (p\u00a0=\u00a01.0000; by day and by segment too).",
    )


def test_an_outcome_before_the_exposure_and_after_the_window_is_counted_as_what_it_is():
    rows = [*PAIR[::2], ("bob", "click", 10), ("cat", "click", 0), ("cat", "shown", 1, "b", "page")]
    result = measured(rows)
    assert list(result.frame["total"]) == [0, 0]
    assert "1 visitor had “click” before the exposure; that does not count." in result.notes


# What a design is


def test_a_design_holds_still_and_tells_what_it_measures():
    design = asked(
        primary=Referred("sign"),
        secondary=Count("share", window="1 day"),
        guardrails=Guardrail("leave", margin=0.01),
        segments="device",
        shares={"a": 0.25, "b": 0.75},
    )
    assert [(each.label, each.role, each.kind, each.window, each.generations) for each in design.measures] == [
        ("sign brought", "primary", "mean", 259_200_000_000, None),
        ("sign brought directly", "secondary", "mean", 259_200_000_000, 1),
        ("share per visitor", "secondary", "mean", 86_400_000_000, None),
        ("leave", "guardrail", "share", 259_200_000_000, None),
    ]
    assert design.longest_window == design.window_us == 259_200_000_000
    assert design.segments == ("device",)
    with pytest.raises(TypeError):
        design.shares["a"] = 1


def test_an_outcome_of_the_exposures_event_is_allowed_where_a_condition_tells_them_apart():
    design = asked(primary=Conversion(Step("shown", where="variant = 'b'", name="saw b")))
    assert isinstance(design, Design)


def test_an_experiment_reads_as_it_is_typed():
    assert repr(asked(window="3 days")) == (
        "Experiment('page', control='a', primary=Conversion('click'), window='3 days', exposure='shown')"
    )
    full = asked(
        secondary=[Ratio("click", "share", window="1 day"), Referred("sign"), Value("amount", "give")],
        guardrails=[Guardrail("leave", margin=0.01, worse="lower")],
        looks=5,
        planned=4_000,
        shares={"a": 0.5, "b": 0.5},
        referred="inherit",
    )
    assert repr(full) == (
        "Experiment('page', control='a', primary=Conversion('click'), window='3 days', exposure='shown',"
        " secondary=[Ratio('click', denominator='share', window='1 day'), Referred('sign'),"
        " Value('amount', event='give')],"
        " guardrails=[Guardrail('leave', margin=0.01, worse='lower')], looks=5, planned=4000,"
        " shares={'a': 0.5, 'b': 0.5}, referred='inherit')"
    )


def test_an_outcome_reads_as_it_is_typed_where_its_first_part_is_left_out():
    assert repr(asked(primary=Value(event="give"))) == (
        "Experiment('page', control='a', primary=Value(event='give'), window='3 days', exposure='shown')"
    )


def test_experiments_that_say_the_same_are_equal():
    assert asked(segments="device", secondary=Count("share")) == asked(segments=["device"], secondary=[Count("share")])
    assert asked() != asked(control="b")
    assert len({asked(), asked(), asked(looks="anytime")}) == 2


def test_the_journeys_of_an_experiment_say_how_many_there_are():
    trial = asked().journeys(connected([*PAIR, ("cat", "shown", 18, "b", "page")]))
    assert repr(trial) == "3 visitors exposed to a, b"
