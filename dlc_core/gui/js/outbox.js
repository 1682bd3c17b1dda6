// Edits on their way to the disk, sent in order; one leaves the box when the server says that it is there. What the
// server has of other folders than the one on the screen counts as much: names of files are the same in most folders.
import { Pending } from "./pending.js";
import { NO_SERVER, RETRY_MS } from "./wire.js";

const SAME_PX = 1e-3, SLOW_MS = 4000;

export const same = (a, b) =>
  (!a && !b) || (!!a && !!b && Math.abs(a[0] - b[0]) < SAME_PX && Math.abs(a[1] - b[1]) < SAME_PX);
export const touched = (edit) => [...Object.keys(edit.set), ...edit.unset];
const isThere = (edit, { points, done }) =>
  touched(edit).every((p) => same(points[p], edit.set[p])) && (!("done" in edit) || done === edit.done);

// What takes an edit back: the server's word; but where an answer was lost, that word is about an edit made twice.
const inverseOf = (edit) => (edit?.again ? edit.isFirst && { set: {}, unset: [], drop: true } : edit?.inverse);

export class Outbox {
  // `known` are the frames as the server has them; `host` shows and says what happens: adopted, dropped, overtaken,
  // show, say, named, state.conflict.
  constructor({ kind, project, by, wire, known, host }) {
    Object.assign(this, { kind, by, wire, known, host });
    this.edits = [];
    this.failures = 0;
    this.kept = new Pending(`${project}:${kind}`);
    this.sender = this.kept.tab;
    this.kept.asked.then((found) => found && this.adopt());
  }

  add(edit) {
    this.edits.push(edit);
    this.kept.write(this.edits);
  }

  adopt() {
    this.edits.push(...this.kept.adopt());
    this.kept.write(this.edits);
    this.host.adopted(this.edits);
    this.pump();
  }

  async pump() {
    if (this.sending) return;
    this.sending = true;
    try {
      while (this.edits.length && !this.host.state.conflict && !this.refused) {
        this.host.show("saving");
        if (!(await this.sendFirst())) return;
      }
    } finally {
      this.sending = false;
      if (!this.edits.length) this.host.show("saved");
    }
  }

  async sendFirst() {
    const edit = this.edits[0], { folder, file } = edit;
    const slow = setTimeout(() => this.host.show("waiting", NO_SERVER), SLOW_MS);
    let begun = 0;
    try {
      if (!this.known.has(folder, file)) await this.known.fetch(folder, [file]);
      const frame = this.known.get(folder, file);
      if (!frame) return true; // another folder was opened meanwhile: all are asked for anew
      if (this.clashing(edit, frame).length) return this.askWhich(edit, frame);
      if (this.isFinishedElsewhere(edit, frame)) {
        this.drop((e) => e === edit);
        this.host.say(`${this.host.named(edit)} was ${frame.done === null ? "taken up again" : `finished with the cutoff ${frame.done}`} elsewhere, which stays.`);
        return true;
      }
      if (!edit.again) edit.isFirst = this.kind === "label" && frame.done === null; // the frame has no row
      begun = this.known.begin();
      const answer = await this.wire.send(`${folder}/edit`, this.payload(edit, frame));
      edit.inverse = answer.inverse;
      this.saved(edit, answer, begun);
    } catch (problem) {
      return this.failed(edit, problem, begun);
    } finally {
      clearTimeout(slow);
    }
    return true;
  }

  payload(edit, { revision, points }) {
    const common = { file: edit.file, seen: revision, by: this.by.name, sender: this.sender }, back = inverseOf(edit.inverseOf);
    const others = () => Object.keys(points).some((p) => !touched(edit).includes(p));
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

  saved(edit, answer, begun) {
    this.failures = 0;
    this.edits = this.edits.filter((e) => e !== edit);
    this.kept.write(this.edits);
    this.take(edit, answer.frame, begun);
    performance.measure("dlc-saved", { start: edit.born, detail: answer.durable_ms });
  }

  // The frame as the answer to an edit has it.
  take({ folder, file }, frame, begun) {
    if (this.known.save(folder, file, frame, begun)) this.host.overtaken(folder, file);
  }

  failed(edit, problem, begun) {
    if (problem.status === 409) {
      const { frame } = problem.body, isRepeated = edit.isOutdated;
      edit.isOutdated = true;
      this.take(edit, frame, begun);
      if (!this.clashing(edit, frame).length && !isThere(edit, frame)) this.host.say(`${this.host.named(edit)} is also being edited elsewhere.`);
      return isRepeated ? this.later() : true; // sent again on the new state, or shown as a conflict
    }
    if (problem.status === 422) {
      this.refused = edit;
      this.host.show("refused", problem.message);
      return false;
    }
    if (begun && !problem.status) edit.again = true; // it may be on the disk all the same
    this.host.show("waiting", problem.status ? problem.message : NO_SERVER);
    return this.later();
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.pump(), RETRY_MS[Math.min(this.failures++, RETRY_MS.length - 1)]);
    return false;
  }

  askWhich(edit, known) {
    const parts = this.clashing(edit, known);
    this.host.state.conflict = {
      file: this.host.named(edit), edit,
      parts: parts.map((part) => ({ part, theirs: known.points[part] ?? null, mine: edit.set[part] ?? null })),
    };
    this.host.show("conflict", `${this.host.named(edit)} was changed elsewhere`);
    return false;
  }

  resolve(mine) {
    const { edit, parts } = this.host.state.conflict, names = parts.map((p) => p.part);
    if (mine) for (const { part, theirs } of parts) edit.was[part] = theirs;
    else {
      const clash = (e) => e.folder === edit.folder && e.file === edit.file && touched(e).some((p) => names.includes(p));
      this.drop(clash);
    }
    this.host.state.conflict = null;
    this.pump();
  }

  retry(again) {
    const edit = this.refused;
    this.refused = null;
    if (!again) this.drop((e) => e === edit);
    this.pump();
    if (!this.edits.length) this.host.show("saved");
  }

  drop(which) {
    const dropped = this.edits.filter(which);
    this.edits = this.edits.filter((e) => !which(e));
    this.kept.write(this.edits);
    this.host.dropped(dropped, which);
  }
}
