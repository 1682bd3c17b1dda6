// The frames of one folder as this browser knows them: what the server has acknowledged, what it has not yet, undo.
// Every change is drawn at once and sent in order; it leaves `pending` only when the server says it is on the disk.
import { reactive } from "vue";
import { Pending } from "./pending.js";

const AHEAD = 8, BEHIND = 3, RETRY_MS = [300, 600, 1200, 2500, 5000], SAME_PX = 1e-3;
const FETCHED_AT_ONCE = 32, SLOW_MS = 4000, GIVEN_UP_MS = 20000;
const NEW_SERVER = "the server was started anew: open the address that it printed; unsaved edits are kept in this browser";
const NO_SERVER = "the server does not answer; unsaved edits are kept in this browser and sent as soon as it does";

const same = (a, b) =>
  (!a && !b) || (!!a && !!b && Math.abs(a[0] - b[0]) < SAME_PX && Math.abs(a[1] - b[1]) < SAME_PX);
const touched = (edit) => [...Object.keys(edit.set), ...edit.unset];

export class LabelStore {
  constructor({ kind, project, by }) {
    this.kind = kind;
    this.project = project;
    this.by = by;
    this.server = new Map(); // file -> {revision, points, ...} as acknowledged
    this.acks = new Map(); // file -> how many edits were acknowledged
    this.openings = 0;
    this.undone = [];
    this.history = [];
    this.pendingStore = new Pending(`${project}:${kind}`);
    this.pending = [];
    this.marks = new Map(); // file -> 1 or 0 per body part
    this.pendingStore.asked.then((found) => found && this.adopt());
    this.sender = this.pendingStore.tab;
    this.failures = 0;
    this.state = reactive({
      folder: "", files: [], bodyparts: [], colors: [], edges: [], index: 0, points: {}, ghosts: {}, unsaved: {}, known: false,
      counts: [], totals: [], done: {}, settings: {}, canUndo: false, canRedo: false, loading: true, version: 0,
      save: { state: "saved", waiting: 0, message: "" }, conflict: null, notice: "",
    });
  }

  get file() { return this.state.files[this.state.index]; }

  // ---- folders and frames -------------------------------------------------------------------------------------
  async open(folder, file) { return this.read(folder, () => file); }

  // The folder again, at the frame that is shown when the answer comes: others have added or removed frames or body parts.
  async reload() { return this.read(this.state.folder, () => this.file, true); }

  async read(folder, wanted, stays = false) {
    const s = this.state, opening = ++this.openings;
    s.loading = !stays;
    const found = await this.ask(folder);
    if (opening !== this.openings) return; // another one was chosen meanwhile
    const file = wanted(), shown = stays && this.server.get(file), before = s.index;
    if (folder !== s.folder) { this.history = []; this.undone = []; }
    this.server.clear();
    if (shown) this.server.set(file, shown); // until its answer comes, so that nobody has to wait for it
    Object.assign(s, {
      folder, files: found.files.map((f) => f.name), bodyparts: found.bodyparts, colors: found.colors,
      edges: found.edges, settings: found.settings, loading: false,
      counts: found.files.map((f) => count(f.marks)), done: Object.fromEntries(found.files.map((f) => [f.name, f.done])),
      totals: found.bodyparts.map((_, k) => found.files.reduce((n, f) => n + (f.marks[k] === "1"), 0)),
    });
    this.marks = new Map(found.files.map((f) => [f.name, [...f.marks].map(Number)]));
    this.adopt();
    if (found.unused.length) this.say(`${found.unused.join(", ")}: in the label table, but not in config.yaml; kept and not shown.`);
    const known = s.files.indexOf(file);
    if (stays && file && known < 0) this.say(`${file} was removed elsewhere.`);
    await this.go(known >= 0 ? known : stays ? before : Math.max(0, s.counts.findIndex((n) => !n)));
    if (shown && known >= 0) await this.fetchFrames([file]);
  }

  adopt() {
    this.pending.push(...this.pendingStore.adopt());
    this.pendingStore.write(this.pending);
    for (const { file } of this.pending) if (this.server.has(file)) this.recount(file);
    this.refresh();
    this.pump();
  }

