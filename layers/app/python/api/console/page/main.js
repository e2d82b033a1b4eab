// Puts the page together: which conversation is shown, and what keys and buttons do.

import { authorization, signedIn } from "./sign_in.js";
import { path, read, readPages, remove } from "./api.js";
import { Conversation } from "./conversation.js";
import { curlCommand } from "./curl.js";
import { showDetails } from "./details.js";
import { announce, byId, copy, element, toast } from "./elements.js";
import { problemCard } from "./problems.js";
import { hashOf, sessionInAddress, SessionList } from "./sessions.js";
import { counted, tellTimesAnew } from "./times.js";
import { welcome } from "./welcome.js";

const thread = byId("thread");
const prompt = byId("prompt");
const narrow = matchMedia("(max-width: 52rem)"); // as in layout.css
const unsettled = new Map(); // conversations to come back to: their turn goes on, or failed and is not dealt with
let sessions;
let current;

function show(conversation) {
  current = conversation;
  sessions.current = conversation.sessionId;
  thread.replaceChildren(conversation.element);
  refresh();
  closePanel("sessions");
}

function openAddress() {
  const sessionId = sessionInAddress();
  if (current && sessionId === current.sessionId && sessionId) return;
  const left = unsettled.get(sessionId);
  if (left) {
    show(left);
    return left.toEnd();
  }
  const conversation = watched(new Conversation(sessionId, thread));
  show(conversation);
  if (sessionId) conversation.open();
  else conversation.element.prepend(welcome((text) => send(text)));
  focusField();
}

/** Where one writes next; not on a phone, whose keyboard would come up. */
function focusField() {
  if (!matchMedia("(hover: hover)").matches) return;
  (prompt.disabled ? thread.querySelector(".interrupt textarea") : prompt)?.focus();
}

function watched(conversation) {
  const whenShown = (act) => () => conversation === current && act();
  conversation.addEventListener("named", ({ detail }) => {
    sessions.begin(conversation.sessionId, detail);
    unsettled.set(conversation.sessionId, conversation);
    if (conversation === current) history.replaceState(null, "", hashOf(conversation.sessionId));
    if (conversation === current) sessions.current = conversation.sessionId;
    whenShown(refresh)();
  });
  conversation.addEventListener("turned", () => {
    if (conversation.unsettled && conversation.sessionId) unsettled.set(conversation.sessionId, conversation);
    else unsettled.delete(conversation.sessionId);
    if (conversation === current) refresh();
  });
  conversation.addEventListener("changed", whenShown(refresh));
  conversation.addEventListener("ended", async () => {
    await sessions.refresh();
    if (conversation === current) refresh();
  });
  conversation.addEventListener("edit", ({ detail }) => {
    prompt.value = detail;
    prompt.focus();
  });
  return conversation;
}

function refresh() {
  const session = sessions.get(current.sessionId);
  byId("title").textContent = session?.preview || current.sessionId || "New session";
  document.title = `${byId("title").textContent} · Agent sessions`;
  byId("send").hidden = current.running;
  byId("send").disabled = current.waiting;
  byId("stop").hidden = !current.running;
  byId("stop").disabled = current.stopping;
  byId("stop").textContent = current.stopping ? "Stopping…" : "Stop";
  const passes = prompt.disabled !== current.waiting && [prompt, document.body].includes(document.activeElement);
  prompt.disabled = current.waiting;
  if (passes) focusField(); // from the message to the agent's question, and back
  prompt.placeholder = current.waiting ? "Answer the agent’s question first" : "Write a message";
  for (const id of ["copy-id", "export", "delete"]) byId(id).disabled = !current.sessionId;
  if (!byId("details").hidden) showDetails(current, session);
}

async function send(text) {
  if (!text.trim() || current.running || current.waiting) return;
  prompt.value = "";
  focusField();
  current.element.querySelector(".welcome")?.remove();
  await current.send(text);
}

function togglePanel(id, open) {
  const panel = byId(id);
  document.body.classList.toggle(`with-${id}`, open);
  if (id === "details") panel.hidden = !open;
  coverConversation();
  byId(`open-${id}`).setAttribute("aria-expanded", open);
  if (open) byId(`close-${id}`).focus();
  refresh();
}

const isOpen = (id) => document.body.classList.contains(`with-${id}`);

/** On a phone a panel lies over the conversation: meanwhile neither fingers nor keys reach more of it than its title. */
function coverConversation() {
  const covered = narrow.matches && (isOpen("sessions") || isOpen("details"));
  for (const part of document.querySelectorAll("main > :not(header), main > header > button")) part.inert = covered;
}

