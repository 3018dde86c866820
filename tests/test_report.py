import datetime
from dataclasses import dataclass
from pathlib import Path

import pandas
import pandas as pd
import plotly.graph_objects as go
import pytest

import funnel
from funnel import charts, quality
from funnel.analysis import Analysis
from funnel.errors import DefinitionError
from funnel.language import language
from funnel.report import Report, campaign_report, experiment_report, shown, usual_experiments
from funnel.sections import readings, step_bars, table_for
from funnel.sections.checks import told
from funnel.sections.tables import cohort_table, curve_table, heading, table_of

EN, FR = language("en"), language("fr")
SPACES = str.maketrans("\u00a0\u202f", "  ")

# Of 1,000 visitors 200 signed, 10 still may; of the 200, 60 shared and 20 went to the partner, 5 still may.
STEPS = pandas.DataFrame(
    {
        "step": ["visit", "sign", "share", "partner_click"],
        "after": [None, "visit", "sign", "sign"],
        "visitors": [1000, 200, 60, 20],
        "step_rate": [None, 0.202, 0.3077, 0.1026],
        "step_rate_low": [None, 0.178, 0.247, 0.068],
        "step_rate_high": [None, 0.228, 0.375, 0.152],
        "overall_rate": [1.0, 0.202, 0.06, 0.02],
        "overall_rate_low": [None, 0.178, 0.047, 0.013],
        "overall_rate_high": [None, 0.228, 0.076, 0.031],
        "dropped": [0, 790, 135, 175],
        "pending": [0, 10, 5, 5],
        "median_seconds": [None, 95.0, 3_700.0, 60.0],
        "p75_seconds": [None, 300.0, 7_800.0, 90.0],
        "p90_seconds": [None, 900.0, 90_000.0, 120.0],
    }
)
FOLLOW_UPS = pandas.DataFrame(
    {
        "combination": ["none", "share", "partner_click", "share + partner_click", "share + partner_click"],
        "first": [None, "share", "partner_click", "share", "same time"],
        "visitors": [130, 50, 10, 8, 2],
        "pending": [5, 0, 0, 0, 0],
        "last_step_rate": [0.641, 0.256, 0.051, 0.041, 0.010],
        "last_step_rate_low": [0.571, 0.200, 0.028, 0.021, 0.003],
        "last_step_rate_high": [0.705, 0.322, 0.092, 0.079, 0.037],
    }
)


@dataclass(frozen=True)
class Answer:
    """A result as the report sees one."""

    frame: pandas.DataFrame
    title: str = "How many go on"
    notes: tuple[str, ...] = ("Pending visitors are in no rate.",)
    language: str = "en"
    has_chart: bool = True

    def plot(self) -> go.Figure:
        return charts.funnel_bars(self.frame, language=self.language)


def plain(text: str) -> str:
    return text.translate(SPACES)


def test_rates_carry_their_interval_and_times_their_unit() -> None:
    table = table_for(Answer(STEPS), FR)
    assert [column.heading for column in table.columns][:4] == [
        "Étape",
        "Visiteurs",
        "De l’étape précédente",
        "Des entrées au délai écoulé",
    ]
    assert [plain(cell) for cell in table.rows[2]] == [
        "partage",
        "60",
        "30,8 % [24,7 à 37,5]",
        "6,0 % [4,7 à 7,6]",
        "135",
        "5",
        "1 h 2 min",
        "2 h 10 min",
        "1 jour 1 h",
    ]
    assert plain(table.rows[0][3]) == "100,0 %"


def test_no_column_keeps_its_name_in_the_code() -> None:
    frame = STEPS.assign(favourite_colour="blue")
    headings = [column.heading for column in table_of(frame, "All", EN).columns]
    assert "Favourite colour" in headings
    assert not [each for each in headings if "_" in each]


def test_bounds_without_a_rate_become_an_interval() -> None:
    frame = pandas.DataFrame({"step": ["sign"], "step_bound_low": [0.2], "step_bound_high": [0.21]})
    table = table_of(frame, "Bounds", EN)
    assert table.rows == (("sign", "20.0% to 21.0%"),)
    assert table.columns[1].heading == "Of the step before, by what the pending do"


