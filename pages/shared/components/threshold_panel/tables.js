// What the threshold does, in words and figures.

import { el } from "../dom.js";
import { later, tr } from "../language.js";
import { figure, setAttr, setFigure, setText } from "./chart_parts.js";
import { interval, likelihood, referral, share, wilson } from "./numbers.js";

export function makeHeadline(panel) {
  const threshold = figure(0, "");
  const cost = el("p", { class: "cost" });
  const name = el("span", { class: "scan-name" });
  const verdict = el("strong", {});
  const detail = el("span", { class: "quiet" });
  const scan = el("div", { class: "verdict" }, el("p", {}, name), el("p", {}, verdict), el("p", {}, detail));
  threshold.className = "threshold";
  const node = el(
    "div",
    { class: "headline" },
    el("div", {}, el("p", { class: "big" }, `${tr("Threshold")} `, threshold), cost),
    scan,
  );

  function move(view) {
    setFigure(threshold, view.threshold, view.text);
    setText(cost, panel.cost(view));
    scan.hidden = !panel.data.scan;
    if (!panel.data.scan) return;
    const { score } = panel.data.scan;
    setText(name, panel.data.scan.name);
    setText(verdict, panel.verdict(view));
    setAttr(scan, "data-verdict", panel.called(view));
    setText(detail, `${panel.data.score_name} ${panel.format(score)}, ${panel.rank(score)}`);
  }
  return { node, move };
}

// One button per policy; it says what it costs, or why it has no threshold.
export function makePolicies(panel) {
  const list = el("div", { class: "policies", role: "group", "aria-label": tr("Threshold policies") });
  const reasons = el("div", { id: "reasons" });
  const node = el("div", {}, list, reasons);
  let buttons = [];

  function draw() {
    const names = panel.policies.map((policy) => policy.name);
    if (names.join("\n") !== buttons.map((button) => button.name).join("\n")) {
      buttons = names.map((name, index) => button(name, index));
      list.style.setProperty("--count", names.length);
      list.style.setProperty("--half", Math.ceil(names.length / 2));
      list.replaceChildren(...buttons.map((each) => each.node));
    }
    reasons.replaceChildren();
    buttons.forEach(({ node: each, price, broken }, index) => {
      const policy = panel.policies[index];
      const none = policy.threshold === null;
      setAttr(each, "aria-disabled", none);
      setText(price, none ? tr("no threshold, see below") : panel.price(policy.threshold));
      setText(broken, policy.broken ?? "");
      broken.hidden = !policy.broken;
      if (none) reasons.append(el("p", { class: "note" }, `${policy.name}: ${policy.reason}`));
    });
  }

  function button(name, index) {
    const price = el("span", { class: "price" });
    const broken = el("span", { class: "broken" });
    const show = (visible) => panel.preview(visible ? panel.policies[index].threshold : null);
    const each = el(
      "button",
      {
        type: "button",
        onclick: () => {
          const { threshold } = panel.policies[index];
          if (threshold !== null) panel.glide(threshold, name);
        },
        onpointerenter: () => show(true),
        onpointerleave: () => show(false),
        onfocus: () => show(true),
        onblur: () => show(false),
      },
      el("span", { class: "name" }, name),
      price,
      broken,
    );
    return { name, node: each, price, broken };
  }

  function move(view) {
    buttons.forEach(({ node: each }, index) => {
      const policy = panel.policies[index];
      const named = view.policy === "manual" || view.policy === policy.name;
      setAttr(each, "aria-pressed", named && policy.threshold === view.threshold);
    });
  }
  return { node, draw, move };
}

export function makeConfusion(panel) {
  const cell = (kind, meaning) => {
    const count = el("span", { class: "count" });
    const portion = el("span", {});
    const before = el("span", { class: "quiet" });
    return {
      count,
      portion,
      before,
      meaning,
      node: el(
        "td",
        { class: kind, "data-count": kind },
        count,
        el("span", {}, `${meaning} `, portion),
        before,
      ),
    };
  };
  const cells = {
    tp: cell("tp", tr("found")),
    fn: cell("fn", tr("missed")),
    fp: cell("fp", tr("false alarms")),
    tn: cell("tn", tr("cleared")),
  };
  const heads = ["abnormal", "normal"].map((key) => {
    const text = el("span", {});
    return { key, text, node: el("th", { scope: "row" }, el("i", { class: `swatch ${key}` }), text) };
  });
  const caption = el("caption", {});
  const columns = [tr("Called suspicious"), tr("Called below threshold")].map((text) =>
    el("th", { scope: "col" }, text),
  );
  const node = el(
    "table",
    { class: "confusion" },
    caption,
    el("thead", {}, el("tr", {}, el("td", {}), ...columns)),
    el(
      "tbody",
      {},
      el("tr", {}, heads[0].node, cells.tp.node, cells.fn.node),
      el("tr", {}, heads[1].node, cells.fp.node, cells.tn.node),
    ),
  );

  function draw() {
    const { priced, finding } = panel;
    setText(caption, tr("Confusion matrix, {name}", priced));
    setText(heads[0].text, `${finding}, ${priced.abnormal}`);
    setText(heads[1].text, tr("normal, {normal}", priced));
  }

  function move(view) {
    for (const [key, { count, portion, before }] of Object.entries(cells)) {
      const group = key === "tp" || key === "fn" ? "abnormal" : "normal";
      const part = ({ layer, counts }) => share(counts[key] / layer[group]);
      setText(count, String(view.priced.counts[key]));
      setText(portion, part(view.priced));
      before.hidden = view.chosen === view.priced;
      setText(before, `${view.chosen.layer.name} ${part(view.chosen)}`);
    }
  }
  return { node, draw, move };
}

