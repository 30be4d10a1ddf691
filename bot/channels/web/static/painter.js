// The painter: brush, eraser, undo, zoom and a frame whose edges can be dragged, over one picture. It knows neither the
// page nor the server: who opens it gives a picture and gets a mask (PNG, white is to change), the frame and the words.

import { Strokes } from "./strokes.js";

const SIZES = { least: 0.01, first: 0.07, most: 0.3 }; // of the picture's shorter side
const ZOOM = { step: 1.5, most: 8 };
const MOST = 1; // of the picture's own side, added on one side of it
const COLOUR = "#ff3b24";
const SIDES = ["left", "right", "top", "bottom"];
const NONE = Object.freeze({ left: 0, right: 0, top: 0, bottom: 0 });
const ICONS = {
  brush: "M5 19c3 0 4-1 4-3a2.500 2.500 0 1 0-5 0c0 1.500-.5 2.500-1.500 3zM8.500 13.500L18 4a1.400 1.400 0 0 1 2 2L10.500 15.500",
  eraser: "M9 19l-5-5 9-9 6 6-8 8zM8 10l6 6M7 19h13",
  frame: "M8 4H4v4M16 4h4v4M8 20H4v-4M16 20h4v-4M8.500 8.500h7v7h-7z",
  undo: "M8 5L4 9l4 4M4.500 9H14a5 5 0 0 1 0 10H9",
  clear: "M5 7h14M10 4h4M7 7l1 13h8l1-13M10.500 10.500v6M13.500 10.500v6",
  zoom_in: "M15 15l5 5M10.500 4.500a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM10.500 8v5M8 10.500h5",
  zoom_out: "M15 15l5 5M10.500 4.500a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM8 10.500h5",
  close: "M6 6l12 12M18 6L6 18",
};

let words = null;

// The painter's own words, both languages.
export async function loadWords() {
  words ??= await (await fetch(new URL("./painter.json", import.meta.url))).json();
}

const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

