"""The answer in three sentences and the key numbers: whole sentences in both languages, changes against a recount."""

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

import funnel
from funnel import (
    Conversion,
    DefinitionError,
    Experiment,
    Forgone,
    Funnel,
    Guardrail,
    Mentions,
    Referrals,
    Relays,
    Step,
)
from funnel.language import language
from funnel.report.answer import PRESSING, Told, answer
from funnel.report.change import COLUMNS, begin_of, changes, line, rows
from funnel.report.tiles import key_numbers
from funnel.sections.changes import change_table
from funnel.stats import dunnett_critical
from tests.arms import events_of
from tests.test_forgone import CONTROL, PAGES, connected, four_each

CASES = Counter()
TORONTO = "America/Toronto"
WEEK = Funnel(["visit", "sign"], follow_ups=["share"], window="7 days", follow_up_window="3 days")
GUARDRAIL = Guardrail("unsubscribe", margin=0.005)
EN, FR = language("en"), language("fr")


def fr(text):
    """Return French as it is printed: `~` for a no-break space, `^` for a narrow one."""
    return text.replace("~", "\u00a0").replace("^", "\u202f")


def plain(text):
    return text.replace("\u00a0", " ")


def events(rows, *, cutoff=None, timezone="UTC", columns=("visitor_id", "event", "occurred_at")):
    """Return events of (visitor, event, instant or ISO text in the zone) rows."""
    frame = pd.DataFrame(rows, columns=list(columns))
    frame["occurred_at"] = [
        pd.Timestamp(at) if isinstance(at, datetime) else pd.Timestamp(at, tz=timezone) for at in frame["occurred_at"]
    ]
    return funnel.connect(frame, timezone=timezone, cutoff=cutoff)


def petition(visitors, signed=0, shared=0, *, late=0, cutoff="2018-03-01"):
    """Return events of visitors an hour apart, of whom the first so many signed and shared; `late` came at the end."""
    rows = []
    for place in range(visitors):
        at = datetime(2018, 1, 14, 12, tzinfo=UTC) + timedelta(minutes=place)
        if place >= visitors - late:
            at = datetime(2018, 2, 28, tzinfo=UTC) + timedelta(minutes=place % 600)
        name = f"v{place}"
        rows.append((name, "visit", at))
        rows += [(name, "sign", at + timedelta(minutes=1))] * (place < signed)
        rows += [(name, "share", at + timedelta(minutes=2))] * (place < shared)
    # One more event of each kind, of somebody who never came, so that the names are known.
    rows += [("nobody", each, datetime(2018, 1, 14, 11, tzinfo=UTC)) for each in ("sign", "share")]
    return events(rows, cutoff=cutoff)


def told(asked, over, **others):
    """Return the three sentences in English and in French of a funnel alone."""
    found = Told(asked.measure(over), **others)
    return answer(found, EN), answer(found, FR)


def comma(numbers):
    """Return numbers as French writes them: a decimal comma, a narrow space between thousands."""
    return numbers.replace(",", "^").replace(".", ",")


def wilson(did, of):
    low, high = proportion_confint(did, of, method="wilson")
    return f"{100 * low:.1f}% to {100 * high:.1f}%"


def wilson_fr(did, of):
    return comma(wilson(did, of)).replace("%", "~%").replace(" to ", " à ")


# The funnel alone


def test_where_no_experiment_ran_the_largest_loss_is_what_to_work_on():
    english, french = told(WEEK, petition(2_000, 500, 60))
    assert tuple(map(plain, english)) == (
        f"2,000 visitors came and 500 signed: 25.0% ({wilson(500, 2_000)}).",
        "Work first on the way from “visit” to “sign”: 1,500 stopped there, and each point gained would have meant"
        " about 20 signatures more.",
        f"Of those whose time is up, {wilson(500, 2_000)} went on (95% interval); not known: why people leave.",
    )
    assert french == tuple(
        fr(each)
        for each in (
            f"2^000 visiteurs sont venus et 500 ont signé, soit 25,0~% ({wilson_fr(500, 2_000)}).",
            "Améliorez d’abord le passage de «~visite~» à «~signature~»~: 1^500 s’y sont arrêtés, et chaque point"
            " gagné aurait donné environ 20 signatures de plus.",
            f"Parmi ceux dont le délai est écoulé, de {wilson_fr(500, 2_000)} sont allés plus loin (intervalle à"
            " 95~%)^; on ignore pourquoi les gens s’en vont.",
        )
    )


def test_of_several_steps_the_one_where_most_are_lost_and_what_a_point_there_is_worth():
    """900 come to the form and 300 sign: 600 are lost there, 100 before. Nine more at the form would be nine more."""
    every = [(f"v{place}", "visit", f"2018-01-14 12:{place % 60:02}") for place in range(1_000)]
    every += [(f"v{place}", "form", f"2018-01-14 14:{place % 60:02}") for place in range(900)]
    every += [(f"v{place}", "donate", f"2018-01-14 16:{place % 60:02}") for place in range(300)]
    every += [(f"v{place}", "share", f"2018-01-14 17:{place % 60:02}") for place in range(50)]
    asked = Funnel(["visit", "form", "donate"], follow_ups=["share"], window="7 days")
    english, french = told(asked, events(every, cutoff="2018-03-01"))
    assert english[:2] == (
        f"1,000 visitors came and 300 reached “donate”: 30.0% ({wilson(300, 1_000)}).",
        "Work first on the way from “form” to “donate”: most who leave do so there.",
    )
    assert french[1] == fr(
        "Améliorez d’abord le passage de «~form~» à «~donate~»~: c’est là que s’arrêtent la plupart."
    )
    # With ten times the people a point is 90.
    more = [(f"{name} {again}", event, at) for name, event, at in every for again in range(10)]
    english, french = told(asked, events(more, cutoff="2018-03-01"))
    assert english[1] == (
        "Work first on the way from “form” to “donate”: 6,000 stopped there, and each point gained would have meant"
        " about 90 more at “donate”."
    )
    assert french[1].endswith(fr("chaque point gagné aurait donné environ 90 personnes de plus à «~donate~»."))


def test_those_who_still_have_time_are_in_no_rate_and_said_so():
    english, french = told(WEEK, petition(2_000, 500, 60, late=200))
    assert plain(english[0]) == (
        f"2,000 visitors came and 500 signed: 27.8% ({wilson(500, 1_800)}) of those who have had 7 days for it."
    )
    assert english[2].endswith("; not known: what the 200 visitors who still have time will do and why people leave.")
    assert french[0] == fr(
        f"2^000 visiteurs sont venus et 500 ont signé, soit 27,8~% ({wilson_fr(500, 1_800)}) de ceux qui ont eu 7~jours"
        " pour le faire."
    )
    assert french[2].endswith(
        fr("^; on ignore ce que feront les 200 visiteurs qui en ont encore le temps et pourquoi les gens s’en vont.")
    )


def test_where_nothing_is_asked_after_signing_that_is_what_to_do():
    asked = Funnel(["visit", "sign"], window="7 days")
    english, french = told(asked, petition(2_000, 500))
    assert english[1:] == (
        "Offer those who sign a next step, sharing with friends for one, and record it: nothing follows the signature"
        " so far.",
        "How many would go further is not known; shown to one half and not to the other, drawn by chance, a next step"
        " tells.",
    )
    assert french[1:] == tuple(
        fr(each)
        for each in (
            "Proposez un pas de plus à ceux qui signent, comme d’inviter leurs amis, et enregistrez-le~: pour"
            " l’instant, rien ne suit la signature.",
            "On ignore combien iraient plus loin^; montrer ce pas de plus à la moitié des gens, tirée au sort, et non à"
            " l’autre le dira.",
        )
    )
    asked = Funnel(["visit", "share"], window="7 days")
    english, french = told(asked, petition(2_000, 500, 400))
    assert english[1].startswith("Offer those who reach “share” a next step, ")
    assert french[1].startswith(fr("Proposez un pas de plus à ceux qui atteignent «~partage~», "))


def test_where_nobody_takes_the_next_step_it_is_looked_for():
    english, french = told(WEEK, petition(2_000, 500, 0))
    assert english[1] == (
        "See to it that “share” can be found, done and recorded: of all who reached “sign” nobody has gone further."
    )
    assert french[1] == fr(
        "Assurez-vous que «~partage~» se trouve sans peine, fonctionne et soit enregistré~: de tous ceux qui ont"
        " atteint «~signature~», personne n’est allé plus loin."
    )


