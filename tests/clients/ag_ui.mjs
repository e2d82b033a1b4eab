// Situations that AG-UI's own client meets: `node ag_ui.mjs CLIENT URL GATE RESTARTED` prints one line of JSON for each.
// CLIENT: the package. GATE: a file for which the scripted model waits. RESTARTED: a file with the frames of a stream.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

import { meet } from "./meet.mjs";
import { upload } from "./upload.mjs";

const [client, url, gate, restarted] = process.argv.slice(2);
const { HttpAgent } = await import(client);
const CONFIRM = { name: "confirm", description: "Ask the user.", parameters: { type: "object", properties: {} } };

const agentOf = (threadId = randomUUID(), more = {}) => new HttpAgent({ url: `${url}/ag-ui`, threadId, ...more });
const user = (content) => ({ id: randomUUID(), role: "user", content });
const lines = (...script) => script.join("\n");

async function ask(agent, content, parameters) {
  if (content !== null) agent.addMessage(user(content));
  const events = [];
  let failure = null;
  const subscriber = {
    onEvent: ({ event }) => void events.push(event),
    onRunFailed: ({ error }) => void (failure = error),
  };
  const { newMessages } = await agent.runAgent(parameters, subscriber).catch((error) => {
    failure = error;
    return { newMessages: [] };
  });
  return { events, types: events.map((event) => event.type), newMessages, failure };
}

const spoken = ({ newMessages }) => newMessages.filter((each) => each.role === "assistant").map((each) => each.content);
const stored = async (agent) => {
  const response = await fetch(`${url}/sessions/${agent.threadId}/history`);
  return (await response.json()).messages.map((each) => each.message);
};