  async go(index) {
    const s = this.state;
    if (!s.files.length) { s.points = {}; s.ghosts = {}; return; }
    s.index = Math.max(0, Math.min(s.files.length - 1, index));
    this.refresh();
    const at = s.index;
    const missing = this.around(at).filter((f) => !this.server.has(f));
    if (missing.length) {
      const first = missing.includes(this.file) ? [this.file] : [];
      try { if (first.length) await this.fetchFrames(first); } catch (problem) {
        if (problem.status && problem.status !== 403) throw problem;
        setTimeout(() => { if (this.file === first[0] && !this.server.has(this.file)) this.go(this.state.index); }, RETRY_MS[2]);
        return;
      }
      const rest = missing.filter((f) => !first.includes(f));
      if (rest.length) this.fetchFrames(rest).catch(() => {});
    }
  }

  around(index) {
    const s = this.state;
    return [index, ...range(1, AHEAD).map((d) => index + d), ...range(1, BEHIND).map((d) => index - d)]
      .filter((i) => i >= 0 && i < s.files.length).map((i) => s.files[i]);
  }

  async fetchFrames(files) {
    const folder = this.state.folder, acks = files.map((file) => this.acks.get(file));
    const found = await this.send(`${folder}/frames`, { files });
    if (folder !== this.state.folder) return;
    const passed = files.filter((file, k) => this.acks.get(file) !== acks[k]); // edits were acknowledged meanwhile
    for (const [file, frame] of Object.entries(found)) if (!passed.includes(file)) this.learn(file, frame);
    this.refresh();
    if (passed.length) await this.fetchFrames(passed);
  }

  learn(file, frame) {
    this.server.set(file, frame);
    if ("done" in frame) this.state.done[file] = frame.done;
    this.recount(file);
  }

  // ---- what is shown ------------------------------------------------------------------------------------------
  view(file) {
    const frame = this.server.get(file);
    const points = { ...(frame ? frame.points : {}) };
    for (const edit of this.pending) {
      if (edit.file !== file || edit.folder !== this.state.folder) continue;
      for (const [part, place] of Object.entries(edit.set)) points[part] = this.kind === "refine" ? [place[0], place[1], place[2] ?? 1] : place;
      for (const part of edit.unset) delete points[part];
    }
    return points;
  }

  refresh() {
    const s = this.state, file = this.file;
    s.known = this.server.has(file);
    s.points = this.view(file);
    s.ghosts = s.index > 0 ? this.view(s.files[s.index - 1]) : {};
    s.unsaved = Object.fromEntries(this.pending.filter((e) => e.file === file).flatMap(touched).map((p) => [p, true]));
    s.canUndo = this.history.length > 0;
    s.canRedo = this.undone.length > 0;
    s.version++;
  }

  recount(file) {
    const s = this.state, at = s.files.indexOf(file);
    if (at < 0) return;
    const points = this.view(file), before = this.marks.get(file) ?? [];
    const marks = s.bodyparts.map((p) => (points[p] ? 1 : 0));
    s.counts[at] = marks.reduce((a, b) => a + b, 0);
    if (this.kind === "label" && s.counts[at]) s.done[file] = 1;
    marks.forEach((mark, k) => { if (mark !== before[k]) s.totals[k] += mark - (before[k] ?? 0); });
    this.marks.set(file, marks);
  }

  // ---- edits --------------------------------------------------------------------------------------------------
  change(edit, was = {}) {
    const now = this.view(this.file);
    const full = {
      id: crypto.randomUUID?.() ?? String(Math.random()), folder: this.state.folder, file: this.file, set: {}, unset: [],
      born: performance.now(), ...edit,
    };
    full.was = Object.fromEntries(touched(full).map((p) => [p, p in was ? was[p] : now[p] ?? null]));
    this.history.push(full);
    if (this.history.length > 2000) this.history.shift();
    this.undone = [];
    this.submit(full);
    return full;
  }

  submit(edit) {
    this.pending.push(edit);
    this.pendingStore.write(this.pending);
    if ("done" in edit) this.state.done[edit.file] = edit.done;
    this.recount(edit.file);
    this.refresh();
    this.pump();
  }

  undo() { this.reverse(this.history, this.undone); }
  redo() { this.reverse(this.undone, this.history); }

