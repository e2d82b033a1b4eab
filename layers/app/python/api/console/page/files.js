// Files as the content blocks that the API takes: their bytes in the request while it holds them, else as uploads.

import { sizeOf } from "./attachments.js";
import { settings } from "./settings.js";
import { uploadedFile } from "./uploads.js";

const OTHER_NAMES = { jpg: "jpeg", htm: "html", markdown: "md", text: "txt", "3gp": "three_gp" };
const REST_OF_REQUEST_BYTES = 2000;
const BYTES_A_CHARACTER = 3 / 4; // of base64

/** Why a file cannot go with a message; meant for the person. */
export class FileProblem extends Error {}

/** Kind and description of a file's block: `["document", { format: "md", name: "Notes" }]`. Throws `FileProblem`. */
export async function describe(file) {
  const [kind, format] = await kindOf(file);
  const limit = settings.max_file_bytes[kind];
  if (file.size > limit) {
    throw new FileProblem(`“${file.name}” (${sizeOf(file.size)}) is too large: models read at most ${limit / 1_000_000} MB of ${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind}.`);
  }
  return [kind, { format, ...(kind === "document" && { name: documentName(file.name) }) }];
}

/** Whether it must go by an upload, beside these blocks. Throws `FileProblem` where the service takes none. */
export function isTooLarge(blob, name, blocks) {
  const room = settings.max_body_bytes - REST_OF_REQUEST_BYTES - JSON.stringify(blocks).length;
  if (blob.size <= Math.floor(room / 4) * 3) return false;
  if (settings.upload_origin) return true;
  const limit = sizeOf((settings.max_body_bytes - REST_OF_REQUEST_BYTES) * BYTES_A_CHARACTER);
  throw new FileProblem(`“${name}” (${sizeOf(blob.size)}) does not fit: the files of a message have at most ${limit} together.`);
}

export const bytesOf = async (blob) => ({ bytes: await base64(blob) });

export const fileNameOf = (block) => {
  const [kind, content] = Object.entries(block)[0];
  return `${content.name ?? kind}.${content.format}`;
};

/** What a block holds; undefined for an upload that was sent before the page was loaded. */
export function blobOf(block) {
  const [kind, { format, source }] = Object.entries(block)[0];
  const type = kind === "image" ? `image/${format}` : "application/octet-stream";
  if (source.upload) return uploadedFile(source.upload)?.slice(undefined, undefined, type);
  return new Blob([Uint8Array.from(atob(source.bytes), (character) => character.charCodeAt(0))], { type });
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
