"""A declared analysis: read from campaign.yml or a mapping, written back as what reads the same."""

import datetime
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import jsonschema
import pytest
import yaml
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from funnel import (
    Attribution,
    Conversion,
    Count,
    Exclusion,
    Experiment,
    Friend,
    Funnel,
    Guardrail,
    Ladder,
    Mention,
    Mentions,
    Ratio,
    Referrals,
    Referred,
    Relays,
    Repeat,
    Step,
    Value,
    connect,
)
from funnel.analysis import SECTIONS, Analysis, Brand, Data, files, forms
from funnel.analysis.analysis import KEYS
from funnel.analysis.data import BRAND, DATA
from funnel.analysis.kinds import STEP_FORM
from funnel.conditions import columns_named, condition_sql
from funnel.definition import as_step, microseconds
from funnel.errors import DefinitionError, FunnelError, SourceError
from funnel.events import instant
from funnel.stats.credit import MODELS
from tests.test_notation import CONDITIONS, LENGTHS, NAMES, definitions

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "data" / "campaign.yml"
SCHEMA = json.loads((ROOT / "docs" / "campaign.schema.json").read_text(encoding="utf-8"))
CASES = Counter()
PETITION = Funnel(["visit", "sign"], follow_ups=["share", "partner_click"])

# Everything an analysis can hold: random questions

WINDOWS = st.sampled_from(LENGTHS) | st.timedeltas(datetime.timedelta(microseconds=1), datetime.timedelta(days=10_000))
DAYS = st.integers(1, 60).map(lambda n: f"{n} days") | st.integers(1, 60).map(lambda n: datetime.timedelta(days=n))
MINUTES = st.integers(1, 600).map(lambda n: datetime.timedelta(minutes=n)) | st.just("90 min")
MAPPINGS = st.dictionaries(
    st.sampled_from(["language", "channel", "first name", "language.of"]),
    st.sampled_from(["fr", "it's", 7, 0.5, True, None, datetime.date(2018, 1, 14), ["fr", None], [1, 2]])
    | st.datetimes(datetime.datetime(1990, 1, 1), datetime.datetime(2030, 1, 1)),
    min_size=1,
)
WHERE = st.none() | st.sampled_from(CONDITIONS) | MAPPINGS
# Names that the one-word outcomes have a use for.
WORDS = NAMES | st.sampled_from(
    ["share@14d", "count:share", "a/b", "value:x", "no", "2018-01-14", "1e3", "null", " x "]
)
PARTS = st.floats(1e-9, 1, exclude_max=True)
MOMENTS = (
    st.dates(datetime.date(1990, 1, 1), datetime.date(2030, 1, 1))
    | st.datetimes(
        datetime.datetime(1990, 1, 1),
        datetime.datetime(2030, 1, 1),
        timezones=st.none() | st.sampled_from([datetime.UTC, ZoneInfo("America/Toronto")]),
    )
    | st.sampled_from(["2018-01-14", " 2018-01-14T18:30 ", "2018-01-14 18:30:15.5-05:00", "20180114"])
)


@st.composite
def steps(draw, names=WORDS):
    events = draw(names | st.lists(names, min_size=1, max_size=3))
    if isinstance(events, str) and draw(st.booleans()):
        return events
    return Step(events, draw(WHERE), draw(st.none() | WORDS))


@st.composite
def outcomes(draw):
    window = draw(st.none() | WINDOWS)
    kind = draw(st.sampled_from([Conversion, Count, Referred, Ratio, Value]))
    if kind is Referred:
        return Referred(draw(steps()), window, draw(st.none() | steps()))
    if kind is Ratio:
        return Ratio(draw(steps()), draw(steps()), window)
    if kind is Value:
        return Value(draw(WORDS), draw(st.none() | steps()), window)
    return kind(draw(steps()), window)


@st.composite
def experiments(draw):
    variants = draw(st.lists(WORDS, min_size=2, max_size=4, unique=True))
    shares = dict.fromkeys(variants, 0.0) | {variants[0]: 0.25, variants[-1]: 0.75}
    guardrails = st.builds(Guardrail, steps(), PARTS, st.sampled_from(["higher", "lower"]), st.none() | WINDOWS)
    try:
        return Experiment(
            draw(WORDS),
            control=variants[0],
            primary=draw(outcomes()),
            window=draw(WINDOWS),
            exposure=draw(steps()),
            variant=draw(WORDS),
            secondary=draw(st.lists(outcomes(), max_size=3)),
            exploratory=draw(st.lists(outcomes(), max_size=2)),
            guardrails=draw(st.lists(guardrails, max_size=3)),
            looks=draw(st.sampled_from(["fixed", "anytime", 2, 100])),
            planned=draw(st.none() | st.integers(1, 10**9)),
            shares=draw(st.sampled_from([None, shares])),
            segments=draw(st.lists(WORDS, max_size=3)),
            referred=draw(st.sampled_from(["again", "inherit"])),
            two_variants=draw(st.sampled_from(["leave_out", "first"])),
            interval=draw(st.sampled_from(["newcombe", "score"])),
            assignment=draw(st.none() | steps()),
        )
    except DefinitionError:  # two outcomes of one name, or the exposure itself
        reject()


@st.composite
def ladders(draw):
    rungs = [draw(steps())]
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["step", Friend, Repeat]))
        if kind is Friend:
            rungs.append(Friend(draw(steps()), draw(st.none() | steps()), draw(WORDS)))
        elif kind is Repeat:
            rungs.append(Repeat(draw(steps()), draw(steps()), draw(WINDOWS), draw(st.none() | WORDS)))
        else:
            rungs.append(draw(steps()))
    try:
        return Ladder(rungs, draw(DAYS), draw(steps()))
    except DefinitionError:  # two rungs of one name
        reject()


@st.composite
def mentions(draw):
    names = draw(st.lists(WORDS.filter(str.strip), max_size=2, unique_by=str.strip))
    given = [
        Mention(
            name,
            aired_from=draw(MOMENTS),
            timezone="America/Toronto",
            kind=draw(st.none() | WORDS),
            outlet=draw(st.none() | WORDS),
            audience=draw(st.none() | st.integers(1, 10**7) | PARTS),
            reshared_link=draw(st.none() | WORDS),
        )
        for name in names
    ]
    try:
        return Mentions(
            draw(MINUTES), draw(DAYS), draw(steps()), draw(steps()), draw(st.none() | steps()), mentions=given
        )
    except DefinitionError:  # a visit that is a signature
        reject()


