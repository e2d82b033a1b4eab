// Makes elements. Children that are strings become text, whatever they hold: nothing here parses HTML.

/** `element("button", { class: "quiet", onclick: send }, "Send")`; attributes that are false or null are left out. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child != null && child !== false));
  return made;
}

export const byId = (id) => document.getElementById(id);

/** Read out by a screen reader, seen by nobody. */
export function announce(text) {
  byId("announcement").textContent = text;
}

let toastTimer;

/** One short line that goes away by itself. */
export function toast(text) {
  clearTimeout(toastTimer);
  byId("toast").textContent = text;
  toastTimer = setTimeout(() => (byId("toast").textContent = ""), 5000);
}

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied.`);
  } catch {
    toast(`The browser does not let this page copy. ${what}: ${text}`);
  }
}
