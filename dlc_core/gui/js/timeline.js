// A video from its first to its last frame: where one is, which frames are taken. A press or drag scrolls.
export const Timeline = {
  props: { frames: Number, at: Number, taken: Array, fresh: Object, from: Number, to: Number },
  emits: ["go"],
  template: `
  <div ref="line" class="dlc-timeline" role="slider" tabindex="0" aria-label="Frame" :aria-valuenow="at" aria-valuemin="0"
    :aria-valuemax="frames - 1" @pointerdown="down" @pointermove="move" @pointerup="held = false" @pointercancel="held = false">
    <svg preserveAspectRatio="none" :viewBox="'0 0 ' + Math.max(1, width) + ' 46'" aria-hidden="true">
      <rect class="track" x="0" y="17" :width="width" height="12" rx="3"/>
      <rect v-if="from > 0 || to < 1" class="range" :x="from * width" y="17" :width="(to - from) * width" height="12"/>
      <rect v-for="t in ticks" :key="t.index" :class="t.kind" :x="t.x - 1.5" y="11" width="3" height="24" rx="1.5"/>
      <path class="here" :d="'M' + (x - 6) + ' 0h12l-6 8zM' + (x - 1) + ' 6h2v40h-2z'"/>
    </svg>
  </div>`,
  data: () => ({ width: 0, held: false }),
  computed: {
    x() { return this.place(this.at); },
    ticks() {
      return this.taken.map((index) => ({ index, x: this.place(index), kind: this.fresh[index] ?? "existing" }));
    },
  },
  mounted() {
    this.watcher = new ResizeObserver(([entry]) => { this.width = entry.contentRect.width; });
    this.watcher.observe(this.$refs.line);
  },
  unmounted() { this.watcher.disconnect(); },
  methods: {
    place(index) { return ((index + 0.5) / Math.max(1, this.frames)) * this.width; },
    down(e) { this.$refs.line.setPointerCapture(e.pointerId); this.held = true; this.move(e); },
    move(e) {
      if (!this.held) return;
      const box = this.$refs.line.getBoundingClientRect();
      this.$emit("go", Math.floor(((e.clientX - box.left) / box.width) * this.frames));
    },
  },
};
