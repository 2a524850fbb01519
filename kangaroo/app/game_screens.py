"""The game's screens as HTML; every text is escaped here. The ids are documented in kangaroo.app.play_tab."""

from collections.abc import Sequence
from html import escape

import pandas as pd

from kangaroo.app.state import DRAWN
from kangaroo.app.words import either, percent
from kangaroo.game.answers import Answer, Options, Score
from kangaroo.game.host import Host, Outcome, Round
from kangaroo.game.settings import GUESSES, LONGEST, Settings
from kangaroo.game.tables import leaderboard
from kangaroo.geo.countries import find
from kangaroo.pages import elements

ROUNDS, RESOLUTIONS, SECONDS = (5, 10, 20), (64, 128, 224, 448), (0, 10, 30, 60)
"""What is offered; 0 seconds: no limit."""
LISTED = 30
"""Classes that are named on the first screen."""
LEADERS, LEAST = 10, 5
"""Players on the board, and the rounds that it takes to be there."""


def start(host: Host, drawn: bool) -> str:
    """The first screen: what is played, and under which name; ``drawn``: the model knows drawn scenes."""
    seen = (
        "The model has not seen any of them."
        if host.pool.unseen
        else "The model may have seen some of them in training: no split says which it has not."
    )
    kind = "drawn scenes" if host.pool.drawn else "photos"
    text = (
        f"{len(host.pool.photos):,} {kind}, one at a time: which {_noun(host.options)} is it? {seen} "
        "Both of you see the same picture: its middle, at the resolution that you choose."
    )
    note = f'<p class="note">{escape(DRAWN)}</p>' if drawn and not host.pool.drawn else ""
    usual = Settings()
    return f"""<p class="intro">{escape(text)}</p>{note}
<p class="line">The answer is one of {len(host.options.names)}: {escape(_listed(host.options.names))}.</p>
<form data-action="begin">
<label for="game-nickname"><span>Nickname</span><input id="game-nickname" name="nickname" required
 maxlength="{LONGEST}" autocomplete="nickname" data-first>
<small>No password: whoever takes the same name plays on under it.</small></label>
<fieldset>{_choice("rounds", "Rounds", ROUNDS, usual.rounds, "{}")}
{_choice("resolution", "Resolution", RESOLUTIONS, usual.resolution, "{} pixels")}
{_choice("seconds", "Time a photo", SECONDS, 0, "{} s")}</fieldset>
{_REFUSED}<button id="game-start" type="submit">Start</button>
</form>"""


def open_round(opened: Round, options: Options, url: str) -> str:
    """A round that waits for its guess; ``url`` holds its picture."""
    number = min(GUESSES, len(options.names) - 1)
    inputs = "".join(
        f'<label><span aria-hidden="true">{i + 1}.</span><input name="guess" list="game-classes" '
        f'id="game-guess{f"-{i + 1}" if i else ""}" aria-label="Guess {i + 1}" autocomplete="off" '
        f'autocapitalize="words" spellcheck="false"{"" if i else " data-first"}></label>'
        for i in range(number)
    )
    known = "".join(f'<option value="{escape(name)}">' for name in options.names)
    return f"""{_where(opened.number, opened.rounds)}
<div id="game-photo"><img src="{url}" alt="The photo of round {opened.number}"></div>
<div id="game-answer" {_data(opened.game, opened.number)}></div>
<form data-action="guess" data-round="{escape(opened.id)}">
<fieldset class="guesses"><legend>Which {_noun(options)} is it? Likeliest first; or click on the map.</legend>
{inputs}</fieldset><datalist id="game-classes">{known}</datalist>
{_REFUSED}<button id="game-submit" type="submit">Guess</button>
</form>"""


def answer(outcome: Outcome, url: str) -> str:
    """A round that is over: the truth and what both sides said; ``url`` holds the picture if it is there."""
    lat, lon = outcome.point or ("", "")
    data = f'data-country="{escape(outcome.name)}" data-lat="{lat}" data-lon="{lon}"'
    shown = f'<div id="game-photo"><img src="{url}" alt="{escape(outcome.name)}"></div>' if url else ""
    again = "You have seen this photo before: the round doesn't count." if outcome.again else ""
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in (outcome.note, again) if note)
    last = outcome.number == outcome.rounds
    return f"""{_where(outcome.number, outcome.rounds)}{shown}
<div id="game-answer" role="status" {_data(outcome.game, outcome.number)} {data}>
<p class="answer"><strong>{escape(outcome.name)}</strong></p></div>{notes}
<div class="sides">{_side("You", "people", outcome.person, outcome.score, outcome.seconds)}
{_side("The model", "model", outcome.model, outcome.model_score)}</div>
<form data-action="next"><button id="game-next" type="submit" data-first aria-describedby="game-answer">
{"Result" if last else "Next photo"}</button></form>"""


