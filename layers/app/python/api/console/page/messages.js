// Messages as they are stored.

import { sizeOf, storedAttachment } from "./attachments.js";
import { element } from "./elements.js";
import { Markdown } from "./markdown.js";
import { messageActions } from "./message_actions.js";
import { ago, moment } from "./times.js";
import { resultText, ToolCalls } from "./tools.js";

/** A message's frame; `append` takes its content. */
export function article(role, createdAt, actions) {
  const who = role === "user" ? "You" : "Agent";
  const when = createdAt && element("time", { datetime: createdAt, title: moment(createdAt) }, ago(createdAt));
  const foot = when && element("footer", {}, when, actions);
  return element("article", { class: `message ${role}`, "aria-label": who }, foot);
}

/** Not stored yet. */
export function userMessage(text, attachments = []) {
  const made = article("user");
  made.prepend(...attachments, ...(text ? [element("p", { class: "said" }, text)] : []));
  return made;
}

/** Draws what the history holds; one for each conversation, since a result may be drawn before its request. */
export class StoredMessages {
  tools = new ToolCalls();

  /** `place()` is where attachments are: `{ sessionId, agentId }`. */
  constructor(place) {
    this.place = place;
  }

  /** The message's element, or null where all of it went into a tool call's card. */
  draw(item) {
    const { message_id, created_at, message } = item;
    const made = article(message?.role ?? "assistant", created_at, messageActions(item));
    made.dataset.message = message_id;
    const parts = this.#parts(item);
    made.prepend(...parts);
    return parts.length ? made : null;
  }

  #parts({ redacted, message, omitted_bytes, damaged }) {
    if (damaged) return [note(`This message cannot be read: ${damaged}`)];
    if (!message) return [note(`This message is too large to show: ${sizeOf(omitted_bytes)}.`)];
    const parts = message.content.map((block) => this.#block(block, message.role)).filter(Boolean);
    return redacted ? [note("Redacted"), ...parts] : parts;
  }

  #block(block, role) {
    if (block.text !== undefined) return role === "user" ? element("p", { class: "said" }, block.text) : prose(block.text);
    if (block.toolUse) return this.tools.add(block.toolUse.toolUseId, block.toolUse.name, block.toolUse.input);
    if (block.toolResult) return this.#finish(block.toolResult);
    if (block.citationsContent) return prose((block.citationsContent.content ?? []).map((part) => part.text).join("\n"));
    if (block.reasoningContent) return folded("Reasoning", block.reasoningContent.reasoningText?.text ?? "(encrypted)");
    return this.#media(block) ?? unknown(block);
  }

  #media(block) {
    const [kind, content] = Object.entries(block)[0] ?? [];
    return content?.source?.bytes?.type === "binary" ? storedAttachment(kind, content, this.place) : null;
  }

  #finish(result) {
    const pictures = (result.content ?? []).map((part) => this.#media(part)).filter(Boolean);
    this.tools.finish(result.toolUseId, resultText(result), result.status === "error", pictures);
    return null;
  }
}

const note = (text) => element("p", { class: "note" }, text);

function prose(text) {
  const into = element("div", { class: "prose" });
  new Markdown(into).show(text);
  return into;
}

const folded = (name, text) =>
  element("details", { class: "aside" }, element("summary", {}, name), element("pre", { tabindex: "0" }, text));

function unknown(block) {
  const [kind, content] = Object.entries(block)[0] ?? ["empty", {}];
  return folded(kind, JSON.stringify(content, null, 2));
}
