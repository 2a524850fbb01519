// Small pictures to choose from, as buttons. The body of a function that Gradio calls once, with element, props
// (title; photos: what photos.py gives) and trigger; the value becomes the number of the one chosen.
const title = document.createElement("p"), row = document.createElement("div");
title.textContent = props.title;
row.className = "row";
row.append(...props.photos.map(({ url, name }, number) => {
  const button = document.createElement("button"), image = document.createElement("img");
  image.src = url; image.alt = name;
  button.type = "button"; button.title = name; button.append(image);
  button.addEventListener("click", () => { props.value = number; trigger("select"); });
  return button;
}));
element.replaceChildren(title, row);
