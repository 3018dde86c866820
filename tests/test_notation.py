"""A funnel in one line: what it reads as, that writing undoes reading, and where every refusal points."""

import datetime
from collections import Counter
from dataclasses import fields, replace

import pandas as pd
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

import funnel
from funnel import DefinitionError, Exclusion, Funnel, Step
from funnel.definition import Definition
from funnel.notation import read, written

CASES: Counter[str] = Counter()

READ = {
    "visit > sign": Funnel(["visit", "sign"]),
    "visit>sign": Funnel(["visit", "sign"]),
    "visit > sign > share": Funnel(["visit", "sign", "share"]),
    "visit > sign > (share)": Funnel(["visit", "sign"], follow_ups=["share"]),
    "sign > (share | partner_click)": Funnel(["sign"], follow_ups=["share", "partner_click"]),
    "visit > sign > (share | partner_click) within 7 days by channel": Funnel(
        ["visit", "sign"], follow_ups=["share", "partner_click"], window="7 days", by="channel"
    ),
    "visit > sign within 36h": Funnel(["visit", "sign"], window="36h"),
    "visit > sign within 1.5   hours": Funnel(["visit", "sign"], window="1.5 hours"),
    "visit > sign within ' 7 Days'": Funnel(["visit", "sign"], window=" 7 Days"),
    "visit > sign > (share) follow-ups within 1 day within 2 days": Funnel(
        ["visit", "sign"], follow_ups=["share"], window="2 days", follow_up_window="1 day"
    ),
    "visit > sign order strict entry first ties strict": Funnel(
        ["visit", "sign"], order="strict", entry="first", ties="strict"
    ),
    "visit > order order any": Funnel(["visit", "order"], order="any"),
    "visit or scan > sign": Funnel([Step(["visit", "scan"]), "sign"]),
    "visit or scan as arrival > read? > sign": Funnel(
        [Step(["visit", "scan"], name="arrival"), Step("read", optional=True), "sign"]
    ),
    "visit > read[minutes > 2]? as 'a good read' > sign": Funnel(
        ["visit", Step("read", where="minutes > 2", optional=True, name="a good read"), "sign"]
    ),
    "visit > sign[language = 'fr' and tags[1] = ']'] as \"signed in French\"": Funnel(
        ["visit", Step("sign", where="language = 'fr' and tags[1] = ']'", name="signed in French")]
    ),
    "visit > sign > (share or mail | click[place = 'top'])": Funnel(
        ["visit", "sign"], follow_ups=[Step(["share", "mail"]), Step("click", where="place = 'top'")]
    ),
    "$pageview > page.view > cta:click > sign-up > a/b > étape_2 > 404": Funnel(
        ["$pageview", "page.view", "cta:click", "sign-up", "a/b", "étape_2", "404"]
    ),
    '"sign up" > \'it\'\'s\' > "say ""yes""" > \'within\'': Funnel(["sign up", "it's", 'say "yes"', "within"]),
    "visit > read > sign without unsubscribe": Funnel(["visit", "read", "sign"], exclude=[Exclusion("unsubscribe")]),
    "visit > read > sign without leave or spam[score > 3] after visit before read else drop_visitor without b": Funnel(
        ["visit", "read", "sign"],
        exclude=[
            Exclusion(("leave", "spam"), after="visit", before="read", policy="drop_visitor", where="score > 3"),
            Exclusion("b"),
        ],
    ),
    "visit > visit > sign without leave after 'visit (2)'": Funnel(
        ["visit", "visit", "sign"], exclude=[Exclusion("leave", after="visit (2)")]
    ),
    "visit > sign by channel, 'kind of device' entry each": Funnel(
        ["visit", "sign"], entry="each", by=["channel", "kind of device"]
    ),
    "\n  visit\n  > sign\n  within 7 days\n": Funnel(["visit", "sign"], window="7 days"),
}


@pytest.mark.parametrize("line", READ)
def test_a_line_is_read_as_the_funnel_it_says(line):
    assert Funnel.parse(line) == READ[line]