def over(token: str, outcomes: Sequence[Outcome]) -> str:
    """The end of a game: who was better, and every round."""
    rows = [
        (str(done.number), done.name, _first(done.person), _points(done.score), _first(done.model),
         _points(done.model_score))
        for done in outcomes
    ]  # fmt: skip
    right = [sum(score.top(1) for score in scores) for scores in _scores(outcomes)]
    points = [sum(score.points or 0 for score in scores) for scores in _scores(outcomes)]
    text = (
        f"{len(outcomes)} photos: you named {right[0]} and the model {right[1]} rightly; you have "
        f"{points[0]:,.0f} points and the model {points[1]:,.0f}."
    )
    head = ("round", "it was", "you said", "points", "the model said", "points")
    return f"""<div id="game-over" data-game="{escape(token)}">
<p class="answer"><strong>{_winner(points)}</strong></p><p class="line">{escape(text)}</p>
{elements.table("Your rounds", head, rows)}</div>
<form data-action="again"><button id="game-again" type="submit" data-first>Play again</button></form>"""


def leaders(host: Host) -> str:
    """The leaderboard of this model's games; '' while nobody has played enough."""
    frame = host.results.frame()
    table = leaderboard(frame[frame["model"] == host.model], minimum=LEAST).head(LEADERS)
    rows = [
        (row["player"], f"{row['points']:,.0f}", f"{row['model_points']:,.0f}",
         f"{100 * row['top1']:.0f}\N{NO-BREAK SPACE}%", str(row["rounds"]), f"{row['seconds']:.1f} s")
        for row in table.to_dict("records")
        if not pd.isna(row["points"])
    ]  # fmt: skip
    head = ("player", "points a photo", "the model on these photos", "right", "rounds", "time (median)")
    return elements.table(f"Leaderboard: players with {LEAST} rounds or more", head, rows)


_REFUSED = '<p id="game-refused" class="refused" role="alert" hidden></p>'


def _side(who: str, kind: str, said: Answer, score: Score, seconds: float | None = None) -> str:
    """What one side said, and what it was worth."""
    named = [
        escape(name) + (f" ({percent(said.probabilities[i])})" if said.probabilities else "")
        for i, name in enumerate(said.names)
    ]
    first = named[0] if named else "A place on the map" if said.point else "No answer"
    rest = f"<p>then {', '.join(named[1:])}</p>" if named[1:] else ""
    verdict = ["right" if score.top(1) else f"right as guess {score.rank}" if score.rank else "wrong"]
    verdict += [f"{score.km:,.0f} km away"] * (score.km is not None)
    verdict += [f"{score.points:,.0f} points"] * (score.points is not None)
    verdict += [f"{seconds:.1f} s"] if seconds is not None else []
    line = f"<p>{escape(', '.join(verdict))}</p>"
    return f'<section class="{kind}"><h3>{who}</h3><p class="big">{first}</p>{rest}{line}</section>'


def _choice(name: str, text: str, values: Sequence[int], usual: int, form: str) -> str:
    options = "".join(
        f'<option value="{value}"{" selected" if value == usual else ""}>'
        f"{form.format(value) if value else 'no limit'}</option>"
        for value in values
    )
    return f'<label>{text}<select name="{name}">{options}</select></label>'


def _where(number: int, rounds: int) -> str:
    return f'<p class="where"><strong>Round {number} of {rounds}</strong><span id="game-left"></span></p>'


def _data(game: str, number: int) -> str:
    return f'data-game="{escape(game)}" data-round="{number}"'


def _noun(options: Options) -> str:
    return "country" if all(map(find, options.names)) else "place"


def _listed(names: Sequence[str]) -> str:
    return either(names) if len(names) <= LISTED else ", ".join([*names[:LISTED], "…"])


def _scores(outcomes: Sequence[Outcome]) -> tuple[list[Score], list[Score]]:
    return [done.score for done in outcomes], [done.model_score for done in outcomes]


def _winner(points: Sequence[float]) -> str:
    if round(points[0]) == round(points[1]):
        return "A draw"
    return "You win" if points[0] > points[1] else "The model wins"


def _first(said: Answer) -> str:
    return said.names[0] if said.names else "a place on the map" if said.point else "nothing"


def _points(score: Score) -> str:
    return "" if score.points is None else f"{score.points:,.0f}"
