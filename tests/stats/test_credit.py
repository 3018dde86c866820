import math
import random
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from funnel.errors import DataError, DefinitionError
from funnel.stats import Paths, credit_intervals, markov_removal, rules, shapley
from funnel.stats.credit import MODELS

# Names that begin like each other, more than nine of them, and some that look like states of a chain.
NAMES = ["c1", "c", "c10", "c11", "c1 > c", "START", "(conversion)", "null", "", "é", "C1", "c12"]

rows = st.lists(
    st.tuples(st.lists(st.sampled_from(NAMES), max_size=6).map(tuple), st.integers(0, 5), st.integers(0, 5)),
    max_size=8,
)
few_channels = st.lists(
    st.tuples(st.lists(st.sampled_from("abcd"), max_size=6).map(tuple), st.integers(0, 4), st.integers(0, 4)),
    max_size=6,
)

# eeghor/mta, tests/conftest.py: a data set "whose total conversion credit is easy to verify".
MTA = [(("direct",), 2, 1), (("search", "email"), 3, 2), (("search", "social", "email"), 5, 4)]

# Bryl 2016, analyzecore.com, "Attribution model with R (part 1)": one journey converts, two do not.
BRYL = [(("C1", "C2", "C3"), 1, 0), (("C1",), 0, 1), (("C2", "C3"), 0, 1)]


def credit(model, paths, *, direct="c1"):
    """Return the credit by any model, touches being 2.5 days apart."""
    if model == "markov":
        return markov_removal(paths)
    if model == "shapley":
        return shapley(paths)
    ages = [[2.5 * (len(touched) - place) for place in range(len(touched))] for touched, _, _ in paths]
    return rules(Paths.of(paths, ages), model=model, direct=direct)


def near(expected):
    return pytest.approx(expected, rel=1e-9, abs=1e-9)


# Second ways to the answer


def chain_of(paths, order, self_loops=True):
    """Return the chain, state -> next state -> probability: a tuple of channels, True or False at the end."""
    moves = defaultdict(Counter)
    for touched, conversions, others in paths:
        kept = [name for i, name in enumerate(touched) if self_loops or i == 0 or touched[i - 1] != name]
        if not kept:
            continue
        states = [()] + [tuple(kept[max(0, end - order) : end]) for end in range(1, len(kept) + 1)]
        for state, following in pairwise(states):
            moves[state][following] += conversions + others
        moves[states[-1]][True] += conversions
        moves[states[-1]][False] += others
    return {
        state: {following: n / sum(counts.values()) for following, n in counts.items() if n}
        for state, counts in moves.items()
        if sum(counts.values())
    }


def by_walking(chain, removed=None):
    """Return the chance to convert by walking the chain until nobody is left on the way."""
    places, converted = {(): 1.0}, 0.0
    while sum(places.values()) > 1e-16:
        ahead = defaultdict(float)
        for state, present in places.items():
            for following, chance in chain[state].items():
                if following is True:
                    converted += present * chance
                elif following is not False and following[-1] != removed:
                    ahead[following] += present * chance
        places = ahead
    return converted


def by_elimination(chain, removed=None):
    """Return the chance to convert by solving the equations of the states that are left."""
    states = {state: i for i, state in enumerate(s for s in chain if not s or s[-1] != removed)}
    equations, exits = np.eye(len(states)), np.zeros(len(states))
    for state, i in states.items():
        for following, chance in chain[state].items():
            if following is True:
                exits[i] += chance
            elif following in states:
                equations[i, states[following]] -= chance
    return np.linalg.solve(equations, exits)[states[()]]


def removal(paths, converting, *, order=1, self_loops=True):
    """Return the credit by the definition: each removal effect, and its share of the conversions."""
    chain = chain_of(paths, order, self_loops)
    channels = {name for touched, _, _ in paths for name in touched}
    whole = converting(chain) if chain else 0.0
    if whole == 0:
        return dict.fromkeys(channels, 0.0)
    effects = {name: 1 - converting(chain, name) / whole for name in channels}
    conversions = sum(conversions for touched, conversions, _ in paths if touched)
    return {name: effect / sum(effects.values()) * conversions for name, effect in effects.items()}


