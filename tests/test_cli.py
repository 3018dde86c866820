"""The command line, as it is typed."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from funnel.cli import app, as_typed

ROWS = """user,name,time,channel
1,visit,2018-01-14 18:00:00,tv
1,sign,2018-01-14 18:05:00,tv
1,share,2018-01-14 18:06:00,tv
2,visit,2018-01-14 18:10:00,mail
3,visit,2018-01-14 18:10:00,mail
3,sign,2018-01-14 18:30:00,mail
4,visit,2018-01-28 18:10:00,mail
"""
MAPPED = ["--column", "visitor_id=user", "--column", "event=name", "--column", "occurred_at=time", "--timezone", "UTC"]


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(ROWS, encoding="utf-8")
    return str(path)


def typed(*words):
    return CliRunner().invoke(app, list(words))


def test_measure_prints_the_table_the_summary_and_the_notes(log):
    done = typed("measure", log, *MAPPED, "--steps", "visit,sign", "--follow-ups", "share", "--window", "7d")
    assert done.exit_code == 0
    assert "What they did next" in done.stdout
    assert "Not enough data: only 3 visitors have had the whole 7\xa0days" in done.stdout
    assert "- The data is taken to be complete to January\xa028, 2018" in done.stdout


def test_measure_as_json_is_read_by_programs(log):
    done = typed("measure", log, *MAPPED, "--by", "channel", "--json")
    told = json.loads(done.stdout)
    assert [(row["channel"], row["step"], row["visitors"], row["pending"]) for row in told["rows"]] == [
        ("mail", "visit", 3, 0),
        ("mail", "sign", 1, 1),
        ("tv", "visit", 1, 0),
        ("tv", "sign", 1, 0),
    ]
    assert told["definition"]["window"] == "7 days"
    assert done.stderr == ""


LINE = "visit > sign > (share) within 7d by channel"


def test_measure_takes_the_funnel_in_one_line(log):
    options = ["--steps", "visit,sign", "--follow-ups", "share", "--window", "7d", "--by", "channel"]
    in_one_line, in_options = (typed("measure", log, *words, *MAPPED, "--json") for words in ([LINE], options))
    assert in_one_line.exit_code == 0, in_one_line.output
    assert json.loads(in_one_line.stdout) == json.loads(in_options.stdout)
    assert typed("measure", log, LINE, *MAPPED).stdout == typed("measure", log, *options, *MAPPED).stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            [LINE, "--by", "channel", "--steps", "visit,sign"],
            "The funnel is defined twice: in one line, and by --steps, --by. Keep the line, or the options.",
        ),
        (
            [LINE, "--follow-up-window", "3 days"],
            "The funnel is defined twice: in one line, and by --follow-up-window. Keep the line, or the options.",
        ),
        (
            # What was typed is shown as it was, though it looks like an argument of Python.
            ["visit > sign[name='fr'] wthin 7d"],
            "Column 25: 'wthin' has no place here. Did you mean 'within'? Steps are separated by >; after the last come"
            " within, follow-ups, order, entry, ties, without, by.\n"
            "    visit > sign[name='fr'] wthin 7d\n"
            "                            ^",
        ),
        (
            ["visit > sing"],
            "No event is named 'sing'. Did you mean 'sign'? Known: visit (4), sign (2), share (1).",
        ),
        ([""], "A funnel in one line needs steps; the line is empty. Write for example visit > sign within 7 days."),
    ],
)
def test_a_line_that_cannot_be_measured_ends_with_a_sentence_and_code_1(log, words, sentence):
    done = typed("measure", log, *words, *MAPPED)
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", f"Error: {sentence}\n")


def test_measure_in_french(log):
    assert "Pas assez de données" in typed("measure", log, *MAPPED, "--language", "fr").stdout


def test_measure_only_some_events(log):
    told = json.loads(typed("measure", log, *MAPPED, "--where", "channel = 'tv'", "--json").stdout)
    assert [row["visitors"] for row in told["rows"]] == [1, 1]


def test_a_name_with_a_comma_goes_in_double_quotes(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(ROWS.replace("sign", '"sign, please"'), encoding="utf-8")
    told = json.loads(typed("measure", str(path), *MAPPED, "--steps", 'visit,"sign, please"', "--json").stdout)
    assert [row["step"] for row in told["rows"]] == ["visit", "sign, please"]


def test_check_prints_what_was_found(log):
    done = typed("check", log, *MAPPED)
    assert done.exit_code == 0
    assert "7 events of 4 visitors" in done.stdout
    told = json.loads(typed("check", log, *MAPPED, "--json").stdout)
    assert told["events"] == {"visit": 4, "sign": 2, "share": 1}
    assert {"check", "rows", "severity", "meaning"} == set(told["checks"][0])


def test_sample_writes_a_campaign(tmp_path):
    done = typed("sample", str(tmp_path / "campaign"), "--visitors", "500", "--seed", "7")
    assert done.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "campaign").iterdir()) == [
        "events.parquet",
        "mentions.parquet",
        "relays.parquet",
        "truth.json",
    ]


def test_report_takes_the_follow_ups_and_groups_that_are_there(log, tmp_path):
    done = typed("report", log, *MAPPED, "-o", str(tmp_path / "new" / "report.html"))
    assert done.exit_code == 0, done.output
    page = (tmp_path / "new" / "report.html").read_text(encoding="utf-8")
    assert "By channel" in page
    assert "What they do after" in page


CAMPAIGN = """
title: Three shares
language: fr
data:
  events: log.csv
  columns: {visitor_id: user, event: name, occurred_at: time}
  timezone: America/Toronto