def test_groups_stand_before_the_step_and_name_the_row() -> None:
    frame = pandas.concat([STEPS.assign(channel=None), STEPS.assign(channel="radio")])
    frame = frame[["channel", *STEPS.columns]]
    table = table_for(Answer(frame), EN)
    assert table.names == 2
    assert [row[:2] for row in table.rows[3:5]] == [("not given", "partner click"), ("radio", "visit")]


def test_a_group_column_of_text_is_text_whatever_it_is_called() -> None:
    frame = pandas.concat([STEPS.assign(conversion_rate="high"), STEPS.assign(conversion_rate=None)])
    table = table_for(Answer(frame[["conversion_rate", *STEPS.columns]]), EN)
    assert [row[0] for row in table.rows[3:5]] == ["high", "not given"]
    assert table.names == 2


def test_follow_ups_are_told_in_words() -> None:
    table = table_of(FOLLOW_UPS, "Next", FR)
    assert [row[0] for row in table.rows] == [
        "rien de plus",
        "partage",
        "clic vers le partenaire",
        "partage + clic vers le partenaire",
        "partage + clic vers le partenaire",
    ]
    assert [row[1] for row in table.rows] == ["–", "partage", "clic vers le partenaire", "partage", "au même instant"]


def test_cohorts_are_a_triangle_with_dashes_where_nothing_can_be_known() -> None:
    days = [datetime.date(2018, 1, 14), datetime.date(2018, 1, 15)]
    frame = pandas.DataFrame(
        {
            "entered_on": [days[0]] * 3 + [days[1]] * 3,
            "visitors": [300] * 3 + [1200] * 3,
            "age_days": [0, 1, 2] * 2,
            "overall_rate": [0.1, 0.12, 0.13, 0.2, 0.21, None],
        }
    )
    table = cohort_table(frame, "Cohorts", EN)
    assert [column.heading for column in table.columns] == [
        "Day of entry",
        "Visitors",
        "After 0 days",
        "After 1 day",
        "After 2 days",
    ]
    assert [tuple(map(plain, row)) for row in table.rows] == [
        ("Jan 14, 2018", "300", "10.0%", "12.0%", "13.0%"),
        ("Jan 15, 2018", "1,200", "20.0%", "21.0%", "–"),
    ]
    assert plain(readings.of_cohorts(frame, EN)) == (
        "1 day after entry, visitors of January 15, 2018 went furthest (21.0%), those of "
        "January 14, 2018 least far (12.0%)."
    )


def test_curves_are_read_at_their_own_points_and_never_past_their_end() -> None:
    frame = pandas.DataFrame(
        {
            "outcome": ["share", "share", "share", "partner_click", "partner_click"],
            "after": "sign",
            "elapsed_seconds": [0.0, 30.0, 900.0, 0.0, 100.0],
            "rate": [0.0, 0.1, 0.2, 0.0, 0.05],
            "rate_low": [0.0, 0.08, 0.17, 0.0, 0.03],
            "rate_high": [0.0, 0.12, 0.23, 0.0, 0.07],
            "at_risk": [100, 90, 80, 100, 95],
        }
    )
    table = curve_table(frame, "Curves", EN)
    assert [column.heading for column in table.columns] == ["Outcome", "Time since", "Reached it", "Still followed"]
    assert [tuple(map(plain, row)) for row in table.rows] == [
        ("share", "30 s after “sign”", "10.0% [8.0 to 12.0]", "90"),
        ("share", "15 min after “sign”", "20.0% [17.0 to 23.0]", "80"),
        ("partner click", "1 min 40 s after “sign”", "5.0% [3.0 to 7.0]", "95"),
    ]
    assert plain(readings.of_curves(frame, EN)) == (
        "By 15 min after “sign”, 20.0% had reached “share” and 5.0% had reached “partner click”."
    )


