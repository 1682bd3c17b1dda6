// Where an image lies on the screen: zoom at the cursor, pan, fit. Image coordinates count pixels, the centre of the
// first pixel is (0, 0); screen coordinates are CSS pixels of the stage.
export class Viewport {
  constructor(x = -0.5, y = -0.5, scale = 1) { this.x = x; this.y = y; this.scale = scale; }

  static fit(width, height, stageWidth, stageHeight, margin = 8) {
    const scale = Math.max(1e-3, Math.min((stageWidth - 2 * margin) / width, (stageHeight - 2 * margin) / height));
    return new Viewport(-0.5 - (stageWidth / scale - width) / 2, -0.5 - (stageHeight / scale - height) / 2, scale);
  }

  toScreen([x, y]) { return [(x - this.x) * this.scale, (y - this.y) * this.scale]; }

  toImage([x, y]) { return [x / this.scale + this.x, y / this.scale + this.y]; }

  zoomed(factor, [x, y]) {
    const scale = Math.max(0.02, Math.min(200, this.scale * factor)), [ix, iy] = this.toImage([x, y]);
    return new Viewport(ix - x / scale, iy - y / scale, scale);
  }

  panned(dx, dy) { return new Viewport(this.x - dx / this.scale, this.y - dy / this.scale, this.scale); }

  // The style of an <img> of natural size whose first pixel's corner is (-0.5, -0.5).
  get imageStyle() {
    const [x, y] = this.toScreen([-0.5, -0.5]);
    return {
      transform: `translate(${x}px, ${y}px) scale(${this.scale})`,
      imageRendering: this.scale > 3 ? "pixelated" : "auto",
    };
  }
}