funnel: visit > sign > (share) within 7 days
sections: [funnel, privacy]
"""


@pytest.fixture
def campaign(log, tmp_path):
    path = tmp_path / "campaign.yml"
    events = Path(log).resolve().as_posix()
    path.write_text(CAMPAIGN.replace("log.csv", f'"{events}"'), encoding="utf-8")
    return path


def test_report_of_a_campaign_file_says_what_the_file_declares(campaign, tmp_path):
    done = typed("report", "--config", str(campaign), "-o", str(tmp_path / "page.html"))
    assert done.exit_code == 0, done.output
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<h1>Three shares</h1>" in page
    assert '<html lang="fr-CA">' in page
    assert "By channel" not in page


def test_what_is_typed_beside_a_campaign_file_is_how_it_is_told(campaign, tmp_path):
    done = typed(
        *("report", "--config", str(campaign), "--language", "en", "--title", "Other", "--least", "5"),
        *("-o", str(tmp_path / "page.html")),
    )
    assert done.exit_code == 0, done.output
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<h1>Other</h1>" in page
    assert '"hide_below":5' in page
    assert "Counts of fewer than 5 people are hidden" in page


def test_the_page_carries_no_path_of_the_machine_it_was_made_on(campaign, tmp_path):
    (tmp_path / "brand.css").write_text(":root { --light-blue: #004488; }", encoding="utf-8")
    words = ("--css", str(tmp_path / "brand.css"), "-o", str(tmp_path / "page.html"))
    assert typed("report", "--config", str(campaign), *words).exit_code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    declared = re.search(r'<script type="application/json" id="analysis">(.*?)</script>', page)[1]
    assert str(tmp_path.as_posix()) not in declared
    assert "--light-blue: #004488" in page


def test_a_campaign_is_declared_in_one_place(campaign):
    done = typed("report", "--config", str(campaign), "--steps", "visit,sign")
    assert done.exit_code == 1
    assert done.stderr == (
        f"Error: The analysis is declared twice: in {campaign}, and by --steps. Keep the file, or the options.\n"
    )


def test_a_mistake_in_a_campaign_file_is_told_with_its_line(campaign):
    campaign.write_text(campaign.read_text(encoding="utf-8").replace("language: fr", "language: de"), encoding="utf-8")
    done = typed("report", "--config", str(campaign))
    assert done.exit_code == 1
    assert "line 3" in done.stderr
    assert "No language 'de'" in done.stderr


def test_a_report_of_nothing_says_what_to_give():
    done = typed("report")
    assert done.exit_code == 1
    assert done.stderr == ("Error: There is nothing to report on. Give a SOURCE of events, or --config campaign.yml.\n")


def test_without_a_browser_a_static_page_has_its_tables_and_says_so(log, tmp_path, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "nowhere"))
    done = typed("report", log, *MAPPED, "--static", "-o", str(tmp_path / "page.html"))
    assert done.exit_code == 0, done.output
    assert "Without Chrome or Chromium the page has tables and bars and no charts" in done.stderr
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<svg" not in page
    assert "<table" in page


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["--steps", "visit,sing"],
            "Error: No event is named 'sing'. Did you mean 'sign'? Known: visit (4), sign (2), share (1)."
            " Name yours with --steps and --follow-ups.\n",
        ),
        (
            ["--window", "7 dayz"],
            "Error: Unknown unit 'dayz' in --window '7 dayz'. Did you mean 'days'?"
            " Known: seconds, minutes, hours, days, weeks.\n",
        ),
        (
            ["--column", "channel"],
            "Error: --column channel names one column. Give ours and the source's: --column visitor_id=user.\n",
        ),
        (["--language", "de"], None),
    ],
)
def test_a_question_that_cannot_be_asked_ends_with_a_sentence_and_code_1(log, words, sentence):
    done = typed("measure", log, *MAPPED, *words)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ") if sentence is None else done.stderr == sentence


def test_an_unknown_option_ends_with_code_2(log):
    assert typed("measure", log, "--stepz", "visit").exit_code == 2


def test_advice_is_given_as_it_is_typed_here():
    said = "Say which it is: columns={'visitor_id': 'user', 'occurred_at': 'at'}. Give timezone='America/Toronto'."
    assert as_typed(said) == (
        "Say which it is: --column visitor_id=user --column occurred_at=at. Give --timezone America/Toronto."
    )


def test_help_loads_nothing_heavy():
    """The help is there at once: what takes long to import is not imported for it."""
    heavy = ("pandas", "plotly", "scipy", "duckdb", "sqlglot")
    asked = f"import sys; from funnel.cli import app; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_progress_is_silent_in_a_pipe(log):
    command = [str(Path(sys.executable).with_name("funnel")), "measure", log, *MAPPED]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""


# Experiments


def variants_log(seen=(("thanks_only", 60, 6), ("share", 60, 30)), experiment="thanks_page"):
    """Return a log in which so many visitors saw each variant, so many of whom shared and one unsubscribed."""
    lines, number = ["visitor_id,event,occurred_at,experiment,variant,device,amount"], 0
    for variant, visitors, shared in seen:
        for place in range(visitors):
            number += 1
            device = "mobile" if place % 2 else "desktop"
            lines.append(f"{number},thanks_shown,2018-01-14 12:00:00,{experiment},{variant},{device},")
            if place < shared:
                lines.append(f"{number},share,2018-01-14 12:01:00,,,{device},2.5")
            if place == 0:
                lines.append(f"{number},unsubscribe,2018-01-14 13:00:00,,,{device},")
    return "\n".join([*lines, "0,visit,2018-01-31 12:00:00,,,mobile,", ""])


@pytest.fixture
def trial(tmp_path):
    path = tmp_path / "trial.csv"
    path.write_text(variants_log(), encoding="utf-8")
    return str(path)


def test_an_experiment_prints_the_verdict_then_the_numbers_then_the_notes(trial):
    done = typed("experiment", trial, "--timezone", "UTC", "--guardrail", "unsubscribe=20%")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(
        "Show the variant “share”: “share” comes to 50.0% within 3\xa0days, against 10.0% with"
    )
    lines = done.stdout.splitlines()
    places = [next(n for n, line in enumerate(lines) if line.startswith(each)) for each in ("Outcome", "- Compared")]
    assert places == sorted(places)
    assert "- Compared are 120 visitors at their first exposure" in done.stdout


def test_an_experiment_as_json_is_read_by_programs(trial):
    told = json.loads(typed("experiment", trial, "--timezone", "UTC", "--json").stdout)
    assert [(row["variant"], row["visitors"], row["total"], row["rate"]) for row in told["rows"]] == [
        ("thanks_only", 60, 6, 0.1),
        ("share", 60, 30, 0.5),
    ]
    assert told["decision"]["code"] == "adopt"
    assert told["experiment"]["name"] == "thanks_page"


def test_an_experiment_in_french(trial):
    done = typed("experiment", trial, "--timezone", "UTC", "--language", "fr")
    assert done.stdout.startswith("Affichez la variante «\xa0partage\xa0»")


def test_everything_an_experiment_is_can_be_typed(trial):
    words = (
        "--name thanks_page --control thanks_only --primary conversion:share@2d --secondary"
        " count:share,ratio:share/thanks_shown --exploratory value:amount/share@1d --guardrail unsubscribe=0.02"
        " --guardrail visit=-1% --exposure thanks_shown --variant variant --window 36h"
        " --shares thanks_only=50%,share=0.5 --planned 100 --looks 5 --segments device --referred again"
        " --two-variants first --interval score"
    )
    done = typed("experiment", trial, "--timezone", "UTC", "--json", *words.split())
    assert done.exit_code == 0, done.output
    asked = json.loads(done.stdout)["experiment"]
    assert asked["primary"] == {"kind": "Conversion", "step": "share", "window": "2d"}
    assert asked["secondary"] == [
        {"kind": "Count", "event": "share", "window": None},
        {"kind": "Ratio", "numerator": "share", "denominator": "thanks_shown", "window": None},
    ]
    assert asked["exploratory"] == [{"kind": "Value", "column": "amount", "event": "share", "window": "1d"}]
    assert asked["guardrails"] == [
        {"kind": "Guardrail", "event": "unsubscribe", "margin": 0.02, "worse": "higher", "window": None},
        {"kind": "Guardrail", "event": "visit", "margin": 0.01, "worse": "lower", "window": None},
    ]
    typed_there = ("shares", "planned", "looks", "segments", "two_variants", "interval", "window")
    assert [asked[name] for name in typed_there] == [
        {"thanks_only": 0.5, "share": 0.5},
        100,
        5,
        ["device"],
        "first",
        "score",
        "36h",
    ]


def test_an_experiment_writes_a_page_with_every_answer(trial, tmp_path):
    page = tmp_path / "new" / "experiment.html"
    done = typed("experiment", trial, "--timezone", "UTC", "--segments", "device", "-o", str(page))
    assert done.exit_code == 0, done.output
    assert done.stderr.startswith(f"Wrote {page} (")
    written = page.read_text(encoding="utf-8")
    for heading in (
        "Each variant against the control",
        "How many, by how long after the variant was shown",
        "The variants compared with everyone in, pending visitors too",
        "How the experiment went, day by day",
        "How likely each variant is the best",
        "Whether the difference varies between groups of visitors",
        "When the difference comes about, and whether it lasts",
        "Whether visitors fell into the variants as planned",
        "How many visitors it takes to find a difference",
    ):
        assert f">{heading}</h2>" in written


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "--secondary counts:share",
            "No kind of outcome is named 'counts' in --secondary counts:share. Did you mean 'count'? Known: conversion,"
            " count, referred, ratio, value. If that is an event's whole name, write conversion:counts:share.",
        ),
        (
            "--primary ratio:share",
            "--primary ratio:share is no ratio of one event to another. Write ratio:share/visit.",
        ),
        ("--primary count:", "--primary count: names nothing to count. Write count:share."),
        (
            "--guardrail unsubscribe",
            "--guardrail unsubscribe has no margin. Give how much worse is still bearable: --guardrail"
            " unsubscribe=0.005 (half a percentage point more), or donate=-0.005 where less is worse.",
        ),
        (
            "--guardrail unsubscribe=5",
            "The margin in --guardrail unsubscribe=5 is no share between 0 and 1. Half a percentage point is"
            " unsubscribe=0.005, or unsubscribe=0.5%.",
        ),
        ("--guardrail unsubscribe=0,5%", "'0,5%' in --guardrail unsubscribe=0,5% is no number. Write 0.12, or 12%."),
        (
            "--shares thanks_only,share",
            "In --shares, 'thanks_only' has no share. Give each variant its own: --shares thanks_only=0.5,share=0.5.",
        ),
        (
            "--shares share=0.5,share=0.5",
            "In --shares, 'share' is there twice. Give each variant its own: --shares thanks_only=0.5,share=0.5.",
        ),
        (
            "--shares thanks_only=0.5,share=0.4",
            "The planned shares sum to 0.9. Give shares that sum to 1, as --shares thanks_only=0.5,share=0.5.",
        ),
        (
            "--looks weekly",
            "--looks weekly is not known. Write 'fixed' (one look, at the planned end), the number of planned looks"
            " from 2 to 100, or 'anytime'.",
        ),
        (
            "--planned 0",
            "--planned 0 is no number of visitors. Give how many all arms together should have at the planned end, as"
            " `funnel plan` says.",
        ),
        (
            "--variant arm",
            "No column named 'arm' to say what each visitor saw. Known: amount, device, event, experiment,"
            " occurred_at, variant, visitor_id. Name yours with --variant.",
        ),
        (
            "--primary sharing",
            "No event is named 'sharing'. Did you mean 'share'? Known: thanks_shown (120), share (36), unsubscribe (2),"
            " visit (1). Name yours with --exposure, --primary, --secondary, --exploratory and --guardrail.",
        ),
        (
            "--secondary referred:unsubscribe",
            "referred:unsubscribe needs to know who brought whom: no column named 'referred_by' or 'link_id'. Known:"
            " amount, device, event, experiment, occurred_at, variant, visitor_id.",
        ),
    ],
)
def test_an_experiment_that_cannot_be_asked_ends_with_a_sentence_and_code_1(trial, words, sentence):
    done = typed("experiment", trial, "--timezone", "UTC", *words.split())
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", f"Error: {sentence}\n")


def test_the_control_must_be_named_where_none_is_thanks_only(tmp_path):
    path = tmp_path / "trial.csv"
    path.write_text(variants_log([("old", 40, 5), ("new", 41, 9)]), encoding="utf-8")
    assert typed("experiment", str(path), "--timezone", "UTC").stderr == (
        "Error: Which variant is the control? None is named 'thanks_only'. Say which with --control."
        " Variants: 'new' (41), 'old' (40).\n"
    )
    assert typed("experiment", str(path), "--timezone", "UTC", "--control", "old").exit_code == 0


def test_the_experiment_must_be_named_where_there_are_two(tmp_path):
    path = tmp_path / "trial.csv"
    second = variants_log(experiment="button").splitlines()[1:]
    rows = [f"1{line}" for line in second]  # other visitors: 1 before each number
    path.write_text(variants_log() + "\n".join([*rows, ""]), encoding="utf-8")
    assert typed("experiment", str(path), "--timezone", "UTC").stderr == (
        "Error: The events hold 2 experiments. Say which with --name. Known: 'button' (120), 'thanks_page' (120).\n"
    )
    assert typed("experiment", str(path), "--timezone", "UTC", "--name", "button").exit_code == 0


def test_an_experiment_without_a_name_in_the_events_takes_that_of_its_exposure(tmp_path):
    path = tmp_path / "trial.csv"
    path.write_text(variants_log(experiment=""), encoding="utf-8")
    told = json.loads(typed("experiment", str(path), "--timezone", "UTC", "--json").stdout)
    assert told["experiment"]["name"] == "thanks_shown"
    assert told["rows"][0]["visitors"] == 60


# Plans


def test_a_plan_tells_the_visitors_and_days_it_takes_and_how_they_were_reckoned():
    """R's power.prop.test(p1 = .2, p2 = .25, power = .8) gives 1093.739 in each group."""
    done = typed("plan", "--baseline", "20%", "--lift", "25%", "--visitors-a-day", "100")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[:3] == [
        "To tell 25.0% from 20.0% in the control (+5.00\xa0points, a lift of 25.0%) takes 1,094 visitors in each of 2"
        " variants: 2,188 in all.",
        "At 100 visitors a day (all variants) that is 22 days, and the window of the last visitor.",
        "With a power of 80% for each variant, two-sided at 5.0% over all of them; looks: one, at the planned end."
        " Formula: two proportions, variance pooled under no difference (Fleiss 1981; R power.prop.test);"
        " correction: none.",
    ]
    assert "What so many weeks would find" in done.stdout


