// An agent that waits for a human: what it asks, and the form that takes the answers.

import { element } from "./elements.js";

const reasonText = (reason) => (typeof reason === "string" ? reason : JSON.stringify(reason, null, 2));

/** `answer` gets the blocks that `/process` takes as a prompt. */
export function interruptForm(interrupts, answer) {
  const fields = interrupts.map(question);
  const form = element(
    "form",
    { class: "interrupt", "aria-label": "The agent asks" },
    element("h2", {}, "The agent waits for your answer"),
    fields.map((field) => field.element),
    element("div", { class: "actions" }, element("button", { type: "submit" }, "Answer")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    answer(fields.map((field) => ({ interruptResponse: { interruptId: field.id, response: field.value() } })));
  });
  return form;
}

function question({ id, name, reason }) {
  const input = element("textarea", { rows: "1", required: true });
  const asJson = element("input", { type: "checkbox" });
  const check = () => input.setCustomValidity(asJson.checked && !isJson(input.value) ? "This is not JSON." : "");
  input.addEventListener("input", check);
  asJson.addEventListener("change", check);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    input.form.requestSubmit();
  });
  const asked = reason != null && element("pre", { class: "reason" }, reasonText(reason));
  const made = element(
    "div",
    { class: "question" },
    element("label", {}, element("span", { class: "name" }, name), asked, input),
    element("label", { class: "check" }, asJson, "The answer is JSON"),
  );
  return { id, element: made, value: () => (asJson.checked ? JSON.parse(input.value) : input.value) };
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
