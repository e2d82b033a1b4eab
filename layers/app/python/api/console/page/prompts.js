// What a turn is asked: text, content blocks, or the answers to an agent's questions.

import { ownAttachment } from "./attachments.js";
import { element } from "./elements.js";
import { blobOf, bytesOf, fileNameOf, isTooLarge } from "./files.js";
import { userMessage } from "./messages.js";
import { upload } from "./uploads.js";

const blocksOf = (prompt) => (typeof prompt === "string" ? [{ text: prompt }] : prompt);
const answerText = ({ interruptResponse: { response } }) => (typeof response === "string" ? response : JSON.stringify(response));

export const isAnswer = (prompt) => Boolean(blocksOf(prompt)[0].interruptResponse);

/** Its words alone. */
export const wordsOf = (prompt) => blocksOf(prompt).map((block) => (block.interruptResponse ? answerText(block) : block.text)).filter(Boolean).join("\n");

/** Its blocks that are no text. */
export const filesOf = (prompt) => blocksOf(prompt).filter((block) => !block.text && !block.interruptResponse);

export const shownPrompt = (prompt) => userMessage(wordsOf(prompt), filesOf(prompt).map(shownFile));

function shownFile(block) {
  const [name, blob] = [fileNameOf(block), blobOf(block)];
  return blob ? ownAttachment(name, blob) : element("p", { class: "note" }, name);
}

async function sourceOf(block, blob, before, sessionId) {
  if (!isTooLarge(blob, fileNameOf(block), before)) return bytesOf(blob);
  return { upload: await upload(blob, Object.values(block)[0].format, sessionId) };
}

/** A stored message of a session as the prompt that it was; `read(attachment)` gets the bytes of one. */
export async function storedPrompt({ message }, sessionId, read) {
  const blocks = [];
  for (const block of message.content) {
    const [kind, content] = Object.entries(block)[0];
    if (kind === "text") blocks.push(block);
    else if (content?.source?.bytes) blocks.push({ [kind]: { ...content, source: await sourceOf(block, await read(content.source.bytes), blocks, sessionId) } });
  }
  return blocks.length === 1 && blocks[0].text ? blocks[0].text : blocks;
}
