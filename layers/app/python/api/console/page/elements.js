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

/** A long id, cut in the middle; a click copies all of it. */
export function idButton(id, what) {
  const short = id.length > 18 ? `${id.slice(0, 8)}…${id.slice(-6)}` : id;
  return element("button", { type: "button", class: "id", title: id, "aria-label": `Copy ${what} ${id}`, onclick: () => copy(id, what) }, short);
}

export function saveFile(blob, name) {
  const url = URL.createObjectURL(blob);
  element("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}
