"""The verdict, sentence by sentence: each decision in English and in French, its numbers from another library."""

import pytest
from scipy.stats import norm
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

from funnel import Conversion, Count, Experiment, Guardrail
from funnel.stats import dunnett_critical, peeking
from tests.arms import events_of

NO_BREAK, NARROW = "\u00a0", "\u202f"
OPEN, CLOSE = f"«{NO_BREAK}", f"{NO_BREAK}»"
SEMICOLON, COLON = f"{NARROW};", f"{NO_BREAK}:"
GUARDRAIL = Guardrail("unsubscribe", margin=0.005)


def told(arms, **rules):
    """Return the result, and its three sentences in English and in French."""
    rules = {"primary": Conversion("share"), "window": "3 days", **rules}
    result = Experiment("page", control="thanks_only", **rules).measure(events_of(arms))
    assert result.verdict("en") == result.speaking("en").summary()
    return result, result.verdict("en").replace(NO_BREAK, " "), result.verdict("fr")


def arm(visitors, share, unsubscribe=0):
    return {"visitors": visitors, "share": share, "unsubscribe": unsubscribe}


def interval(x1, n1, x0, n0, level=0.95):
    """Return difference, ends of Newcombe's interval and p of the pooled z, all by statsmodels."""
    low, high = confint_proportions_2indep(x1, n1, x0, n0, method="newcomb", compare="diff", alpha=1 - level)
    return x1 / n1 - x0 / n0, low, high, proportions_ztest([x1, x0], [n1, n0])[1]


def signed(value, digits=1):
    return f"{value:+.{digits}f}".replace("-", "−")


def points(x1, n1, x0, n0, level=0.95):
    """Return the difference and the interval in percentage points, as the English sentences write them."""
    difference, low, high, p = interval(x1, n1, x0, n0, level)
    told_p = "p < 0.0001" if p < 0.0001 else f"p = {p:.4f}"
    return f"{signed(100 * difference)} points (95% interval {signed(100 * low)} to {signed(100 * high)} points", told_p


def test_a_winner_is_to_be_shown():
    result, english, french = told({"thanks_only": arm(2_000, 80), "share": arm(2_000, 200)})
    difference, p = points(200, 2_000, 80, 2_000)
    assert result.decision.code == "adopt"
    assert english == (
        "Show the variant “share”: “share” comes to 10.0% within 3 days, against 4.0% with “thanks only”. "
        f"The data show this: “share” differs from “thanks only” by {difference}; {p}). "
        "Correction: none is needed for one comparison; not known: whether it does harm (no guardrail was declared), "
        "whether the day of this look was fixed beforehand and what happens after 3 days."
    )
    share, thanks = f"{OPEN}partage{CLOSE}", f"{OPEN}merci seul{CLOSE}"
    low, high = (signed(100 * end).replace(".", ",") for end in interval(200, 2_000, 80, 2_000)[1:3])
    assert french == (
        f"Affichez la variante {share}{COLON} {share} atteint 10,0{NO_BREAK}% en 3{NO_BREAK}jours, contre"
        f" 4,0{NO_BREAK}% avec {thanks}. Les données montrent ceci{COLON} {share} s’écarte de {thanks} de"
        f" +6,0{NO_BREAK}points (intervalle"
        f" à 95{NO_BREAK}%{COLON} {low} à {high} points{SEMICOLON} p{NO_BREAK}<{NO_BREAK}0,0001). "
        f"Correction{COLON} aucune n’est nécessaire pour une seule comparaison{SEMICOLON} ce qu’on ignore{COLON}"
        " si elle nuit (aucun garde-fou n’a été déclaré), si le jour de cette analyse était fixé d’avance et ce qui se"
        f" passe après 3{NO_BREAK}jours."
    )


def test_winners_that_cannot_be_told_apart_are_named_with_intervals_for_all_at_once():
    arms = {"thanks_only": arm(2_000, 80, 2), "share": arm(2_000, 200, 2), "both": arm(2_000, 190, 2)}
    result, english, french = told(arms, planned=6_000, guardrails=[GUARDRAIL])
    level = 2 * norm.cdf(dunnett_critical([1, 1], 1)) - 1
    difference, _ = points(200, 2_000, 80, 2_000, level)
    assert (result.decision.code, result.decision.rivals) == ("adopt", ("both",))
    assert english == (
        "Show the variant “share”: “share” comes to 10.0% within 3 days, against 4.0% with “thanks only”. "
        f"The data show this: “share” differs from “thanks only” by {difference}, all variants at once; adjusted"
        " p < 0.0001); it cannot be told apart from “both”. "
        "Correction: Holm over 2 comparisons, with Dunnett’s intervals; not known: what happens after 3 days."
    )
    assert f"{SEMICOLON} on ne peut la distinguer de {OPEN}les deux{CLOSE}. " in french
    assert f"Correction{COLON} Holm sur 2 comparaisons, avec les intervalles de Dunnett{SEMICOLON} ce" in french


