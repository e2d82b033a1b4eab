// What a turn is asked: text, content blocks, or the answers to an agent's questions.

import { ownAttachment } from "./attachments.js";
import { blobOf, fileNameOf, restoredBlock } from "./files.js";
import { userMessage } from "./messages.js";

const blocksOf = (prompt) => (typeof prompt === "string" ? [{ text: prompt }] : prompt);
const answerText = ({ interruptResponse: { response } }) => (typeof response === "string" ? response : JSON.stringify(response));

export const isAnswer = (prompt) => Boolean(blocksOf(prompt)[0].interruptResponse);

/** Its words alone. */
export const wordsOf = (prompt) => blocksOf(prompt).map((block) => (block.interruptResponse ? answerText(block) : block.text)).filter(Boolean).join("\n");

/** Its blocks that are no text. */
export const filesOf = (prompt) => blocksOf(prompt).filter((block) => !block.text && !block.interruptResponse);

export const shownPrompt = (prompt) =>
  userMessage(wordsOf(prompt), filesOf(prompt).map((block) => ownAttachment(fileNameOf(block), blobOf(block))));

/** A stored message as the prompt that it was; `read(attachment)` gets the bytes of one. */
export async function storedPrompt({ message }, read) {
  const blocks = [];
  for (const block of message.content) {
    const [kind, content] = Object.entries(block)[0];
    if (kind === "text") blocks.push(block);
    else if (content?.source?.bytes) blocks.push(await restoredBlock(kind, content, () => read(content.source.bytes)));
  }
  return blocks.length === 1 && blocks[0].text ? blocks[0].text : blocks;
}