def test_visitors_of_whom_nobody_signs():
    english, french = told(WEEK, petition(2_000))
    high = 100 * proportion_confint(0, 2_000, method="wilson")[1]
    assert tuple(map(plain, english)) == (
        "2,000 visitors came, and nobody has signed.",
        "Try “sign” yourself before anything else: of so many visitors nobody did it, so either the page does not work"
        " or nothing records it.",
        f"None of those who have had 7 days did it, so the rate is under {high:.1f}% in all likelihood (95%); why,"
        " these data cannot say.",
    )
    assert french == tuple(
        fr(each)
        for each in (
            "2^000 visiteurs sont venus, et personne n’a encore signé.",
            "Avant toute chose, faites vous-même l’essai de «~signature~»~: si personne n’y parvient parmi tant de"
            " visiteurs, c’est que la page ne fonctionne pas ou que rien ne l’enregistre.",
            "Aucun de ceux qui ont eu 7~jours pour le faire n’y est parvenu, si bien que le taux est selon toute"
            f" vraisemblance (95~%) inférieur à {comma(f'{high:.1f}')}~%^; ces données ne disent pas pourquoi.",
        )
    )
    english, french = told(WEEK, petition(2_000, late=2_000))
    assert plain(english[2]) == (
        "Not enough data for a rate: too few have had the whole 7 days, so some may yet come to it."
    )
    assert french[2] == fr(
        "Pas assez de données pour un taux~: trop peu ont eu les 7~jours prévus, et certains peuvent encore y venir."
    )


def test_no_visitor_at_all():
    asked = Funnel([Step("visit", where="visitor_id = 'somebody else'"), "sign"], follow_ups=["share"])
    over = petition(100)
    english, french = told(asked, over)
    assert english == (
        "Not enough data: nobody has come yet.",
        "Have the word spread first: there is nothing to choose between yet.",
        "Not enough data: nothing is sure yet, and nothing below should be read as a result.",
    )
    assert french == tuple(
        fr(each)
        for each in (
            "Données insuffisantes~: personne n’est encore venu.",
            "Faites d’abord connaître la pétition~: il n’y a encore rien à trancher.",
            "Données insuffisantes~: rien n’est encore sûr, et rien de ce qui suit n’est à prendre pour un résultat.",
        )
    )
    result = asked.measure(over)
    assert [tile.value for tile in key_numbers(result, changes(result), EN)] == [
        "0",
        "0",
        "–",
        "–",
    ]


def test_everyone_still_has_time():
    english, french = told(WEEK, petition(400, 50, late=400))
    assert tuple(map(plain, english)) == (
        "400 visitors came and 50 signed so far; nobody has had the whole 7 days for it yet.",
        "Change nothing yet, and look again once 30 visitors have had their 7 days.",
        "Not enough data for a rate; not known: what the 350 visitors who still have time will do.",
    )
    assert french == tuple(
        fr(each)
        for each in (
            "400 visiteurs sont venus et 50 ont signé à ce jour^; personne n’a encore eu les 7~jours prévus pour le"
            " faire.",
            "Ne changez rien pour l’instant, et revenez-y quand 30 visiteurs auront eu leurs 7~jours.",
            "Pas assez de données pour un taux^; on ignore ce que feront les 350 visiteurs qui en ont encore le temps.",
        )
    )
    english, french = told(WEEK, petition(400, 50, late=385))
    assert plain(english[0]).endswith("; too few have had the whole 7 days for it to read a rate from.")
    assert french[0].endswith(fr("^; trop peu ont eu les 7~jours prévus pour qu’on en tire un taux."))


def test_a_few_visitors_or_signatures_are_not_told():
    english, french = told(WEEK, petition(9, 9))
    assert english[0] == "Fewer than 10 visitors have come so far, too few to tell anything of them."
    assert french[0] == fr("Moins de 10 visiteurs sont venus à ce jour, trop peu pour en dire quoi que ce soit.")
    english, french = told(WEEK, petition(2_000, 9))
    assert english[0] == "2,000 visitors came, and fewer than 10 have signed, too few to read a rate from."
    assert french[0] == fr("2^000 visiteurs sont venus, et moins de 10 ont signé, trop peu pour en tirer un taux.")
    # Five did not sign: they could be had from the number of visitors, or from that of signatures; one is not told.
    english, french = told(WEEK, petition(2_000, 1_995))
    assert english[0] == "Visitors came and 1,995 signed so far."
    assert french[0] == fr("Des visiteurs sont venus et 1^995 ont signé à ce jour.")
    english, _ = told(WEEK, petition(2_000, 500, 60, late=9))
    assert "what the fewer than 10 visitors who still have time will do" in english[2]
    found = Told(WEEK.measure(petition(2_000, 9)))
    assert answer(found, EN, least=5)[0].startswith("2,000 visitors came and 9 signed: ")


def test_attempts_are_called_attempts():
    asked = replace(WEEK, entry="each")
    english, french = told(asked, petition(2_000, 500, 60, late=200))
    assert plain(english[0]) == (
        f"2,000 attempts were made and 500 signed: 27.8% ({wilson(500, 1_800)}) of those whose 7 days are over."
    )
    assert french[0] == fr(
        f"2^000 tentatives ont eu lieu et 500 ont signé, soit 27,8~% ({wilson_fr(500, 1_800)}) de celles dont le délai"
        " de 7~jours est écoulé."
    )


def test_a_funnel_of_one_step_tells_what_follows_it():
    asked = Funnel(["sign"], follow_ups=["share"], follow_up_window="3 days")
    english, french = told(asked, petition(2_000, 500, 60).where("visitor_id <> 'nobody'"))
    assert tuple(map(plain, english[:2])) == (
        "500 people signed, and 12.0% of those who have had 3 days for it went on to “share”.",
        "Try another page after “sign”: draw by chance who sees it, and compare what they do next.",
    )
    assert french[:2] == (
        fr(
            "500 personnes ont signé, et 12,0~% des gens qui ont eu 3~jours pour le faire ont poursuivi jusqu’à"
            " «~partage~»."
        ),
        fr(
            "Essayez une autre page après «~signature~»~: tirez au sort qui la voit, et comparez ce que chacun fait"
            " ensuite."
        ),
    )


# Experiments


def arm(visitors, share, unsubscribe=0):
    return {"visitors": visitors, "share": share, "unsubscribe": unsubscribe}


def trial(arms, *, name="page", cutoff="2018-03-01T00:00:00Z", **rules):
    rules = {"primary": Conversion("share"), "window": "3 days", **rules}
    return Experiment(name, control="thanks_only", **rules).measure(events_of(arms, cutoff=cutoff))


@cache
def quiet():
    """Return a funnel to tell experiments beside."""
    return WEEK.measure(petition(100, 50, 20))


def advice(*found):
    """Return what to do and how sure, in English (with plain spaces) and in French."""
    whole = Told(quiet(), experiments=found)
    return tuple(map(plain, answer(whole, EN)[1:])), answer(whole, FR)[1:]


def points(x1, n1, x0, n0, level=0.95):
    """Return the ends of Newcombe's interval in points, by statsmodels, as English sentences write them."""
    low, high = confint_proportions_2indep(x1, n1, x0, n0, method="newcomb", compare="diff", alpha=1 - level)
    return " to ".join(f"{100 * end:+.1f}".replace("-", "−") for end in (low, high)) + " points"


def points_fr(*counts):
    return points(*counts).replace(".", ",").replace(" to ", " à ")


def test_a_winner_is_shown_to_everyone():
    found = trial({"thanks_only": arm(2_000, 80), "share": arm(2_000, 200)})
    assert found.decision.code == "adopt"
    english, french = advice(found)
    assert english == (
        "Show everyone the variant “share”: “share” comes to 10.0% within 3 days, against 4.0% with “thanks only”.",
        f"That “share” brings more is beyond reasonable doubt ({points(200, 2_000, 80, 2_000)} at 95%; chance alone"
        " would show such a difference less than once in 10,000 times); not known: whether it does harm (nothing"
        " was recorded for that) and what happens after 3 days.",
    )
    assert french == (
        fr(
            "Montrez à tout le monde la variante «~partage~»~: «~partage~» y atteint 10,0~% en 3~jours, contre 4,0~%"
            " avec «~merci seul~»."
        ),
        fr(
            f"Que «~partage~» apporte davantage ne fait aucun doute raisonnable ({points_fr(200, 2_000, 80, 2_000)}, à"
            " 95~%^; le hasard seul donnerait un tel écart moins d’une fois sur 10^000)^; on ignore encore si elle"
            " nuit (rien n’a été suivi à cet égard) et ce qui se passe après 3~jours."
        ),
    )