function closePanel(id) {
  if (!isOpen(id)) return;
  togglePanel(id, false);
  byId(`open-${id}`).focus();
}

async function confirmDelete() {
  const { sessionId } = current;
  const count = sessions.get(sessionId)?.message_count ?? current.agent?.message_count ?? 0;
  byId("confirm-text").textContent = `“${byId("title").textContent}” with ${counted(count, "message")}. Nobody can bring it back; export it first if in doubt.`;
  const dialog = byId("confirm-delete");
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  if (dialog.returnValue !== "delete") return;
  try {
    await remove(path("sessions", sessionId));
    sessions.forget(sessionId);
    if (current.sessionId === sessionId) location.hash = "";
    toast("The session is deleted.");
  } catch (problem) {
    toast(`It was not deleted: ${problem.message}`);
  }
}

async function saveExport() {
  try {
    const text = await readPages(`${path("sessions", current.sessionId)}/export`);
    const url = URL.createObjectURL(new Blob([text], { type: "application/jsonl" }));
    element("a", { href: url, download: `${current.sessionId}.jsonl` }).click();
    URL.revokeObjectURL(url);
  } catch (problem) {
    toast(`It could not be exported: ${problem.message}`);
  }
}

/** The last message again. */
function copyCurl() {
  const said = [...thread.querySelectorAll(".said")].at(-1)?.textContent ?? "Hello";
  copy(curlCommand(said, current.sessionId, Boolean(authorization().Authorization)), "Command");
}

function fromMenu(id, act) {
  byId(id).addEventListener("click", () => {
    byId("menu").hidePopover();
    act();
  });
}

function listen() {
  addEventListener("hashchange", openAddress);
  thread.addEventListener("scroll", () => current.follows());
  for (const type of ["click", "submit"]) {
    // A button or a form that is gone once it was used would leave the keyboard nowhere.
    thread.addEventListener(type, ({ target }) => target.isConnected || focusField());
  }
  document.addEventListener("visibilitychange", () => document.hidden || sessions.refresh());
  setInterval(tellTimesAnew, 60_000);
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address names the session
    focusField();
  });
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    send(prompt.value);
  });
  prompt.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send(prompt.value);
  });
  byId("stop").addEventListener("click", () => {
    current.stop();
    announce("Stopping.");
  });
  byId("new-session").addEventListener("click", (event) => {
    event.preventDefault();
    newSession();
  });
  byId("session-list").addEventListener("click", () => closePanel("sessions"));
  document.body.addEventListener("click", ({ target }) => {
    const beside = narrow.matches && target.matches("body, main, main > header, #title");
    if (beside) ["sessions", "details"].forEach(closePanel);
  });
  narrow.addEventListener("change", coverConversation);
  for (const id of ["sessions", "details"]) {
    byId(`open-${id}`).addEventListener("click", () => togglePanel(id, !isOpen(id)));
    byId(`close-${id}`).addEventListener("click", () => closePanel(id));
  }
  fromMenu("copy-curl", copyCurl);
  fromMenu("copy-id", () => copy(current.sessionId, "Session id"));
  fromMenu("export", saveExport);
  fromMenu("delete", confirmDelete);
  addEventListener("keydown", shortcut);
}

function newSession() {
  current = null;
  if (location.hash) history.pushState(null, "", "#");
  openAddress();
}

function shortcut(event) {
  const { key, code, altKey, ctrlKey, metaKey } = event;
  const shortcuts = [
    [(ctrlKey || metaKey) && code === "KeyK", search],
    [altKey && code === "KeyN", newSession],
    [altKey && key === "ArrowDown", () => move(1)],
    [altKey && key === "ArrowUp", () => move(-1)],
    [key === "Escape" && isOpen("sessions"), () => closePanel("sessions")],
    [key === "Escape" && isOpen("details"), () => closePanel("details")],
  ];
  const act = shortcuts.find(([meant]) => meant)?.[1];
  if (!act || byId("confirm-delete").open || byId("menu").matches(":popover-open")) return;
  event.preventDefault();
  act();
}

function search() {
  if (narrow.matches) togglePanel("sessions", true);
  else if (!byId("search").checkVisibility()) closePanel("details"); // where the width is for one of them
  byId("search").select();
}

function move(steps) {
  const sessionId = sessions.neighbour(steps);
  if (sessionId) location.hash = hashOf(sessionId);
}

async function start() {
  const { sign_in } = await read("console/config.json");
  if (!(await signedIn(sign_in))) return;
  sessions = new SessionList();
  listen();
  openAddress();
  await sessions.refresh();
  refresh();
}

start().catch((problem) => thread.replaceChildren(problemCard(problem, { "Try again": () => location.reload() })));
