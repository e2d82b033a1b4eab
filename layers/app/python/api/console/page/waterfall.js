// What a run did, as bars on one scale: begun where it began, as long as it took.

import { path, read } from "./api.js";
import { element, idButton } from "./elements.js";
import { ago, counted, duration } from "./times.js";

const RUNS = 20;
const SLOW = 1 / 3; // of the whole run
const KINDS = { restore: "Database", flush: "Database", commit: "Database", model: "Model", tool: "Tool", node: "Node" };
const WORDS = { restore: "Restore", flush: "Write", commit: "Commit" };
const DOLLARS = new Intl.NumberFormat("en", { style: "currency", currency: "USD", maximumSignificantDigits: 3 });

let latest; // another session may be opened before what was asked about this one has come

/** Fills `into` with the session's runs, of which one can be chosen: the newest at first. */
export async function showRuns(into, conversation) {
  const own = (latest = Symbol());
  const shown = await runsOf(conversation).catch((problem) => [hint(`It could not be read: ${problem.message}`)]);
  if (own === latest) into.replaceChildren(...shown);
}

const hint = (text) => element("p", { class: "hint" }, text);

async function runsOf({ sessionId, history }) {
  const { runs } = sessionId ? await read(path("sessions", sessionId, "runs"), { limit: RUNS }) : { runs: [] };
  if (!runs.length) return storedCalls(history.lastCalls());
  const shown = element("div", {}, await traceOf(runs[0].run_id));
  const choose = async () => shown.replaceChildren(...(await traceOf(choice.value).catch((problem) => [hint(problem.message)])));
  const choice = element("select", { "aria-label": "Run", onchange: choose }, runs.map(option));
  return [choice, shown];
}

const option = ({ run_id, started_at, status }) =>
  element("option", { value: run_id }, [started_at && ago(started_at), status].filter(Boolean).join(" · "));

async function traceOf(runId) {
  const trace = await read(`${path("runs", runId)}/trace`);
  if (!trace.spans.length) return [hint("A run says what it did once it has ended."), figures(trace)];
  return [legend(trace.spans), waterfall(trace), figures(trace)];
}

function waterfall({ spans, total_ms, omitted }) {
  const rows = spans.map((span) => row(span, total_ms));
  if (omitted) rows.splice(Math.ceil(rows.length / 2), 0, element("li", { class: "hint" }, `${counted(omitted, "step")} not kept`));
  return element("ol", { class: "waterfall", "aria-label": "What the run did" }, rows);
}

function row(span, total) {
  const end = span.end_ms ?? total;
  const isSlow = span.kind !== "node" && end - span.start_ms >= total * SLOW;
  const name = [WORDS[span.kind] ?? span.name, isSlow && element("strong", {}, " slow")];
  const lasts = span.end_ms === null ? "not ended" : duration(end - span.start_ms);
  return element(
    "li",
    { "data-kind": span.kind, class: [isSlow && "slow", span.node && "inner", span.status === "error" && "failed"].filter(Boolean).join(" ") },
    element("span", { class: "name", title: span.node ? `${span.name}, in ${span.node}` : span.name }, name),
    element("span", { class: "lasts" }, lasts),
    bar(span, end, total),
    element("span", { class: "fine" }, fine(span)),
  );
}

function bar({ start_ms, first_token_ms }, end, total) {
  const share = (milliseconds) => `${(100 * milliseconds) / (total || 1)}%`;
  const drawn = element("span", { class: "length" });
  drawn.style.marginLeft = share(start_ms);
  drawn.style.width = share(end - start_ms);
  if (first_token_ms !== null) {
    const waits = element("span", { class: "waits" });
    waits.style.width = `${(100 * (first_token_ms - start_ms)) / (end - start_ms || 1)}%`;
    drawn.append(waits);
  }
  return element("span", { class: "track", "aria-hidden": "true" }, drawn);
}

function fine({ kind, start_ms, first_token_ms, input_tokens, output_tokens, status, cost_dollars }) {
  const waited = first_token_ms === null ? null : `first token after ${duration(first_token_ms - start_ms)}`;
  const ended = status === (kind === "tool" ? "success" : "end_turn") ? null : status?.replaceAll("_", " ");
  return [tokens(input_tokens, output_tokens), waited, ended, cost(cost_dollars)].filter(Boolean).join(" · ");
}

const cost = (dollars) => (dollars === null ? null : DOLLARS.format(dollars));

const tokens = (taken, made) =>
  taken === null && made === null ? null : `${(taken ?? 0).toLocaleString("en")} in · ${(made ?? 0).toLocaleString("en")} out`;

function legend(spans) {
  const kinds = [...new Set(spans.map(({ kind }) => kind))].filter((kind, place, all) => all.findIndex((other) => KINDS[other] === KINDS[kind]) === place);
  const keys = kinds.map((kind) => element("li", { "data-kind": kind }, KINDS[kind]));
  if (spans.some(({ first_token_ms }) => first_token_ms !== null)) keys.push(element("li", { "data-kind": "wait" }, "Until the first token"));
  return element("ul", { class: "legend" }, keys);
}

function figures({ run_id, total_ms, spans, cost_dollars }) {
  const models = spans.filter(({ kind }) => kind === "model");
  const sum = (name) => models.reduce((total, span) => total + (span[name] ?? 0), 0);
  const rows = {
    Total: total_ms === null ? null : duration(total_ms),
    Tokens: models.length ? tokens(sum("input_tokens"), sum("output_tokens")) : null,
    Cost: cost(cost_dollars),
    "Database round trips": spans.length ? String(spans.filter(({ kind }) => KINDS[kind] === "Database").length) : null,
    Run: idButton(run_id, "run id"),
  };
  const given = Object.entries(rows).filter(([, value]) => value !== null);
  return element("dl", {}, given.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

/** Runs are kept for a day, and messages for longer, with what their models took. */
function storedCalls(calls) {
  if (!calls.length) return [hint("Nothing has been answered here yet.")];
  let total_ms = 0;
  const spans = calls.map(({ usage, metrics }) => {
    const start_ms = total_ms;
    total_ms += metrics?.latencyMs ?? 0;
    const first_token_ms = metrics?.timeToFirstByteMs ? start_ms + metrics.timeToFirstByteMs : null;
    const counts = { input_tokens: usage?.inputTokens ?? null, output_tokens: usage?.outputTokens ?? null };
    return { kind: "model", name: "Model", node: null, start_ms, end_ms: total_ms, status: null, first_token_ms, ...counts, cost_dollars: null };
  });
  return [hint("The run itself is no longer kept; its messages are."), waterfall({ spans, total_ms, omitted: 0 })];
}
