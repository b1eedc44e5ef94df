// What the server has been told: one message when a hand lets go, and only when something has changed.

import { el } from "../dom.js";

// Returns { commit, settle, catchUp, live }: commit() sends what changed and says it aloud; settle() takes what
// the server sent as told; catchUp(sequence) goes on counting from the server's last message; live is the
// element that a screen reader hears.
export function makeTold(panel) {
  const live = el("div", { class: "unseen", "aria-live": "polite" });
  let sequence = 0;
  let sent = "";

  function settle() {
    sent = JSON.stringify(panel.state);
  }

  function catchUp(known) {
    sequence = Math.max(sequence, known);
  }

  function commit() {
    if (panel.isGliding()) return;
    if (JSON.stringify(panel.state) !== sent) {
      settle();
      const { threshold, upper, policy, prevalence, missedCost } = panel.state;
      panel.send({ threshold, upper, policy, prevalence, missed_cost: missedCost, sequence: ++sequence });
      live.textContent = panel.announcement(panel.view());
    }
    panel.schedule();
  }

  return { commit, settle, catchUp, live };
}