@pytest.mark.parametrize(
    ("shared", "grade", "grade_fr"),
    [
        (130, "is well founded", "est bien établi"),
        (118, "is likely, and no more than that", "est probable, sans plus"),
    ],
)
def test_how_well_a_winner_is_founded_depends_on_chance(shared, grade, grade_fr):
    arms = {"thanks_only": arm(2_000, 88, 20), "share": arm(2_000, shared, 20)}
    found = trial(arms, guardrails=[Guardrail("unsubscribe", margin=0.02)])
    p = found.told.row("share")["p_adjusted"]
    assert found.decision.code == "adopt"
    english, french = advice(found)
    assert english[1] == (
        f"That “share” brings more {grade} ({points(shared, 2_000, 88, 2_000)} at 95%; chance alone would show such a"
        f" difference about once in {round(1 / p):,} times); not known: whether the day of this look was fixed"
        " beforehand and what happens after 3 days."
    )
    assert french[1].startswith(fr(f"Que «~partage~» apporte davantage {grade_fr} ("))
    assert (
        fr(f"le hasard seul donnerait un tel écart environ une fois sur {round(1 / p)})^; on ignore encore")
        in french[1]
    )


def test_winners_that_cannot_be_told_apart_are_named():
    arms = {"thanks_only": arm(2_000, 80, 20), "share": arm(2_000, 200, 20), "both": arm(2_000, 190, 20)}
    found = trial(arms, planned=6_000, guardrails=[Guardrail("unsubscribe", margin=0.02)])
    assert found.decision.rivals == ("both",)
    level = 2 * norm.cdf(dunnett_critical([1, 1], 1)) - 1
    english, french = advice(found)
    assert english[1] == (
        f"That “share” brings more is beyond reasonable doubt ({points(200, 2_000, 80, 2_000, level)} at 95%; chance"
        " alone would show such a difference less than once in 10,000 times); it cannot be told apart from “both”; not"
        " known: what happens after 3 days."
    )
    assert (
        fr("^; on ne peut la distinguer de «~les deux~»^; on ignore encore ce qui se passe après 3~jours.") in french[1]
    )


def test_a_better_variant_that_does_harm_is_named_beside_the_one_to_show():
    arms = {"thanks_only": arm(4_000, 80, 10), "share": arm(4_000, 250, 80), "both": arm(4_000, 190, 12)}
    found = trial(arms, guardrails=[GUARDRAIL], planned=12_000)
    english, french = advice(found)
    assert english[0].startswith("Show everyone the variant “both”: “share” comes to 4.8% within 3 days, against 2.0%")
    assert "; “share” brings more still, but does harm; not known: " in english[1]
    assert fr("^; «~partage~» apporte encore davantage, mais nuit^; on ignore encore") in french[1]


def test_a_better_variant_not_shown_safe_is_named_beside_the_one_to_show():
    arms = {"thanks_only": arm(4_000, 80, 12), "share": arm(4_000, 250, 30), "both": arm(4_000, 190, 12)}
    found = trial(arms, guardrails=[GUARDRAIL], planned=12_000)
    assert found.decision.passed_over == ("share",)
    english, french = advice(found)
    assert "; “share” brings more still, but is not shown safe; not known: " in english[1]
    assert fr("^; «~partage~» apporte encore davantage, mais sa sûreté n’est pas démontrée^; ") in french[1]


def test_a_winner_that_does_harm_is_not_shown():
    found = trial({"thanks_only": arm(2_000, 80, 10), "share": arm(2_000, 200, 40)}, guardrails=[GUARDRAIL])
    assert found.decision.code == "harmful"
    english, french = advice(found)
    assert english[0] == (
        "Keep “thanks only”: the variant “share” brings more “share” (10.0% against 4.0%), but does harm (“unsubscribe”"
        " +1.50 points, with a limit of +0.50 points)."
    )
    assert french[0] == fr(
        "Gardez «~merci seul~»~: la variante «~partage~» apporte plus de «~partage~» (10,0~% contre 4,0~%), mais elle"
        " nuit («~désabonnement~» +1,50~point, pour une marge de +0,50~point)."
    )
    # Of nine who unsubscribed, and of those nine more or less, nothing is told.
    found = trial({"thanks_only": arm(2_000, 80, 9), "share": arm(2_000, 200, 40)}, guardrails=[GUARDRAIL])
    english, french = advice(found)
    assert english[0].endswith("but does harm (“unsubscribe” past its limit of +0.50 points).")
    assert french[0].endswith(fr("mais elle nuit («~désabonnement~» dépasse sa marge de +0,50~point)."))


def test_a_winner_not_shown_safe_waits():
    arms = {"thanks_only": arm(2_000, 80, 10), "share": arm(2_000, 200, 12)}
    found = trial(arms, guardrails=[Guardrail("unsubscribe", margin=0.003)], planned=4_000)
    assert found.decision.code == "not shown safe"
    english, french = advice(found)
    assert english[0] == (
        "Do not show everyone the variant “share” yet, and let the experiment run on: it brings more “share” (10.0%"
        " against 4.0%), but “unsubscribe” may pass its limit of +0.30 points."
    )
    # The upper end by Miettinen and Nurminen's score.
    worst = f"{100 * found.told.row('share', 'unsubscribe')['difference_high']:.2f}"
    assert (
        f"; “unsubscribe” +0.10 points so far, at worst +{worst} points; not known: whether “share” is safe"
        in english[1]
    )
    assert french[0] == fr(
        "Ne montrez pas encore la variante «~partage~» à tout le monde, et laissez courir l’expérience~: elle apporte"
        " plus de «~partage~» (10,0~% contre 4,0~%), mais «~désabonnement~» pourrait dépasser sa marge de +0,30~point."
    )
    assert fr("^; on ignore encore la sûreté de «~partage~» et ce qui se passe après 3~jours.") in french[1]


def test_the_control_is_kept_where_others_bring_less():
    found = trial({"thanks_only": arm(2_000, 80), "share": arm(2_000, 40)}, planned=4_000)
    english, french = advice(found)
    assert english == (
        "Keep “thanks only”: the variant “share” brings less “share” within 3 days (2.0% against 4.0%).",
        f"That “share” brings less is beyond reasonable doubt ({points(40, 2_000, 80, 2_000)} at 95%; chance alone"
        f" would show such a difference about once in {round(1 / found.told.row('share')['p']):,} times); not known:"
        " what happens after 3 days.",
    )
    assert french[0] == fr(
        "Gardez «~merci seul~»~: la variante «~partage~» apporte moins de «~partage~» en 3~jours (2,0~% contre 4,0~%)."
    )
    assert french[1].startswith(fr("Que «~partage~» apporte moins ne fait aucun doute raisonnable ("))
    found = trial({"thanks_only": arm(2_000, 200), "share": arm(2_000, 40), "both": arm(2_000, 60)}, planned=6_000)
    english, french = advice(found)
    assert english[0] == "Keep “thanks only”: every other variant brings less “share” within 3 days."
    assert french[0] == fr(
        "Gardez «~merci seul~»~: toutes les autres variantes apportent moins de «~partage~» en 3~jours."
    )


def test_no_difference_leaves_the_choice():
    found = trial({"thanks_only": arm(2_000, 80), "share": arm(2_000, 84)}, planned=4_000)
    assert found.decision.code == "no difference"
    p = found.told.row("share")["p"]
    assert p > 0.5
    english, french = advice(found)
    assert english == (
        "Keep “thanks only” or choose on other grounds: no variant is shown to bring more “share” within 3 days.",
        f"There is room for a difference of {points(84, 2_000, 80, 2_000)} (95% interval), and chance alone would show"
        " as large a one more often than not; not known: what happens after 3 days.",
    )
    assert french == (
        fr(
            "Gardez «~merci seul~» ou choisissez sur d’autres critères~: rien ne démontre qu’une variante apporte plus"
            " de «~partage~» en 3~jours."
        ),
        fr(
            f"Les données restent compatibles avec un écart de {points_fr(84, 2_000, 80, 2_000)} (intervalle à 95~%),"
            " et le hasard seul en donnerait un aussi grand plus d’une fois sur deux^; on ignore encore ce qui se passe"
            " après 3~jours."
        ),
    )


