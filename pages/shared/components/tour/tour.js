// One sentence at a time. Whether it was ended is kept in the browser alone.

import { el } from "../dom.js";
import { speak, tr } from "../language.js";

const KEPT = "opacity-tour";
const MARK = "opacity-toured";
const STATES = new WeakMap(); // parent to the step on screen, -1 for none

function ended() {
  try {
    return localStorage.getItem(KEPT) === "ended";
  } catch {
    return false; // a browser may forbid it: the tour is then offered at each opening
  }
}

function end() {
  try {
    localStorage.setItem(KEPT, "ended");
  } catch {
    // see above
  }
}

function unmark() {
  for (const marked of document.querySelectorAll(`.${MARK}`)) marked.classList.remove(MARK);
}

function draw(parent, steps) {
  const at = STATES.get(parent);
  const go = (next) => {
    if (next < 0 || next >= steps.length) end();
    STATES.set(parent, next < steps.length ? next : -1);
    draw(parent, steps);
    root.querySelector("button")?.focus();
  };
  const button = (words, next) => el("button", { type: "button", onclick: () => go(next) }, words);
  let root = parent.querySelector(".tour");
  if (!root) {
    root = el("div", { class: "tour", role: "group", "aria-label": tr("Tour") });
    parent.append(root);
  }
  unmark();
  if (at < 0) {
    root.replaceChildren(button(tr("Take the tour"), 0));
    return;
  }
  const last = at === steps.length - 1;
  document.querySelector(steps[at].target)?.classList.add(MARK);
  root.replaceChildren(
    el(
      "p",
      { role: "status" },
      el("b", {}, tr("{at} of {steps}", { at: at + 1, steps: steps.length })),
      ` ${steps[at].words}`,
    ),
    button(last ? tr("Done") : tr("Next"), at + 1),
    ...(last ? [] : [button(tr("Skip the tour"), -1)]),
  );
}

export default function tour({ parentElement, data }) {
  speak(data.words);
  if (!STATES.has(parentElement)) STATES.set(parentElement, ended() ? -1 : 0);
  draw(parentElement, data.steps);
  return unmark;
}