def test_times_are_told_as_spans_the_last_one_open() -> None:
    frame = pandas.DataFrame(
        {
            "step": "sign",
            "after": "visit",
            "elapsed_from_seconds": [0.0, 60.0],
            "elapsed_to_seconds": [60.0, float("inf")],
            "visitors": [30, 10],
        }
    )
    rows = table_for(Answer(frame), EN).rows
    assert [tuple(map(plain, row)) for row in rows] == [
        ("sign", "0 s to 1 min", "30", "75.0%"),
        ("sign", "1 min or more", "10", "25.0%"),
    ]
    assert plain(readings.of_times(frame, EN)) == "From “visit” to “sign”, most often: 0 s to 1 min."


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (EN, "The largest loss is between “visit” and “sign”: 790 people stop there."),
        (FR, "La plus grande perte est entre « visite » et « signature » : 790 personnes s’arrêtent là."),
    ],
)
def test_the_reading_of_the_funnel_names_the_largest_loss(words: object, sentence: str) -> None:
    assert plain(readings.of_steps(STEPS, ["visit", "sign"], words)) == sentence


def test_the_reading_of_follow_ups_counts_each_person_once() -> None:
    assert readings.of_follow_ups(FOLLOW_UPS, "sign", EN) == (
        "After “sign”, 64.1% did nothing more; the most frequent follow-up was “share” (50 people)."
    )


def test_the_reading_of_sensitivity_gives_the_range() -> None:
    frame = pandas.DataFrame({"definition": ["any", "first"], "overall_rate": [0.202, 0.187]})
    assert readings.of_sensitivity(frame, EN) == (
        "The same events give from 18.7% to 20.2%, depending on the way of counting."
        " Name the way when you quote the number."
    )


def test_bars_stand_in_for_the_chart_from_a_common_zero() -> None:
    bars = step_bars(STEPS, FR)
    assert [(bar.label, bar.share, bar.pending) for bar in bars] == [
        ("visite", 1.0, 0.0),
        ("signature", 0.2, 0.01),
        ("partage", 0.06, 0.005),
        ("clic vers le partenaire", 0.02, 0.005),
    ]
    assert plain(bars[1].text) == "200 visiteurs, 20,2 % de « visite »"


def test_a_report_is_saved_where_it_is_asked_to_be_and_is_the_same_each_time(tmp_path: Path) -> None:
    report = Report("Campaign, January 2018", language="fr").add("Where visitors leave", Answer(STEPS), "One sentence.")
    saved = report.save(tmp_path / "new folder" / "report.html")
    assert saved.read_text(encoding="utf-8") == report.html()
    assert "One sentence." in report.html()
    assert "Pending visitors are in no rate." in report.html()


def test_a_report_in_an_unknown_language_is_refused_at_once() -> None:
    with pytest.raises(DefinitionError, match="No language 'de'"):
        Report("Kampagne", language="de")


def test_a_known_column_is_called_what_the_reader_calls_it() -> None:
    assert [heading(name, FR) for name in ("channel", "landing_page", "overall_rate")] == [
        "Canal",
        "Page d’arrivée",
        "Des entrées au délai écoulé",
    ]


def test_every_check_on_events_is_told_in_the_words_of_a_reader() -> None:
    columns = dict.fromkeys(("is_bot", "consent", "referred_by", "channel"), "VARCHAR")
    columns["received_at"] = "TIMESTAMP WITH TIME ZONE"
    names = [*quality.SET_ASIDE, *(check.name for check in quality.applicable(columns))]
    assert len(names) >= 14
    untold = [name for name in names if told(name, "as it tells itself", FR)[1] == "as it tells itself"]
    assert untold == []
    assert told("spellings of channel", "", FR)[0] == "Une valeur écrite de plusieurs façons (canal)"


@pytest.fixture(scope="module")
def events() -> funnel.Events:
    """300 visitors of a day each minute; every third signs 30 s later, every ninth shares 60 s after that."""
    start = datetime.datetime(2018, 1, 14, 12, tzinfo=datetime.UTC)
    rows = []
    for number in range(300):
        visitor, at = f"secret-visitor-{number}", start + datetime.timedelta(minutes=number)
        channel = "email" if number % 2 else None
        rows.append((visitor, "visit", at, channel))
        if number % 3 == 0:
            rows.append((visitor, "sign", at + datetime.timedelta(seconds=30), channel))
        if number % 9 == 0:
            rows.append((visitor, "share", at + datetime.timedelta(seconds=90), channel))
    frame = pandas.DataFrame(rows, columns=["visitor_id", "event", "occurred_at", "channel"])
    return funnel.connect(frame, cutoff="2018-02-14T00:00:00+00:00")


