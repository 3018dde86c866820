"""What a report publishes: no count of few people, in tables, charts, files and sentences alike."""

import datetime
import json
import re
from pathlib import Path

import pandas
import pytest

import funnel
from funnel import pages
from funnel.analysis import Analysis
from funnel.language import language
from funnel.privacy import kind_of
from funnel.report import Chapter, Report, campaign_report, experiment_report, usual_experiments
from funnel.report.change import changes
from funnel.report.tiles import key_numbers
from funnel.results import Result
from funnel.sections.discreet import discreet, hidden_words
from funnel.sections.publishing import _marked, publish

EN, FR = language("en"), language("fr")
START = datetime.datetime(2018, 1, 14, 12, tzinfo=datetime.UTC)
PETITION = funnel.Funnel(["visit", "sign"], follow_ups=["share"])


@pytest.fixture(scope="module")
def events() -> funnel.Events:
    """400 visitors by email and 7 by a poster; every third signs, every ninth of them shares."""
    rows = []
    for number in range(407):
        at = START + datetime.timedelta(minutes=5 * number)
        channel = "poster" if number % 58 == 57 else "email"
        rows.append((number, "visit", at, channel))
        if number % 3 == 0:
            rows.append((number, "sign", at + datetime.timedelta(seconds=30 + number), channel))
        if number % 27 == 0:
            rows.append((number, "share", at + datetime.timedelta(seconds=900 + number), channel))
    frame = pandas.DataFrame(rows, columns=["visitor_id", "event", "occurred_at", "channel"])
    return funnel.connect(frame, cutoff="2018-02-14T00:00:00+00:00")


@pytest.fixture(scope="module")
def report(events: funnel.Events) -> Report:
    return campaign_report(events, Analysis(PETITION))


def test_no_frame_that_is_published_counts_fewer_than_ten_people(report: Report) -> None:
    counted = ("visitors", "dropped", "pending", "converted", "signatures", "reached", "highest")
    looked = 0
    for chapter in (each for top in report.published().chapters for each in top.every()):
        for column in counted if chapter.result is not None else ():
            if column in chapter.result.frame:
                counts = chapter.result.frame[column].dropna()
                looked += len(counts)
                assert not counts.between(1, 9).any(), (chapter.name, column)
    assert looked > 50


def test_the_full_numbers_had_small_counts_to_hide(report: Report) -> None:
    """7 visitors came by a poster: whoever reads 400 by email and 407 in all would know, so these go as well."""
    (groups,) = [each for each in report.published().chapters if each.name == "by-channel"]
    full = next(each for each in report.chapters if each.name == "by-channel").result.frame
    entered = full[full["step"] == "visit"].set_index("channel")["visitors"]
    assert entered.to_dict() == {"email": 400, "poster": 7}
    assert groups.hidden.loc[full["step"] == "visit", "visitors"].all()


def test_a_hidden_cell_is_marked_in_the_table_and_empty_in_the_file(report: Report) -> None:
    (groups,) = [each for each in report.sections if each.name == "by-channel"]
    cells = {row[:2]: row[2:] for row in groups.table.rows}
    assert cells["poster", "visit"][0] == pages.HIDDEN
    assert groups.download.name == "by-channel.csv"
    assert re.search(r"^poster,visit,,,", groups.download.text, re.MULTILINE)


def test_a_rate_whose_interval_alone_is_hidden_stands_without_it() -> None:
    full, safe = (
        pages.Table("A", (pages.Column("Step"), pages.Column("Rate", True)), ((("sign"), cell),))
        for cell in ("24.0% [23.6 to 24.4]", "24.0%")
    )
    assert _marked(full, safe).rows == (("sign", "24.0%"),)


def test_a_column_that_is_hidden_as_a_whole_stays_with_its_marks() -> None:
    frame = pandas.DataFrame({"step": ["visit", "sign"], "after": [None, "visit"], "visitors": [400, 200]})
    frame = frame.assign(step_rate=[None, 0.5], overall_rate=[1.0, 0.5], dropped=[0, 196], pending=[0, 4])
    for rate in ("step_rate", "overall_rate"):
        frame = frame.assign(**{f"{rate}_low": [None, 0.45], f"{rate}_high": [None, 0.55]})
    published = publish([Chapter("a", "A", Result(frame, lambda _: "A"))], least=10, words=EN).chapters[0]
    headings = [column.heading for column in published.table.columns]
    assert published.table.rows[1][headings.index("Pending")] == pages.HIDDEN
    assert published.table.rows[1][headings.index("Lost")] == pages.HIDDEN
    assert published.table.rows[1][headings.index("Visitors")] == "200"


def test_the_page_says_how_much_is_hidden(report: Report) -> None:
    (privacy,) = [each for each in report.sections if each.name == "privacy"]
    found = re.fullmatch(r"(\d+) numbers are hidden here, so that nothing can be learned .*", privacy.sentence)
    marks = sum(
        int(each.hidden.to_numpy().sum())
        for top in report.published().chapters
        for each in top.every()
        if each.hidden is not None and kind_of(each.result.frame) != "curves"
    )
    assert int(found[1]) == marks > 0
    assert not re.search(r"(?<![\d,.])[1-9] visitors", report.html())


def test_charts_are_drawn_from_what_is_published(report: Report) -> None:
    """Of 7 who came by a poster 2 or 3 signed: no number of theirs is in a chart, its hovering texts included."""
    (groups,) = [each for each in report.sections if each.name == "by-channel"]
    told = json.dumps(groups.chart.to_plotly_json(), default=str)
    assert "400" not in told
    (times,) = [each for top in report.sections for each in top.parts if each.name == "funnel-times"]
    assert not [y for trace in times.chart.data for y in trace.y if 0 < y < 10]


