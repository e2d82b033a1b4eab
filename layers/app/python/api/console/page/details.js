// Beside the conversation: how the last answer came about, what it used, and what the agent keeps.

import { byId, element, idButton } from "./elements.js";
import { showMemories } from "./memories.js";
import { counted, duration, moment } from "./times.js";

export function showDetails(conversation, session) {
  const run = conversation.runs.at(-1);
  byId("detail-sections").replaceChildren(
    section("Last answer", run ? timing(run) : [hint("Shown for answers that this page has seen come in.")]),
    section("Tokens", run ? tokens(conversation.runs) : [hint("Shown for answers that this page has seen come in.")]),
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

const section = (title, content) => element("section", {}, element("h3", {}, title), content);
const hint = (text) => element("p", { class: "hint" }, text);

/** The names of `keys` have the color of their part of the bar. */
const table = (rows, keys = {}) =>
  element("dl", {}, Object.entries(rows).flatMap(([name, value]) => [element("dt", { class: keys[name] }, name), element("dd", {}, value)]));

function timing({ timings, run_id }) {
  const parts = { restore: timings.restore_ms, thinking: timings.first_token_ms, answering: timings.total_ms - timings.first_token_ms };
  const bar = element("div", { class: "bar", "aria-hidden": "true" });
  for (const [name, milliseconds] of Object.entries(parts)) {
    const piece = element("span", { class: name });
    piece.style.flexGrow = Math.max(milliseconds, 0);
    bar.append(piece);
  }
  return [
    bar,
    table(
      {
        Restore: duration(timings.restore_ms),
        "First token": duration(timings.first_token_ms),
        Total: duration(timings.total_ms),
        "Database round trips": String(timings.round_trips),
        Run: idButton(run_id, "run id"),
      },
      { Restore: "restore", "First token": "thinking", Total: "answering" },
    ),
  ];
}

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
