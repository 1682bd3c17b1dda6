// Images around the present frame, decoded before they are asked for.
const AHEAD = 8, BEHIND = 3;

export class Prefetch {
  constructor() { this.images = new Map(); }

  around(urls, index) {
    const wanted = [];
    for (let d = 1; d <= AHEAD; d++) { wanted.push(urls[index + d]); if (d <= BEHIND) wanted.push(urls[index - d]); }
    const keep = new Set([urls[index], ...wanted]);
    for (const url of this.images.keys()) if (!keep.has(url)) this.images.delete(url);
    for (const url of wanted.filter((one) => one && !this.images.has(one))) {
      const image = new Image();
      image.src = url;
      image.decode?.().catch(() => {}); // a damaged image is told when it is shown
      this.images.set(url, image);
    }
  }
}
