// The panel: one state, one frame at a time, and one message to the server when a hand lets go.

import { el } from "../dom.js";
import { makeClinic } from "./clinic.js";
import { makeCurve, PR, ROC } from "./curves.js";
import { makeHistogram } from "./histogram.js";
import { isLight, layOut } from "./layout.js";
import { calledAt, cheapest, mergedScores, placeCut, readLayer, shortest } from "./numbers.js";
import { makePrice } from "./price.js";
import { makeConfusion, makeHeadline, makeMetrics, makePolicies, makeReferral } from "./tables.js";
import { makeLegend, makeWords } from "./words.js";

const GLIDE = 250; // milliseconds
const PANELS = new WeakMap();

export default function mount({ parentElement, data, setStateValue }) {
  let panel = PANELS.get(parentElement);
  if (!panel) {
    panel = makePanel(parentElement);
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
  };
  let frame = 0;
  let drag = null;
  let gliding = null;
  let stale = { all: false, price: false };
  let sequence = 0;
  let sent = "";
  let least = null;

  Object.assign(panel, {
    clamp: (score) => Math.min(Math.max(score, panel.domain[0]), panel.domain[1]),
    format: (score) => shortest(score, panel.scores, panel.decimals),
    schedule,
    receive,
    propose,
    proposeUpper,
    step,
    stepUpper,
    refer,
    set,
    grab,
    glide,
    commit,
    dispose,
    ...makeWords(panel),
  });
  panel.cheapest = () => {
    const { prevalence, missedCost } = panel.state;
    if (
      least?.prevalence !== prevalence ||
      least?.missedCost !== missedCost ||
      least?.layer !== panel.chosen
    ) {
      const threshold = placeCut(panel.chosen.at, cheapest(panel.chosen, prevalence, missedCost));
      least = { prevalence, missedCost, layer: panel.chosen, threshold };
    }
    return least.threshold;
  };
  panel.releaseKeys = () => {
    if (panel.keyed) commit();
    panel.keyed = false;
  };
  panel.preview = (threshold) => histogram.preview(threshold);

  const histogram = makeHistogram(panel);
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
  const live = el("div", { class: "unseen", "aria-live": "polite" });
  const root = layOut({ headline, legend, policies, confusion, metrics, clinic, refers, price, live });
  for (const old of [...parent.children]) if (old.className.startsWith("threshold-panel")) old.remove();
  parent.append(root);
  let width = 0;
  const watcher = new ResizeObserver(() => {
    if (root.clientWidth === width) return;
    width = root.clientWidth;
    stale.all = true;
    schedule();
  });
  watcher.observe(root);
  return panel;

  function receive(data) {
    const first = panel.data === null;
    const before = panel.data;
    panel.data = data;
    panel.finding = data.finding;
    const same =
      data.layers.length === panel.layers.length &&
      data.layers.every(
        (raw, i) => raw.digest === panel.layers[i].digest && raw.name === panel.layers[i].name,
      );
    if (!same) {
      panel.layers = data.layers.map(readLayer);
      [panel.chosen] = panel.layers;
      panel.priced = panel.layers[panel.layers.length - 1];
      panel.scores = mergedScores(panel.layers);
      panel.ends = [placeCut(panel.scores, panel.scores.length), placeCut(panel.scores, 0)];
    }
    panel.domain = [data.edges[0], data.edges[data.edges.length - 1]];
    panel.decimals = Math.max(0, 3 - Math.round(Math.log10(panel.domain[1] - panel.domain[0])));
    const own =
      data.card_threshold === null ? [] : [{ name: data.card_policy, threshold: data.card_threshold }];
    panel.policies = [...own, ...data.policies];
    sequence = Math.max(sequence, data.sequence);
    if (first || data.prevalence_given !== before.prevalence_given) panel.state.prevalence = data.prevalence;
    if (first || data.missed_cost_given !== before.missed_cost_given)
      panel.state.missedCost = data.missed_cost;
    if (first) {
      Object.assign(panel.state, { threshold: data.threshold, upper: data.upper, policy: data.policy });
      sent = signature();
    } else if (data.version !== before.version) {
      glide(data.threshold, data.policy, { quiet: true });
    }
    root.classList.toggle("dark", isLight(getComputedStyle(root).color));
    stale.all = true;
    schedule();
  }

  function schedule() {
    if (!frame) frame = requestAnimationFrame(render);
  }

  function render(now) {
    frame = 0;
    if (!panel.data || !root.clientWidth) return;
    if (drag?.point) follow();
    if (gliding) glideOn(now);
    if (stale.all) for (const part of parts) part.draw?.();
    else if (stale.price) price.draw();
    stale = { all: false, price: false };
    const view = panel.view();
    for (const part of parts) part.move?.(view);
  }

  function propose(threshold, policy = "manual") {
    gliding = null;
    Object.assign(panel.state, { threshold, policy });
    if (panel.state.upper !== null) panel.state.upper = Math.max(panel.state.upper, threshold);
    schedule();
  }

  function proposeUpper(threshold) {
    panel.state.upper = Math.max(threshold, panel.state.threshold);
    schedule();
  }

  // the next threshold, in a direction, at which something changes
  function beside(threshold, direction, stride) {
    const count = panel.scores.length;
    const paces = { fine: 1, coarse: Math.max(5, Math.round(count / 20)), end: count };
    const called = calledAt(panel.scores, threshold) - direction * paces[stride];
    return placeCut(panel.scores, Math.min(Math.max(called, 0), count));
  }

  function step(direction, stride) {
    propose(beside(panel.state.threshold, direction, stride));
  }

  function stepUpper(direction, stride) {
    proposeUpper(beside(panel.state.upper, direction, stride));
  }

  // an upper threshold that refers up to a tenth of the films to begin with
  function refer(on) {
    panel.state.upper = null;
    if (on) {
      const { chosen } = panel;
      const called = (k) => (k ? chosen.tp[k - 1] + chosen.fp[k - 1] : 0);
      const from = calledAt(chosen.at, panel.state.threshold);
      let k = Math.max(0, from - 1);
      while (k > 0 && called(from) - called(k - 1) <= 0.1 * (chosen.abnormal + chosen.normal)) k--;
      panel.state.upper = Math.max(placeCut(chosen.at, k), panel.state.threshold);
    }
    commit();
  }

  function set(key, value) {
    panel.state[key] = value;
    stale.price = true;
    schedule();
  }

  function grab(node, event, move, { jump = false } = {}) {
    event.preventDefault();
    gliding = null;
    const box = node.getBoundingClientRect();
    const offset = jump
      ? [0, 0]
      : [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
    drag = { plot: node.parentElement, move, offset, point: jump ? event : null };
    node.setPointerCapture(event.pointerId);
    node.classList.add("held");
    const moved = (next) => {
      drag.point = next;
      schedule();
    };
    const done = () => {
      if (drag.point) follow();
      drag = null;
      node.classList.remove("held");
      node.removeEventListener("pointermove", moved);
      for (const name of ["pointerup", "pointercancel"]) node.removeEventListener(name, done);
      commit();
    };
    node.addEventListener("pointermove", moved);
    for (const name of ["pointerup", "pointercancel"]) node.addEventListener(name, done);
    if (jump) schedule();
  }

  function follow() {
    const { plot, move, offset, point } = drag;
    const box = plot.getBoundingClientRect();
    drag.point = null;
    move(point.clientX - offset[0] - box.left, point.clientY - offset[1] - box.top);
  }

  function glide(to, policy, { quiet = false } = {}) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const lift = panel.state.upper === null ? null : panel.state.upper - panel.state.threshold;
    gliding = { from: panel.state.threshold, to, lift, policy, quiet, start: still ? -Infinity : null };
    schedule();
  }

  function glideOn(now) {
    const { from, to, lift, policy, quiet } = gliding;
    gliding.start ??= now;
    const time = Math.min(1, (now - gliding.start) / GLIDE);
    const threshold = time === 1 ? to : from + (to - from) * (1 - (1 - time) ** 3);
    Object.assign(panel.state, { threshold, policy: time === 1 ? policy : "manual" });
    if (lift !== null) panel.state.upper = threshold + lift;
    if (time < 1) return void schedule();
    gliding = null;
    if (quiet) sent = signature();
    else commit();
  }

  function signature() {
    return JSON.stringify(panel.state);
  }

  function commit() {
    if (gliding) return;
    if (signature() !== sent) {
      sent = signature();
      const { threshold, upper, policy, prevalence, missedCost } = panel.state;
      panel.send({ threshold, upper, policy, prevalence, missed_cost: missedCost, sequence: ++sequence });
      live.textContent = panel.announcement(panel.view());
    }
    schedule();
  }

  function dispose() {
    watcher.disconnect();
    cancelAnimationFrame(frame);
    root.remove();
  }
}
