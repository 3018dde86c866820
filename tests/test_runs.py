"""Runs of a declared analysis: what they write, that they write it again, how two differ, and what was registered."""

import csv
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pandas
import pytest
import typer
from pyarrow import parquet
from typer.testing import CliRunner

import funnel
from funnel.analysis import Analysis
from funnel.cli.runs import diff, preregister, run
from funnel.errors import DefinitionError, SourceError
from funnel.language import language
from funnel.pages.stills import browser
from funnel.registration import Registration, changes, registered_chapter, written
from funnel.registration import preregister as register
from funnel.runs import compare
from funnel.runs import run as run_
from funnel.runs.figures import draw, why_none
from funnel.runs.told import sentences
from funnel.sections.typed import as_csv, as_parquet, typed

EN, FR = language("en"), language("fr")
SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "results.schema.json").read_text(encoding="utf-8"))
SPACES = str.maketrans("\u00a0\u202f", "  ")

CAMPAIGN = """
title: A small campaign
data:
  events: events
  timezone: America/Toronto
funnel: visit > sign > (share | partner_click) within 7 days
by: [channel]
experiments:
- name: thanks_page
  control: thanks_only
  primary: share
  window: 3 days
  guardrails: {unsubscribe: 0.5 %}
  shares: {thanks_only: 25 %, share: 25 %, partner: 25 %, both: 25 %}
  planned: 4000
sections: [funnel, by, experiments, definition, quality, privacy]
"""

app = typer.Typer()
for command in (run, diff, preregister):
    app.command()(command)


