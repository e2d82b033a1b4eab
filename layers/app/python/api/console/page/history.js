// The stored messages of one session: the newest page first, older ones as one scrolls up or looks for one.

import { path, read } from "./api.js";
import { element } from "./elements.js";
import { StoredMessages } from "./messages.js";

const PAGE = 30;
const CATCH_UP_PAGE = 100;

const said = (items) => items.filter(({ message }) => message?.role === "user");

export class History {
  element = element("div", { class: "history" });
  sessionId = null;
  newest = -1; // the id of the last message that is shown
  #stored = new StoredMessages(() => this);
  #top = element("p", { class: "top" });
  #older = null; // the message that the next page begins with
  #loading = null;
  #said = [];
  #calls = new Map(); // what a model took for each message of its own, by its id
  #times = new Map(); // when each message that is shown was stored, by its id
  #numbers = new Map(); // of the messages that are shown, by the ids that events have for them
  #hiddenFrom = Infinity; // a turn that goes on is replacing the messages from this one on
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

  /** All of it read again: somebody has replaced a part of what is shown. */
  async reopen() {
    this.cut(0);
    await this.open();
  }

  /** What was stored since: this page's own turn, and what other tabs did. Null where they have replaced what is shown. */
  async readOn() {
    const known = this.#times.get(this.newest);
    const items = await this.readFrom(known ? this.newest : this.newest + 1);
    if (!known) return items;
    return items[0]?.created_at === known ? items.slice(1) : null;
  }

  async readFrom(first) {
    const found = [];
    for (let cursor = first; cursor !== null; ) {
      const page = await this.#read({ order: "asc", cursor, limit: CATCH_UP_PAGE });
      found.push(...page.messages);
      cursor = page.next_cursor;
    }
    return found;
  }

  add(items) {
    this.newest = items.at(-1)?.message_id ?? this.newest;
    this.#said.push(...said(items));
    this.#show(items, (drawn) => this.element.append(...drawn));
  }

  /** Until a turn that replaces the messages from `id` on has ended, or for good with `replace`. */
  hideFrom(id = Infinity) {
    this.#hiddenFrom = id;
    for (const each of this.#shown()) each.hidden = Number(each.dataset.message) >= id;
  }

  replace(first, items) {
    this.cut(first);
    this.hideFrom();
    this.add(items);
  }

  /** Which messages one is about to replace. */
  mark(first) {
    for (const each of this.#shown()) each.classList.toggle("to-be-replaced", first !== null && Number(each.dataset.message) >= first);
  }

  #shown() {
    return this.element.querySelectorAll("[data-message]");
  }

  /** Takes what is from message `first` on out of the page; it may be read again. */
  cut(first) {
    for (const each of this.#shown()) if (Number(each.dataset.message) >= first) each.remove();
    this.#said = this.#said.filter(({ message_id }) => message_id < first);
    for (const kept of [this.#times, this.#calls]) for (const id of [...kept.keys()]) if (id >= first) kept.delete(id);
    for (const [trackingId, id] of [...this.#numbers]) if (id >= first) this.#numbers.delete(trackingId);
    this.newest = Math.min(this.newest, first - 1);
  }

  /** From the message on that its events know by this id, where it is shown. */
  cutMessage(trackingId) {
    const id = this.#numbers.get(trackingId);
    if (id !== undefined) this.cut(id);
  }

  /** Scrolls to a message, for which older ones are read; false where there is none of that number. */
  async reveal(id) {
    const find = () => this.element.querySelector(`[data-message="${CSS.escape(id)}"]`);
    while (!find() && this.#older !== null && this.#older >= id) if (!(await this.loadOlder())) break;
    const found = find();
    if (!found) return false;
    found.tabIndex = -1;
    found.scrollIntoView({ block: "center" });
    found.focus({ preventScroll: true });
    return true;
  }

  /** The item of the prompt that message `id` answers. */
  async promptBefore(id) {
    const find = () => this.#said.filter(({ message_id, message }) => message_id < id && !message.content.some((block) => block.toolResult)).at(-1);
    while (!find() && this.#older !== null) if (!(await this.loadOlder())) break;
    return find();
  }

  /** The model's calls since the last prompt: usage and metrics as Strands has them. */
  lastCalls() {
    const asked = this.#said.filter(({ message }) => !message.content.some((block) => block.toolResult)).at(-1)?.message_id ?? -1;
    return [...this.#calls].filter(([id]) => id > asked).sort(([one], [other]) => one - other).map(([, call]) => call);
  }

  /** Whether a message of the person's with these words is stored after the message `id`. */
  holds(text, id) {
    return this.#said.some(({ message_id, message }) => message_id > id && message.content.some((block) => block.text === text));
  }

  /** Whether a page came. */
  loadOlder() {
    if (this.#older === null) return Promise.resolve(false);
    return (this.#loading ??= this.#loadOlder().finally(() => (this.#loading = null)));
  }

  async #loadOlder() {
    this.#top.textContent = "Loading older messages…";
    try {
      const page = await this.#read({ order: "desc", cursor: this.#older, limit: PAGE });
      this.#insertAbove(page.messages.reverse());
      this.#turned(page);
      return true;
    } catch (problem) {
      const again = element("button", { class: "quiet", onclick: () => this.loadOlder() }, "Try again");
      this.#top.replaceChildren("Older messages could not be loaded: ", problem.message, " ", again);
      return false;
    }
  }

  /** Leaves what one reads where it is. */
  #insertAbove(items) {
    const below = this.scroller.scrollHeight - this.scroller.scrollTop;
    this.#said.unshift(...said(items));
    this.#show(items, (drawn) => this.#top.after(...drawn));
    if (this.element.isConnected) this.scroller.scrollTop = this.scroller.scrollHeight - below;
  }

  #turned(page) {
    this.#older = page.next_cursor;
    this.#top.textContent = "";
    this.#observer.unobserve(this.#top); // observed again, it reports again even if it never went out of sight
    if (this.#older !== null) this.#observer.observe(this.#top);
  }

  #show(items, place) {
    for (const { message_id, created_at, message } of items) {
      this.#times.set(message_id, created_at);
      if (message?.tracking_id) this.#numbers.set(message.tracking_id, message_id);
      if (message?.metadata?.usage) this.#calls.set(message_id, message.metadata);
    }
    place(items.map((item) => this.#stored.draw(item)).filter(Boolean));
    if (this.#hiddenFrom !== Infinity) this.hideFrom(this.#hiddenFrom);
  }

  async #read(query) {
    const page = await read(path("sessions", this.sessionId, "history"), query);
    this.agentId = page.agent_id;
    return page;
  }
}
