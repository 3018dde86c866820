"""Channels: given rows to the expected channel, plain Python on random hosts and sessions, the sample's own column."""

import csv
import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import funnel
from funnel import ColumnError, DefinitionError
from funnel.channels import with_channels

CASES = Counter()
BEGIN = datetime(2018, 1, 14, tzinfo=UTC)
ROOT = Path(__file__).parents[1]
OURS = ROOT / "funnel" / "channels"
COLUMNS = ("channel", "source", "medium", "campaign", "referrer_host", "referrer", "landing_page", "session_id")


def connected(rows):
    """Return events of rows given as mappings; `minute` counts from the beginning. Columns of no row are left out."""
    events = [
        {"visitor_id": f"v{place}", "event": "visit", **row, "place": place, "occurred_at": at(row.get("minute", 0))}
        for place, row in enumerate(rows)
    ]
    frame = pd.DataFrame(events).drop(columns="minute", errors="ignore")
    for name in COLUMNS:
        if name in frame:
            frame[name] = frame[name].astype("string")
    return funnel.connect(frame)


def at(minute):
    return BEGIN + timedelta(minutes=minute)


def answers(rows, **options):
    """Return (channel, source, medium) of each row, in the order of the rows."""
    events = with_channels(connected(rows), **options)
    found = events.connection.execute(f"select channel, source, medium from {events.name} order by place")
    return found.fetchall()


def channels(rows, **options):
    return [channel for channel, _, _ in answers(rows, **options)]


def by_host(seen, **options):
    """Return (channel, source) of visitors who come from each of these hosts."""
    return [(channel, source) for channel, source, _ in answers([{"referrer_host": one} for one in seen], **options)]


def by_tags(*tags):
    """Return what (utm_source, utm_medium) come to."""
    return answers([{"source": source, "medium": medium} for source, medium in tags])


def by_page(*pages):
    return answers([{"landing_page": page} for page in pages])


# Referrers


def test_a_known_host_gives_channel_source_and_medium():
    hosts = ["www.google.ca", "m.facebook.com", "mail.google.com", "web.whatsapp.com", "chatgpt.com", "youtu.be"]
    media = ["www.lapresse.ca", "ici.radio-canada.ca", "www.985fm.ca", "www.change.org"]
    assert answers([{"referrer_host": host} for host in hosts + media]) == [
        ("search", "google", "organic"),
        ("social", "facebook", "social"),
        ("email", "gmail", "email"),
        ("messaging", "whatsapp", "messaging"),
        ("assistant", "chatgpt", "referral"),
        ("video", "youtube", "referral"),
        ("press", "la presse", "referral"),
        ("tv", "radio-canada", "referral"),
        ("radio", "98.5", "referral"),
        ("petition", "change.org", "referral"),
    ]


def test_an_unknown_host_is_a_referral_from_itself():
    assert answers([{"referrer_host": "www.Un-Blogue.example"}]) == [("referral", "un-blogue.example", "referral")]


WRITTEN = [
    "facebook.com",
    "FaceBook.COM",
    " facebook.com\n",
    "www.facebook.com",
    "m.facebook.com",
    "l.facebook.com",
    "lm.facebook.com",
    "facebook.com.",
    "facebook.com:443",
    "www.facebook.com.:443",
    "https://facebook.com",
    "//facebook.com/x",
    "http://facebook.com/story.php?u=https://google.ca/#x@y",
    "https://anna:secret@facebook.com/",
    "https://google.ca@facebook.com/",
    "https://facebook.com?google.ca",
    "https://facebook.com#google.ca",
    "https://facebook.com\\@google.ca",
    "android-app://com.facebook.katana/",
    "Facebook",
]


def test_a_host_is_found_however_it_is_written():
    expected = [(written, ("social", "facebook", "social")) for written in WRITTEN]
    for column in ("referrer_host", "referrer"):
        assert list(zip(WRITTEN, answers([{column: each} for each in WRITTEN]), strict=True)) == expected


def test_the_longest_entry_wins():
    assert by_host(["google.ca", "news.google.ca", "mail.google.com", "gemini.google.com", "accounts.google.com"]) == [
        ("search", "google"),
        ("press", "google news"),
        ("email", "gmail"),
        ("assistant", "gemini"),
        ("direct", None),
    ]