RELAYS = st.builds(
    Relays,
    of=steps(),
    shared=st.none() | steps(),
    visited=steps(),
    named_by=st.lists(WORDS, min_size=1, max_size=3),
    window=WINDOWS,
    downstream=st.sampled_from(["all", "none", 0, 1, 0.0, 1.0, 0.5]) | PARTS,
    launched_at=st.none() | MOMENTS,
)
ATTRIBUTIONS = st.builds(
    Attribution,
    to=steps(),
    by=WORDS,
    lookback=WINDOWS,
    touch=steps(),
    direct=WORDS,
    half_life=WINDOWS,
    order=st.integers(1, 4),
    self_loops=st.booleans(),
    models=st.lists(st.sampled_from(MODELS), min_size=1, unique=True),
)
DATA_ = st.builds(
    Data,
    events=st.none() | WORDS,
    columns=st.none() | st.dictionaries(WORDS, WORDS),
    timezone=st.sampled_from([None, "America/Toronto"]),
    cutoff=st.none() | MOMENTS,
    table=st.none() | WORDS,
    where=WHERE,
    relays=st.none() | WORDS,
    mentions=st.none() | WORDS,
)


@st.composite
def declarations(draw):
    """A funnel, and some of the other arguments of an analysis."""
    funnel = draw(definitions(WINDOWS))
    maybe = {
        "by": st.just(funnel.by) if funnel.by else st.lists(WORDS, max_size=3),
        "experiments": st.lists(experiments(), max_size=2, unique_by=lambda each: each.name),
        "referrals": st.builds(Referrals, steps(), st.none() | steps(), DAYS),
        "relays": RELAYS,
        "mentions": mentions(),
        "attribution": ATTRIBUTIONS,
        "ladder": ladders(),
        "sections": st.lists(st.sampled_from(SECTIONS), unique=True, min_size=1),
        "title": NAMES,
        "language": st.sampled_from(["en", "fr"]),
        "least": st.integers(5, 1000),
        "period": WINDOWS,
        "data": DATA_,
        "brand": st.builds(
            Brand, *[st.none() | st.sampled_from(["brand.css", "look/logo.svg"])] * 2, st.none() | NAMES
        ),
    }
    held = draw(st.sets(st.sampled_from(sorted(maybe)), max_size=4))
    return funnel, {name: draw(maybe[name]) for name in sorted(held)}


LENGTHS_OF_TIME = {"window", "follow_up_window", "wave", "after", "effect", "baseline", "lookback", "half_life"}
MOMENTS_IN = {"cutoff", "launched_at", "aired_from", "aired_to"}
STEPS_IN = {"step", "event", "numerator", "denominator", "shared", "exposure", "assignment", "of", "visited", "touch"}
STEPS_IN |= {"to", "since"}


def meaning(asked, name=""):
    """What a question asks, however it is written: found without any of the code under test."""
    if asked is None:
        return None
    if isinstance(asked, Step):
        return asked.events, said_in_sql(asked.where), asked.name, asked.optional
    if isinstance(asked, Exclusion):
        return meaning(asked.step), asked.after, asked.before, asked.policy
    if name in LENGTHS_OF_TIME:
        return microseconds(asked, argument=name)
    if name in MOMENTS_IN:
        return instant(asked, "America/Toronto", argument=name)
    if name in STEPS_IN:
        return meaning(as_step(asked))
    if name == "downstream":
        return {"all": 1.0, "none": 0.0}.get(asked, asked)
    if name == "where":
        return said_in_sql(asked)
    if name in ("steps", "follow_ups", "rungs"):
        return [meaning(each if is_dataclass(each) else as_step(each)) for each in asked]
    if is_dataclass(asked):
        return type(asked), {each.name: meaning(getattr(asked, each.name), each.name) for each in fields(asked)}
    if isinstance(asked, Mapping):
        return list(asked.items())
    return [meaning(each) for each in asked] if isinstance(asked, (list, tuple)) else asked


def said_in_sql(where):
    return None if where is None else condition_sql(where, columns_named(where)).sql("duckdb")


def check_there_and_back(folder, declaration, random):
    funnel, given = declaration
    declared = Analysis(funnel, **given)
    # Nothing is lost where it is put in one spelling.
    assert meaning(declared.funnel) == meaning(replace(funnel, by=()))
    for name, asked in given.items():
        if name == "data":
            columns = None if asked.columns is None else dict(sorted(asked.columns.items()))
            assert meaning(declared.data) == meaning(replace(asked, columns=columns))
        elif name not in ("by", "sections", "period"):
            assert meaning(getattr(declared, name)) == meaning(asked)
    # As JSON, whatever the order of its keys.
    text = json.dumps(declared.as_dict())
    jsonschema.validate(json.loads(text), SCHEMA)
    shuffled = json.loads(text, object_pairs_hook=lambda pairs: dict(random.sample(pairs, len(pairs))))
    for said in (json.loads(text), shuffled):
        again = Analysis.of(said)
        assert again == declared
        assert hash(again) == hash(declared)
        assert repr(again) == repr(declared)
        assert json.dumps(again.as_dict()) == text
        assert again.fingerprint() == declared.fingerprint()
    # As a file: what we write, and what was in a page; as other readers of YAML take it, too.
    path = folder / "campaign.yml"
    for written in (declared.yaml(), text):
        path.write_text(written, encoding="utf-8")
        assert Analysis.read(path) == declared
    assert Analysis.of(yaml.safe_load(declared.yaml())) == declared


@settings(max_examples=12)
@given(declarations(), st.randoms(use_true_random=False))
def test_every_analysis_is_read_back_as_it_was_written(tmp_path_factory, declaration, random):
    CASES["analyses written and read"] += 1
    check_there_and_back(tmp_path_factory.mktemp("campaign"), declaration, random)


