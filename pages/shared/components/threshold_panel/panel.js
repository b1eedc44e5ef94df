// The panel: one state, one frame at a time, and one message to the server when a hand lets go.

import { speak } from "../language.js";
import { makeClinic } from "./clinic.js";
import { makeCurve, PR, ROC } from "./curves.js";
import { makeCuts } from "./cuts.js";
import { makeDrag } from "./drag.js";
import { makeGlide } from "./glide.js";
import { makeHistogram } from "./histogram.js";
import { isLight, layOut } from "./layout.js";
import { mergedScores, placeCut, readLayer, shortest } from "./numbers.js";
import { makePrice } from "./price.js";
import { makeConfusion, makeHeadline, makeMetrics, makePolicies, makeReferral } from "./tables.js";
import { makeTold } from "./told.js";
import { makeLegend, makeWords } from "./words.js";

const PANELS = new WeakMap();

export default function mount({ parentElement, data, setStateValue }) {
  let panel = PANELS.get(parentElement);
  if (panel?.language !== data.language) {
    panel?.dispose();
    speak(data.words);
    panel = makePanel(parentElement);
    panel.language = data.language;
    PANELS.set(parentElement, panel);
  }
  panel.send = (value) => setStateValue("chosen", value);
  panel.receive(data);
  // called again on every rerun, while only the last call's farewell counts
  const turn = ++panel.turn;
  return () => {
    if (panel.turn !== turn) return;
    panel.dispose();
    PANELS.delete(parentElement);
  };
}

function makePanel(parent) {
  const panel = {
    data: null,
    layers: [],
    policies: [],
    state: {},
    turn: 0,
    keyed: false,
    root: parent.getRootNode(),
    clamp: (score) => Math.min(Math.max(score, panel.domain[0]), panel.domain[1]),
    format: (score) => shortest(score, panel.scores, panel.decimals),
    releaseKeys: () => {
      if (panel.keyed) panel.commit();
      panel.keyed = false;
    },
  };
  Object.assign(panel, makeWords(panel), makeCuts(panel), makeDrag(panel), makeGlide(panel), makeTold(panel));
  let frame = 0;
  let stale = { all: false, price: false };
  Object.assign(panel, { schedule, receive, set, dispose });

  const { parts, price, root } = makeParts(panel);
  for (const old of [...parent.children]) if (old.className.startsWith("threshold-panel")) old.remove();
  parent.append(root);
  let width = 0;
  const watcher = new ResizeObserver(() => {
    if (root.clientWidth === width) return;
    width = root.clientWidth;
    redraw();
  });
  watcher.observe(root);
  return panel;

  function receive(data) {
    const before = panel.data;
    panel.data = data;
    takeScores(panel, data);
    panel.catchUp(data.sequence);
    takeState(panel, data, before);
    root.classList.toggle("dark", isLight(getComputedStyle(root).color));
    redraw();
  }

  function redraw() {
    stale.all = true;
    schedule();
  }

  function schedule() {
    if (!frame) frame = requestAnimationFrame(render);
  }

  function render(now) {
    frame = 0;
    if (!panel.data || !root.clientWidth) return;
    panel.follow();
    panel.glideOn(now);
    if (stale.all) for (const part of parts) part.draw?.();
    else if (stale.price) price.draw();
    stale = { all: false, price: false };
    const view = panel.view();
    for (const part of parts) part.move?.(view);
  }

  function set(key, value) {
    panel.state[key] = value;
    stale.price = true;
    schedule();
  }

  function dispose() {
    watcher.disconnect();
    cancelAnimationFrame(frame);
    root.remove();
  }
}

// Everything drawn, in the order in which it is drawn, and the element it stands in.
function makeParts(panel) {
  const histogram = makeHistogram(panel);
  panel.preview = (threshold) => histogram.preview(threshold);
  const curves = [makeCurve(panel, ROC), makeCurve(panel, PR)];
  const headline = makeHeadline(panel);
  const policies = makePolicies(panel);
  const confusion = makeConfusion(panel);
  const metrics = makeMetrics(panel);
  const clinic = makeClinic(panel);
  const refers = makeReferral(panel);
  const price = makePrice(panel);
  const legend = makeLegend(panel, histogram, curves);
  const parts = [headline, policies, histogram, ...curves, confusion, metrics, clinic, refers, price, legend];
  const root = layOut({
    headline,
    legend,
    policies,
    confusion,
    metrics,
    clinic,
    refers,
    price,
    live: panel.live,
  });
  return { parts, price, root };
}

// The labelled sets, read anew only where they are others than before.
function takeScores(panel, data) {
  const same =
    data.layers.length === panel.layers.length &&
    data.layers.every((raw, i) => raw.digest === panel.layers[i].digest && raw.name === panel.layers[i].name);
  if (!same) {
    panel.layers = data.layers.map(readLayer);
    [panel.chosen] = panel.layers;
    panel.priced = panel.layers[panel.layers.length - 1];
    panel.scores = mergedScores(panel.layers);
    panel.ends = [placeCut(panel.scores, panel.scores.length), placeCut(panel.scores, 0)];
  }
  panel.finding = data.finding;
  panel.domain = [data.edges[0], data.edges[data.edges.length - 1]];
  panel.decimals = Math.max(0, 3 - Math.round(Math.log10(panel.domain[1] - panel.domain[0])));
  const own =
    data.card_threshold === null ? [] : [{ name: data.card_policy, threshold: data.card_threshold }];
  panel.policies = [...own, ...data.policies];
}

// What the server chose counts at the first opening and where it has changed; else the hand's choice stays.
function takeState(panel, data, before) {
  const first = before === null;
  if (first || data.prevalence_given !== before.prevalence_given) panel.state.prevalence = data.prevalence;
  if (first || data.missed_cost_given !== before.missed_cost_given) panel.state.missedCost = data.missed_cost;
  if (first) {
    Object.assign(panel.state, { threshold: data.threshold, upper: data.upper, policy: data.policy });
    panel.settle();
  } else if (data.version !== before.version) {
    panel.glide(data.threshold, data.policy, { quiet: true, upper: data.upper });
  }
}
