// Beside the conversation: what its runs did, what they used, and what the agent keeps.

import { byId, element, idButton } from "./elements.js";
import { showMemories } from "./memories.js";
import { counted, moment } from "./times.js";
import { showRuns } from "./waterfall.js";

export function showDetails(conversation, session) {
  byId("detail-sections").replaceChildren(
    section("What happened", runs),
    ...(conversation.runs.length > 1 ? [section("Tokens", tokens(conversation.runs))] : []),
    section("Agent’s state", state(conversation.agent)),
    section("Session", facts(conversation, session)),
    section("What agents remember about you", memories),
  );
}

const memories = element("div", { class: "memories" });

/** Read when one opens the details, and not with each answer. */
export function readMemories() {
  memories.replaceChildren();
  showMemories(memories);
}

const runs = element("div", { class: "runs" });

/** Read when one opens the details, and once a run has ended. */
export const readRuns = (conversation) => showRuns(runs, conversation);

const section = (title, content) => element("section", {}, element("h3", {}, title), content);
const hint = (text) => element("p", { class: "hint" }, text);

const table = (rows) =>
  element("dl", {}, Object.entries(rows).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));

function tokens(runs) {
  const sum = (name) => runs.reduce((total, { usage }) => total + usage[name], 0).toLocaleString("en");
  const last = runs.at(-1).usage;
  const rows = { "Last answer": `${last.input_tokens.toLocaleString("en")} in · ${last.output_tokens.toLocaleString("en")} out` };
  return [table({ ...rows, [`This page’s ${counted(runs.length, "answer")}`]: `${sum("input_tokens")} in · ${sum("output_tokens")} out` })];
}

function state(agent) {
  if (!agent) return [hint("The agent has not answered here yet.")];
  if (agent.omitted_bytes) return [hint(`Too large to show: ${agent.omitted_bytes.toLocaleString("en")} bytes.`)];
  if (!Object.keys(agent.state ?? {}).length) return [hint("Empty: no tool has kept anything.")];
  return [element("pre", { tabindex: "0", "aria-label": "Agent’s state" }, JSON.stringify(agent.state, null, 2))];
}

function facts({ sessionId, agent }, session) {
  if (!sessionId) return [hint("It begins with your first message.")];
  const rows = { Id: idButton(sessionId, "session id") };
  if (session) Object.assign(rows, { Began: moment(session.created_at), "Last active": moment(session.updated_at) });
  if (agent) rows.Messages = agent.message_count.toLocaleString("en");
  return [table(rows)];
}
