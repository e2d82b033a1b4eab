// Messages that have the words one searches, with the passage: found by the API, in sessions that the list has not read too.

import { hashOf } from "./address.js";
import { read } from "./api.js";
import { byId, element } from "./elements.js";

const MOST = 20;
const PAUSE_MILLISECONDS = 250;

export class MessageSearch {
  #words = "";
  #due;

  constructor() {
    this.area = byId("found-messages");
  }

  /** Once the person pauses. */
  find(words) {
    if (words === this.#words) return;
    this.#words = words;
    clearTimeout(this.#due);
    if (words) this.#due = setTimeout(() => this.#ask(words), PAUSE_MILLISECONDS);
    else this.area.replaceChildren();
  }

  async #ask(words) {
    const { sessions } = await read("sessions", { q: words, limit: MOST }).catch(() => ({ sessions: [] }));
    if (words !== this.#words) return; // other ones are searched by now
    const found = sessions.filter(({ match }) => match.message_id !== null);
    const list = element("ul", {}, found.map(item));
    this.area.replaceChildren(...(found.length ? [element("h3", {}, "In messages"), list] : []));
  }
}

const item = ({ session_id, title, preview, match }) =>
  element(
    "li",
    {},
    element(
      "a",
      { href: hashOf(session_id, match.message_id) },
      element("span", { class: "preview" }, title || preview || session_id),
      element("span", { class: "passage" }, highlighted(match)),
    ),
  );

/** Positions are in characters, of which JavaScript's strings have two units for some. */
function highlighted({ passage, highlights }) {
  const characters = [...passage];
  const text = (start, end) => characters.slice(start, end).join("");
  const ends = [0, ...highlights.flat(), characters.length];
  return ends.slice(1).map((end, index) => (index % 2 ? element("mark", {}, text(ends[index], end)) : text(ends[index], end)));
}