def test_a_winner_that_does_harm_is_not_to_be_shown():
    arms = {"thanks_only": arm(2_000, 80, 10), "share": arm(2_000, 200, 40)}
    result, english, french = told(arms, guardrails=[GUARDRAIL], planned=4_000)
    difference, p = points(200, 2_000, 80, 2_000)
    assert result.decision.code == "harmful"
    # The upper end by the score: 2.26 points (R's ratesci scoreci(40, 2000, 10, 2000, contrast = "RD") gives 0.0226).
    assert english == (
        "Keep “thanks only”: the variant “share” brings more “share” (10.0% against 4.0%), but does harm (“unsubscribe”"
        " +1.50 points, at worst +2.26 points by the interval, margin +0.50 points). "
        f"The data show this: “share” differs from “thanks only” by {difference}; {p}). "
        "Correction: none is needed for one comparison; not known: what happens after 3 days."
    )
    assert french.startswith(
        f"Gardez {OPEN}merci seul{CLOSE}{COLON} la variante {OPEN}partage{CLOSE} apporte plus de {OPEN}partage{CLOSE}"
        f" (10,0{NO_BREAK}% contre 4,0{NO_BREAK}%), mais nuit ({OPEN}désabonnement{CLOSE} +1,50{NO_BREAK}point, au pire"
        f" +2,26{NO_BREAK}points selon l’intervalle, marge de +0,50{NO_BREAK}point). "
    )


def test_a_winner_not_shown_safe_is_not_to_be_shown_to_everyone_yet():
    arms = {"thanks_only": arm(2_000, 80, 10), "share": arm(2_000, 200, 12)}
    result, english, french = told(arms, guardrails=[Guardrail("unsubscribe", margin=0.003)], planned=4_000)
    assert result.decision.code == "not shown safe"
    assert english.startswith(
        "Do not show the variant “share” to everyone yet: it brings more “share” (10.0% against 4.0%), but is not"
        " shown safe (“unsubscribe” +0.10 points, at worst +"
    )
    assert french.startswith(
        f"N’affichez pas encore la variante {OPEN}partage{CLOSE} à tout le monde{COLON} elle apporte plus de"
        f" {OPEN}partage{CLOSE} (10,0{NO_BREAK}% contre 4,0{NO_BREAK}%), mais sa sûreté n’est pas démontrée ("
    )


def test_a_safe_winner_goes_before_a_better_one_that_does_harm():
    arms = {"thanks_only": arm(4_000, 80, 10), "share": arm(4_000, 250, 80), "both": arm(4_000, 190, 12)}
    result, english, french = told(arms, guardrails=[GUARDRAIL], planned=12_000)
    assert (result.decision.variant, result.decision.passed_over) == ("both", ("share",))
    assert english.startswith(
        "Show the variant “both”: “share” comes to 4.8% within 3 days, against 2.0% with “thanks only”. "
    )
    assert "; “share” comes to 6.2%, but does harm. " in english
    assert f"{SEMICOLON} {OPEN}partage{CLOSE} atteint 6,2{NO_BREAK}%, mais nuit. " in french


def test_the_control_is_kept_where_the_others_bring_less():
    result, english, french = told({"thanks_only": arm(2_000, 80), "share": arm(2_000, 40)}, planned=4_000)
    difference, p = points(40, 2_000, 80, 2_000)
    assert result.decision.code == "keep control"
    assert english == (
        "Keep “thanks only”: the variant “share” brings less “share” within 3 days. "
        f"The data show this: “share” differs from “thanks only” by {difference}; {p}). "
        "Correction: none is needed for one comparison; not known: what happens after 3 days."
    )
    assert french.startswith(
        f"Gardez {OPEN}merci seul{CLOSE}{COLON} la variante {OPEN}partage{CLOSE} apporte moins de {OPEN}partage{CLOSE}"
        f" en 3{NO_BREAK}jours. Les données montrent ceci{COLON} "
    )