@pytest.mark.parametrize("looks", ["fixed", "5", "anytime"])
def test_the_smallest_difference_is_found_by_the_visitors_it_takes(looks):
    """The two answers are inverse to each other, however often one looks."""
    words = ["plan", "--baseline", "0.12", "--variants", "4", "--looks", looks, "--json"]
    needed = json.loads(typed(*words, "--lift", "0.1").stdout)["required"]
    found = json.loads(typed(*words, "--visitors", str(needed["total"])).stdout)["smallest"]
    assert found["lift"] == pytest.approx(0.1, rel=1e-4)
    assert needed["correction"] == found["correction"] == "Dunnett, 3 comparisons"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "--baseline 0.12",
            "There is nothing to plan with. Give --lift 0.10 or --difference 0.012 for the visitors it takes, or"
            " --visitors 20000 for the smallest difference they find.",
        ),
        (
            "--baseline 12 --lift 0.1",
            "--baseline 12.0 is no share between 0 and 1. Write --baseline 0.12 for 12 %.",
        ),
        (
            "--baseline 0.12 --lift 0.1 --difference 0.01",
            "Give either --lift or --difference: --lift 0.10 and --difference 0.012 say the same of 0.12.",
        ),
        ("--baseline twelve --lift 0.1", "'twelve' in --baseline twelve is no number. Write 0.12, or 12%."),
        ("--baseline 0.1 --visitors 0", "--visitors 0 is nobody. Give how many all variants have together."),
        (
            "--baseline 0.1 --lift 1 --visitors-a-day 0",
            "--visitors-a-day 0 is no traffic. Give how many come a day.",
        ),
        (
            "--baseline 0.1 --lift 1 --looks often",
            "--looks often is not known. Write 'fixed', a number of planned looks, or 'anytime'.",
        ),
    ],
)
def test_a_plan_that_cannot_be_made_ends_with_a_sentence_and_code_1(words, sentence):
    done = typed("plan", *words.split())
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", f"Error: {sentence}\n")


