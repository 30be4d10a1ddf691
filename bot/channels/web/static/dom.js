// Small things every part of the page builds with: elements, icons, addresses of pictures.

export const $ = (id) => document.getElementById(id);

export const make = (tag, className = "", attributes = {}, ...children) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export const blank = (text) => make("span", "blank", {}, text);

const SHOWN_AS_THEY_ARE = new Set(["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif", "image/bmp"]);

export const smaller = (picture, side) => `${picture.url}?w=${side}`;
export const whole = (picture) => (SHOWN_AS_THEY_ARE.has(picture.type) ? picture.url : smaller(picture, 2048));

// A sheet or the viewer: its button closes it, so does a press beside it, and the focus goes back to what opened it.
export function sheet(id) {
  const dialog = $(id);
  let opener = null;
  dialog.querySelector("[data-close]").onclick = () => dialog.close();
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => { if (opener?.isConnected) opener.focus(); opener = null; });
  return {
    dialog,
    open() {
      if (dialog.open) return;
      opener = document.activeElement;
      dialog.showModal();
    },
    // Closed by what was chosen in it: the focus goes where that leads.
    leave() { opener = null; dialog.close(); },
  };
}
