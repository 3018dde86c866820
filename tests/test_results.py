"""Results: a frame that never changes, told in two languages, written to files that hold aggregates alone."""

import copy
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

import numpy as np
import pandas as pd
import pytest

import funnel
from funnel import DefinitionError, Funnel
from funnel.results import Result, records

BEGIN = datetime(2018, 1, 14, tzinfo=UTC)
PETITION = Funnel(["visit", "sign"], follow_ups=["share", "click"], window=timedelta(days=1))


@pytest.fixture(scope="module")
def result():
    rows = []
    for number in range(120):
        done = ["visit", *["sign"] * (number % 3 == 0), *["share"] * (number % 6 == 0), *["click"] * (number % 9 == 0)]
        rows += [
            (
                f"secret-{number}",
                event,
                BEGIN + timedelta(hours=number % 48, minutes=place),
                "tv" if number % 2 else None,
            )
            for place, event in enumerate(done)
        ]
    frame = pd.DataFrame(rows, columns=["visitor_id", "event", "occurred_at", "channel"])
    return PETITION.measure(funnel.connect(frame, cutoff=BEGIN + timedelta(days=5)), by="channel")


def test_a_result_never_changes(result):
    with pytest.raises(AttributeError):
        result.language = "fr"
    with pytest.raises(AttributeError):
        result.frame = pd.DataFrame()


def test_the_same_result_speaks_another_language(result):
    french = result.speaking("fr")
    assert french.frame is result.frame
    assert result.title == "Where visitors go, and where they stop, by channel"
    assert french.title == "Où vont les visiteurs, où ils s’arrêtent, par canal"
    assert french.curves().language == "fr"
    assert result.language == "en"
    with pytest.raises(DefinitionError):
        result.speaking("de")


def test_json_holds_what_the_frame_holds(result, tmp_path):
    path = tmp_path / "result.json"
    assert result.to_json(path) + "\n" == path.read_text(encoding="utf-8")
    told = json.loads(path.read_text(encoding="utf-8"))
    assert list(told) == ["title", "summary", "definition", "cutoff", "notes", "rows", "follow_ups"]
    assert told["cutoff"] == "2018-01-19T00:00:00+00:00"
    assert told["notes"] == list(result.notes)
    assert told["summary"] == result.summary()
    assert told["definition"]["steps"][0] == {"event": "visit", "where": None, "name": None, "optional": False}
    assert told["definition"]["window"] == "1 day, 0:00:00"
    assert told["definition"]["in_words"] == PETITION.describe()
    for name, rows, frame in (("rows", told["rows"], result.frame), ("joint", told["follow_ups"], result.follow_ups)):
        back = pd.DataFrame(rows, columns=list(frame.columns))
        assert len(back) == len(frame), name
        for column in frame:
            pairs = zip(back[column].astype(object), frame[column].astype(object), strict=True)
            assert all((pd.isna(one) and pd.isna(other)) or one == other for one, other in pairs), (name, column)


def test_json_knows_neither_nan_nor_infinity(result):
    for each in (result, result.curves(), result.cohorts(), result.times(), result.sensitivity(), result.branches()):
        text = each.to_json()
        json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        assert '"rows"' in text


def test_numbers_dates_and_nothing_keep_their_kind_in_json():
    frame = pd.DataFrame(
        {"n": np.array([1, 2]), "rate": [0.5, np.nan], "name": ["a", None], "day": [date(2018, 1, 14), None]}
    )
    assert records(frame) == [
        {"n": 1, "rate": 0.5, "name": "a", "day": date(2018, 1, 14)},
        {"n": 2, "rate": None, "name": None, "day": None},
    ]
    assert json.loads(Result(frame, lambda words: "Title").to_json())["rows"][0] == {
        "n": 1,
        "rate": 0.5,
        "name": "a",
        "day": "2018-01-14",
    }


def test_no_export_names_a_person(result, tmp_path):
    for each in (result, result.curves(), result.cohorts(), result.times(), result.sensitivity(), result.branches()):
        written = each.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
        for text in (each.to_json(), repr(each), each._repr_html_(), written, each.plot().to_json()):
            assert "secret-" not in text