def test_an_experiment_runs_on_to_its_planned_visitors():
    found = trial({"thanks_only": arm(1_000, 40), "share": arm(1_000, 90)}, planned=8_000)
    assert found.decision.code == "wait"
    english, french = advice(found)
    now = 100 * funnel.stats.peeking([0.25, 1.0])
    assert english == (
        "Let the experiment “page” run on to the 8,000 visitors planned, and decide nothing before.",
        "2,000 of the 8,000 have had 3 days, and deciding both now and at the end would find a difference where"
        f" there is none in {now:.0f}% of cases instead of 5%; not known: what happens after 3 days.",
    )
    assert french == (
        fr("Laissez courir l’expérience «~page~» jusqu’aux 8^000 visiteurs prévus, et ne décidez rien avant."),
        fr(
            "2^000 des 8^000 visiteurs prévus ont eu 3~jours, et trancher à la fois maintenant et à la fin ferait"
            f" voir un écart là où il n’y en a pas dans {now:.0f}~% des cas au lieu de 5~%^; on ignore encore"
            " ce qui se passe après 3~jours."
        ),
    )
    found = trial({"thanks_only": arm(1_000, 40), "share": arm(1_000, 42)}, planned=8_000, looks=4)
    english, french = advice(found)
    assert english[1].startswith("2,000 of the 8,000 have had 3 days, and so far nothing is shown; not known: ")
    assert french[1].startswith(fr("2^000 des 8^000 visiteurs prévus ont eu 3~jours, et rien n’est encore démontré^; "))


def test_a_broken_split_is_mended_first():
    found = trial({"thanks_only": arm(2_000, 80), "share": arm(1_700, 200)})
    assert found.decision.code == "split broken"
    english, french = advice(found)
    assert english[0] == (
        "Mend the experiment “page” before anything else: visitors did not fall into its variants as planned, so"
        " nothing in it can be compared."
    )
    assert re.fullmatch(
        r"Chance alone would share visitors out like that (less than|about) once in [\d,]+ times, and no difference is"
        r" known until the cause is found \(redirects, caches, robots, exposures recorded late, shares changed"
        r" midway\)\.",
        english[1],
    )
    assert french[0] == fr(
        "Réparez d’abord l’expérience «~page~»~: les visiteurs ne s’y répartissent pas entre les variantes comme prévu,"
        " et rien n’y est comparable."
    )
    assert french[1].startswith("Le hasard seul répartirait ainsi les visiteurs ")


def test_too_few_visitors_say_nothing_yet():
    found = trial({"thanks_only": arm(20, 10), "share": arm(20, 10)})
    assert found.decision.code == "not enough data"
    english, french = advice(found)
    assert english == (
        "Let the experiment “page” run on: a comparison takes 30 visitors or more in each variant, and “share” at least"
        " once.",
        "Not enough data: 20 visitors with the variant “thanks only” have had 3 days; not known: whether the day of"
        " this look was fixed beforehand and what happens after 3 days.",
    )
    assert french[0] == fr(
        "Laissez courir l’expérience «~page~»~: pour comparer, il faut au moins 30 visiteurs par variante et"
        " «~partage~» au moins une fois."
    )
    assert french[1].startswith(
        fr("Données insuffisantes~: 20 visiteurs ont eu 3~jours avec la variante «~merci seul~»^; on ignore encore si")
    )
    english, french = advice_of_nobody()
    assert english.startswith("Not enough data: nobody has come to “share” in any variant yet; not known: ")
    assert french.startswith(fr("Données insuffisantes~: personne n’est encore parvenu à"))
    english, french = advice(one_variant_late())
    assert english[1].startswith("Not enough data: nobody with the variant “share” has had 3 days yet; not known:")
    assert french[1].startswith(
        fr("Données insuffisantes~: personne n’a encore eu 3~jours avec la variante «~partage~»^; ")
    )
    english, french = advice(trial({"thanks_only": arm(8, 4), "share": arm(8, 4)}))
    assert english[1].startswith(
        "Not enough data: fewer than 10 visitors with the variant “thanks only” have had 3 days"
    )
    assert french[1].startswith(fr("Données insuffisantes~: moins de 10 visiteurs ont eu 3~jours avec la variante"))


def one_variant_late():
    """Return an experiment of eight visitors who saw the control, and three who saw another page the last day."""
    every = [(f"c{place}", "thanks_shown", f"2018-01-14 12:0{place}", "thanks_only") for place in range(8)]
    every += [(f"s{place}", "thanks_shown", f"2018-01-19 12:0{place}", "share") for place in range(3)]
    every += [("c0", "share", "2018-01-14 13:00", None)]
    over = events(every, cutoff="2018-01-20", columns=("visitor_id", "event", "occurred_at", "variant"))
    return Experiment("page", control="thanks_only", primary=Conversion("share"), window="3 days").measure(over)


def advice_of_nobody():
    """Return how sure it is that nobody shared: somebody did so, who saw no page."""
    every = [
        (f"{variant} {place}", "thanks_shown", f"2018-01-14 12:{place % 60:02}", variant)
        for variant in ("thanks_only", "share")
        for place in range(200)
    ]
    every.append(("another", "share", "2018-01-14 12:00", None))
    found = Experiment("page", control="thanks_only", primary=Conversion("share"), window="3 days").measure(
        events(every, cutoff="2018-03-01", columns=("visitor_id", "event", "occurred_at", "variant"))
    )
    english, french = advice(found)
    return english[1], french[1]


def test_pending_visitors_of_an_experiment_are_counted_unless_few():
    found = trial({"thanks_only": arm(2_000, 80), "share": arm(2_000, 200)}, cutoff="2018-01-25T15:00:00Z")
    pending = found.told.pending
    english, french = advice(found)
    assert pending > 100
    assert f"what {pending:,} visitors who still have time will do" in english[1]
    assert fr(comma(f"ce que feront {pending:,} visiteurs qui en ont encore le temps")) in french[1]
    found = trial({"thanks_only": arm(2_000, 80), "share": arm(2_000, 200)}, cutoff="2018-01-27T14:30:00Z")
    assert 0 < found.told.pending < 10
    english, french = advice(found)
    assert "what fewer than 10 visitors who still have time will do" in english[1]
    assert "ce que feront moins de 10 visiteurs qui en ont encore le temps" in french[1]


def test_shares_of_few_people_are_not_told():
    arms = {"thanks_only": arm(2_000, 9, 20), "share": arm(2_000, 90, 20)}
    found = trial(arms, guardrails=[Guardrail("unsubscribe", margin=0.02)], planned=4_000)
    assert found.decision.code == "adopt"
    english, french = advice(found)
    assert english == (
        "Show everyone the variant “share”: it brings more “share” within 3 days than “thanks only”.",
        "That “share” brings more is beyond reasonable doubt; not known: what happens after 3 days.",
    )
    assert french[0] == fr(
        "Montrez à tout le monde la variante «~partage~»~: elle apporte plus de «~partage~» en 3~jours que «~merci"
        " seul~»."
    )
    found = trial({"thanks_only": arm(2_000, 9), "share": arm(2_000, 8)}, planned=4_000)
    english, french = advice(found)
    assert english[1].startswith("Chance alone would show as large a difference ")
    assert french[1].startswith("Le hasard seul donnerait un écart aussi grand ")
    english, _ = advice(trial({"thanks_only": arm(2_000, 40), "share": arm(2_000, 9)}, planned=4_000))
    assert english[0] == "Keep “thanks only”: the variant “share” brings less “share” within 3 days."
    arms = {"thanks_only": arm(2_000, 9, 9), "share": arm(2_000, 90, 40)}
    assert advice(trial(arms, guardrails=[GUARDRAIL]))[0][0] == (
        "Keep “thanks only”: the variant “share” brings more “share”, but does harm (“unsubscribe” past its limit of"
        " +0.50 points)."
    )
    arms = {"thanks_only": arm(2_000, 9, 10), "share": arm(2_000, 90, 12)}
    assert advice(trial(arms, guardrails=[Guardrail("unsubscribe", margin=0.003)]))[0][0] == (
        "Do not show everyone the variant “share” yet, and let the experiment run on: it brings more “share”, but"
        " “unsubscribe” may pass its limit of +0.30 points."
    )


