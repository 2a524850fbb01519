"""A game's page on loopback, with the ids of kangaroo's own and with faults, one attribute each."""

import http.server
import io
import json
import threading
import time
from collections import Counter
from functools import cache
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

COUNTRIES = ("Austria", "Australia", "Czechia")
SIZE = (192, 144)

PAGE = """<!doctype html><meta charset=utf-8><title>game</title>
<style>body {{ background: #fff }} [hidden] {{ display: none !important }}
#cover {{ position: absolute; left: 8px; top: 8px; width: 150px; height: 90px; background: #f0f; z-index: 9 }}
#wall {{ position: fixed; inset: 0; background: #0ff; z-index: 10 }}</style>
{extra}<form id=entry hidden><input id=game-nickname><button id=game-start>start</button></form>
<form id=login-form hidden>log in</form><p id=account hidden>logged in</p>
<div id=play style='position: relative' hidden><div id={photo}>{medium}</div>
<input id=game-guess list=game-classes>
<datalist id=game-classes><option value=Austria><option value=Czechia></datalist>
<button id=game-submit>guess</button><p id=game-answer hidden></p>
<button id=game-next hidden>next</button></div><p id=game-over hidden>over</p>
<script>
const $ = id => document.getElementById(id), game = location.pathname.split('/')[2]
const ask = (path, body) => fetch(path, {{method: 'POST', body: JSON.stringify(body)}}).then(a => a.json())
async function show() {{
  const state = await ask('/api/state', {{game}})
  $('game-answer').hidden = $('game-next').hidden = true
  if (state.over) {{ $('play').hidden = true; $('game-over').hidden = false; return }}
  $('play').hidden = false
  const medium = document.querySelector('#play img, #play canvas')
  if (medium.tagName == 'IMG') {{ medium.src = state.photo; return }}
  const picture = new Image(); picture.src = state.photo; await picture.decode()
  const pen = medium.getContext('2d')
  pen.fillRect(0, 0, 999, 999)
  for (let i = 1; i <= 8; i++) {{
    await new Promise(done => setTimeout(done, 60))
    pen.drawImage(picture, 0, 0, 192, 18 * i, 0, 0, 192, 18 * i)
  }}
}}
$('game-start').onclick = async event => {{
  event.preventDefault()
  location = '/game/' + (await ask('/api/new', {{}})).game
}}
$('game-submit').onclick = async () => {{
  const told = await ask('/api/guess', {{game, guess: $('game-guess').value}}), answer = $('game-answer')
  Object.assign(answer.dataset, {{game, round: told.round, country: told.country,
    lat: told.answer.lat, lon: told.answer.lng}})
  answer.textContent = 'It is ' + told.country; answer.hidden = $('game-next').hidden = false
}}
$('game-next').onclick = async () => {{
  if ({eager}) $('game-answer').hidden = $('game-next').hidden = true
  await ask('/api/next', {{game}})
  show()
}}
if (location.pathname == '/login') {{
  $('login-form').hidden = false
  if ({person}) ask('/api/login', {{}}).then(() => {{
    $('login-form').remove(); $('account').hidden = false
  }})
}} else if (game) show()
else {{ $('entry').hidden = false; $('cover')?.remove() }}
</script>"""


@cache
def picture(place):
    """A PNG picture of a place: smooth, of many colours."""
    rng = np.random.default_rng(place)
    small = Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8))
    out = io.BytesIO()
    small.resize(SIZE, Image.Resampling.BICUBIC).save(out, "PNG")
    return out.getvalue()


