// Beside and below the frame: body parts, how things look, the bar of all frames.
export const Parts = {
  props: ["parts", "colors", "points", "totals", "frames", "selected", "pcutoff"],
  emits: ["pick"],
  template: `
  <section><h2>Body parts <small>{{ present }} of {{ parts.length }} in this frame</small></h2>
    <ul class="dlc-parts" ref="list"><li v-for="(part, k) in parts" :key="part">
      <button class="chip" :class="{chosen: k === selected, there: !!points[part]}" :style="{'--c': colors[k]}" :aria-pressed="k === selected"
        :title="part + ': ' + totals[k] + ' of ' + frames + ' frames'" @click="$emit('pick', k)">
        <i :class="{open: isOpen(part)}" aria-hidden="true"></i><span class="key" v-if="k < 9">{{ k + 1 }}</span>
        <span class="name">{{ part }}</span><span class="p" v-if="points[part] && points[part].length > 2">{{ points[part][2].toFixed(2) }}</span>
        <span class="count"><b :style="{width: 100 * totals[k] / Math.max(1, frames) + '%'}"></b></span><span class="n">{{ totals[k] }}</span>
      </button></li></ul>
  </section>`,
  computed: { present() { return this.parts.filter((part) => this.points[part]).length; } },
  watch: {
    selected(k) { this.$nextTick(() => this.$refs.list.children[k]?.scrollIntoView({ block: "nearest" })); },
  },
  methods: { isOpen(part) { const p = this.points[part]; return !p || (p.length > 2 && p[2] < this.pcutoff); } },
};

export const Look = {
  props: ["look", "pcutoff", "by"],
  emits: ["pcutoff", "by"],
  template: `
  <section class="dlc-look">
    <label v-if="pcutoff !== null" class="cutoff">Likelihood cutoff <output>{{ pcutoff.toFixed(2) }}</output>
      <input type="range" min="0" max="1" step="0.01" :value="pcutoff" @input="$emit('pcutoff', +$event.target.value)" data-test="pcutoff"></label>
    <label>Dot size <output>{{ look.dotsize }}</output><input type="range" min="2" max="24" step="1" v-model.number="look.dotsize"></label>
    <label>Opacity <output>{{ look.opacity }}</output><input type="range" min="0" max="1" step="0.05" v-model.number="look.opacity"></label>
    <label>Brightness <output>{{ look.brightness }}</output><input type="range" min="0.2" max="5" step="0.05" v-model.number="look.brightness"></label>
    <label>Contrast <output>{{ look.contrast }}</output><input type="range" min="0.2" max="4" step="0.05" v-model.number="look.contrast"></label>
    <label class="check"><input type="checkbox" v-model="look.names"> Names</label>
    <label class="check"><input type="checkbox" v-model="look.ghosts"> Previous frame's points</label>
    <label class="check"><input type="checkbox" v-model="look.edges"> Skeleton</label>
    <label class="check"><input type="checkbox" v-model="look.advance"> Next body part after a click</label>
    <label class="by">Your name <input type="text" :value="by.name" maxlength="80" placeholder="noted with each edit" @change="$emit('by', $event.target.value)"></label>
  </section>`,
};

// One column per frame: height by labelled body parts, or done and not done. Drawn on a canvas, because there may be thousands.
export const FrameBar = {
  props: ["counts", "full", "done", "shares", "index", "version"],
  emits: ["go"],
  template: `
  <div class="dlc-bar"><canvas ref="bar" @pointerdown="seek" @pointermove="$event.buttons && seek($event)" role="slider" tabindex="-1"
    aria-label="Frame" aria-valuemin="1" :aria-valuemax="counts.length" :aria-valuenow="index + 1"></canvas>
    <span class="n" data-test="progress">{{ finished }} of {{ counts.length }} {{ shares ? "labelled" : "done" }}</span></div>`,
  computed: {
    finished() { return this.done.filter(Boolean).length; },
    drawn() { return [this.counts, this.counts.length, this.full, this.done, this.index, this.version]; },
  },
  watch: { drawn() { this.later(); } },
  mounted() {
    this.watcher = new ResizeObserver(() => this.later());
    this.watcher.observe(this.$refs.bar);
  },
  unmounted() { this.watcher.disconnect(); },
  methods: {
    later() { if (!this.waiting) this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.draw(); }); },
    draw() {
      const bar = this.$refs.bar, n = this.counts.length, ratio = window.devicePixelRatio || 1;
      if (!bar || !n) return;
      const w = (bar.width = Math.max(1, bar.clientWidth * ratio)), h = (bar.height = Math.max(1, bar.clientHeight * ratio));
      const pen = bar.getContext("2d"), step = w / n, gap = step > 4 * ratio ? ratio : 0;
      for (let i = 0; i < n; i++) {
        const all = this.counts[i] / Math.max(1, this.full), share = !this.done[i] ? 0 : this.shares ? Math.max(0.08, all) : 1;
        const left = Math.floor(i * step), width = Math.max(1, Math.floor((i + 1) * step) - left - gap);
        pen.fillStyle = "#2c3342";
        pen.fillRect(left, 0, width, h);
        pen.fillStyle = share >= 1 ? "#5dd39e" : "#5aa2ff";
        pen.fillRect(left, h * (1 - share), width, h * share);
      }
      pen.strokeStyle = "#fff";
      pen.lineWidth = 2 * ratio;
      const x = this.index * step, width = Math.max(step - gap, 3 * ratio);
      pen.strokeRect(Math.min(x, w - width) + ratio, ratio, Math.max(1, width - 2 * ratio), h - 2 * ratio);
    },
    seek(e) {
      const box = this.$refs.bar.getBoundingClientRect();
      const at = Math.floor(((e.clientX - box.left) / box.width) * this.counts.length);
      this.$emit("go", Math.max(0, Math.min(this.counts.length - 1, at)));
    },
  },
};