function element(tag, className, attributes = {}, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function drawing(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ class: "painter-icon", viewBox: "0 0 24 24", "aria-hidden": "true" })) svg.setAttribute(key, value);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export class Painter {
  #say;
  #strokes = new Strokes();
  #margins = { ...NONE };
  #history = []; // "stroke", or the margins before a change
  #tool = "brush";
  #width = SIZES.first;
  #picture = null;
  #view = { scale: 1, x: 0, y: 0 };
  #zoom = 1;
  #pointers = new Map();
  #stroke = null; // { pointer, drawn }
  #pinch = null;
  #pen = { x: 0.5, y: 0.5, down: false }; // the keyboard's
  #send = null;
  #opener = null;
  #parts = {};

  // `language`: "en" or "zh". `loadWords` must have been awaited.
  constructor({ language, into = document.body, scheme = null }) {
    this.#say = (key, params = {}) => words[language][key].replace(/\{(\w+)\}/g, (_, name) => params[name]);
    this.#build(language);
    if (scheme) this.#parts.dialog.dataset.scheme = scheme;
    into.append(this.#parts.dialog);
    this.#listen();
  }

  get dialog() { return this.#parts.dialog; }

  // `picture`: { src, width, height }. `send({ mask, outpaint, text })` is awaited; what it throws is shown, and nothing
  // that was painted is lost. The same picture opened again is as it was left.
  async open(picture, send) {
    const { dialog, image, words: field } = this.#parts;
    this.#send = send;
    this.#opener = document.activeElement;
    if (picture.src !== this.#picture?.src) {
      this.#picture = picture;
      field.value = "";
      this.#forget();
      image.src = picture.src;
      image.decode().catch(() => this.#hint("unreadable"));
    }
    const { paint } = this.#parts;
    Object.assign(paint, this.#strokes.size(picture));
    dialog.showModal();
    this.#choose("brush");
    this.#redraw();
    this.#parts.surface.focus({ preventScroll: true });
  }

  close() { this.#parts.dialog.close(); }

  // --- what it is made of

  #button(name, act, { text = false, className = "" } = {}) {
    const button = element("button", `painter-button ${className}`, { type: "button", title: this.#say(name) });
    button.append(drawing(name));
    if (text) button.append(element("span", "", {}, this.#say(name)));
    else button.setAttribute("aria-label", this.#say(name));
    button.onclick = act;
    return button;
  }

  #build(language) {
    const say = this.#say;
    const parts = this.#parts;
    parts.dialog = element("dialog", "painter", { "aria-labelledby": "painter-title", lang: language === "zh" ? "zh-Hans" : "en" });
    parts.close = this.#button("close", () => this.close());
    const top = element("div", "painter-top", {},
      element("h2", "painter-title", { id: "painter-title" }, say("title")),
      this.#button("zoom_out", () => this.#zoomBy(1 / ZOOM.step)),
      this.#button("zoom_in", () => this.#zoomBy(ZOOM.step)),
      parts.close);
    parts.image = element("img", "painter-image", { alt: "", draggable: "false" });
    parts.paint = element("canvas", "painter-paint");
    parts.cross = element("span", "painter-cross", { "aria-hidden": "true" });
    parts.surface = element("div", "painter-surface", { "tabindex": "0", "role": "application", "aria-label": say("surface") }, parts.image, parts.paint, parts.cross);
    parts.frame = element("div", "painter-frame");
    parts.handles = Object.fromEntries(SIDES.map((side) => [side, this.#handle(side)]));
    parts.stage = element("div", "painter-stage", {}, parts.frame, parts.surface, ...Object.values(parts.handles));
    parts.hint = element("p", "painter-hint", { role: "status" });
    parts.tools = Object.fromEntries(["brush", "eraser", "frame"].map((tool) => [tool, this.#button(tool, () => this.#choose(tool), { text: true })]));
    parts.size = element("input", "painter-size", { type: "range", min: 0, max: 100, step: 1, "aria-label": say("size"), title: say("size") });
    parts.undo = this.#button("undo", () => this.#undo());
    parts.clear = this.#button("clear", () => { this.#forget(); this.#layout(); this.#redraw(); });
    const tools = element("div", "painter-tools", { role: "toolbar", "aria-label": say("title") }, ...Object.values(parts.tools), parts.size, parts.undo, parts.clear);
    parts.words = element("input", "painter-words", { type: "text", maxlength: 1000, enterkeyhint: "send", autocomplete: "off" });
    parts.gone = element("button", "painter-plain", { type: "button" }, say("gone"));
    parts.go = element("button", "painter-solid", { type: "submit" }, say("send"));
    parts.form = element("form", "painter-form", {}, parts.words, parts.gone, parts.go);
    parts.dialog.append(top, parts.stage, element("div", "painter-foot", {}, tools, parts.hint, parts.form));
  }

  #handle(side) {
    const handle = element("div", `painter-handle ${side}`, {
      "role": "slider", "tabindex": "0", "aria-label": this.#say(side), "aria-valuemin": 0, "aria-valuemax": MOST * 100,
      "aria-orientation": side === "left" || side === "right" ? "horizontal" : "vertical",
    });
    handle.onpointerdown = (event) => this.#drag(event, side);
    handle.onkeydown = (event) => this.#push(event, side);
    return handle;
  }

  // --- tools

  #choose(tool) {
    const { tools, dialog, words: field, gone } = this.#parts;
    this.#tool = tool;
    this.#pen.down = false;
    dialog.dataset.tool = tool;
    for (const [name, button] of Object.entries(tools)) button.setAttribute("aria-pressed", String(name === tool));
    const framing = tool === "frame";
    const label = this.#say(framing && !this.#strokes.count ? "words_frame" : "words");
    field.placeholder = label;
    field.setAttribute("aria-label", label);
    gone.hidden = framing;
    this.#zoom = 1;
    this.#hint(framing ? "hint_frame" : "hint");
    this.#layout();
  }

  #hint(key, text = null) { this.#parts.hint.textContent = text ?? this.#say(key); }

  #undo() {
    const last = this.#history.pop();
    if (last === "stroke") this.#strokes.undo();
    else if (last) this.#margins = last;
    this.#layout();
    this.#redraw();
  }

  #forget() {
    this.#strokes.clear();
    this.#margins = { ...NONE };
    this.#history = [];
  }

  #redraw() {
    const { paint, undo, clear } = this.#parts;
    this.#strokes.draw(paint, COLOUR);
    undo.disabled = clear.disabled = this.#history.length === 0;
  }

  #resize(width) {
    this.#width = clamp(width, SIZES.least, SIZES.most);
    this.#parts.size.value = String(100 * Math.sqrt((this.#width - SIZES.least) / (SIZES.most - SIZES.least)));
    this.#place();
  }

  // --- where everything is

  // The picture with what is added around it fits the stage; while edges are dragged there is room to drag them to.
  #layout() {
    const box = this.#parts.stage.getBoundingClientRect();
    if (!box.width || !this.#picture) return;
    const { width, height } = this.#picture;
    const { left, right, top, bottom } = this.#margins;
    const room = this.#tool === "frame" ? 0.62 : 1;
    const pad = this.#tool === "frame" ? 28 : 12;
    const across = (box.width - 2 * pad) * room;
    const down = (box.height - 2 * pad) * room;
    const fit = Math.min(across / (width * (1 + left + right)), down / (height * (1 + top + bottom)));
    this.#view.scale = fit * this.#zoom;
    const whole = { width: width * (1 + left + right) * this.#view.scale, height: height * (1 + top + bottom) * this.#view.scale };
    if (this.#zoom === 1) {
      this.#view.x = (box.width - whole.width) / 2 + left * width * this.#view.scale;
      this.#view.y = (box.height - whole.height) / 2 + top * height * this.#view.scale;
    }
    this.#place();
  }

  #place() {
    if (!this.#picture) return;
    const { surface, frame, handles, cross } = this.#parts;
    const { scale, x, y } = this.#view;
    const [width, height] = [this.#picture.width * scale, this.#picture.height * scale];
    const put = (node, left, top, wide, high) => Object.assign(node.style, { left: `${left}px`, top: `${top}px`, width: `${wide}px`, height: `${high}px` });
    put(surface, x, y, width, height);
    const { left, right, top, bottom } = this.#margins;
    const edges = { left: x - left * width, right: x + width * (1 + right), top: y - top * height, bottom: y + height * (1 + bottom) };
    put(frame, edges.left, edges.top, edges.right - edges.left, edges.bottom - edges.top);
    const middle = { x: (edges.left + edges.right) / 2, y: (edges.top + edges.bottom) / 2 };
    for (const side of SIDES) {
      const across = side === "left" || side === "right";
      Object.assign(handles[side].style, { left: `${across ? edges[side] : middle.x}px`, top: `${across ? middle.y : edges[side]}px` });
      const share = Math.round(this.#margins[side] * 100);
      handles[side].setAttribute("aria-valuenow", String(share));
      handles[side].setAttribute("aria-valuetext", this.#say("share", { n: share }));
    }
    const tip = this.#width * Math.min(width, height);
    Object.assign(cross.style, { left: `${this.#pen.x * 100}%`, top: `${this.#pen.y * 100}%`, width: `${tip}px`, height: `${tip}px` });
  }

  #zoomBy(factor, at = null) {
    const box = this.#parts.stage.getBoundingClientRect();
    const point = at ?? { x: box.width / 2, y: box.height / 2 };
    const zoom = clamp(this.#zoom * factor, 1, ZOOM.most);
    const by = zoom / this.#zoom;
    this.#zoom = zoom;
    if (zoom === 1) return this.#layout();
    this.#view.scale *= by;
    this.#view.x = point.x - (point.x - this.#view.x) * by;
    this.#view.y = point.y - (point.y - this.#view.y) * by;
    this.#keepInSight(box);
  }

  #panBy(x, y) {
    this.#view.x += x;
    this.#view.y += y;
    this.#keepInSight(this.#parts.stage.getBoundingClientRect());
  }

  // A third of the stage, at least, shows the picture.
  #keepInSight(box) {
    const [width, height] = [this.#picture.width * this.#view.scale, this.#picture.height * this.#view.scale];
    this.#view.x = clamp(this.#view.x, Math.min(box.width / 3, box.width * 0.66 - width), box.width * 0.66);
    this.#view.y = clamp(this.#view.y, Math.min(box.height / 3, box.height * 0.66 - height), box.height * 0.66);
    this.#place();
  }

  // --- mouse, finger and pen

  #listen() {
    const { dialog, stage, surface, size, form, gone } = this.#parts;
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => this.#up(event));
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    surface.addEventListener("keydown", (event) => this.#key(event));
    dialog.addEventListener("keydown", (event) => this.#anywhere(event));
    dialog.addEventListener("close", () => this.#opener?.focus());
    size.oninput = () => this.#resize(SIZES.least + (SIZES.most - SIZES.least) * (size.valueAsNumber / 100) ** 2);
    form.onsubmit = (event) => { event.preventDefault(); this.#submit(this.#parts.words.value.trim()); };
    gone.onclick = () => this.#submit(this.#say("gone_words"));
    new ResizeObserver(() => this.#layout()).observe(stage);
    this.#resize(SIZES.first);
  }

  #at(event) {
    const box = this.#parts.surface.getBoundingClientRect();
    const pressure = event.pointerType === "pen" && event.pressure ? 0.4 + 0.6 * event.pressure : 1;
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height, width: this.#width * pressure };
  }

  #down(event) {
    if (event.target.closest(".painter-handle") || event.button > 1 || this.#parts.dialog.ariaBusy === "true") return;
    event.preventDefault();
    delete this.#parts.dialog.dataset.keys;
    this.#parts.surface.focus({ preventScroll: true });
    this.#parts.stage.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.#pointers.size === 2) this.#beginPinch();
    else if (this.#pointers.size === 1 && this.#tool !== "frame" && event.button === 0) this.#beginStroke(event);
  }

  #beginStroke(event) {
    this.#strokes.begin({ erases: this.#tool === "eraser" || event.buttons === 32, width: this.#width });
    this.#strokes.add(this.#at(event));
    this.#stroke = { pointer: event.pointerId, drawn: this.#strokes.go(this.#parts.paint, COLOUR, 0) };
  }

  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    this.#pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.#pinch) this.#pinched();
    else if (this.#stroke?.pointer === event.pointerId) {
      const passed = event.getCoalescedEvents?.() ?? [];
      for (const point of passed.length ? passed : [event]) this.#strokes.add(this.#at(point));
      this.#stroke.drawn = this.#strokes.go(this.#parts.paint, COLOUR, this.#stroke.drawn);
    } else this.#panBy(event.clientX - before.x, event.clientY - before.y);
  }

  #up(event) {
    if (!this.#pointers.delete(event.pointerId)) return;
    if (this.#pointers.size < 2) this.#pinch = null;
    if (this.#stroke?.pointer === event.pointerId) this.#ended();
  }

  #ended() {
    this.#stroke = null;
    this.#history.push("stroke");
    this.#redraw();
  }

  // Two fingers move and zoom the picture; what the first had begun to paint is taken back.
  #beginPinch() {
    if (this.#stroke) {
      this.#strokes.drop();
      this.#stroke = null;
      this.#redraw();
    }
    this.#pinch = this.#spread();
  }

  #spread() {
    const [one, two] = [...this.#pointers.values()];
    const box = this.#parts.stage.getBoundingClientRect();
    return { apart: Math.hypot(one.x - two.x, one.y - two.y) || 1, x: (one.x + two.x) / 2 - box.left, y: (one.y + two.y) / 2 - box.top };
  }

  #pinched() {
    const now = this.#spread();
    this.#panBy(now.x - this.#pinch.x, now.y - this.#pinch.y);
    this.#zoomBy(now.apart / this.#pinch.apart, now);
    this.#pinch = now;
  }

  #wheel(event) {
    event.preventDefault();
    const box = this.#parts.stage.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) this.#zoomBy(Math.exp(-event.deltaY / 300), { x: event.clientX - box.left, y: event.clientY - box.top });
    else this.#panBy(-event.deltaX, -event.deltaY);
  }

  // --- the frame's edges

  #drag(event, side) {
    event.preventDefault();
    const handle = this.#parts.handles[side];
    handle.focus({ preventScroll: true });
    handle.setPointerCapture(event.pointerId);
    const before = { ...this.#margins };
    const across = side === "left" || side === "right";
    const outwards = side === "left" || side === "top" ? -1 : 1;
    const start = across ? event.clientX : event.clientY;
    const length = (across ? this.#picture.width : this.#picture.height) * this.#view.scale;
    handle.onpointermove = (moved) => {
      const by = outwards * ((across ? moved.clientX : moved.clientY) - start);
      this.#margins[side] = clamp(before[side] + by / length, 0, MOST);
      this.#place();
    };
    handle.onpointerup = handle.onpointercancel = () => {
      handle.onpointermove = handle.onpointerup = handle.onpointercancel = null;
      this.#changed(before);
    };
  }

  #push(event, side) {
    const outwards = { left: "ArrowLeft", right: "ArrowRight", top: "ArrowUp", bottom: "ArrowDown" }[side];
    const inwards = { left: "ArrowRight", right: "ArrowLeft", top: "ArrowDown", bottom: "ArrowUp" }[side];
    const by = { [outwards]: 0.05, [inwards]: -0.05, PageUp: 0.25, PageDown: -0.25, Home: -MOST, End: MOST }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const before = { ...this.#margins };
    this.#margins[side] = clamp(Math.round((before[side] + by) * 100) / 100, 0, MOST);
    this.#changed(before);
  }

  #changed(before) {
    if (SIDES.some((side) => before[side] !== this.#margins[side])) this.#history.push(before);
    this.#zoom = 1;
    this.#layout();
    this.#redraw();
  }

  // --- keys

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || this.#tool === "frame") return;
    this.#parts.dialog.dataset.keys = "";
    const step = this.#width * (event.shiftKey ? 2 : 0.5);
    const [x, y] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key] ?? [0, 0];
    if (x || y) this.#steer(x, y);
    else if (event.key === " ") this.#lower();
    else return;
    event.preventDefault();
  }

  // Steps are shares of the shorter side, as the brush is.
  #steer(x, y) {
    const { width, height } = this.#picture;
    const short = Math.min(width, height);
    this.#pen.x = clamp(this.#pen.x + (x * short) / width, 0, 1);
    this.#pen.y = clamp(this.#pen.y + (y * short) / height, 0, 1);
    if (this.#pen.down) {
      this.#strokes.add({ ...this.#pen, width: this.#width });
      this.#redraw();
    }
    this.#place();
  }

  #lower() {
    this.#pen.down = !this.#pen.down;
    this.#hint(this.#pen.down ? "down" : "up");
    if (!this.#pen.down) return;
    this.#strokes.begin({ erases: this.#tool === "eraser", width: this.#width });
    this.#strokes.add({ ...this.#pen, width: this.#width });
    this.#ended();
  }

  #anywhere(event) {
    const typing = event.target === this.#parts.words;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !typing) this.#undo();
    else if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    else if (event.key === "+" || event.key === "=") this.#zoomBy(ZOOM.step);
    else if (event.key === "-") this.#zoomBy(1 / ZOOM.step);
    else if (event.key === "[" || event.key === "]") this.#resize(this.#width * (event.key === "]" ? 1.25 : 0.8));
    else if ({ b: 1, e: 1, f: 1 }[event.key]) this.#choose({ b: "brush", e: "eraser", f: "frame" }[event.key]);
    else return;
    event.preventDefault();
  }

  // --- done

  async #submit(text) {
    const { dialog, go, words: field } = this.#parts;
    if (dialog.ariaBusy === "true") return;
    const mask = await this.#strokes.mask(this.#picture);
    const outpaint = SIDES.filter((side) => this.#margins[side] > 0).map((side) => `${side}=${this.#margins[side].toFixed(4)}`).join(",");
    if (!mask && !outpaint) return this.#hint("nothing");
    if (mask && !text) {
      this.#hint("no_words");
      return field.focus();
    }
    dialog.ariaBusy = "true";
    go.disabled = true;
    go.textContent = this.#say("sending");
    try {
      await this.#send({ mask, outpaint, text });
      this.#forget();
      this.#picture = null;
      this.close();
    } catch (refusal) {
      this.#hint(null, refusal.message);
    } finally {
      dialog.ariaBusy = "false";
      go.disabled = false;
      go.textContent = this.#say("send");
    }
  }
}
