"""The explorer: what it shows is what its code shows; controls say a view; nothing asked twice is built twice."""

import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import funnel
from funnel import DefinitionError, Funnel
from funnel.exploring import Memory, View, explore
from funnel.exploring.controls import duration, spoken_duration
from funnel.language import language

ZONE = "America/Toronto"
# A day of Montréal each, begun an hour before noon: 16 o'clock by UTC.
DAYS = [datetime(2018, 1, day, 16, tzinfo=UTC) for day in (14, 15, 16, 17)]


@pytest.fixture(scope="module")
def events():
    """Forty visitors, ten a day: every second signs an hour later, every fourth shares a day after that."""
    rows = []
    for visitor in range(40):
        at = DAYS[visitor // 10]
        values = (("tv", "mail", None)[visitor % 3], f"page {visitor}", "fr")
        rows.append((visitor, "visit", at, *values))
        if visitor % 2 == 0:
            rows.append((visitor, "sign", at + timedelta(hours=1), *values))
        if visitor % 4 == 0:
            rows.append((visitor, "share", at + timedelta(hours=25), *values))
    columns = ["visitor_id", "event", "occurred_at", "channel", "content", "language"]
    return funnel.connect(
        pd.DataFrame([(f"secret-{each[0]}", *each[1:]) for each in rows], columns=columns),
        timezone=ZONE,
        cutoff="2018-02-01",
    )


VIEWS = [
    View(("visit", "sign")),
    View(("visit", "sign"), ("share",), follow_up_window="1 day", by="channel"),
    View(("visit", "sign", "share"), window="25 hours", order="strict", entry="first", language="fr"),
    View(("visit", "share"), order="any", entry="each", by="channel", first_on=date(2018, 1, 15)),
    View(("visit", "sign"), ("share",), window="90 min", first_on=date(2018, 1, 15), last_on=date(2018, 1, 16)),
    View(("sign",), ("share",), last_on=date(2018, 1, 16), language="fr"),
]


@pytest.mark.parametrize("view", VIEWS)
def test_the_code_of_a_view_shows_what_the_view_shows(events, view, capsys):
    names = {"people": events}
    exec(view.code("people"), names)
    answer = view.result(events)
    assert names["petition"] == view.question()
    pd.testing.assert_frame_equal(names["result"].frame, answer.frame)
    told = capsys.readouterr().out
    assert told.startswith(f"{answer.summary()}\n{view.chart(answer)!r} {answer.title}")


@pytest.mark.parametrize("view", VIEWS)
def test_what_an_explorer_remembers_answers_as_the_question_itself_does(events, view):
    memory = Memory(events)
    for by in (None, "channel", view.by):
        memory.answer(View(("visit", "sign"), by=by))
    pd.testing.assert_frame_equal(memory.answer(view).frame, view.result(events).frame)


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@given(steps=st.lists(texts, min_size=2, max_size=4), by=st.none() | texts, window=st.integers(1, 90))
def test_any_name_is_written_as_python_reads_it(steps, by, window):
    view = View(tuple(steps), window=f"{window} days", entry="each", by=by)
    line = view.code().split("petition = ")[1].rpartition("\nresult = ")[0]
    assert eval(line, {"funnel": funnel}) == Funnel(steps, window=f"{window} days", entry="each", by=by or ())


def test_both_days_are_included_as_days_of_the_events_zone(events):
    def visitors(**days):
        return list(View(("visit", "sign"), **days).result(events).frame["visitors"])

    assert visitors() == [40, 20]
    assert visitors(first_on=date(2018, 1, 15), last_on=date(2018, 1, 16)) == [20, 10]
    assert visitors(last_on=date(2018, 1, 14)) == [10, 5]
    assert visitors(first_on=date(2018, 1, 17)) == [10, 5]


def test_what_is_done_after_the_last_day_is_not_looked_at(events):
    """Sharing comes a day after: the signers of the first day have shared on the second, the others have time left."""
    view = View(("visit", "sign"), ("share",), last_on=date(2018, 1, 15))
    shared = view.result(events).frame.set_index("step").loc["share"]
    assert (shared["visitors"], shared["pending"]) == (3, 7)


def built(memory, view):
    """Answer a view, and tell whether journeys were walked for it."""
    walked = []
    memory.answer(view, walked.append)
    return bool(walked)


def test_journeys_are_built_once_for_all_breakdowns_and_languages(events):
    memory, view = Memory(events), View(("visit", "sign"), ("share",))
    assert built(memory, view)
    assert not built(memory, replace(view, by="channel"))
    assert not built(memory, replace(view, language="fr"))
    assert built(memory, replace(view, last_on=date(2018, 1, 16)))
    assert not built(memory, view)


def test_only_the_last_few_journeys_are_kept(events):
    memory, views = Memory(events), [View(("visit", "sign"), window=f"{hours} hours") for hours in range(1, 12)]
    assert all(built(memory, view) for view in views)
    assert not built(memory, views[-1])
    assert built(memory, views[0])


def test_columns_to_break_down_by_have_a_few_values_and_name_nobody(events):
    assert Memory(events).columns == {"channel": 3, "content": 40}


TROUBLE = {
    View(("visit",)): "Choose at least two steps, or one step and a follow-up.",
    View((), ("share",)): "Choose at least two steps, or one step and a follow-up.",
    View(("visit", "sign"), window="7 moons"): "“7 moons” is no length of time. Write for example “7 days”.",
    View(("visit", "sign"), follow_up_window="0 days"): "“0 days” is no length of time. Write for example “7 days”.",
    View(("visit", "sign"), first_on=date(2018, 1, 16), last_on=date(2018, 1, 15)): (
        "The last day comes before the first. Choose a later one."
    ),
    View(("visit", "sign"), first_on=date(2018, 1, 16), last_on=date(2018, 1, 16)): None,
}


@pytest.mark.parametrize("view", TROUBLE)
def test_what_cannot_be_shown_is_told_in_a_sentence(view):
    assert view.trouble() == TROUBLE[view]


@pytest.mark.parametrize("code", ["en", "fr"])
@pytest.mark.parametrize("text", ["1 second", "30 minutes", "1 hour", "12 hours", "1 day", "7 days", "2 weeks"])
def test_a_length_of_time_is_read_as_it_is_told(text, code):
    words = language(code)
    assert duration(spoken_duration(text, words), words) == text


@pytest.mark.parametrize(
    ("code", "typed", "read"),
    [
        ("fr", "7 jours", "7 days"),
        ("fr", " 1,5 HEURE ", "1.5 hours"),
        ("fr", "90 min", "90 min"),
        ("en", "2 Weeks", "2 weeks"),
        ("en", "soon", "soon"),
    ],
)
def test_a_length_of_time_may_be_typed(code, typed, read):
    assert duration(typed, language(code)) == read


# The explorer itself, without a browser


@pytest.fixture
def explorer(events):
    pytest.importorskip("ipywidgets")
    return explore(events)


def test_an_explorer_begins_with_the_usual_funnel(explorer):
    assert explorer.view == View(("visit", "sign"), ("share",))
    assert list(explorer.result.frame["visitors"]) == [40, 20, 10]
    assert repr(explorer) == "<Explorer: visit > sign > (share) within 7 days>"
    assert explorer.result.summary() in explorer._said.value.replace("&#x27;", "'")
    assert explorer._chart.outputs[0]["data"]["application/vnd.plotly.v1+json"]["config"]["showSendToCloud"] is False


def test_without_visits_and_signatures_it_begins_with_the_two_most_frequent_events(events):
    others = events.where("event <> 'visit'")
    assert explore(others).view == View(("sign", "share"))


def test_each_control_changes_its_part_of_the_view(explorer):
    controls = explorer._controls
    controls.by.value = "channel"
    assert explorer.view == View(("visit", "sign"), ("share",), by="channel")
    assert "mail" in explorer._table.value
    controls.window.value, controls.follow_up_window.value = "2 hours", "1 day"
    controls.order.value, controls.entry.value = "strict", "first"
    controls.first_on.value, controls.last_on.value = date(2018, 1, 15), date(2018, 1, 16)
    assert explorer.view == View(
        ("visit", "sign"),
        ("share",),
        window="2 hours",
        follow_up_window="1 day",
        order="strict",
        entry="first",
        by="channel",
        first_on=date(2018, 1, 15),
        last_on=date(2018, 1, 16),
    )
    assert explorer.code.endswith(explorer.view.code())
    pd.testing.assert_frame_equal(explorer.result.frame, explorer.view.result(explorer._memory.events).frame)


def test_steps_are_chosen_one_after_another_and_taken_out_again(explorer):
    steps = explorer._controls.steps
    labels = [each.description for each in steps.box.children]
    assert labels == ["Step 1", "Step 2", "Step 3"]
    steps.box.children[2].value = "share"
    assert explorer.view.steps == ("visit", "sign", "share")
    assert [each.description for each in steps.box.children] == [*labels, "Step 4"]
    steps.box.children[1].value = ""
    assert explorer.view.steps == ("visit", "share")
    assert [each.value for each in steps.box.children] == ["visit", "share", ""]


def test_what_cannot_be_asked_is_told_where_the_answer_was_and_mended_by_the_next_choice(explorer):
    window, steps = explorer._controls.window, explorer._controls.steps
    window.value = "whenever"
    assert "“whenever” is no length of time. Write for example “7 days”." in explorer._said.value
    assert (explorer.result, explorer._chart.outputs, explorer._table.value) == (None, (), "")
    assert repr(explorer) == "<Explorer>"
    window.value = "7 days"
    assert explorer.result is not None
    for place in (1, 0):
        steps.box.children[place].value = ""
    assert "Choose at least two steps" in explorer._said.value
    steps.box.children[0].value = "visit"
    assert explorer.result is not None


def test_days_without_events_or_without_a_step_are_told_as_such(events):
    pytest.importorskip("ipywidgets")
    apart = explore(events.where("occurred_at < '2018-01-15T10:00Z' or occurred_at > '2018-01-17T10:00Z'"))
    apart._controls.last_on.value = date(2018, 1, 14)
    assert "On these days there is no “share”. Choose others." in apart._said.value
    apart._controls.last_on.value = apart._controls.first_on.value = date(2018, 1, 16)
    assert "There are no events on these days. Choose others." in apart._said.value


def test_an_explorer_speaks_french(events):
    pytest.importorskip("ipywidgets")
    french = explore(events, language="fr")
    said = [each.description for each in french._controls._each]
    assert not {each for each in said if each in ("Break down by", "First day", "Time for the steps")}
    assert french.result.summary() == french.result.summary("fr")
    assert 'language="fr"' in french.code


def test_no_visitor_is_named_in_what_it_sends_to_the_browser(explorer):
    explorer._controls.by.value = "channel"
    assert "secret-" not in repr(explorer._chart.outputs) + explorer._table.value + explorer._code.value


def test_where_widgets_cannot_be_shown_the_code_is(explorer):
    told = explorer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in told
    assert told["text/html"].startswith("<pre><code># The events are those that were given to funnel.explore.\n")


def test_it_is_asked_of_events_in_a_known_language(events):
    with pytest.raises(DefinitionError, match=r"^A funnel is measured over events; got int\. Give funnel\.connect"):
        explore(7)
    with pytest.raises(DefinitionError, match=r"^No language 'de'\."):
        explore(events, language="de")


def test_without_ipywidgets_it_says_what_to_install(events, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(DefinitionError) as raised:
        explore(events)
    assert str(raised.value) == (
        "The explorer needs ipywidgets. Install it with: pip install 'acquisition-funnel[notebook]'. Without it,"
        " Funnel([...]).measure(events) answers the same."
    )
