// Situations that `useChat` of Vercel's AI SDK meets: `node chat.mjs URL GATE RESTARTED`, as for ag_ui.mjs.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

import { AbstractChat, DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses,
  lastAssistantMessageIsCompleteWithToolCalls, readUIMessageStream } from "ai";
import { EventSourceParserStream } from "eventsource-parser/stream";

import { meet } from "./meet.mjs";
import { upload } from "./upload.mjs";

const [url, gate, restarted] = process.argv.slice(2);
const CONFIRM = { name: "confirm", description: "Ask the user.", parameters: { type: "object", properties: {} } };
const lines = (...script) => script.join("\n");

class State {
  status = "ready";
  error = undefined;
  messages = [];
  pushMessage = (message) => void this.messages.push(message);
  popMessage = () => void this.messages.pop();
  replaceMessage = (index, message) => void (this.messages[index] = this.snapshot(message));
  snapshot = (value) => structuredClone(value);
}

class Chat extends AbstractChat {
  constructor({ id = randomUUID(), body, ...more } = {}) {
    super({ id, state: new State(), transport: new DefaultChatTransport({ api: `${url}/chat`, body }), ...more });
  }
}

const kinds = (message) => message.parts.map((part) => part.type);
const texts = (message) => message.parts.filter((part) => part.type === "text").map((part) => part.text);
const tool = (message) => message.parts.findLast((part) => part.toolCallId);
const stored = async (chat) => (await (await fetch(`${url}/sessions/${chat.id}/ui-messages`)).json()).messages;
const idle = async (chat) => {
  while (["submitted", "streaming"].includes(chat.status)) await new Promise((resolve) => setTimeout(resolve, 5));
};
// What the client alone knows of a part.
const lasting = (messages) => messages.map(({ id, role, parts }) => ({ id, role, parts: parts.map((part) => {
  const { providerMetadata, toolMetadata, title, rawInput, ...rest } = JSON.parse(JSON.stringify(part));
  return rest;
}) }));

