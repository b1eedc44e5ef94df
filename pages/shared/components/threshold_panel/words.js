// What a threshold means, and how it is said.

import { el } from "../dom.js";
import { setText } from "./chart_parts.js";
import { countsAt, ratesOf, referral, share, wilson } from "./numbers.js";

export function makeWords(panel) {
  const noun = (count) => (count === 1 ? "false alarm" : "false alarms");

  // the counts and rates of every layer at the current threshold
  function view() {
    const { threshold, upper, policy } = panel.state;
    const layers = panel.layers.map((layer) => {
      const counts = countsAt(layer, threshold);
      const { tp, fp, fn, tn } = counts;
      const intervals = {
        sensitivity: wilson(tp, tp + fn),
        specificity: wilson(tn, tn + fp),
        ppv: tp + fp ? wilson(tp, tp + fp) : null,
        npv: tn + fn ? wilson(tn, tn + fn) : null,
        accuracy: wilson(tp + tn, tp + fp + fn + tn),
      };
      return { layer, counts, rates: ratesOf(counts), intervals };
    });
    const [chosen, priced] = [layers[0], layers[layers.length - 1]];
    return { threshold, text: panel.format(threshold), upper, policy, layers, chosen, priced };
  }

  function price(threshold, layer = panel.priced) {
    const { fn, fp } = countsAt(layer, threshold);
    return `misses ${fn} of ${layer.abnormal}, ${fp} ${noun(fp)} in ${layer.normal}`;
  }

  function cost({ threshold }) {
    return `${panel.priced.name}: ${price(threshold)}`;
  }

  function called({ threshold, upper }) {
    const { score } = panel.data.scan;
    if (score < threshold) return "normal";
    return upper !== null && score < upper ? "refer" : "abnormal";
  }

  function verdict(at) {
    const words = {
      normal: `Below threshold for ${panel.finding}`,
      refer: "Refer: too close to call",
      abnormal: `Suspicious for ${panel.finding}`,
    };
    return words[called(at)];
  }

  function rank(score) {
    const { tn } = countsAt(panel.priced, score);
    const { normal, name } = panel.priced;
    const part = tn === normal ? `all ${normal}` : `${Math.floor((tn / normal) * 100)} % of ${normal}`;
    return `higher than ${part} normal films (${name})`;
  }

  function referralText({ threshold, upper }) {
    const { films, referred } = referral(panel.priced, threshold, upper);
    return `${panel.priced.name}: refers ${referred} of ${films}`;
  }

  function announcement(at) {
    const { sensitivity, specificity } = at.priced.rates;
    const parts = [
      `Threshold ${at.text}`,
      cost(at),
      `sensitivity ${share(sensitivity)}, specificity ${share(specificity)}`,
    ];
    if (at.upper !== null) parts.push(referralText(at));
    if (panel.data.scan) parts.push(`${panel.data.scan.name}: ${verdict(at)}`);
    return `${parts.join(". ")}.`;
  }

  return { view, price, cost, called, verdict, rank, referralText, announcement };
}

// Captions of the charts, which say what the marks mean.
export function makeLegend(panel, histogram, curves) {
  const key = (className) => el("i", { class: className });
  const item = (mark, text) => el("span", { class: "key" }, mark, text);
  const scores = el("figcaption", {});
  const captions = curves.map(() => el("figcaption", {}));
  const note = el("p", { class: "note" });

  function draw() {
    const { chosen, priced, finding } = panel;
    const two = chosen !== priced;
    scores.replaceChildren(
      item(key("swatch normal"), "normal, upwards"),
      item(key("swatch abnormal"), `${finding}, downwards`),
      el("span", {}, "strong: on the wrong side of the threshold"),
      two ? el("span", {}, `filled: ${priced.name}, line: ${chosen.name}`) : "",
      el("span", {}, "share of the class, square-root scale"),
    );
    const each = (figures) =>
      panel.layers.map((layer) =>
        item(key(`stroke ${layer === priced ? "priced" : "chosen"}`), `${layer.name} ${figures(layer)}`),
      );
    captions[0].replaceChildren(
      el("strong", {}, "ROC"),
      ...each(
        (layer) => `AUC ${layer.auc.toFixed(3)} (${layer.aucInterval.map((v) => v.toFixed(3)).join("–")})`,
      ),
    );
    setText(
      note,
      (two ? `Ring: chosen on ${chosen.name}. Dot: measured on ${priced.name}. ` : "") +
        `Cross and band: 95 % intervals on ${priced.name}, Wilson and bootstrap.`,
    );
    captions[1].replaceChildren(
      el("strong", {}, "Precision-recall"),
      ...each((layer) => `AP ${layer.averagePrecision.toFixed(3)}`),
    );
  }

  return {
    histogram: el("figure", {}, scores, histogram.plot),
    curves: [...curves.map((curve, index) => el("figure", {}, captions[index], curve.plot)), note],
    draw,
  };
}