FRIENDS = """visitor_id,event,occurred_at,referred_by,link_id
ann,sign,2018-01-14 12:00:00,,
ann,share,2018-01-14 12:01:00,,l1
bob,visit,2018-01-14 13:00:00,ann,l1
bob,sign,2018-01-14 13:05:00,,
cat,visit,2018-01-14 14:00:00,ann,l1
dan,sign,2018-01-15 12:00:00,,
"""


@pytest.fixture
def friends(tmp_path):
    path = tmp_path / "friends.csv"
    path.write_text(FRIENDS, encoding="utf-8")
    return str(path)


def test_referrals_print_the_answer_the_generations_the_days_and_the_trees(friends):
    done = typed("referrals", friends, "--timezone", "UTC", "--cutoff", "2018-02-01")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(
        "1 of 3 signatures (33.3%) came by the links of signers: 0.33 for each signer once all"
    )
    assert "Who signed by themselves, and who by a friend’s link" in done.stdout
    assert "signature brings, day by day" in " ".join(done.stdout.split())
    assert "The largest trees" in done.stdout
    assert "- Who used whose link is seen, and not why" in done.stdout


def test_referrals_as_json_are_read_by_programs_and_name_nobody(friends):
    done = typed("referrals", friends, "--timezone", "UTC", "--cutoff", "2018-02-01", "--json")
    told = json.loads(done.stdout)
    assert [(row["generation"], row["signatures"], row["referred"]) for row in told["rows"]] == [(0, 2, 1), (1, 1, 0)]
    numbers = {row["measure"]: row["value"] for row in told["numbers"]}
    assert (numbers["shares per signer"], numbers["visitors per share"]) == (pytest.approx(1 / 3), 2)
    assert numbers["signatures per visitor"] == 0.5
    assert not {"ann", "bob", "cat", "dan"} & set(done.stdout.replace('"', " ").split())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--window 36h", "Error: --window 36h is no whole number of days. Give for example '3 days'.\n"),
        (
            "--of signs",
            "Error: No event is named 'signs'. Did you mean 'sign'? Known: sign (3), visit (2), share (1)."
            " Name yours with --of and --shared.\n",
        ),
    ],
)
def test_referrals_that_cannot_be_asked_end_with_a_sentence(friends, words, sentence):
    done = typed("referrals", friends, "--timezone", "UTC", *words.split(maxsplit=1))
    assert (done.exit_code, done.stderr) == (1, sentence)