const METRICS = {
  sensitivity: later("Sensitivity"),
  specificity: later("Specificity"),
  ppv: later("PPV in this set"),
  npv: later("NPV in this set"),
  accuracy: later("Accuracy"),
  f1: later("F1"),
  lr_positive: later("LR+"),
  lr_negative: later("LR−"),
};

export function makeMetrics(panel) {
  const caption = el("caption", {}, tr("At this threshold, with 95 % Wilson intervals"));
  const head = el("tr", {});
  const body = el("tbody", {});
  const shift = el("p", { class: "note", "data-shift": "" });
  const node = el("div", {}, el("table", { class: "metrics" }, caption, el("thead", {}, head), body), shift);
  let cells = [];

  function draw() {
    const films = (layer) =>
      el("span", { class: "quiet" }, tr("{count} films", { count: layer.abnormal + layer.normal }));
    head.replaceChildren(
      el("td", {}),
      ...panel.layers.map((layer) => el("th", { scope: "col" }, `${layer.name} `, films(layer))),
    );
    cells = [];
    body.replaceChildren(
      ...Object.entries(METRICS).map(([key, title]) => {
        const row = el("tr", {}, el("th", { scope: "row" }, tr(title)));
        panel.layers.forEach((layer, index) => {
          const value = figure(null, "");
          const range = el("span", { class: "quiet" });
          cells.push({ key, index, value, range });
          row.append(el("td", { "data-metric": key, "data-layer": layer.name }, value, range));
        });
        return row;
      }),
    );
    shift.hidden = panel.layers.length < 2;
  }

  function move(view) {
    for (const { key, index, value, range } of cells) {
      const { rates, intervals } = view.layers[index];
      setFigure(value, rates[key], key.startsWith("lr") ? likelihood(rates[key]) : share(rates[key]));
      setText(range, intervals[key] ? interval(intervals[key]) : "");
    }
    if (panel.layers.length < 2) return;
    const moved = (key) => {
      const change = view.priced.rates[key] - view.chosen.rates[key];
      return `${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(2)}`;
    };
    setText(
      shift,
      tr("From {chosen} to {priced}: sensitivity {sensitivity}, specificity {specificity}.", {
        chosen: panel.chosen.name,
        priced: panel.priced.name,
        sensitivity: moved("sensitivity"),
        specificity: moved("specificity"),
      }),
    );
  }
  return { node, draw, move };
}

// Two thresholds: films between them go to a person.
export function makeReferral(panel) {
  const box = el("input", { type: "checkbox", id: "refer", onchange: () => panel.refer(box.checked) });
  const list = el("dl", { class: "referral" });
  const hint = el(
    "p",
    { class: "note" },
    tr(
      "Move the upper line on the histogram. The figures elsewhere count referred films as called suspicious.",
    ),
  );
  const node = el(
    "section",
    { "aria-label": tr("Refer when too close to call") },
    el("label", { class: "check", for: "refer" }, box, tr("Refer when too close to call")),
    hint,
    list,
  );
  let rows = [];

  function draw() {
    rows = panel.layers.map((layer) => ({ layer, text: el("dd", { "data-referral": layer.name }) }));
    list.replaceChildren(...rows.flatMap(({ layer, text }) => [el("dt", {}, layer.name), text]));
  }

  function move(view) {
    box.checked = view.upper !== null;
    list.hidden = hint.hidden = view.upper === null;
    if (view.upper === null) return;
    for (const { layer, text } of rows) {
      const { films, decided, wrong, referred } = referral(layer, view.threshold, view.upper);
      const error = decided
        ? tr(", wrong in {wrong} of them: {share} ({interval})", {
            wrong,
            share: share(wrong / decided),
            interval: interval(wilson(wrong, decided)),
          })
        : "";
      setText(
        text,
        tr("decides {decided} of {films}: {share} ({interval}){error}; refers {referred}", {
          decided,
          films,
          share: share(decided / films),
          interval: interval(wilson(decided, films)),
          error,
          referred,
        }),
      );
    }
  }
  return { node, draw, move };
}
