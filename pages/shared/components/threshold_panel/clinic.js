// Where the threshold will be used: the prevalence there, and how dear a missed case is.

import { el } from "../dom.js";
import { tr } from "../language.js";
import { figure, setAttr, setFigure } from "./chart_parts.js";
import { neat, percent, share, valuesAtPrevalence } from "./numbers.js";

const logit = (p) => Math.log(p / (1 - p));
const PREVALENCE = { low: logit(0.001), high: logit(0.9), to: logit, from: (v) => 1 / (1 + Math.exp(-v)) };
const RATIO = { low: Math.log(0.1), high: Math.log(100), to: Math.log, from: Math.exp };

// A slider on a logarithmic or logit scale and a number beside it, kept equal.
function makeDial(panel, { label, unit, key, scale, factor, round, word }) {
  const id = `dial-${key}`;
  const range = el("input", { type: "range", min: 0, max: 1000, step: 1, "aria-label": label });
  const number = el("input", {
    type: "number",
    id,
    step: "any",
    min: round(scale.from(scale.low) * factor),
    max: round(scale.from(scale.high) * factor),
  });
  const setWithin = (value) => {
    panel.set(key, Math.min(Math.max(value, scale.from(scale.low)), scale.from(scale.high)));
  };
  range.addEventListener("input", () => {
    const raw = scale.from(scale.low + (range.value / 1000) * (scale.high - scale.low));
    setWithin(round(raw * factor) / factor);
  });
  number.addEventListener("input", () => {
    if (number.value && Number(number.value) > 0) setWithin(Number(number.value) / factor);
  });
  for (const input of [range, number]) input.addEventListener("change", () => panel.commit());
  const node = el(
    "div",
    { class: "dial" },
    el("label", { for: id }, label),
    el("div", {}, range, number, el("span", {}, unit)),
  );

  function move() {
    const value = panel.state[key];
    const place = Math.round(((scale.to(value) - scale.low) / (scale.high - scale.low)) * 1000);
    if (panel.root.activeElement !== range) range.value = place;
    if (panel.root.activeElement !== number) number.value = round(value * factor);
    setAttr(range, "aria-valuetext", word(value));
  }
  return { node, move };
}

export function makeClinic(panel) {
  const prevalence = makeDial(panel, {
    label: tr("Prevalence where it will be used"),
    unit: "%",
    key: "prevalence",
    scale: PREVALENCE,
    factor: 100,
    round: neat,
    word: percent,
  });
  const ratioDial = makeDial(panel, {
    label: tr("One missed case costs as much as"),
    unit: tr("false alarms"),
    key: "missedCost",
    scale: RATIO,
    factor: 1,
    round: neat,
    word: (value) => tr("{count} false alarms", { count: neat(value) }),
  });
  const values = el("div", { class: "clinic-values" });
  let cells = [];

  function draw() {
    cells = [];
    values.replaceChildren(
      ...panel.layers.map((layer) => {
        const texts = ["ppv", "npv"].map((key) => {
          const value = figure(null, "");
          cells.push({ key, layer, value });
          return el(
            "span",
            { "data-metric": `clinic-${key}`, "data-layer": layer.name },
            `${tr(key.toUpperCase())} `,
            value,
          );
        });
        return el("p", {}, el("span", { class: "quiet" }, layer.name), ...texts);
      }),
    );
  }

  function move(view) {
    prevalence.move();
    ratioDial.move();
    for (const { key, layer, value } of cells) {
      const part = view.layers.find((each) => each.layer === layer);
      const at = valuesAtPrevalence(part.rates, panel.state.prevalence)[key];
      setFigure(value, at, share(at));
    }
  }
  return { node: el("div", { class: "dials" }, prevalence.node, values, ratioDial.node), draw, move };
}