def test_a_host_of_any_country_is_the_same_source():
    hosts = ["google.com", "google.fr", "www.google.co.uk", "google.com.au", "pinterest.ca", "news.google.fr"]
    assert [source for _, source in by_host(hosts)] == ["google"] * 4 + ["pinterest", "google news"]


def test_a_lookalike_is_another_host():
    hosts = [
        "notfacebook.com",
        "facebook.com.evil.example",
        "facebook.community",
        "facebook-com.example",
        "xfacebook.com",
        "google.evil.example",
        "google.example",
        "fаcebook.com",  # the second letter is Cyrillic
        "xn--fcebook-2fg.com",
    ]
    assert by_host(hosts) == [("referral", host) for host in hosts]


def test_an_address_of_numbers_is_a_referral():
    assert by_host(["192.0.2.7:8080", "http://[2001:DB8::1]:80/"]) == [
        ("referral", "192.0.2.7"),
        ("referral", "[2001:db8::1]"),
    ]


def test_an_app_is_known_by_its_package():
    apps = ["com.google.android.gm", "com.google.android.googlequicksearchbox", "com.google.android.youtube"]
    expected = [("email", "gmail"), ("search", "google"), ("video", "youtube")]
    assert by_host([f"android-app://{app}" for app in apps]) == expected


NOTHING = [None, "", "  ", "(direct)", "$direct", "(none)", "(not set)", "null", "NaN", "unknown", "-"]


def test_what_says_nothing_is_direct():
    rows = [{"source": each, "medium": each, "referrer_host": each, "landing_page": "/"} for each in NOTHING]
    rows += [{"source": None, "medium": None, "referrer_host": "about:blank", "landing_page": each} for each in NOTHING]
    assert answers(rows) == [("direct", None, None)] * 22


def test_the_host_comes_before_the_address_which_fills_in_for_it():
    rows = [
        {"referrer_host": "bing.com", "referrer": "https://google.ca/"},
        {"referrer_host": None, "referrer": "https://google.ca/"},
    ]
    assert [source for _, source, _ in answers(rows)] == ["bing", "google"]


# Tags


def test_every_spelling_of_a_medium_is_one():
    spellings = ["email", "E-Mail", "e mail", " EMAIL ", "e_mail", "Courriel", "newsletter", "Infolettre"]
    assert set(by_tags(*(("launch", spelling) for spelling in spellings))) == {("email", "launch", "email")}
    assert by_tags(("x", "Médias sociaux"), ("fb", "paid-social"), ("fb", "Paid Social"), ("IG", "paid_social")) == [
        ("social", "twitter", "social"),
        ("paid social", "facebook", "paid social"),
        ("paid social", "facebook", "paid social"),
        ("paid social", "instagram", "paid social"),
    ]


def test_every_spelling_of_a_source_is_one():
    spellings = ["facebook", "Facebook", "FACEBOOK.COM", "fb", "m.facebook.com", "https://www.facebook.com/x", " FB "]
    assert set(by_tags(*((spelling, None) for spelling in spellings))) == {("social", "facebook", "social")}
    assert (
        by_tags(("Radio-Canada", None), ("radio canada", None), ("ici.radio-canada.ca", None))
        == [("tv", "radio-canada", "referral")] * 3
    )


def test_a_bought_click_is_search_or_social_by_its_source():
    assert by_tags(("google", "cpc"), ("Bing", "PPC"), ("fb", "cpc"), ("youtube", "paid"), ("unheard", "ppc")) == [
        ("paid search", "google", "cpc"),
        ("paid search", "bing", "cpc"),
        ("paid social", "facebook", "cpc"),
        ("paid social", "youtube", "paid"),
        ("paid search", "unheard", "cpc"),
    ]
    assert by_tags(("unheard", "paid"), ("lapresse.ca", "banner"), ("lapresse.ca", "cpm")) == [
        ("paid other", "unheard", "paid"),
        ("display", "la presse", "display"),
        ("display", "la presse", "display"),
    ]


def test_a_medium_of_any_source_leaves_the_channel_to_the_source():
    assert by_tags(
        ("google", "organic"), ("facebook", "organic"), ("facebook.com", "referral"), ("b.example", "link")
    ) == [
        ("search", "google", "organic"),
        ("social", "facebook", "organic"),
        ("social", "facebook", "referral"),
        ("referral", "b.example", "referral"),
    ]