class Game(http.server.ThreadingHTTPServer):
    """The server: games of ``rounds`` rounds; round r of game g shows place (g * rounds + r) % places."""

    daemon_threads = True
    truth = staticmethod(lambda place: answer(place))
    picture = staticmethod(picture)

    def __init__(self, **faults):
        super().__init__(("127.0.0.1", 0), Handler)
        self.rounds, self.places, self.sticky = 3, 1000, False
        self.photo_id, self.medium, self.extra = "game-photo", "<img>", ""
        self.slow_photo = self.slow_state = self.late_answer = 0.0  # seconds
        self.eager = False  # hides the last answer before the next photo is known
        self.stalled = Counter()  # how often the photo of a place does not come
        self.twice = {}  # place -> place whose picture it shows
        self.broken = Counter()  # how often a path is answered with HTTP 500, ...
        self.closed = Counter()  # ... or not at all
        self.early = ()  # games that end after a round
        self.login, self.person, self.lost = False, False, 0
        self.on_guess = lambda number: None
        self.games, self.guesses, self.cookies, self.agents = {}, 0, set(), set()
        self.guessed = []
        self.lock = threading.RLock()
        for name, value in faults.items():
            assert hasattr(self, name), name
            setattr(self, name, value)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """A browser that is killed is no news."""

    def place(self, game, turn):
        return (int(game[1:]) * self.rounds + turn) % self.places

    def over(self, game):
        return self.games[game] >= (1 if game in self.early else self.rounds)

    def api_new(self, body):
        with self.lock:
            waiting = [game for game in self.games if not self.over(game)] if self.sticky else []
            game = waiting[0] if waiting else f"g{len(self.games)}"
            self.games.setdefault(game, 0)
        return {"game": game}

    def api_state(self, body):
        game = body["game"]
        time.sleep(self.slow_state)
        return {
            "game": game,
            "over": self.over(game),
            "photo": f"/photo/{self.place(game, self.games[game])}.png",
        }

    def api_guess(self, body):
        with self.lock:
            self.guesses += 1
            self.guessed.append(body["guess"])
            self.on_guess(self.guesses)
        time.sleep(self.late_answer)
        game = body["game"]
        place, turn = self.place(game, self.games[game]), self.games[game] + 1
        return {"round": turn, **answer(place)}

    def api_next(self, body):
        with self.lock:
            self.games[body["game"]] += 1
        return {}


def answer(place):
    """What the page tells of a place."""
    return {"country": COUNTRIES[place % 3], "answer": {"lat": 10 + place / 100, "lng": 20 - place / 100}}


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        """Say nothing."""

    def do_GET(self):
        path, server = urlsplit(self.path).path, self.server
        server.agents.add(self.headers["User-Agent"])
        if take(server.closed, path):
            self.close_connection = True
            return
        if take(server.broken, path):
            self.answer(b"broken", "text/html", 500)
        elif path.startswith("/photo/"):
            self.photo(int(path[7:-4]))
        elif server.login and path != "/login" and not self.known():
            self.answer(b"", "text/html", 302, Location="/login")
        elif path == "/favicon.ico":
            self.answer(b"", "image/png", 404)
        else:
            text = PAGE.format(photo=server.photo_id, medium=server.medium, extra=server.extra,
                               person=json.dumps(server.person), eager=json.dumps(server.eager))  # fmt: skip
            self.answer(text.encode(), "text/html")

    def known(self):
        """Whether the session is known; a lost one is, but not this time."""
        cookie = self.headers.get("Cookie", "").partition("key=")[2]
        if self.server.lost and cookie in self.server.cookies and self.server.guesses:
            self.server.lost -= 1
            return False
        return cookie in self.server.cookies

    def photo(self, place):
        if take(self.server.stalled, place):
            time.sleep(20)
        time.sleep(self.server.slow_photo)
        self.answer(picture(self.server.twice.get(place, place)), "image/png")

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/api/login":
            key = f"k{time.time_ns()}"
            self.server.cookies.add(key)
            self.answer(b"{}", "application/json", **{"Set-Cookie": f"key={key}; Path=/"})
            return
        told = getattr(self.server, self.path.replace("/", "_")[1:])(body)
        self.answer(json.dumps(told).encode(), "application/json")

    def answer(self, body, kind, status=200, **headers):
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": len(body),
            "Cache-Control": "no-store",
        }.items():
            self.send_header(name, str(value))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def take(counter, key):
    """Whether a fault is due; it is used up."""
    if counter[key] <= 0:
        return False
    counter[key] -= 1
    return True
