// Counts, rates and prices at a threshold. A film is called abnormal when its score >= the threshold.

const Z = 1.959963984540054; // 97.5 % quantile of the normal distribution

// Counts of one labelled set at every distinct score, scores falling.
export function readLayer(raw) {
  const layer = {
    name: raw.name,
    at: Float64Array.from(raw.at),
    tp: Int32Array.from(raw.tp),
    fp: Int32Array.from(raw.fp),
    abnormal: raw.abnormal,
    normal: raw.normal,
    auc: raw.auc,
    aucInterval: raw.auc_interval,
    bins: raw.bins,
    band: raw.band,
    digest: raw.digest,
  };
  const size = layer.at.length;
  // the curves, from "no film called" at 0 to "every film called" at size
  layer.sensitivity = new Float64Array(size + 1);
  layer.alarms = new Float64Array(size + 1);
  layer.precision = new Float64Array(size + 1).fill(1);
  layer.averagePrecision = 0;
  for (let k = 1; k <= size; k++) {
    layer.sensitivity[k] = layer.tp[k - 1] / layer.abnormal;
    layer.alarms[k] = layer.fp[k - 1] / layer.normal;
    layer.precision[k] = layer.tp[k - 1] / (layer.tp[k - 1] + layer.fp[k - 1]);
    layer.averagePrecision += (layer.sensitivity[k] - layer.sensitivity[k - 1]) * layer.precision[k];
  }
  return layer;
}

// How many of the distinct scores, falling, reach the threshold.
export function calledAt(at, threshold) {
  let low = 0;
  let high = at.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at[middle] >= threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function countsAt(layer, threshold) {
  const k = calledAt(layer.at, threshold);
  const tp = k ? layer.tp[k - 1] : 0;
  const fp = k ? layer.fp[k - 1] : 0;
  return { k, tp, fp, fn: layer.abnormal - tp, tn: layer.normal - fp };
}

const ratio = (part, whole) => (whole > 0 ? part / whole : null);

// Every figure of the table; null where it has no denominator.
export function ratesOf({ tp, fp, fn, tn }) {
  const sensitivity = tp / (tp + fn);
  const specificity = tn / (tn + fp);
  return {
    sensitivity,
    specificity,
    ppv: ratio(tp, tp + fp),
    npv: ratio(tn, tn + fn),
    accuracy: (tp + tn) / (tp + tn + fp + fn),
    f1: (2 * tp) / (2 * tp + fp + fn),
    lr_positive: fp ? sensitivity / (1 - specificity) : tp ? Infinity : null,
    lr_negative: tn ? (1 - sensitivity) / specificity : fn ? Infinity : null,
  };
}

export function wilson(hits, n) {
  const share = hits / n;
  const scale = 1 + (Z * Z) / n;
  const centre = (share + (Z * Z) / (2 * n)) / scale;
  const half = (Z / scale) * Math.sqrt((share * (1 - share)) / n + (Z * Z) / (4 * n * n));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

// Predictive values among the films of a clinic, by Bayes.
export function valuesAtPrevalence({ sensitivity, specificity }, prevalence) {
  const ill = prevalence;
  const well = 1 - prevalence;
  return {
    ppv: ratio(sensitivity * ill, sensitivity * ill + (1 - specificity) * well),
    npv: ratio(specificity * well, specificity * well + (1 - sensitivity) * ill),
  };
}

// What 100 films cost on average, in false alarms.
export function expectedCost({ sensitivity, specificity }, prevalence, missedCost) {
  return 100 * (prevalence * (1 - sensitivity) * missedCost + (1 - prevalence) * (1 - specificity));
}

// Net benefit per 100 films (Vickers 2006): found cases, less false alarms at the odds of `risk`.
export function netBenefit({ sensitivity, specificity }, prevalence, risk) {
  return 100 * (prevalence * sensitivity - (1 - prevalence) * (1 - specificity) * (risk / (1 - risk)));
}

// The cheapest cut of a layer; the higher of equally cheap ones. Returns how many scores it calls.
export function cheapest(layer, prevalence, missedCost) {
  let best = 0;
  let lowest = Infinity;
  for (let k = 0; k <= layer.at.length; k++) {
    const cost = prevalence * (1 - layer.sensitivity[k]) * missedCost + (1 - prevalence) * layer.alarms[k];
    if (cost < lowest - 1e-12) {
      lowest = cost;
      best = k;
    }
  }
  return best;
}

// A threshold that calls exactly the k highest of the distinct scores, falling, and lies away from any.
export function placeCut(at, k) {
  const margin = (score) => 1e-5 * Math.abs(score);
  if (k === 0) return at[0] + Math.max(margin(at[0]), 1e-9);
  const score = at[k - 1];
  if (k === at.length) return score - margin(score);
  const lower = at[k];
  const middle = lower + (score - lower) / 2;
  return middle > lower ? middle : score;
}

// The distinct scores of all layers, falling: between two of them nothing changes.
export function mergedScores(layers) {
  const all = layers.flatMap((layer) => Array.from(layer.at)).sort((a, b) => b - a);
  return Float64Array.from(all.filter((score, index) => index === 0 || score !== all[index - 1]));
}

// What happens when films from the threshold up to `upper` are referred instead of called.
export function referral(layer, threshold, upper) {
  const lower = countsAt(layer, threshold);
  const higher = countsAt(layer, upper);
  const films = layer.abnormal + layer.normal;
  const decided = films - (lower.tp - higher.tp) - (lower.fp - higher.fp);
  return { films, decided, wrong: lower.fn + higher.fp, referred: films - decided };
}

// A share in two decimals, three where two would claim perfection.
export function share(value) {
  if (value === null || Number.isNaN(value)) return "–";
  const text = value.toFixed(2);
  if ((text === "1.00" && value < 1) || (text === "0.00" && value > 0)) {
    const finer = value.toFixed(3);
    if (finer === "1.000") return ">0.999";
    return finer === "0.000" ? "<0.001" : finer;
  }
  return text;
}

export const interval = ([low, high]) => `${share(low)}–${share(high)}`;

export function likelihood(value) {
  if (value === null) return "–";
  if (value === Infinity) return "∞";
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export const percent = (value) => {
  const hundred = value * 100;
  return `${hundred < 10 ? Number(hundred.toFixed(1)) : hundred.toFixed(0)} %`;
};

// The shortest decimals that still call the same films.
export function shortest(threshold, scores, decimals) {
  const k = calledAt(scores, threshold);
  for (let digits = decimals; digits < 12; digits++) {
    const text = threshold.toFixed(digits);
    if (calledAt(scores, Number(text)) === k) return text.replace("-", "−");
  }
  return String(threshold);
}

export const median = (layer, key) => {
  const counts = key === "abnormal" ? layer.tp : layer.fp;
  const half = layer[key] / 2;
  return layer.at[counts.findIndex((count) => count >= half)];
};

// Three significant digits, as a number.
export const neat = (value) => Number(value.toPrecision(value < 0.1 ? 1 : 2));