def test_what_friends_share_is_theirs_wherever_they_share_it():
    assert by_tags(("facebook", "share"), ("email", "Partage"), ("messenger", "tell-a-friend")) == [
        ("friend", "facebook", "share"),
        ("friend", "email", "share"),
        ("friend", "messenger", "share"),
    ]


def test_a_source_alone_can_say_the_channel():
    assert by_tags(("newsletter", None), ("sms", None), ("qr-code", None), ("chatgpt.com", None)) == [
        ("email", "newsletter", "email"),
        ("messaging", "sms", "messaging"),
        ("print", "qr", "print"),
        ("assistant", "chatgpt", "referral"),
    ]


def test_tags_nobody_knows_are_other_unless_the_referrer_says_more():
    rows = [
        {"source": "Spring Launch", "medium": "thing"},
        {"source": "Spring Launch", "medium": None, "referrer_host": "m.facebook.com"},
        {"source": None, "medium": "cpc", "referrer_host": "www.google.ca"},
        {"source": "Spring Launch", "medium": None, "referrer_host": "a.example"},
    ]
    assert answers(rows) == [
        ("other", "spring launch", "thing"),
        ("social", "spring launch", "social"),
        ("paid search", "google", "cpc"),
        ("other", "spring launch", None),
    ]


def test_a_campaign_alone_is_other_and_never_hides_a_referrer():
    rows = [{"campaign": "launch", "referrer_host": host} for host in (None, "bing.com", "a.example")]
    assert channels(rows) == ["other", "search", "referral"]


def test_tags_are_read_from_the_landing_page_where_their_columns_are_empty():
    pages = [
        "/?utm_source=Newsletter&utm_medium=E-Mail",
        "https://petition.example/?a=1&UTM_Medium=paid%2Dsocial&utm_source=fb#top",
        "/#utm_source=m%C3%A9tro",
        "/?x=1&amp;utm_source=twitter",
        "/?utm_source=spring+launch",
        "/?utm_source=%E9t%E9",
        "/?not_utm_source=facebook",
        "/?utm_source=&utm_medium=",
    ]
    assert by_page(*pages) == [
        ("email", "newsletter", "email"),
        ("paid social", "facebook", "paid social"),
        ("press", "métro", "referral"),
        ("social", "twitter", "social"),
        ("other", "spring launch", None),
        ("other", "%e9t%e9", None),
        ("direct", None, None),
        ("direct", None, None),
    ]
    assert answers([{"source": "bing", "landing_page": "/?utm_source=facebook"}])[0][1] == "bing"


# Click ids


def test_the_click_id_of_an_advertisement_comes_before_tags_and_referrer():
    pages = ["gclid", "GCLID", "gbraid", "wbraid", "msclkid", "ttclid", "twclid", "li_fat_id", "ScCid", "dclid"]
    rows = [{"landing_page": f"/?a=b&{name}=1", "source": "launch", "medium": "email"} for name in pages]
    assert [(channel, source) for channel, source, _ in answers(rows)] == [
        *[("paid search", "google")] * 4,
        ("paid search", "bing"),
        ("paid social", "tiktok"),
        ("paid social", "twitter"),
        ("paid social", "linkedin"),
        ("paid social", "snapchat"),
        ("display", "google"),
    ]


def test_a_medium_that_says_it_is_paid_comes_before_the_click_id():
    rows = [{"landing_page": "/?gclid=1", "source": "google", "medium": "display"}]
    assert answers(rows) == [("display", "google", "display")]


def test_a_click_id_that_every_link_gets_comes_after_tags_and_before_the_referrer():
    rows = [
        {"landing_page": "/?fbclid=1", "referrer_host": "a.example"},
        {"landing_page": "/?fbclid=1", "source": "launch", "medium": "email"},
        {"landing_page": "/?fbclid=1", "medium": "cpc"},
        {"landing_page": "/?mc_eid=1"},
        {"landing_page": "/?fbclid="},
        {"landing_page": "/?notfbclid=1"},
    ]
    assert answers(rows) == [
        ("social", "facebook", "social"),
        ("email", "launch", "email"),
        ("paid social", "facebook", "cpc"),
        ("email", "mailchimp", "email"),
        ("direct", None, None),
        ("direct", None, None),
    ]


# One's own sites, payments and redirects


def one_visitor(*rows):
    return [{"visitor_id": "ann", "referrer_host": None, **row} for row in rows]


