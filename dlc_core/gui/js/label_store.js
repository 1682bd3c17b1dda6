// The frames of one folder as this browser knows them: what the server has acknowledged, what it has not yet, undo.
// Every change is drawn at once and sent in order; it leaves the outbox only when the server says it is on the disk.
import { reactive } from "vue";
import { KnownFrames } from "./known_frames.js";
import { Outbox, same, touched } from "./outbox.js";
import { Wire, persist } from "./wire.js";

const AHEAD = 8, BEHIND = 3, FETCHED_AT_ONCE = 32;

export class LabelStore {
  constructor({ kind, project, by }) {
    this.kind = kind;
    this.by = by;
    this.wire = new Wire(kind, project);
    this.known = new KnownFrames((folder, files) => this.wire.send(`${folder}/frames`, { files }), (...news) => this.learned(...news));
    this.outbox = new Outbox({ kind, project, by, wire: this.wire, known: this.known, host: this });
    this.openings = 0;
    this.visits = 0;
    this.undone = [];
    this.history = [];
    this.marks = new Map(); // file -> 1 or 0 per body part
    this.state = reactive({
      folder: "", files: [], bodyparts: [], colors: [], edges: [], index: 0, points: {}, ghosts: {}, unsaved: {}, known: false,
      counts: [], totals: [], done: {}, missing: {}, settings: {}, canUndo: false, canRedo: false, loading: true, version: 0,
      save: { state: "saved", waiting: 0, message: "" }, conflict: null, notice: "", problem: "",
    });
  }

  get file() { return this.state.files[this.state.index]; }

  // ---- folders and frames -------------------------------------------------------------------------------------
  // Returns, before the points are there, whether the folder is open: not if another one was chosen meanwhile.
  open(folder, file) { return (this.opened = this.read(folder, () => file)); }

  // The folder again, at the frame that is shown when the answer comes: others have added or removed frames or body parts.
  async reload() {
    await this.settled();
    return this.read(this.state.folder, () => this.file, true);
  }

  // Waits until what the person has chosen is open.
  async settled() {
    for (let last = null; last !== this.opened;) {
      last = this.opened;
      await last?.catch(() => {}); // whoever opens it says so
    }
  }

  async read(folder, wanted, stays = false) {
    const s = this.state, opening = ++this.openings, isPassed = () => opening !== this.openings;
    if (!stays) Object.assign(s, { loading: true, problem: "" });
    const found = await this.wire.ask(folder).catch((problem) => {
      if (isPassed()) return null;
      s.loading = false;
      throw problem;
    });
    if (isPassed()) return false;
    const file = wanted(), shown = stays && this.known.get(folder, file), before = s.index;
    if (folder !== s.folder) { this.history = []; this.undone = []; }
    Object.assign(s, {
      folder, files: found.files.map((f) => f.name), bodyparts: found.bodyparts, colors: found.colors,
      edges: found.edges, settings: found.settings, loading: false,
      counts: found.files.map((f) => count(f.marks)), done: Object.fromEntries(found.files.map((f) => [f.name, f.done])),
      missing: Object.fromEntries(found.files.filter((f) => f.missing).map((f) => [f.name, true])),
      totals: found.bodyparts.map((_, k) => found.files.reduce((n, f) => n + (f.marks[k] === "1"), 0)),
    });
    this.marks = new Map(found.files.map((f) => [f.name, [...f.marks].map(Number)]));
    this.known.clear();
    if (shown) this.known.learn(folder, { [file]: shown }); // until its answer comes, so that nobody has to wait for it
    this.outbox.adopt();
    if (found.unused.length) this.say(`${found.unused.join(", ")}: in the label table, but not in config.yaml; kept and not shown.`);
    const at = s.files.indexOf(file);
    if (stays && file && at < 0) this.say(`${file} was removed elsewhere.`);
    this.go(at >= 0 ? at : stays ? before : Math.max(0, s.counts.findIndex((n) => !n)));
    if (shown && at >= 0) await this.known.fetch(folder, [file]);
    return true;
  }

  // Edits that wait, also those that an earlier page has left in this browser, are drawn.
  adopted(edits) {
    for (const { folder, file } of edits) if (folder === this.state.folder) this.restoreDone(file);
    this.recount(edits.map((edit) => edit.file));
    this.refresh();
  }

  // Shows a frame at once. What is returned ends when its points are there, or when another frame is gone to.
  go(index) { return (this.arrived = this.arrive(index)); }

  async arrive(index) {
    const s = this.state, visit = ++this.visits, { folder } = s;
    s.index = Math.max(0, Math.min(s.files.length - 1, index));
    s.problem = "";
    this.refresh();
    if (!s.files.length) return;
    const at = s.index, first = this.file;
    if (!s.known) await this.persist(() => this.known.fetch(folder, [first]), () => visit === this.visits);
    if (folder !== s.folder) return;
    const rest = this.around(at).filter((file) => file !== first && !this.known.has(folder, file));
    if (rest.length) this.known.fetch(folder, rest).catch(() => {}); // asked for again by whoever goes there
  }

  around(index) {
    const s = this.state;
    return [index, ...range(1, AHEAD).map((d) => index + d), ...range(1, BEHIND).map((d) => index - d)]
      .filter((i) => i >= 0 && i < s.files.length).map((i) => s.files[i]);
  }

  // Does `work` as long as it is wanted; what the server refuses is shown over the frame until it is mended.
  persist(work, isWanted) {
    return persist(work, isWanted, (text, instead) => { if (!instead || this.state.problem === instead) this.state.problem = text; });
  }

