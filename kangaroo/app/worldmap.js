// A map of the world in Mercator's projection. The body of a function that Gradio calls once a map, with
// element (where to draw), props (value: what worldmap.py's View.to_json gives), trigger, server and watch.
const SVG = "http://www.w3.org/2000/svg", WIDTH = 36000, TOP = -13960, BOTTOM = 9600, ZOOM = 1.6, CLOSEST = 120;
const make = (name, attributes = {}, ...children) => {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
};
const radians = Math.PI / 180, bound = (x, low, high) => Math.min(Math.max(x, low), high);
const project = ([lat, lon]) =>
  [100 * lon, -100 / radians * Math.log(Math.tan(Math.PI / 4 + bound(lat, -85, 85) * radians / 2))];
const unproject = ([x, y]) =>
  [bound((2 * Math.atan(Math.exp(-y * radians / 100)) - Math.PI / 2) / radians, -85, 85), bound(x / 100, -180, 180)];
const degrees = ([lat, lon]) =>
  `${Math.abs(lat).toFixed(1)}° ${lat < 0 ? "S" : "N"}, ${Math.abs(lon).toFixed(1)}° ${lon < 0 ? "W" : "E"}`;
const percent = (share) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;

const pick = props.pick, label = props.label || "Map of the world";
const land = make("g", { class: "land" }), over = make("g", { class: "over" }), cross = make("g", { class: "cross" });
cross.append(make("path", { d: "M-14,0H-4M4,0H14M0,-14V-4M0,4V14" }));
const svg = make("svg", { class: "map", tabindex: 0, role: pick ? "application" : "img", "aria-label": label,
  preserveAspectRatio: "xMidYMid slice" }, land, over, cross);
const said = document.createElement("p"), tip = document.createElement("div"), help = document.createElement("p");
said.className = "said"; said.setAttribute("role", "status");
tip.className = "tip"; tip.hidden = true; tip.setAttribute("aria-hidden", "true");
help.className = "help";
help.id = `map-help-${Math.random().toString(36).slice(2)}`;
svg.setAttribute("aria-describedby", help.id);
const button = (text, name, work) => {
  const node = document.createElement("button");
  node.type = "button"; node.textContent = text; node.title = name; node.setAttribute("aria-label", name);
  node.addEventListener("click", work);
  return node;
};
const buttons = document.createElement("div");
buttons.className = "buttons";
buttons.append(button("+", "Zoom in", () => zoom(1 / ZOOM)), button("−", "Zoom out", () => zoom(ZOOM)),
  button("⌂", "Show all", () => home()));
const frame = document.createElement("div");
frame.className = "frame";
frame.append(svg, buttons, tip);
element.replaceChildren(frame, said, help);

// The view: its middle, and how many units lie between its left and right.
let view = { x: 0, y: 0, w: WIDTH }, wanted = null, cursor = null;
const size = () => ({ width: svg.clientWidth || 640, height: svg.clientHeight || 400 });
const widest = () => Math.max(WIDTH + 1000, (BOTTOM - TOP) * size().width / size().height); // all of the world
function show() {
  const { width, height } = size();
  view.w = bound(view.w, CLOSEST, widest());
  const h = view.w * height / width;
  const edge = Math.min(2000, view.w / 8); // some sea beyond the antimeridian, so that nothing ends at the frame
  const roomX = Math.max(0, WIDTH + 2 * edge - view.w) / 2, roomY = Math.max(0, BOTTOM - TOP - h) / 2;
  view.x = bound(view.x, -roomX, roomX);
  view.y = bound(view.y, (TOP + BOTTOM) / 2 - roomY, (TOP + BOTTOM) / 2 + roomY);
  svg.setAttribute("viewBox", [view.x - view.w / 2, view.y - h / 2, view.w, h].join(" "));
  svg.style.touchAction = view.w < 0.98 * widest() ? "none" : "pan-y"; // a map wholly in view lets the page scroll
  const unit = view.w / width; // of the map to a pixel: marks keep their size on the screen
  for (const mark of over.querySelectorAll("[data-at]"))
    mark.setAttribute("transform", `translate(${mark.dataset.at}) scale(${unit})`);
  nameMarks(unit);
  if (cursor) cross.setAttribute("transform", `translate(${cursor}) scale(${unit})`);
}
function nameMarks(unit) { // on the side away from the edge, and lower where another text stands already
  const there = [];
  for (const text of [...over.querySelectorAll(".mark text")].reverse()) {
    const [x, y] = text.parentNode.dataset.at.split(",").map((value) => value / unit), left = x > view.x / unit;
    const width = text.getComputedTextLength(), start = left ? x - 12 - width : x + 12;
    const meets = (other, low) => start < other.end && other.start < start + width && Math.abs(low - other.low) < 15;
    let shift = Number(text.dataset.y);
    while (there.some((other) => meets(other, y + shift))) shift += 1;
    there.push({ start, end: start + width, low: y + shift });
    text.setAttribute("x", left ? -12 : 12); text.setAttribute("y", shift);
    text.setAttribute("text-anchor", left ? "end" : "start");
  }
}
function zoom(factor, at = cursor || [view.x, view.y]) {
  const w = bound(view.w * factor, CLOSEST, widest()), real = w / view.w;
  view = { x: at[0] + (view.x - at[0]) * real, y: at[1] + (view.y - at[1]) * real, w };
  show();
}
function home() {
  const points = (wanted || []).map(project);
  if (points.length) {
    const [xs, ys] = [0, 1].map((i) => points.map((point) => point[i]));
    const [west, east, north, south] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const { width, height } = size();
    view = { x: (west + east) / 2, y: (north + south) / 2,
      w: Math.max(1.4 * (east - west), 1.4 * (south - north) * width / height, 1600) };
  } else view = { x: 0, y: 0, w: widest() };
  show();
}