await meet({
  async "an answer is spoken, stored and shown again"() {
    const chat = new Chat();
    await chat.sendMessage({ text: "say: Hello there" });
    assert.equal(chat.error, undefined);
    assert.deepEqual(texts(chat.lastMessage), ["Hello there"]);
    assert.ok(chat.lastMessage.metadata.runId);
    assert.deepEqual(lasting(await stored(chat)), lasting(chat.messages));
    await chat.sendMessage({ text: "echo-history" });
    assert.deepEqual(texts(chat.lastMessage), ["2: say: Hello there | echo-history"]);
  },
  async "the frames are those of the protocol"() {
    const body = { id: randomUUID(), messages: [{ id: "m", role: "user", parts: [{ type: "text", text: "say: hi" }] }] };
    const response = await fetch(`${url}/chat`, { method: "POST", body: JSON.stringify(body),
      headers: { "content-type": "application/json" } });
    assert.equal(response.headers.get("x-vercel-ai-ui-message-stream"), "v1");
    const data = [];
    const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    for await (const event of events) data.push(event.data);
    assert.equal(data.pop(), "[DONE]");
    assert.deepEqual(data.map((text) => JSON.parse(text).type), ["start", "start-step", "text-start", "text-delta",
      "text-end", "finish-step", "finish"]);
  },
  async "tools, text around them and reasoning are parts of one message"() {
    const chat = new Chat();
    await chat.sendMessage({ text: lines("reason: one", "say: before", 'tool: calculator {"expression": "1+1"}',
      'tool: calculator {"expression": "2+2"}', "then", "say: done") });
    assert.deepEqual(kinds(chat.lastMessage),
      ["step-start", "reasoning", "text", "tool-calculator", "tool-calculator", "step-start", "text"]);
    assert.deepEqual(chat.lastMessage.parts.filter((part) => part.toolCallId).map((part) => [part.input, part.output]),
      [[{ expression: "1+1" }, "2"], [{ expression: "2+2" }, "4"]]);
    assert.deepEqual(lasting(await stored(chat)), lasting(chat.messages));
  },
  async "a tool that fails shows its error"() {
    const chat = new Chat();
    await chat.sendMessage({ text: lines('tool: calculator {"expression": "1/0"}', "then", "say: cannot") });
    assert.equal(tool(chat.lastMessage).state, "output-error");
    assert.match(tool(chat.lastMessage).errorText, /division by zero/);
  },
  async "an approval lets the agent go on"() {
    for (const [approved, result] of [[true, "kept"], [false, "kept"]]) {
      const chat = new Chat({ sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses });
      await chat.sendMessage({ text: 'tool: delete_file {"name": "a.txt"}' });
      const { state, approval } = tool(chat.lastMessage);
      assert.deepEqual([state, approval.descriptor], ["approval-requested", { name: "approval", reason: { file: "a.txt" } }]);
      assert.deepEqual(lasting(await stored(chat)), lasting(chat.messages));
      await chat.addToolApprovalResponse({ id: approval.id, approved });
      await idle(chat);
      assert.equal(chat.error, undefined);
      assert.equal(chat.messages.length, 2);
      assert.equal(tool(chat.lastMessage).output, result); // that tool takes "yes" alone for a yes
      assert.deepEqual(texts(chat.lastMessage), [`Result: ${result}`]);
    }
  },
  async "a tool of the client's ends the run, and its output goes on with it"() {
    const chat = new Chat({ body: { tools: [CONFIRM] }, sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
      onToolCall: ({ toolCall }) => void chat.addToolOutput({ tool: "confirm", toolCallId: toolCall.toolCallId,
        output: { confirmed: true } }) });
    await chat.sendMessage({ text: 'tool: confirm {"what": "it"}' });
    await idle(chat);
    assert.equal(chat.error, undefined);
    assert.deepEqual(texts(chat.lastMessage), ['Result: {"confirmed": true}']);
    assert.equal(chat.messages.length, 2);
  },
  async "a run that fails says so, and the chat goes on"() {
    const chat = new Chat();
    await chat.sendMessage({ text: lines("say: so far", "fail: secret words") });
    assert.match(chat.error.message, /model/);
    assert.doesNotMatch(chat.error.message, /secret/);
    await chat.sendMessage({ text: "say: again" });
    assert.deepEqual(texts(chat.lastMessage), ["again"]);
  },
  async "a run that is stopped frees its chat for the next message"() {
    const chat = new Chat();
    const sent = chat.sendMessage({ text: lines("say: one", `wait-for: ${gate}`, "say: two") });
    while (!(chat.lastMessage?.role === "assistant" && texts(chat.lastMessage)[0])) await new Promise(setImmediate);
    await chat.stop();
    await sent;
    await chat.sendMessage({ text: "say: what I meant" });
    assert.deepEqual(texts(chat.lastMessage), ["what I meant"]);
  },
  async "a stream that was lost is found again"() {
    const chat = new Chat();
    void chat.sendMessage({ text: lines("say: one", `wait-for: ${gate}`, "say: two") });
    while (!(chat.lastMessage?.role === "assistant" && texts(chat.lastMessage)[0])) await new Promise(setImmediate);
    const again = new Chat({ id: chat.id });
    const resumed = again.resumeStream();
    while (!(again.lastMessage && texts(again.lastMessage)[0])) await new Promise((resolve) => setTimeout(resolve, 20));
    writeFileSync(gate, "");
    await resumed;
    assert.deepEqual(texts(again.lastMessage), ["onetwo"]);
    await idle(chat);
    assert.equal(again.lastMessage.id, chat.lastMessage.id);
    const nobody = new Chat();
    await nobody.resumeStream();
    assert.deepEqual([nobody.messages, nobody.error], [[], undefined]);
  },
  async "an answer that started over is shown once"() {
    const transport = new DefaultChatTransport({ fetch: async () => new Response(readFileSync(restarted)) });
    const stream = await transport.sendMessages({ chatId: "c", messages: [], trigger: "submit-message" });
    let shown;
    for await (const message of readUIMessageStream({ stream })) shown = message;
    assert.deepEqual([kinds(shown), texts(shown)], [["step-start", "text"], ["a whole answer"]]);
  },
  async "an answer is made again, and a question asked in other words"() {
    const chat = new Chat();
    await chat.sendMessage({ text: "say: one" });
    await chat.sendMessage({ text: "echo-history" });
    const [, , { id: question }] = chat.messages;
    await chat.regenerate();
    assert.equal(chat.error, undefined);
    assert.deepEqual(texts(chat.lastMessage), ["2: say: one | echo-history"]);
    assert.deepEqual(lasting(await stored(chat)), lasting(chat.messages));
    await chat.sendMessage({ text: "say: in other words", messageId: question });
    assert.deepEqual(chat.messages.map((each) => texts(each)[0]), ["say: one", "one", "say: in other words", "in other words"]);
    assert.deepEqual(lasting(await stored(chat)), lasting(chat.messages));
  },
  async "a picture is part of a prompt"() {
    const chat = new Chat();
    const png = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    const parts = [{ type: "text", text: "say: I see" }, { type: "file", mediaType: "image/png", url: png }];
    await chat.sendMessage({ parts });
    assert.equal(chat.error, undefined);
    const [{ parts: kept }] = await stored(chat);
    assert.deepEqual([kept[0].text, kept[1].mediaType], ["say: I see", "image/png"]);
  },
  async "a file that was uploaded is part of a prompt"() {
    const chat = new Chat();
    const shown = URL.createObjectURL(new Blob());
    const file = { type: "file", mediaType: "image/gif", url: shown,
      providerReference: { "session-store": await upload(url, chat.id) } };
    await chat.sendMessage({ parts: [{ type: "text", text: "say: I see" }, file] });
    assert.equal(chat.error, undefined);
    const [{ parts: kept }] = await stored(chat);
    assert.match(kept[1].url, /^\/sessions\//);
  },
  async "a refusal names the field"() {
    const chat = new Chat();
    await chat.sendMessage({ parts: [{ type: "file", mediaType: "image/png", url: "https://example.com/a.png" }] });
    assert.match(chat.error.message, /messages\[0\]\.parts\[0\]/);
  },
});