def test_of_several_experiments_the_most_pressing_speaks_and_is_named():
    none = trial({"thanks_only": arm(2_000, 80), "share": arm(2_000, 84)}, name="first", planned=4_000)
    wins = trial({"thanks_only": arm(2_000, 80), "share": arm(2_000, 200)}, name="second", planned=4_000)
    broken = trial({"thanks_only": arm(2_000, 80), "share": arm(1_700, 200)}, name="third")
    english, french = advice(none, wins, broken)
    assert english[0].endswith(" against 4.0% with “thanks only” (experiment “second”).")
    assert english[1].endswith("; 2 other experiments have sections of their own.")
    assert french[0].endswith(fr(" (expérience «~second~»)."))
    assert french[1].endswith(fr("^; 2 autres expériences ont leur propre section."))
    english, french = advice(none, broken)
    assert english[0].startswith("Mend the experiment “third” before anything else: ")
    assert english[1].endswith("; 1 other experiment has a section of its own.")
    assert french[1].endswith(fr("^; 1 autre expérience a sa propre section."))


def test_every_decision_there_is_has_its_place():
    from typing import get_args

    from funnel.verdicts.decision import Code

    assert sorted(PRESSING) == sorted(get_args(Code))


# What it would bring, and where signatures come from


def test_what_the_variant_would_bring_is_said_with_its_interval():
    over = connected(four_each(times=100))
    found, forgone = PAGES.measure(over), Forgone(PAGES, Referrals(of="sign")).measure(over)
    whole = Told(Funnel(["sign"], follow_ups=["share"]).measure(over), [found], [forgone])
    ahead = forgone.forwards().frame.query("outcome == 'sign brought' and variant == 'share'").iloc[0]
    # By hand (tests/test_forgone.py): a signer brings 0.2 under the control and 0.4 under the other, in all
    # 1,000 x 0.2 / (1 - 0.4) more where friends see what their friends saw.
    assert ahead["forgone"] == pytest.approx(1_000 * 0.2 / (1 - 0.4))
    english, french = answer(whole, EN), answer(whole, FR)
    assert english[1] == plain(english[1]).replace("3 days", "3\u00a0days")
    assert plain(english[1]) == (
        "Show everyone the variant “share”: “share” comes to 50.0% within 3 days, against 25.0% with “thanks only”;"
        " that would bring about 333 more signatures for every 1,000 there would be without it."
    )
    ends = [f"{round(ahead[name]):,}" for name in ("forgone_low", "forgone_high")]
    assert f"; the signatures gained are between {ends[0]} and {ends[1]}; not known: " in english[2]
    assert french[1].endswith(
        fr("^; on obtiendrait ainsi environ 333 signatures de plus par tranche de 1^000 obtenues sans elle.")
    )
    assert fr(f"^; le gain est de {ends[0]} à {ends[1]} signatures^; on ignore encore") in french[2]


def test_what_another_experiment_would_bring_is_not_taken_for_this_ones():
    over = connected(four_each(times=100))
    forgone = Forgone(PAGES, Referrals(of="sign")).measure(over)
    other = trial({"thanks_only": arm(2_000, 80), "share": arm(2_000, 200)}, name="other")
    whole = Told(Funnel(["sign"], follow_ups=["share"]).measure(over), [other], [forgone])
    assert "signatures" not in answer(whole, EN)[1]


def test_friends_links_are_named_where_they_bring_a_tenth_or_more():
    over = connected(four_each(times=100))
    found = Funnel(["sign"], follow_ups=["share"]).measure(over)
    referrals = Referrals(of="sign").measure(over)
    # 800 signers came by themselves, and 300 by their links.
    assert answer(Told(found, referrals=referrals), EN)[0].endswith("; 300 signatures came by friends’ links.")
    assert answer(Told(found, referrals=referrals), FR)[0].endswith(fr("^; 300 signatures viennent des liens d’amis."))
    few = connected(four_each(friends=[("s0", 1)], times=10))
    found, referrals = Funnel(["sign"], follow_ups=["share"]).measure(few), Referrals(of="sign").measure(few)
    assert answer(Told(found, referrals=referrals), EN)[0].endswith("; 10 signatures came by friends’ links.")
    assert "friends" not in answer(Told(found, referrals=referrals), EN, least=11)[0]


# The sample


@cache
def sample():
    return funnel.connect("data/sample", timezone=TORONTO)


@cache
def sample_table():
    return sample().sql("select visitor_id, event, occurred_at, variant, referred_by from events")


@cache
def sample_answers():
    over = sample()
    pages = Experiment(
        "thanks_page", control=CONTROL, primary=Conversion("share"), window="3 days", guardrails=[GUARDRAIL]
    )
    asked = Funnel(["visit", "sign"], follow_ups=["share", "partner_click"])
    forgone = Forgone(pages, Referrals(of="sign")).measure(over)
    whole = Told(
        asked.measure(over),
        [forgone.experiment],
        [forgone],
        Referrals(of="sign").measure(over),
        Relays(of="sign").measure(over),
        Mentions(of="sign").measure(over),
    )
    return whole, forgone, answer(whole, EN), answer(whole, FR)


def sample_rate():
    """Return signers and visitors of the sample by visits seven days or more before its end, by pandas."""
    table = sample_table()
    visits = table[table["event"] == "visit"]
    closed = visits[visits["occurred_at"] + pd.Timedelta(days=7) <= table["occurred_at"].max()]
    signs = table.loc[table["event"] == "sign", ["visitor_id", "occurred_at"]]
    pairs = closed.merge(signs, on="visitor_id", suffixes=("", "_signed"))
    late = pairs["occurred_at_signed"] - pairs["occurred_at"]
    did = pairs[(late >= pd.Timedelta(0)) & (late <= pd.Timedelta(days=7))]
    return did["visitor_id"].nunique(), closed["visitor_id"].nunique()


def test_the_three_sentences_of_the_sample():
    _, forgone, english, french = sample_answers()
    table = sample_table()
    visitors = table.loc[table["event"] == "visit", "visitor_id"].nunique()
    signed = table.loc[table["event"] == "sign", "visitor_id"].nunique()
    signers = set(table.loc[table["event"] == "sign", "visitor_id"])
    referred = len(signers & set(table.loc[table["referred_by"].isin(signers), "visitor_id"]))
    did, of = sample_rate()
    ahead = forgone.forwards().frame.query("outcome == 'sign brought' and variant == 'share'").iloc[0]
    more, low, high = (f"{round(ahead[name]):,}" for name in ("forgone", "forgone_low", "forgone_high"))
    shares = forgone.experiment.told.row("share")
    ends = " to ".join(f"{100 * shares[name]:+.1f}" for name in ("simultaneous_low", "simultaneous_high"))
    pending = forgone.experiment.told.pending
    assert tuple(map(plain, english)) == (
        f"{visitors:,} visitors came and {signed:,} signed: {100 * did / of:.1f}% ({wilson(did, of)}) of those who have"
        f" had 7 days for it; {referred:,} signatures came by friends’ links.",
        "Do not show everyone the variant “share” yet, and let the experiment run on: it would bring about"
        f" {more} more signatures for every 1,000 there would be without it, but “unsubscribe” may pass its limit of"
        " +0.50 points.",
        f"That “share” brings more is beyond reasonable doubt ({ends} points at 95%; chance alone would show such a"
        f" difference less than once in 10,000 times); the signatures gained are between {low} and {high}; not known:"
        f" whether “share” is safe, what {pending} visitors who still have time will do and what happens after 3 days.",
    )
    rate = f"{comma(f'{100 * did / of:.1f}')}~% ({wilson_fr(did, of)})"
    assert french == tuple(
        fr(each)
        for each in (
            f"{comma(f'{visitors:,}')} visiteurs sont venus et {comma(f'{signed:,}')} ont signé, soit {rate} de ceux"
            f" qui ont eu 7~jours pour le faire^; {comma(f'{referred:,}')} signatures viennent des liens d’amis.",
            "Ne montrez pas encore la variante «~partage~» à tout le monde, et laissez courir l’expérience~: on"
            f" obtiendrait environ {more.replace(',', '^')} signatures de plus par tranche de 1^000 obtenues sans elle,"
            " mais «~désabonnement~» pourrait dépasser sa marge de +0,50~point.",
            "Que «~partage~» apporte davantage ne fait aucun doute raisonnable"
            f" ({ends.replace('.', ',').replace(' to ', ' à ')} points, à 95~%^; le hasard seul donnerait un tel écart"
            f" moins d’une fois sur 10^000)^; le gain est de {low.replace(',', '^')} à {high.replace(',', '^')}"
            f" signatures^; on ignore encore la sûreté de «~partage~», ce que feront {pending} visiteurs qui en"
            " ont encore le temps et ce qui se passe après 3~jours.",
        )
    )
    assert len(english[0].split()) <= 35


