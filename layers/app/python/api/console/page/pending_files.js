// The files of the message that is being written: pasted, dropped or chosen.

import { sizeOf } from "./attachments.js";
import { announce, byId, element } from "./elements.js";
import { blobOf, bytesOf, describe, fileNameOf, FileProblem, isTooLarge } from "./files.js";
import { upload } from "./uploads.js";

export class PendingFiles {
  // { name, size, state, block }; of one that is uploaded its `file`, `kind`, `content` and `sessionId` too, and until it
  // has arrived no block, but an `abort`.
  #files = [];
  #conversation = null;

  constructor() {
    byId("attach").addEventListener("click", () => byId("choose-files").click());
    byId("choose-files").addEventListener("change", ({ target }) => {
      this.add([...target.files]);
      target.value = ""; // the same file may be chosen again
    });
    byId("prompt").addEventListener("paste", (event) => this.#take(event, event.clipboardData));
    const main = byId("conversation");
    main.addEventListener("dragover", (event) => event.dataTransfer.types.includes("Files") && event.preventDefault());
    main.addEventListener("drop", (event) => this.#take(event, event.dataTransfer));
  }

  get blocks() {
    return this.#files.map(({ block }) => block).filter(Boolean);
  }

  /** One that is not there yet; undefined where the message can be sent. */
  get awaited() {
    return this.#files.find(({ block }) => !block)?.name;
  }

  /** Whose message it is. An upload is for one session, so those for another one are sent again. */
  belongTo(conversation) {
    this.#conversation = conversation;
    for (const pending of this.#files) if (pending.file && pending.sessionId !== conversation.uploadId) this.#upload(pending);
  }

  #take(event, { files }) {
    if (!files.length) return;
    event.preventDefault();
    this.add([...files]);
  }

  async add(files) {
    this.#complain("");
    for (const file of files) {
      try {
        await this.#add(file);
      } catch (problem) {
        if (!(problem instanceof FileProblem)) throw problem;
        this.#complain(problem.message);
      }
    }
  }

  async #add(file) {
    const [kind, content] = await describe(file);
    const pending = { name: file.name, size: sizeOf(file.size), state: element("span") };
    if (isTooLarge(file, file.name, this.blocks)) this.#upload(Object.assign(pending, { file, kind, content }));
    else pending.block = { [kind]: { ...content, source: await bytesOf(file) } };
    this.#put(pending);
  }

  async #upload(pending) {
    pending.abort?.abort();
    const abort = new AbortController();
    Object.assign(pending, { block: null, sessionId: this.#conversation.uploadId, abort });
    const progress = (part) => (pending.state.textContent = ` · uploading, ${Math.floor(part * 100)} %`);
    progress(0);
    try {
      const id = await upload(pending.file, pending.content.format, pending.sessionId, { signal: abort.signal, progress });
      pending.block = { [pending.kind]: { ...pending.content, source: { upload: id } } };
      pending.state.textContent = " · uploaded";
      announce(`“${pending.name}” is uploaded.`);
    } catch (problem) {
      if (abort.signal.aborted) return;
      this.#remove(pending);
      this.#complain(`“${pending.name}” could not be uploaded: ${problem.message}`);
    }
  }

  /** One that was made into a block before. */
  restore(block) {
    const blob = blobOf(block);
    const { upload: sentBefore } = Object.values(block)[0].source;
    const state = element("span", {}, sentBefore && " · uploaded");
    const [kind, content] = Object.entries(block)[0];
    const again = sentBefore && blob && { file: blob, kind, content, sessionId: this.#conversation.uploadId };
    this.#put({ name: fileNameOf(block), size: blob && sizeOf(blob.size), state, block, ...again });
  }

  clear() {
    for (const { abort } of this.#files) abort?.abort();
    this.#files = [];
    this.#complain("");
    this.#draw();
  }

  #complain(words) {
    byId("file-problem").textContent = words;
  }

  #put(pending) {
    this.#files.push(pending);
    this.#draw();
  }

  #remove(pending) {
    pending.abort?.abort();
    this.#files = this.#files.filter((each) => each !== pending);
    this.#draw();
  }

  #draw() {
    byId("files").replaceChildren(...this.#files.map((pending) => this.#item(pending)));
  }

  #item(pending) {
    const { name, size, state } = pending;
    const act = () => {
      this.#remove(pending);
      byId("prompt").focus();
    };
    const removal = element("button", { type: "button", class: "icon", "aria-label": `Remove ${name}`, onclick: act }, "×");
    const label = element("span", {}, [name, size].filter(Boolean).join(" · "), state);
    return element("li", {}, label, removal);
  }
}
