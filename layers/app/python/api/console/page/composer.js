// The message that is being written: its words, its files, and what of the history it replaces.

import { byId, toast } from "./elements.js";
import { PendingFiles } from "./pending_files.js";
import { filesOf, wordsOf } from "./prompts.js";

const prompt = byId("prompt");

export class Composer {
  files = new PendingFiles();
  fromMessageId = null; // the message from which on the history is replaced

  /** `send` gets `{ prompt, fromMessageId }` and answers whether it took it; `changed` hears of a rewind. */
  constructor(send, changed) {
    this.changed = changed;
    const submit = (event) => {
      event.preventDefault();
      const { awaited } = this.files;
      if (awaited) toast(`“${awaited}” is still being uploaded.`);
      else if (send(this.#message)) this.clear();
    };
    byId("composer").addEventListener("submit", submit);
    prompt.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
    });
    byId("keep-history").addEventListener("click", () => {
      this.clear();
      this.focus();
    });
  }

  get #message() {
    const { value } = prompt;
    const words = value.trim() ? [{ text: value }] : [];
    const blocks = this.files.blocks;
    return { prompt: blocks.length ? [...words, ...blocks] : value, fromMessageId: this.fromMessageId };
  }

  /** The next message replaces the history from that one on. */
  rewind(messageId, words = "") {
    this.fromMessageId = messageId;
    byId("rewinding").hidden = messageId === null;
    byId("rewinding").firstElementChild.textContent = words;
    this.changed();
  }

  write(text, files = []) {
    this.files.clear();
    for (const block of files) this.files.restore(block);
    prompt.value = text;
    this.focus();
  }

  /** A message that was not answered, to be changed. */
  restore({ prompt: asked, from }) {
    this.rewind(from, "Your message replaces a part of the history.");
    this.write(wordsOf(asked), filesOf(asked));
  }

  clear() {
    prompt.value = "";
    this.files.clear();
    this.rewind(null);
  }

  focus() {
    prompt.focus();
  }
}