def by_all_coalitions(players, worth):
    """Return each player's Shapley value by the definition, from the worth of all 2^n sets of players."""
    values = {}
    for player in players:
        others = [each for each in players if each != player]
        values[player] = sum(
            Fraction(math.factorial(size) * math.factorial(len(others) - size), math.factorial(len(players)))
            * (worth({*joined, player}) - worth(set(joined)))
            for size in range(len(others) + 1)
            for joined in combinations(others, size)
        )
    return values


# Published cases


def test_markov_gives_exactly_what_puzyrov_works_out():
    # Puzyrov 2019, serhiipuzyrov.com, "Markov chain attribution: simple explanation of removal effect": effects of 0.75
    # and 0.5. ChannelAttribution 2.2.5 simulates and prints 2.40399 and 1.59601.
    paths = [(("google",), 2, 0), (("mailing",), 1, 0), (("google", "mailing"), 1, 0), (("google",), 0, 1)]
    assert markov_removal(paths) == pytest.approx({"google": 2.4, "mailing": 1.6}, abs=1e-12)


def test_markov_gives_bryl_s_channels_20_40_and_40_percent():
    # One of three converts; without C1 half of it is lost, without C2 or C3 all.
    assert by_walking(chain_of(BRYL, 1)) == pytest.approx(1 / 3)
    assert markov_removal(BRYL) == pytest.approx({"C1": 0.2, "C2": 0.4, "C3": 0.4}, abs=1e-12)


@pytest.mark.parametrize("model", ["linear", "shapley"])
def test_bryl_s_one_conversion_is_split_evenly_otherwise(model):
    assert credit(model, BRYL) == pytest.approx({"C1": 1 / 3, "C2": 1 / 3, "C3": 1 / 3}, abs=1e-12)


def test_rules_give_what_mta_gives():
    # eeghor/mta, tests/test_heuristic_models.py.
    assert credit("first", MTA) == {"direct": 2, "email": 0, "search": 8, "social": 0}
    assert credit("last", MTA) == {"direct": 2, "email": 8, "search": 0, "social": 0}
    assert credit("linear", MTA) == near({"direct": 2, "search": 19 / 6, "email": 19 / 6, "social": 5 / 3})
    assert credit("position", MTA) == near({"direct": 2, "search": 3.5, "email": 3.5, "social": 1})
    assert credit("linear", [(("a", "a", "b"), 6, 0)]) == near({"a": 4, "b": 2})
    assert credit("position", [(("x", "y"), 10, 0)]) == {"x": 5, "y": 5}


def test_shapley_gives_what_mta_gives():
    # eeghor/mta, tests/test_shapley.py.
    assert shapley([(("a",), 4, 0), (("a", "b"), 6, 0)]) == {"a": 7, "b": 3}
    assert shapley([(("a", "b", "c", "d"), 10, 0)]) == {"a": 2.5, "b": 2.5, "c": 2.5, "d": 2.5}


def test_shapley_shares_the_airport_out():
    # The airport game with runways of 8, 11, 13 and 18 (Littlechild and Owen 1973, Manage Sci 20:370): 2, 3, 4 and 9.
    # What is saved when the others do not fly is the stretch only these aircraft need: one path a stretch.
    stretches = [(("A", "B", "C", "D"), 8, 0), (("B", "C", "D"), 3, 0), (("C", "D"), 2, 0), (("D",), 5, 0)]
    assert shapley(stretches) == pytest.approx({"A": 2, "B": 3, "C": 4, "D": 9}, abs=1e-12)
    runways = {"A": 8, "B": 11, "C": 13, "D": 18}
    needed = by_all_coalitions("ABCD", lambda aircraft: max((runways[each] for each in aircraft), default=0))
    assert needed == {"A": 2, "B": 3, "C": 4, "D": 9}


def test_the_definition_of_shapley_used_here_shares_the_gloves_out():
    # The glove game: a left glove each for 1 and 2, the right one for 3. No set of paths is this game, as the worth of
    # all three is less than that of its parts; it checks the yardstick of the next test.
    gloves = by_all_coalitions([1, 2, 3], lambda joined: int(3 in joined and len(joined) > 1))
    assert gloves == {1: Fraction(1, 6), 2: Fraction(1, 6), 3: Fraction(4, 6)}


