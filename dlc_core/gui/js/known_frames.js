// Frames as the server has acknowledged them: {revision, points, ...} by folder and file, in whatever order its answers
// come in. A fetch that was asked for before another one that is answered is old; between a fetch and an edit nobody
// knows which of the two the server did first, so the frame is fetched again. Edits of a frame are sent one at a time.
export class KnownFrames {
  // `ask` fetches files of a folder; `learned` is told of which files there is something new.
  constructor(ask, learned) {
    this.ask = ask;
    this.learned = learned;
    this.order = 0; // of all requests and answers
    this.clear();
  }

  clear() {
    this.frames = new Map();
    this.fetched = new Map(); // when the last fetch that was answered had been asked for
    this.saved = new Map(); // when the last answer to an edit came
    this.since = ++this.order;
  }

  get(folder, file) { return this.frames.get(key(folder, file)); }
  has(folder, file) { return this.frames.has(key(folder, file)); }
  forget(folder, files) { for (const file of files) this.frames.delete(key(folder, file)); }

  // Before an edit is sent: what `save` is told with its answer.
  begin() { return ++this.order; }

  learn(folder, found) {
    for (const [file, frame] of Object.entries(found)) this.frames.set(key(folder, file), frame);
    this.learned(folder, Object.keys(found));
  }

  async fetch(folder, files) {
    const begun = this.begin(), found = await this.ask(folder, files), fresh = {}, again = [];
    for (const file of files) {
      const at = key(folder, file);
      if ((this.saved.get(at) ?? this.since) > begun) again.push(file);
      else if ((this.fetched.get(at) ?? 0) < begun) { this.fetched.set(at, begun); fresh[file] = found[file]; }
    }
    this.learn(folder, fresh);
    if (again.length) await this.fetch(folder, again);
  }

  // Takes what the server answered to an edit; returns whether a fetch has overtaken it, which may know something newer.
  save(folder, file, frame, begun) {
    const at = key(folder, file);
    this.saved.set(at, ++this.order);
    this.learn(folder, { [file]: frame });
    return Math.max(this.fetched.get(at) ?? 0, this.since) > begun;
  }
}

const key = (folder, file) => `${folder}/${file}`;
