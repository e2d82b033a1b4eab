// The stored messages of one session: the newest page first, older ones as one scrolls up.

import { path, read } from "./api.js";
import { element } from "./elements.js";
import { StoredMessages } from "./messages.js";

const PAGE = 30;
const CATCH_UP_PAGE = 100;

export class History {
  element = element("div", { class: "history" });
  sessionId = null;
  newest = -1; // the id of the last message that is shown
  #stored = new StoredMessages();
  #top = element("p", { class: "top" });
  #older = null; // the message that the next page begins with
  #loading = false;
  #said = [];
  #observer;

  constructor(scroller) {
    this.scroller = scroller;
    this.element.append(this.#top);
    this.#observer = new IntersectionObserver(([entry]) => entry.isIntersecting && this.loadOlder(), {
      root: scroller,
      rootMargin: "600px 0px 0px",
    });
  }

  async open() {
    const page = await this.#read({ order: "desc", limit: PAGE });
    this.add(page.messages.reverse());
    // Before the top is watched: seen, it would load all at once.
    if (this.element.isConnected) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#turned(page);
  }

  /** What was stored since: this page's own turn, and what other tabs did meanwhile. `add` shows it. */
  async readOn() {
    const found = [];
    for (let cursor = this.newest + 1; cursor !== null; ) {
      const page = await this.#read({ order: "asc", cursor, limit: CATCH_UP_PAGE });
      found.push(...page.messages);
      cursor = page.next_cursor;
    }
    return found;
  }

  add(items) {
    this.newest = items.at(-1)?.message_id ?? this.newest;
    this.#said.push(...items.filter(({ message }) => message?.role === "user"));
    this.#show(items, (drawn) => this.element.append(...drawn));
  }

  /** Whether a message of the person's with these words is stored after the message `id`. */
  holds(text, id) {
    return this.#said.some(({ message_id, message }) => message_id > id && message.content.some((block) => block.text === text));
  }

  async loadOlder() {
    if (this.#older === null || this.#loading) return;
    this.#loading = true;
    this.#top.textContent = "Loading older messages…";
    try {
      const page = await this.#read({ order: "desc", cursor: this.#older, limit: PAGE });
      this.#insertAbove(page.messages.reverse());
      this.#turned(page);
    } catch (problem) {
      const again = element("button", { class: "quiet", onclick: () => this.loadOlder() }, "Try again");
      this.#top.replaceChildren("Older messages could not be loaded: ", problem.message, " ", again);
    } finally {
      this.#loading = false;
    }
  }

  /** Leaves what one reads where it is. */
  #insertAbove(items) {
    const below = this.scroller.scrollHeight - this.scroller.scrollTop;
    this.#show(items, (drawn) => this.#top.after(...drawn));
    if (this.element.isConnected) this.scroller.scrollTop = this.scroller.scrollHeight - below;
  }

  #turned(page) {
    this.#older = page.next_cursor;
    this.#top.textContent = "";
    this.#observer.unobserve(this.#top); // observed anew, it reports again even if it never went out of sight
    if (this.#older !== null) this.#observer.observe(this.#top);
  }

  #show(items, place) {
    place(items.map((item) => this.#stored.draw(item)).filter(Boolean));
  }

  async #read(query) {
    const page = await read(path("sessions", this.sessionId, "history"), query);
    this.agentId = page.agent_id;
    return page;
  }
}