@pytest.mark.parametrize("between", ["petition.example", "don.petition.example", "www.paypal.com", "bit.ly"])
def test_a_host_that_brings_nobody_keeps_what_the_session_had(between):
    rows = one_visitor(
        {"minute": 0, "referrer_host": "m.facebook.com"},
        {"minute": 20, "referrer_host": between},
        {"minute": 40, "referrer_host": between},
        {"minute": 71, "referrer_host": between},
    )
    expected = [("social", "facebook", "social")] * 3 + [("direct", None, None)]
    assert answers(rows, own_hosts=["petition.example"]) == expected


def test_a_host_that_brings_nobody_is_direct_where_nothing_came_before():
    assert (
        by_host(["petition.example", "checkout.stripe.com", "tinyurl.com"], own_hosts=["petition.example"])
        == [("direct", None)] * 3
    )


def test_a_tag_with_such_a_source_brings_nobody_either_unless_its_medium_does():
    rows = one_visitor(
        {"minute": 0, "referrer_host": "bing.com", "source": None, "medium": None},
        {"minute": 1, "source": "paypal", "medium": "referral"},
        {"minute": 2, "source": "petition.example", "medium": None},
        {"minute": 3, "source": "petition.example", "medium": "email"},
    )
    assert answers(rows, own_hosts=["petition.example"]) == [
        ("search", "bing", "organic"),
        ("search", "bing", "organic"),
        ("search", "bing", "organic"),
        ("email", "petition.example", "email"),
    ]


def test_the_pause_between_sessions_is_included_and_can_be_chosen():
    rows = one_visitor({"minute": 0, "referrer_host": "bing.com"}, {"minute": 30}, {"minute": 61})
    assert channels(rows) == ["search", "search", "direct"]
    assert channels(rows, session="10 minutes") == ["search", "direct", "direct"]
    assert channels(rows, session=timedelta(hours=1)) == ["search"] * 3


def test_an_event_that_says_nothing_goes_with_its_session():
    rows = one_visitor(
        {"minute": 0, "referrer_host": "bing.com", "session_id": "1"},
        {"minute": 100, "session_id": "1"},
        {"minute": 101, "session_id": "2"},
        {"minute": 102, "session_id": None},
    )
    assert channels(rows) == ["search", "search", "direct", "direct"]


def test_a_payment_that_opens_a_new_session_keeps_the_source_all_the_same():
    rows = one_visitor(
        {"minute": 0, "referrer_host": "bing.com", "session_id": "1"},
        {"minute": 10, "referrer_host": "paypal.com", "session_id": "2"},
        {"minute": 11, "referrer_host": None, "session_id": "2"},
        {"minute": 100, "referrer_host": "paypal.com", "session_id": "1"},
    )
    assert channels(rows) == ["search", "search", "direct", "search"]


def test_nothing_is_kept_from_another_visitor_or_from_later():
    rows = [
        {"visitor_id": "ann", "minute": 0, "referrer_host": "bing.com"},
        {"visitor_id": "bob", "minute": 1, "referrer_host": None},
        {"visitor_id": "cat", "minute": 0, "referrer_host": None},
        {"visitor_id": "cat", "minute": 1, "referrer_host": "bing.com"},
    ]
    assert channels(rows) == ["search", "direct", "direct", "search"]


def test_events_of_one_instant_see_each_other():
    rows = one_visitor({"minute": 0, "event": "sign"}, {"minute": 0, "referrer_host": "bing.com"})
    assert channels(rows) == ["search", "search"]


def test_the_host_of_the_landing_page_is_ones_own():
    rows = [
        {"landing_page": "https://www.petition.example/a", "referrer_host": "petition.example"},
        {"landing_page": "https://www.petition.example/a", "referrer_host": "other.example"},
        {"landing_page": "/a", "referrer_host": "petition.example"},
    ]
    assert channels(rows) == ["direct", "referral", "referral"]


def test_an_own_host_is_found_in_both_its_spellings():
    hosts = ["pétition.example", "xn--ptition-bya.example", "WWW.PÉTITION.EXAMPLE:443"]
    for own in ("pétition.example", "xn--ptition-bya.example", "https-free.example"):
        expected = "referral" if own == "https-free.example" else "direct"
        assert [channel for channel, _ in by_host(hosts, own_hosts=[own])] == [expected] * 3


