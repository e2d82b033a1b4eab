// The answer that is just being written.

import { element } from "./elements.js";
import { Markdown } from "./markdown.js";
import { article } from "./messages.js";
import { ToolCalls } from "./tools.js";

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