def test_a_page_stands_alone(result, tmp_path):
    path = result.speaking("fr").to_html(tmp_path / "new" / "page.html")
    page = path.read_text(encoding="utf-8")
    assert path.is_absolute()
    assert '<html lang="fr' in page
    assert re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(?!data:|#)', page) == []


def test_a_result_prints_its_title_numbers_and_notes(result):
    printed = repr(result)
    assert printed.startswith("Where visitors go, and where they stop, by channel")
    assert all(f"- {note}" in printed for note in result.notes)
    assert "33.3%" in printed
    assert "not given" in printed


def test_a_chart_never_uploads(result):
    for theme in ("light", "dark"):
        figure = result.plot(theme=theme)
        assert '"showSendToCloud": false' in figure.to_html(full_html=False, include_plotlyjs=False)
    with pytest.raises(TypeError, match="A Result without a chart cannot be plotted"):
        Result(result.frame, lambda words: "Title").plot()


def test_a_chart_is_plotly_where_that_is_drawn_a_table_where_it_is_not_and_a_line_in_a_terminal(result):
    from IPython.core.formatters import DisplayFormatter

    french = result.speaking("fr")
    shown, _ = DisplayFormatter().format(french.plot())
    assert set(shown) == {"application/vnd.plotly.v1+json", "text/html", "text/plain"}
    assert shown["application/vnd.plotly.v1+json"]["config"]["showSendToCloud"] is False
    assert shown["application/vnd.plotly.v1+json"]["config"]["plotlyServerURL"] == ""
    assert shown["text/plain"] == "<Chart: Où vont les visiteurs, où ils s’arrêtent, par canal>"
    for number in ("33,3\u00a0% [", ">sign<", "<script", "http"):
        assert (number in shown["text/html"]) is (number == "33,3\u00a0% [")


def test_a_chart_stands_on_the_ground_of_its_theme_and_a_figure_made_of_it_on_none(result):
    for theme, ground in (("light", "#ffffff"), ("dark", "#1a2028")):
        chart = result.plot(theme=theme)
        layout = chart._repr_mimebundle_()["application/vnd.plotly.v1+json"]["layout"]
        assert layout["paper_bgcolor"] == ground
        assert chart.layout.paper_bgcolor == "rgba(0,0,0,0)"


def test_a_page_that_nbconvert_makes_has_the_table_where_the_chart_was(result):
    nbformat, nbconvert = pytest.importorskip("nbformat"), pytest.importorskip("nbconvert")
    outputs = [nbformat.v4.new_output("display_data", result.plot_groups()._repr_mimebundle_())]
    cell = nbformat.v4.new_code_cell("result.plot_groups()", outputs=outputs)
    page, _ = nbconvert.HTMLExporter(template_name="basic").from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    assert "<caption>Where visitors go, and where they stop, by channel</caption>" in page
    assert "The chart is drawn in JupyterLab and VS Code" in page


def test_a_chart_calls_steps_and_groups_what_the_table_calls_them(result):
    french = result.speaking("fr")
    for drawn in (french.plot(), french.plot_groups(), french.times().plot()):
        assert "signature" in drawn.to_json()
        assert not re.search(r"\bsign\b", drawn.to_json())
    told = json.dumps(french.plot_groups().to_plotly_json(), ensure_ascii=False)
    assert "télévision" in told
    assert "non indiqué" in told


def test_a_copy_of_a_chart_is_still_a_chart(result):
    again = copy.deepcopy(result.plot())
    assert again == result.plot()
    assert set(again._repr_mimebundle_()) == {"application/vnd.plotly.v1+json", "text/plain"}
    assert again._repr_html_() is None


def test_in_a_notebook_the_first_notes_are_open_and_the_others_folded(result):
    many = replace(result, remarks=tuple(partial(lambda words, n: f"Note {n}.", n=n) for n in range(1, 6)))
    html = many._repr_html_()
    opened, folded = html.split("<details>")
    assert re.findall("<li>(.*)</li>", opened) == ["Note 1.", "Note 2.", "Note 3."]
    assert "<summary>2 more notes</summary>" in folded
    assert re.findall("<li>(.*)</li>", folded) == ["Note 4.", "Note 5."]
    assert "<details>" not in replace(result, remarks=many.remarks[:3])._repr_html_()


def test_every_further_answer_has_a_title_a_chart_and_both_languages(result):
    for each in (result.curves(), result.cohorts(), result.times(), result.sensitivity(), result.branches()):
        assert each.title != each.speaking("fr").title
        assert each.plot().data
    assert result.plot_groups().data
    assert result.branches().frame is result.follow_ups


def test_what_was_counted_once_is_kept(result):
    assert result.follow_ups is result.follow_ups
    assert result.totals is result.totals
    assert list(result.totals["visitors"]) == [120, 40, 20, 14]


def test_the_frame_has_its_columns_in_order(result):
    ends = ("", "_low", "_high")
    quantiles = ("median", "p75", "p90")
    assert list(result.frame.columns) == [
        "channel",
        "step",
        "after",
        "visitors",
        *(f"step_rate{end}" for end in ends),
        *(f"overall_rate{end}" for end in ends),
        "dropped",
        "pending",
        *(f"{name}_seconds" for name in quantiles),
        *(f"step_bound{end}" for end in ends[1:]),
        *(f"overall_bound{end}" for end in ends[1:]),
        *(f"{name}_seconds_from_entry" for name in quantiles),
    ]
    assert list(result.follow_ups.columns) == [
        "channel",
        "combination",
        "first",
        "visitors",
        "pending",
        *(f"last_step_rate{end}" for end in ends),
    ]
    assert list(result.curves().frame.columns) == [
        "outcome",
        "after",
        "elapsed_seconds",
        "rate",
        "rate_low",
        "rate_high",
        "at_risk",
    ]
    assert list(result.cohorts().frame.columns) == ["entered_on", "visitors", "age_days", "overall_rate"]
    assert list(result.times().frame.columns) == [
        "step",
        "after",
        "elapsed_from_seconds",
        "elapsed_to_seconds",
        "visitors",
    ]
    assert list(result.sensitivity().frame.columns) == [
        "definition",
        "entered",
        "converted",
        "overall_rate",
        "overall_rate_low",
        "overall_rate_high",
    ]
