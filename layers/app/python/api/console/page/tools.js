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

  finish(id, text, failed = false) {
    const card = this.#cards.get(id);
    if (card) card.finish(text, failed);
    else this.#early.set(id, [text, failed]);
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

  finish(text, failed) {
    this.resultArea.textContent = text;
    this.element.classList.add(failed ? "failed" : "done");
    this.state.textContent = failed ? "failed" : "done";
  }
}

/** What a stored `toolResult` block says. */
export function resultText(result) {
  const parts = (result.content ?? []).map((part) => part.text ?? pretty(part.json ?? part));
  return parts.join("\n") || "(nothing)";
}
