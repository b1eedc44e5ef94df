// What the frame says of the state: pressed, chosen, how much, in words.

import { speak, tr } from "../language.js";
import { paintBar } from "./colours.js";
import { TOOLS, VIEWS } from "./controls.js";
import { readHeader } from "./payload.js";
import { MOUNTED, percent, short, Viewer, withUnit } from "./viewer.js";

Object.assign(Viewer.prototype, {
  legendWords() {
    const layer = this.chosen;
    if (!layer || layer.kind === "grey") return [];
    const full = withUnit(short(layer.scale), layer.unit);
    if (layer.kind === "signed") return [`−${full}`, layer.zero, `+${full}`];
    return [layer.zero, "", tr("full colour = {value}", { value: full })];
  },

  statusWords() {
    const {
      zoom,
      window: { centre, width },
      invert,
      mirror,
      turn,
      line,
    } = this.state;
    const words = [
      tr("Zoom {zoom}×", { zoom: zoom.toFixed(1) }),
      `W ${Math.round(100 * width)} L ${Math.round(100 * centre)} %`,
      invert && tr("inverted"),
      mirror && tr("MIRRORED"),
      turn && tr("turned {degrees}°", { degrees: turn * 90 }),
      line?.words,
    ];
    return words.filter(Boolean).join(" · ");
  },

  showControls() {
    if (!this.state) return;
    const { frame, state, chosen } = this;
    const shown = chosen && state.view !== "scan";
    const coloured = shown && chosen.kind !== "grey";
    const full = Boolean(document.fullscreenElement) || frame.root.classList.contains("filled");
    const pressed = { ...state, full };
    frame.root.classList.toggle("plain", !this.pictures.layers.length);
    for (const view of frame.views) {
      const name = view.dataset.name;
      view.setAttribute("aria-pressed", String(name === (chosen ? state.view : "scan")));
      view.disabled = !chosen && name !== "scan";
    }
    TOOLS.forEach(([name, , , , stays], i) => {
      if (stays) frame.tools[i].setAttribute("aria-pressed", String(Boolean(pressed[name])));
      if (name === "outline" || name === "marks") frame.tools[i].disabled = !this.pictures[name];
    });
    frame.layer.style.visibility = chosen ? "visible" : "hidden"; // keeps its place
    frame.layer.value = String(state.layer);
    frame.map.value = state.map;
    frame.map.disabled = !coloured || chosen.kind !== "heat";
    const blends = shown && (chosen.kind !== "grey" || state.view === "overlay");
    this.showSlider(frame.opacity, blends ? state.opacity[chosen.kind] : null);
    this.showSlider(frame.cut, coloured ? state.cut : null);
    this.showLegend(coloured);
    frame.caption.textContent = shown ? chosen.caption : "";
    frame.divider.hidden = !chosen || state.view !== "swipe";
    frame.divider.style.left = `${state.swipe * 100}%`;
    frame.divider.setAttribute("aria-valuenow", String(Math.round(state.swipe * 100)));
    frame.divider.setAttribute("aria-valuetext", tr("{share} scan", { share: percent(state.swipe) }));
    frame.status.textContent = this.statusWords();
    // One finger scrolls the page until there is something to move in the picture.
    frame.stage.style.touchAction = state.zoom > 1 || state.tool || state.ruler ? "none" : "pan-y";
    const moves = state.zoom > 1 ? "grab" : "default";
    frame.stage.style.cursor = state.ruler ? "crosshair" : state.tool ? "ns-resize" : moves;
  },

  showSlider({ input, value }, share) {
    input.disabled = share === null;
    input.value = String(Math.round((share || 0) * 100));
    value.textContent = share === null ? "–" : percent(share);
    input.setAttribute("aria-valuetext", value.textContent);
  },

  showLegend(coloured) {
    const { frame, state, chosen, pictures } = this;
    const [low = "", middle = "", high = ""] = this.legendWords();
    frame.low.textContent = low;
    frame.middle.textContent = middle;
    frame.high.textContent = high;
    frame.legend.style.visibility = coloured ? "visible" : "hidden";
    if (coloured) paintBar(frame.bar, chosen, pictures, state);
  },

  // One line after a key, for those who hear the page.
  say() {
    const { state, chosen, frame } = this;
    const view = VIEWS.find(([name]) => name === (chosen ? state.view : "scan"))[1];
    const words = [tr(view)];
    if (chosen)
      words.push(
        tr("{layer}, opacity {share}", {
          layer: chosen.name,
          share: percent(state.opacity[chosen.kind]),
        }),
      );
    if (state.cut) words.push(tr("hidden below {share}", { share: percent(state.cut) }));
    words.push(frame.status.textContent);
    frame.spoken.textContent = words.filter(Boolean).join(". ");
  },
});

export default function scanViewer({ parentElement, data }) {
  const root = parentElement.querySelector(".frame");
  let viewer = MOUNTED.get(parentElement);
  const { header, body } = readHeader(data);
  if (viewer?.frame.root !== root || viewer.language !== header.language) {
    viewer?.dispose();
    speak(header.words);
    viewer = new Viewer(root, header.language);
    MOUNTED.set(parentElement, viewer);
  }
  viewer.update(header, body).catch((error) => viewer.fail(error));
  viewer.mounts = (viewer.mounts || 0) + 1;
  const mine = viewer.mounts;
  return () => {
    if (viewer.mounts !== mine) return; // a later call took the viewer over
    viewer.dispose();
    MOUNTED.delete(parentElement);
  };
}