# Against the definitions


@given(few_channels)
@settings(max_examples=60, deadline=None)
def test_shapley_is_the_mean_of_what_channels_add_to_all_sets_of_channels(paths):
    channels = sorted({name for touched, _, _ in paths for name in touched})

    def worth(joined):
        return sum(conversions for touched, conversions, _ in paths if touched and set(touched) <= joined)

    assert shapley(paths) == near({name: float(value) for name, value in by_all_coalitions(channels, worth).items()})


@given(few_channels, st.integers(1, 4), st.booleans())
@settings(max_examples=80, deadline=None)
def test_markov_is_what_walking_the_chain_without_each_channel_loses(paths, order, self_loops):
    expected = removal(paths, by_walking, order=order, self_loops=self_loops)
    assert markov_removal(paths, order=order, self_loops=self_loops) == near(expected)


def test_a_chain_with_loops_worked_by_hand():
    # From a: 1/3 to itself, 1/3 to b, 1/3 converts; from b: half to a, half ends. P = a / 3 with a = 1/3 + a/3 + b/3
    # and b = a/2, so a = 2/3 where all begin. Without b: a = 1/3 + a/3 = 1/2, an effect of 1/4; without a: 1.
    paths = [(("a", "a", "b", "a"), 1, 0), (("a", "a", "b"), 0, 1), (("a",), 1, 0)]
    chain = chain_of(paths, 1)
    assert chain["a",] == {("a",): 2 / 6, ("b",): 2 / 6, True: 2 / 6}
    assert markov_removal(paths) == near({"a": 2 * 4 / 5, "b": 2 / 5})


@given(rows)
@settings(max_examples=40, deadline=None)
def test_loops_of_one_channel_change_nothing_in_a_chain_of_order_1(paths):
    assert markov_removal(paths, self_loops=False) == near(markov_removal(paths))


def test_loops_of_one_channel_crowd_out_what_came_before_in_a_chain_of_order_2():
    # All from a convert, nobody from c. Two touches of b hide which it was, unless they count as one.
    paths = [(("a", "b", "b"), 1, 0), (("c", "b", "b"), 0, 1)]
    hidden = markov_removal(paths, order=2)
    assert hidden == near({"a": 1 / 4, "b": 1 / 2, "c": 1 / 4})
    assert markov_removal(paths, order=2, self_loops=False) == near({"a": 1 / 2, "b": 1 / 2, "c": 0})


def test_a_chain_of_many_states_is_solved_as_well():
    chance = random.Random(7)
    names = [f"c{i}" for i in range(12)]
    paths = [(tuple(chance.choices(names, k=chance.randint(1, 9))), chance.randint(0, 2), 1) for _ in range(200)]
    paths.append((("nobody", "c1", "c2", "c3", "c4", "c5", "c6", "c7"), 0, 3))
    assert len(chain_of(paths, 3)) > 501
    credited = markov_removal(paths, order=3)
    assert credited == near(removal(paths, by_elimination, order=3))
    assert markov_removal(paths, order=9)["nobody"] == 0


def test_a_chain_that_goes_round_for_thousands_of_touches_is_solved_as_well():
    chance = random.Random(3)
    names = [f"c{i}" for i in range(24)]
    round_and_round = tuple(chance.choices(names, k=20_000))
    paths = [((*round_and_round, "end"), 3, 1), (("end", *round_and_round[:5000]), 1, 2)]
    assert len(chain_of(paths, 2)) > 501
    assert markov_removal(paths, order=2) == pytest.approx(removal(paths, by_elimination, order=2), rel=1e-7)


# The rules


def test_time_decay_halves_every_half_life():
    ages = [[14, 7, 0]]
    paths = Paths.of([(("radio", "mail", "friend"), 7, 0)], ages)
    assert rules(paths, model="time_decay") == near({"radio": 1, "mail": 2, "friend": 4})
    # Half-lives of 14 days: weights 1/2, 1/sqrt(2) and 1.
    whole = 1.5 + math.sqrt(0.5)
    slower = {"radio": 3.5 / whole, "mail": 7 * math.sqrt(0.5) / whole, "friend": 7 / whole}
    assert rules(paths, model="time_decay", half_life=14) == near(slower)