def test_the_callers_hosts_come_before_ours():
    hosts = {"harbourpost.example": "press", "news.facebook.com": "press", "bing.com": "robots"}
    assert by_host(["www.harbourpost.example", "a.news.facebook.com", "facebook.com", "bing.com"], hosts=hosts) == [
        ("press", "harbourpost.example"),
        ("press", "news.facebook.com"),
        ("social", "facebook"),
        ("robots", "bing.com"),
    ]


def test_the_caller_can_name_hosts_that_bring_nobody():
    rows = one_visitor({"minute": 0, "referrer_host": "t.co"}, {"minute": 1, "referrer_host": "pay.caisse.example"})
    assert channels(rows) == ["social", "referral"]
    assert channels(rows, hosts={"caisse.example": "passage"}) == ["social", "social"]


def test_an_own_host_may_lie_within_a_known_one():
    assert by_host(["us1.list-manage.com", "us2.list-manage.com"], own_hosts=["us1.list-manage.com"]) == [
        ("direct", None),
        ("email", "mailchimp"),
    ]


# What the events have


def test_a_channel_that_is_given_stays_and_is_kept_by_what_follows():
    rows = one_visitor(
        {"minute": 0, "channel": "Radio", "source": "98,5 FM", "referrer_host": "bing.com"},
        {"minute": 1, "channel": " ", "source": None, "referrer_host": "paypal.com"},
        {"minute": 2, "channel": None, "source": None, "referrer_host": "bing.com"},
    )
    assert answers(rows) == [("Radio", "98,5 FM", None), ("Radio", "98,5 FM", None), ("search", "bing", "organic")]


def test_channels_derived_once_stay_the_same_when_asked_for_again():
    rows = one_visitor({"minute": 0, "referrer_host": "t.co"}, {"minute": 1}, {"minute": 90})
    once = with_channels(connected(rows))
    assert once.fingerprint() == with_channels(once, hosts={"t.co": "press"}).fingerprint()


def test_the_events_are_otherwise_as_they_were():
    events = connected([{"referrer_host": "bing.com", "place of birth": "Rimouski", "Medium": "cpc"}] * 3)
    found = with_channels(events)
    assert found.columns == {name: kind for name, kind in events.columns.items() if name != "Medium"} | {
        "channel": "VARCHAR",
        "source": "VARCHAR",
        "Medium": "VARCHAR",
    }
    assert list(found.sql("select * from events").columns) == list(found.columns)
    assert found.sql("select * from events")["Medium"].tolist() == ["cpc"] * 3
    assert (found.rows, found.cutoff, found.refused) == (events.rows, events.cutoff, events.refused)
    assert found.where("channel = 'paid search'").between("2018-01-14", "2018-01-15").rows == 3


def test_questions_can_be_asked_of_the_channels():
    rows = [
        {"visitor_id": "ann", "minute": 0, "referrer_host": "bing.com"},
        {"visitor_id": "ann", "minute": 1, "event": "sign", "referrer_host": None},
        {"visitor_id": "bob", "minute": 0, "referrer_host": "t.co"},
    ]
    frame = funnel.Funnel(["visit", "sign"]).measure(with_channels(connected(rows)), by="channel").frame
    counted = frame.set_index(["channel", "step"])["visitors"].to_dict()
    assert counted == {("search", "visit"): 1, ("search", "sign"): 1, ("social", "visit"): 1, ("social", "sign"): 0}


def test_columns_may_be_of_any_type():
    connection = duckdb.connect()
    connection.execute("create type host as enum ('bing.com', 'paypal.com')")
    connection.execute(
        """
        create table events as
        select 1 as visitor_id, 'visit' as event, timestamptz '2018-01-14 00:00Z' as occurred_at, 7 as session_id,
            cast('bing.com' as host) as referrer_host, cast(null as integer) as source, [1] as others
        """
    )
    events = with_channels(funnel.connect(connection))
    assert events.sql("select channel, source from events").to_numpy().tolist() == [["search", "bing"]]