def test_a_page_of_which_hardly_anything_may_be_told_is_still_a_page(tmp_path: Path) -> None:
    """Every section of a campaign of 400 visitors, with nearly all of its numbers hidden, then all of them."""
    funnel.make_sample(7, visitors=400, folder=tmp_path)
    few = funnel.connect(tmp_path, timezone="America/Toronto")
    asked = funnel.Funnel(["visit", "sign"], follow_ups=["share", "partner_click"])
    (test,) = usual_experiments(few)
    for least in (10, 100, 100_000):
        page = campaign_report(few, Analysis(asked, least=least, language="fr" if least > 10 else "en"))
        assert len(page.lead) == 3
        assert page.html().startswith("<!doctype html>")
        cells = [cell for each in page.published().every() if each.table for row in each.table.rows for cell in row]
        assert cells
        assert not [cell for cell in cells if "nan" in cell.lower().split()]
        alone = experiment_report(test.measure(few))
        alone.least = least
        assert len(alone.sections) >= 6


def test_a_lower_threshold_hides_less(events: funnel.Events, report: Report) -> None:
    def hidden(each: Report) -> int:
        return sum(
            int(part.hidden.to_numpy().sum())
            for top in each.published().chapters
            for part in top.every()
            if part.hidden is not None
        )

    assert hidden(campaign_report(events, Analysis(PETITION, least=5))) < hidden(report)


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        ("7 visitors came late.", ""),
        ("12 visitors came late.", "12 visitors came late."),
        ("Within 7 days, 24.0% signed.", "Within 7 days, 24.0% signed."),
        ("0.7 signatures each.", "0.7 signatures each."),
        ("1,007 visitors came.", "1,007 visitors came."),
        ("All came. 3 people left. None stayed.", "All came. None stayed. {left out}"),
    ],
)
def test_a_sentence_that_counts_few_people_is_left_out(sentence: str, left: str) -> None:
    out = "What would tell of fewer than 10 people is left out here."
    assert discreet(sentence, frozenset(), k=10, words=EN) == left.replace("{left out}", out)


def test_a_key_number_that_the_page_hides_is_not_called_small(events: funnel.Events) -> None:
    """16 shared: where their number is hidden for the sake of another, the tile does not say that it is under ten."""
    result = PETITION.measure(events)
    shown = result.frame.copy()
    shown.loc[shown["step"] == "share", ["visitors", "step_rate", "step_rate_low", "step_rate_high"]] = float("nan")
    (shared,) = [tile for tile in key_numbers(result, changes(result), EN, shown=shown) if tile.label == "Then “share”"]
    assert (shared.value, shared.detail) == ("–", "not told, as it would reveal a small group")


def test_a_day_or_a_rank_is_no_hidden_count() -> None:
    assert discreet("Within 30 days most sign.", frozenset({"30"}), k=10, words=EN) == "Within 30 days most sign."
    assert discreet("Of 30 visitors most sign.", frozenset({"30"}), k=10, words=EN) == ""


def test_in_french_too() -> None:
    sentence = "Sur 1\u202f007 visites, 9\u00a0visiteurs ont attendu. Le reste a signé en 7\u00a0jours."
    assert discreet(sentence, frozenset(), k=10, words=FR) == (
        "Le reste a signé en 7\u00a0jours. "
        + FR.text("What would tell of fewer than {k} people is left out here.", k="10")
    )


def test_a_number_that_a_table_hides_is_in_no_sentence_beside_it() -> None:
    full = pandas.DataFrame({"step": ["visit", "sign"], "visitors": [1234, 8], "step_rate": [None, 0.0065]})
    hidden = pandas.DataFrame({"step": [False, False], "visitors": [True, True], "step_rate": [False, True]})
    secret = hidden_words(full, hidden, EN)
    assert secret == {"1,234", "0.6%"}  # fewer than ten have a rule of their own
    assert discreet("Of 1,234 most left. Few stay.", secret, k=10, words=EN).startswith("Few stay. What would")
    assert discreet("Of 21,234 most left.", secret, k=10, words=EN) == "Of 21,234 most left."
    assert discreet("10.6% stay.", secret, k=10, words=EN) == "10.6% stay."


def test_a_hidden_count_leaves_the_others_whole_numbers_in_the_file(report: Report) -> None:
    (groups,) = [each for each in report.sections if each.name == "by-channel"]
    head, *rows = [line.split(",") for line in groups.download.text.splitlines()]
    visitors = {row[head.index("visitors")] for row in rows}
    assert "" in visitors
    assert all(each.isdigit() for each in visitors - {""})


def test_what_data_is_missing_for_more_is_told_once(report: Report) -> None:
    (missing,) = [each for each in report.sections if each.name == "missing"]
    assert missing.heading == "What more data would tell"
    assert missing.paragraphs[0] == (
        "Which page after the signature works best: give events of thanks_shown with a column variant, drawn by chance,"
        " thanks_only among them."
    )
    assert len(missing.paragraphs) == 5


def test_sections_come_in_the_order_that_is_asked(events: funnel.Events) -> None:
    asked = Analysis(PETITION, sections=["privacy", "days", "funnel"])
    assert [each.name for each in campaign_report(events, asked).chapters] == ["days", "funnel", "privacy"]


def test_a_note_that_several_sections_have_stands_under_the_first(report: Report) -> None:
    notes = [note for top in report.sections for each in (top, *top.parts) for note in each.notes]
    assert len(notes) == len(set(notes)) > 3