def test_time_decay_of_very_old_touches_looks_at_what_lies_between_them():
    paths = Paths.of([(("radio", "mail"), 3, 0)], [[1e6 + 7, 1e6]])
    assert rules(paths, model="time_decay") == near({"radio": 1, "mail": 2})


def test_ages_of_touches_that_led_nowhere_are_not_read():
    paths = Paths.of([(("radio", "mail"), 0, 4), (("mail",), 2, 1)], [[math.nan, -1], [3]])
    assert rules(paths, model="time_decay") == {"mail": 2, "radio": 0}


@pytest.mark.parametrize(
    ("path", "credited"),
    [(("mail", "direct"), "mail"), (("mail", "radio", "direct", "direct"), "radio"), (("direct", "mail"), "mail"),
     (("direct", "direct"), "direct"), (("mail",), "mail")],
)  # fmt: skip
def test_the_last_touch_that_is_not_direct_gets_the_conversion(path, credited):
    given_to = rules([(path, 3, 1)], model="last_non_direct", direct="direct")
    assert {name: value for name, value in given_to.items() if value} == {credited: 3}


def test_where_nobody_came_directly_the_last_touch_gets_the_conversion():
    assert rules(MTA, model="last_non_direct", direct="no such visit") == rules(MTA, model="last")


def test_position_gives_40_20_40():
    assert rules([(("a", "b", "c", "d"), 10, 0)], model="position") == near({"a": 4, "b": 1, "c": 1, "d": 4})
    assert rules([(("a",), 10, 0)], model="position") == {"a": 10}
    assert rules([(("a", "a", "b"), 10, 0)], model="position") == near({"a": 6, "b": 4})


# What holds for every model


@given(rows)
@settings(max_examples=60, deadline=None)
def test_credit_is_never_negative_and_sums_to_the_conversions_with_a_touch(paths):
    touched = sum(conversions for path, conversions, _ in paths if path)
    for model in MODELS:
        credited = credit(model, paths)
        assert set(credited) == {name for path, _, _ in paths for name in path}
        assert all(value >= 0 for value in credited.values())
        assert sum(credited.values()) == near(touched)
    assert Paths.of(paths).untouched == sum(conversions for path, conversions, _ in paths if not path)