PETITION = funnel.Funnel(["visit", "sign"], follow_ups=["share"])


def test_a_campaign_report_answers_first_and_says_where_it_comes_from(events: funnel.Events) -> None:
    report = campaign_report(events, Analysis(PETITION))
    assert len(report.lead) == 3
    assert plain(report.lead[0]) == "300 visitors came and 100 signed: 33.3% (28.2% to 38.8%)."
    assert [(tile.label, tile.value) for tile in report.numbers] == [
        ("Entered (“visit”)", "300"),
        ("Reached “sign”", "100"),
        ("Half of them within", "30\u00a0s"),
        ("Then “share”", "34.0%"),
    ]
    assert [section.heading for section in report.sections] == [
        "Where visitors leave",
        "By channel",
        "What has changed since the period before",
        "What they do after “sign”",
        "Which channels are credited",
        "How far people climb",
        "Day by day",
        "How much the way of counting matters",
        "What is counted, in words",
        "Quality of the data",
        "What more data would tell",
        "What this report tells of people",
    ]
    facts = {fact.label: fact.value for fact in report.footer}
    assert facts["Fingerprint of the data"] == events.fingerprint()
    assert facts["Definition"] == repr(PETITION)
    assert f"pandas {pandas.__version__}" in facts["Made with"]


def test_a_campaign_report_is_the_same_bytes_each_time_and_names_nobody(events: funnel.Events) -> None:
    page = campaign_report(events, Analysis(PETITION, language="fr")).html()
    assert page == campaign_report(events, Analysis(PETITION, language="fr")).html()
    assert "secret-visitor" not in page


def test_the_charts_of_a_campaign_report_hold_fewer_points_than_visitors(events: funnel.Events) -> None:
    report = campaign_report(events, Analysis(PETITION))
    every = [part for section in report.sections for part in (section, *section.parts)]
    charts_ = [section.chart for section in every if section.chart is not None]
    assert len(charts_) >= 6
    lengths = [
        len(values)
        for chart in charts_
        for trace in chart.data
        for values in ((trace.link.value,) if trace.type == "sankey" else (trace.x, trace.y))
        if values is not None
    ]
    assert max(lengths) < events.visitors / 2


def test_every_chart_of_a_campaign_report_has_its_table(events: funnel.Events) -> None:
    report = campaign_report(events, Analysis(PETITION))
    every = [part for section in report.sections for part in (section, *section.parts)]
    assert [section.heading for section in every if section.chart is not None and section.table is None] == []


# Experiments

START = datetime.datetime(2018, 1, 14, 12, tzinfo=datetime.UTC)


def exposed(seen: dict[str, tuple[int, int]], experiment: str | None = "thanks_page") -> funnel.Events:
    """So many visitors saw each variant, a minute apart, and so many of them shared 20 s later.

    Of three one came on a tablet; every twentieth unsubscribed a minute after the page.
    """
    rows = []
    for variant, (visitors, shared) in seen.items():
        for place in range(visitors):
            who, at = f"{variant}-{place}", START + datetime.timedelta(minutes=place)
            device = "mobile" if place % 3 else "tablet"
            rows.append((who, "visit", at - datetime.timedelta(minutes=5), None, None, device))
            rows.append((who, "sign", at, None, None, device))
            rows.append((who, "thanks_shown", at, experiment, variant, device))
            if place < shared:
                rows.append((who, "share", at + datetime.timedelta(seconds=20), None, None, device))
            if place % 20 == 19:
                rows.append((who, "unsubscribe", at + datetime.timedelta(minutes=1), None, None, device))
    names = ["visitor_id", "event", "occurred_at", "experiment", "variant", "device"]
    return funnel.connect(pandas.DataFrame(rows, columns=names), cutoff="2018-02-14T00:00:00+00:00")


@pytest.fixture(scope="module")
def split() -> funnel.Events:
    return exposed({"thanks_only": (400, 40), "share": (400, 160), "partner": (400, 44)})


