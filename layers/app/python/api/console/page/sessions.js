// The caller's sessions, newest activity first; older ones as one scrolls.

import { read } from "./api.js";
import { byId, element } from "./elements.js";
import { ago, counted, moment } from "./times.js";

const PAGE = 50;
// The API searches no texts, so a search reads the list on: so many pages at a time, then it asks.
const PAGES_A_SEARCH = 10;

export class SessionList {
  #sessions = new Map();
  #cursor = undefined; // undefined: nothing was read yet; null: the last page was
  #loading = null;
  #budget = PAGES_A_SEARCH;
  #current = null;
  #problem = ""; // why reading came to a halt

  constructor() {
    this.list = byId("session-list");
    this.note = byId("session-note");
    this.search = byId("search");
    this.button = byId("more-sessions");
    this.scroller = byId("session-scroll");
    this.search.addEventListener("input", () => this.#searchAnew());
    this.button.addEventListener("click", () => (this.#problem ? this.refresh() : this.#searchAnew()));
    this.scroller.addEventListener("scroll", () => this.#fill());
    new ResizeObserver(() => this.#fill()).observe(this.scroller);
  }

  get(sessionId) {
    return this.#sessions.get(sessionId);
  }

  set current(sessionId) {
    this.#current = sessionId;
    this.#draw();
  }

  /** One whose first answer is only coming; the API lists it with its first message. */
  begin(session_id, preview) {
    const now = new Date().toISOString();
    const session = { session_id, preview, created_at: now, updated_at: now, message_count: 0 };
    this.#sessions = new Map([[session_id, session], ...this.#sessions]);
  }

  forget(sessionId) {
    this.#sessions.delete(sessionId);
    this.#draw();
  }

  /** The newest page again: what was active since comes to the top. */
  async refresh() {
    try {
      const page = await read("sessions", { limit: PAGE });
      this.#sessions = new Map([...page.sessions, ...this.#older(page)].map((one) => [one.session_id, one]));
      this.#problem = "";
      if (this.#cursor === undefined || page.next_cursor === null) this.#cursor = page.next_cursor;
      this.#draw();
      await this.#fill();
    } catch (problem) {
      this.#halt(`The sessions could not be read: ${problem.message}`);
    }
  }

  /** Known sessions that come below the newest page. One that belongs on it, but is not there, was deleted elsewhere. */
  #older(page) {
    if (page.next_cursor === null) return [];
    const last = new Date(page.sessions.at(-1).updated_at);
    const onPage = new Set(page.sessions.map(({ session_id }) => session_id));
    return [...this.#sessions.values()].filter((one) => !onPage.has(one.session_id) && new Date(one.updated_at) <= last);
  }

  #halt(problem) {
    this.#problem = problem;
    this.#draw();
    this.#offer();
  }

  /** The session `steps` below the current one in what is shown. */
  neighbour(steps) {
    const shown = this.#found();
    const index = shown.findIndex(({ session_id }) => session_id === this.#current);
    return shown[Math.max(0, index + steps)]?.session_id;
  }

  #searchAnew() {
    this.#budget = PAGES_A_SEARCH;
    this.#draw();
    this.#fill();
  }

  /** Reads on until the list reaches below what one sees, or the search has used its budget. */
  async #fill() {
    while (!this.#problem && !this.#loading && this.#cursor && this.#endIsNear() && (!this.search.value || this.#budget-- > 0)) {
      this.#loading = this.#readOn();
      await this.#loading.finally(() => (this.#loading = null));
    }
    this.#offer();
  }

  #offer() {
    this.button.textContent = this.#problem ? "Read the list again" : "Search older sessions";
    this.button.hidden = !this.#problem && !(this.search.value && this.#cursor && this.#endIsNear());
  }

  async #readOn() {
    try {
      const page = await read("sessions", { limit: PAGE, cursor: this.#cursor });
      for (const session of page.sessions) {
        if (!this.#sessions.has(session.session_id)) this.#sessions.set(session.session_id, session);
      }
      this.#cursor = page.next_cursor;
      this.#draw();
    } catch (problem) {
      this.#halt(`Older sessions could not be read: ${problem.message}`);
    }
  }

  #endIsNear() {
    return this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < 400;
  }

  #found() {
    const wanted = this.search.value.trim().toLowerCase();
    return [...this.#sessions.values()].filter(({ preview, session_id }) => `${preview}\n${session_id}`.toLowerCase().includes(wanted));
  }

  #draw() {
    const found = this.#found();
    const focused = this.list.contains(document.activeElement) ? document.activeElement.hash : null;
    this.list.replaceChildren(...found.map((session) => this.#item(session)));
    if (focused) [...this.list.querySelectorAll("a")].find((link) => link.hash === focused)?.focus();
    const read = `${this.#sessions.size.toLocaleString("en")}${this.#cursor ? "+" : ""}`;
    if (this.#problem) this.note.textContent = this.#problem;
    else if (this.search.value) this.note.textContent = `${found.length.toLocaleString("en")} of ${read} match.`;
    else this.note.textContent = this.#sessions.size || this.#cursor === undefined ? "" : "No sessions yet.";
  }

  #item({ session_id, preview, updated_at, message_count }) {
    const time = element("time", { datetime: updated_at, title: moment(updated_at) }, ago(updated_at));
    const link = element(
      "a",
      { href: hashOf(session_id), "aria-current": session_id === this.#current && "page" },
      element("span", { class: "preview" }, preview || session_id),
      element("span", { class: "facts" }, time, ` · ${counted(message_count, "message")}`),
    );
    return element("li", {}, link);
  }
}

export const hashOf = (sessionId) => `#/${encodeURIComponent(sessionId)}`;

/** The session that the page's address names, or null. */
export function sessionInAddress() {
  try {
    return decodeURIComponent(location.hash.match(/^#\/(.*)/)?.[1] ?? "") || null;
  } catch {
    return null;
  }
}