def test_events_that_do_not_say_how_visitors_came_are_refused():
    with pytest.raises(ColumnError) as refused:
        with_channels(connected([{"device": "mobile"}]))
    assert str(refused.value) == (
        "No column says how visitors came: 'source', 'medium', 'campaign', 'referrer_host', 'referrer' or"
        " 'landing_page'. Name one with columns= of connect. Known: device, event, occurred_at, place, visitor_id."
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"own_hosts": "petition.example"},
            "own_hosts='petition.example' is one text. Give a list: ['petition.example'].",
        ),
        (
            {"own_hosts": ["https://petition.example/"]},
            "own_hosts= has 'https://petition.example/', which is no host. Give the host alone, such as"
            " 'petition.example'.",
        ),
        ({"hosts": {"": "press"}}, "hosts= has '', which is no host. Give the host alone, such as 'petition.example'."),
        (
            {"hosts": {"a.example": ""}},
            "hosts= gives 'a.example' the channel ''. Give a name, such as {'a.example': 'press'}.",
        ),
        ({"session": "0 minutes"}, "session='0 minutes' is not longer than zero. Give for example '7 days'."),
    ],
)
def test_options_that_cannot_be_are_refused(options, sentence):
    with pytest.raises(DefinitionError) as refused:
        with_channels(connected([{"referrer_host": "bing.com"}]), **options)
    assert str(refused.value) == sentence


# The tables


