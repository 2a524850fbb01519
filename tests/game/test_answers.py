import math

import pytest

from kangaroo.errors import KangarooError
from kangaroo.game.answers import Answer, Options, Score, points_of

AT, CZ, NZ = "Austria", "Czech Republic", "New Zealand"
VIENNA, PRAGUE, AUCKLAND, ATLANTIC = (48.21, 16.37), (50.08, 14.43), (-36.9, 174.8), (0.0, -30.0)


@pytest.fixture
def options():
    return Options((AT, CZ, NZ), points_of((AT, CZ, NZ), {CZ: PRAGUE}))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("austria", AT), (" AT ", AT), ("AUT", AT), ("Republic of Austria", AT), ("Czechia", CZ),
        ("Österreich", None), ("czech  republic", CZ), ("new-zealand", NZ), ("Néw Zealand", NZ),
    ],
)  # fmt: skip
def test_names_aliases_and_codes_are_understood(options, text, name):
    if name:
        assert options.find(text) == name
    else:
        with pytest.raises(KangarooError, match="is not in this game"):
            options.find(text)


def test_what_is_not_understood_is_answered_helpfully(options):
    for text, said in (
        ("Austira", "“Austira” is not in this game. Did you mean Austria?"),
        ("Portugal", "Portugal is not in this game. It is one of: Austria, Czech Republic, New Zealand."),
        (
            "x" * 99,
            "“" + "x" * 39 + "…” is not in this game. It is one of: Austria, Czech Republic, New Zealand.",
        ),
    ):
        with pytest.raises(KangarooError) as caught:
            options.find(text)
        assert str(caught.value) == said
    with pytest.raises(KangarooError, match="Name a country, or click on the map"):
        options.answer(["", " "])


def test_classes_that_are_no_countries_go_by_their_names():
    options = Options(("Tyrol", "Žilina"), {})
    assert options.find(" zilina") == "Žilina"
    assert options.answer(["TYROL"]) == Answer(("Tyrol",))
    assert options.score(Answer(("Tyrol",)), "Tyrol", None) == Score(1, None, None)


def test_answers_are_ranked_and_repetitions_dropped(options):
    assert options.answer(["nz", "", "New Zealand", "Austria"]) == Answer((NZ, AT))
    assert options.answer([], VIENNA) == Answer((AT,), VIENNA)
    assert options.answer([], ATLANTIC) == Answer((), ATLANTIC)
    assert options.answer(["nz"], VIENNA) == Answer((NZ, AT), VIENNA)
    assert options.answer([], (40.4, -3.7)) == Answer((), (40.4, -3.7))  # Madrid: no class of this game
    with pytest.raises(KangarooError):
        options.answer([], (math.nan, 0))


def test_scores_by_hand(options):
    """One degree of latitude is pi * 6371.0088 / 180 = 111.195 km."""
    found = options.score(Answer((CZ, AT), (49.0, 15.0)), AT, (48.0, 15.0))
    assert found.rank == 2
    assert found.km == pytest.approx(111.195, abs=1e-3)
    assert found.points == pytest.approx(5000 * math.exp(-1111.95 / 14916.862), abs=0.01)
    assert [found.top(n) for n in (1, 3, 5)] == [False, True, True]
    # Without a pin the point of the first class counts, as for the model.
    assert options.score(Answer((CZ,)), CZ, PRAGUE) == Score(1, 0, 5000)
    assert options.score(Answer((NZ,)), CZ, PRAGUE).km > 10_000


def test_without_the_photos_place_classes_are_measured(options):
    assert options.score(Answer((AT,), VIENNA), AT, None) == Score(1, 0, 5000)  # wherever in the country
    wrong = options.score(Answer((CZ,), VIENNA), AT, None)
    assert wrong.km == pytest.approx(options.score(Answer((AT,)), CZ, None).km)
    assert options.score(Answer((), ATLANTIC), AT, None).km > 4000


def test_no_answer_is_worth_nothing(options):
    assert options.score(Answer(), AT, VIENNA) == Score(None, None, 0)
    assert not options.score(Answer(), AT, VIENNA).top(5)


def test_naming_all_classes_is_no_feat(options):
    assert options.top == (1,)
    assert Options(tuple("abcd"), {}).top == (1, 3)
    assert Options(tuple("abcdef"), {}).top == (1, 3, 5)
    with pytest.raises(KangarooError, match="two classes"):
        Options(("a",), {})