RELAYED = """visitor_id,event,occurred_at,relay,code,referred_by
ann,visit,2018-01-14T10:00:00Z,Rose,,
ann,sign,2018-01-14T10:01:00Z,,,
bob,visit,2018-01-14T12:00:00Z,,,ann
bob,sign,2018-01-14T12:01:00Z,,,
cat,visit,2018-01-15T10:00:00Z,Union,,
dan,sign,2018-01-15T11:00:00Z,,UNION5,
"""
TABLE = """relay,agreed_at,code,audience
Rose,2018-01-10T09:00:00Z,,1000
Union,2018-01-15T09:00:00Z,union5,
"""


@pytest.fixture
def relayed(tmp_path):
    (tmp_path / "events.csv").write_text(RELAYED, encoding="utf-8")
    (tmp_path / "agreed.csv").write_text(TABLE, encoding="utf-8")
    named_by = ["--named-by", "relay,code", "--relays", str(tmp_path / "agreed.csv")]
    return ["relays", str(tmp_path / "events.csv"), "--timezone", "UTC", "--cutoff", "2018-02-01", *named_by]


def test_relays_print_what_each_brought_and_those_before_launch_beside_those_after(relayed):
    done = typed(*relayed)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("Of 3 signatures, 2 (66.7%) came directly by relays; with those that friends brought")
    rows = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert [
        row
        for row in rows
        if row.startswith(
            "Rose before launch 1 1 100.0% [20.7 to 100.0] 2.00 [0.05 to 11.14] 1.00 [0.03 to 5.57] 1 min 2"
        )
    ]
    assert [row for row in rows if row.startswith("Union after launch 1 1 0.0% [0.0 to 79.3] 1.00 [0.03 to 8.67]")]
    assert [row for row in rows if row.startswith("Direct signatures 1.00 (1 relay) 1.00 (1 relay) –")]
    assert [row for row in rows if row.startswith("relays before launch 1 1 0 2 66.7%")]
    assert "- Relays are the units, each weighing alike" not in done.stdout


