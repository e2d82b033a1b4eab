// Other callers of this machine's stack, each on a port of its own: one opens the page as one of them beside this one.

import { byId, element } from "./elements.js";
import { settings } from "./settings.js";

export function showCallers() {
  const callers = Object.entries(settings.callers).map(([name, port]) => link(name, String(port)));
  if (callers.length) byId("callers").replaceChildren("As", ...callers);
}

const link = (name, port) =>
  element("a", { href: `http://${location.hostname}:${port}/`, target: "_blank", "aria-current": port === location.port && "page" }, name);
