// Puts the page together: which conversation is shown, and what keys and buttons do.

import { signedIn } from "./sign_in.js";
import { hashOf, readAddress } from "./address.js";
import { showCallers } from "./callers.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { readMemories, readRuns, showDetails } from "./details.js";
import { announce, byId } from "./elements.js";
import { listenToEdits } from "./history_edits.js";
import { listenToMenu } from "./menu.js";
import { closePanel, isOpen, listenToPanels, narrow, togglePanel } from "./panels.js";
import { problemCard } from "./problems.js";
import { SessionList, titleOf } from "./sessions.js";
import { settings } from "./settings.js";
import { listenForTheme } from "./theme.js";
import { updateTimes } from "./times.js";
import { welcome } from "./welcome.js";

const thread = byId("thread");
const prompt = byId("prompt");
const unsettled = new Map(); // conversations to come back to: their turn goes on, or failed and is not dealt with
let sessions;
let composer;
let current;

function show(conversation) {
  current = conversation;
  sessions.current = conversation.sessionId;
  thread.replaceChildren(conversation.element);
  composer.rewind(null);
  composer.files.belongTo(conversation);
  if (isOpen("details")) readRuns(conversation);
  closePanel("sessions");
}

/** A message that was sent to no session yet is offered again where the page has just been loaded. */
async function openAddress({ isLoad = false } = {}) {
  const { sessionId, messageId } = readAddress();
  if (current && sessionId === current.sessionId && sessionId) return messageId !== null && current.reveal(messageId);
  const left = unsettled.get(sessionId);
  if (left) {
    show(left);
    return left.toEnd();
  }
  const conversation = watched(new Conversation(sessionId, thread));
  show(conversation);
  focusField();
  if (sessionId || isLoad) await conversation.open(messageId);
}

/** Where one writes next; not on a phone, whose keyboard would come up. */
function focusField() {
  if (!matchMedia("(hover: hover)").matches) return;
  (prompt.disabled ? thread.querySelector(".interrupt textarea") : prompt)?.focus();
}

function watched(conversation) {
  const whenShown = (act) => (event) => conversation === current && act(event);
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
    if (conversation === current && isOpen("details")) readRuns(conversation);
    await sessions.refresh();
    if (conversation === current) refresh();
  });
  conversation.addEventListener("edit", whenShown(({ detail }) => composer.restore(detail)));
  return conversation;
}

function refresh() {
  const session = sessions.get(current.sessionId);
  const waits = current.waiting && composer.fromMessageId === null;
  byId("title").textContent = session ? titleOf(session) : (current.sessionId ?? "New session");
  document.title = `${byId("title").textContent} · Agent sessions`;
  byId("send").hidden = current.running;
  byId("send").disabled = waits;
  byId("stop").hidden = !current.running;
  byId("stop").disabled = current.stopping;
  byId("stop").textContent = current.stopping ? "Stopping…" : "Stop";
  const passes = prompt.disabled !== waits && [prompt, document.body].includes(document.activeElement);
  prompt.disabled = waits;
  if (passes) focusField(); // from the message to the agent's question, and back
  prompt.placeholder = waits ? "Answer the agent’s question first" : "Write a message";
  for (const id of ["copy-id", "describe", "export", "delete"]) byId(id).disabled = !current.sessionId;
  current.history.mark(composer.fromMessageId);
  showWelcome();
  if (!byId("details").hidden) showDetails(current, session);
}

function showWelcome() {
  const shown = current.element.querySelector(".welcome");
  const isNew = !current.sessionId && current.isBlank;
  if (shown && !isNew) shown.remove();
  if (!shown && isNew) current.element.prepend(welcome((text) => composer.write(text)));
}

/** Whether the message is on its way. */
function send({ prompt: asked, fromMessageId = null }) {
  const isEmpty = typeof asked === "string" && !asked.trim();
  if (isEmpty || current.running || (current.waiting && fromMessageId === null)) return false;
  focusField();
  current.send(asked, fromMessageId);
  return true;
}

function listen() {
  addEventListener("hashchange", openAddress);
  thread.addEventListener("scroll", () => current.follows());
  for (const type of ["click", "submit"]) {
    // A button or a form that is gone once it was used would leave the keyboard nowhere.
    thread.addEventListener(type, ({ target }) => target.isConnected || focusField());
  }
  document.addEventListener("visibilitychange", () => document.hidden || sessions.refresh());
  setInterval(updateTimes, 60_000);
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault(); // the address names the session
    focusField();
  });
  byId("stop").addEventListener("click", () => {
    current.stop();
    announce("Stopping.");
  });
  byId("new-session").addEventListener("click", (event) => {
    event.preventDefault();
    newSession();
  });
  byId("session-scroll").addEventListener("click", ({ target }) => target.closest("a") && closePanel("sessions"));
  for (const id of ["sessions", "details"]) byId(id).addEventListener("toggled", refresh);
  byId("details").addEventListener("toggled", () => isOpen("details") && (readMemories(), readRuns(current)));
  listenToPanels();
  listenToMenu(() => current, sessions);
  listenToEdits(thread, () => current, composer, sessions);
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
    [key === "Escape" && composer.fromMessageId !== null, () => composer.clear()],
  ];
  const act = shortcuts.find(([meant]) => meant)?.[1];
  if (!act || document.querySelector("dialog[open], :popover-open")) return;
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
  listenForTheme();
  showCallers();
  if (!(await signedIn(settings.sign_in))) return;
  sessions = new SessionList((forgotten) => {
    if (forgotten === current.sessionId) location.hash = "";
    else refresh();
  });
  composer = new Composer(send, () => refresh());
  listen();
  openAddress({ isLoad: true });
  await sessions.refresh();
  refresh();
}

start().catch((problem) => thread.replaceChildren(problemCard(problem, { "Try again": () => location.reload() })));