// What is drawn over the countries.
const SHAPES = { truth: "M0,-9L2.6,-3.6 8.6,-2.8 4.3,1.4 5.3,7.3 0,4.5 -5.3,7.3 -4.3,1.4 -8.6,-2.8 -2.6,-3.6Z",
  model: "M0,-8L8,0 0,8 -8,0Z", guess: "M0,0C-3,-7 -8,-9 -8,-14A8,8 0 0 1 8,-14C8,-9 3,-7 0,0Z" };
function mark({ at, kind, text }) {
  const node = make("g", { class: `mark ${kind}`, "data-at": project(at).join(), role: "img",
    "aria-label": `${text || kind}: ${degrees(at)}` }, make("path", { d: SHAPES[kind] || SHAPES.guess }));
  if (text) node.append(make("text", { "data-y": kind === "guess" ? -10 : 4 }, text));
  return node;
}
function together(marks) { // what lies at one point has one text, and the first mark on top
  const same = (a, b) => a.at.join() === b.at.join();
  const all = (one) => marks.filter((other) => same(one, other)).map((other) => other.text).filter(Boolean).join(", ");
  return marks.map((one, i) => ({ ...one, text: marks.findIndex((other) => same(one, other)) === i ? all(one) : "" }))
    .reverse();
}
function dot({ at, share, text }) {
  const title = `${text}: ${percent(share)}`;
  return make("g", { class: "dot", "data-at": project(at).join(), role: "img", "aria-label": title },
    Object.assign(make("title"), { textContent: title }), make("circle", { r: 2.5 + 8 * Math.sqrt(share) }));
}
function line({ from, to }) { // the shortest way on the globe, drawn in 64 steps
  const vector = ([lat, lon]) => [Math.cos(lat * radians) * Math.cos(lon * radians),
    Math.cos(lat * radians) * Math.sin(lon * radians), Math.sin(lat * radians)];
  const [a, b] = [vector(from), vector(to)];
  const angle = Math.acos(bound(a[0] * b[0] + a[1] * b[1] + a[2] * b[2], -1, 1));
  let path = "", last = null;
  for (let i = 0; i <= 64 && angle > 1e-6; i++) {
    const p = a.map((x, k) => (Math.sin((1 - i / 64) * angle) * x + Math.sin(i / 64 * angle) * b[k]) / Math.sin(angle));
    const [x, y] = project([Math.asin(bound(p[2], -1, 1)) / radians, Math.atan2(p[1], p[0]) / radians]);
    path += `${last === null || Math.abs(x - last) > WIDTH / 2 ? "M" : "L"}${x.toFixed(0)},${y.toFixed(0)}`;
    last = x;
  }
  return make("path", { class: "line", d: path });
}
function draw() {
  const value = props.value || {};
  for (const country of land.children) {
    const share = (value.shades || {})[country.id.slice(-2)];
    country.style.setProperty("--share", share === undefined ? 0 : Math.sqrt(share));
    country.classList.toggle("known", share !== undefined);
  }
  over.replaceChildren(...(value.lines || []).map(line), ...(value.dots || []).map(dot),
    ...together(value.marks || []).map(mark));
  if (value.pin) over.append(mark({ at: value.pin, kind: "guess", text: "" }));
  help.textContent = pick && !props.locked && !value.locked
    ? "Click or tap to set your pin. Keys: arrows move, + and - zoom, Enter sets the pin, 0 shows all."
    : "Drag to move. Keys: arrows move, + and - zoom, 0 shows all.";
  const summary = value.summary || (value.pin ? `Your pin: ${degrees(value.pin)}` : "");
  if (said.textContent !== summary) said.textContent = summary;
  if (!pick) svg.setAttribute("aria-label", [label, summary].filter(Boolean).join(": "));
  const fit = JSON.stringify(value.fit || []);
  if (fit !== JSON.stringify(wanted)) { wanted = JSON.parse(fit); home(); } else show();
}
function setPin(point) {
  if (!pick || props.locked || (props.value || {}).locked) return;
  props.value = { ...(props.value || {}), pin: unproject(point).map((x) => Math.round(1e4 * x) / 1e4) };
  draw();
  trigger("select");
}

