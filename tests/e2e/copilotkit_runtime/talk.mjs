// CopilotKit's runtime between a page and the service: `node talk.mjs URL`.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { HttpAgent } from "@ag-ui/client";
import { CopilotRuntime, createCopilotRuntimeHandler } from "@copilotkit/runtime/v2";

const [url] = process.argv.slice(2);
const runtime = new CopilotRuntime({ agents: { default: new HttpAgent({ url: `${url}/ag-ui` }) } });
const handle = createCopilotRuntimeHandler({ runtime, basePath: "/copilotkit" });
const RUNTIME = "http://runtime.example";
const ownFetch = globalThis.fetch;
globalThis.fetch = (address, options) =>
  String(address).startsWith(RUNTIME) ? handle(new Request(address, options)) : ownFetch(address, options);

const page = new HttpAgent({ url: `${RUNTIME}/copilotkit/agent/default/run`, threadId: randomUUID() });
const tools = [{ name: "paint", description: "Paint the page.", parameters: { type: "object", properties: {} } }];
const context = [{ description: "The user's language", value: "en" }];

async function ask(message) {
  page.addMessage({ id: randomUUID(), ...message });
  const failures = [];
  await page.runAgent({ tools, context }, { onRunErrorEvent: ({ event }) => void failures.push(event.message) });
  assert.deepEqual(failures, []);
  return page.messages.at(-1);
}

assert.equal((await ask({ role: "user", content: "say: Hello" })).content, "Hello");
assert.equal((await ask({ role: "user", content: "echo-history" })).content, "2: say: Hello | echo-history");
const [call] = (await ask({ role: "user", content: 'tool: paint {"color": "red"}' })).toolCalls;
const painted = await ask({ role: "tool", toolCallId: call.id, content: "It is red." });
assert.equal(painted.content, "Result: It is red.");

const history = await (await ownFetch(`${url}/sessions/${page.threadId}/ui-messages`)).json();
assert.deepEqual(history.messages.map((each) => each.role), ["user", "assistant", "user", "assistant", "user", "assistant"]);
process.exit(0); // the runtime keeps its threads
