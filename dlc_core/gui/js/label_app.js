// The labelling application: a folder, its frames, the body parts, keys. What is drawn never waits for the server.
import { markRaw } from "vue";
import { LabelStore } from "dlc-gui/label_store.js";
import { LabelCanvas } from "dlc-gui/label_canvas.js";
import { FrameBar, Look, Parts } from "dlc-gui/panels.js";
import { Ask, Conflict, Help, Suspects } from "dlc-gui/dialogs.js";
import { keyAction } from "dlc-gui/keys.js";
import { Prefetch } from "dlc-gui/prefetch.js";
import { talk } from "dlc-gui/wire.js";

const AGAIN_MS = 1500, MENDED_MS = 5000, TOLD_MS = 9000;
const LOOK = { dotsize: 6, opacity: 0.5, brightness: 1, contrast: 1, names: false, ghosts: false, edges: true, advance: true };
const remembered = (name, value) => {
  try { return { ...value, ...JSON.parse(localStorage.getItem(name) ?? "{}") }; } catch { return value; }
};

export default {
  components: { LabelCanvas, FrameBar, Look, Parts, Ask, Conflict, Help, Suspects },
  props: ["kind", "project", "scorer"],
  template: `
  <div class="dlc-app" :data-kind="kind" :data-save="s.save.state">
    <main class="dlc-main">
      <div class="dlc-top">
        <label class="dlc-folder"><span class="sr">Folder</span>
          <select :value="s.folder" @change="open($event.target.value)">
            <option v-for="f in folderList" :key="f.name" :value="f.name">{{ f.name }} ({{ f.problem ? "cannot be read" : f.finished + " / " + f.frames }})</option>
          </select></label>
        <button class="flat" @click="step(-1)" :disabled="s.index === 0" title="Previous frame (left arrow)" aria-label="Previous frame">&#9664;</button>
        <span class="dlc-where" data-test="where"><b>{{ store.file ?? "no frame" }}</b> {{ s.files.length ? s.index + 1 : 0 }} / {{ s.files.length }}</span>
        <button class="flat" @click="step(1)" :disabled="s.index >= s.files.length - 1" title="Next frame (right arrow)" aria-label="Next frame">&#9654;</button>
        <span class="grow"></span>
        <button class="flat" @click="store.undo()" :disabled="!s.canUndo" title="Undo (Ctrl+Z)">&#8630; Undo</button>
        <button class="flat" @click="store.redo()" :disabled="!s.canRedo" title="Redo (Ctrl+Shift+Z)">&#8631; Redo</button>
        <button class="flat" @click="$refs.canvas.fit()" title="Whole image (r)">Fit</button>
        <button class="flat" @click="helping = true" title="Keys (?)">Keys</button>
        <span class="dlc-save" :class="s.save.state" data-test="save" role="status">{{ saveText }}</span>
      </div>
      <div class="dlc-middle">
        <label-canvas ref="canvas" :src="src" :points="s.points" :ghosts="s.ghosts" :parts="s.bodyparts" :colors="s.colors"
          :edges="s.edges" :selected="selected" :unsaved="s.unsaved" :look="look" :pcutoff="pcutoff" :corner="s.settings.corner"
          :others="others" :label="canvasLabel" :known="s.known"
          @place="place" @remove="remove" @pick="pick" @failed="imageFailed"/>
        <div v-if="problem || s.problem" class="dlc-problem" role="alert">{{ problem || s.problem }}</div>
        <div v-else-if="s.loading" class="dlc-problem quiet">Loading ...</div>
        <div v-if="s.notice" class="dlc-notice" role="status">{{ s.notice }}</div>
        <div v-if="s.save.state === 'refused'" class="dlc-refused" role="alert"><b>Not saved.</b> {{ s.save.message }}
          <button @click="store.retry(true)">Try again</button> <button class="flat" @click="store.retry(false)">Discard this edit</button></div>
        <div v-if="s.save.state === 'waiting'" class="dlc-refused" role="alert"><b>Not saved yet:</b> {{ s.save.message }}.</div>
        <conflict v-if="s.conflict" :conflict="s.conflict" @choose="store.resolve($event)"/>
      </div>
      <frame-bar :counts="s.counts" :full="s.bodyparts.length" :done="doneFlags" :shares="kind === 'label'" :index="s.index"
        :version="s.version" @go="goTo($event)"/>
    </main>
    <aside class="dlc-side" aria-label="Body parts and settings">
      <parts :parts="s.bodyparts" :colors="s.colors" :points="s.points" :totals="s.totals" :frames="s.files.length"
        :selected="selected" :pcutoff="pcutoff" @pick="choose"/>
      <div class="dlc-actions">
        <button v-if="kind === 'label'" @click="skip" title="This body part cannot be seen (Space)">Skip invisible</button>
        <button v-if="kind === 'refine'" class="main" :disabled="!s.files.length" :class="{on: isDone}" @click="toggleDone" title="(d)">{{ isDone ? "Done (take back)" : "Frame is done" }}</button>
        <button v-if="kind === 'label'" class="flat" @click="adding = true">Add body parts</button>
        <button class="flat danger" :disabled="!store.file" @click="removing = { folder: s.folder, file: store.file }">Remove frame</button>
        <a v-if="kind === 'refine'" class="flat" :href="'/label?doubtful=1&folder=' + encodeURIComponent(s.folder)">Adjust original labels</a>
        <button v-if="kind === 'label' && suspects.length" class="flat" @click="doubting = !doubting">Doubtful labels ({{ suspects.length }})</button>
      </div>
      <suspects v-if="doubting" :suspects="suspects" :at="suspect" @go="goSuspect"/>
      <look :look="look" :pcutoff="kind === 'refine' && pcutoff >= 0 ? pcutoff : null" :by="by" @pcutoff="pcutoff = $event" @by="by.name = $event"
        @input="keepLook" @change="keepLook"/>
    </aside>
    <ask v-if="removing" title="Remove this frame?" confirm="Move it aside" @close="removing = null" @confirm="removeFrame">
      {{ removing.file }} and its labels move to labeled-data/{{ removing.folder }}/removed/. Nothing is deleted.</ask>
    <ask v-if="adding" title="Add body parts" confirm="Add" input="Names, separated by commas" @close="adding = false" @confirm="addParts">
      They are added to config.yaml and to all labelled folders. Frames that are labelled keep their points.</ask>
    <help v-if="helping" :kind="kind" @close="helping = false"/>
  </div>`,
  data() {
    const by = remembered("dlc-by", { name: "" }), store = new LabelStore({ kind: this.kind, project: this.project, by });
    return {
      store: markRaw(store), prefetch: markRaw(new Prefetch()), s: store.state, folders: [], selected: 0, picks: 0, look: remembered("dlc-look", LOOK),
      again: { url: "", times: 0 }, pcutoff: -1, by, problem: "", removing: null, adding: false, helping: false, suspects: [], doubting: false, suspect: -1,
    };
  },
  computed: {
    src() {
      const file = this.s.files[this.s.index], url = file ? imageUrl(this.s.folder, file) : "";
      return url && this.again.url === url ? `${url}?again=${this.again.times}` : url;
    },
    isDone() { return (this.s.done[this.s.files[this.s.index]] ?? null) !== null; },
    doneFlags() { return this.s.files.map((f) => (this.s.done[f] ?? null) !== null); },
    // Places that are not this person's: of somebody else in a conflict, of the network where a label is doubtful.
    others() {
      const { conflict, folder, files, index } = this.s, doubt = this.suspects[this.suspect];
      if (conflict && conflict.edit.folder === folder && conflict.edit.file === files[index]) return conflict.parts.filter((p) => p.theirs).map((p) => ({ part: p.part, at: p.theirs, by: "theirs" }));
      const here = this.doubting && doubt?.image === `labeled-data/${folder}/${files[index]}` && doubt.prediction_x !== null;
      return here ? [{ part: doubt.bodypart, at: [doubt.prediction_x, doubt.prediction_y], by: "network" }] : [];
    },
    folderList() {
      const done = this.doneFlags.filter(Boolean).length;
      return this.folders.map((f) => (f.name === this.s.folder ? { ...f, frames: this.s.files.length, finished: done } : f));
    },
    canvasLabel() {
      const part = this.s.bodyparts[this.selected] ?? "no body part";
      return `Frame ${this.store.file ?? ""}. Click places ${part}; right click removes a point.`;
    },
    saveText() {
      const { state, waiting } = this.s.save;
      return { saved: "Saved", saving: "Saving ...", conflict: "Choose one", refused: "Not saved" }[state] ?? `${waiting} not saved`;
    },
  },
  watch: {
    src() { this.problem = ""; this.prefetch.around(this.s.files.map((f) => imageUrl(this.s.folder, f)), this.s.index); this.remember(); },
    "s.files"(files) { // the frame that is asked about is gone, or the folder
      const { removing } = this;
      if (removing && (removing.folder !== this.s.folder || !files.includes(removing.file))) this.removing = null;
    },
    "by.name"(name) { localStorage.setItem("dlc-by", JSON.stringify({ name })); },
  },
  async mounted() {
    window.addEventListener("keydown", this.key);
    const query = new URLSearchParams(location.search);
    try {
      const doubts = this.kind === "label" ? talk("/api/suspects").catch((error) => { this.store.say(error.message); return []; }) : [];
      [this.folders, this.suspects] = await Promise.all([talk(`/api/${this.kind}`), doubts]);
      const open = this.folders.find((f) => f.finished < f.frames && !f.problem) ?? this.folders[0];
      const folder = query.get("folder") ?? open?.name;
      if (!folder) throw new Error("There are no frames to label. Extract some first: dlc extract-frames.");
      await this.open(folder, query.get("frame"), query.get("part"));
      this.doubting = query.has("doubtful") && this.suspects.length > 0;
      if (this.doubting) await this.goSuspect(Math.max(0, this.suspects.findIndex((s) => s.image.includes(`/${folder}/`))));
    } catch (error) { this.s.loading = false; this.problem = error.message; }
  },
  unmounted() { window.removeEventListener("keydown", this.key); },
  methods: {
    async open(folder, frame, part) {
      this.problem = "";
      try { if (!(await this.store.open(folder, frame))) return; } catch (error) { this.problem = error.message; return; }
      if (!this.s.files.length) this.problem = `labeled-data/${folder} holds no frame. Extract some first: dlc extract-frames.`;
      const { dotsize, opacity, pcutoff } = this.s.settings;
      if (!localStorage.getItem("dlc-look")) Object.assign(this.look, { dotsize: Math.max(5, dotsize / 2), opacity });
      if (this.pcutoff < 0) this.pcutoff = this.kind === "refine" ? pcutoff : 0;
      this.pick(Math.max(0, this.s.bodyparts.indexOf(part)));
      if (!part) this.pickFree();
      this.remember();
      this.$refs.canvas.$refs.stage.focus({ preventScroll: true });
    },
    remember() {
      const query = new URLSearchParams({ folder: this.s.folder, frame: this.store.file ?? "" });
      history.replaceState(history.state, "", `${location.pathname}?${query}`);
    },
    step(by) { return this.goTo(this.s.index + by); },
    goTo(index) {
      this.store.go(index);
      if (this.kind === "label") this.pickFree();
    },
    pick(k) { this.selected = k; this.picks++; },
    // Chooses the first body part without a point as soon as the points are there; not if the person has chosen one
    // meanwhile, or has gone on.
    async pickFree() {
      const { picks, s, store: { file } } = this, { folder } = s;
      await this.store.arrived;
      if (s.known && picks === this.picks && folder === s.folder && file === this.store.file) this.pick(Math.max(0, this.firstFree(0)));
    },
    firstFree(from) {
      const n = this.s.bodyparts.length;
      for (let d = 0; d < n; d++) if (!this.s.points[this.s.bodyparts[(from + d) % n]]) return (from + d) % n;
      return Math.min(from, n - 1);
    },
    nextUnfinished(direction) {
      if (this.doubting) return this.goSuspect(Math.max(0, Math.min(this.suspects.length - 1, this.suspect + direction)));
      for (let i = this.s.index + direction; i >= 0 && i < this.s.files.length; i += direction) if (!this.doneFlags[i]) return this.goTo(i);
      this.store.say(direction > 0 ? "No unfinished frame after this one." : "No unfinished frame before this one.");
    },
    place({ k, at, was, placed }) {
      const part = this.s.bodyparts[k];
      this.store.change({ set: { [part]: at.map((v) => Math.round(v * 1000) / 1000) } }, { [part]: was ?? null });
      if (placed && !was && this.look.advance) this.pick(this.firstFree(k + 1 < this.s.bodyparts.length ? k + 1 : k));
    },
    remove(k) {
      const part = this.s.bodyparts[k];
      if (this.s.points[part]) this.store.change({ unset: [part] });
      this.pick(k);
    },
    // A frame whose image is missing never gets one: its points are all that there is to see.
    isSeen() {
      const isSeen = this.$refs.canvas.isHere || (this.s.known && !!this.s.missing[this.store.file]);
      if (!isSeen && this.store.file) this.store.say(`${this.store.file} is not shown yet.`);
      return isSeen;
    },
    nudge(dx, dy) {
      const part = this.s.bodyparts[this.selected], at = this.$refs.canvas.marks.find((m) => m.part === part)?.at;
      if (at && this.$refs.canvas.isHere) this.store.change({ set: { [part]: this.$refs.canvas.inside([at[0] + dx, at[1] + dy]) } });
    },
    keepLook() { localStorage.setItem("dlc-look", JSON.stringify(this.look)); },
    placeInMiddle() {
      const part = this.s.bodyparts[this.selected];
      if (part && this.$refs.canvas.isHere && !this.s.points[part]) this.place({ k: this.selected, at: this.$refs.canvas.middle(), was: null, placed: false });
    },
    choose(k) { this.pick(k); this.$refs.canvas.$refs.stage.focus({ preventScroll: true }); },
    skip() {
      if (this.selected < this.s.bodyparts.length - 1) { this.pick(this.selected + 1); return; }
      if (Object.keys(this.s.points).length || !this.$refs.canvas.isHere) return;
      this.store.change({ row: true, done: 1, wasDone: this.s.done[this.store.file] ?? null });
      this.store.say(`${this.store.file} counts as labelled, with no body part visible.`);
    },
    turn(by) { const n = this.s.bodyparts.length; this.pick((this.selected + by + n) % n); },
    toggleDone() {
      if (!this.isSeen()) return;
      const before = this.s.done[this.store.file] ?? null, done = before === null ? this.pcutoff : null;
      this.store.change({ done, wasDone: before });
      if (done !== null) this.step(1);
    },
    key(event) {
      const busy = this.removing || this.adding || this.helping || this.s.conflict;
      if (busy || /^(SELECT|TEXTAREA)$/.test(event.target.tagName) || event.target.type === "text") return;
      const action = keyAction(event, this.kind);
      if (!action) return;
      event.preventDefault();
      if (action[0] !== "cancel") this.$refs.canvas.finish(); // a point that is held belongs to this frame
      this.act(...action);
    },
    act(name, value) {
      const acts = {
        part: () => { if (value < this.s.bodyparts.length) this.pick(value); },
        frame: () => this.step(value), turn: () => this.turn(value), unfinished: () => this.nextUnfinished(value),
        remove: () => { if (this.isSeen()) this.remove(this.selected); }, undo: () => this.store.undo(), redo: () => this.store.redo(),
        fit: () => this.$refs.canvas.fit(), zoom: () => this.$refs.canvas.zoom(value), nudge: () => this.nudge(...value), skip: () => this.skip(), middle: () => this.placeInMiddle(),
        toggle: () => { this.look[value] = !this.look[value]; this.keepLook(); }, done: () => this.toggleDone(), help: () => { this.helping = true; },
        cancel: () => this.$refs.canvas.cancel(), ends: () => this.goTo(value ? this.s.files.length - 1 : 0),
      };
      acts[name]();
    },
    async removeFrame() {
      const which = this.removing;
      this.removing = null;
      if (which) await this.tell(() => this.store.removeFrame(which));
    },
    async addParts(text) {
      const names = text.split(",").map((name) => name.trim()).filter(Boolean);
      this.adding = false;
      await this.tell(async () => {
        await talk("/api/bodyparts", {
          method: "POST", headers: this.store.wire.headers, body: JSON.stringify({ names, by: this.by.name }),
        });
        await this.store.reload();
      });
    },
    async tell(work) {
      try { await work(); } catch ({ message }) {
        this.problem = message;
        setTimeout(() => { if (this.problem === message) this.problem = ""; }, TOLD_MS);
      }
    },
    async imageFailed(src) {
      const url = src.split("?")[0], times = this.again.url === url ? this.again.times : 0;
      const error = await talk(url).then(() => null, (problem) => problem);
      if (src !== this.src) return;
      if (error || times > 3) this.problem = error?.message ?? "This browser cannot show the image.";
      if (error) { // asked for until somebody has mended it
        const isAway = !error.status || error.status === 403;
        setTimeout(() => { if (src === this.src) this.imageFailed(src); }, isAway ? AGAIN_MS : MENDED_MS);
      } else if (times <= 3) setTimeout(() => { if (src === this.src) this.again = { url, times: times + 1 }; }, this.problem ? 0 : AGAIN_MS);
    },
    async goSuspect(at) {
      const { image, bodypart } = this.suspects[at], [folder, file] = image.split("/").slice(-2);
      if (at === this.suspect && this.s.loading) return; // on its way
      this.suspect = at;
      if (folder !== this.s.folder) await this.open(folder, file);
      if (at !== this.suspect || folder !== this.s.folder) return; // another one was chosen meanwhile, or the problem is told
      const index = this.s.files.indexOf(file);
      if (index < 0) { this.store.say(`${image} is not there any more; n goes on to the next.`); return; }
      if (index !== this.s.index) this.store.go(index);
      this.pick(Math.max(0, this.s.bodyparts.indexOf(bodypart)));
    },
    changed(news) { return this.store.changed(news); },
  },
};

const imageUrl = (folder, file) => `/image/${encodeURIComponent(folder)}/${encodeURIComponent(file)}`;
