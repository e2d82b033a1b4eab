// Files that go with a message: pasted, dropped or chosen; as the content blocks that the API takes.

import { sizeOf } from "./attachments.js";
import { byId, element } from "./elements.js";
import { settings } from "./settings.js";

const OTHER_NAMES = { jpg: "jpeg", htm: "html", markdown: "md", text: "txt", "3gp": "three_gp" };
const REST_OF_REQUEST_BYTES = 2000;
const BYTES_A_CHARACTER = 3 / 4; // of base64

/** Why a file cannot go with a message; meant for the person. */
export class FileProblem extends Error {}

/** The block `{ image: { format, source: { bytes } } }` of a file, its bytes in base64. Throws `FileProblem`. */
export async function blockOf(file) {
  const [kind, format] = await kindOf(file);
  const named = kind === "document" && { name: documentName(file.name) };
  return { [kind]: { format, ...named, source: { bytes: await base64(file) } } };
}

/** A stored block again, its bytes from `read`. */
export async function restoredBlock(kind, content, read) {
  return { [kind]: { ...content, source: { bytes: await base64(await read()) } } };
}

export const fileNameOf = (block) => {
  const [kind, content] = Object.entries(block)[0];
  return `${content.name ?? kind}.${content.format}`;
};

export function blobOf(block) {
  const [kind, content] = Object.entries(block)[0];
  const bytes = Uint8Array.from(atob(content.source.bytes), (character) => character.charCodeAt(0));
  return new Blob([bytes], { type: kind === "image" ? `image/${content.format}` : "application/octet-stream" });
}

async function kindOf(file) {
  const ending = (file.name.match(/\.([^.]+)$/)?.[1] ?? file.type.split("/")[1] ?? "").toLowerCase();
  const format = OTHER_NAMES[ending] ?? ending;
  for (const [kind, formats] of Object.entries(settings.formats)) if (formats.includes(format)) return [kind, format];
  if (await isText(file)) return ["document", "txt"];
  throw new FileProblem(`“${file.name}” is none of the files that models read: ${Object.values(settings.formats).flat().join(", ")}, or text.`);
}

async function isText(file) {
  try {
    return !new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer()).includes("\0");
  } catch {
    return false;
  }
}

/** What the API takes for one. */
const documentName = (name) => name.replace(/\.[^.]+$/, "").replace(/[^A-Za-z0-9\-()[\]]+/g, " ").trim().slice(0, 200).trim() || "document";

async function base64(blob) {
  const url = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(new FileProblem("The file could not be read."));
    reader.readAsDataURL(blob);
  });
  return url.slice(url.indexOf(",") + 1);
}

/** The files of the message that is being written. */
export class PendingFiles {
  #files = []; // { name, size, block }

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
    return this.#files.map(({ block }) => block);
  }

  #take(event, { files }) {
    if (!files.length) return;
    event.preventDefault();
    this.add([...files]);
  }

  async add(files) {
    byId("file-problem").textContent = "";
    for (const file of files) {
      try {
        this.put(file.name, await blockOf(file));
      } catch (problem) {
        if (!(problem instanceof FileProblem)) throw problem;
        byId("file-problem").textContent = problem.message;
      }
    }
  }

  /** Throws `FileProblem` for what would be more than a request takes. */
  put(name, block) {
    const all = JSON.stringify([...this.blocks, block]).length + REST_OF_REQUEST_BYTES;
    const size = sizeOf(Object.values(block)[0].source.bytes.length * BYTES_A_CHARACTER);
    if (all > settings.max_body_bytes) {
      const limit = sizeOf((settings.max_body_bytes - REST_OF_REQUEST_BYTES) * BYTES_A_CHARACTER);
      throw new FileProblem(`“${name}” (${size}) does not fit: the files of a message have at most ${limit} together.`);
    }
    this.#files.push({ name, size, block });
    this.#draw();
  }

  clear() {
    this.#files = [];
    byId("file-problem").textContent = "";
    this.#draw();
  }

  #draw() {
    byId("files").replaceChildren(...this.#files.map((file) => element("li", {}, `${file.name} · ${file.size}`, this.#removal(file))));
  }

  #removal(file) {
    const act = () => {
      this.#files = this.#files.filter((each) => each !== file);
      this.#draw();
      byId("prompt").focus();
    };
    return element("button", { type: "button", class: "icon", "aria-label": `Remove ${file.name}`, onclick: act }, "×");
  }
}