def typed_in(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def plain(text):
    return text.translate(SPACES)


@pytest.fixture(autouse=True)
def _without_a_browser(request, monkeypatch):
    """Pictures take seconds: only what is about them draws any."""
    if "browser" not in request.keywords:
        monkeypatch.setenv("BROWSER_PATH", "no-browser-here")


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    """A folder with a campaign of about 1,500 visitors, a table of relays beside it, and its campaign.yml."""
    folder = tmp_path_factory.mktemp("campaign")
    funnel.make_sample(2018, visitors=1_500, folder=folder / "whole")
    (folder / "events").mkdir()
    columns = ["event_id", "visitor_id", "event", "occurred_at", "channel", "experiment", "variant"]
    frame = pandas.read_parquet(folder / "whole" / "events.parquet", columns=columns)
    frame.to_parquet(folder / "events" / "events.parquet")
    shutil.copy(folder / "whole" / "relays.parquet", folder / "events")
    (folder / "campaign.yml").write_text(CAMPAIGN, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def out(campaign):
    """The folder of a run; tests only look into it."""
    before = os.environ.get("BROWSER_PATH")
    os.environ["BROWSER_PATH"] = "no-browser-here"
    try:
        run_(campaign / "campaign.yml", campaign / "out")
    finally:
        os.environ.pop("BROWSER_PATH") if before is None else os.environ.update(BROWSER_PATH=before)
    return campaign / "out"


def declared(campaign, name, **changed):
    """Write another campaign.yml beside the first, with some texts replaced."""
    text = CAMPAIGN
    for old, new in changed.values():
        assert old in text
        text = text.replace(old, new)
    path = campaign / f"{name}.yml"
    path.write_text(text, encoding="utf-8")
    return path


def files(folder):
    return {each.relative_to(folder).as_posix(): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def loaded(out, name="results.json"):
    return json.loads((out / name).read_text(encoding="utf-8"))


def section(out, name):
    return next(each for each in loaded(out)["sections"] if each["name"] == name)


# What a run writes


def test_a_run_writes_report_results_tables_and_manifest(out):
    names = [each["name"] for each in loaded(out)["sections"] if each["columns"]]
    assert {"funnel", "by-channel", "experiment-thanks_page", "quality"} <= set(names)
    tables = {f"tables/{name}.{kind}" for name in names for kind in ("csv", "parquet")}
    assert set(files(out)) == {"report.html", "results.json", "manifest.json", *tables}


def test_results_follow_the_published_schema(out):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    checker = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    assert [error.message for error in checker.iter_errors(loaded(out))] == []
    assert loaded(out)["schema"] == SCHEMA["properties"]["schema"]["const"]


def test_results_are_the_numbers_of_the_question_itself(campaign, out):
    events = funnel.connect(campaign / "events", timezone="America/Toronto")
    asked = funnel.Funnel(["visit", "sign"], follow_ups=["share", "partner_click"])
    frame = asked.measure(events).frame
    rows = section(out, "funnel")["rows"]
    assert [row["step"] for row in rows] == list(frame["step"])
    assert [row["visitors"] for row in rows] == list(frame["visitors"])
    # Rates beside a hidden count are published to three decimals, for more would tell the count.
    assert [row["overall_rate"] for row in rows] == pytest.approx(list(frame["overall_rate"]), abs=0.0005)
    # All others are whole: no digit is lost on the way to the file.
    assert [row["median_seconds_from_entry"] for row in rows[1:2]] == list(frame["median_seconds_from_entry"])[1:2]


def test_what_the_page_hides_is_null_and_listed_with_its_count(out):
    hidden = section(out, "by-channel")
    assert hidden["hidden"]["count"] == len(hidden["hidden"]["cells"]) > 0
    assert all(hidden["rows"][cell["row"]][cell["column"]] is None for cell in hidden["hidden"]["cells"])
    counts = [row["visitors"] for row in hidden["rows"] if row["visitors"] is not None]
    assert min(count for count in counts if count) >= loaded(out)["least"] == 10


def test_csv_parquet_and_json_hold_the_same_numbers(out):
    for each in loaded(out)["sections"]:
        if not each["columns"]:
            continue
        table = parquet.read_table(out / "tables" / f"{each['name']}.parquet")
        kinds = {"text": "string", "integer": "int64", "number": "double", "boolean": "bool", "date": "date32[day]"}
        for field, column in zip(table.schema, each["columns"], strict=True):
            assert field.name == column["name"]
            assert str(field.type) == kinds.get(column["type"], str(field.type))
        in_json = [[None if value is None else value for value in row.values()] for row in each["rows"]]
        in_parquet = [[told(value) for value in row.values()] for row in table.to_pylist()]
        assert in_parquet == in_json, each["name"]
        with (out / "tables" / f"{each['name']}.csv").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        assert rows[0] == [column["name"] for column in each["columns"]]
        kinds_of = [column["type"] for column in each["columns"]]
        in_csv = [[read(cell, kind) for cell, kind in zip(row, kinds_of, strict=True)] for row in rows[1:]]
        assert in_csv == in_json, each["name"]


def told(value):
    if isinstance(value, float) and math.isinf(value):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value


def read(cell, kind):
    if cell in ("", "inf"):
        return None
    return {"integer": int, "number": float, "boolean": lambda text: text == "true"}.get(kind, str)(cell)


def test_columns_keep_their_types_where_numbers_are_hidden():
    full = pandas.DataFrame({"step": ["visit", "sign"], "visitors": [40, 3], "is_last": [False, True]})
    published = full.assign(visitors=[40.0, None])
    columns = typed(full, published)
    assert [(column.name, column.type, column.values) for column in columns] == [
        ("step", "text", ("visit", "sign")),
        ("visitors", "integer", (40, None)),
        ("is_last", "boolean", (False, True)),
    ]
    assert as_csv(columns) == "step,visitors,is_last\nvisit,40,false\nsign,,true\n"
    assert as_parquet(columns) == as_parquet(columns)


def test_a_name_that_a_spreadsheet_would_run_is_text_in_csv():
    frame = pandas.DataFrame({"campaign": ["=1+1", "@cmd", "plain"], "difference": [-0.5, 0.25, 0.0]})
    assert as_csv(typed(frame, frame)) == "campaign,difference\n'=1+1,-0.5\n'@cmd,0.25\nplain,0.0\n"


def test_the_manifest_names_data_analysis_versions_seeds_and_the_hash_of_every_file(campaign, out):
    manifest, events = loaded(out, "manifest.json"), funnel.connect(campaign / "events", timezone="America/Toronto")
    data = manifest["data"]
    assert (data["fingerprint"], data["rows"], data["visitors"]) == (events.fingerprint(), events.rows, events.visitors)
    assert set(data["files"]) == {"events.parquet", "relays.parquet"}
    assert {name: each["rows"] for name, each in data["beside"].items()} == {"relays": 12}
    assert manifest["analysis"] == Analysis.read(campaign / "campaign.yml").fingerprint()
    assert manifest["made_with"]["pandas"] == pandas.__version__
    assert manifest["seeds"] == {"forgone": 2018, "credit": 0, "skewed means": 0}
    shell = "import hashlib, pathlib, sys; print(hashlib.sha256(pathlib.Path(sys.argv[1]).read_bytes()).hexdigest())"
    for name in ("report.html", "tables/funnel.parquet"):
        asked = subprocess.run(
            [sys.executable, "-c", shell, str(out / name)], capture_output=True, text=True, check=True
        )
        assert manifest["files"][name] == asked.stdout.strip()
    assert set(manifest["files"]) == set(files(out)) - {"manifest.json"}


def test_nothing_of_a_run_names_the_machine(campaign, out):
    for name, content in files(out).items():
        assert str(campaign).encode() not in content, name


def test_another_process_writes_the_same_bytes(campaign, out):
    code = (
        "import sys; from funnel.runs import run;"
        f"run({str(campaign / 'campaign.yml')!r}, {str(campaign / 'again')!r}, data={str(campaign / 'events')!r})"
    )
    command = [sys.executable, "-c", code]
    subprocess.run(command, check=True, cwd=campaign, env={**os.environ, "PYTHONHASHSEED": "7"})
    before, after = files(out), files(campaign / "again")
    assert set(before) == set(after)
    assert [name for name in before if before[name] != after[name]] == []


# Where a run writes


def test_the_folder_of_a_run_is_replaced_and_anything_else_is_refused(campaign):
    target = campaign / "kept"
    quick = declared(campaign, "quick", sections=("sections: [funnel, by, experiments", "sections: [funnel"))
    run_(quick, target)
    assert "tables/funnel.csv" in files(target)
    (target / "tables" / "gone.csv").write_text("written by hand", encoding="utf-8")
    sentence = "The folder 'kept' holds what no run wrote: tables/gone.csv. Give another folder, or move these away."
    with pytest.raises(SourceError) as refused:
        run_(quick, target)
    assert str(refused.value) == sentence
    (target / "tables" / "gone.csv").unlink()
    (target / "tables" / "funnel.csv").write_text("changed by hand", encoding="utf-8")
    run_(quick, target)
    assert files(target)["tables/funnel.csv"].startswith(b"step,")


def test_a_folder_of_something_else_and_a_file_are_refused(campaign, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "manifest.json").write_text('{"name": "a web page"}', encoding="utf-8")
    (tmp_path / "file").write_text("", encoding="utf-8")
    for name, sentence in (
        ("mine", "The folder 'mine' holds what no run wrote: manifest.json. Give another folder, or move these away."),
        ("file", "'file' is a file. Give the name of a folder, as -o out."),
    ):
        done = typed_in("run", campaign / "campaign.yml", "-o", tmp_path / name)
        assert (done.exit_code, done.stderr) == (1, f"Error: {sentence}\n")


def test_a_run_that_fails_leaves_the_folder_as_it_was(campaign, tmp_path):
    quick = declared(campaign, "quick", sections=("sections: [funnel, by, experiments", "sections: [funnel"))
    run_(quick, tmp_path / "out")
    before = files(tmp_path / "out")
    broken = declared(campaign, "broken", funnel=("visit > sign >", "visit > sing >"))
    with pytest.raises(funnel.FunnelError, match="No event is named 'sing'"):
        run_(broken, tmp_path / "out")
    assert files(tmp_path / "out") == before
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_run_says_what_it_wrote_and_why_there_are_no_figures(campaign, tmp_path):
    quick = declared(campaign, "quick", sections=("sections: [funnel, by, experiments", "sections: [funnel"))
    done = typed_in("run", quick, "-o", tmp_path / "out")
    assert done.exit_code == 0
    assert done.stderr == (
        f"Wrote {tmp_path / 'out'}: a report of 5 sections, 3 tables, 0 figures.\n"
        "No figures were drawn, for there is no Chrome or Chromium here: install one, or write its path in"
        " BROWSER_PATH.\n"
    )


@pytest.mark.browser
@pytest.mark.skipif(browser() is None and "CI" not in os.environ, reason="there is no Chrome or Chromium")
def test_figures_are_the_same_bytes_each_time(campaign, tmp_path):
    assert why_none() == ""
    events = funnel.connect(campaign / "events")
    asked = funnel.Funnel(["visit", "sign"], follow_ups=["share"])
    for name in ("one", "other"):
        result = asked.measure(events)
        draw({"curves": result.curves().plot()}, tmp_path / name)
    one, other = files(tmp_path / "one"), files(tmp_path / "other")
    assert sorted(one) == ["curves.png", "curves.svg"]
    assert one == other
    assert one["curves.svg"].startswith(b"<svg")
    assert one["curves.png"].startswith(b"\x89PNG")


# How two runs differ


def test_two_runs_of_the_same_are_identical(out):
    found = compare(out, out)
    assert found.is_same
    assert list(sentences(found, EN)) == ["The two runs are identical."]
    done = typed_in("diff", out, out)
    assert (done.exit_code, done.stdout) == (0, "The two runs are identical.\n")


@pytest.fixture(scope="module")
def other(campaign, out):
    """A run of the same campaign without one signature of somebody who then did nothing, and with a longer window."""
    frame = pandas.read_parquet(campaign / "events" / "events.parquet")
    signed = frame[(frame["event"] == "sign") & (frame["channel"] == "email")]
    later = frame.groupby("visitor_id")["occurred_at"].max()
    last = signed[signed["occurred_at"] == signed["visitor_id"].map(later)]
    (campaign / "fewer").mkdir()
    frame.drop(last.index[0]).to_parquet(campaign / "fewer" / "events.parquet")
    path = declared(campaign, "other", window=("  window: 3 days", "  window: 2 days"))
    run_(path, campaign / "other", data=str(campaign / "fewer"))
    return campaign / "other"


def test_a_changed_run_is_told_by_data_definitions_and_numbers(out, other):
    found = compare(out, other)
    before, after = (loaded(each, "manifest.json")["data"] for each in (out, other))
    assert {change.key: (change.before, change.after) for change in found.data if "." not in change.key} == {
        "fingerprint": (before["fingerprint"], after["fingerprint"]),
        "rows": (before["rows"], before["rows"] - 1),
    }
    assert [(change.key, change.before, change.after) for change in found.definitions] == [
        ("experiments[thanks_page].window", "3 days", "2 days")
    ]
    assert (found.versions, found.seeds) == ((), ())
    signed = next(
        moved
        for moved in found.numbers
        if (moved.section, dict(moved.row).get("step"), moved.column) == ("funnel", "sign", "visitors")
    )
    assert (signed.before - signed.after, signed.is_rate) == (1, False)
    assert [moved.size for moved in found.numbers] == sorted((moved.size for moved in found.numbers), reverse=True)
    told = [plain(line) for line in sentences(found, EN)]
    assert told[0] == "Data"
    assert f"  Events: from {before['rows']:,} to {after['rows']:,} (−1)" in told
    assert "Definitions" in told
    assert "  experiments[thanks_page].window: from 3 days to 2 days" in told


def test_counts_are_told_with_their_change_and_rates_in_points(out, tmp_path):
    changed = loaded(out)
    rows = next(each for each in changed["sections"] if each["name"] == "funnel")["rows"]
    before = dict(rows[1])
    rows[1]["visitors"] += 12
    rows[1]["step_rate"] += 0.005
    told = changed_run(out, tmp_path, changed)
    was, rate = f"{before['visitors']:,}", before["step_rate"]
    assert f"    Where visitors leave, sign, Visitors: from {was} to {before['visitors'] + 12:,} (+12)" in told
    line = f"    Where visitors leave, sign, Of the step before: from {rate:.2%} to {rate + 0.005:.2%}"
    assert f"{line} (+0.50 points)" in told


def changed_run(out, tmp_path, changed, code="en"):
    """Write a copy of a run with other results; return how the two differ, in lines."""
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "manifest.json").write_bytes((out / "manifest.json").read_bytes())
    (copy / "results.json").write_text(json.dumps(changed), encoding="utf-8")
    return [plain(line) for line in sentences(compare(out, copy), language(code))]


def test_rows_and_sections_that_came_or_went_are_named(out, tmp_path):
    changed = loaded(out)
    changed["sections"] = [each for each in changed["sections"] if each["name"] != "quality"]
    rows = next(each for each in changed["sections"] if each["name"] == "funnel")["rows"]
    rows[-1]["step"] = "donate"
    told = changed_run(out, tmp_path, changed)
    assert told[0] == "Numbers"
    assert told[1] == "  Only the first has the section “Quality of the data”."
    assert told[2] == "  Only the first has 1 row: Where visitors leave, partner click."
    assert told[3] == "  Only the second has 1 row: Where visitors leave, donate."
    assert told[4].startswith("  All ")


def test_more_changes_than_can_be_read_are_counted(out, tmp_path):
    changed = loaded(out)
    for each in changed["sections"]:
        for row in each["rows"]:
            row.update({name: value + 1 for name, value in row.items() if name == "visitors" and value is not None})
    told = changed_run(out, tmp_path, changed)
    sections = [line.split(", ")[0].strip() for line in told[2:-1]]
    assert len(sections) <= 12
    assert max(map(sections.count, sections)) == 3
    assert told[-1] == f"    and {int(told[1].split()[0]) - len(sections)} more"


def test_a_chance_that_grows_tenfold_is_no_large_change(out, tmp_path):
    changed = loaded(out)
    answer = next(each for each in changed["sections"] if each["name"] == "experiment-thanks_page")["rows"]
    row = answer[1]
    row["p"], row["pending"] = 1e-9, 30
    before = tmp_path / "before"
    before.mkdir()
    (before / "manifest.json").write_bytes((out / "manifest.json").read_bytes())
    (before / "results.json").write_text(json.dumps(changed), encoding="utf-8")
    row["p"], row["pending"] = 1e-8, 20
    told = changed_run(before, tmp_path, changed)
    assert told[2].endswith("Pending: from 30 to 20 (−10)")
    assert told[3].endswith("P: from 0.00000000 to 0.00000001 (+0.00000001)")


def test_a_last_digit_is_no_change_but_the_tenth_is(out, tmp_path):
    changed = loaded(out)
    rows = next(each for each in changed["sections"] if each["name"] == "funnel")["rows"]
    rows[1]["step_rate"] *= 1 + 1e-13
    assert changed_run(out, tmp_path, changed) == ["The two runs are identical."]


def test_diff_in_french_as_json_and_its_exit_codes(out, other, tmp_path):
    done = typed_in("diff", out, other, "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert (found["same"], found["definitions"][0]["after"]) == (False, "2 days")
    assert {"section", "row", "column", "before", "after", "size", "is_rate"} == set(found["numbers"][0])
    assert typed_in("diff", out, other, "--language", "fr").exit_code == 1
    lost = typed_in("diff", out, tmp_path)
    assert (lost.exit_code, lost.stderr) == (
        2,
        f"Error: No run wrote '{tmp_path}': there is no manifest.json of one in it. Give a folder that `funnel run`"
        " wrote.\n",
    )


def test_lists_of_named_things_are_compared_by_their_names():
    before = {"funnel": "visit > sign", "experiments": [{"name": "a", "looks": 2}, {"name": "b"}], "by": ["channel"]}
    after = {"funnel": "visit > sign", "experiments": [{"name": "b"}, {"name": "a", "looks": 3}], "by": ["device"]}
    assert [(each.key, each.before, each.after) for each in changes(before, after)] == [
        ("experiments[a].looks", 2, 3),
        ("by", ["channel"], ["device"]),
    ]


def test_what_was_written_down_is_said_as_a_person_writes_it():
    assert [written(value, EN) for value in (None, True, 0.005, 4000, ["a", {"unsubscribe": 0.005}], [], "7 days")] == [
        "not given",
        "yes",
        "0.005",
        "4,000",
        "a, unsubscribe: 0.005",
        "none",
        "7 days",
    ]


# Registered before there is data


@pytest.fixture
def plan(tmp_path):
    """A campaign.yml whose data does not exist yet."""
    path = tmp_path / "campaign.yml"
    path.write_text(CAMPAIGN.replace("events: events", "events: not-there-yet"), encoding="utf-8")
    return path


def test_a_campaign_is_registered_before_there_is_data(plan):
    done = typed_in("preregister", plan)
    path = plan.with_name("campaign.registered.json")
    found = Registration.read(path)
    assert (done.exit_code, done.stdout) == (0, f"{found.hash}\n")
    assert done.stderr == f"Wrote {path}. Publish its hash where others can see the date.\n"
    held = json.loads(path.read_text(encoding="utf-8"))
    assert held["hash"] == found.hash
    assert held["definitions"]["experiments"][0]["window"] == "3 days"
    assert "not-there-yet" not in path.read_text(encoding="utf-8")


def test_the_plan_holds_the_smallest_difference_that_the_planned_visitors_find(plan):
    (planned,) = Registration.of(Analysis.read(plan)).plan
    assert (planned["planned"], planned["looks"], planned["alpha"], planned["power"]) == (4000, "fixed", 0.05, 0.8)
    by_baseline = {each["baseline"]: each["difference"] for each in planned["smallest_differences"]}
    # 1,000 in each of four arms: the difference of which `power` then says that it is found with 80%.
    for baseline, difference in by_baseline.items():
        found = funnel.power(baseline, difference=difference, n=1000, variants=4)
        assert found == pytest.approx(0.8, abs=0.005)


def test_the_hash_is_of_what_decides_numbers_and_not_of_how_it_is_told(plan):
    before = Registration.of(Analysis.read(plan)).hash
    text = plan.read_text(encoding="utf-8")
    plan.write_text(
        text.replace("A small campaign", "Another title").replace("not-there-yet", "here"), encoding="utf-8"
    )
    assert Registration.of(Analysis.read(plan)).hash == before
    plan.write_text(text.replace("window: 3 days", "window: 72 hours"), encoding="utf-8")
    assert Registration.of(Analysis.read(plan)).hash == before
    plan.write_text(text.replace("window: 3 days", "window: 4 days"), encoding="utf-8")
    assert Registration.of(Analysis.read(plan)).hash != before


def test_another_registration_is_never_written_over(plan):
    path, is_new = register(plan)
    assert (is_new, register(plan)) == (True, (path, False))
    first = Registration.read(path).hash
    plan.write_text(plan.read_text(encoding="utf-8").replace("planned: 4000", "planned: 5000"), encoding="utf-8")
    second = Registration.of(Analysis.read(plan)).hash
    with pytest.raises(DefinitionError) as refused:
        register(plan)
    assert str(refused.value) == (
        f"'campaign.registered.json' holds another registration ({first[:12]}…; this one is {second[:12]}…). Keep it,"
        " and give this one a file of its own with -o; or remove it, if nothing rests on it yet."
    )
    assert Registration.read(path).hash == first
    assert register(plan, plan.with_name("second.json"))[1] is True


def test_a_registration_that_was_changed_is_refused(plan):
    path, _ = register(plan)
    before = Registration.read(path).hash
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"planned": 4000', '"planned": 400'), encoding="utf-8")
    with pytest.raises(DefinitionError) as refused:
        Registration.read(path)
    sentence = str(refused.value)
    assert sentence.startswith(
        "The registration 'campaign.registered.json' was changed after it was made: its hash is "
    )
    assert sentence.endswith(f", and it says {before[:12]}…. Put back the file that was registered, or leave it out.")
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(SourceError) as refused:
        Registration.read(path)
    assert str(refused.value) == (
        "'campaign.registered.json' is no registration. Give a file that `funnel preregister` wrote."
    )


def test_a_report_says_what_was_registered_changed_and_not_registered():
    registered = Registration.of(
        Analysis.of(
            {
                "funnel": "visit > sign",
                "by": ["channel"],
                "experiments": [{"name": "thanks_page", "control": "thanks_only", "primary": "share"}],
                "relays": {},
            }
        )
    )
    asked = Analysis.of(
        {
            "funnel": "visit > sign",
            "by": ["channel"],
            "experiments": [
                {"name": "thanks_page", "control": "thanks_only", "primary": "share", "window": "7 days"},
                {"name": "button", "control": "red", "primary": "sign"},
            ],
            "sections": ["funnel", "by", "experiments", "ladder"],
        }
    )
    told = registered_chapter(asked, registered, EN)
    assert told.heading == "What was registered, and what was not"
    assert told.sentence == (
        f"Beside the registration {registered.hash[:12]}…: 2 questions are answered exactly as they were registered."
        " 1 question was changed since: its answer is not the one that was registered. 2 questions were not registered:"
        " their answers are exploratory. 1 registered question is not answered here."
    )
    assert told.rows == (
        ("The funnel", "exactly as registered", ""),
        ("By which groups", "exactly as registered", ""),
        ("Experiment “thank-you page”", "changed since it was registered", "window: registered 3 days, asked 7 days"),
        ("Experiment “button”", "not registered: exploratory", ""),
        ("What relays brought", "registered, and not asked here", ""),
        ("How far people climb", "left open, asked as one usually would: exploratory", ""),
    )


def test_without_a_registration_everything_is_exploratory():
    told = registered_chapter(Analysis.of({"funnel": "visit > sign", "sections": ["funnel"]}), None, EN)
    assert told.sentence == "No registration was given, so every number here is exploratory."
    assert told.rows == (("The funnel", "not registered: exploratory", ""),)


def test_a_run_tells_the_registration_that_lies_beside_the_campaign(campaign, tmp_path):
    quick = declared(campaign, "planned", sections=("sections: [funnel, by, experiments", "sections: [funnel"))
    path, _ = register(quick)
    try:
        run_(quick, tmp_path / "out")
        registration = loaded(tmp_path / "out")["registration"]
        assert registration["hash"] == Registration.read(path).hash
        assert [(each["question"], each["standing"]) for each in registration["questions"]] == [
            ("funnel", "registered"),
            ("by", "not asked"),
            ("experiments[thanks_page]", "not asked"),
        ]
        page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
        assert "What was registered, and what was not" in page
        assert registration["hash"] in page
        jsonschema.validate(loaded(tmp_path / "out"), SCHEMA)
    finally:
        path.unlink()


def test_the_whole_report_of_a_campaign_follows_the_schema(campaign, tmp_path):
    whole = tmp_path / "whole.yml"
    whole.write_text(
        f"data: {{events: {campaign / 'whole'}}}\nfunnel: visit > sign > (share | partner_click)\n", "utf-8"
    )
    run_(whole, tmp_path / "out")
    jsonschema.validate(loaded(tmp_path / "out"), SCHEMA)
