// Before and after in one frame, with a slider between them.

import { showPicture } from "./pictures.js";

const element = (id) => document.getElementById(id);

/** Wires the slider and the choice of actual pixels. */
export function startComparison() {
  element("share").addEventListener("input", showShare);
  element("actual").addEventListener("change", showSize);
}

/** Shows a photo that is not restored yet. */
export function showBefore(picture) {
  element("stage").classList.remove("restored");
  element("tools").hidden = true;
  element("empty").hidden = true;
  element("viewport").hidden = false;
  showPicture(element("before"), picture);
  element("after").width = picture.width; // gives the stage its size
  element("after").height = picture.height;
  showSize();
}

/** Lays the restored photo beside the one shown. */
export function showAfter(picture) {
  showPicture(element("after"), picture);
  element("stage").classList.add("restored");
  element("tools").hidden = false;
  element("share").value = 50;
  showShare();
  showSize();
  element("viewport").scrollIntoView({ block: "nearest" });
}

function showShare() {
  const { value } = element("share");
  element("share").setAttribute("aria-valuetext", `${value} % of the photo shows it before`);
  element("stage").style.setProperty("--share", `${value}%`);
}

function showSize() {
  const { width, height } = element("after");
  const stage = element("stage");
  stage.classList.toggle("actual", element("actual").checked);
  stage.style.setProperty("--width", `${width}px`);
  stage.style.setProperty("--ratio", width / height);
}