  async reverse(from, to) {
    const edit = from.at(-1);
    if (!edit || this.reversing) return;
    if (edit.folder === this.state.folder && this.state.files.includes(edit.file) && !this.server.has(edit.file)) {
      this.reversing = true;
      try { await this.fetchFrames([edit.file]); } catch (problem) { this.say(`Not undone: ${problem.message}`); return; }
      finally { this.reversing = false; }
      if (edit !== from.at(-1)) return;
    }
    from.pop();
    const at = this.state.files.indexOf(edit.file), now = this.view(edit.file);
    if (at < 0 || touched(edit).some((p) => !same(now[p], edit.set[p]))) {
      this.say(`Not undone: ${edit.file} was changed elsewhere since.`);
      return this.refresh();
    }
    const parts = Object.entries(edit.was);
    const back = {
      id: `${edit.id}-`, folder: edit.folder, file: edit.file, born: performance.now(), inverseOf: edit,
      set: Object.fromEntries(parts.filter(([, v]) => v)), unset: parts.filter(([, v]) => !v).map(([p]) => p),
      was: Object.fromEntries(touched(edit).map((p) => [p, now[p] ?? null])),
      ...("done" in edit ? { done: edit.wasDone ?? null, wasDone: edit.done } : {}),
    };
    to.push(back);
    this.go(at);
    this.submit(back);
  }

  // ---- sending ------------------------------------------------------------------------------------------------
  async pump() {
    if (this.sending) return;
    this.sending = true;
    try {
      while (this.pending.length && !this.state.conflict && !this.refused) {
        this.show("saving");
        if (!(await this.sendFirst())) return;
      }
    } finally {
      this.sending = false;
      if (!this.pending.length) this.show("saved");
    }
  }

  async sendFirst() {
    const edit = this.pending[0];
    const slow = setTimeout(() => this.show("waiting", NO_SERVER), SLOW_MS);
    try {
      if (edit.folder === this.state.folder && !this.server.has(edit.file)) await this.fetchFrames([edit.file]);
      const known = this.server.get(edit.file) ?? (await this.send(`${edit.folder}/frames`, { files: [edit.file] }))[edit.file];
      if (this.clashing(edit, known).length) return this.askWhich(edit, known);
      if (this.isFinishedElsewhere(edit, known)) {
        this.drop((e) => e === edit);
        this.state.done[edit.file] = known.done;
        this.say(`${edit.file} was ${known.done === null ? "taken up again" : `finished with the cutoff ${known.done}`} elsewhere, which stays.`);
        return true;
      }
      const answer = await this.send(`${edit.folder}/edit`, this.payload(edit, known.revision));
      edit.inverse = answer.inverse;
      this.saved(edit, answer);
    } catch (problem) {
      return this.failed(edit, problem);
    } finally {
      clearTimeout(slow);
    }
    return true;
  }

  payload(edit, seen) {
    const { file } = edit, common = { file, seen, by: this.by.name, sender: this.sender };
    const back = edit.inverseOf?.inverse, others = () => Object.keys(this.view(file)).some((p) => !touched(edit).includes(p));
    if (back && !(back.drop && others())) return { ...back, ...common };
    const { set, unset } = edit, rest = {};
    for (const key of this.kind === "refine" ? ["row", "drop", "done"] : ["row", "drop"]) if (key in edit) rest[key] = edit[key];
    return { ...common, set, unset, ...rest };
  }

  // The body parts that are neither where the person saw them nor where they are to be.
  clashing(edit, { points }) {
    return touched(edit).filter((p) => !same(points[p], edit.was[p]) && !same(points[p], edit.set[p]));
  }

  isFinishedElsewhere(edit, { done }) {
    return this.kind === "refine" && "done" in edit && done !== edit.done && done !== (edit.wasDone ?? null);
  }

  saved(edit, answer) {
    this.failures = 0;
    this.pending.shift();
    this.acks.set(edit.file, (this.acks.get(edit.file) ?? 0) + 1);
    this.pendingStore.write(this.pending);
    if (edit.folder === this.state.folder) this.learn(edit.file, answer.frame);
    if (edit.file === this.file) this.refresh();
    performance.measure("dlc-saved", { start: edit.born, detail: answer.durable_ms });
  }

  failed(edit, problem) {
    if (problem.status === 409) {
      if (edit.folder === this.state.folder) this.learn(edit.file, problem.body.frame);
      this.refresh();
      if (!this.clashing(edit, problem.body.frame).length) this.say(`${edit.file} is also being edited elsewhere.`);
      return true; // sent again on the new state, or shown as a conflict
    }
    if (problem.status === 422) {
      this.refused = edit;
      this.show("refused", problem.message);
      return false;
    }
    const wait = RETRY_MS[Math.min(this.failures++, RETRY_MS.length - 1)];
    this.show("waiting", [403, 421].includes(problem.status) ? problem.message : NO_SERVER);
    setTimeout(() => this.pump(), wait);
    return false;
  }

