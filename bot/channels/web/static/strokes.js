// What was painted: strokes in the picture's own shares, so that no zoom and no window changes them; and the mask.

// Pixels of the mask's long side, at most: finer than any finger, and a small file.
export const MASK_SIDE = 2048;

export class Strokes {
  #done = [];

  // A stroke: { erases, width, points: [{ x, y, width }] }; x, y from 0 to 1, widths as shares of the shorter side.
  begin({ erases, width }) {
    this.#done.push({ erases, width, points: [] });
  }

  add(point) { this.#done.at(-1).points.push(point); }

  undo() { this.#done.pop(); }
  clear() { this.#done = []; }
  get count() { return this.#done.length; }

  // A press that became something else (two fingers): as if it had not been.
  drop() { this.#done.pop(); }

  size(picture) {
    const factor = Math.min(1, MASK_SIDE / Math.max(picture.width, picture.height));
    return { width: Math.max(1, Math.round(picture.width * factor)), height: Math.max(1, Math.round(picture.height * factor)) };
  }

  draw(canvas, colour) {
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (const stroke of this.#done) this.#one(context, stroke, colour, 0);
  }

  // Only what came since `from` of the newest stroke: drawing goes on while a finger moves.
  go(canvas, colour, from) {
    const stroke = this.#done.at(-1);
    this.#one(canvas.getContext("2d"), stroke, colour, Math.max(0, from - 1));
    return stroke.points.length;
  }

  #one(context, stroke, colour, from) {
    const { width, height } = context.canvas;
    const short = Math.min(width, height);
    context.globalCompositeOperation = stroke.erases ? "destination-out" : "source-over";
    context.strokeStyle = context.fillStyle = colour;
    context.lineCap = context.lineJoin = "round";
    const points = stroke.points.slice(from);
    points.forEach((point, index) => {
      const [x, y] = [point.x * width, point.y * height];
      const before = points[index - 1];
      context.beginPath();
      if (before) {
        context.lineWidth = point.width * short;
        context.moveTo(before.x * width, before.y * height);
        context.lineTo(x, y);
        context.stroke();
      } else {
        context.arc(x, y, (point.width * short) / 2, 0, 2 * Math.PI);
        context.fill();
      }
    });
    context.globalCompositeOperation = "source-over";
  }

  // Whether anything is left of it: an eraser may have taken everything away.
  marked(canvas) {
    if (!this.#done.some((stroke) => !stroke.erases)) return false;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 3; at < data.length; at += 4) if (data[at] > 127) return true;
    return false;
  }

  // A PNG of the picture's shape: white where something is to change, black elsewhere.
  async mask(picture) {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, this.size(picture));
    this.draw(canvas, "#fff");
    if (!this.marked(canvas)) return null;
    const context = canvas.getContext("2d");
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }
}