@pytest.mark.slow
@settings(max_examples=300)
@given(declarations(), st.randoms(use_true_random=False))
def test_three_hundred_analyses_are_read_back_as_they_were_written(tmp_path_factory, declaration, random):
    CASES["analyses written and read"] += 1
    check_there_and_back(tmp_path_factory.mktemp("campaign"), declaration, random)


# What is kept in one spelling, and what is not the same


def declared(*, funnel=PETITION, **given):
    return Analysis(funnel, **given)


def test_lists_become_tuples_and_an_analysis_can_be_a_key():
    test = Experiment("page", control="a", primary=Conversion(Step("share", where={"language": "fr"})))
    one = declared(
        by=["channel"], experiments=[test], sections=["funnel", "by"], data=Data("log.csv", columns={"a": "b"})
    )
    assert (one.by, type(one.experiments), one.sections) == (("channel",), tuple, ("funnel", "by"))
    assert {one: 1}[replace(one)] == 1
    assert one != replace(one, by=[])
    assert one != "an analysis"


@pytest.mark.parametrize("window", ["168 hours", "7d", "1 week", datetime.timedelta(days=7), "604800.0 s"])
def test_a_length_of_time_has_one_spelling(window):
    same, usual = declared(funnel=replace(PETITION, window=window), period=window), declared()
    assert same.funnel.window == same.period == "7 days"
    assert same == usual
    assert same.fingerprint() == usual.fingerprint()


def test_a_condition_and_an_outcome_have_one_spelling():
    french = [Step("share", where=where) for where in ({"language": "fr"}, "language = 'fr'")]
    one, other = (
        declared(experiments=[Experiment("page", control="a", primary=Count(each), secondary=[plain])])
        for each, plain in zip(french, (Conversion("sign"), Conversion(Step(["sign"]))), strict=True)
    )
    assert one == other
    assert repr(one) == repr(other)
    assert one.as_dict()["experiments"] == [
        {
            "name": "page",
            "control": "a",
            "primary": {"count": {"event": "share", "where": "language = 'fr'"}},
            "window": "3 days",
            "secondary": ["sign"],
        }
    ]


def test_a_funnel_that_no_line_can_say_is_a_mapping():
    odd = Funnel(
        ["visit", Step("sign", where="name = $tag$]$tag$")], follow_ups=["share"], window="36 h", entry="first"
    )
    one = declared(funnel=odd)
    assert one.as_dict()["funnel"] == {
        "steps": ["visit", {"event": "sign", "where": "name = $tag$]$tag$"}],
        "follow_ups": ["share"],
        "window": "36 hours",
        "entry": "first",
    }
    assert one.funnel == replace(odd, window="36 hours")
    assert Analysis.of(one.as_dict()) == Analysis.of(yaml.safe_load(one.yaml())) == one


def test_the_funnels_own_columns_are_the_analysis_columns():
    one = declared(funnel=replace(PETITION, by=["channel"]))
    assert one == declared(by=["channel"])
    assert one.funnel == PETITION
    assert declared(funnel=replace(PETITION, by="channel"), by="channel") == one
    assert (declared().by, declared(by=[]).by) == (None, ())


def test_the_order_of_guardrails_and_shares_is_kept_whatever_becomes_of_the_order_of_keys():
    test = Experiment(
        "page",
        control="z",
        primary=Conversion("share"),
        guardrails=[Guardrail("unsubscribe", 0.005), Guardrail("donate", 0.01, "lower", "1 day")],
        shares={"z": 0.5, "a": 0.5},
    )
    said = json.loads(json.dumps(declared(experiments=[test]).as_dict(), sort_keys=True))
    (again,) = Analysis.of(said).experiments
    assert again == test
    assert list(again.shares) == ["z", "a"]
    assert (
        declared(experiments=[test])
        .yaml()
        .split("guardrails:\n")[1]
        .startswith("    unsubscribe: 0.5 %\n    donate@1 day: -1 %\n  shares:\n    z: 50 %\n    a: 50 %\n")
    )


@pytest.mark.parametrize(
    "given",
    [
        {"title": "Another"},
        {"language": "fr"},
        {"least": 20},
        {"sections": ["funnel"]},
        {"brand": Brand(css="brand.css")},
        {"data": Data("elsewhere.parquet", table="log", relays="relays.csv", mentions="mentions.csv")},
    ],
)
def test_the_fingerprint_is_the_same_for_the_same_numbers(given):
    assert declared(**given) != declared()
    assert declared(**given).fingerprint() == declared().fingerprint()


@pytest.mark.parametrize(
    "given",
    [
        {"funnel": replace(PETITION, window="8 days")},
        {"by": ["device"]},
        {"experiments": []},
        {"referrals": Referrals(of="sign")},
        {"period": "14 days"},
        {"data": Data("log.csv", cutoff="2018-02-04")},
        {"data": Data("log.csv", timezone="America/Toronto")},
        {"data": Data("log.csv", where="not is_bot")},
        {"data": Data("log.csv", columns={"visitor_id": "user"})},
    ],
)
def test_the_fingerprint_is_another_for_what_may_change_a_number(given):
    found = declared(**given).fingerprint()
    assert found != declared().fingerprint()
    assert re.fullmatch("[0-9a-f]{32}", found)


# The data


def test_the_data_is_connected_as_it_is_declared(tmp_path):
    (tmp_path / "log.csv").write_text(
        "user,event,occurred_at,lang\n1,visit,2018-01-14 18:00,fr\n1,sign,2018-01-14 18:01,fr\n"
        "2,visit,2018-01-15 18:00,en\n3,visit,2018-01-17 18:00,fr\n",
        encoding="utf-8",
    )
    (tmp_path / "who.csv").write_text("relay,agreed_at\nann,2018-01-01 12:00\n", encoding="utf-8")
    (tmp_path / "campaign.yml").write_text(
        "funnel: visit > sign\n"
        "data:\n"
        "  events: log.csv\n"
        "  columns: {visitor_id: user}\n"
        "  timezone: America/Toronto\n"
        "  cutoff: 2018-01-16\n"
        "  where: {lang: fr}\n"
        "  relays: who.csv\n",
        encoding="utf-8",
    )
    data = Analysis.read(tmp_path / "campaign.yml").data
    expected = connect(
        tmp_path / "log.csv", columns={"visitor_id": "user"}, timezone="America/Toronto", cutoff="2018-01-16"
    ).where("lang = 'fr'")
    events = data.connect()
    assert events.rows == 2
    assert events.fingerprint() == expected.fingerprint()
    assert events.cutoff == datetime.datetime(2018, 1, 16, 5, tzinfo=datetime.UTC)
    assert set(events.tables) == {"relays"}
    # What is named in the call is read instead, from where one is.
    other = tmp_path / "other.csv"
    other.write_text("user,event,occurred_at,lang\n9,visit,2018-01-14 18:00,fr\n", encoding="utf-8")
    assert data.connect(str(other)).rows == 1