@given(rows, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_rows_changes_nothing(paths, chance):
    shuffled = chance.sample(paths, len(paths))
    for model in MODELS:
        assert credit(model, shuffled) == near(credit(model, paths))


@given(rows, st.permutations(NAMES))
@settings(max_examples=40, deadline=None)
def test_other_names_of_the_channels_change_nothing(paths, others):
    renamed = dict(zip(NAMES, others, strict=True))
    told = [(tuple(renamed[name] for name in path), conversions, rest) for path, conversions, rest in paths]
    for model in MODELS:
        expected = {renamed[name]: value for name, value in credit(model, paths).items()}
        assert credit(model, told, direct=renamed["c1"]) == near(expected)


@given(rows, st.integers(0, 5), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_a_row_split_in_two_changes_nothing(paths, conversions, rest):
    path = ("c1", "c10", "c1", "c")
    whole = [*paths, (path, conversions + 2, rest + 1)]
    split = [(path, 2, rest), *paths, (path, conversions, 1)]
    for model in MODELS:
        assert credit(model, split) == near(credit(model, whole))


@given(rows, st.sampled_from([0.125, 3, 1000]))
@settings(max_examples=40, deadline=None)
def test_more_journeys_of_each_path_give_as_much_more_credit(paths, times):
    scaled = [(path, conversions * times, rest * times) for path, conversions, rest in paths]
    for model in MODELS:
        expected = {name: value * times for name, value in credit(model, paths).items()}
        assert credit(model, scaled) == near(expected)


@pytest.mark.parametrize("model", MODELS)
def test_twelve_channels_whose_names_begin_alike_are_kept_apart(model):
    paths = [((name,), number, 1) for number, name in enumerate(NAMES, start=1)]
    assert credit(model, paths) == near({name: number for number, name in enumerate(NAMES, start=1)})


@pytest.mark.parametrize("model", MODELS)
def test_no_conversion_gives_no_credit_and_no_path_no_channel(model):
    assert credit(model, [(("a", "b"), 0, 3), (("b",), 0, 0), ((), 4, 1)]) == {"a": 0, "b": 0}
    assert credit(model, []) == {}
    assert credit(model, [((), 4, 1)]) == {}


# Channels after which nobody converted


@given(few_channels, st.sampled_from([model for model in MODELS if model != "markov"]))
@settings(max_examples=40, deadline=None)
def test_a_channel_only_on_paths_without_conversions_has_no_credit(paths, model):
    assert credit(model, [*paths, (("x", "a", "x"), 0, 3)])["x"] == 0


@given(few_channels)
@settings(max_examples=40, deadline=None)
def test_such_a_channel_has_no_credit_in_a_chain_as_long_as_the_paths_either(paths):
    assert markov_removal([*paths, (("x", "a", "x"), 0, 3)], order=6)["x"] == 0


def test_such_a_channel_may_have_credit_in_a_shorter_chain():
    # Half of those at b convert, wherever they came from: without x half of the conversions are lost, without b all.
    assert markov_removal([(("b",), 1, 0), (("x", "b"), 0, 1)]) == near({"x": 1 / 3, "b": 2 / 3})


# Intervals


def test_the_interval_of_the_only_channel_is_the_binomial_s():
    found = credit_intervals([(("radio",), 30, 60), ((), 0, 10)], models=["last", "markov"], resamples=4000)
    for model in ("last", "markov"):
        radio = found[model]["radio"]
        assert radio.value == 30
        assert (radio.low, radio.high) == pytest.approx(binom(100, 0.3).ppf([0.025, 0.975]), abs=1)


def test_the_interval_is_that_of_drawing_visitor_by_visitor():
    paths = [(("a", "b"), 12, 30), (("b",), 8, 20), (("a",), 3, 40), (("b", "a", "b"), 4, 9), ((), 5, 9)]
    found = credit_intervals(paths, models=["markov"], resamples=4000)["markov"]
    visitors = [(path, converts) for path, yes, no in paths for converts in [1] * yes + [0] * no]
    chance = random.Random(11)
    drawn = []
    for _ in range(800):
        tally = Counter(chance.choices(visitors, k=len(visitors)))
        drawn.append(markov_removal([(path, n * c, n * (1 - c)) for (path, c), n in tally.items()])["a"])
    assert (found["a"].low, found["a"].high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.6)
    assert found["a"].value == near(markov_removal(paths)["a"])


def test_journeys_each_on_a_path_of_their_own_are_drawn_as_all_others():
    own = [(("c2" if number % 3 else "c3", *f"{number:b}"), 1, 0) for number in range(300)]
    found = credit_intervals([*own, (("c2",), 50, 150)], models=["first"], resamples=4_000)["first"]
    # Of 500 journeys, 250 convert and begin with c2, 100 with c3.
    for channel, share in (("c2", 0.5), ("c3", 0.2)):
        expected = binom(500, share).ppf([0.025, 0.975])
        assert found[channel].value == 500 * share
        assert [found[channel].low, found[channel].high] == pytest.approx(expected, abs=2)


def test_intervals_do_not_depend_on_the_order_or_the_splitting_of_rows():
    ages = [[1], [9, 2], [4]]
    paths = Paths.of([(("a",), 3, 9), (("a", "b"), 4, 2), (("b",), 1, 5)], ages)
    other = Paths.of(
        [(("b",), 0, 5), (("a", "b"), 4, 2), (("a",), 2, 0), (("b",), 1, 0), (("a",), 1, 9)],
        [[4], *ages[1::-1], [4], [1]],
    )
    told = [
        {(model, name): (each.low, each.high) for model, found in intervals.items() for name, each in found.items()}
        for intervals in (credit_intervals(rows, models=MODELS, direct="b", resamples=50) for rows in (paths, other))
    ]
    assert told[0] == told[1]


def test_intervals_hold_the_credit_and_start_at_0_or_above():
    intervals = credit_intervals(MTA, models=[model for model in MODELS if model != "time_decay"], direct="direct")
    for model, found in intervals.items():
        assert {name: each.value for name, each in found.items()} == near(credit(model, MTA, direct="direct"))
        assert all(0 <= each.low <= each.value <= each.high for each in found.values())


COVERED = ("first", "linear", "position", "markov", "shapley")
SIZES = {"under 5": (1e-9, 5), "5 to 10": (5, 10), "10 to 50": (10, 50), "50 and more": (50, math.inf)}


def coverage(*, journeys, populations, campaigns, resamples):
    """Return by expected credit and model how often the interval of a channel held it: populations of 25 paths."""
    known, held = Counter(), Counter()
    for seed in range(populations):
        generator = np.random.default_rng(seed)
        paths = [tuple(generator.choice(list("abcde"), size=size)) for size in generator.integers(0, 6, size=25)]
        share, converting = generator.dirichlet(np.full(25, 0.7)), generator.uniform(0.05, 0.5, size=25)
        cells = np.concatenate([share * converting, share * (1 - converting)])
        for several in journeys:
            expected = [(path, *cells[[i, i + 25]] * several) for i, path in enumerate(paths)]
            truth = {model: credit(model, expected) for model in COVERED}
            for campaign in range(campaigns):
                drawn = generator.multinomial(several, cells / cells.sum())
                seen = [(path, drawn[i], drawn[i + 25]) for i, path in enumerate(paths)]
                found = credit_intervals(seen, models=COVERED, resamples=resamples, seed=campaign)
                for model in COVERED:
                    for name, each in found[model].items():
                        value = truth[model][name]
                        where = [(size, model) for size, (low, high) in SIZES.items() if low <= value < high]
                        known.update(where)
                        held.update(where if each.low <= value <= each.high else [])
    return {size: {model: held[size, model] / known[size, model] for model in COVERED} for size in SIZES}


def test_intervals_hold_the_expected_credit():
    shares = coverage(journeys=[300, 2000], populations=2, campaigns=20, resamples=150)
    assert min(*shares["10 to 50"].values(), *shares["50 and more"].values()) > 0.88


@pytest.mark.slow
def test_the_coverage_of_intervals_of_credit_printed(capsys):
    shares = coverage(journeys=[100, 300, 1000, 3000], populations=12, campaigns=100, resamples=1000)
    with capsys.disabled():
        print("\n\n95 % intervals of a channel's credit: how often they hold the expected one, by its size")
        for size, row in shares.items():
            print(f"{size:12}", "  ".join(f"{model} {share:.1%}" for model, share in row.items()))
    assert all(0.92 < share < 0.97 for size in ("10 to 50", "50 and more") for share in shares[size].values())
    # Of a handful of conversions, those a channel did not happen to get are not drawn: too narrow, and known to be.
    assert all(0.75 < share < 0.96 for size in ("under 5", "5 to 10") for share in shares[size].values())


# What is refused


def refusal(question, *arguments, **options):
    with pytest.raises((DataError, DefinitionError)) as error:
        question(*arguments, **options)
    return type(error.value), str(error.value)


def test_an_unknown_model_is_refused_with_those_known():
    assert refusal(rules, MTA, model="Lineer") == (
        DefinitionError,
        "No model named 'Lineer'. Did you mean 'linear'? "
        "Known: first, last, last_non_direct, linear, position, time_decay.",
    )
    assert refusal(credit_intervals, MTA, models=["removal"]) == (
        DefinitionError,
        "No model named 'removal'. Known: first, last, last_non_direct, linear, position, time_decay, markov, shapley.",
    )


def test_what_a_model_needs_is_asked_for():
    assert refusal(rules, MTA, model="last_non_direct") == (
        DefinitionError,
        "The model 'last_non_direct' needs the channel that is direct. Write direct='...', one of: "
        "direct, email, search, social.",
    )
    assert refusal(rules, MTA, model="time_decay") == (
        DefinitionError,
        "The model 'time_decay' needs the age of each touch. Give the paths as Paths.of(paths, ages), in days.",
    )


@pytest.mark.parametrize("half_life", [0, -1, math.inf, math.nan])
def test_a_half_life_is_a_number_of_days(half_life):
    paths = Paths.of([(("a",), 1, 0)], [[1]])
    sentence = f"half_life={half_life} is no number of days. Write 7 for a week."
    assert refusal(rules, paths, model="time_decay", half_life=half_life) == (DefinitionError, sentence)


@pytest.mark.parametrize("order", [0, -1, 1.5])
def test_an_order_is_a_number_of_touches(order):
    sentence = f"order={order!r} is no number of touches to remember. Write 1, 2, ..."
    assert refusal(markov_removal, MTA, order=order) == (DefinitionError, sentence)


def test_what_cannot_be_drawn_again_is_refused():
    assert refusal(credit_intervals, [(("a",), 1.5, 2)]) == (
        DataError,
        "A number of journeys is not whole, so they cannot be drawn again. Give whole numbers.",
    )
    sentence = "There are no journeys, so none can be drawn again. Give 1 or more."
    assert refusal(credit_intervals, []) == (DataError, sentence)
    assert refusal(credit_intervals, [(("a",), 0, 0)]) == (DataError, sentence)
    assert refusal(credit_intervals, MTA, resamples=0) == (
        DefinitionError,
        "resamples=0 is no number of draws. Write 1000, or more for steadier ends.",
    )
    assert refusal(credit_intervals, MTA, level=95) == (
        DefinitionError,
        "level=95 is no share between 0 and 1. Write level=0.95 for 95 %.",
    )


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (("search", 1, 0),
         "The path 'search' is a text, not the channels of a path. Write ('search',) for one touch."),
        ((("a", None), 1, 0), "A touch has no channel, or one that is no text. Give its name, 'unknown' if need be."),
        ((("a",), -1, 0), "A number of journeys is missing, negative or infinite. Give 0 or more for each path."),
        ((("a",), 1, math.nan), "A number of journeys is missing, negative or infinite. Give 0 or more for each path."),
        ((("a",), math.inf, 0), "A number of journeys is missing, negative or infinite. Give 0 or more for each path."),
    ],
)  # fmt: skip
def test_a_path_that_cannot_be_read_is_refused(path, sentence):
    for model in (shapley, markov_removal):
        assert refusal(model, [path]) == (DataError, sentence)


