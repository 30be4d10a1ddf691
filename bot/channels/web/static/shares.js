// Links to single pictures, for people who are not in this browser: made, copied, and taken back.

import { $, blank, make, sheet, smaller } from "./dom.js";
import { ask } from "./talk.js";
import { t, when } from "./words.js";

export class Shares {
  #sheet = sheet("shares");
  #picture = null;

  constructor() {
    $("more-shares").addEventListener("click", () => this.open(null));
    $("share-new").onsubmit = (event) => { event.preventDefault(); this.#make(); };
  }

  async open(picture) {
    this.#picture = picture;
    $("share-new").hidden = picture === null;
    if (picture) $("share-image").src = smaller(picture, 320);
    $("shares-list").replaceChildren();
    this.#tell("");
    this.#sheet.open();
    await this.#list();
  }

  async #make() {
    const days = Number($("share-new").elements.days.value);
    try {
      await this.#post("/api/shares", { picture: this.#picture.url, days });
      $("share-new").hidden = true;
      await this.#list();
      $("shares-list").querySelector("input")?.select();
      this.#tell(t("shares.made"));
    } catch (refusal) {
      this.#tell(refusal.message);
    }
  }

  async #revoke(share) {
    try {
      await this.#post("/api/shares/revoke", { id: share.id });
      await this.#list();
      this.#tell(t("shares.revoked"));
    } catch (refusal) {
      this.#tell(refusal.message);
    }
  }

  #post(path, values) {
    return ask(path, { method: "POST", body: new URLSearchParams(values) });
  }

  async #list() {
    try {
      const { shares } = await ask("/api/shares");
      $("shares-list").replaceChildren(...shares.map((share) => this.#row(share)));
      if (!shares.length && !this.#picture) this.#tell(t("shares.none"));
    } catch (refusal) {
      this.#tell(refusal.message);
    }
  }

  #tell(text) { $("shares-note").textContent = text; }

  #row(share) {
    const url = new URL(share.path, location.href).href;
    const img = make("img", "", { src: smaller(share.picture, 320), alt: "" });
    img.onerror = () => img.replaceWith(blank(""));
    const field = make("input", "", { "type": "text", "readonly": "", "value": url, "aria-label": t("shares.link") });
    field.onfocus = () => field.select();
    const copy = make("button", "plain", { type: "button" }, t("shares.copy"));
    copy.onclick = () => this.#copy(url, field);
    const look = make("a", "plain", { href: share.path, target: "_blank", rel: "noopener" }, t("shares.look"));
    const revoke = make("button", "plain revoke", { type: "button" }, t("shares.revoke"));
    revoke.onclick = () => this.#revoke(share);
    const until = make("p", "until", {}, t("shares.until", { when: when(new Date(share.expires)) }));
    return make("li", "", {}, img, make("div", "", {}, field, until, make("div", "acts", {}, copy, look, revoke)));
  }

  async #copy(url, field) {
    try {
      await navigator.clipboard.writeText(url);
      this.#tell(t("shares.copied"));
    } catch {
      field.select(); // not allowed here: it is marked, to be copied by hand
      this.#tell(t("shares.copy_by_hand"));
    }
  }
}