@pytest.mark.parametrize("line", READ)
def test_what_was_read_is_written_in_one_way_that_reads_the_same(line):
    once = Funnel.parse(line).notation
    assert Funnel.parse(once) == READ[line]
    assert Funnel.parse(once).notation == once


@pytest.mark.parametrize("line", READ)
def test_what_was_read_shows_itself_as_python_that_makes_it_again(line):
    petition = Funnel.parse(line)
    again = eval(repr(petition), {"Funnel": Funnel, "Step": Step, "Exclusion": Exclusion})
    assert again == petition
    assert again.notation == petition.notation


def test_a_funnel_is_written_as_one_would_type_it():
    petition = Funnel(
        [Step(["visit", "scan"], name="arrival"), Step("read", optional=True), Step("sign", where="language = 'fr'")],
        follow_ups=["share", Step(["click", "call"], where="place = 'top'", name="to the partner")],
        window="36 hours",
        follow_up_window="1 day",
        order="strict",
        entry="first",
        ties="strict",
        exclude=[Exclusion("unsubscribe", before="sign", policy="drop_attempt")],
        by=["channel", "by"],
    )
    assert petition.notation == (
        "visit or scan as arrival > read? > sign[language = 'fr']"
        " > (share | click or call [place = 'top'] as \"to the partner\")"
        " within 36 hours follow-ups within 1 day order strict entry first ties strict"
        ' without unsubscribe before sign else drop_attempt by channel, "by"'
    )


# Writing and reading undo each other: random funnels

ODD = [
    "within",
    "or",
    "as",
    "by",
    "order",
    "follow-ups",
    "visit (2)",
    "a or b",
    "sign up",
    "it's",
    'say "yes"',
    "]",
    "7",
]
NAMES = st.sampled_from(["visit", "sign", "share", "$click", "page.view", *ODD]) | st.text(min_size=1).filter(str.strip)
CONDITIONS = [
    "language = 'fr'",
    " tags[1] = ']' and list_contains(['[', \"odd ]\"], place.city) ",
    "name = $$]$$",
    "name = E'\\']' or name = 'it''s'",
    "value between 2 and 3 and\n not is_bot",
]
LENGTHS = ["7 days", "7d", "90min", " 90 Minutes ", "1.5 h", "+2 weeks", "0.000001 s", "٧ days"]


@st.composite
def definitions(draw, lengths):
    def step(**options):
        events = draw(NAMES | st.lists(NAMES, min_size=2, max_size=3))
        return Step(events, draw(st.none() | st.sampled_from(CONDITIONS)), draw(st.none() | NAMES), **options)

    last = draw(st.integers(0, 3))
    steps = [step(optional=0 < place < last and draw(st.booleans())) for place in range(last + 1)]
    order = draw(st.sampled_from(["ordered", "strict", "any"]))
    try:
        plain = Funnel(
            steps,
            follow_ups=[step() for _ in range(draw(st.integers(int(last == 0), 2)))],
            window=draw(lengths),
            follow_up_window=draw(lengths),
            order=order,
            entry=draw(st.sampled_from(["any", "first", "each"])),
            ties=draw(st.sampled_from(["forward", "strict"])),
            by=draw(st.lists(NAMES, max_size=2)),
        )
    except DefinitionError:  # two names alike, or an optional step in any order
        reject()
    if order == "any" or len(plain.required) < 2:
        return plain
    labels = [plain.step_labels[place] for place in plain.required]
    exclude = []
    for _ in range(draw(st.integers(0, 2))):
        after = draw(st.integers(0, len(labels) - 2))
        before = draw(st.integers(after + 1, len(labels) - 1))
        exclude.append(
            Exclusion(
                draw(NAMES | st.tuples(NAMES, NAMES)),
                after=draw(st.sampled_from([labels[after], *([None] if after == 0 else [])])),
                before=draw(st.sampled_from([labels[before], *([None] if before == len(labels) - 1 else [])])),
                policy=draw(st.sampled_from(["stop", "drop_attempt", "drop_visitor"])),
                where=draw(st.none() | st.sampled_from(CONDITIONS)),
            )
        )
    return replace(plain, exclude=exclude)


