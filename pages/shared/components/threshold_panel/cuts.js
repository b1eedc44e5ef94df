// Where a threshold may stand, and how a hand or a key moves it there.

import { calledAt, cheapest, placeCut } from "./numbers.js";

// Returns { propose, proposeUpper, step, stepUpper, refer, cheapest }; all act on panel.state.
export function makeCuts(panel) {
  let least = null;

  function propose(threshold, policy = "manual") {
    panel.stopGliding();
    Object.assign(panel.state, { threshold, policy });
    if (panel.state.upper !== null) panel.state.upper = Math.max(panel.state.upper, threshold);
    panel.schedule();
  }

  function proposeUpper(threshold) {
    panel.state.upper = Math.max(threshold, panel.state.threshold);
    panel.schedule();
  }

  // the next threshold, in a direction, at which something changes
  function beside(threshold, direction, stride) {
    const count = panel.scores.length;
    const paces = { fine: 1, coarse: Math.max(5, Math.round(count / 20)), end: count };
    const called = calledAt(panel.scores, threshold) - direction * paces[stride];
    return placeCut(panel.scores, Math.min(Math.max(called, 0), count));
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
    panel.commit();
  }

  function cheapestThreshold() {
    const { prevalence, missedCost } = panel.state;
    const known =
      least?.prevalence === prevalence && least?.missedCost === missedCost && least?.layer === panel.chosen;
    if (!known) {
      const threshold = placeCut(panel.chosen.at, cheapest(panel.chosen, prevalence, missedCost));
      least = { prevalence, missedCost, layer: panel.chosen, threshold };
    }
    return least.threshold;
  }

  return {
    propose,
    proposeUpper,
    step: (direction, stride) => propose(beside(panel.state.threshold, direction, stride)),
    stepUpper: (direction, stride) => proposeUpper(beside(panel.state.upper, direction, stride)),
    refer,
    cheapest: cheapestThreshold,
  };
}
