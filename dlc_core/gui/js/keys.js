// Which key does what: [action, value], or null. KEYS is what the help shows.
export const KEYS = [
  ["1 ... 9", "choose a body part", "both"], ["up, down", "previous, next body part", "both"], ["Space", "skip a body part", "label"],
  ["left, right", "previous, next frame", "both"], ["p, n", "previous, next frame that is not finished", "both"],
  ["Home, End", "first, last frame", "both"], ["Delete", "remove the chosen point", "both"],
  ["Enter", "place the chosen body part in the middle", "both"], ["Shift + arrows", "move the chosen point by 1 pixel (with Ctrl 0.1)", "both"], ["Ctrl+Z, Ctrl+Shift+Z", "undo, redo, across frames", "both"],
  ["d", "frame is done", "refine"], ["+, -, r", "zoom in, out, whole image", "both"], ["g, l, k", "show the previous frame's points, names, skeleton", "both"],
  ["mouse wheel", "zoom at the cursor", "both"], ["Shift + drag, middle button", "move the image", "both"],
  ["left click, right click", "place the chosen body part", "both"], ["drag", "move a point", "both"], ["right click on a point", "remove it", "both"],
  ["?", "these keys", "both"],
];

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const PLAIN = {
  ArrowLeft: ["frame", -1], ArrowRight: ["frame", 1], ArrowUp: ["turn", -1], ArrowDown: ["turn", 1], Home: ["ends", 0], End: ["ends", 1],
  n: ["unfinished", 1], p: ["unfinished", -1], Delete: ["remove"], Backspace: ["remove"], r: ["fit"], "+": ["zoom", 1.25], "=": ["zoom", 1.25],
  "-": ["zoom", 0.8], g: ["toggle", "ghosts"], l: ["toggle", "names"], k: ["toggle", "edges"], "?": ["help"], Escape: ["cancel"],
};

export function keyAction(event, kind) {
  const { key } = event, control = event.ctrlKey || event.metaKey;
  if (control && key.toLowerCase() === "z") return [event.shiftKey ? "redo" : "undo"];
  if (control && key.toLowerCase() === "y") return ["redo"];
  if (event.shiftKey && ARROWS[key]) return ["nudge", ARROWS[key].map((d) => (control ? d / 10 : d))];
  if (control || event.altKey) return null;
  if (event.target.type === "range" && key.startsWith("Arrow")) return null;
  if (key === " ") return /^(BUTTON|INPUT)$/.test(event.target.tagName) || kind === "refine" ? null : ["skip"];
  if (key === "Enter") return /^(BUTTON|INPUT|A)$/.test(event.target.tagName) ? null : ["middle"];
  if (key === "d" && kind === "refine") return ["done"];
  if (/^[1-9]$/.test(key)) return ["part", Number(key) - 1];
  return PLAIN[key] ?? null;
}
