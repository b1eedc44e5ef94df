// A threshold that moves by itself to where a button sent it, so that the eye can follow.

const GLIDE = 250; // milliseconds

// Returns { glide, glideOn, stopGliding, isGliding }. glideOn(now) takes one step; the last one tells the server,
// or where the glide is quiet takes it as told.
export function makeGlide(panel) {
  let gliding = null;

  // upper: the end of the band that goes with it, null for none; without a word the band moves along
  function glide(to, policy, { quiet = false, upper } = {}) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (upper !== undefined) panel.state.upper = null;
    const lift = panel.state.upper === null ? null : panel.state.upper - panel.state.threshold;
    gliding = {
      from: panel.state.threshold,
      to,
      lift,
      upper,
      policy,
      quiet,
      start: still ? -Infinity : null,
    };
    panel.schedule();
  }

  function glideOn(now) {
    if (!gliding) return;
    const { from, to, lift, upper, policy, quiet } = gliding;
    gliding.start ??= now;
    const time = Math.min(1, (now - gliding.start) / GLIDE);
    const threshold = time === 1 ? to : from + (to - from) * (1 - (1 - time) ** 3);
    Object.assign(panel.state, { threshold, policy: time === 1 ? policy : "manual" });
    if (lift !== null) panel.state.upper = threshold + lift;
    if (time < 1) {
      panel.schedule();
      return;
    }
    gliding = null;
    if (upper !== undefined) panel.state.upper = upper;
    if (quiet) panel.settle();
    else panel.commit();
  }

  function stopGliding() {
    gliding = null;
  }

  return { glide, glideOn, stopGliding, isGliding: () => gliding !== null };
}