@settings(max_examples=300)
@given(definitions(st.sampled_from(LENGTHS)))
def test_every_funnel_is_read_back_as_it_was_written(petition):
    CASES["funnels written and read"] += 1
    again = Funnel.parse(petition.notation)
    assert again == petition
    assert again.notation == petition.notation


@given(definitions(st.timedeltas(datetime.timedelta(microseconds=1), datetime.timedelta(days=10_000))))
def test_a_timedelta_is_read_back_to_the_microsecond(petition):
    again = Funnel.parse(petition.notation)
    assert (again.window_us, again.follow_up_window_us) == (petition.window_us, petition.follow_up_window_us)
    assert replace(again, window=petition.window, follow_up_window=petition.follow_up_window) == petition
    assert again.notation == petition.notation


@settings(max_examples=300)
@given(st.text() | st.lists(st.sampled_from([*">|()[]?,'\"=", "visit", "within", "7", "days", *ODD])).map(" ".join))
def test_any_text_is_read_or_refused_in_a_sentence(line):
    CASES["texts read or refused"] += 1
    try:
        petition = Funnel.parse(line)
    except DefinitionError:
        return
    assert Funnel.parse(petition.notation) == petition


@pytest.mark.parametrize(
    ("length", "line"),
    [
        (datetime.timedelta(days=7), "visit > sign within 7 days"),
        (datetime.timedelta(days=1), "visit > sign within 1 day"),
        (datetime.timedelta(hours=36), "visit > sign within 36 hours"),
        (datetime.timedelta(minutes=90), "visit > sign within 90 minutes"),
        (datetime.timedelta(seconds=1), "visit > sign within 1 second"),
        (datetime.timedelta(hours=1, microseconds=250), "visit > sign within 3600.00025 seconds"),
    ],
)
def test_a_timedelta_is_written_in_the_largest_unit_that_it_is_a_number_of(length, line):
    assert Funnel(["visit", "sign"], window=length).notation == line


def mapped_rows():
    """Return events of six signers, whose columns differ in everything the mappings ask for."""
    start, day = pd.Timestamp("2018-01-14T12:00Z"), datetime.date(2018, 1, 14)
    values = [
        ("fr", False, 1, "phone ]", day),
        ("fr", True, 2, "phone", day),
        ("it's", False, 3, "phone ]", datetime.date(2018, 1, 15)),
        ("en", None, 4, None, None),
        (None, False, 3, "phone ]", day),
        (None, True, None, "phone", None),
    ]
    columns = ["language", "is_bot", "value", "kind of device", "signed_on"]
    return pd.DataFrame(
        [
            {"visitor_id": visitor, "event": event, "occurred_at": start + pd.Timedelta(minutes=minute)}
            | dict(zip(columns, row, strict=True))
            for visitor, row in enumerate(values)
            for minute, event in enumerate(["visit", "sign"])
        ]
    )


@pytest.mark.parametrize(
    ("where", "condition", "signed"),
    [
        ({"language": "fr"}, "language = 'fr'", 2),
        ({"language": ["fr", "it's"]}, "language IN ('fr', 'it''s')", 3),
        ({"language": ["en", None]}, "(language IN ('en') OR language IS NULL)", 3),
        ({"is_bot": False, "value": (1, 3)}, "is_bot = FALSE AND value IN (1, 3)", 3),
        ({"kind of device": "phone ]"}, "\"kind of device\" = 'phone ]'", 3),
        ({"signed_on": datetime.date(2018, 1, 14)}, "signed_on = CAST('2018-01-14' AS DATE)", 3),
    ],
)
def test_a_mapping_is_written_as_the_condition_it_stands_for(where, condition, signed):
    petition = Funnel(["visit", Step("sign", where=where)])
    assert petition.notation == f"visit > sign[{condition}] within 7 days"
    events = funnel.connect(mapped_rows(), cutoff="2018-02-14T00:00Z")
    for each in (petition, Funnel.parse(petition.notation)):
        assert list(each.measure(events).frame["visitors"]) == [6, signed]