def test_paths_are_from_the_folder_of_the_file_and_are_written_down_so(tmp_path):
    folder = tmp_path / "campaign"
    folder.mkdir()
    (folder / "c.yml").write_text(
        "funnel: visit > sign\ndata: {events: ../log/*.csv, mentions: /there/mentions.csv}\n"
        "brand: {css: look/brand.css}\n",
        encoding="utf-8",
    )
    one = Analysis.read(folder / "c.yml")
    assert one.data.events == (folder / "../log/*.csv").as_posix()
    assert one.data.mentions == "/there/mentions.csv"
    assert one.brand.css == folder / "look" / "brand.css"
    assert one.as_dict()["data"] == {"events": "../log/*.csv", "mentions": "/there/mentions.csv"}
    assert one.as_dict()["brand"] == {"css": "look/brand.css"}
    assert Analysis.of(one.as_dict()) == one
    assert Analysis.of(one.as_dict(), folder=folder).data == one.data


def test_data_without_events_takes_those_of_the_call():
    with pytest.raises(DefinitionError) as caught:
        Data(timezone="UTC").connect()
    assert str(caught.value) == (
        "Nothing says where the events are. Give `data: events:` in campaign.yml, or connect('data/sample')."
    )


# The file


@pytest.fixture
def campaign(tmp_path):
    def write(text):
        path = tmp_path / "campaign.yml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_the_sample_campaign_asks_what_its_comments_say():
    sample = Analysis.read(SAMPLE)
    assert sample == Analysis(
        Funnel(["visit", "sign"], follow_ups=["share", "partner_click"], window="7 days"),
        by=["channel", "device"],
        experiments=[
            Experiment(
                "thanks_page",
                control="thanks_only",
                primary=Conversion("share"),
                secondary=[Conversion("partner_click"), Referred("sign")],
                guardrails=[Guardrail("unsubscribe", 0.005)],
                segments=["device"],
            )
        ],
        title="The petition, three weeks on",
        data=Data("sample", timezone="America/Toronto", cutoff="2018-02-04 05:00+00:00"),
    )
    events = sample.data.connect()
    assert events.cutoff == datetime.datetime(2018, 2, 4, 5, tzinfo=datetime.UTC)
    assert set(events.tables) == {"relays", "mentions"}


def test_every_comment_of_the_sample_campaign_can_be_made_a_line_of_it(campaign):
    text = SAMPLE.read_text(encoding="utf-8")
    lines = re.sub(r"^( *)# (\w+: [\[{\w].*)$", r"\1\2", text, flags=re.MULTILINE)
    said = files.read(campaign(lines)).value
    assert set(said) == set(KEYS)
    one = Analysis.of(said)
    assert one.relays == Relays(of="sign", downstream=0.5)
    assert one.ladder == Ladder(["visit", "sign", "share", Friend(), "partner_click"])
    jsonschema.validate(said, SCHEMA)


def test_the_examples_of_the_page_are_read(campaign):
    page = (ROOT / "docs" / "campaign.md").read_text(encoding="utf-8")
    blocks = [files.read(campaign(block)).value for block in re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)]
    assert len(blocks) == 3
    for said in blocks:
        jsonschema.validate({"funnel": "visit > sign", **said}, SCHEMA)
        Analysis.of({"funnel": "visit > sign", **said})
    outcomes = re.findall(r"^\| `(\S+)` \| .*? \| `(\{.*\})` \|$", page, flags=re.MULTILINE)
    assert len(outcomes) == 6
    read = [forms.OUTCOME.read(files.Place(yaml.safe_load(each))) for pair in outcomes for each in pair]
    assert [type(each) for each in read[::2]] == [type(each) for each in read[1::2]]
    assert read[0] == read[1] == Conversion("share")
    assert read[10] == read[11] == Conversion("share", "14 days")


def test_the_page_tells_every_key():
    page = (ROOT / "docs" / "campaign.md").read_text(encoding="utf-8")
    every = [*KEYS, *SECTIONS, *(key for form in every_form().values() for key in form.keys)]
    assert [key for key in every if not re.search(rf"`{key}\b|\b{key}:", page)] == []


def every_form():
    outcomes = {f"outcome/{number}": form for number, form in enumerate(forms.OUTCOMES.values(), start=1)}
    gestures = {f"rung/{number}": form for number, form in enumerate((forms.FRIEND, forms.REPEAT), start=3)}
    return {
        **forms.QUESTIONS,
        "data": DATA,
        "brand": BRAND,
        "step": STEP_FORM,
        "exclusion": forms.EXCLUSION_FORM,
        "funnel": forms.FUNNEL_FORM,
        "experiment": forms.EXPERIMENT,
        "guardrail": forms.GUARDRAIL_FORM,
        "mention": forms.MENTION,
        **outcomes,
        **gestures,
    }


@pytest.mark.parametrize("name", every_form())
def test_the_schema_knows_the_keys_that_the_reader_knows(name):
    defined = SCHEMA["definitions"].get(name) or SCHEMA["properties"].get(name)
    if "/" in name:
        kind, _, place = name.partition("/")
        defined = SCHEMA["definitions"][kind]["anyOf"][int(place)]
        if kind == "rung":
            (defined,) = defined["properties"].values()
            defined = defined["anyOf"][1]
    form = every_form()[name]
    assert set(defined["properties"]) == set(form.keys)
    required = set(defined["required"])
    assert set(form.needs) <= required
    assert required <= set(form.needs) | set(form.renamed)


