// One viewer per place on the page. Settings are kept per key for as long as the scan is the same.

import { el } from "../dom.js";
import { tr } from "../language.js";
import { paintAll, strengthOf } from "./colours.js";
import { buildFrame } from "./controls.js";
import { composed, drawPicture } from "./drawing.js";
import { bounded, clamp, paneUnder, panned, placeAt, zoomedAt } from "./geometry.js";
import { listenToKeys, listenToPointers, listenToWheel } from "./gestures.js";
import { readPictures } from "./payload.js";
import { measured } from "./ruler.js";

const SETTINGS = new Map(); // key to state
export const MOUNTED = new WeakMap(); // parent to viewer
const FULL_RANGE = { centre: 0.5, width: 1 }; // the window, in shares of the film's range

const freshState = (header, preferences = {}) => ({
  digest: header.digest,
  zoom: 1,
  x: 0.5,
  y: 0.5,
  turn: 0,
  mirror: false,
  window: { ...FULL_RANGE },
  invert: false,
  tool: false,
  ruler: false,
  line: null, // what the ruler measured
  opacity: { heat: 0.7, signed: 0.9, grey: 1 },
  cut: 0,
  layer: 0,
  layerName: header.layers[0]?.name,
  swipe: 0.5,
  // preferences of the reader, kept when the scan changes
  view: preferences.view || header.view,
  map: preferences.map || "inferno",
  outline: preferences.outline ?? true,
  marks: preferences.marks ?? true,
});

export const percent = (share) => `${Math.round(share * 100)} %`;
export const short = (value) => String(Number(value.toPrecision(3)));
export const withUnit = (value, unit) => (unit ? `${value} ${unit}` : value);

export class Viewer {
  constructor(root, language) {
    this.language = language;
    this.act = this.actions();
    this.frame = buildFrame(root, this.act);
    this.panes = [];
    this.arrival = 0;
    listenToPointers(this, this.frame);
    listenToWheel(this, this.frame);
    listenToKeys(this, this.frame);
    this.resized = new ResizeObserver(() => this.requestDraw());
    this.resized.observe(this.frame.stage);
    this.filled = () => this.showControls();
    document.addEventListener("fullscreenchange", this.filled);
  }

  dispose() {
    this.resized.disconnect();
    document.removeEventListener("fullscreenchange", this.filled);
  }

  async update(header, body) {
    if (header.version === this.header?.version) return;
    const arrival = ++this.arrival;
    const pictures = await readPictures(header, body);
    if (arrival !== this.arrival) return; // a later rerender overtook this one
    const before = SETTINGS.get(header.key);
    this.state = before?.digest === header.digest ? before : freshState(header, before);
    SETTINGS.set(header.key, this.state);
    const same = header.layers.findIndex((layer) => layer.name === this.state.layerName);
    this.state.layer = same >= 0 ? same : clamp(this.state.layer, 0, Math.max(0, header.layers.length - 1));
    Object.assign(this, { header, pictures });
    this.frame.root.style.setProperty("--height", `${header.height}px`);
    this.frame.canvas.setAttribute("aria-label", header.alt);
    this.frame.told.textContent = (header.corner || []).join("\n");
    this.frame.layer.replaceChildren(
      ...header.layers.map((layer, i) => el("option", { value: i }, layer.name)),
    );
    this.set({});
  }

  fail(error) {
    this.frame.notice.textContent =
      typeof DecompressionStream === "undefined"
        ? tr("This browser is too old to show the picture. Use Chrome 80, Firefox 113, Safari 16.4 or later.")
        : tr("The picture could not be shown ({reason}). Reload the page.", { reason: error.message });
    this.frame.notice.hidden = false;
  }

  get chosen() {
    return this.pictures.layers[this.state.layer];
  }

  set(changes) {
    if (!this.state) return;
    Object.assign(this.state, changes);
    this.state.layerName = this.chosen?.name;
    this.showControls();
    this.requestDraw();
  }

