// The frame with its points. All pointer work stays here; `place`, `remove` and `pick` are emitted when it is done.
import { Viewport } from "./viewport.js";

const HIT_PX = 9, STILL_PX = 2.5, INSIDE = 0.501;

export const LabelCanvas = {
  props: {
    src: String, points: Object, ghosts: Object, parts: Array, colors: Array, edges: Array, selected: Number,
    unsaved: Object, look: Object, pcutoff: Number, corner: Array, others: Array, label: String, known: Boolean,
  },
  emits: ["place", "remove", "pick", "failed"],
  template: `
  <div ref="stage" class="dlc-stage" tabindex="0" role="application" :aria-label="label" :class="{panning: drag && drag.pan, late: !isHere}"
    @pointerdown="down" @pointermove="move" @pointerup="up" @pointercancel="cancel" @pointerleave="hovered = -1"
    @wheel.prevent="wheel" @contextmenu.prevent @dblclick.prevent>
    <img v-if="src" ref="img" class="dlc-frame" :src="src" alt="" draggable="false" decoding="sync" @load="loaded"
      @error="$emit('failed', src)" :style="[view.imageStyle, {filter}]">
    <svg class="dlc-points" aria-hidden="true">
      <g v-if="look.ghosts" class="ghosts"><circle v-for="g in ghostMarks" :key="g.part" :cx="g.x" :cy="g.y" :r="look.dotsize"
        :stroke="g.color"/></g>
      <line v-for="(e, i) in edgeLines" :key="'e' + i" class="edge" :x1="e[0]" :y1="e[1]" :x2="e[2]" :y2="e[3]"/>
      <g v-for="m in marks" :key="m.part" class="mark" :class="{open: m.open, chosen: m.k === selected, unsaved: unsaved[m.part],
        cornered: m.cornered}" :data-part="m.part" :data-x="m.at[0]" :data-y="m.at[1]">
        <circle v-if="m.k === selected" class="halo" :cx="m.x" :cy="m.y" :r="look.dotsize + 4"/>
        <circle class="dot" :cx="m.x" :cy="m.y" :r="look.dotsize" :stroke="m.color" :fill="m.open ? 'transparent' : m.color"
          :fill-opacity="look.opacity"/>
        <path class="centre" :d="'M' + (m.x - 2) + ' ' + m.y + 'h4M' + m.x + ' ' + (m.y - 2) + 'v4'"/>
        <text v-if="look.names || m.k === hovered || (drag && m.k === drag.k)" :x="m.x + look.dotsize + 4" :y="m.y + 4">{{ m.text }}</text>
      </g>
      <g v-for="t in otherMarks" :key="'t' + t.part" class="theirs"><rect :x="t.x - 6" :y="t.y - 6" width="12" height="12" :stroke="t.color"/>
        <text :x="t.x + 10" :y="t.y + 4">{{ t.part }} ({{ t.by }})</text></g>
    </svg>
  </div>`,
  data: () => ({ view: new Viewport(), size: [0, 0], drag: null, hovered: -1, shown: "" }),
  computed: {
    // Whether the image and the points on the screen are those of this frame: else a click would count for another one.
    isHere() { return this.known && this.shown === this.src; },
    filter() {
      const { brightness, contrast } = this.look;
      return brightness === 1 && contrast === 1 ? "none" : `brightness(${brightness}) contrast(${contrast})`;
    },
    marks() {
      return this.parts.flatMap((part, k) => {
        const held = this.drag && this.drag.k === k && this.drag.at, point = held || this.points[part];
        if (!point) return [];
        const cornered = !held && this.isOutside(point) && !!this.corner, at = cornered ? this.corner : point;
        const [x, y] = this.view.toScreen(at), p = held ? undefined : point[2];
        const note = p === undefined ? "" : ` ${p.toFixed(2)}`, where = cornered ? " (outside the image)" : "";
        return [{ part, k, x, y, at, cornered, color: this.colors[k], open: p !== undefined && p < this.pcutoff, text: part + note + where }];
      });
    },
    ghostMarks() { return this.onScreen(this.ghosts); },
    otherMarks() { return this.others.flatMap((t) => this.onScreen({ [t.part]: t.at }).map((m) => ({ ...m, by: t.by }))); },
    edgeLines() {
      if (!this.look.edges) return [];
      const where = Object.fromEntries(this.marks.map((m) => [m.part, m]));
      return this.edges.filter(([a, b]) => where[a] && where[b]).map(([a, b]) => [where[a].x, where[a].y, where[b].x, where[b].y]);
    },
  },
  watch: { src() { this.drag = null; } },
  mounted() {
    this.watcher = new ResizeObserver(() => this.stageResized());
    this.watcher.observe(this.$refs.stage);
  },
  unmounted() { this.watcher.disconnect(); },
  methods: {
    onScreen(points) {
      return this.parts.flatMap((part, k) => {
        if (!points[part]) return [];
        const [x, y] = this.view.toScreen(points[part]);
        return [{ part, x, y, color: this.colors[k] }];
      });
    },
    isOutside([x, y]) { const [w, h] = this.size; return w > 0 && (x < -0.5 || y < -0.5 || x >= w - 0.5 || y >= h - 0.5); },
    inside([x, y]) { const [w, h] = this.size; return [clamp(x, w), clamp(y, h)]; },
    loaded() {
      const { naturalWidth: w, naturalHeight: h, currentSrc } = this.$refs.img, before = this.size;
      if (currentSrc !== new URL(this.src, location.href).href) return; // of a frame that was passed by
      this.shown = this.src;
      this.size = [w, h];
      if (w !== before[0] || h !== before[1]) this.fit();
    },
    fit() {
      const stage = this.$refs.stage;
      if (this.size[0]) this.view = Viewport.fit(...this.size, stage.clientWidth, stage.clientHeight);
      this.fitted = true;
    },
    stageResized() { if (this.fitted) this.fit(); },
    zoom(factor, at) {
      const stage = this.$refs.stage;
      this.fitted = false;
      this.view = this.view.zoomed(factor, at ?? [stage.clientWidth / 2, stage.clientHeight / 2]);
    },
    middle() {
      const stage = this.$refs.stage;
      return this.inside(this.view.toImage([stage.clientWidth / 2, stage.clientHeight / 2]));
    },
    where(e) { const box = this.$refs.stage.getBoundingClientRect(); return [e.clientX - box.left, e.clientY - box.top]; },
    // The point under the cursor: the nearest one within reach, the selected one first.
    hit([x, y]) {
      const reach = Math.max(HIT_PX, this.look.dotsize + 2);
      const near = this.marks.map((m) => ({ k: m.k, far: Math.hypot(m.x - x, m.y - y) - (m.k === this.selected ? 1 : 0) }))
        .filter((m) => m.far <= reach).sort((a, b) => a.far - b.far);
      return near.length ? near[0].k : -1;
    },
    down(e) {
      this.$refs.stage.focus({ preventScroll: true });
      this.$refs.stage.setPointerCapture(e.pointerId);
      const from = this.where(e), k = this.hit(from);
      if (e.button === 1 || (e.button === 0 && e.shiftKey)) this.drag = { pan: from, from };
      else if (!this.isHere || ![0, 2].includes(e.button)) this.drag = null;
      else if (e.button === 2 && k >= 0) { this.drag = null; this.$emit("remove", k); }
      else if (k >= 0) {
        this.drag = { k, from, was: this.points[this.parts[k]], offset: this.offset(k, from) };
        this.$emit("pick", k);
      } else if (this.selected >= 0 && this.size[0] && !this.isOutside(this.view.toImage(from))) {
        const was = this.points[this.parts[this.selected]] ?? null;
        this.drag = { k: this.selected, from, was, offset: [0, 0], at: this.view.toImage(from), placed: true };
      }
    },
    offset(k, [x, y]) { const m = this.marks.find((one) => one.k === k); return [m.x - x, m.y - y]; },
    move(e) {
      const now = this.where(e), drag = this.drag;
      if (!drag) { this.hovered = this.hit(now); return; }
      if (drag.pan) {
        this.fitted = false;
        this.view = this.view.panned(now[0] - drag.pan[0], now[1] - drag.pan[1]);
        drag.pan = now;
      } else if (drag.at || Math.hypot(now[0] - drag.from[0], now[1] - drag.from[1]) > STILL_PX) {
        drag.at = this.inside(this.view.toImage([now[0] + drag.offset[0], now[1] + drag.offset[1]]));
      }
    },
    // Leave a held point where it is: the button was released, or a key that was pressed comes first.
    finish() {
      const drag = this.drag;
      this.drag = null;
      if (drag && !drag.pan && drag.at) {
        this.$emit("place", { k: drag.k, at: this.inside(drag.at), was: drag.was, placed: !!drag.placed });
      }
    },
    up(e) {
      this.finish();
      this.hovered = e.pointerType === "touch" ? -1 : this.hit(this.where(e));
    },
    cancel() { this.drag = null; },
    wheel(e) {
      const step = e.deltaMode === 1 ? 30 * e.deltaY : e.deltaY;
      this.zoom(Math.exp(-step * (e.ctrlKey ? 0.01 : 0.0018)), this.where(e));
      if (!this.drag) this.hovered = this.hit(this.where(e));
    },
  },
};

const clamp = (value, size) => Math.min(size - INSIDE, Math.max(-0.5, value));