def test_the_schema_is_one_and_knows_the_same_top_and_sections():
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert set(SCHEMA["properties"]) == set(KEYS)
    assert SCHEMA["properties"]["sections"]["items"]["enum"] == list(SECTIONS)
    assert SCHEMA["required"] == ["funnel"]
    jsonschema.validate(Analysis.read(SAMPLE).as_dict(), SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"funnel": "visit > sign", "laguage": "fr"}, SCHEMA)


def test_what_yaml_takes_for_something_else_is_text(campaign):
    one = Analysis.read(
        campaign(
            "funnel: visit > sign\n"
            "title: no\n"
            "data: {cutoff: 2018-01-14 18:30:00-05:00, where: {day: 2018-01-14, hour: 7:30, answer: yes}}\n"
            "experiments:\n"
            "  name: 2018-01-14\n"
            "  control: off\n"
            "  primary: y\n"
            "  shares: {off: 50 %, on: .5}\n"
        )
    )
    assert one.title == "no"
    assert one.data.cutoff == "2018-01-14 18:30-05:00"
    assert one.data.where == "day = '2018-01-14' AND hour = '7:30' AND answer = 'yes'"
    assert one.experiments == (
        Experiment("2018-01-14", control="off", primary=Conversion("y"), shares={"off": 0.5, "on": 0.5}),
    )
    assert Analysis.of(yaml.safe_load(one.yaml())) == one


def test_what_signing_and_a_visit_are_is_as_the_funnel_says_unless_a_question_says_otherwise(campaign):
    one = Analysis.read(
        campaign(
            "funnel: arrive > donate[amount > 5]\n"
            "referrals: {}\n"
            "relays: {visited: visit, of: }\n"
            "mentions: {effect: 2 hours}\n"
            "attribution: {by: source}\n"
            "ladder: {rungs: [arrive, donate, friend:, {repeat: {after: 2 days}}, {friend: {of: sign, name: b}}]}\n"
        )
    )
    donated = Step("donate", where="amount > 5")
    assert one.referrals == Referrals(of=donated)
    assert one.relays == Relays(of=donated, visited="visit")
    assert one.mentions == Mentions("2 hours", visited="arrive", of=donated)
    assert one.attribution == Attribution(to=donated, by="source", touch="arrive")
    assert one.ladder == Ladder(
        ["arrive", "donate", Friend(donated), Repeat("arrive", donated, "2 days"), Friend("sign", name="b")]
    )


def test_a_key_without_a_value_is_left_out_and_a_value_alone_is_a_list_of_one(campaign):
    one = Analysis.read(
        campaign(
            "funnel: {steps: [visit, sign], follow_ups: share, exclude: bot}\n"
            "title:\nby: channel\nprivacy: {hide_below: }\ndata:\nbrand:\n"
            "experiments: {name: a, control: b, primary: share, secondary: count:share, segments: device, planned: }\n"
        )
    )
    assert one == Analysis(
        Funnel(["visit", "sign"], follow_ups=["share"], exclude=[Exclusion("bot")]),
        by=["channel"],
        experiments=[
            Experiment("a", control="b", primary=Conversion("share"), secondary=[Count("share")], segments=["device"])
        ],
    )


def test_a_file_with_a_mark_of_its_encoding_and_lines_of_windows_is_read(tmp_path):
    path = tmp_path / "campaign.yml"
    path.write_bytes("\ufefffunnel: visit > sign\r\ntitle: Pétition\r\n".encode())
    assert Analysis.read(path).title == "Pétition"


# What is refused, in a whole sentence with its line

ALL_KEYS = (
    "title, language, period, data, funnel, by, experiments, referrals, relays, mentions, attribution, ladder,"
    " sections, privacy, brand"
)
ALL_SECTIONS = (
    "funnel, by, changes, follow-ups, experiments, forgone, referrals, relays, mentions, attribution, ladder, days,"
    " counting, definition, quality, privacy"
)
KEYS_OF_AN_EXPERIMENT = (
    "name, control, primary, window, exposure, variant, secondary, exploratory, guardrails, looks, planned, shares,"
    " segments, referred, two_variants, interval, assignment"
)
TEST = "experiments:\n  - name: page\n    control: a\n    primary: share\n"  # lines 2 to 5