const situations = {
  async "an answer is spoken and stored"() {
    const agent = agentOf();
    const first = await ask(agent, "say: Hello there");
    assert.deepEqual(spoken(first), ["Hello there"]);
    assert.equal(first.events.at(-1).result.response, "Hello there");
    const second = await ask(agent, "echo-history");
    assert.deepEqual(spoken(second), ["2: say: Hello there | echo-history"]);
    assert.deepEqual((await stored(agent)).map((each) => each.tracking_id), agent.messages.map((each) => each.id));
  },
  async "the events bear the client's own ids"() {
    const agent = agentOf();
    const { events } = await ask(agent, "say: hi", { runId: "run of mine" });
    for (const event of [events[0], events.at(-1)])
      assert.deepEqual([event.threadId, event.runId], [agent.threadId, "run of mine"]);
  },
  async "tools of the agent's own run one after another, and text stands around them"() {
    const agent = agentOf();
    const script = lines("say: before", 'tool: calculator {"expression": "1+1"}',
      'tool: calculator {"expression": "2+2"}', "say: after", "then", "say: done");
    const { newMessages, failure } = await ask(agent, script);
    assert.equal(failure, null);
    assert.deepEqual(newMessages.map((each) => each.role), ["assistant", "tool", "tool", "assistant", "assistant"]);
    assert.deepEqual(newMessages[0].toolCalls.map((call) => call.function.arguments),
      ['{"expression": "1+1"}', '{"expression": "2+2"}']);
    assert.deepEqual(newMessages.map((each) => each.content), ["before", "2", "4", "after", "done"]);
    const shown = agentOf(agent.threadId);
    const snapshot = await ask(shown, null);
    assert.deepEqual(snapshot.types, ["RUN_STARTED", "STATE_SNAPSHOT", "MESSAGES_SNAPSHOT", "RUN_FINISHED"]);
    assert.deepEqual(shown.messages, agent.messages);
    assert.deepEqual(spoken(await ask(shown, "say: still here")), ["still here"]);
  },
  async "a thread that nobody has spoken in is empty"() {
    const agent = agentOf();
    assert.equal((await ask(agent, null)).failure, null);
    assert.deepEqual([agent.messages, agent.state], [[], {}]);
  },
  async "a tool of the client's ends the run, and its result goes on with it"() {
    const agent = agentOf();
    const script = lines('tool: confirm {"what": "it"}', 'tool: calculator {"expression": "3+4"}');
    const first = await ask(agent, script, { tools: [CONFIRM] });
    const finished = first.events.at(-1);
    const [call] = agent.messages.at(-1).toolCalls;
    assert.deepEqual([finished.type, finished.outcome?.type ?? "success"], ["RUN_FINISHED", "success"]);
    if (client === "@ag-ui/client") assert.deepEqual(finished.outcome.pendingToolCallIds, [call.id]);
    assert.equal(call.function.name, "confirm");
    agent.addMessage({ id: randomUUID(), role: "tool", toolCallId: call.id, content: "it is confirmed" });
    const second = await ask(agent, null, { tools: [CONFIRM] });
    assert.deepEqual(spoken(second), ["Result: 7 | it is confirmed"]);
    assert.deepEqual(second.newMessages.map((each) => each.role), ["tool", "assistant"]);
  },
  async "a user who goes on ends the call that was left"() {
    const agent = agentOf();
    await ask(agent, "tool: confirm {}", { tools: [CONFIRM] });
    const { newMessages, failure } = await ask(agent, "say: something else", { tools: [CONFIRM] });
    assert.equal(failure, null);
    assert.equal(newMessages.at(-1).content, "something else");
    assert.deepEqual(spoken(await ask(agent, "say: and more")), ["and more"]);
  },
  async "a question to a human is answered by resume"() {
    const agent = agentOf();
    const first = await ask(agent, 'tool: delete_file {"name": "a.txt"}');
    const { outcome } = first.events.at(-1);
    assert.equal(outcome.type, "interrupt");
    const [{ id, reason, metadata }] = outcome.interrupts;
    assert.deepEqual([reason, metadata], ["approval", { reason: { file: "a.txt" } }]);
    const shown = await ask(agentOf(agent.threadId), null);
    assert.deepEqual(shown.events.at(-1).outcome.interrupts.map((each) => each.id), [id]);
    const second = await ask(agent, null, { resume: [{ interruptId: id, status: "resolved", payload: "yes" }] });
    assert.deepEqual(spoken(second), ["Result: deleted a.txt"]);
    assert.deepEqual(agent.pendingInterrupts ?? [], []);
  },
  async "a question that a human dismisses is no approval"() {
    const agent = agentOf();
    const { events } = await ask(agent, 'tool: delete_file {"name": "a.txt"}');
    const { id } = events.at(-1).outcome.interrupts[0];
    const second = await ask(agent, null, { resume: [{ interruptId: id, status: "cancelled" }] });
    assert.deepEqual(spoken(second), ["Result: kept"]);
  },
  async "reasoning is a message of its own"() {
    const agent = agentOf();
    const { newMessages, failure } = await ask(agent, lines("reason: one two", "say: words"));
    assert.equal(failure, null);
    assert.deepEqual(newMessages.map((each) => [each.role, each.content]), [["reasoning", "hm hm "], ["assistant", "words"]]);
  },
  async "state is merged, shown, and changed by tools"() {
    const agent = agentOf(undefined, { initialState: { city: "Paris" } });
    const script = lines('tool: remember_note {"note": "nuts"}', "then", "say: noted");
    const { types } = await ask(agent, script);
    assert.deepEqual(agent.state, { city: "Paris", notes: ["nuts"] });
    assert.equal(types.filter((type) => type === "STATE_DELTA").length, 1);
    const shown = agentOf(agent.threadId);
    await ask(shown, null);
    assert.deepEqual(shown.state, agent.state);
  },
  async "context is read by the model and stored nowhere"() {
    const agent = agentOf();
    const context = [{ description: "The user's city", value: "Paris" }];
    const { newMessages } = await ask(agent, "what is it?", { context });
    assert.match(newMessages[0].content, /what is it\?[^]*The user's city: Paris/);
    assert.doesNotMatch(JSON.stringify((await stored(agent))[0]), /Paris/);
  },
  async "a run that fails says why, and the thread goes on"() {
    const agent = agentOf();
    const { events, failure } = await ask(agent, lines("say: so far", "fail: secret words"));
    assert.equal(events.at(-1)?.type ?? "RUN_ERROR", "RUN_ERROR");
    assert.doesNotMatch(JSON.stringify([events, `${failure}`]), /"[^"]*ModelFailedError[^"]*secret/);
    assert.deepEqual(spoken(await ask(agent, "say: again")), ["again"]);
  },
  async "a run that is aborted frees its thread for the next message"() {
    const agent = agentOf();
    agent.addMessage(user(lines("say: one", `wait-for: ${gate}`, "say: two")));
    const aborted = agent.runAgent({}, { onTextMessageContentEvent: () => agent.abortRun() });
    await aborted.catch(() => null);
    assert.ok(!existsSync(gate));
    const next = await ask(agent, "say: what I meant");
    assert.equal(next.newMessages.at(-1)?.content, "what I meant");
    writeFileSync(gate, "");
  },
  async "a stream that was lost is found again"() {
    const [threadId, opened] = [randomUUID(), `${gate} opened`];
    const initialMessages = [user(lines("say: one", `wait-for: ${opened}`, "say: two"))];
    const lost = agentOf(threadId, { initialMessages });
    await lost.runAgent({ runId: "lost" }, { onTextMessageContentEvent: () => lost.abortRun() }).catch(() => null);
    const found = agentOf(threadId, { initialMessages, headers: { "Last-Event-ID": "0" } });
    const asked = ask(found, null, { runId: "lost" });
    writeFileSync(opened, "");
    assert.deepEqual(spoken(await asked), ["onetwo"]);
  },
  async "an answer that started over is shown once"() {
    const replay = async () => new Response(readFileSync(restarted), { headers: { "content-type": "text/event-stream" } });
    const agent = agentOf("s", { fetch: replay });
    agent.fetch = replay;
    agent.requestInit = () => ({});
    if (client === "@ag-ui/client-0") globalThis.fetch = replay;
    agent.addMessage({ id: "asked", role: "user", content: "hello" });
    const { failure } = await ask(agent, null);
    assert.equal(failure, null);
    assert.deepEqual(agent.messages.map((each) => each.content), ["hello", "a whole answer"]);
  },
  async "a list that ends earlier takes the thread back to there"() {
    const agent = agentOf();
    await ask(agent, "say: one");
    await ask(agent, "say: two");
    agent.setMessages(agent.messages.slice(0, 2));
    const { newMessages, failure } = await ask(agent, "echo-history");
    assert.equal(failure, null);
    assert.deepEqual(newMessages.map((each) => each.content), ["2: say: one | echo-history"]);
    const shown = agentOf(agent.threadId);
    await ask(shown, null);
    assert.deepEqual(shown.messages, agent.messages);
    agent.setMessages(agent.messages.slice(0, 3)); // the same question again
    await ask(agent, null);
    assert.equal((await stored(agent)).length, 4);
  },
  async "a picture is part of a prompt"() {
    const agent = agentOf();
    const value = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    const picture = { type: "image", source: { type: "data", value, mimeType: "image/png" } };
    const { failure } = await ask(agent, [{ type: "text", text: "say: I see" }, picture]);
    assert.equal(failure, null);
    assert.equal((await stored(agent))[0].content[1].image.source.bytes.media_type, "image/png");
    const shown = agentOf(agent.threadId);
    await ask(shown, null);
    const [{ text }, { source }] = shown.messages[0].content;
    assert.equal(text, "say: I see");
    const kept = await fetch(url + source.value, { headers: { accept: "image/png" } });
    assert.deepEqual([kept.status, kept.headers.get("content-type")], [200, "image/png"]);
  },
  async "a file that was uploaded is part of a prompt"() {
    const agent = agentOf();
    const id = await upload(url, agent.threadId);
    const file = client === "@ag-ui/client" ? { type: "image", source: { type: "file", value: id, mimeType: "image/gif" } }
      : { type: "binary", mimeType: "image/gif", id };
    const { failure } = await ask(agent, [{ type: "text", text: "say: I see" }, file]);
    assert.equal(failure, null);
    assert.equal((await stored(agent))[0].content[1].image.source.bytes.size_bytes, 38);
  },
  async "a refusal names the field as AG-UI does"() {
    const agent = agentOf();
    const { failure } = await ask(agent, [{ type: "image", source: { type: "url", value: "https://example.com/a.png" } }]);
    assert.match(`${failure}`, /messages\[0\]\.content\[0\]/);
  },
};

await meet(situations);