@pytest.mark.parametrize(("downstream", "total"), [("all", 2), ("none", 1), ("50%", 1.5), ("0.5", 1.5)])
def test_relays_count_friends_as_typed(relayed, downstream, total):
    told = json.loads(typed(*relayed, "--downstream", downstream, "--json").stdout)
    assert [(row["relay"], row["total"]) for row in told["rows"]] == [("Rose", total), ("Union", 1), (None, 0)]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["--downstream", "half"],
            "Error: --downstream half is no discount. Write 'all', 'none', or a number from 0 to 1: what each"
            " generation counts of the one before.\n",
        ),
        (["--downstream", "1x"], "Error: '1x' in --downstream 1x is no number. Write 0.12, or 12%.\n"),
        (
            ["--relays", "nowhere.csv"],
            "Error: There is no file 'nowhere.csv' in '.'. It holds: ",
        ),
    ],
)
def test_relays_that_cannot_be_asked_end_with_a_sentence(relayed, words, sentence):
    done = typed(*relayed, *words)
    assert done.exit_code == 1
    assert done.stderr.startswith(sentence)


@pytest.fixture(scope="module")
def petition(tmp_path_factory):
    folder = tmp_path_factory.mktemp("petition")
    assert typed("sample", str(folder), "--visitors", "6000", "--seed", "7").exit_code == 0
    return [str(folder), "--timezone", "America/Toronto"]


