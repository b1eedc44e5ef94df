// What the threshold is worth where it will be used: expected cost and net benefit.

import { el, svgEl } from "../dom.js";
import { tr } from "../language.js";
import { polyline, scale, setAttr, setText, ticks } from "./chart_parts.js";
import { cheapest, countsAt, expectedCost, neat, netBenefit, percent, placeCut, ratesOf } from "./numbers.js";

const MAP = { top: 22, right: 22, bottom: 40, left: 46, height: 250 };

// Two charts behind two tabs: the cost of each threshold, the benefit at each exchange rate.
export function makePrice(panel) {
  const cost = makeCostChart(panel);
  const benefit = makeBenefitChart(panel);
  const charts = [
    [tr("Expected cost"), cost],
    [tr("Net benefit"), benefit],
  ];
  const pages = charts.map(([, chart], index) =>
    el(
      "div",
      { role: "tabpanel", id: `page-${index}`, "aria-labelledby": `tab-${index}` },
      chart.plot,
      chart.note,
    ),
  );
  const tabs = charts.map(([title], index) =>
    el(
      "button",
      {
        type: "button",
        role: "tab",
        id: `tab-${index}`,
        "aria-controls": `page-${index}`,
        onclick: () => open(index),
        onkeydown: (event) => turn(event, index),
      },
      title,
    ),
  );
  const node = el(
    "div",
    {},
    el("div", { class: "tabs", role: "tablist", "aria-label": tr("What it is worth") }, ...tabs),
    ...pages,
  );
  let shown = 0;

  function turn(event, index) {
    if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
    event.preventDefault();
    open(1 - index);
    tabs[1 - index].focus();
  }

  function open(index) {
    shown = index;
    tabs.forEach((tab, each) => {
      setAttr(tab, "aria-selected", each === shown);
      setAttr(tab, "tabindex", each === shown ? 0 : -1);
      pages[each].hidden = each !== shown;
    });
    draw();
    panel.schedule();
  }

  const draw = () => charts[shown][1].draw();
  const move = (view) => charts[shown][1].move(view);
  open(0);
  return { node, draw, move };
}

// Axes shared by both: horizontal lines, a label above and one below.
function drawAxes(frame, x, y, { width, labels, xs, ys }) {
  frame.replaceChildren(
    svgEl("text", { x: 0, y: 11 }, labels[1]),
    svgEl(
      "text",
      { x: (MAP.left + width - MAP.right) / 2, y: MAP.height - 6, "text-anchor": "middle" },
      labels[0],
    ),
  );
  for (const { value, text } of ys) {
    frame.append(
      svgEl("line", { x1: MAP.left, x2: width - MAP.right, y1: y(value), y2: y(value) }),
      svgEl("text", { x: MAP.left - 6, y: y(value) + 4, "text-anchor": "end" }, text),
    );
  }
  for (const { value, text } of xs)
    frame.append(
      svgEl("text", { x: x(value), y: MAP.height - MAP.bottom + 16, "text-anchor": "middle" }, text),
    );
}

function makeCostChart(panel) {
  const frame = svgEl("g", { class: "frame" });
  const lines = svgEl("g", { class: "lines" });
  const lowest = svgEl("circle", { class: "lowest", r: 5 });
  const cursor = svgEl("line", { class: "cursor" });
  const dot = svgEl("circle", { class: "dot priced", r: 5 });
  const svg = svgEl("svg", { role: "img", height: MAP.height }, frame, lines, cursor, lowest, dot);
  const plot = el("div", { class: "plot" }, svg);
  const text = el("span", { class: "note" });
  const button = el(
    "button",
    { type: "button", class: "plain", onclick: () => panel.glide(panel.cheapest(), "cost") },
    tr("Move to the minimum"),
  );
  const note = el("div", { class: "under" }, text, button);
  let x = scale([0, 1], [0, 1]);
  let y = scale([0, 1], [1, 0]);
  const costOf = (rates) => expectedCost(rates, panel.state.prevalence, panel.state.missedCost);

  function draw() {
    const width = plot.clientWidth;
    if (!width) return;
    setAttr(svg, "width", width);
    const { prevalence, missedCost } = panel.state;
    x = scale(panel.domain, [MAP.left, width - MAP.right]);
    // dearer than calling all films the same is off the picture: nobody would go there
    const same = 100 * Math.max(prevalence * missedCost, 1 - prevalence);
    const curves = panel.layers.map((layer) => ({ layer, ...along(layer) }));
    const top = Math.min(same, Math.max(...curves.map(({ cost }) => Math.max(...cost)))) * 1.05;
    y = scale([0, top], [MAP.height - MAP.bottom, MAP.top]);
    drawAxes(frame, x, y, {
      width,
      labels: [tr("Threshold"), tr("Cost per 100 films, in false alarms")],
      xs: ticks(...panel.domain, width < 480 ? 4 : 6),
      ys: ticks(0, top),
    });
    lines.replaceChildren(
      ...curves.map(({ layer, at, cost }) =>
        svgEl("path", {
          class: `curve ${layer === panel.priced ? "priced" : "chosen"}`,
          d: polyline(
            at.map((score) => x(panel.clamp(score))),
            cost.map(y),
            true,
          ),
        }),
      ),
    );
    setAttr(svg, "aria-label", `${tr("Expected cost by threshold.")} ${text.textContent}`);
  }

  function along(layer) {
    const cost = Array.from(layer.sensitivity, (sensitivity, k) =>
      costOf({ sensitivity, specificity: 1 - layer.alarms[k] }),
    ).slice(1);
    return { at: Array.from(layer.at), cost };
  }

  function move(view) {
    const at = x(panel.clamp(view.threshold));
    for (const [name, value] of Object.entries({ x1: at, x2: at, y1: MAP.top, y2: MAP.height - MAP.bottom }))
      setAttr(cursor, name, value);
    const now = costOf(view.priced.rates);
    setAttr(dot, "cx", at);
    setAttr(dot, "cy", Math.max(MAP.top, y(now)));
    const best = panel.cheapest();
    const least = costOf(ratesOf(countsAt(panel.chosen, best)));
    const there = costOf(ratesOf(countsAt(panel.priced, best)));
    setAttr(lowest, "cx", x(panel.clamp(best)));
    setAttr(lowest, "cy", y(least));
    const figures = {
      now: now.toFixed(1),
      priced: panel.priced.name,
      chosen: panel.chosen.name,
      best: panel.format(best),
      least: least.toFixed(1),
      there: there.toFixed(1),
    };
    setText(
      text,
      panel.layers.length > 1
        ? tr(
            "Now {now} on {priced}. Cheapest on {chosen} at {best}: {least}; on {priced} it costs {there}.",
            figures,
          )
        : tr("Now {now} on {priced}. Cheapest on {chosen} at {best}: {least}.", figures),
    );
  }
  return { plot, note, draw, move };
}