  askWhich(edit, known) {
    const parts = this.clashing(edit, known);
    this.state.conflict = {
      file: edit.file, edit,
      parts: parts.map((part) => ({ part, theirs: known.points[part] ?? null, mine: edit.set[part] ?? null })),
    };
    this.show("conflict", `${edit.file} was changed elsewhere`);
    return false;
  }

  resolve(mine) {
    const { edit, parts } = this.state.conflict, names = parts.map((p) => p.part);
    if (mine) for (const { part, theirs } of parts) edit.was[part] = theirs;
    else {
      const clash = (e) => e.folder === edit.folder && e.file === edit.file && touched(e).some((p) => names.includes(p));
      this.drop((e) => clash(e));
    }
    this.state.conflict = null;
    this.pump();
  }

  retry(again) {
    const edit = this.refused;
    this.refused = null;
    if (!again) this.drop((e) => e === edit);
    this.pump();
    if (!this.pending.length) this.show("saved");
  }

  drop(which) {
    this.pending = this.pending.filter((e) => !which(e));
    this.history = this.history.filter((e) => !which(e));
    this.undone = this.undone.filter((e) => !which(e));
    this.pendingStore.write(this.pending);
    for (const file of this.server.keys()) this.recount(file);
    this.refresh();
  }

  // ---- what others do -----------------------------------------------------------------------------------------
  async changed({ folder, files, sender }) {
    if (folder !== this.state.folder || sender === this.sender) return;
    const known = files.filter((f) => this.state.files.includes(f));
    if (known.length) this.say(known.length === 1 ? `${known[0]} was changed elsewhere.` : `${known.length} frames were changed elsewhere.`);
    if (files.includes("") || known.length > FETCHED_AT_ONCE) await this.reload().catch(() => {});
    else if (known.length) await this.fetchFrames(known).catch(() => {});
  }

  async removeFrame() {
    const { folder, files, index } = this.state, file = this.file, next = files[index + 1] ?? files[index - 1];
    if (this.pending.some((e) => e.folder === folder && e.file === file)) throw new Error(`${file} has edits that are not saved yet; it stays.`);
    if (!this.server.has(file)) await this.fetchFrames([file]);
    const { revision } = this.server.get(file);
    try { await this.send(`${folder}/remove`, { file, seen: revision, by: this.by.name }); } catch (problem) {
      if (problem.status === 409) { this.learn(file, problem.body.frame); this.refresh(); }
      throw problem;
    }
    await this.open(folder, next);
    this.say(`${file} was moved to removed/ with its labels.`);
  }

  // ---- wire ---------------------------------------------------------------------------------------------------
  show(state, message = "") { this.state.save = { state, message, waiting: this.pending.length }; }

  say(text) {
    this.state.notice = text;
    clearTimeout(this.noticeTimer);
    this.noticeTimer = setTimeout(() => (this.state.notice = ""), 6000);
  }

  // After a new start the same address may be that of another project, in which the same names mean other frames.
  get headers() { return { "content-type": "application/json", "x-dlc-project": this.project }; }

  ask(path) { return talk(`/api/${this.kind}/${encode(path)}`, { headers: this.headers }); }

  send(path, body) {
    return talk(`/api/${this.kind}/${encode(path)}`, {
      method: "POST", keepalive: true, headers: this.headers, body: JSON.stringify(body), signal: AbortSignal.timeout(GIVEN_UP_MS),
    });
  }
}

const encode = (path) => path.split("/").map(encodeURIComponent).join("/");
const count = (marks) => [...marks].reduce((n, mark) => n + (mark === "1"), 0);
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, k) => from + k);

export async function talk(url, options) {
  const answer = await fetch(url, options).catch(() => { throw new Error(NO_SERVER); });
  const text = await answer.text();
  let body = {};
  try { body = JSON.parse(text); } catch { body = { error: answer.status === 403 ? NEW_SERVER : `the server answered ${answer.status}` }; }
  if (answer.ok) return body;
  throw Object.assign(new Error(body.error ?? answer.statusText), { status: answer.status, body });
}
