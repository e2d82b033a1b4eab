// What a new session shows before its first message.

import { aboutAgent } from "./about_agent.js";
import { element } from "./elements.js";

const KEYS = { Enter: "send", "Shift Enter": "new line", "Ctrl K": "search", "Alt N": "new session", "Alt ↑ ↓": "other session" };

/** `use` gets the suggestion that one picks. */
export const welcome = (use) =>
  element(
    "section",
    { class: "welcome", "aria-label": "Begin" },
    element("h2", {}, "A new session"),
    element("p", {}, "Everything said here is stored, and still here tomorrow."),
    aboutAgent(use),
    element("p", { class: "keys" }, Object.entries(KEYS).map(([key, does]) => element("span", {}, element("kbd", {}, key), ` ${does}`))),
  );
