// What one does with a stored message. The conversation hears of it as an event, whose detail is the history's item.

import { copy, element } from "./elements.js";

const textOf = ({ message }) => message.content.map(({ text }) => text).filter(Boolean).join("\n\n");

/** Below the message; null for one that is part of a turn and not its beginning or end. */
export function messageActions(item) {
  const actions = item.message && !item.redacted && (item.message.role === "user" ? forPrompt(item) : forAnswer(item));
  return actions && element("span", { class: "actions-of-message" }, actions);
}

function forPrompt(item) {
  if (item.message.content.some((block) => block.toolResult)) return null;
  return [action("Edit", "edit-prompt", item), copyAction(item)];
}

function forAnswer(item) {
  if (item.message.content.some((block) => block.toolUse)) return null;
  return [
    copyAction(item),
    action("Ask again", "ask-again", item),
    action("Fork here", "fork-here", item),
    action("Rewind to here", "rewind-here", item),
  ];
}

const copyAction = (item) =>
  element("button", { type: "button", onclick: () => copy(textOf(item), item.message.role === "user" ? "Message" : "Answer") }, "Copy");

const action = (label, name, detail) =>
  element("button", { type: "button", onclick: ({ target }) => target.dispatchEvent(new CustomEvent(name, { bubbles: true, detail })) }, label);
