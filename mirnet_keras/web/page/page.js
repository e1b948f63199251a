// The page: choose a photo and what to do with it, restore it, compare, download.

import { showAfter, showBefore, startComparison } from "./comparison.js";
import { lightOf, pngOf, readPicture, refuseTooLarge, saveFile } from "./pictures.js";

const element = (id) => document.getElementById(id);

const site = await (await fetch("site.json")).json();
const models = site.models ?? (await (await fetch("presets")).json());
const { Engine } = await import(`./${site.engine}`);
const engine = new Engine(site);
let photo = null; // {blob, picture, name}
let file = null; // of the restored photo
let isBusy = false;

element("about").textContent = engine.about;
startComparison();
models.forEach(addModel);
site.examples.forEach(addExample);
element("controls").addEventListener("submit", (event) => {
  event.preventDefault();
  restore();
});
element("cancel").addEventListener("click", () => engine.cancel());
element("download").addEventListener("click", () =>
  attempt(async () => saveFile(file ?? (await pngOf(element("after"))), `${photo.name}_restored`)),
);
element("file").addEventListener("change", ({ target }) => {
  if (target.files.length) choose(target.files[0], target.files[0].name);
  target.value = ""; // so that the same file can be chosen again
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    element("drop").classList.toggle("over", kind === "dragover");
    const file = event.dataTransfer?.files[0];
    if (kind === "drop" && file) choose(file, file.name);
  });
}

function addModel({ name, title }, index) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  Object.assign(input, { type: "radio", name: "model", value: name, checked: index === 0 });
  const text = document.createElement("span");
  const strong = document.createElement("strong");
  const small = document.createElement("small");
  strong.textContent = title;
  small.textContent = name;
  text.append(strong, small);
  label.className = "model";
  label.append(input, text);
  element("models").append(label);
}

function addExample({ file, title }) {
  const button = document.createElement("button");
  const image = document.createElement("img");
  Object.assign(image, { src: file, alt: "" });
  button.type = "button";
  button.append(image, title);
  button.addEventListener("click", async () => choose(await (await fetch(file)).blob(), file));
  element("examples").append(button);
}

async function choose(blob, file) {
  if (isBusy) return;
  await attempt(async () => {
    const picture = await readPicture(blob);
    photo = { blob, picture, name: file.split("/").pop().replace(/\.[^.]*$/, "") };
    showBefore(picture);
    element("restore").disabled = false;
    element("download").hidden = true;
    const light = lightOf(picture);
    const isDark = light.mean < site.dark_luma && light.highlights < site.dark_highlights;
    const suggested = isDark ? site.for_dark : site.for_others;
    document.querySelector(`input[value="${suggested}"]`)?.click();
    say(`${file.split("/").pop()}: ${picture.width} x ${picture.height} pixels.`);
  });
}

async function restore() {
  const { picture } = photo;
  const chosen = document.querySelector("input[name=model]:checked").value;
  const model = models.find(({ name }) => name === chosen);
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  setBusy(true);
  say(engine.begins);
  await attempt(async () => {
    refuseTooLarge(model.scale * picture.width, model.scale * picture.height);
    const restored = await engine.restore(photo, model, (done, of) => {
      if (done === 0) return say(`Restoring ${of} tiles ...`);
      const left = Math.ceil((seconds() / done) * (of - done));
      element("bar").value = done / of;
      element("remaining").textContent = `${done} of ${of} tiles, about ${left} s left`;
    });
    showBefore(picture);
    showAfter(restored.picture);
    file = restored.file;
    element("download").hidden = false;
    const { width, height } = restored.picture;
    say(`Done: ${width} x ${height} pixels in ${seconds().toFixed(1)} s. ${restored.remarks ?? ""}`);
  });
  setBusy(false);
}

/** Does something, and says what went wrong if it does. */
async function attempt(action) {
  element("status").classList.remove("fault");
  try {
    await action();
  } catch (error) {
    const isCancelled = error.name === "AbortError";
    say(isCancelled ? "Cancelled." : error.message);
    element("status").classList.toggle("fault", !isCancelled);
  }
}

function say(text) {
  element("status").textContent = text;
}

function setBusy(busy) {
  isBusy = busy;
  const hadFocus = document.activeElement === element(busy ? "restore" : "cancel");
  element("restore").disabled = busy;
  element("cancel").hidden = !busy;
  element("progress").hidden = !busy;
  element("bar").removeAttribute("value"); // moves, until the first tile is done
  element("remaining").textContent = "";
  if (hadFocus) element(busy ? "cancel" : "restore").focus();
}