REFUSED = {
    # Keys
    "laguage: fr": f"2: 'laguage' is no key of an analysis. Did you mean 'language'? Known: {ALL_KEYS}.",
    "data:\n  evnts: sample": "3: 'evnts' is no key of the data. Did you mean 'events'? Known: events, timezone,"
    " cutoff, columns, where, table, relays, mentions.",
    f"{TEST}    windw: 3 days": "6: 'windw' is no key of an experiment. Did you mean 'window'? Known:"
    f" {KEYS_OF_AN_EXPERIMENT}.",
    "brand: {colour: red}": "2: 'colour' is no key of the brand. Known: css, logo, name.",
    "ladder:\n  rungs:\n    - visit\n    - frend:": "5: 'frend' is no rung. Did you mean 'friend'? A rung is an event,"
    " a step ({event: sign, where: ...}), friend or repeat.",
    "by: channel\ntitle: x\nby: device": "4: 'by' is there twice; the first is on line 2. Keep one.",
    "referrals: yes": "2: `referrals` holds keys and values; got 'yes'. Known keys: of, shared, window.",
    "experiments:\n  - name: page\n    primary: share": "3: An experiment needs `control`. Write for example control:"
    " thanks_only.",
    "ladder: {wave: 7 days}": "2: The ladder needs `rungs`. Write for example rungs: [visit, sign, share].",
    # Plain values
    "language: no": "2: No language 'no'. Known: en, fr. Write `language: en` or `language: fr`.",
    "title: 2018": "2: `title` is text, and 2018 is a number here. Write it in quotes: '2018'.",
    "title: ' '": "2: `title:  ` is no heading. Give words, or leave it out.",
    "period: soon": "2: `period: soon` is not a length of time. Give a number and a unit, for example '7 days' or"
    " '90 minutes'.",
    "period: 7": "2: `period: 7` is not a length of time. Give a number and a unit, for example '7 days' or"
    " '90 minutes'.",
    "privacy: {hide_below: 3}": "2: `hide_below: 3` would show counts by which people can be told apart. Give 5 or"
    " more; 10 is usual.",
    "privacy: {hide_below: ten}": "2: `hide_below: ten` is no number of people. Give 5 or more; 10 is usual.",
    "sections: [funnel, folow-ups]": f"2: No section is named 'folow-ups'. Did you mean 'follow-ups'? Known:"
    f" {ALL_SECTIONS}.",
    "sections: [funnel, by, funnel]": "2: Section 'funnel' is there twice. Name each once.",
    "sections: funnel": f"2: `sections` takes a list of sections; got 'funnel'. Known: {ALL_SECTIONS}.",
    "sections: []": "2: `sections` is empty, so there is nothing to tell. Name one, or leave it out for all.",
    "by: [channel, 7]": "2: `by` takes the name of a column, or several; got ['channel', 7]. Give for example"
    " `by: channel`.",
    "data: {timezone: Toronto}": "2: No time zone named 'Toronto'. Did you mean 'America/Toronto'? Give an IANA name,"
    " such as 'America/Toronto' or 'UTC'.",
    "data:\n  cutoff: 4 February": "3: `cutoff: 4 February` is no date or time. Write it as 2018-01-14 or 2018-01-14"
    " 18:30.",
    "data:\n  columns: visitor_id=user": "3: `columns` maps our names to the source's; got 'visitor_id=user'. Write for"
    " example columns: {visitor_id: user}.",
    "data:\n  columns: {visitor_id: 3}": "3: `visitor_id` is text, and 3 is a number here. Write it in quotes: '3'.",
    "data:\n  where: language =": "3: Not a SQL condition: 'language ='. Write one condition on the columns of an"
    " event, such as \"language = 'fr'\".",
    "data:\n  where: 3": "3: `where` is a SQL condition, or columns and their values; got 3. Write for example where:"
    " language = 'fr'.",
    "data:\n  events: ''": "3: `events: ''` is no path. Write it as text, as from where you are.",
    # Experiments, in the words of the command line
    TEST.replace(
        " share", " cont:share"
    ): "5: No kind of outcome is named 'cont' in 'cont:share'. Did you mean 'count'?"
    " Known: conversion, count, referred, ratio, value. If that is an event's whole name, write"
    " conversion:cont:share.",
    TEST.replace(" share", " ratio:share"): "5: 'ratio:share' is no ratio of one event to another. Write"
    " ratio:share/visit.",
    TEST.replace(" share", " 'count:'"): "5: 'count:' names nothing to count. Write count:share.",
    TEST.replace(" share", " {count: }"): "5: `count` names nothing to count. Write for example count: share.",
    TEST.replace(" share", " {event: share}"): "5: `primary` says no kind of outcome. Give one of conversion, count,"
    " referred, ratio, value: for example {count: share, window: 14 days}.",
    TEST.replace(
        " share", " {count: a, value: b}"
    ): "5: `primary` says several kinds of outcome. Give one of conversion,"
    " count, referred, ratio, value: for example {count: share, window: 14 days}.",
    f"{TEST}    secondary:\n      - sign\n      - sign@14 moons": "8: Unknown unit 'moons' in `window: 14 moons`."
    " Known: seconds, minutes, hours, days, weeks.",
    f"{TEST}    secondary: [share]": "3: Outcome 'share' is there twice. Give each outcome once, or a Step with a name"
    " of its own.",
    TEST.replace("control: a", "control: 1"): "4: `control` is text, and 1 is a number here. Write it in quotes: '1'.",
    TEST.replace("control: a", "control: true"): "4: `control` is text, and true is a truth value here. Write it in"
    " quotes: 'true'.",
    TEST.replace("control: a", "control: [a]"): "4: `control` is text; got ['a'].",
    f"{TEST}    looks: weekly": "6: `looks: weekly` is not known. Write 'fixed' (one look, at the planned end), the"
    " number of planned looks from 2 to 100, or 'anytime'.",
    f"{TEST}    guardrails: unsubscribe": "6: A guardrail is an event and how much worse is still bearable; got"
    " 'unsubscribe'. Write for example unsubscribe: 0.5 %, or donate: -0.5 % where less is worse.",
    f"{TEST}    guardrails:\n      unsubscribe: 5": "7: The margin of guardrail 'unsubscribe' is no share between 0 and"
    " 1; got 5. Half a percentage point is unsubscribe: 0.5 %, or unsubscribe: -0.5 % where less is worse.",
    f"{TEST}    guardrails: {{unsubscribe: half}}": "6: 'half' in `unsubscribe` is no number. Write 0.12, or 12%.",
    f"{TEST}    guardrails: {{unsubscribe: }}": "6: `unsubscribe` is a share, as 0.005 or 0.5 %; got nothing.",
    f"{TEST}    guardrails:\n      - event: bye\n        worse: lower": "7: A guardrail needs `margin`. Write for"
    " example margin: 0.5 %.",
    f"{TEST}    guardrails:\n      - event: bye\n        margin: 1 %\n        worse: more": "9: `worse: more` is not"
    " known. Write `worse: higher` or `worse: lower`.",
    f"{TEST}    shares: {{a: 50 %, b: 60 %}}": "3: The planned shares sum to 1.1. Give shares that sum to 1, as"
    " {'thanks_only': 0.5, 'share': 0.5}.",
    f"{TEST}    shares: half": "6: `shares` maps each variant to its planned share; got 'half'. Give for example"
    " `shares: {thanks_only: 0.5, share: 0.5}`.",
    f"{TEST}    shares: [a: 50 %, a: 50 %]": "6: Variant 'a' is there twice. Give each variant one share.",
    f"{TEST}  - {{name: page, control: b, primary: share}}": "2: Experiment 'page' is there twice. Ask each once;"
    " further outcomes, each with a window of its own if need be, are secondary or exploratory.",
    # The other questions
    "referrals:\n  window: 36 hours": "3: `window: 36 hours` is no whole number of days. Give for example '3 days'.",
    "relays:\n  downstream: 2": "3: `downstream: 2` is no discount. Write 'all', 'none', or a number from 0 to 1: what"
    " each generation counts of the one before.",
    "relays:\n  downstream: 1.2.3": "3: '1.2.3' in `downstream` is no number. Write 0.12, or 12%.",
    "relays:\n  launched_at: 7:30": "3: `launched_at: 7:30` is no date or time. Write it as 2018-01-14 or 2018-01-14"
    " 18:30.",
    "mentions:\n  mentions:\n    - {mention: tv, aired_from: 2018-01-21 20:40, timezone: UTC, audience: many}": "4:"
    " `audience` is a number; got 'many'.",
    "mentions:\n  mentions:\n    - mention: tv\n      aired_from: 2018-01-21 20:40": "5: `aired_from: 2018-01-21 20:40`"
    " has no zone. Give `timezone: America/Toronto` as well, or an offset as in '2018-01-21 20:40:00+00:00'.",
    "attribution: {models: [first, lineal]}": "2: No model named 'lineal'. Did you mean 'linear'? Known: first, last,"
    " last_non_direct, linear, position, time_decay, markov, shapley.",
    "attribution:\n  self_loops: no": "3: `self_loops` is true or false; got 'no'.",
    "ladder:\n  rungs: [visit]": "2: A ladder has 2 to 20 rungs; got 1. Give for example Ladder(['visit', 'sign']).",
    # What is YAML, and no campaign
    "title: !!python/object/apply:os.system ['true']": "2: '!!python/object/apply:os.system' is a tag. A campaign holds"
    " text, numbers, lists and mappings only; leave it out.",
    "title: !include secret": "2: '!include' is a tag. A campaign holds text, numbers, lists and mappings only; leave"
    " it out.",
    "title: &t x": "2: '&t' gives a part of the file a name. Leave it out.",
    "title: *t": "2: '*t' stands for another part of the file. Write it out.",
    "---\nfunnel: a > b": "2: a second document begins. A campaign is one; leave out the line ---.",
    r'title: "\ud83d"': r"2: half a character (\ud800 to \udfff) stands alone. Write it whole.",
    "[a, b]: c": "2: a key is a word; a list or a mapping is none.",
    'title: "\x01"': "2: the character U+0001 has no place in a text. Leave it out.",
    f"title: {'[' * 100}{']' * 100}": "2: more than 20 lists and mappings are in each other.",
}
PLAIN_KEYS = "keys of one mapping begin in one column, and a value that holds a colon and a blank goes in quotes."
NO_YAML = {
    "data:\n\tevents: x": "3, column 1: this is no YAML: found character '\\t' that cannot start any token. Indent with"
    " spaces.",
    "title: Petition: the sequel": "2, column 16: this is no YAML: mapping values are not allowed here. Each line is"
    f" `key: value`, {PLAIN_KEYS}",
    'by: "a" > b': "2, column 11: this is no YAML: expected a comment or a line break, but found 'b'. A value that"
    " begins with a quote ends with it: '\"sign up\" > share' has both kinds.",
    "title: @x": "2, column 8: this is no YAML: found character '@' that cannot start any token. A value that begins"
    " with this sign goes in quotes.",
    "by: [channel\n\n": "5, column 1: this is no YAML: expected ',' or ']', but got '<stream end>'. The bracket that"
    " opens on line 2 does not close.",
    "title: 'x\nby: a": "4, column 1: this is no YAML: found unexpected end of stream. The quotes that open on line 2"
    " do not close.",
    "title": "3, column 1: this is no YAML: could not find expected ':'. Each line is `key: value`, with a blank after"
    " the colon.",
}


