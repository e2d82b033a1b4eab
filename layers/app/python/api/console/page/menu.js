// What one does with a whole session: name it, copy, export, delete.

import { authorization } from "./sign_in.js";
import { patch, path, readPages, remove } from "./api.js";
import { curlCommand } from "./curl.js";
import { ask } from "./dialogs.js";
import { byId, copy, element, saveFile, toast } from "./elements.js";
import { titleOf } from "./sessions.js";
import { dumpTags, mergePatch, parseTags } from "./tags.js";
import { counted } from "./times.js";

/** `current()` is the conversation that is shown; `sessions` knows its session, and hears what became of it. */
export function listenToMenu(current, sessions) {
  const actions = {
    "copy-curl": () => copyCurl(current()),
    describe: () => describe(current().sessionId, sessions),
    "copy-id": () => copy(current().sessionId, "Session id"),
    export: () => saveExport(current().sessionId),
    delete: () => confirmDelete(current().sessionId, sessions),
  };
  for (const [id, act] of Object.entries(actions)) {
    byId(id).addEventListener("click", () => {
      byId("menu").hidePopover();
      act();
    });
  }
}

/** The last message again. */
function copyCurl({ element: conversation, sessionId }) {
  const said = [...conversation.querySelectorAll(".said")].at(-1)?.textContent ?? "Hello";
  copy(curlCommand(said, sessionId, Boolean(authorization().Authorization)), "Command");
}

export async function describe(sessionId, sessions) {
  const { title, metadata } = await sessions.read(sessionId);
  const given = await ask({ title: "Name and tags", fields: fieldsOf(title, metadata), act: "Save" });
  if (!given) return;
  const changes = mergePatch({ title, metadata }, given.get("title").trim() || null, parseTags(given.get("tags"), metadata));
  if (!changes) return;
  try {
    sessions.put(await patch(path("sessions", sessionId), changes));
    toast("Saved.");
  } catch (problem) {
    toast(`It was not saved: ${problem.message}`);
  }
}

const fieldsOf = (title, metadata) => [
  element("label", {}, "Title", element("input", { name: "title", value: title ?? "", maxlength: "200", autofocus: true, autocomplete: "off" })),
  element(
    "label",
    {},
    "Tags, one a line",
    element("textarea", { name: "tags", rows: "3", placeholder: "project: rome", spellcheck: "false" }, dumpTags(metadata)),
  ),
];

async function confirmDelete(sessionId, sessions) {
  const session = await sessions.read(sessionId);
  const text = `“${titleOf(session)}” with ${counted(session.message_count, "message")}. Nobody can bring it back; export it first if in doubt.`;
  if (!(await ask({ title: "Delete this session?", text, keep: "Keep it", act: "Delete for good", danger: true }))) return;
  try {
    await remove(path("sessions", sessionId));
    sessions.forget(sessionId);
    toast("The session is deleted.");
  } catch (problem) {
    toast(`It was not deleted: ${problem.message}`);
  }
}

async function saveExport(sessionId) {
  try {
    const text = await readPages(`${path("sessions", sessionId)}/export`);
    saveFile(new Blob([text], { type: "application/jsonl" }), `${sessionId}.jsonl`);
  } catch (problem) {
    toast(`It could not be exported: ${problem.message}`);
  }
}
