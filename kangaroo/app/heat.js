// A photo under what speaks for its class and against it. The body of a function that Gradio calls once, with
// element and props (value: what heat.py gives). Opacity and polarity never ask the server.
const node = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};
const photo = node("img", { class: "photo", alt: "" });
const layers = { supports: node("img", { class: "layer", alt: "" }), against: node("img", { class: "layer", alt: "" }) };
const opacity = node("input", { type: "range", min: 0, max: 100, value: 75, "aria-label": "Opacity of the heat" });
const group = `polarity-${Math.random().toString(36).slice(2)}`;
const choices = [["supports", "for"], ["against", "against"], ["both", "both"]].map(([key, text]) => {
  const input = node("input", { type: "radio", name: group, value: key });
  input.checked = key === "both";
  return { key, input, label: node("label", {}, input, node("span", {}, text)) };
});
const words = node("p", { class: "words" });
const controls = node("div", { class: "controls" },
  node("fieldset", {}, node("legend", {}, "Evidence"), ...choices.map((choice) => choice.label)),
  node("label", { class: "opacity" }, node("span", {}, "Opacity"), opacity));
const key = node("p", { class: "key" });
element.replaceChildren(node("div", { class: "stack" }, photo, layers.supports, layers.against), key, controls, words);

function mix() {
  const value = props.value || {}, chosen = choices.find((choice) => choice.input.checked).key;
  for (const [key, layer] of Object.entries(layers)) {
    layer.hidden = !value[key] || (chosen !== "both" && chosen !== key);
    layer.style.opacity = opacity.value / 100;
  }
  photo.style.filter = value.supports ? `grayscale(${opacity.value / 100})` : "none";
}
function draw() {
  const value = props.value || {};
  element.hidden = !value.photo;
  if (photo.src !== (value.photo || "")) photo.src = value.photo || "";
  for (const [key, layer] of Object.entries(layers)) {
    if (value[key]) layer.src = value[key];
    else layer.removeAttribute("src");
  }
  photo.alt = value.name ? `The photo, with what speaks for ${value.name} in blue` +
    (value.against ? " and against it in orange" : "") : "The photo";
  key.replaceChildren(...(value.name ? [node("span", { class: "for" }), `for ${value.name}`] : []),
    ...(value.against ? [node("span", { class: "not" }), "against"] : []));
  for (const choice of choices) choice.input.disabled = choice.key !== "supports" && !value.against;
  if (!value.against) choices[0].input.checked = true;
  words.textContent = value.words || "";
  controls.hidden = !value.supports;
  mix();
}
for (const { input } of choices) input.addEventListener("change", mix);
opacity.addEventListener("input", mix);
watch("value", draw);
draw();
