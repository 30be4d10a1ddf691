// The styles to choose from: each shown on the person's own photo where that is free here, else by its name.

import { $, make, sheet } from "./dom.js";
import { ask } from "./talk.js";
import { language, t } from "./words.js";

export class Styles {
  #sheet = sheet("styles");
  #photo;
  #tried;
  #choose;

  // `photo()`: the newest photo of the person's that the server has, or null; `tried()`: a promise of the styles on the
  // photo that waits to be sent, or of null; `choose(style)`: {key, name}.
  constructor({ photo, tried, choose }) {
    this.#photo = photo;
    this.#tried = tried;
    this.#choose = choose;
    $("open-styles").onclick = () => this.open();
  }

  async open() {
    const photo = this.#photo();
    this.#draw([], t("styles.loading"));
    this.#sheet.open();
    const tried = await this.#tried();
    if (tried) return this.#draw(tried, t("styles.on_attached"));
    try {
      const query = photo ? `?photo=${encodeURIComponent(photo.url)}` : "";
      const { groups } = await ask(`/api/styles${query}`);
      const seen = groups.some((group) => group.styles.some((style) => style.preview));
      this.#draw(groups, groups.length === 0 ? t("styles.none") : t(seen ? "styles.on_photo" : photo ? "styles.by_name" : "styles.no_photo"));
    } catch (refusal) {
      this.#draw([], refusal.message);
    }
  }

  #draw(groups, note) {
    $("styles-note").textContent = note;
    $("styles-groups").replaceChildren(...groups.flatMap((group) => [
      make("h3", "", {}, group.name),
      make("div", "cards", {}, ...group.styles.map((style) => this.#card(style))),
    ]));
  }

  #card(style) {
    const face = make("span", "card-face", {}, sign(style));
    if (style.preview) {
      const img = make("img", "coming", { src: style.preview, alt: "", loading: "lazy", decoding: "async" });
      img.onload = () => { img.className = ""; face.replaceChildren(img); };
      img.onerror = () => img.remove(); // this photo does not allow it: the name stays
      face.append(img);
    }
    const card = make("button", "card", { type: "button", lang: language() === "zh" ? "zh-Hans" : "en" },
      face, make("span", "card-name", {}, style.name), make("span", "card-use", {}, style.use));
    card.onclick = () => { this.#sheet.leave(); this.#choose(style); };
    return card;
  }
}

const sign = (style) => make("span", "sign", { "aria-hidden": "true" }, style.name);