def test_a_mapping_onto_a_column_with_a_dot_in_its_name_keeps_its_quotes():
    assert Funnel(["visit", Step("sign", where={"place.city": "Laval"})]).notation == (
        "visit > sign[\"place.city\" = 'Laval'] within 7 days"
    )


def test_a_list_of_one_event_is_written_as_that_event():
    assert Funnel([Step(["visit"]), "sign"]).notation == "visit > sign within 7 days"


def test_a_condition_that_is_none_is_not_written():
    with pytest.raises(DefinitionError) as caught:
        Funnel(["visit", Step("sign", where="language = 'fr")]).notation  # noqa: B018
    assert str(caught.value) == (
        'Not a SQL condition: "language = \'fr". Write one condition on the columns of an event, such as'
        " \"language = 'fr'\"."
    )


# By


def test_measure_breaks_down_by_what_the_funnel_says_unless_told_otherwise():
    events = funnel.connect(mapped_rows(), cutoff="2018-02-14T00:00Z")
    petition = Funnel.parse("visit > sign by language")
    assert petition.measure(events).by == ("language",)
    assert petition.measure(events, by="is_bot").by == ("is_bot",)
    assert petition.measure(events, by=[]).by == ()
    assert petition.measure(events).frame.equals(Funnel(["visit", "sign"]).measure(events, by="language").frame)


def test_by_takes_names_only():
    with pytest.raises(DefinitionError) as caught:
        Funnel(["visit", "sign"], by=3)
    assert str(caught.value) == ("`by` takes the name of a column, or several; got 3. Give for example by='channel'.")


def test_a_definition_is_read_and_written_without_a_funnel():
    reading = read("visit > sign entry first by channel")
    assert reading.definition == Definition(["visit", "sign"], entry="first")
    assert reading.by == ("channel",)
    assert written(reading.definition, reading.by) == "visit > sign within 7 days entry first by channel"
    assert [each.name for each in fields(Funnel) if each not in fields(Definition)] == ["by"]


# Refusals

ORDINARY = "Write one condition on the columns of an event, such as \"language = 'fr'\"."
CLAUSES = "within, follow-ups, order, entry, ties, without, by."
NO_PLACE = "has no place here. Steps are separated by >; after the last come " + CLAUSES
NO_CLAUSE = "has no place here. After the steps come " + CLAUSES
MEANINGLESS = (
    "has no meaning here. Steps are separated by >, and a name with signs of its own goes in straight quotes:"
    ' "sign up!".'
)

