// Images around the present frame, decoded before they are asked for; two at a time, so that edits find a free line.
const AHEAD = 8, BEHIND = 3, AT_ONCE = 2;

export class Prefetch {
  constructor() { this.images = new Map(); this.waiting = []; this.running = 0; }

  around(urls, index) {
    const wanted = [];
    for (let d = 1; d <= AHEAD; d++) { wanted.push(urls[index + d]); if (d <= BEHIND) wanted.push(urls[index - d]); }
    const keep = new Set([urls[index], ...wanted]);
    for (const url of this.images.keys()) if (!keep.has(url)) this.images.delete(url);
    this.waiting = wanted.filter((url) => url && !this.images.has(url));
    this.next();
  }

  next() {
    while (this.running < AT_ONCE && this.waiting.length) {
      const url = this.waiting.shift(), image = new Image();
      this.running++;
      this.images.set(url, image);
      image.src = url;
      image.decode().catch(() => {}).finally(() => { this.running--; this.next(); }); // a damaged image is told when it is shown
    }
  }
}
