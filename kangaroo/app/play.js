// The game. The body of a function that Gradio calls once, with element, props (value: what play.py gives),
// trigger and watch. What is drawn is HTML from the server; here are only the forms, the clock, and the token of
// the game, which the browser keeps so that a reload goes on with it.
const KEY = "kangaroo-game";
let busy = 0, clock = 0, acted = false, waiting = false;
const kept = {
  get: () => { try { return localStorage.getItem(KEY) || ""; } catch { return ""; } },
  set: (token) => { try { localStorage.setItem(KEY, token); } catch { /* a browser that keeps nothing */ } },
};
function send(action, data = {}) {
  if (busy) return; // a double click is one
  const ask = (again) => {
    busy = setTimeout(() => { // Gradio loses an event that meets the end of another: it is sent again
      if (again < 3 && action !== "begin") ask(again + 1); else busy = 0;
    }, 3000);
    trigger("submit", { action, again, game: kept.get(), ...data });
  };
  waiting = true;
  ask(0);
}
function fields(form) {
  const data = {};
  for (const [name, value] of new FormData(form))
    if (name === "guess") (data.guess ??= []).push(value); else data[name] = value;
  return data;
}
function count(left) { // at 0 what was typed is sent as it is; a little later the round is over without it
  const text = element.querySelector("#game-left"), until = Date.now() + 1000 * left;
  const submit = () => element.querySelector("form")?.requestSubmit();
  let sent = false;
  clearInterval(clock);
  clock = setInterval(() => {
    const seconds = Math.ceil((until - Date.now()) / 1000);
    if (!text?.isConnected) return clearInterval(clock);
    text.textContent = `${Math.max(seconds, 0)} s left`;
    if (seconds <= 0 && !sent) { sent = true; submit(); }
    if (seconds <= -3) { clearInterval(clock); submit(); }
  }, 200);
}
function draw() {
  const value = props.value || {};
  if (acted && !waiting) return; // the second answer to what was asked twice
  waiting = false;
  busy = clearTimeout(busy) || 0;
  if (value.game !== undefined) kept.set(value.game);
  const refused = element.querySelector("#game-refused");
  if (value.refused && refused) {
    refused.textContent = value.refused; refused.hidden = false;
    element.querySelector("input")?.focus();
    return;
  }
  element.innerHTML = value.html || "";
  if (value.left !== undefined) count(value.left);
  if (acted) { // not when the page opens: whoever reads it from its beginning would lose their place
    element.querySelector("[data-first]")?.focus({ preventScroll: true });
    element.scrollIntoView({ block: "nearest" });
  }
}
element.addEventListener("submit", (event) => {
  event.preventDefault();
  acted = true;
  send(event.target.dataset.action, { round: event.target.dataset.round || "", ...fields(event.target) });
});
element.addEventListener("keydown", (event) => { // a key that is held down doesn't play on by itself
  if (event.repeat && event.key === "Enter") event.preventDefault();
});
watch("value", draw);
draw();
if (kept.get()) send("resume");
