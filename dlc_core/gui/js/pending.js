// Edits that the server has not acknowledged, kept in this browser's storage: they survive a reload, a crash of the
// browser and a new start of the server. Each tab writes its own list; the lists of tabs that are gone are adopted.
const ANSWER_MS = 300;

export class Pending {
  constructor(scope) {
    this.scope = `dlc-pending:${scope}:`;
    this.tab = Math.random().toString(36).slice(2); // another one after a reload: what the page left is then an orphan's
    this.channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(this.scope);
    if (this.channel) this.channel.onmessage = ({ data }) => this.heard(data);
    this.alive = new Set([this.tab]);
    this.left = [];
    this.asked = new Promise((done) => setTimeout(done, ANSWER_MS)).then(() => this.takeOrphans());
    this.channel?.postMessage({ ask: this.tab });
  }

  heard({ ask, here }) {
    if (ask) this.channel.postMessage({ here: this.tab });
    else if (here) this.alive.add(here);
  }

  read(tab) {
    try { return JSON.parse(localStorage.getItem(this.scope + tab) ?? "[]"); } catch { return []; }
  }

  takeOrphans() {
    const names = Object.keys(localStorage).filter((key) => key.startsWith(this.scope)).map((key) => key.slice(this.scope.length));
    const found = names.filter((name) => !this.alive.has(name)).flatMap((name) => {
      const edits = this.read(name);
      localStorage.removeItem(this.scope + name);
      return edits;
    });
    this.left.push(...found);
    return found.length;
  }

  // Returns what was left over, once.
  adopt() {
    const found = this.left.map((edit) => ({ ...edit, inverse: undefined, born: performance.now() }));
    this.left = [];
    return found;
  }

  write(edits) {
    const kept = [...this.left, ...edits].map(({ inverseOf, ...edit }) => edit);
    try {
      if (kept.length) localStorage.setItem(this.scope + this.tab, JSON.stringify(kept));
      else localStorage.removeItem(this.scope + this.tab);
    } catch { /* the storage is full or forbidden: the edits are in memory and on their way */ }
  }
}