  learned(folder, files) {
    if (folder !== this.state.folder) return;
    for (const file of files) this.restoreDone(file);
    this.recount(files);
    this.refresh();
  }

  // ---- what is shown ------------------------------------------------------------------------------------------
  here(file) { return this.known.get(this.state.folder, file); }

  waiting(file) { return this.outbox.edits.filter((edit) => edit.file === file && edit.folder === this.state.folder); }

  view(file) {
    const points = { ...this.here(file)?.points };
    for (const edit of this.waiting(file)) {
      for (const [part, place] of Object.entries(edit.set)) points[part] = this.kind === "refine" ? [place[0], place[1], place[2] ?? 1] : place;
      for (const part of edit.unset) delete points[part];
    }
    return points;
  }

  refresh() {
    const s = this.state, file = this.file;
    s.known = this.known.has(s.folder, file);
    s.points = this.view(file);
    s.ghosts = s.index > 0 ? this.view(s.files[s.index - 1]) : {};
    s.unsaved = Object.fromEntries(this.waiting(file).flatMap(touched).map((p) => [p, true]));
    s.canUndo = this.history.length > 0;
    s.canRedo = this.undone.length > 0;
    s.version++;
  }

  // Whether a frame is done: what the last edit that waits says, or the server.
  restoreDone(file, before) {
    const last = this.waiting(file).findLast((edit) => "done" in edit), frame = this.here(file);
    const done = last ? last.done : frame && "done" in frame ? frame.done : before;
    if (done !== undefined) this.state.done[file] = done;
  }

  recount(files) { for (const file of new Set(files)) if (this.here(file)) this.countPoints(file); }

  countPoints(file) {
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
    this.outbox.add(edit);
    this.restoreDone(edit.file);
    this.recount([edit.file]);
    this.refresh();
    this.outbox.pump();
  }

  undo() { this.reverse(this.history, this.undone); }
  redo() { this.reverse(this.undone, this.history); }

  async reverse(from, to) {
    const edit = from.at(-1);
    if (!edit || this.reversing) return;
    if (this.state.files.includes(edit.file) && !this.here(edit.file)) {
      this.reversing = true;
      try { await this.known.fetch(edit.folder, [edit.file]); } catch (problem) { this.say(`Not undone: ${problem.message}`); return; }
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

  // ---- what the outbox tells -----------------------------------------------------------------------------------
  show(state, message = "") { this.state.save = { state, message, waiting: this.outbox.edits.length }; }

  named({ folder, file }) { return folder === this.state.folder ? file : `${folder}/${file}`; }

  resolve(mine) { this.outbox.resolve(mine); }
  retry(again) { this.outbox.retry(again); }

  dropped(edits, which) {
    const others = (edit) => !which(edit);
    this.history = this.history.filter(others);
    this.undone = this.undone.filter(others);
    for (const { folder, file, wasDone } of edits) if (folder === this.state.folder) this.restoreDone(file, wasDone);
    this.recount(edits.map((edit) => edit.file));
    this.refresh();
  }

  // Somebody else's news came in between: the frame as it is now.
  overtaken(folder, file) { if (folder === this.state.folder) this.keepUp([file]); }

  // ---- what others do -----------------------------------------------------------------------------------------
  async changed({ folder, files, sender }) {
    if (sender === this.outbox.sender) return;
    await this.settled();
    if (folder !== this.state.folder) return this.known.forget(folder, files);
    const known = files.filter((f) => this.state.files.includes(f));
    if (known.length) this.say(known.length === 1 ? `${known[0]} was changed elsewhere.` : `${known.length} frames were changed elsewhere.`);
    if (files.includes("") || known.length > FETCHED_AT_ONCE) await this.listAgain(folder);
    else if (known.length) await this.keepUp(known);
  }

  listAgain(folder) { return this.persist(() => this.reload(), () => folder === this.state.folder); }

  // Fetches frames of the folder on the screen, however long it takes.
  keepUp(files) {
    const { folder } = this.state, there = () => files.filter((file) => this.state.files.includes(file));
    return this.persist(() => this.known.fetch(folder, there()), () => folder === this.state.folder);
  }

  async removeFrame({ folder, file }) {
    const { files } = this.state, at = files.indexOf(file);
    if (folder !== this.state.folder || at < 0) throw new Error(`${file} is not there any more.`);
    if (this.waiting(file).length) throw new Error(`${file} has edits that are not saved yet; it stays.`);
    if (!this.here(file)) await this.known.fetch(folder, [file]);
    const { revision } = this.known.get(folder, file), next = files[at + 1] ?? files[at - 1], begun = this.known.begin();
    try { await this.wire.send(`${folder}/remove`, { file, seen: revision, by: this.by.name, sender: this.outbox.sender }); } catch (problem) {
      if (problem.status === 409) this.outbox.take({ folder, file }, problem.body.frame, begun);
      if (problem.status && problem.status !== 403) throw problem;
      this.listAgain(folder); // it may have been removed all the same
      throw new Error(`the server does not answer; whether ${file} was removed shows as soon as it does`);
    }
    await this.settled();
    if (folder === this.state.folder) await this.open(folder, this.file === file ? next : this.file).catch(() => this.listAgain(folder));
    this.say(`${file} was moved to removed/ with its labels.`);
  }

  say(text) {
    this.state.notice = text;
    clearTimeout(this.noticeTimer);
    this.noticeTimer = setTimeout(() => (this.state.notice = ""), 6000);
  }
}

const count = (marks) => [...marks].reduce((n, mark) => n + (mark === "1"), 0);
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, k) => from + k);
