// What the whole page does with a file that is dropped, with arrow keys, and with a phone's drawer.

const INPUT = "[data-testid=stFileUploaderDropzoneInput]";
const DROPZONE = "[data-testid=stFileUploaderDropzone]";
const WRITING = "input, textarea, select, [contenteditable], [role=slider], [role=dialog]";
const DRAWER_BELOW = 768; // pixels: there Streamlit lays its sidebar over the page

const memory = { place: undefined, listening: undefined, going: undefined };

const bringsFiles = (event) => event.dataTransfer?.types.includes("Files");
const uploader = () => document.querySelector(`.stMain ${INPUT}`) || document.querySelector(INPUT);

function closeDrawer() {
  const open = document.querySelector("[data-testid=stSidebar][data-collapsed=false]");
  if (open && window.innerWidth < DRAWER_BELOW)
    document.querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
}

// A dropzone hears its own drops; elsewhere the files go to the page's uploader, as if they had been chosen.
function handOver(event) {
  const input = uploader();
  if (!input || event.target.closest?.(DROPZONE)) return;
  event.preventDefault();
  input.files = event.dataTransfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

// Arrow keys go through the filmstrip unless they mean something where the focus is. A key that comes before
// the film asked for last is on screen goes on from that one.
function step(event) {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const strip = document.querySelector(".st-key-filmstrip");
  if (!by || !strip || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const focused = event.composedPath()[0];
  if (focused !== document.body && !strip.contains(focused)) return;
  if (focused.closest?.(WRITING)) return;
  const films = [...strip.querySelectorAll("[class*='st-key-film-'] button")];
  const shown = films.findIndex((film) => film.closest("[class*='st-key-film-shown-']"));
  const to = (memory.going ?? shown) + by;
  if (!films[to]) return;
  event.preventDefault();
  memory.going = to;
  films[to].click();
}

export default function manners({ data }) {
  document.documentElement.lang = data.language;
  if (memory.place !== data.place) {
    if (memory.place !== undefined) closeDrawer();
    memory.place = data.place;
    memory.going = undefined;
  }
  // Called again for every run of the page; until then the last one listens on, so that no key is missed.
  memory.listening?.abort();
  const listening = new AbortController();
  memory.listening = listening;
  const hear = (name, then) => document.addEventListener(name, then, { signal: listening.signal });
  const mark = (dragged) => document.body.classList.toggle("opacity-drop", dragged);
  hear("dragover", (event) => {
    if (!bringsFiles(event) || !uploader()) return;
    event.preventDefault();
    mark(true);
  });
  hear("dragleave", (event) => event.relatedTarget === null && mark(false));
  hear("drop", (event) => {
    mark(false);
    if (bringsFiles(event)) handOver(event);
  });
  hear("keydown", step);
}