def test_mentions_print_what_each_brought_and_in_all(petition):
    done = typed("mentions", *petition)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("“tv-01” brought most: ")
    rows = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert [row for row in rows if row.startswith("press-01 visit") and row.endswith("first day of the data")]
    assert "What each mention brought in all" in rows
    assert "- Nobody drew by lot when a piece aired" in done.stdout


def test_mentions_of_a_table_that_is_given_and_a_window_that_is_typed(petition, tmp_path):
    table = tmp_path / "mine.csv"
    table.write_text("mention,aired_from,timezone\nmine,2018-01-21 20:40,America/Toronto\n", encoding="utf-8")
    told = json.loads(typed("mentions", *petition, "--mentions", str(table), "--effect", "2h", "--json").stdout)
    assert {row["mention"] for row in told["rows"]} == {"mine"}
    done = typed("mentions", *petition, "--effect", "90s")
    assert (done.exit_code, done.stderr) == (
        1,
        "Error: --effect 90s is no whole number of minutes. Give for example '3 hours'.\n",
    )


def test_what_was_forgone_is_printed_with_what_comes_from_tomorrow(petition):
    done = typed("forgone", *petition, "--signers", "500")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("Showing “thanks only” and not “share” to ")
    told = " ".join(done.stdout.split())
    assert "from tomorrow would bring, for every 500 signers" in told
    for heading in ("What showing only “thanks only” cost", "What is left where less is supposed"):
        assert heading in told
    assert "bounds()" not in told


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--who", "all"], "Error: --who all is not known. Known: control, everyone.\n"),
        (
            ["--before", "2018-01-20", "--who", "everyone"],
            "Error: --before asks of those who signed before the experiment, and --who everyone of all. Give one.\n",
        ),
        (["--signers", "0"], "Error: --signers 0 is no number of signers. Give a whole number from 1 on.\n"),
    ],
)
def test_what_was_forgone_of_a_wrong_question_ends_with_a_sentence(petition, words, sentence):
    done = typed("forgone", *petition, *words)
    assert (done.exit_code, done.stderr) == (1, sentence)


def test_attribution_prints_a_row_a_channel_and_a_column_a_model(log):
    done = typed("attribution", log, *MAPPED, "--models", "first,last,shapley")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "None of these is causal" in done.stdout
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["Channel", "First", "touch", "Last", "touch", "Shapley"] in rows
    assert ["mail", "1", "1", "1"] in rows
    assert ["television", "1", "1", "1"] in rows
    assert ["no", "touch", "0", "0", "0"] in rows


def test_attribution_as_json_has_the_intervals(log):
    told = json.loads(typed("attribution", log, *MAPPED, "--models", "first", "--json").stdout)
    assert [(row["channel"], row["credited"]) for row in told["rows"]] == [("mail", 1), ("tv", 1), (None, 0)]
    assert {"credited_low", "credited_high"} <= set(told["rows"][0])


def test_attribution_to_an_unknown_model_ends_with_a_sentence(log):
    done = typed("attribution", log, *MAPPED, "--models", "fist")
    assert done.exit_code == 1
    assert done.stderr.startswith(
        "Error: No model named 'fist'. Did you mean 'first'? Known: first, last, last_non_direct"
    )
