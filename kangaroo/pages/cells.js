"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const k = data.names.length;
const bytes = Uint8Array.from(atob(data.matrix), (letter) => letter.charCodeAt(0));
const mean = (i, j) => (bytes[2 * (i * k + j)] + 256 * bytes[2 * (i * k + j) + 1]) / 65535;
const map = document.getElementById("map");
const said = document.getElementById("said");
const cells = [...map.querySelectorAll(".cell")];
const rings = map.querySelectorAll(".ring");
const marks = map.querySelectorAll(".mark");
const WINDS = ["east", "north-east", "north", "north-west", "west", "south-west", "south", "south-east"];
let shown = -1;

const percent = (share) => (100 * share).toFixed(1) + "\u00a0%";
const bin = (share) => data.steps.filter((step) => share >= step).length;

function away(i, j) {
  const [x, y] = [0, 1].map((axis) => data.km[j][axis] - data.km[i][axis]);
  const km = Math.hypot(x, y);
  const wind = WINDS[(Math.round((4 * Math.atan2(y, x)) / Math.PI) + 8) % 8];
  return (km < 10 ? km.toFixed(1) : km.toFixed(0)) + "\u00a0km to the " + wind;
}

function add(parent, tag, text, kind) {
  const element = document.createElement(tag);
  element.textContent = text;
  if (kind) element.className = kind;
  parent.append(element);
  return element;
}

function say(i, others) {
  const n = data.photos[i];
  said.replaceChildren();
  add(said, "p", data.names[i], "name");
  if (n === 0) return add(said, "p", "No photo was judged here: nothing can be said of this cell.", "warn");
  const photos = n === 1 ? "1 photo" : n.toLocaleString("en") + " photos";
  add(said, "p", photos + ". The model puts " + percent(mean(i, i)) + " of the probability into this cell.");
  add(said, "p", "Most of the rest it puts into");
  const list = add(said, "ol", "");
  for (const j of others) add(list, "li", data.names[j] + ", " + away(i, j) + ": " + percent(mean(i, j)));
  if (n < data.few) add(said, "p", "Few photos: chance decides much here, so the map is greyed.", "warn");
}

function show(i) {
  if (i === shown) return;
  const n = data.photos[i];
  const others = data.names.map((_, j) => j).filter((j) => j !== i);
  others.sort((a, b) => mean(i, b) - mean(i, a) || a - b).splice(3);
  cells.forEach((cell, j) => {
    cell.setAttribute("class", n ? "cell b" + bin(mean(i, j)) : "cell");
    cell.setAttribute("tabindex", i === j ? "0" : "-1");
    cell.setAttribute("aria-selected", String(i === j));
  });
  map.setAttribute("class", n === 0 ? "none" : n < data.few ? "few" : "");
  rings.forEach((ring) => ring.setAttribute("d", cells[i].getAttribute("d")));
  marks.forEach((mark, rank) => {
    const there = n > 0 && rank < others.length;
    mark.setAttribute("display", there ? "inline" : "none");
    if (there) mark.setAttribute("transform", "translate(" + data.at[others[rank]] + ")");
  });
  shown = i;
  say(i, others);
}

function neighbour(i, x, y) {
  let best = i, least = Infinity;
  data.km.forEach(([east, north], j) => {
    const [right, up] = [east - data.km[i][0], north - data.km[i][1]];
    const along = right * x + up * y;
    const cost = along + 2 * Math.abs(right * y - up * x);
    if (along > 0 && cost < least) [best, least] = [j, cost];
  });
  return best;
}

const KEYS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
map.addEventListener("keydown", (event) => {
  const ends = { Home: 0, End: k - 1 };
  if (!(event.key in KEYS) && !(event.key in ends)) return;
  event.preventDefault();
  cells[event.key in ends ? ends[event.key] : neighbour(shown, ...KEYS[event.key])].focus();
});
for (const kind of ["pointerover", "focusin", "click"])
  map.addEventListener(kind, (event) => {
    const i = cells.indexOf(event.target);
    if (i >= 0) show(i);
    if (i >= 0 && kind === "click") cells[i].focus();
  });
show(data.photos.indexOf(Math.max(...data.photos)));
