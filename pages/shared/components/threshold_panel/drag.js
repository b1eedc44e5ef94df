// A pointer that moves something: read once a frame, told once when it lets go.

// Returns { grab, follow }: grab(node, event, move, { jump }) begins a drag that calls move(x, y), in pixels of
// the node's plot; follow() hands on the newest place of the pointer, if there is one.
export function makeDrag(panel) {
  let drag = null;

  function grab(node, event, move, { jump = false } = {}) {
    event.preventDefault();
    panel.stopGliding();
    const box = node.getBoundingClientRect();
    const offset = jump
      ? [0, 0]
      : [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
    drag = { plot: node.parentElement, move, offset, point: jump ? event : null };
    node.setPointerCapture(event.pointerId);
    node.classList.add("held");
    const moved = (next) => {
      drag.point = next;
      panel.schedule();
    };
    const done = () => {
      follow();
      drag = null;
      node.classList.remove("held");
      node.removeEventListener("pointermove", moved);
      for (const name of ["pointerup", "pointercancel"]) node.removeEventListener(name, done);
      panel.commit();
    };
    node.addEventListener("pointermove", moved);
    for (const name of ["pointerup", "pointercancel"]) node.addEventListener(name, done);
    if (jump) panel.schedule();
  }

  function follow() {
    if (!drag?.point) return;
    const { plot, move, offset, point } = drag;
    const box = plot.getBoundingClientRect();
    drag.point = null;
    move(point.clientX - offset[0] - box.left, point.clientY - offset[1] - box.top);
  }

  return { grab, follow };
}
