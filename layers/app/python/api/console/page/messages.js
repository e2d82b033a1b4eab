// Messages, stored ones and those that are just being written.

import { element } from "./elements.js";
import { Markdown } from "./markdown.js";
import { ago, moment } from "./times.js";
import { resultText, ToolCalls } from "./tools.js";

/** A message's frame; `append` takes its content. */
function article(role, createdAt) {
  const who = role === "user" ? "You" : "Agent";
  const when = createdAt && element("time", { datetime: createdAt, title: moment(createdAt) }, ago(createdAt));
  return element("article", { class: `message ${role}`, "aria-label": who }, when);
}

export function userMessage(text, createdAt) {
  const made = article("user", createdAt);
  made.prepend(element("p", { class: "said" }, text));
  return made;
}

const sizeOf = (bytes) => (bytes < 10_000 ? `${bytes} bytes` : `${Math.round(bytes / 1000).toLocaleString("en")} kB`);

/** Draws what the history holds; one for each conversation, since a result may be drawn before its request. */
export class StoredMessages {
  tools = new ToolCalls();

  /** The message's element, or null where all of it went into a tool call's card. */
  draw({ created_at, redacted, message, omitted_bytes }) {
    if (!message) return this.#note(created_at, `This message is too large to show: ${sizeOf(omitted_bytes)}.`);
    const made = article(message.role, created_at);
    const parts = message.content.map((block) => this.#block(block, message.role)).filter(Boolean);
    if (redacted) parts.unshift(element("p", { class: "note" }, "Redacted"));
    made.prepend(...parts);
    return parts.length ? made : null;
  }

  #note(createdAt, text) {
    const made = article("assistant", createdAt);
    made.prepend(element("p", { class: "note" }, text));
    return made;
  }

  #block(block, role) {
    if (block.text !== undefined) return role === "user" ? element("p", { class: "said" }, block.text) : prose(block.text);
    if (block.toolUse) return this.tools.add(block.toolUse.toolUseId, block.toolUse.name, block.toolUse.input);
    if (block.toolResult) return this.#finish(block.toolResult);
    if (block.citationsContent) return prose((block.citationsContent.content ?? []).map((part) => part.text).join("\n"));
    if (block.reasoningContent) return folded("Reasoning", block.reasoningContent.reasoningText?.text ?? "(encrypted)");
    return binary(block);
  }

  #finish(result) {
    this.tools.finish(result.toolUseId, resultText(result), result.status === "error");
    return null;
  }
}

function prose(text) {
  const into = element("div", { class: "prose" });
  new Markdown(into).show(text);
  return into;
}

const folded = (name, text) =>
  element("details", { class: "aside" }, element("summary", {}, name), element("pre", { tabindex: "0" }, text));

function binary(block) {
  const [kind, content] = Object.entries(block)[0] ?? ["empty", {}];
  const bytes = content?.source?.bytes;
  if (bytes?.type === "binary") {
    return element("p", { class: "attachment" }, `${content.name ?? kind} · ${bytes.media_type} · ${sizeOf(bytes.size_bytes)}`);
  }
  return folded(kind, JSON.stringify(content, null, 2));
}

/** The answer that is being written, from AG-UI events. Replaced by what is stored when the run has ended. */
export class LiveAnswer {
  element = element("div", { class: "live", "aria-busy": "true" });
  tools = new ToolCalls();
  #messages = new Map();
  #waiting = element("p", { class: "waiting" }, element("span", { class: "hidden" }, "The agent is answering"));

  constructor(drawn) {
    this.drawn = drawn;
    this.element.append(this.#waiting);
  }

  get text() {
    return [...this.#messages.values()].map(({ markdown }) => markdown?.text ?? "").join("\n");
  }

  take(event) {
    switch (event.type) {
      case "TEXT_MESSAGE_CONTENT":
        // Drawn when its time has come: to lay out the page for each word would hold up a long answer.
        return this.#prose(event.messageId).append(event.delta, this.drawn);
      case "TOOL_CALL_START":
        this.#message(event.parentMessageId).element.append(this.tools.add(event.toolCallId, event.toolCallName));
        break;
      case "TOOL_CALL_ARGS":
        this.tools.arguments(event.toolCallId, event.delta);
        break;
      case "TOOL_CALL_RESULT":
        this.tools.finish(event.toolCallId, event.content);
        break;
      case "CUSTOM":
        if (event.name === "answer_restarted") this.#forget(event.value.messageId);
    }
    this.drawn();
  }

  #message(id) {
    if (!this.#messages.has(id)) {
      const made = article("assistant");
      this.#waiting.before(made);
      this.#messages.set(id, { element: made, markdown: null });
    }
    return this.#messages.get(id);
  }

  #prose(id) {
    const message = this.#message(id);
    if (!message.markdown) {
      const into = element("div", { class: "prose" });
      message.element.append(into);
      message.markdown = new Markdown(into);
    }
    return message.markdown;
  }

  #forget(id) {
    const note = element("p", { class: "note" }, "The model was throttled; the answer starts over.");
    this.#messages.get(id)?.element.replaceWith(note);
    this.#messages.delete(id);
  }
}
