// A frame of a video with the crop box. The box counts whole pixels, [x1, x2, y1, y2] with x2 and y2 outside; all pointer
// work stays here, and `crop` is emitted on release.
import { Viewport } from "dlc-gui/viewport.js";

const REACH_PX = 9;
const CURSORS = { "11": "nwse", "22": "nwse", "12": "nesw", "21": "nesw", "10": "ew", "20": "ew", "01": "ns", "02": "ns" };

export const CropStage = {
  props: { src: String, width: Number, height: Number, crop: Array, cropping: Boolean, unsaved: Boolean, label: String },
  emits: ["crop"],
  template: `
  <div ref="stage" class="dlc-crop-stage" tabindex="0" role="application" :aria-label="label" :style="{cursor}"
    @pointerdown="down" @pointermove="move" @pointerup="up" @pointercancel="drag = null" @wheel.prevent="wheel"
    @contextmenu.prevent>
    <img v-if="src" :src="src" alt="" draggable="false" decoding="sync" :style="view.imageStyle">
    <svg aria-hidden="true">
      <path v-if="isCut" class="outside" :class="{hidden: !cropping && !isCut}" :d="shade" fill-rule="evenodd"/>
      <rect v-if="shown" class="box" :class="{unsaved: unsaved || drag}" :x="rect[0]" :y="rect[1]" :width="rect[2]" :height="rect[3]"/>
      <rect v-for="h in handles" :key="h.side" class="handle" :x="h.x - 5" :y="h.y - 5" width="10" height="10"/>
      <text v-if="shown" class="size" :x="rect[0] + 6" :y="rect[1] + 17">{{ box[1] - box[0] }} x {{ box[3] - box[2] }}</text>
    </svg>
  </div>`,
  data: () => ({ view: new Viewport(), drag: null, fitted: true, hovered: "", space: false }),
  computed: {
    box() { return this.drag?.box ?? this.crop ?? [0, this.width, 0, this.height]; },
    isCut() { const [a, b, c, d] = this.box; return a > 0 || c > 0 || b < this.width || d < this.height; },
    shown() { return this.cropping || this.isCut; },
    rect() {
      const [a, b, c, d] = this.box, [x, y] = this.view.toScreen([a - 0.5, c - 0.5]), s = this.view.scale;
      return [x, y, (b - a) * s, (d - c) * s];
    },
    shade() {
      const [x, y] = this.view.toScreen([-0.5, -0.5]), s = this.view.scale, [a, b, w, h] = this.rect;
      return `M${x} ${y}h${this.width * s}v${this.height * s}h${-this.width * s}zM${a} ${b}h${w}v${h}h${-w}z`;
    },
    handles() {
      if (!this.cropping || this.drag) return [];
      const [x, y, w, h] = this.rect, found = [];
      for (const [i, px] of [[1, x], [0, x + w / 2], [2, x + w]])
        for (const [j, py] of [[1, y], [0, y + h / 2], [2, y + h]]) if (i || j) found.push({ side: `${i}${j}`, x: px, y: py });
      return found;
    },
    cursor() {
      if (this.drag?.pan) return "grabbing";
      if (!this.cropping) return "default";
      return this.hovered === "inside" ? "move" : this.hovered ? `${CURSORS[this.hovered]}-resize` : "crosshair";
    },
  },
  watch: { width() { this.fit(); }, height() { this.fit(); } },
  mounted() {
    this.watcher = new ResizeObserver(() => { if (this.fitted) this.fit(); });
    this.watcher.observe(this.$refs.stage);
  },
  unmounted() { this.watcher.disconnect(); },
  methods: {
    fit() {
      const stage = this.$refs.stage;
      if (this.width) this.view = Viewport.fit(this.width, this.height, stage.clientWidth, stage.clientHeight);
      this.fitted = true;
    },
    // Fill the stage with the crop: what an image will show.
    fitCrop() {
      const stage = this.$refs.stage, [a, b, c, d] = this.box;
      const view = Viewport.fit(b - a, d - c, stage.clientWidth, stage.clientHeight);
      this.view = new Viewport(view.x + a, view.y + c, view.scale);
      this.fitted = false;
    },
    where(e) { const box = this.$refs.stage.getBoundingClientRect(); return [e.clientX - box.left, e.clientY - box.top]; },
    // The border between pixels that is nearest to a place on the screen.
    edge(at) {
      const [x, y] = this.view.toImage(at);
      return [clamp(Math.round(x + 0.5), this.width), clamp(Math.round(y + 0.5), this.height)];
    },
    hit([x, y]) {
      const near = this.handles.find((h) => Math.hypot(h.x - x, h.y - y) <= REACH_PX);
      if (near) return near.side;
      const [a, b, w, h] = this.rect;
      return this.isCut && x > a && x < a + w && y > b && y < b + h ? "inside" : "";
    },
    down(e) {
      const stage = this.$refs.stage, at = this.where(e);
      stage.focus({ preventScroll: true });
      stage.setPointerCapture(e.pointerId);
      const pans = e.button === 1 || (e.button === 0 && (e.shiftKey || this.space || !this.cropping));
      if (pans) this.drag = { pan: at };
      else if (e.button === 0 && this.width) {
        const from = this.edge(at);
        this.drag = { side: this.hit(at), from, box: null, before: [...this.box] };
      }
    },
    move(e) {
      const at = this.where(e), drag = this.drag;
      if (!drag) { this.hovered = this.cropping ? this.hit(at) : ""; return; }
      if (drag.pan) {
        this.fitted = false;
        this.view = this.view.panned(at[0] - drag.pan[0], at[1] - drag.pan[1]);
        drag.pan = at;
        return;
      }
      drag.box = this.dragged(drag, this.edge(at));
    },
    dragged({ side, from, before }, [x, y]) {
      const [a, b, c, d] = before;
      if (side === "inside") {
        const dx = clampTo(x - from[0], -a, this.width - b), dy = clampTo(y - from[1], -c, this.height - d);
        return [a + dx, b + dx, c + dy, d + dy];
      }
      if (!side) return [...sorted(from[0], x), ...sorted(from[1], y)];
      const [i, j] = side;
      return [...(i === "1" ? sorted(x, b) : i === "2" ? sorted(a, x) : [a, b]),
        ...(j === "1" ? sorted(y, d) : j === "2" ? sorted(c, y) : [c, d])];
    },
    up() {
      const box = this.drag?.box;
      this.drag = null;
      if (box && box[1] > box[0] && box[3] > box[2]) this.$emit("crop", box);
    },
    abandon() { const begun = !!this.drag; this.drag = null; return begun; },
    wheel(e) {
      const step = e.deltaMode === 1 ? 30 * e.deltaY : e.deltaY;
      this.fitted = false;
      this.view = this.view.zoomed(Math.exp(-step * (e.ctrlKey ? 0.01 : 0.0018)), this.where(e));
    },
  },
};

const clamp = (value, size) => Math.min(size, Math.max(0, value));
const clampTo = (value, low, high) => Math.min(high, Math.max(low, value));
const sorted = (a, b) => (a <= b ? [a, b] : [b, a]);
