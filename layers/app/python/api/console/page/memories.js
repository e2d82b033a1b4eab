// What agents remember about the caller across sessions: to read, and to have forgotten.

import { path, read, remove } from "./api.js";
import { ask } from "./dialogs.js";
import { element, toast } from "./elements.js";
import { ago, moment } from "./times.js";

const PAGE = 20;

/** Fills `into`; a page at a time. */
export async function showMemories(into, cursor = null) {
  try {
    const page = await read("memories", { limit: PAGE, cursor });
    into.querySelector(".more")?.remove();
    into.append(...page.memories.map(memory));
    if (page.next_cursor) into.append(element("button", { class: "quiet more", onclick: () => showMemories(into, page.next_cursor) }, "Older memories"));
    if (!into.childElementCount) into.append(element("p", { class: "hint" }, "None. Agents with a memory keep here what holds beyond a session."));
  } catch (problem) {
    into.append(element("p", { class: "hint" }, `They could not be read: ${problem.message}`));
  }
}

function memory({ memory_id, content, updated_at }) {
  const when = element("time", { datetime: updated_at, title: moment(updated_at) }, ago(updated_at));
  const forget = element("button", { class: "quiet", "aria-label": `Forget: ${content}`, onclick: () => confirmForget(memory_id, content, made) }, "Forget");
  const made = element("div", { class: "memory" }, element("p", {}, content), element("footer", {}, when, forget));
  return made;
}

async function confirmForget(id, content, made) {
  if (!(await ask({ title: "Forget this?", text: `“${content}”`, keep: "Keep it", act: "Forget it", danger: true }))) return;
  try {
    await remove(path("memories", id));
    made.remove();
  } catch (problem) {
    toast(`It was not forgotten: ${problem.message}`);
  }
}
