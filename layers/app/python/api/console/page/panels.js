// Sessions and details beside the conversation; on a phone they lie over it.

import { byId } from "./elements.js";

export const narrow = matchMedia("(max-width: 52rem)"); // as in layout.css
const PANELS = ["sessions", "details"];

export const isOpen = (id) => document.body.classList.contains(`with-${id}`);

export function togglePanel(id, open) {
  const panel = byId(id);
  document.body.classList.toggle(`with-${id}`, open);
  if (id === "details") panel.hidden = !open;
  coverConversation();
  byId(`open-${id}`).setAttribute("aria-expanded", open);
  if (open) byId(`close-${id}`).focus();
  panel.dispatchEvent(new CustomEvent("toggled"));
}

/** On a phone meanwhile neither fingers nor keys reach more of the conversation than its title. */
function coverConversation() {
  const covered = narrow.matches && PANELS.some(isOpen);
  for (const part of document.querySelectorAll("main > :not(header), main > header > button")) part.inert = covered;
}

export function closePanel(id) {
  if (!isOpen(id)) return;
  togglePanel(id, false);
  byId(`open-${id}`).focus();
}

export function listenToPanels() {
  document.body.addEventListener("click", ({ target }) => {
    const beside = narrow.matches && target.matches("body, main, main > header, #title");
    if (beside) PANELS.forEach(closePanel);
  });
  narrow.addEventListener("change", coverConversation);
  for (const id of PANELS) {
    byId(`open-${id}`).addEventListener("click", () => togglePanel(id, !isOpen(id)));
    byId(`close-${id}`).addEventListener("click", () => closePanel(id));
  }
}