def table(name):
    with (OURS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_key_of_a_table_is_there_once():
    for name, key in [("hosts", "host"), ("aliases", "alias"), ("mediums", "tag"), ("clicks", "parameter")]:
        keys = [row[key] for row in table(name)]
        assert [each for each, times in Counter(keys).items() if times > 1] == [], name
        assert keys == [each.lower().strip() for each in keys], name


def test_every_channel_is_explained():
    page = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")
    given = {row["channel"] for name in ("hosts", "aliases", "mediums", "clicks") for row in table(name)}
    assert [name for name in sorted(given - {"", "own"}) if f"`{name}`" not in page] == []


def test_every_host_of_the_table_is_found():
    rows = table("hosts")
    hosts = [row["host"].replace("*", "ca") for row in rows]
    expected = [("direct", None) if row["channel"] == "passage" else (row["channel"], row["source"]) for row in rows]
    assert by_host(hosts) == expected


# Random cases


def looked_up(host):
    """Return what a host is by the table, going from all its labels to the last: plain Python."""
    known = {row["host"]: (row["channel"], row["source"]) for row in table("hosts")}
    labels = host.lower().removeprefix("www.").split(".")
    for first in range(len(labels)):
        rest = labels[first:]
        for stem, country in [(rest, []), (rest[:-1], rest[-1:]), (rest[:-2], rest[-2:])]:
            last = country[-1:] == ["com"] if len(country) == 1 else country[:1] in (["co"], ["com"])
            two = len(country[-1]) == 2 if country else False
            wild = country and stem and ((len(country) == 1 and (last or two)) or (len(country) == 2 and last and two))
            key = ".".join([*stem, "*"]) if wild else ".".join(rest)
            if (wild or not country) and key in known:
                channel, source = known[key]
                return ("direct", None) if channel == "passage" else (channel, source)
    return ("referral", ".".join(labels))


ENDINGS = st.sampled_from(
    [row["host"].replace("*", "co.uk") for row in table("hosts")] + ["google.com", "a.ca", "b.org"]
)
LABELS = st.lists(st.sampled_from(["www", "m", "l", "news", "mail", "google", "com", "x-1", "facebook"]), max_size=3)
HOSTS = st.builds(lambda labels, end: ".".join([*labels, end]), LABELS, ENDINGS)


def changed(host, draw):
    host = "".join(letter.upper() if draw.random() < 0.5 else letter for letter in host)
    return (
        draw.choice(["", "www.", "https://", "http://WWW.", "https://u@"])
        + host
        + draw.choice(["", ".", ":80", "/x?y=z"])
    )


@settings(max_examples=6)
@given(st.lists(HOSTS, min_size=30, max_size=60), st.randoms(use_true_random=False))
def test_any_host_is_what_its_longest_known_ending_is(hosts, draw):
    hosts = [host for host in hosts if not host.startswith("www.www.")]
    CASES["hosts"] += len(hosts)
    expected = [looked_up(host) for host in hosts]
    assert by_host(hosts) == expected
    assert by_host([changed(host.removeprefix("www."), draw) for host in hosts]) == expected


def session_by_session(rows, pause):
    """Return the source of each event, by going through the visitor's events in order of time."""
    found = {}
    for event in rows:
        mine = sorted(
            (row for row in rows if row["visitor_id"] == event["visitor_id"] and row["minute"] <= event["minute"]),
            key=lambda row: row["minute"],
        )
        since, before = [], None
        for row in mine:
            since = since if before is not None and row["minute"] - before <= pause else []
            since.append(row)
            before = row["minute"]
        same = [row for row in mine if event["session_id"] is not None and row["session_id"] == event["session_id"]]
        found[event["number"]] = kept_of(event, since, same)
    return [found[row["number"]] for row in rows]


def kept_of(event, since, same):
    names = {"bing.com": "bing", "t.co": "twitter"}

    def last(of):
        said = [(row["minute"], names[row["referrer_host"]]) for row in of if row["referrer_host"] in names]
        return max(said, default=(0, None))[1]

    if event["referrer_host"] in names:
        return names[event["referrer_host"]]
    if event["referrer_host"] is None and event["session_id"] is not None:
        return last(same)
    return last(since) or last(same)


EVENT = st.fixed_dictionaries(
    {
        "visitor_id": st.integers(0, 8),
        "minute": st.integers(0, 40).map(lambda step: 5 * step),
        "referrer_host": st.sampled_from([None, "bing.com", "t.co", "paypal.com", "own.example"]),
        "session_id": st.sampled_from([None, "1", "2"]),
    }
)


@settings(max_examples=8)
@given(st.lists(EVENT, min_size=20, max_size=60), st.randoms(use_true_random=False))
def test_any_session_is_what_going_through_it_says_in_any_order_of_rows(rows, draw):
    CASES["sessions"] += 1
    rows = [{**row, "number": number, "source": None} for number, row in enumerate(rows)]
    expected = session_by_session(rows, 30)
    found = answers(rows, own_hosts=["own.example"])
    order = draw.sample(range(len(rows)), len(rows))
    # At one instant the greater of two sources is kept: "social, twitter" after "search, bing".
    assert [source for _, source, _ in found] == expected
    assert answers([rows[place] for place in order], own_hosts=["own.example"]) == [found[place] for place in order]


# The sample, and speed


def sampled():
    """Return the sample without its channel, which is `truth`."""
    path = (ROOT / "data" / "sample" / "events.parquet").as_posix()
    relation = duckdb.connect().sql(f"select * exclude (channel), channel as truth from '{path}'")
    return funnel.connect(relation, timezone="America/Toronto")


def test_the_channels_of_the_sample_are_found_again():
    hosts = {"lecourant.example": "press", "harbourpost.example": "press"}
    counted = with_channels(sampled(), hosts=hosts).sql(
        "select truth, channel, count(*) as events from events group by all order by all"
    )
    pairs = {(truth, channel) for truth, channel in zip(counted["truth"], counted["channel"], strict=True)}
    # A relay's posts carry the tags of any social post (medium `social`): only the column `relay` tells them apart.
    same = {"direct", "email", "friend", "press", "search", "social"}
    assert pairs == {(name, name) for name in same} | {("relay", "social")}


def test_without_the_names_of_its_newspapers_the_sample_has_referrals():
    events = with_channels(sampled()).where("truth = 'press'")
    assert events.sql("select distinct channel from events")["channel"].tolist() == ["referral"]


@pytest.mark.bench
def test_a_million_events_have_their_channels_in_seconds():
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")
    draw = random.Random(4)
    referrers = [
        "https://m.facebook.com/story.php?id=",
        None,
        "https://www.google.ca/?",
        "https://petition.example/sign?",
    ]
    pages = ["/?p=", "/?utm_source=Facebook&utm_medium=paid-social&fbclid=", "/en/?gclid=", None]
    connection.execute(
        """
        create table events as
        select
            number // 4 as visitor_id,
            case when number % 4 = 3 then 'sign' else 'visit' end as event,
            timestamptz '2018-01-14 00:00Z' + to_seconds(cast(hash(number) % 1800000 as integer)) as occurred_at,
            ($referrers)[1 + cast(hash(number * 7) % 4 as integer)] || number as referrer,
            ($pages)[1 + cast(hash(number * 13) % 4 as integer)] || hash(number) as landing_page
        from range(1000000) as numbers(number)
        """,
        {"referrers": draw.sample(referrers, 4), "pages": pages},
    )
    events = with_channels(funnel.connect(connection), own_hosts=["petition.example"])
    seconds = {}
    for asked in ("channel", "event"):
        began = time.perf_counter()
        events.sql(f"select {asked}, count(*) from events group by all")
        seconds[asked] = time.perf_counter() - began
    print(f"a million events: {seconds['channel']:.1f} s by channel, {seconds['event']:.2f} s without asking for it")
    assert seconds["channel"] < 20
    assert seconds["event"] < seconds["channel"] / 5
