// Everything made so far, newest first, by day; looked at one by one, or saved all at once.

import { $, blank, make, sheet, smaller } from "./dom.js";
import { ask } from "./talk.js";
import { day, t } from "./words.js";

export class Pictures {
  #sheet = sheet("pictures");
  #view;

  // `view(pictures, picture)` opens the viewer.
  constructor({ view }) {
    this.#view = view;
    $("open-pictures").onclick = () => this.open();
  }

  leave() { if (this.#sheet.dialog.open) this.#sheet.leave(); }

  async open() {
    this.#draw(null, t("pictures.loading"));
    this.#sheet.open();
    try {
      const { pictures } = await ask("/api/pictures");
      this.#draw(pictures, pictures.length ? t("pictures.kept", { n: pictures.length }) : t("pictures.none"));
    } catch (refusal) {
      this.#draw(null, refusal.message);
    }
  }

  #draw(pictures, note) {
    $("pictures-note").textContent = note;
    $("pictures-all").hidden = !pictures?.length;
    const shown = (pictures ?? []).map((picture) => ({ picture, result: true, job: picture.job, index: picture.index }));
    const days = Map.groupBy ? Map.groupBy(shown, dayOf) : grouped(shown);
    $("pictures-days").replaceChildren(...[...days].flatMap(([name, those]) => [
      make("h3", "", {}, name),
      make("div", "wall", {}, ...those.map((one) => this.#print(one, shown))),
    ]));
  }

  #print(one, all) {
    const { picture } = one;
    const n = all.indexOf(one) + 1;
    const img = make("img", "", { src: smaller(picture, 320), alt: "", loading: "lazy", decoding: "async" });
    img.onerror = () => img.replaceWith(blank(t("message.unreadable")));
    const label = t("message.open_label", { n, total: all.length, w: picture.width, h: picture.height });
    const button = make("button", "", { "type": "button", "aria-label": label }, img);
    button.onclick = () => this.#view(all, picture);
    return button;
  }
}

const dayOf = ({ picture }) => day(new Date(picture.at));

function grouped(shown) {
  const days = new Map();
  for (const one of shown) days.set(dayOf(one), [...(days.get(dayOf(one)) ?? []), one]);
  return days;
}