def refusal(path):
    with pytest.raises(DefinitionError) as caught:
        Analysis.read(path)
    return str(caught.value)


@pytest.mark.parametrize("text", [*REFUSED, *NO_YAML])
def test_what_is_wrong_in_a_file_is_told_with_its_line(campaign, text):
    told = refusal(campaign(f"funnel: visit > sign\n{text}\n"))
    assert told == f"campaign.yml, line {(REFUSED | NO_YAML)[text]}"


FUNNELS = {
    "": "campaign.yml is empty. Write at least funnel: visit > sign.",
    "title: x\n": "campaign.yml: An analysis needs `funnel`. Write for example funnel: visit > sign > (share) within 7"
    " days.",
    "- visit\n": f"campaign.yml: The analysis holds keys and values; got ['visit']. Known keys: {ALL_KEYS}.",
    "title: x\nfunnel: visit > sign withn 7 days\n": "campaign.yml, line 2: Column 14: 'withn' has no place here. Did"
    " you mean 'within'? Steps are separated by >; after the last come within, follow-ups, order, entry, ties, without,"
    " by.\n    visit > sign withn 7 days\n                 ^",
    "funnel: visit > sign by channel\nby: device\n": "campaign.yml, line 2: The funnel is broken down by channel, and"
    " the analysis by device. Say it once.",
    "funnel:\n  steps: [visit]\n": "campaign.yml, line 1: A funnel needs at least two steps; got 1: visit. Add the step"
    " to reach, for example Funnel(['visit', 'sign']).",
    "funnel:\n  window: 7 days\n": "campaign.yml, line 1: A funnel needs `steps`. Write for example steps:"
    " [visit, sign].",
    "funnel:\n  steps: [visit, sign]\n  order: strikt\n": "campaign.yml, line 3: `order: strikt` is not known. Did you"
    " mean 'strict'? Known: ordered, strict, any.",
    "funnel:\n  steps: [visit, {event: read, optional: no}, sign]\n": "campaign.yml, line 2: `optional` is true or"
    " false; got 'no'.",
    "funnel:\n  steps: [visit, sign]\n  exclude:\n    - event: bot\n      policy: drop\n": "campaign.yml, line 5:"
    " `policy: drop` is not known. Known: stop, drop_attempt, drop_visitor.",
    "funnel: 7\n": "campaign.yml, line 1: `funnel` holds keys and values; got 7. Known keys: steps, follow_ups, window,"
    " follow_up_window, order, entry, ties, exclude, by.",
}


@pytest.mark.parametrize("text", FUNNELS)
def test_what_is_wrong_with_a_funnel_is_told_with_its_line(campaign, text):
    assert refusal(campaign(text)) == FUNNELS[text]


