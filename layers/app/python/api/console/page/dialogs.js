// Questions over the page: one at a time, left with Escape or by its first button.

import { element } from "./elements.js";

/** What is filled in, as FormData, or null. `fields` are elements with names; `danger` warns of what cannot be undone. */
export async function ask({ title, text, fields = [], keep = "Cancel", act, danger = false }) {
  const form = element(
    "form",
    { method: "dialog" },
    element("h2", { id: "dialog-title" }, title),
    text && element("p", { id: "dialog-text" }, text),
    fields,
    element(
      "div",
      { class: "actions" },
      element("button", { type: "button", autofocus: !fields.length, onclick: () => dialog.close() }, keep),
      element("button", { value: "act", class: danger ? "danger" : "main" }, act),
    ),
  );
  const dialog = element("dialog", { "aria-labelledby": "dialog-title", "aria-describedby": text && "dialog-text" }, form);
  document.body.append(dialog);
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  dialog.remove();
  return dialog.returnValue === "act" ? new FormData(form) : null;
}