def test_no_difference_says_what_the_data_leave_room_for():
    result, english, french = told({"thanks_only": arm(2_000, 80), "share": arm(2_000, 85)}, planned=4_000)
    _, low, high, p = interval(85, 2_000, 80, 2_000)
    assert result.decision.code == "no difference"
    assert english == (
        "No variant is shown to bring more “share” within 3 days than “thanks only”: keep it, or choose on other"
        f" grounds. The data leave room for a difference of {signed(100 * low)} to {signed(100 * high)} points (95%"
        f" interval; p = {p:.4f}). "
        "Correction: none is needed for one comparison; not known: what happens after 3 days."
    )
    assert french.startswith(
        f"Rien ne démontre qu’une variante apporte plus de {OPEN}partage{CLOSE} en 3{NO_BREAK}jours que"
        f" {OPEN}merci seul{CLOSE}{COLON} gardez celle-ci, ou choisissez sur d’autres critères. "
    )


def test_too_few_visitors_are_not_enough_data():
    result, english, french = told({"thanks_only": arm(20, 8), "share": arm(25, 8)}, planned=45)
    assert (result.decision.code, result.decision.variant) == ("not enough data", "thanks_only")
    assert english == (
        "Not enough data: the variant “thanks only” has 20 visitors whose 3 days are over. "
        "A comparison needs 30 visitors or more in each arm, and at least one “share”. "
        "Correction: none is needed for one comparison; not known: what happens after 3 days."
    )
    assert french.startswith(
        f"Pas assez de données{COLON} la variante {OPEN}merci seul{CLOSE} compte 20 visiteurs dont le délai de"
        f" 3{NO_BREAK}jours est écoulé. Une comparaison demande au moins 30 visiteurs par variante, et au moins un"
        f" {OPEN}partage{CLOSE}. "
    )


def test_an_outcome_that_nobody_has_had_is_not_enough_data():
    arms = {"thanks_only": arm(50, 0, 3), "share": arm(50, 0, 3)}
    arms["share"]["share"] = 0
    events = events_of({**arms, "share": arm(50, 0, 3)})
    experiment = Experiment("page", control="thanks_only", primary=Conversion("unsubscribe"), planned=100)
    late = experiment.measure(events.where("event <> 'unsubscribe'"))
    assert late.decision.code == "not enough data"
    assert late.verdict().startswith(
        "Not enough data: there is no “unsubscribe” in any variant yet. A comparison needs 30"
    )


def test_several_variants_that_all_bring_less_and_several_that_bring_nothing_new():
    _, english, _ = told({"thanks_only": arm(2_000, 80), "share": arm(2_000, 40), "both": arm(2_000, 30)})
    assert english.startswith("Keep “thanks only”: every other variant brings less “share” within 3 days. ")
    _, english, french = told({"thanks_only": arm(2_000, 80), "share": arm(2_000, 85), "both": arm(2_000, 90)})
    assert "(95% for all variants at once; adjusted p = 0." in english
    assert f"(à 95{NO_BREAK}% pour toutes les variantes à la fois{SEMICOLON} p{NO_BREAK}={NO_BREAK}0," in french


def test_a_broken_split_withholds_every_difference():
    result, english, french = told({"thanks_only": arm(2_000, 80), "share": arm(1_700, 185)}, planned=4_000)
    assert result.decision.code == "split broken"
    assert english == (
        "This experiment cannot be read: the split is broken. Visitors did not fall into the variants as planned over"
        " the whole experiment (p < 0.0001): “thanks only” 2,000 (50% planned) and “share” 1,700 (50% planned). No"
        " correction mends that, and no difference is known: look for the cause first (redirects, caches, robots,"
        " exposures logged late, shares changed midway)."
    )
    assert french == (
        f"Cette expérience ne peut être lue{COLON} la répartition est faussée. Les visiteurs ne se sont pas répartis"
        f" comme prévu sur toute l’expérience (p{NO_BREAK}<{NO_BREAK}0,0001){COLON} {OPEN}merci seul{CLOSE}"
        f" 2{NARROW}000 (50{NO_BREAK}% prévus) et {OPEN}partage{CLOSE} 1{NARROW}700 (50{NO_BREAK}% prévus). Aucune"
        f" correction n’y remédie, et aucun écart n’est connu{COLON} cherchez d’abord la cause (redirections, caches,"
        " robots, expositions notées en retard, répartition changée en route)."
    )


