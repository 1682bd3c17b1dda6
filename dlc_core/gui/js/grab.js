// Grabbing frames of videos and drawing their crops. Scrolling asks for the latest wanted frame alone; a grab takes the
// frame that is on the screen, and counts when the server has written it.
import { CropStage } from "dlc-gui/crop_stage.js";
import { Timeline } from "dlc-gui/timeline.js";

const AHEAD = 3;

export default {
  props: { videos: Array, first: String, project: String },
  components: { CropStage, Timeline },
  template: `
  <div class="dlc-grab">
    <div class="bar">
      <select v-model="name" aria-label="Video"><option v-for="v in videos" :key="v" :value="v">{{ v }}</option></select>
      <span class="steps"><button v-for="s in steps" :key="s.by" @click="go(at + s.by)" :title="s.key">{{ s.text }}</button></span>
      <label class="field">Frame <input class="frame" type="number" :value="at" min="0" :max="frames - 1" @change="go(+$event.target.value)"></label>
      <span class="dim" data-test="at">of {{ frames }} &middot; {{ time }}</span>
      <button class="grab" :disabled="!frames || isTaken" @click="grab" data-test="grab">{{ isTaken ? "Frame is taken" : "Grab frame" }} <kbd>g</kbd></button>
      <span class="spring"></span>
      <button :aria-pressed="cropping" @click="cropping = !cropping" data-test="draw-crop">Draw crop <kbd>c</kbd></button>
      <span v-if="cropping || isCut" class="crop">
        <label v-for="(side, i) in ['x1', 'x2', 'y1', 'y2']" :key="side" class="field">{{ side }}
          <input type="number" :value="crop[i]" min="0" :max="i < 2 ? width : height" :aria-label="side" @change="typed(i, $event)"></label>
        <button @click="checkCrop" :aria-pressed="checking">Show only it</button>
        <button v-if="isCut" @click="setCrop([0, width, 0, height])">Whole frame</button>
      </span>
    </div>
    <crop-stage ref="stage" :src="src" :width="width" :height="height" :crop="crop" :cropping="cropping" :unsaved="saving > 0"
      :label="'Frame ' + shown + ' of ' + name" @crop="setCrop"/>
    <aside aria-label="Frames that are taken">
      <h2>{{ taken.length }} {{ taken.length === 1 ? "frame" : "frames" }}</h2>
      <p class="dim" v-if="!taken.length">None yet. Scroll to a frame and press <kbd>g</kbd>.</p>
      <div class="list"><button v-for="i in taken" :key="i" :class="[fresh[i], {here: i === at}]" @click="go(i)">
        <i></i>{{ i }}<small v-if="crops[i]">cropped</small><small v-if="fresh[i] === 'waiting'">writing</small></button></div>
      <button v-if="canUndo" class="undo" @click="takeBack">Put frame {{ at }} aside</button>
    </aside>
    <timeline :frames="frames" :at="at" :taken="taken" :fresh="fresh" :from="start" :to="stop" @go="go"/>
    <div class="foot" role="status" aria-live="polite"><span :class="{bad: problem}" data-test="said">{{ problem || said }}</span>
      <button v-if="problem" @click="problem = ''">Close</button><span class="spring"></span>
      <span class="dim keys"><kbd>&larr;</kbd> <kbd>&rarr;</kbd> frame &middot; <kbd>Shift</kbd> 10 &middot; <kbd>Ctrl</kbd> 100 &middot;
        <kbd>,</kbd> <kbd>.</kbd> taken frames &middot; wheel zooms &middot; <kbd>r</kbd> fits</span></div>
  </div>`,
  data: () => ({
    name: "", at: 0, shown: -1, src: "", loading: false, width: 0, height: 0, frames: 0, fps: 0, start: 0, stop: 1,
    crop: [0, 0, 0, 0], cropping: false, checking: false, saving: 0, existing: [], crops: {}, fresh: {}, said: "", problem: "",
    direction: 1, wish: null,
    steps: [[-100, "Ctrl+←"], [-10, "Shift+←"], [-1, "←"], [1, "→"], [10, "Shift+→"], [100, "Ctrl+→"]].map(
      ([by, key]) => ({ by, key, text: by > 0 ? `+${by}` : `−${-by}` })),
  }),
  computed: {
    base() { return `/api/grab/${encodeURIComponent(this.name)}`; },
    isCut() { const [a, b, c, d] = this.crop; return this.width > 0 && (a > 0 || c > 0 || b < this.width || d < this.height); },
    taken() { return [...new Set([...this.existing, ...Object.keys(this.fresh).map(Number)])].sort((a, b) => a - b); },
    isTaken() { return this.existing.includes(this.at) || this.at in this.fresh; },
    canUndo() { return this.fresh[this.at] === "grabbed"; },
    time() {
      const s = this.fps ? this.at / this.fps : 0;
      return `${Math.floor(s / 60)}:${(s % 60).toFixed(2).padStart(5, "0")}`;
    },
  },
  watch: {
    name: { handler() { this.open(); } },
    at(now) {
      if (this.wish !== null && this.wish !== now) {
        this.problem = `Frame ${this.wish} was not grabbed: it was not on the screen yet.`;
        this.wish = null;
      }
      this.show();
    },
  },
  mounted() {
    this.name = this.first;
    this.onKey = (e) => this.key(e);
    window.addEventListener("keydown", this.onKey);
    window.addEventListener("keyup", this.onKey);
    this.onFocus = () => this.look();
    window.addEventListener("focus", this.onFocus);
    this.onBlur = () => { this.$refs.stage.space = false; }; // its release is not heard of in another window
    window.addEventListener("blur", this.onBlur);
  },
  unmounted() {
    window.removeEventListener("keydown", this.onKey);
    window.removeEventListener("keyup", this.onKey);
    window.removeEventListener("focus", this.onFocus);
    window.removeEventListener("blur", this.onBlur);
  },
  methods: {
    async ask(path, body) {
      const headers = { "content-type": "application/json", "x-dlc-project": this.project };
      const sent = body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers };
      let answer;
      try { answer = await fetch(this.base + path, sent); } catch { throw new Error("the server does not answer; is it still running?"); }
      const found = await answer.json().catch(() => ({ error: `the server answered ${answer.status}` }));
      if (!answer.ok) throw new Error(found.error ?? `the server answered ${answer.status}`);
      return found;
    },
    async open() {
      const name = this.name;
      Object.assign(this, { frames: 0, shown: -1, src: "", fresh: {}, existing: [], crops: {}, problem: "", checking: false });
      this.said = "Counting the frames of the video ...";
      try {
        const found = await this.ask("");
        if (name !== this.name) return;
        Object.assign(this, found, { said: "", at: Math.min(this.at, found.frames - 1) });
        const query = new URLSearchParams(location.search);
        query.set("video", name);
        history.replaceState(history.state, "", `?${query}`);
        await this.$nextTick();
        this.$refs.stage.fit();
        this.show();
      } catch (error) { this.problem = error.message; this.said = ""; }
    },
    go(index) {
      if (!this.frames || Number.isNaN(index)) return;
      const next = Math.min(this.frames - 1, Math.max(0, Math.round(index)));
      this.direction = Math.sign(next - this.at) || this.direction;
      this.at = next;
    },
    url(index) { return `/video/${encodeURIComponent(this.name)}/${index}`; },
    // One frame at a time is asked for: while it is under way, only the latest wanted one is remembered.
    async show() {
      if (this.loading || !this.frames || this.shown === this.at) return;
      this.loading = true;
      const index = this.at, name = this.name, image = new Image();
      image.src = this.url(index);
      try {
        await image.decode();
        if (name === this.name) Object.assign(this, { src: image.src, shown: index });
        if (this.wish === this.shown) this.grab();
      } catch { if (name === this.name && index === this.at) await this.explain(index); }
      this.loading = false;
      if (this.problem) return;
      if (this.shown !== this.at || name !== this.name) this.show(); else this.ahead(index);
    },
    async explain(index) {
      const answer = await fetch(this.url(index)).catch(() => null), found = await answer?.json().catch(() => null);
      this.problem = found?.error ?? "the frame could not be fetched; is the server still running?";
    },
    ahead(index) {
      clearTimeout(this.idle);
      this.idle = setTimeout(async () => {
        for (let i = 1; i <= AHEAD && this.at === index; i++) {
          const next = index + i * this.direction, image = new Image();
          if (next < 0 || next >= this.frames) return;
          image.src = this.url(next);
          await image.decode().catch(() => null);
        }
      }, 80);
    },
    async grab() {
      const index = this.shown, name = this.name;
      if (!this.frames || this.isTaken) return;
      this.wish = index === this.at ? null : this.at;
      if (this.wish !== null) { this.said = `Frame ${this.at} is grabbed as soon as it is shown.`; return; }
      this.problem = "";
      this.fresh = { ...this.fresh, [index]: "waiting" };
      try {
        const found = await this.ask("/frame", { index });
        if (name !== this.name) return;
        this.fresh = { ...this.fresh, [index]: "grabbed" };
        this.crops = { ...this.crops, [index]: found.crop };
        this.said = `Frame ${index} is ${found.file}.`;
      } catch (error) {
        const { [index]: gone, ...others } = this.fresh;
        this.fresh = others;
        this.problem = `Frame ${index} was not written: ${error.message}`;
        this.look();
      }
    },
    // What others did meanwhile: frames taken in another window or by a command, a crop changed in config.yaml.
    async look() {
      if (!this.frames || this.saving) return;
      const name = this.name, found = await this.ask("").catch(() => null);
      if (!found || name !== this.name || this.saving) return;
      Object.assign(this, { existing: found.existing, crops: { ...found.crops }, crop: found.crop });
      this.fresh = Object.fromEntries(Object.entries(this.fresh)
        .filter(([index, state]) => state === "waiting" || found.existing.includes(Number(index))));
    },
    async takeBack() {
      const index = this.at;
      try {
        const found = await this.ask("/aside", { index }), { [index]: gone, ...others } = this.fresh;
        this.fresh = others;
        this.existing = this.existing.filter((one) => one !== index);
        this.said = `${found.file} was put into the folder removed.`;
      } catch (error) { this.problem = error.message; }
    },
    async setCrop(box) {
      const before = this.crop;
      this.crop = box;
      this.saving += 1;
      try {
        const found = await this.ask("/crop", { x1: box[0], x2: box[1], y1: box[2], y2: box[3] });
        this.said = `The crop of ${this.name} in config.yaml is ${found.crop.join(", ")}.`;
      } catch (error) {
        this.crop = before;
        this.problem = `The crop was not written: ${error.message}`;
      } finally { this.saving -= 1; }
    },
    typed(i, event) {
      const box = [...this.crop], value = Math.round(+event.target.value);
      box[i] = Math.min(i < 2 ? this.width : this.height, Math.max(0, value));
      if (Number.isNaN(value) || box[1] <= box[0] || box[3] <= box[2]) {
        this.problem = "A crop needs x1 < x2 and y1 < y2.";
        event.target.value = this.crop[i];
      } else this.setCrop(box);
    },
    checkCrop() {
      this.checking = !this.checking;
      if (this.checking) this.$refs.stage.fitCrop(); else this.$refs.stage.fit();
    },
    nextTaken(way) {
      const found = way > 0 ? this.taken.find((i) => i > this.at) : this.taken.findLast((i) => i < this.at);
      if (found !== undefined) this.go(found);
    },
    key(e) {
      const stage = this.$refs.stage;
      if (e.code === "Space" && e.type === "keyup") stage.space = false; // wherever the focus is by now
      if (e.type !== "keydown" || isField(e.target) || e.altKey) return;
      if (e.code === "Space" && (stage.space || e.target.tagName !== "BUTTON")) { stage.space = true; e.preventDefault(); return; }
      const by = e.ctrlKey || e.metaKey ? 100 : e.shiftKey ? 10 : 1;
      const keys = {
        ArrowRight: () => this.go(this.at + by), ArrowLeft: () => this.go(this.at - by),
        PageDown: () => this.go(this.at + 100), PageUp: () => this.go(this.at - 100),
        Home: () => this.go(0), End: () => this.go(this.frames - 1),
        ".": () => this.nextTaken(1), ",": () => this.nextTaken(-1),
        g: () => this.grab(), c: () => { this.cropping = !this.cropping; }, r: () => { this.checking = false; stage.fit(); },
        Escape: () => { if (!stage.abandon()) this.cropping = false; },
      };
      if (!keys[e.key] || ((e.ctrlKey || e.metaKey) && !e.key.startsWith("Arrow"))) return;
      e.preventDefault();
      keys[e.key]();
    },
  },
};

const isField = (node) => /^(INPUT|SELECT|TEXTAREA)$/.test(node?.tagName ?? "");