// Mouse, fingers and keys.
const at = (event) => {
  const box = svg.getBoundingClientRect(), unit = view.w / box.width;
  return [view.x + (event.clientX - box.left - box.width / 2) * unit,
    view.y + (event.clientY - box.top - box.height / 2) * unit];
};
const fingers = new Map();
let moved = 0;
svg.addEventListener("pointerdown", (event) => {
  fingers.set(event.pointerId, event);
  moved = fingers.size > 1 ? Infinity : 0; // a pinch sets no pin
  if (event.pointerType === "mouse") svg.setPointerCapture(event.pointerId);
});
svg.addEventListener("pointermove", (event) => {
  const before = fingers.get(event.pointerId);
  if (!before) return hover(event);
  const others = [...fingers.values()].filter((other) => other.pointerId !== event.pointerId);
  moved += Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY);
  if (others.length === 1) {
    const apart = (one) => Math.hypot(one.clientX - others[0].clientX, one.clientY - others[0].clientY) || 1;
    zoom(apart(before) / apart(event), at(others[0]));
  } else if (moved > 6 && !others.length) {
    const [from, to] = [at(before), at(event)];
    view.x -= to[0] - from[0]; view.y -= to[1] - from[1];
    show();
  }
  fingers.set(event.pointerId, event);
});
const lift = (event) => {
  const held = fingers.delete(event.pointerId);
  if (held && event.type === "pointerup" && moved <= 6 && event.button === 0) { cursor = null; setPin(at(event)); }
};
svg.addEventListener("pointerup", lift);
svg.addEventListener("pointercancel", lift);
svg.addEventListener("pointerleave", () => { tip.hidden = true; });
svg.addEventListener("wheel", (event) => { event.preventDefault(); zoom(event.deltaY < 0 ? 1 / 1.25 : 1.25, at(event)); },
  { passive: false });
svg.addEventListener("keydown", (event) => {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (way) {
    const step = view.w / (event.shiftKey ? 5 : 30);
    if (pick) {
      cursor = (cursor || [view.x, view.y]).map((x, i) => x + way[i] * step);
      cursor = [bound(cursor[0], -WIDTH / 2, WIDTH / 2), bound(cursor[1], TOP, BOTTOM)];
      const half = [0.45 * view.w, 0.45 * view.w * size().height / size().width];
      view.x = bound(view.x, cursor[0] - half[0], cursor[0] + half[0]);
      view.y = bound(view.y, cursor[1] - half[1], cursor[1] + half[1]);
      said.textContent = degrees(unproject(cursor));
    } else { view.x += 3 * way[0] * step; view.y += 3 * way[1] * step; }
    show();
  } else if (event.key === "+" || event.key === "=") zoom(1 / ZOOM);
  else if (event.key === "-") zoom(ZOOM);
  else if (event.key === "0" || event.key === "Home") { cursor = null; home(); }
  else if (pick && (event.key === "Enter" || event.key === " ")) setPin(cursor || [view.x, view.y]);
  else return;
  cross.style.display = cursor ? "inline" : "none";
  event.preventDefault();
});
svg.addEventListener("blur", () => { cross.style.display = "none"; });
function hover(event) {
  const name = event.target.dataset?.name, share = ((props.value || {}).shades || {})[event.target.id?.slice(-2)];
  tip.hidden = !name;
  if (!name) return;
  tip.textContent = share === undefined ? name : `${name}: ${percent(share)}`;
  const box = frame.getBoundingClientRect(), x = event.clientX - box.left;
  tip.style.left = `${x}px`; tip.style.top = `${event.clientY - box.top}px`;
  tip.style.transform = `translate(${x > box.width / 2 ? "-100%" : "0"}, -130%)`;
}

watch("value", draw);
new ResizeObserver(() => home()).observe(svg);
window.kangarooOutlines ??= server.outlines();
window.kangarooOutlines.then((countries) => {
  land.replaceChildren(...countries.map(([code, name, d]) =>
    make("path", { id: `${help.id}-${code}`, "data-name": name, class: "country", d })));
  draw();
  element.dataset.ready = "true";
});
draw();
