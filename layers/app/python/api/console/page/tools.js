// Tool calls, folded: what the agent asked a tool, and what came back.

import { element } from "./elements.js";

const pretty = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

/** A tool's argument text as it streams in is not whole JSON yet. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export class ToolCalls {
  #cards = new Map();
  #early = new Map(); // results whose request is on an older page, not loaded yet

  /** The card of a stored or beginning call. */
  add(id, name, input) {
    const card = new ToolCall(name);
    this.#cards.set(id, card);
    if (input !== undefined) card.input(input);
    const result = this.#early.get(id);
    if (result) card.finish(...result);
    this.#early.delete(id);
    return card.element;
  }

  arguments(id, piece) {
    this.#cards.get(id)?.append(piece);
  }

  finish(id, ...result) {
    const card = this.#cards.get(id);
    if (card) card.finish(...result);
    else this.#early.set(id, result);
  }
}

class ToolCall {
  #text = "";

  constructor(name) {
    this.state = element("span", { class: "state" }, "running");
    this.glance = element("span", { class: "glance" });
    this.inputArea = element("pre", { tabindex: "0", "aria-label": `Input of ${name}` });
    this.resultArea = element("pre", { tabindex: "0", "aria-label": `Result of ${name}` }, "…");
    const summary = element("summary", {}, element("span", { class: "name" }, name), this.glance, this.state);
    this.element = element(
      "details",
      { class: "tool" },
      summary,
      element("div", { class: "pair" }, element("span", {}, "Input"), this.inputArea),
      element("div", { class: "pair" }, element("span", {}, "Result"), this.resultArea),
    );
  }

  append(piece) {
    this.#text += piece;
    this.input(parsed(this.#text));
  }

  input(value) {
    this.inputArea.textContent = pretty(value);
    const values = value && typeof value === "object" ? Object.values(value) : [value];
    this.glance.textContent = values.map((each) => (typeof each === "string" ? each : JSON.stringify(each))).join(", ");
  }

  finish(text, failed = false, attachments = []) {
    this.resultArea.textContent = text;
    this.resultArea.hidden = !text;
    this.resultArea.after(...attachments);
    this.element.classList.add(failed ? "failed" : "done");
    this.state.textContent = failed ? "failed" : "done";
  }
}

/** What a stored `toolResult` block says, apart from its attachments. */
export function resultText(result) {
  if (!result.content?.length) return "(nothing)";
  const said = result.content.filter((part) => Object.values(part)[0]?.source?.bytes?.type !== "binary");
  return said.map((part) => part.text ?? pretty(part.json ?? part)).join("\n");
}
