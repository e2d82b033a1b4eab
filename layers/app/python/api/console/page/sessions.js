// The caller's sessions, newest activity first; older ones as one scrolls.

import { hashOf } from "./address.js";
import { path, read } from "./api.js";
import { byId, element } from "./elements.js";
import { MessageSearch } from "./message_search.js";
import { dumpTags } from "./tags.js";
import { ago, counted, dayOf, moment } from "./times.js";

const PAGE = 50;
// A service may search no messages, and then a session by its beginning is found only here: so many pages of the list
// are read at a time, then it asks.
const PAGES_A_SEARCH = 10;

export class SessionList {
  #sessions = new Map();
  #cursor = undefined; // undefined: nothing was read yet; null: the last page was
  #loading = null;
  #budget = PAGES_A_SEARCH;
  #current = null;
  #problem = ""; // why reading came to a halt
  #messages = new MessageSearch();

  /** `changed` hears of what was put here or deleted, of that with its id. */
  constructor(changed) {
    this.changed = changed;
    this.list = byId("session-list");
    this.note = byId("session-note");
    this.search = byId("search");
    this.button = byId("more-sessions");
    this.scroller = byId("session-scroll");
    this.search.addEventListener("input", () => this.#searchAgain());
    this.button.addEventListener("click", () => (this.#problem ? this.refresh() : this.#searchAgain()));
    this.scroller.addEventListener("scroll", () => this.#fill());
    new ResizeObserver(() => this.#fill()).observe(this.scroller);
  }

  get(sessionId) {
    return this.#sessions.get(sessionId);
  }

  /** As the list has it, or the API. */
  async read(sessionId) {
    return this.get(sessionId) ?? read(path("sessions", sessionId));
  }

  /** What the API has answered to a change. */
  put(session) {
    if (this.#sessions.has(session.session_id)) this.#sessions.set(session.session_id, session);
    this.#draw();
    this.changed();
  }

  set current(sessionId) {
    this.#current = sessionId;
    this.#draw();
  }

  /** One whose first answer is only coming; the API lists it with its first message. */
  begin(session_id, preview) {
    const now = new Date().toISOString();
    const session = { session_id, preview, title: null, metadata: {}, created_at: now, updated_at: now, message_count: 0 };
    this.#sessions = new Map([[session_id, session], ...this.#sessions]);
  }

  forget(sessionId) {
    this.#sessions.delete(sessionId);
    this.#draw();
    this.changed(sessionId);
  }

  /** The newest page again: what was active since comes to the top. */
  async refresh() {
    try {
      const page = await read("sessions", { limit: PAGE, include: "empty" });
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

  #searchAgain() {
    this.#budget = PAGES_A_SEARCH;
    this.#messages.find(this.search.value.trim());
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
      const page = await read("sessions", { limit: PAGE, include: "empty", cursor: this.#cursor });
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
    return [...this.#sessions.values()].filter((session) => searchedText(session).toLowerCase().includes(wanted));
  }

  #draw() {
    const found = this.#found();
    const focused = this.list.contains(document.activeElement) ? document.activeElement.hash : null;
    const days = Object.entries(Object.groupBy(found, ({ updated_at }) => dayOf(updated_at)));
    this.list.replaceChildren(...days.flatMap(([day, sessions]) => this.#group(day, sessions)));
    if (focused) [...this.list.querySelectorAll("a")].find((link) => link.hash === focused)?.focus();
    const read = `${this.#sessions.size.toLocaleString("en")}${this.#cursor ? "+" : ""}`;
    if (this.#problem) this.note.textContent = this.#problem;
    else if (this.search.value) this.note.textContent = `${found.length.toLocaleString("en")} of ${read} match.`;
    else this.note.textContent = this.#sessions.size || this.#cursor === undefined ? "" : "No sessions yet.";
  }

  #group(day, sessions) {
    return [element("h3", {}, day), element("ul", {}, sessions.map((session) => this.#item(session)))];
  }

  #item(session) {
    const { session_id, updated_at, message_count, error_code } = session;
    const time = element("time", { datetime: updated_at, title: moment(updated_at) }, ago(updated_at));
    const count = error_code ? element("span", { class: "failed" }, "failed") : counted(message_count, "message");
    const link = element(
      "a",
      { href: hashOf(session_id), "aria-current": session_id === this.#current && "page" },
      element("span", { class: "preview" }, titleOf(session)),
      element("span", { class: "facts" }, time, " · ", count, tags(session)),
    );
    return element("li", {}, link);
  }
}

export const titleOf = ({ title, preview, session_id }) => title || preview || session_id;

const tags = ({ metadata }) => dumpTags(metadata).split("\n").filter(Boolean).flatMap((tag) => [" ", element("span", { class: "tag" }, tag)]);

const searchedText = (session) => [titleOf(session), session.preview, session.session_id, dumpTags(session.metadata)].join("\n");