function makeBenefitChart(panel) {
  const frame = svgEl("g", { class: "frame" });
  const lines = svgEl("g", { class: "lines" });
  const current = svgEl("path", { class: "current" });
  const cursor = svgEl("line", { class: "exchange" });
  const svg = svgEl("svg", { role: "img", height: MAP.height }, frame, lines, cursor, current);
  const key = (className, words) =>
    el("span", { class: "key" }, el("i", { class: `stroke ${className}` }), words);
  const anew = el("span", {});
  const plot = el("div", { class: "plot" }, svg);
  const text = el("span", { class: "note" });
  const note = el(
    "div",
    { class: "under" },
    el(
      "div",
      { class: "keys" },
      key("accent", tr("this threshold")),
      key("priced", anew),
      key("dotted", tr("call all, call none")),
    ),
    text,
  );
  const risks = Array.from({ length: 91 }, (_, index) => 0.005 + index * 0.0095);
  let x = scale([0, 1], [0, 1]);
  let y = scale([0, 1], [1, 0]);

  function draw() {
    const width = plot.clientWidth;
    if (!width) return;
    setAttr(svg, "width", width);
    const { prevalence } = panel.state;
    const two = panel.chosen !== panel.priced;
    setText(
      anew,
      two
        ? tr("chosen for each risk on {chosen}, measured on {priced}", {
            chosen: panel.chosen.name,
            priced: panel.priced.name,
          })
        : tr("chosen for each risk"),
    );
    const top = 100 * prevalence * 1.05;
    x = scale([0, 0.9], [MAP.left, width - MAP.right]);
    y = scale([-top / 4, top], [MAP.height - MAP.bottom, MAP.top]);
    const xs = [0, 0.2, 0.4, 0.6, 0.8].map((value) => ({ value, text: `${value * 100} %` }));
    drawAxes(frame, x, y, {
      width,
      labels: [tr("Risk from which you would act"), tr("Net cases found per 100 films")],
      xs,
      ys: ticks(-top / 4, top),
    });
    // the threshold is chosen anew on one layer for each risk, and priced on the other
    const best = risks.map((risk) => {
      const k = cheapest(panel.chosen, prevalence, (1 - risk) / risk);
      return netBenefit(ratesOf(countsAt(panel.priced, placeCut(panel.chosen.at, k))), prevalence, risk);
    });
    const all = risks.map((risk) => netBenefit({ sensitivity: 1, specificity: 0 }, prevalence, risk));
    lines.replaceChildren(
      svgEl("path", { class: "chance", d: curve(all) }),
      svgEl("line", { class: "chance", x1: x(0), x2: x(0.9), y1: y(0), y2: y(0) }),
      svgEl("path", { class: "curve priced", d: curve(best) }),
    );
    setAttr(svg, "aria-label", `${tr("Decision curve.")} ${text.textContent}`);
  }

  // what lies under the picture is left out
  function curve(values) {
    const kept = risks
      .map((risk, index) => [risk, values[index]])
      .filter(([, value]) => y(value) <= MAP.height - MAP.bottom);
    return polyline(
      kept.map(([risk]) => x(risk)),
      kept.map(([, value]) => y(value)),
    );
  }

  function move(view) {
    const { prevalence, missedCost } = panel.state;
    const risk = 1 / (1 + missedCost);
    setAttr(current, "d", curve(risks.map((each) => netBenefit(view.priced.rates, prevalence, each))));
    for (const [name, value] of Object.entries({
      x1: x(risk),
      x2: x(risk),
      y1: MAP.top,
      y2: MAP.height - MAP.bottom,
    }))
      setAttr(cursor, name, value);
    const per100 = (rates) => netBenefit(rates, prevalence, risk).toFixed(1).replace("-", "−");
    setText(
      text,
      tr(
        "{cost} false alarms per missed case means acting from a risk of {risk} (dashed). There this " +
          "threshold nets {here} cases per 100 films, calling all {all}, calling none 0.",
        {
          cost: neat(missedCost),
          risk: percent(risk),
          here: per100(view.priced.rates),
          all: per100({ sensitivity: 1, specificity: 0 }),
        },
      ),
    );
  }
  return { plot, note, draw, move };
}