def test_relays_and_mentions_are_named_where_they_bring_most():
    whole, _, _, _ = sample_answers()
    lives = whole.mentions.lives().frame.iloc[0]
    only = replace(whole, referrals=None, relays=None)
    assert answer(only, EN)[0].endswith(f"; the mention “tv-01” brought about {round(lives['total']):,} signatures.")
    assert answer(only, FR)[0].endswith(
        fr(f"^; la mention «~tv-01~» a apporté environ {round(lives['total']):,} signatures.".replace(",", "^"))
    )
    named = whole.relays.frame[whole.relays.frame["relay"].notna()]
    scarce = replace(whole, referrals=None, mentions=None)
    # No relay of the sample brings a tenth of its signatures.
    assert named["signatures"].max() < 1_458
    assert "relay" not in answer(scarce, EN)[0]


def test_a_relay_that_brings_most_is_named():
    every = [
        (f"v{place}", "visit", f"2018-01-14 12:{place % 60:02}", "agora" if place < 60 else None)
        for place in range(100)
    ]
    every += [(f"v{place}", "sign", f"2018-01-14 13:{place % 60:02}", None) for place in range(40)]
    over = events(every, cutoff="2018-03-01", columns=("visitor_id", "event", "occurred_at", "relay"))
    whole = Told(Funnel(["visit", "sign"]).measure(over), relays=Relays(of="sign").measure(over))
    assert answer(whole, EN)[0].endswith("; the relay “agora” alone brought 40 signatures.")
    assert answer(whole, FR)[0].endswith(fr("^; à lui seul, le relais «~agora~» a apporté 40 signatures."))


def test_each_is_one_sentence_and_says_nothing_of_few_people():
    few = re.compile(r"(?<![\d.,\u202f+−])[1-9] (visitors|visiteurs|people|signatures|signed)")
    worlds = [
        petition(n, signed, shared, late=late)
        for n, signed, shared, late in (
            (5, 2, 0, 0),
            (60, 0, 0, 60),
            (60, 7, 3, 50),
            (60, 55, 3, 0),
            (400, 100, 4, 7),
        )
    ]
    for over in worlds:
        for asked in (WEEK, Funnel(["visit", "sign"])):
            for sentences in told(asked, over):
                for each in sentences:
                    assert each.endswith(".")
                    assert ". " not in each
                    assert each[0] == each[0].upper()
                    assert not few.search(each)


# What changed


def local_day(at, timezone):
    return at.astimezone(ZoneInfo(timezone)).date()


def walked(table, window, follow_up_window):
    """Return when visitors came and signed, what became of first visits, and what followed their signatures."""
    came, signed, firsts, clocks = [], [], [], []
    for _, mine in table.groupby("visitor_id"):
        at = {event: sorted(mine.loc[mine["event"] == event, "occurred_at"]) for event in ("visit", "sign", "share")}
        if not at["visit"]:
            continue
        came.append(at["visit"][0])
        pairs = [(v, s) for v in at["visit"] for s in at["sign"] if v <= s <= v + window]
        signed += [min(pairs)[1]] if pairs else []
        own = [s for v, s in pairs if v == at["visit"][0]]
        firsts.append((at["visit"][0], bool(own)))
        if own:
            clocks.append((min(own), any(min(own) <= s <= min(own) + follow_up_window for s in at["share"])))
    return came, signed, firsts, clocks


def recount(table, *, timezone, cutoff, days, window, follow_up_window):
    """Return the rows of `changes` of visit > sign > (share), visitor by visitor, without any of the package.

    Counts are of the first visit, and of the first signature within the window of the earliest visit that has one;
    rates of the first visit alone.
    """
    began = local_day(table["occurred_at"].min(), timezone)

    def row(step, number, starts, waited):
        """Return a row of (instant, whether it counts) pairs."""
        end = local_day(cutoff + timedelta(minutes=1) - waited, timezone) - timedelta(days=1)
        told = {"step": step, "number": number}
        for prefix, last in (("", end), ("before_", end - timedelta(days=days))):
            first = last - timedelta(days=days - 1)
            if first < began:
                continue
            inside = [(at, did) for at, did in starts if first <= local_day(at, timezone) <= last]
            over = [did for at, did in inside if at + waited <= cutoff]
            told |= {f"{prefix}from_on": first, f"{prefix}to_on": last, f"{prefix}visitors": sum(over)}
            if number == "rate":
                told |= shared(prefix, sum(over), len(over))
        return told | differing(told)

    came, signed, firsts, clocks = walked(table, window, follow_up_window)
    return [
        row("visit", "visitors", [(at, True) for at in came], timedelta(0)),
        row("sign", "visitors", [(at, True) for at in signed], timedelta(0)),
        row("sign", "rate", firsts, window),
        row("share", "rate", clocks, follow_up_window),
    ]


def shared(prefix, did, of):
    if not of:
        return {f"{prefix}among": 0}
    low, high = proportion_confint(did, of, method="wilson")
    return {f"{prefix}among": of, f"{prefix}rate": did / of, f"{prefix}rate_low": low, f"{prefix}rate_high": high}


def differing(told):
    if told["number"] == "visitors":
        before = told.get("before_visitors")
        return {"change": told["visitors"] / before - 1} if before else {}
    if not (told.get("among") and told.get("before_among")):
        return {}
    counts = (told["visitors"], told["among"], told["before_visitors"], told["before_among"])
    low, high = confint_proportions_2indep(*counts, method="newcomb", compare="diff")
    return {"difference": told["rate"] - told["before_rate"], "difference_low": low, "difference_high": high}


# Instants around midnights, some on days of 23 and 25 hours: in Toronto on March 11 and November 4, in Santiago where
# midnight itself is skipped (August 12) or comes after an hour that comes twice (May 13), and a zone of half an hour.
ZONES = {
    TORONTO: (date(2018, 3, 9), date(2018, 11, 2), date(2018, 1, 14)),
    "America/Santiago": (date(2018, 8, 10), date(2018, 5, 11)),
    "Asia/Kolkata": (date(2018, 1, 14),),
    "UTC": (date(2018, 1, 14),),
}
MOMENTS = st.builds(
    lambda day, hours, jitter: timedelta(days=day, hours=hours, seconds=jitter),
    st.integers(0, 7),
    st.sampled_from([0, 0, 1, 3, 4, 5, 12, 18.5, 23]),
    st.sampled_from([0, 0, -1, 1, -60, -61, 1_800]),
)


WORLDS = (
    st.sampled_from([(zone, start) for zone, starts in ZONES.items() for start in starts]),
    st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from(["visit", "visit", "sign", "share"]), MOMENTS),
        min_size=20,
        max_size=60,
    ),
    st.none() | MOMENTS,
    st.integers(1, 5),
)


@settings(max_examples=8)
@given(*WORLDS)
@example((TORONTO, date(2018, 3, 9)), [(0, "visit", timedelta(0)), (0, "sign", timedelta(hours=4))], None, 1)
@example(
    ("UTC", date(2018, 1, 14)), [(0, "visit", timedelta(days=2)), (1, "visit", timedelta(0))], timedelta(days=2), 1
)
def test_changes_agree_with_a_recount_of_every_visitor(where, drawn, cut, days):
    agree(where, drawn, cut, days)


@pytest.mark.slow
@settings(max_examples=300)
@given(*WORLDS)
def test_changes_agree_with_a_recount_in_many_worlds(where, drawn, cut, days):
    agree(where, drawn, cut, days)