# Each line is refused at the ^ below it.
REFUSED = """
visit > sign withn 7 days
             ^ 'withn' has no place here. Did you mean 'within'? Steps are separated by >; after the last come {CLAUSES}
visit > sign 7 days
             ^ '7' {NO_PLACE}
visit sign
      ^ 'sign' {NO_PLACE}
visit "within" > sign
      ^ "within" {NO_PLACE}
visit > sign "up"
             ^ "up" {NO_PLACE}
visit > sign (share)
             ^ '(' {NO_PLACE}
visit > sign? [value > 3]
              ^ [value > 3] {NO_PLACE}
visit → sign
      ^ '→' {MEANINGLESS}
visit->sign
     ^ '-' {MEANINGLESS}
visit > sign] within 7 days
            ^ ']' {MEANINGLESS}
visit > “sign up”
        ^ '“' {MEANINGLESS}
visit >
       ^ The name of an event is missing after '>'.
visit > > sign
        ^ The name of an event is missing after '>'.
> visit
^ The name of an event is missing.
visit > ""
        ^ The name of an event is missing after '>'.
visit > within 7 days
        ^ The name of an event is missing after '>'. A name that is a word of the notation goes in quotes: "within".
visit or > sign
         ^ The name of an event is missing after 'or'.
visit > sign as
               ^ The name of the step is missing after 'as'.
visit > "sign up
        ^ The quotes that open here do not close.
visit | scan > sign
      ^ | separates follow-ups, which stand in parentheses after the last step. For one step that any of several \
events fills, write visit or scan.
(share | mail)
^ Parentheses hold follow-ups, which come after a step: visit > sign > (share | partner_click).
visit > (sign | cosign) > share
                        ^ Follow-ups come last. For one step that any of several events fills, write share or mail.
visit > sign > (share, mail)
                     ^ Between follow-ups stands |, and after the last one ), not ','.
visit > sign > (share | mail
                            ^ Between follow-ups stands |, and after the last one ), not the end.
visit > sign > ()
                ^ The name of an event is missing after '('.
visit > sign > (share? | mail)
                     ^ A follow-up is optional by nature. Leave the ? out.
visit
     ^ A funnel needs at least two steps. Write > and the step to reach: visit > sign.
visit within 7 days
      ^ A funnel needs at least two steps. Write > and the step to reach: visit > sign.
visit? > sign
     ^ Step 'visit' is optional but stands first or last. An optional step lies between two required steps.
visit > sign?
            ^ Step 'sign' is optional but stands first or last. An optional step lies between two required steps.
visit as a > sign as a > share
                     ^ Two steps are named 'a'. Give each step a name of its own.
x as "visit (2)" > visit > visit > sign
                           ^ Two steps share a name: visit (2), visit, visit (2). Give each step a name of its own.
visit > sign as " "
                ^ A step's name is words; got ' '. Leave it out to use the event's name.
visit > sign[language = 'fr within 7 days
            ^ The condition that begins here does not end. Close its quotes and brackets.
visit > sign[language =] within 7 days
             ^ Not a SQL condition: 'language ='. {ORDINARY}
visit > sign[]
             ^ The condition is empty. {ORDINARY}
visit > sign[now() > occurred_at]
             ^ A condition may not call 'now': 'now() > occurred_at'. Only functions whose answer depends on the row \
alone may be used.
visit > sign[order = (select 1)]
             ^ A condition may not hold a query inside it: 'order = (select 1)'. {ORDINARY}
visit > sign within
                   ^ A length of time is missing after within. Write a number and a unit, for example 7 days.
visit > sign within days
                    ^ A length of time is missing after within. Write a number and a unit, for example 7 days.
visit > sign within 7
                    ^ '7' is not a length of time. Give a number and a unit, for example '7 days' or '90 minutes'.
visit > sign within 7 by channel
                    ^ '7' is not a length of time. Give a number and a unit, for example '7 days' or '90 minutes'.
visit > sign within 7 dayz
                    ^ Unknown unit 'dayz' in '7 dayz'. Did you mean 'days'? Known: seconds, minutes, hours, days, weeks.
visit > sign within 0 days
                    ^ '0 days' is not longer than zero. Give for example '7 days'.
visit > sign within 2 months by channel
                    ^ '2 months': a month has no fixed length. Give days, for example '30 days'.
visit > sign within 7 days within 3 days
                           ^ 'within' is here for the second time. Keep one.
visit > sign within 7 days > share
                           ^ '>' {NO_CLAUSE}
visit > sign within 7 days entri first
                           ^ 'entri' has no place here. Did you mean 'entry'? After the steps come {CLAUSES}
visit > sign follow-ups 3 days
                        ^ After follow-ups comes within: follow-ups within 3 days.
visit > sign order strcit
                   ^ order 'strcit' is not known. Did you mean 'strict'? Known: ordered, strict, any.
visit > sign order
                  ^ A word is missing after order. Write for example order strict.
visit > sign entry last
                   ^ entry 'last' is not known. Known: any, first, each.
visit > sign ties foward
                  ^ ties 'foward' is not known. Did you mean 'forward'? Known: forward, strict.
visit > read? > sign order any
                           ^ An optional step has no place where order 'any': the steps have no order to lie between. \
Leave it out, or use order 'ordered'.
visit > sign order any without unsubscribe
                               ^ An exclusion has no place where order 'any': nothing is before or after. Use order \
'ordered'.
visit > sign without unsubscribe order any
                                       ^ An exclusion has no place where order 'any': nothing is before or after. Use \
order 'ordered'.
visit > sign without
                    ^ The name of an event is missing after 'without'.
visit > sign without unsubscribe?
                                ^ '?' {NO_CLAUSE}
visit > sign without unsubscribe after sing
                                       ^ Exclusion 'unsubscribe' has after 'sing', which is no required step. Did you \
mean 'sign'? Steps: visit, sign.
visit > sign without unsubscribe after visit before sing
                                                    ^ Exclusion 'unsubscribe' has before 'sing', which is no required \
step. Did you mean 'sign'? Steps: visit, sign.
visit > sign without unsubscribe before visit
                     ^ Exclusion 'unsubscribe' lies after 'visit' and before 'visit', between which there is nothing. \
Steps in order: visit, sign.
visit > sign without unsubscribe else drop_vistor
                                      ^ policy 'drop_vistor' is not known. Did you mean 'drop_visitor'? Known: stop, \
drop_attempt, drop_visitor.
visit > sign by
               ^ The name of a column is missing after 'by'.
visit > sign by channel,
                        ^ The name of a column is missing after ','.
visit > sign by channel device
                        ^ 'device' {NO_CLAUSE}
"""


