// What a threshold means, and how it is said.

import { el } from "../dom.js";
import { tr } from "../language.js";
import { setText } from "./chart_parts.js";
import { countsAt, ratesOf, referral, share, wilson } from "./numbers.js";

export function makeWords(panel) {
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
    const counts = { missed: fn, abnormal: layer.abnormal, alarms: fp, normal: layer.normal };
    return fp === 1
      ? tr("misses {missed} of {abnormal}, {alarms} false alarm in {normal}", counts)
      : tr("misses {missed} of {abnormal}, {alarms} false alarms in {normal}", counts);
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
      normal: tr("Below threshold for {finding}", panel),
      refer: tr("Refer: too close to call"),
      abnormal: tr("Suspicious for {finding}", panel),
    };
    return words[called(at)];
  }

  function rank(score) {
    const { tn } = countsAt(panel.priced, score);
    const { normal, name } = panel.priced;
    const share = Math.floor((tn / normal) * 100);
    return tn === normal
      ? tr("higher than all {normal} normal films ({name})", { normal, name })
      : tr("higher than {share} % of {normal} normal films ({name})", { share, normal, name });
  }

  function referralText({ threshold, upper }) {
    const { films, referred } = referral(panel.priced, threshold, upper);
    return tr("{name}: refers {referred} of {films}", { name: panel.priced.name, referred, films });
  }

  function announcement(at) {
    const { sensitivity, specificity } = at.priced.rates;
    const parts = [
      tr("Threshold {threshold}", { threshold: at.text }),
      cost(at),
      tr("sensitivity {sensitivity}, specificity {specificity}", {
        sensitivity: share(sensitivity),
        specificity: share(specificity),
      }),
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
    const names = { chosen: chosen.name, priced: priced.name };
    scores.replaceChildren(
      item(key("swatch normal"), tr("normal, upwards")),
      item(key("swatch abnormal"), tr("{finding}, downwards", { finding })),
      el("span", {}, tr("strong: on the wrong side of the threshold")),
      two ? el("span", {}, tr("filled: {priced}, line: {chosen}", names)) : "",
      el("span", {}, tr("share of the class, square-root scale")),
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
      (two ? `${tr("Ring: chosen on {chosen}. Dot: measured on {priced}.", names)} ` : "") +
        tr("Cross and band: 95 % intervals on {priced}, Wilson and bootstrap.", names),
    );
    captions[1].replaceChildren(
      el("strong", {}, tr("Precision-recall")),
      ...each((layer) => `AP ${layer.averagePrecision.toFixed(3)}`),
    );
  }

  return {
    histogram: el("figure", {}, scores, histogram.plot),
    curves: [...curves.map((curve, index) => el("figure", {}, captions[index], curve.plot)), note],
    draw,
  };
}