def agree(where, drawn, cut, days):
    timezone, start = where
    begin = begin_of(start, timezone)
    # Somebody outside the funnel has one event of each kind, so that all names are known.
    every = [("nobody", each, begin + timedelta(hours=7)) for each in ("sign", "share")]
    every += [("nobody else", "visit", begin + timedelta(hours=7))]
    every += [(f"v{who}", event, begin + at) for who, event, at in drawn]
    last = max(at for _, _, at in every)
    cutoff = last if cut is None else max(last, begin + cut)
    over = events(every, cutoff=cutoff, timezone=timezone)
    asked = Funnel(["visit", "sign"], follow_ups=["share"], window="30 hours", follow_up_window="10 hours")
    table = pd.DataFrame(every, columns=["visitor_id", "event", "occurred_at"]).drop_duplicates()
    rules = {"timezone": timezone, "cutoff": cutoff, "days": days}
    rules |= {"window": timedelta(hours=30), "follow_up_window": timedelta(hours=10)}
    expected = recount(table, **rules)
    # Journeys that are kept, and those that a single question throws away, lie in tables of other shapes.
    measured = asked.measure(over) if days % 2 else asked.journeys(over).measure()
    found = [
        {name: value for name, value in row.items() if value is not None}
        for row in rows(changes(measured, timedelta(days=days)).frame)
    ]
    assert [set(row) for row in found] == [set(row) for row in expected]
    for mine, theirs in zip(found, expected, strict=True):
        for name, value in theirs.items():
            assert mine[name] == (pytest.approx(value, abs=1e-9) if isinstance(value, float) else value), name
    CASES["changes of a funnel"] += 1


def two_weeks(first=20, second=24, *, first_signed=10, second_signed=12):
    """Return visitors at noon of each day from January 14 to 27, so many in each week, of whom so many sign."""
    every = [("nobody", "share", "2018-01-14 00:00")]
    for week, (visitors, signed) in enumerate(((first, first_signed), (second, second_signed))):
        for place in range(visitors):
            day = 14 + 7 * week + place % 7
            every.append((f"{week} {place}", "visit", f"2018-01-{day} 12:00"))
            every += [(f"{week} {place}", "sign", f"2018-01-{day} 12:05")] * (place < signed)
    return every


def lines(over, asked=WEEK, *, least=0, period="7 days"):
    found = changes(asked.measure(over), period)
    return [[plain(line(row, words, least=least)) for row in rows(found.frame)] for words in (EN, FR)]


def test_counts_are_told_with_sign_dates_and_both_numbers():
    english, french = lines(events(two_weeks(), cutoff="2018-01-28"))
    assert english[:2] == [
        "+20%: 24 from January 21 to 27 against 20 from January 14 to 20",
        "+20%: 12 from January 21 to 27 against 10 from January 14 to 20",
    ]
    assert french[:2] == [
        "+20 % : 24 du 21 au 27 janvier contre 20 du 14 au 20 janvier",
        "+20 % : 12 du 21 au 27 janvier contre 10 du 14 au 20 janvier",
    ]
    english, french = lines(events(two_weeks(24, 20), cutoff="2018-01-28"))
    assert (english[0][:5], french[0][:6]) == ("−17%:", "−17 % ")
    english, french = lines(events(two_weeks(400, 401), cutoff="2018-01-28"))
    assert english[0].startswith("about as many: 401 from ")
    assert french[0].startswith("à peu près autant : 401 du ")


def test_rates_are_of_days_whose_window_is_over_and_told_in_points():
    """Seven days before February 4 is January 28, so the latest week of the rate ends on the 27th."""
    every = two_weeks(1_000, 1_000, first_signed=200, second_signed=400)
    english, french = lines(events(every, cutoff="2018-02-04"))
    low, high = confint_proportions_2indep(400, 1_000, 200, 1_000, method="newcomb", compare="diff")
    assert english[2] == (
        f"+20.0 points (+{100 * low:.1f} to +{100 * high:.1f}): 40.0% from January 21 to 27 against 20.0% from"
        " January 14 to 20"
    )
    assert french[2] == (
        f"+20,0 points (de +{100 * low:.1f} à +{100 * high:.1f}) : ".replace(".", ",")
        + "40,0 % du 21 au 27 janvier contre 20,0 % du 14 au 20 janvier"
    )
    assert english[0] == "−100%: 0 from January 28 to February 3 against 1,000 from January 21 to 27"
    assert french[0] == "−100 % : 0 du 28 janvier au 3 février contre 1\u202f000 du 21 au 27 janvier"
    english, french = lines(events(two_weeks(1_000, 1_000, first_signed=200, second_signed=205), cutoff="2018-02-04"))
    low, high = confint_proportions_2indep(205, 1_000, 200, 1_000, method="newcomb", compare="diff")
    assert english[2].startswith(f"no clear change (−{-100 * low:.1f} to +{100 * high:.1f} points): 20.5% from ")
    told_fr = f"aucun changement manifeste (en points, de −{-100 * low:.1f} à +{100 * high:.1f}) : 20,5 % du "
    assert french[2].startswith(told_fr.replace("−3.0", "−3,0").replace("+4.0", "+4,0"))


def test_what_begins_before_the_data_is_not_compared():
    english, french = lines(events(two_weeks(), cutoff="2018-01-27"))
    # On the 20th came two of the first week, on the 27th three of the second.
    assert english[0] == "23 from January 20 to 26; no earlier period to compare with"
    assert french[0] == "23 du 20 au 26 janvier\u202f; pas de période antérieure à comparer"
    assert english[2:] == [
        "no earlier period to compare with",
        "0.0% from January 17 to 23; no earlier period to compare with",
    ]
    assert french[2] == "pas de période antérieure à comparer"
    english, _ = lines(events(two_weeks(), cutoff="2018-01-28"), period="30 days")
    assert english == ["no earlier period to compare with"] * 4


def test_a_cutoff_in_the_last_minute_of_a_day_ends_it():
    every = two_weeks()
    for cutoff, last in (
        ("2018-01-27 23:58:59", 26),
        ("2018-01-27 23:59:00", 27),
        ("2018-01-27 23:59:59", 27),
        ("2018-01-28 00:00:00", 27),
        ("2018-01-28 23:58:59", 27),
    ):
        found = changes(WEEK.measure(events(every, cutoff=cutoff))).frame
        assert found["to_on"][0] == date(2018, 1, last)


def test_days_that_begin_late_are_named_in_a_note():
    result = WEEK.measure(events([*two_weeks()[1:], ("nobody", "share", "2018-01-27 00:00")], cutoff="2018-01-28"))
    english = tuple(map(plain, changes(result).notes))
    assert english[1:] == (
        "The data begin at January 14, 2018 at 12:00 p.m. UTC: the first day compared is no whole one, unless"
        " nothing was online before.",
    )
    assert plain(changes(result).speaking("fr").notes[1]).startswith(
        "Les données commencent le 14 janvier 2018 à 12 h 00 UTC :"
    )
    assert len(changes(WEEK.measure(events(two_weeks(), cutoff="2018-01-28"))).notes) == 1


def test_one_day_against_the_day_before():
    english, french = lines(events(two_weeks(21, 28), cutoff="2018-01-22"), period="1 day")
    assert english[0] == "+33%: 4 on January 21 against 3 on January 20"
    assert french[0] == "+33 % : 4 le 21 janvier contre 3 le 20 janvier"
    english, french = lines(events(two_weeks(), cutoff="2018-01-28"), period="1 day", least=10)
    assert english[0] == "too few on January 27 to tell"
    assert french[0] == "trop peu le 27 janvier pour le dire"


def test_the_first_of_a_month_is_written_as_one_writes_it():
    every = [(f"v{place}", "visit", f"2018-02-{place + 1:02} 12:00") for place in range(14)]
    every += [("nobody", each, "2018-02-01 00:00") for each in ("sign", "share")]
    english, french = lines(events(every, cutoff="2018-02-15"))
    assert english[0] == "about as many: 7 from February 8 to 14 against 7 from February 1 to 7"
    assert french[0] == "à peu près autant : 7 du 8 au 14 février contre 7 du 1er au 7 février"


def test_nobody_before_and_nobody_at_all():
    every = [("nobody", each, "2018-01-14 00:00") for each in ("sign", "share")]
    every += [(f"v{place}", "visit", "2018-01-22 12:00") for place in range(20)]
    english, french = lines(events(every, cutoff="2018-01-28"))
    assert english[:2] == [
        "none before: 20 from January 21 to 27 against 0 from January 14 to 20",
        "none in either: 0 from January 21 to 27 against 0 from January 14 to 20",
    ]
    assert french[:2] == [
        "aucun auparavant : 20 du 21 au 27 janvier contre 0 du 14 au 20 janvier",
        "aucun de part et d’autre : 0 du 21 au 27 janvier contre 0 du 14 au 20 janvier",
    ]


