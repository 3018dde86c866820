import datetime

import pandas
import pytest

from funnel.errors import DefinitionError
from funnel.language import Language, catalogue_problems, language, messages_in_code

EN = language("en")
FR = language("fr")
NBSP, NARROW = "\u00a0", "\u202f"


def test_unknown_language_names_those_that_exist() -> None:
    with pytest.raises(DefinitionError) as caught:
        language("fra")
    assert str(caught.value) == (
        "No language 'fra'. Did you mean 'fr'? Known: en, fr. Write language='en' or language='fr'."
    )


def test_a_language_is_made_once_and_named_as_a_page_names_it() -> None:
    assert language("fr") is FR
    assert (EN.tag, FR.tag) == ("en-CA", "fr-CA")


@pytest.mark.parametrize(
    ("words", "written"),
    [
        (EN, ["12,345.6", "1,234", "0.0", "24.0%", "11.2% to 13.0%", f"12.1% [11.8{NBSP}to{NBSP}12.4]"]),
        (
            FR,
            [
                f"12{NARROW}345,6",
                f"1{NARROW}234",
                "0,0",
                f"24,0{NBSP}%",
                f"11,2{NBSP}% à 13,0{NBSP}%",
                f"12,1{NBSP}% [11,8{NBSP}à{NBSP}12,4]",
            ],
        ),
    ],
)
def test_numbers_are_written_as_the_reader_writes_them(words: Language, written: list[str]) -> None:
    assert [
        words.number(12345.6),
        words.number(1234),
        words.number(-0.0001, 1),
        words.percent(0.24),
        words.interval(0.112, 0.13),
        words.rate(0.121, 0.118, 0.124),
    ] == written


@pytest.mark.parametrize(
    ("seconds", "english", "french"),
    [
        (0, "0 s", "0 s"),
        (0.2, "under 1 s", "moins de 1 s"),
        (45, "45 s", "45 s"),
        (725, "12 min 5 s", "12 min 5 s"),
        (3599.9, "1 h", "1 h"),
        (7_800, "2 h 10 min", "2 h 10 min"),
        (86_399, "1 day", "1 jour"),
        (3 * 86_400 + 4 * 3_600 + 99, "3 days 4 h", "3 jours 4 h"),
        (-90, "-1 min 30 s", "-1 min 30 s"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(seconds: float, english: str, french: str) -> None:
    assert EN.duration(seconds).replace(NBSP, " ") == english
    assert FR.duration(seconds).replace(NBSP, " ") == french


def test_days_and_instants_are_written_on_the_clock_of_the_zone() -> None:
    at = datetime.datetime(2018, 1, 15, 1, 5, tzinfo=datetime.UTC)
    assert EN.moment(at, "America/Toronto").replace(NBSP, " ") == "January 14, 2018 at 8:05 p.m. EST"
    assert FR.moment(at, "America/Toronto").replace(NBSP, " ") == "14 janvier 2018 à 20 h 05 HNE"
    assert FR.date(datetime.date(2018, 2, 1)).replace(NBSP, " ") == "1er février 2018"
    assert EN.date(datetime.date(2018, 2, 1), "medium").replace(NBSP, " ") == "Feb 1, 2018"
    assert EN.date(datetime.date(2018, 2, 1), "short").replace(NBSP, " ") == "Feb 1"
    assert FR.date(datetime.date(2018, 2, 3), "short").replace(NBSP, " ") == "3 févr."


def test_an_unknown_value_is_a_dash_everywhere() -> None:
    nothing = float("nan")
    written = {
        FR.number(None),
        FR.percent(nothing),
        FR.interval(0.1, None),
        FR.rate(None, 0.1, 0.2),
        FR.duration(nothing),
        FR.date(None),
        FR.moment(None),
        FR.number(pandas.NA),
        FR.date(pandas.NaT),
        FR.moment(pandas.NaT),
        FR.listing([]),
    }
    assert written == {"–"}


def test_plurals_follow_each_language() -> None:
    assert [EN.plural("{n} day", "{n} days", n) for n in (0, 1, 2)] == ["0 days", "1 day", "2 days"]
    assert [FR.plural("{n} day", "{n} days", n) for n in (0, 1, 2)] == ["0 jour", "1 jour", "2 jours"]
    assert FR.plural("{n} day", "{n} days", 1500) == f"1{NARROW}500 jours"


def test_a_sentence_without_translation_stays_english() -> None:
    unknown = "No such sentence, {name}."
    assert FR.text(unknown, name="you") == "No such sentence, you."


def test_every_sentence_of_the_package_is_translated() -> None:
    assert ("{n} day", "{n} days") in set(messages_in_code())
    assert "\n".join(catalogue_problems("fr")) == ""


def test_french_typography_has_its_no_break_spaces() -> None:
    from funnel.language import _read_catalogue, _strings

    bad = (" :", " ;", " !", " ?", " %", "« ", " »", "'", '"', "...")
    texts = [text for entry in _read_catalogue("fr") if entry.id for text in _strings(entry.string)]
    assert [text for text in texts if any(mark in text for mark in bad)] == []