def refusals():
    """Yield each line of REFUSED with the column of its caret, 1 the first, and its sentence."""
    lines = REFUSED.strip("\n").split("\n")
    for line, pointed in zip(lines[::2], lines[1::2], strict=True):
        caret, sentence = pointed.split("^ ", 1)
        for name in ("CLAUSES", "NO_PLACE", "NO_CLAUSE", "MEANINGLESS", "ORDINARY"):
            sentence = sentence.replace(f"{{{name}}}", globals()[name])
        yield pytest.param(line, len(caret) + 1, sentence, id=line)


def refused(line):
    with pytest.raises(DefinitionError) as caught:
        Funnel.parse(line)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


@pytest.mark.parametrize(("line", "column", "sentence"), list(refusals()))
def test_what_cannot_be_read_is_refused_in_a_sentence_that_points_at_the_column(line, column, sentence):
    assert refused(line) == f"Column {column}: {sentence}\n    {line}\n    {' ' * (column - 1)}^"


def test_more_steps_than_there_are_bits_are_refused_at_the_first_too_many():
    line = " > ".join(f"step{number:02}" for number in range(45))
    column = len(" > ".join(f"step{number:02}" for number in range(40))) + len(" > ") + 1
    assert refused(line).splitlines()[0] == (
        f"Column {column}: 41 steps, follow-ups and exclusions are more than the 40 that one funnel can hold."
        " Split it into several funnels."
    )


@pytest.mark.parametrize("line", ["", "  \n "])
def test_an_empty_line_is_told_what_a_funnel_looks_like(line):
    assert refused(line) == (
        "A funnel in one line needs steps; the line is empty. Write for example visit > sign within 7 days."
    )


def test_what_is_no_text_is_refused():
    assert refused(["visit", "sign"]) == (
        "A funnel in one line is text; got ['visit', 'sign']. Write for example 'visit > sign within 7 days'."
    )


def test_of_several_lines_the_wrong_one_is_shown():
    assert (
        refused("visit\n  > sign\n  withn 7 days\n  by channel").splitlines()[0].startswith("Line 3, column 3: 'withn'")
    )
    assert refused("visit\n  > sign\n  withn 7 days\n  by channel").splitlines()[1:] == [
        "      withn 7 days",
        "      ^",
    ]


@pytest.mark.parametrize(
    ("line", "blank"),
    [
        ("\tvisit !", "\t      "),  # a tab stays one, however wide it is
        ("署名 !", "     "),  # two columns each
        ("e\u0301tape !", "      "),  # an accent of its own takes none
    ],
)
def test_the_caret_stands_under_its_character_whatever_the_width_of_those_before(line, blank):
    assert refused(line).splitlines()[1:] == [f"    {line}", f"    {blank}^"]