def test_the_usual_experiment_asks_for_what_the_events_have(split: funnel.Events) -> None:
    assert usual_experiments(split) == [
        funnel.Experiment(
            "thanks_page",
            control="thanks_only",
            primary=funnel.Conversion("share"),
            guardrails=[funnel.Guardrail("unsubscribe", margin=0.005)],
            segments=["device"],
        )
    ]


def test_the_usual_experiment_asks_for_clicks_and_signatures_where_there_are_such() -> None:
    rows = [(1, "thanks_shown", "a"), (2, "thanks_shown", "thanks_only"), (3, "partner_click", None)]
    frame = pandas.DataFrame(rows, columns=["visitor_id", "event", "variant"]).assign(occurred_at=START, link_id="x")
    assert usual_experiments(funnel.connect(frame)) == [
        funnel.Experiment(
            "thanks_shown",
            control="thanks_only",
            primary=funnel.Conversion("share"),
            secondary=[funnel.Conversion("partner_click"), funnel.Referred("sign")],
        )
    ]


@pytest.mark.parametrize(
    "seen",
    [{"thanks_only": (40, 4)}, {"share": (40, 4), "partner": (40, 4)}],
    ids=["one variant", "no control"],
)
def test_no_experiment_is_usual_without_a_control_and_another_variant(seen: dict[str, tuple[int, int]]) -> None:
    assert usual_experiments(exposed(seen)) == []


def test_events_without_variants_have_no_experiment(events: funnel.Events) -> None:
    assert shown(events) == {}
    assert usual_experiments(events) == []


def test_exposures_are_counted_by_experiment_and_variant(split: funnel.Events) -> None:
    assert shown(split) == {"thanks_page": {"partner": 400, "share": 400, "thanks_only": 400}}
    unnamed = exposed({"thanks_only": (40, 4), "share": (50, 4)}, experiment=None)
    assert shown(unnamed) == {None: {"share": 50, "thanks_only": 40}}


@pytest.fixture(scope="module")
def usual(split: funnel.Events) -> Report:
    return campaign_report(split, Analysis(PETITION))


def test_a_campaign_report_tells_the_usual_experiment_after_what_follows(split: funnel.Events, usual: Report) -> None:
    headings = [section.heading for section in usual.sections]
    place = headings.index("Experiment “thank-you page”")
    assert headings[place - 1] == "What they do after “sign”"
    section, answer = usual.sections[place], usual_experiments(split)[0].measure(split)
    assert section.sentence == answer.verdict()
    assert section.chart is not None
    assert section.table is not None
    assert section.notes == answer.notes
    assert [part.heading for part in section.parts] == [
        "How many, by how long after the variant was shown",
        "Whether the difference varies between groups of visitors",
        "How likely each variant is the best",
        "Whether visitors fell into the variants as planned",
    ]
    facts = [(fact.label, fact.value) for fact in usual.footer]
    assert ("Experiment", repr(answer.design)) in facts


def test_the_page_begins_with_what_to_do_and_how_sure_that_is(usual: Report) -> None:
    """40.0% of 400 against 10.0%; one in twenty unsubscribed, too many to be safe within half a point."""
    assert len(usual.lead) == 3
    assert plain(usual.lead[1]) == (
        "Do not show everyone the variant “share” yet, and let the experiment run on: it brings more “share” (40.0%"
        " against 10.0%), but “unsubscribe” may pass its limit of +0.50 points."
    )


def test_the_split_is_told_by_the_worst_check_of_each_kind(usual: Report) -> None:
    section = next(each for each in usual.sections if each.heading == "Experiment “thank-you page”")
    table = section.parts[-1].table
    assert table is not None
    assert [row[:2] for row in table.rows] == [
        ("overall", "–"),
        ("at every look", "–"),
        ("by day", "–"),
        ("by group", "device"),
    ]


def test_an_experiment_of_ones_own_takes_the_place_of_the_usual_one(split: funnel.Events) -> None:
    asked = funnel.Experiment("thanks_page", control="partner", primary=funnel.Count("share"))
    report = campaign_report(split, Analysis(PETITION, experiments=[asked]))
    section = next(each for each in report.sections if each.heading == "Experiment “thank-you page”")
    assert section.sentence == asked.measure(split).verdict()
    assert [part.heading for part in section.parts] == ["Whether visitors fell into the variants as planned"]