  requestDraw() {
    if (this.waiting || !this.state) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      this.draw();
    });
  }

  draw() {
    const { canvas, stage } = this.frame;
    const [width, height, ratio] = [stage.clientWidth, stage.clientHeight, window.devicePixelRatio || 1];
    if (!width || !height) return;
    const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== across || canvas.height !== down)
      Object.assign(canvas, { width: across, height: down });
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    paintAll(this.pictures, this.state);
    this.panes = drawPicture(context, width, height, this.state, this.pictures, this.header.shape);
  }

  // ---- what gestures ask for

  viewIn(pane) {
    return bounded(this.state, this.header.shape, pane);
  }

  zoomAt(factor, point) {
    const pane = point ? paneUnder(this.panes, point) : this.panes[0];
    const place = point || { x: pane.x + pane.width / 2, y: pane.y + pane.height / 2 };
    this.set(zoomedAt(this.viewIn(pane), factor, place, this.header.shape, pane));
  }

  pan(dx, dy) {
    const [pane] = this.panes;
    this.set(panned(this.viewIn(pane), dx, dy, this.header.shape, pane));
  }

  // A click on a layer's pane chooses it.
  pick(point) {
    const { layer } = paneUnder(this.panes, point);
    if (layer && !layer.otherScan) this.set({ layer: this.pictures.layers.indexOf(layer) });
  }

  measure(from, to) {
    const pane = paneUnder(this.panes, from);
    if (!pane.measures) return; // of another scan nothing is known here
    const { shape, spacing } = this.header;
    this.set({ line: measured(from, to, { view: this.viewIn(pane), shape, pane, spacing }) });
  }

  // Rightwards widens, downwards raises the level, as in other viewers.
  dragWindow(dx, dy) {
    const { centre, width } = this.state.window;
    const next = {
      width: clamp(width * Math.exp(dx / 250), 0.004, 4),
      centre: clamp(centre + (dy / 400) * Math.min(1, width), -0.5, 1.5),
    };
    this.set({ window: next });
  }

  hover(point) {
    const pane = point && this.state && paneUnder(this.panes, point);
    const place = pane && placeAt(point, this.viewIn(pane), this.header.shape, pane);
    const within = place && place.x >= 0 && place.x < 1 && place.y >= 0 && place.y < 1;
    this.frame.under.textContent = within ? this.valuesAt(place, pane.layer || this.chosen) : "";
  }

  valuesAt({ x, y }, layer) {
    const at = ({ values, width, height }) => values[Math.floor(y * height) * width + Math.floor(x * width)];
    const words = [this.tone(at(this.pictures.film) / (this.pictures.film.levels - 1))];
    if (layer && this.state.view !== "scan") {
      const code = at(layer);
      const value = withUnit(short(strengthOf(layer.kind, code) * layer.scale), layer.unit);
      if (layer.kind === "grey") words.push(code ? this.tone((code - 1) / 254) : tr("none"));
      else words.push(code === 255 ? tr("at least {value}", { value }) : value);
    }
    return words.join(" · ");
  }

  tone(share) {
    return tr("grey {share}", { share: percent(share) });
  }

  // ---- what buttons and keys ask for

  actions() {
    const toggle = (name) => () => this.set({ [name]: !this.state[name] });
    const kind = () => this.chosen?.kind;
    const setOpacity = (value) =>
      this.chosen && this.set({ opacity: { ...this.state.opacity, [kind()]: clamp(value, 0, 1) } });
    const setCut = (value) => this.set({ cut: clamp(Math.round(value * 100) / 100, 0, 0.95) });
    return {
      view: (view) => this.set({ view: this.chosen ? view : "scan" }),
      layer: (layer) => this.set({ layer }),
      step: (by) => {
        const count = this.pictures.layers.length;
        if (count) this.set({ layer: (this.state.layer + by + count) % count });
      },
      fit: () => this.set({ zoom: 1, x: 0.5, y: 0.5 }),
      tool: () => this.set({ tool: !this.state.tool, ruler: false }),
      ruler: () => this.set({ ruler: !this.state.ruler, tool: false }),
      invert: toggle("invert"),
      mirror: toggle("mirror"),
      outline: () => this.pictures.outline && toggle("outline")(),
      marks: () => this.pictures.marks && toggle("marks")(),
      turn: () => this.set({ turn: (this.state.turn + (this.state.mirror ? 3 : 1)) % 4 }),
      reset: () => this.set({ window: { ...FULL_RANGE } }),
      map: (map) => this.set({ map }),
      nextMap: () => this.set({ map: this.state.map === "inferno" ? "cividis" : "inferno" }),
      opacity: setOpacity,
      fade: (by) => setOpacity(this.state.opacity[kind()] + by),
      cut: setCut,
      trim: (by) => setCut(this.state.cut + by),
      swipe: (by) => this.set({ swipe: clamp(this.state.swipe + by, 0, 1) }),
      save: () => this.save(),
      full: () => this.fillScreen(),
      help: () => (this.frame.help.panel.hidden ? this.openHelp() : this.act.closeHelp()),
      closeHelp: () => this.closeHelp(),
      escape: () =>
        this.frame.help.panel.hidden ? this.set({ line: null, ruler: false }) : this.closeHelp(),
    };
  }

  openHelp() {
    this.frame.help.panel.hidden = false;
    this.frame.help.shut.focus();
  }

  closeHelp() {
    if (this.frame.help.panel.hidden) return;
    this.frame.help.panel.hidden = true;
    this.frame.stage.focus({ preventScroll: true });
  }

  fillScreen() {
    const { root } = this.frame;
    if (document.fullscreenElement) return document.exitFullscreen();
    const fill = () => root.classList.toggle("filled") || true; // phones without full screen for elements
    if (root.classList.contains("filled") || !root.requestFullscreen) fill();
    else root.requestFullscreen().catch(fill);
    return this.showControls();
  }

  save() {
    const { clientWidth: width, clientHeight: height } = this.frame.stage;
    const shown = this.chosen && this.state.view !== "scan" && this.chosen.kind !== "grey";
    const words = {
      legend: this.legendWords().filter(Boolean).join(tr(" to ")),
      status: this.frame.status.textContent,
    };
    const canvas = composed(width, height, words, shown && this.frame.bar, (context) =>
      drawPicture(context, width, height, this.state, this.pictures, this.header.shape),
    );
    canvas.toBlob((blob) => {
      const link = el("a", { href: URL.createObjectURL(blob), download: "opacity-picture.png" });
      link.click();
      URL.revokeObjectURL(link.href);
    });
  }
}
