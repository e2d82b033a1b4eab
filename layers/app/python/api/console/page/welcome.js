// What a new session shows before its first message.

import { element } from "./elements.js";

const SUGGESTIONS = ["Hello, my name is Alice.", "What can you help me with?", "What is (58 − 13) × 2?"];
const KEYS = { Enter: "send", "Shift Enter": "new line", "Ctrl K": "search", "Alt N": "new session", "Alt ↑ ↓": "other session" };

/** `use` gets the suggestion that one picks. */
export const welcome = (use) =>
  element(
    "section",
    { class: "welcome", "aria-label": "Begin" },
    element("h2", {}, "What is on your mind?"),
    element("p", {}, "Everything said here is stored, and still here tomorrow."),
    element("div", { class: "suggestions" }, SUGGESTIONS.map((text) => element("button", { type: "button", onclick: () => use(text) }, text))),
    element("p", { class: "keys" }, Object.entries(KEYS).map(([key, does]) => element("span", {}, element("kbd", {}, key), ` ${does}`))),
  );