def test_ages_that_do_not_fit_are_refused():
    paths = [(("a", "b"), 1, 0)]
    assert refusal(Paths.of, paths, [[1]]) == (
        DataError,
        "The ages are not those of the touches. Give one list a path, with one age a touch.",
    )
    for age in (-1, math.nan, math.inf):
        assert refusal(Paths.of, paths, [[1, age]]) == (
            DataError,
            "The age of a touch is missing, negative or infinite. Give days before the conversion, 0 or more.",
        )


def test_arrays_that_do_not_fit_are_refused():
    arrays = {"touches": [0, 1], "lengths": [2], "conversions": [1], "non_conversions": [0]}
    assert refusal(Paths, ["a", "b"], **arrays | {"conversions": [1, 2], "lengths": [3]}) == (
        DataError,
        "1 paths of 3 touches have 2 numbers of conversions, 1 of non-conversions, and 2 channels. "
        "Give one of each a path, and a channel a touch.",
    )
    assert refusal(Paths, ["a", "a"], **arrays) == (DataError, "Two channels have one name. Give each name once.")
    assert refusal(Paths, ["a"], **arrays) == (
        DataError,
        "A touch is of no known channel. Give its position among the channels, from 0.",
    )
    assert refusal(Paths, ["a", "b"], **arrays, ages=[1]) == (
        DataError,
        "1 ages for 2 touches. Give one age a touch, in days.",
    )


def test_arrays_and_lists_are_the_same_paths():
    read = Paths(
        ["b", "a", "unused"], touches=[1, 0, 0], lengths=[2, 0, 1], conversions=[3, 1, 0], non_conversions=[1, 1, 4]
    )
    told = [(("a", "b"), 3, 1), ((), 1, 1), (("b",), 0, 4)]
    for model in ("first", "linear", "position"):
        assert rules(read, model=model) == near({**rules(told, model=model), "unused": 0})
    assert shapley(read) == near({**shapley(told), "unused": 0})
    assert markov_removal(read) == near({**markov_removal(told), "unused": 0})
    assert read.untouched == 1