def test_no_experiment_is_told_where_none_is_asked_for(split: funnel.Events, usual: Report) -> None:
    report = campaign_report(split, Analysis(PETITION, experiments=[]))
    assert report.lead[0] == usual.lead[0]
    assert report.lead[1] == "Bring more visitors: none of those whose time is up has been lost on the way."
    assert not [each.heading for each in report.sections if each.heading.startswith("Experiment")]


def test_an_experiment_that_cannot_be_measured_says_why_and_breaks_nothing(split: funnel.Events) -> None:
    asked = funnel.Experiment("button", control="red", primary=funnel.Conversion("share"))
    report = campaign_report(split, Analysis(PETITION, experiments=[asked]))
    section = next(each for each in report.sections if each.heading == "Experiment “button”")
    assert section.sentence == (
        "Experiment 'button' has no exposure: no 'thanks_shown' event names it in column 'experiment'."
        " Experiments there: thanks_page."
    )
    assert len(report.lead) == 3
    assert section.heading in report.html().replace("&#8220;", "“")


def test_an_answer_that_cannot_be_given_is_a_note() -> None:
    """Nobody in the control shared: what a lift of nothing takes cannot be told."""
    events = exposed({"thanks_only": (60, 0), "share": (60, 30)})
    page = experiment_report(usual_experiments(events)[0].measure(events))
    assert "How many visitors it takes to find a difference" not in [section.heading for section in page.sections]
    assert page.sections[0].notes[-1] == (
        "Control 'thanks_only' has 'share' from 0 of 60 visitors, which is nothing to plan from. Use"
        " funnel.required_visitors with a baseline of your own."
    )


def test_a_report_takes_experiments_only(split: funnel.Events) -> None:
    with pytest.raises(DefinitionError) as refused:
        campaign_report(split, Analysis(PETITION, experiments=["thanks_page"]))
    assert str(refused.value) == (
        "`experiments` takes a list of experiments, as [funnel.Experiment('thanks_page', control='thanks_only',"
        " primary=funnel.Conversion('share'))]; got str."
    )


def test_the_page_of_an_experiment_answers_first_and_is_the_same_bytes_each_time(split: funnel.Events) -> None:
    result = usual_experiments(split)[0].measure(split, language="fr")
    page = experiment_report(result)
    assert " ".join(page.lead) == result.verdict()
    assert [plain(tile.value) for tile in page.numbers] == ["10,0 %", "11,0 %", "40,0 %"]
    assert page.html() == experiment_report(usual_experiments(split)[0].measure(split, language="fr")).html()
    assert "thanks_only-7" not in page.html()


def test_a_campaign_with_friends_says_who_brought_whom_and_whether_it_would_grow() -> None:
    rows = [(f"seed {n}", "visit", n, None) for n in range(40)] + [
        (f"seed {n}", "sign", n + 1, None) for n in range(40)
    ]
    rows += [(f"friend {n}", "visit", n + 60, f"seed {n}") for n in range(20)]
    rows += [(f"friend {n}", "sign", n + 61, None) for n in range(10)]
    frame = pd.DataFrame(rows, columns=["visitor_id", "event", "occurred_at", "referred_by"])
    frame["occurred_at"] = pd.Timestamp("2018-01-14T12:00Z") + pd.to_timedelta(frame["occurred_at"], unit="min")
    report = campaign_report(
        funnel.connect(frame, cutoff="2018-02-14T12:00Z"), Analysis(funnel.Funnel(["visit", "sign"]))
    )
    section = next(each for each in report.sections if each.heading == "Who brought whom")
    assert plain(section.sentence).startswith("10 of 50 signatures (20.0%) came by the links of signers: 0.20 for each")
    assert [part.heading for part in section.parts] == [
        "How many signatures one signature brings, day by day",
        "From a signature to those it brings",
        "The largest trees",
    ]
    assert "It would not grow without the media and the relays: whoever comes by" in plain(section.sentence)


def test_a_campaign_without_friends_has_no_such_section(events: funnel.Events) -> None:
    report = campaign_report(events, Analysis(PETITION))
    assert "Who brought whom" not in [section.heading for section in report.sections]