def test_a_mapping_is_told_by_its_keys_and_in_the_words_of_python():
    said = {"funnel": "visit > sign", "experiments": [{"name": "a", "control": "b", "primary": "share@soon"}]}
    said["experiments"][0] |= {"looks": "weekly"}
    with pytest.raises(DefinitionError) as caught:
        Analysis.of(said)
    assert str(caught.value) == (
        "experiments[0].looks: looks='weekly' is not known. Write 'fixed' (one look, at the planned end), the number of"
        " planned looks from 2 to 100, or 'anytime'."
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"funnel": "visit > sign"},
            "`funnel` takes funnel.Funnel(...), or Funnel.parse('visit > sign'); got str.",
        ),
        (
            {"experiments": ["thanks_page"]},
            "`experiments` takes a list of experiments, as [funnel.Experiment('thanks_page', control='thanks_only',"
            " primary=funnel.Conversion('share'))]; got str.",
        ),
        ({"ladder": ["visit", "sign"]}, "`ladder` takes funnel.Ladder(...); got list."),
        ({"data": "data/sample"}, "`data` takes funnel.analysis.Data('data/sample'); got str."),
        ({"brand": "brand.css"}, "`brand` takes funnel.analysis.Brand(css='brand.css'); got str."),
        (
            {"least": 4},
            "least=4 would show counts by which people can be told apart. Give 5 or more; 10 is usual.",
        ),
        ({"least": 10.0}, "least=10.0 is no number of people. Give 5 or more; 10 is usual."),
        (
            {"language": "fi"},
            "No language 'fi'. Known: en, fr. Write language='en' or language='fr'.",
        ),
        ({"title": ""}, "title='' is no heading. Give words, or leave it out."),
        (
            {"by": 7},
            "`by` takes the name of a column, or several; got 7. Give for example by='channel'.",
        ),
        (
            {"funnel": replace(PETITION, by="channel"), "by": []},
            "The funnel is broken down by channel, and the analysis by none. Say it once.",
        ),
        ({"sections": ["ladders"]}, f"No section is named 'ladders'. Did you mean 'ladder'? Known: {ALL_SECTIONS}."),
    ],
)
def test_what_is_no_analysis_is_refused(given, sentence):
    with pytest.raises(DefinitionError) as caught:
        declared(**given)
    assert str(caught.value) == sentence


def test_a_file_that_is_not_there_is_told_with_those_that_are(tmp_path):
    (tmp_path / "campaign.yml").write_text("funnel: visit > sign\n", encoding="utf-8")
    for path, sentence in {
        tmp_path
        / "campain.yml": f"There is no file 'campain.yml' in '{tmp_path}'. Did you mean 'campaign.yml'? Its .yml"
        " files: campaign.yml.",
        tmp_path / "there" / "c.yml": f"There is no folder '{tmp_path / 'there'}', so no file 'c.yml' in it.",
        tmp_path: f"'{tmp_path}' is a folder. Give the file in it, as '{tmp_path / 'campaign.yml'}'.",
    }.items():
        with pytest.raises(SourceError) as caught:
            Analysis.read(path)
        assert str(caught.value) == sentence
    (tmp_path / "latin.yml").write_bytes("title: Pétition".encode("latin-1"))
    assert refusal(tmp_path / "latin.yml") == "latin.yml is not in UTF-8. Save it in that encoding."


# Whatever is written is read, or refused in a sentence

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats() | st.text(max_size=5) | WORDS,
    lambda each: st.lists(each, max_size=3) | st.dictionaries(WORDS | st.sampled_from(KEYS), each, max_size=3),
    max_leaves=5,
)
FULL = files.read(SAMPLE).value | {
    "referrals": {"of": "sign", "window": "3 days"},
    "relays": {"of": ["sign"], "downstream": 0.5, "launched_at": "2018-01-14", "named_by": ["relay"]},
    "mentions": {"mentions": [{"mention": "a", "aired_from": "2018-01-14", "timezone": "UTC", "audience": 5}]},
    "attribution": {"models": ["first"], "order": 2, "self_loops": False, "half_life": "7 days"},
    "ladder": {"rungs": ["visit", {"event": ["a", "b"], "where": {"c": 1}}, {"friend": {"of": "sign"}}], "wave": "7 d"},
    "sections": ["funnel"],
    "brand": {"css": "brand.css", "name": "a"},
}
FULL["experiments"][0] |= {"shares": {"thanks_only": 0.5, "b": 0.5}, "looks": 3, "planned": 9, "assignment": "a"}


def ways(said, way=()):
    """Every place in what was said, the whole too."""
    yield way
    for key in said if isinstance(said, dict) else range(len(said)) if isinstance(said, list) else ():
        yield from ways(said[key], (*way, key))


def put(said, way, value):
    """What was said, with another value in one place."""
    if not way:
        return value
    held = dict(said) if isinstance(said, dict) else list(said)
    held[way[0]] = put(held[way[0]], way[1:], value)
    return held


@settings(max_examples=60)
@given(st.sampled_from(list(ways(FULL))), JSON)
def test_any_value_at_any_key_is_read_or_refused_in_a_sentence(way, value):
    CASES["analyses with a strange value"] += 1
    try:
        one = Analysis.of(put(FULL, way, value))
    except FunnelError as error:
        told, one = str(error), None
    if one:
        assert Analysis.of(json.loads(json.dumps(one.as_dict()))) == one
    else:
        assert told.endswith((".", ")", "^"))


PIECES = [
    "funnel: visit > sign",
    "by:",
    "  - a",
    "\n",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "'",
    '"',
    "&a",
    "*a",
    "!!x",
    "|",
    "#",
]


@settings(max_examples=100)
@given(st.text() | st.lists(st.sampled_from([*PIECES, "\t", "---", "%", "? ", "<<:", "\x00", "é"])).map("".join))
def test_any_text_is_read_or_refused_in_a_sentence(tmp_path_factory, text):
    CASES["files of any text"] += 1
    path = tmp_path_factory.mktemp("any") / "campaign.yml"
    path.write_text(text, encoding="utf-8")
    told = "campaign.yml is read"
    try:
        Analysis.read(path)
    except FunnelError as error:
        told = str(error)
    assert told.startswith("campaign.yml")