def test_a_fixed_test_before_its_planned_size_says_what_reading_it_early_does():
    result, english, french = told({"thanks_only": arm(2_000, 80), "share": arm(2_000, 185)}, planned=10_000)
    difference, p = points(185, 2_000, 80, 2_000)
    assert result.decision.code == "wait"
    # 46 days from the first exposure to the cutoff for 40 % of the visitors: 114 days to the end, read as 100 looks.
    now, daily = peeking([0.4, 1]), peeking(100)
    assert english == (
        "Do not decide yet: 4,000 of the 10,000 planned visitors have had their 3 days. "
        f"So far “share” differs from “thanks only” by {difference}; {p}), but a fixed test read now and again at the"
        f" end errs in {now:.0%} of cases instead of 5%, and one read daily in {daily:.0%}. "
        "Correction: none is needed for one comparison; not known: what happens after 3 days."
    )
    assert french.startswith(
        f"Ne décidez pas encore{COLON} le délai de 3{NO_BREAK}jours n’est écoulé que pour"
        f" 4{NARROW}000 des 10{NARROW}000 visiteurs prévus. Jusqu’ici, "
    )
    assert any("Only 40% of the planned visitors are in." in note for note in result.notes)


def test_planned_looks_wait_until_their_boundary_is_crossed_and_then_decide():
    arms = {"thanks_only": arm(2_000, 80), "share": arm(2_000, 90)}
    result, english, _ = told(arms, planned=10_000, looks=4)
    assert result.decision.code == "wait"
    assert english.startswith("Do not decide yet: 4,000 of the 10,000 planned visitors have had their 3 days. So far “")
    assert english.endswith("Correction: for 4 planned looks (O’Brien-Fleming); not known: what happens after 3 days.")
    result, english, french = told({**arms, "share": arm(2_000, 185)}, planned=10_000, looks=4)
    assert result.decision.code == "adopt"
    assert f"Correction{COLON} pour 4 analyses prévues (O’Brien-Fleming){SEMICOLON} ce qu’on ignore" in french


def test_looking_at_any_time_says_so_and_decides_when_its_interval_leaves_out_no_difference():
    arms = {"thanks_only": arm(2_000, 80), "share": arm(2_000, 185), "both": arm(2_000, 90)}
    result, english, french = told(arms, planned=20_000, looks="anytime")
    assert (result.decision.code, result.decision.variant) == ("adopt", "share")
    assert english.endswith(
        "Correction: Holm over 2 comparisons, with Bonferroni’s intervals, valid however often one looks (confidence"
        " sequence); not known: whether it does harm (no guardrail was declared) and what happens after 3 days."
    )
    assert "valable aussi souvent que l’on regarde (suite de confiance)" in french


def test_pending_visitors_are_named_among_what_is_not_known():
    experiment = Experiment("page", control="thanks_only", primary=Conversion("share"), window="3 days", planned=1_000)
    events = events_of({"thanks_only": arm(1_000, 80), "share": arm(1_000, 85)}, cutoff=None)
    result = experiment.measure(events)
    pending = int(result.frame["pending"].head(2).sum())
    assert pending > 0
    assert result.verdict().endswith(
        f"not known: what {pending} pending visitors will do and what happens after 3\xa0days."
    )


def test_means_are_told_in_numbers_per_visitor():
    arms = {"thanks_only": arm(2_000, 80), "share": arm(2_000, 200)}
    _, english, french = told(arms, primary=Count("share"), planned=4_000)
    assert english.startswith(
        "Show the variant “share”: “share, per visitor” comes to 0.100 within 3 days, against 0.040 with “thanks"
        " only”. The data show this: “share” differs from “thanks only” by +0.060 (95% interval +0.04"
    )
    assert f"{OPEN}partage, par visiteur{CLOSE} atteint 0,100" in french


@pytest.mark.parametrize("code", ["en", "fr"])
@pytest.mark.parametrize("shared", [0, 60, 80, 100, 400])
@pytest.mark.parametrize("looks", ["fixed", 3, "anytime"])
def test_every_verdict_is_three_sentences(code, shared, looks):
    arms = {"thanks_only": arm(500, 80, 5), "share": arm(500, shared, 6), "both": arm(500, 85, 30)}
    events = events_of(arms)
    for planned in (None, 1_500, 15_000):
        rules = {"guardrails": [GUARDRAIL], "looks": looks, "planned": planned}
        experiment = Experiment("page", control="thanks_only", primary=Conversion("share"), **rules)
        sentences = experiment.measure(events).verdict(code)
        assert sentences.count(". ") == 2
        assert sentences.endswith(".")
        assert "{" not in sentences