def test_few_people_are_not_compared():
    english, french = lines(events(two_weeks(9, 24), cutoff="2018-01-28"), least=10)
    assert english[0] == "24 from January 21 to 27; too few from January 14 to 20 to compare"
    assert french[0] == "24 du 21 au 27 janvier\u202f; trop peu du 14 au 20 janvier pour comparer"
    # Of 1,000, all but five signed: the rate would tell of the five.
    every = two_weeks(1_000, 1_000, first_signed=500, second_signed=995)
    english, _ = lines(events(every, cutoff="2018-02-04"), least=10)
    assert english[2] == "too few from January 21 to 27 to tell"


def test_a_period_is_whole_days():
    result = WEEK.measure(petition(50, 5))
    with pytest.raises(DefinitionError) as refused:
        changes(result, "36 hours")
    assert str(refused.value) == "period='36 hours' is no whole number of days. Give for example '7 days'."


def test_where_every_attempt_counts_rates_are_of_attempts():
    """The rate's week is January 27 to February 2: 14 came on the first day, and 66 for the second time later on."""
    every = two_weeks(100, 100, first_signed=50, second_signed=50)
    every += [(f"1 {place}", "visit", f"2018-02-0{1 + place % 3} 12:00") for place in range(99)]
    over = events(every, cutoff="2018-02-04")
    frame = changes(replace(WEEK, entry="each", window="6 hours").measure(over)).frame
    assert frame["visitors"].tolist()[:2] == [99, 0]
    assert frame["among"][2] == 14 + 66
    assert changes(replace(WEEK, window="6 hours").measure(over)).frame["among"][2] == 14


def test_the_changes_of_the_sample_by_days_of_pandas():
    table = sample_table()
    days = table.assign(day=table["occurred_at"].dt.tz_convert(TORONTO).dt.date)
    first = days[days["event"] == "visit"].groupby("visitor_id")["day"].min()
    signed = days[days["event"] == "sign"].groupby("visitor_id")["day"].min()
    result = changes(sample_answers()[0].funnel)
    weeks = [(date(2018, 1, 28), date(2018, 2, 3)), (date(2018, 1, 21), date(2018, 1, 27))]
    for place, instants in enumerate((first, signed)):
        counted = [int(instants.between(*week).sum()) for week in weeks]
        assert result.frame.loc[place, ["visitors", "before_visitors"]].tolist() == counted
    assert result.frame.loc[2, ["from_on", "before_from_on"]].tolist() == [date(2018, 1, 21), date(2018, 1, 14)]
    assert list(result.frame.columns) == list(COLUMNS)
    assert result.title == "The latest 7 days and the 7 before"
    assert result.speaking("fr").title == "Les 7 derniers jours et les 7 précédents"
    assert plain(result.summary()).startswith("“visit”, −59%: 8,666 from January 28 to February 3 against 21,276 from ")
    assert "Rate of “sign”, no clear change (" in result.summary()
    assert plain(result.summary("fr")).startswith("« visite », −59 % : 8\u202f666 du 28 janvier au 3 février contre ")


# The tiles and the table


def test_the_tiles_of_the_sample():
    whole, _, _, _ = sample_answers()
    did, of = sample_rate()
    tiles = key_numbers(whole.funnel, changes(whole.funnel), EN)
    assert [tile.label for tile in tiles] == [
        "Entered (“visit”)",
        "Reached “sign”",
        "Half of them within",
        "Then “share”",
        "Then “partner click”",
    ]
    assert [tile.value for tile in tiles[:2]] == ["60,205", "14,580"]
    interval = wilson(did, of).replace("% to", " to").replace("%", "")
    assert plain(tiles[1].detail) == f"{100 * did / of:.1f}% [{interval}] of those whose time is up"
    assert plain(tiles[0].change) == "−59% against the 7 days before"
    assert plain(tiles[1].change) == "−55% against the 7 days before; rate: no clear change"
    assert plain(tiles[3].change) == "no clear change against the 7 days before"
    assert re.fullmatch(r"9\.7% to 10\.7% of those who had 3 days for it; 1,484 people so far", plain(tiles[3].detail))
    french = key_numbers(whole.funnel, changes(whole.funnel), FR)
    assert french[3].detail == fr("9,7~% à 10,7~% de ceux qui ont eu 3~jours pour le faire^; 1^484 personnes à ce jour")
    assert french[1].change == fr("−55~% par rapport aux 7 jours précédents^; taux~: aucun changement manifeste")


def test_tiles_tell_nothing_of_few_people():
    result = WEEK.measure(petition(400, 120, 6, late=4))
    tiles = key_numbers(result, changes(result), EN)
    assert tiles[0].detail == "fewer than 10 still have time"
    assert (tiles[3].value, tiles[3].detail) == (
        "–",
        "fewer than 10 people; the rate is not told, as it rests on few people",
    )
    french = key_numbers(result, changes(result), FR)
    assert french[0].detail == "moins de 10 ont encore le temps"
    assert french[3].detail == fr("moins de 10 personnes^; le taux n’est pas communiqué, car il repose sur peu de gens")
    result = WEEK.measure(petition(400, 6))
    tiles = key_numbers(result, changes(result), EN)
    assert (tiles[1].value, tiles[1].detail) == ("fewer than 10", "the rate is not told, as it rests on few people")
    assert key_numbers(result, changes(result), FR)[1].value == "moins de 10"
    result = WEEK.measure(petition(400, 395))
    assert [tile.value for tile in key_numbers(result, changes(result), EN)[:2]] == ["not told", "395"]
    assert [tile.value for tile in key_numbers(result, changes(result), FR)[:2]] == ["non communiqué", "395"]


def test_tiles_before_any_time_is_up():
    result = WEEK.measure(petition(400, 50, late=400))
    tiles = key_numbers(result, changes(result), EN)
    assert tiles[1].detail == "nobody’s time is up yet"
    assert key_numbers(result, changes(result), FR)[1].detail == "aucun délai n’est encore écoulé"


def test_a_funnel_of_one_step_has_no_rate_to_change():
    result = Funnel(["sign"], follow_ups=["share"]).measure(petition(2_000, 500, 60))
    assert [(row["step"], row["number"]) for row in rows(changes(result).frame)] == [
        ("sign", "visitors"),
        ("share", "rate"),
    ]
    assert [tile.label for tile in key_numbers(result, changes(result), EN)] == ["Entered (“sign”)", "Then “share”"]


def test_as_json_the_changes_keep_their_sentences():
    told = json.loads(changes(WEEK.measure(events(two_weeks(), cutoff="2018-01-28"))).to_json())
    assert told["rows"][0] | {"from_on": "2018-01-21", "before_to_on": "2018-01-20"} == told["rows"][0]
    assert told["rows"][2]["difference"] is None
    assert plain(told["summary"]).startswith(
        "“visit”, +20%: 24 from January 21 to 27 against 20 from January 14 to 20. "
    )


def test_the_table_reads_a_row_a_number():
    every = two_weeks(1_000, 1_000, first_signed=200, second_signed=400)
    found = changes(WEEK.measure(events(every, cutoff="2018-02-04")))
    low, high = confint_proportions_2indep(400, 1_000, 200, 1_000, method="newcomb", compare="diff")
    table = change_table(found.frame, found.title, EN)
    assert [column.heading for column in table.columns] == [
        "Number",
        "Latest days",
        "Days before",
        "Latest",
        "Before",
        "Change",
    ]
    assert [plain(cell) for cell in table.rows[0]] == [
        "visit: how many",
        "Jan 28 to Feb 3, 2018",
        "Jan 21 to Jan 27, 2018",
        "0",
        "1,000",
        "−100%",
    ]
    assert plain(table.rows[2][0]) == "sign: rate"
    assert plain(table.rows[2][5]) == f"+20.0 points [+{100 * low:.1f} to +{100 * high:.1f}]"
    assert change_table(found.frame, "", FR).rows[0][0] == fr("visite~: nombre")
    one = changes(WEEK.measure(events(every, cutoff="2018-01-20")), "1 day")
    assert [plain(cell) for cell in change_table(one.frame, "", EN).rows[0][1:3]] == ["Jan 19, 2018", "Jan 18, 2018"]
    none = changes(WEEK.measure(events(every, cutoff="2018-01-20")), "30 days")
    assert change_table(none.frame, "", EN).rows[0][1:] == ("–",) * 5
