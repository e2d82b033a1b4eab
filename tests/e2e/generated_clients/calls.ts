// Every operation by the client of openapi-typescript: `node calls.ts URL` prints each request as it is made.
import createClient from "openapi-fetch";

import type { components, paths } from "./generated/schema.d.ts";

declare const process: { argv: string[] };

const url = process.argv[2];
if (url === undefined) throw new Error("calls.ts URL");
const client = createClient<paths>({ baseUrl: url });
client.use({ onRequest: ({ request }) => console.log(request.method, new URL(request.url).pathname) });

type Answer<T> = { data?: T; error?: components["schemas"]["ProblemDetails"]; response: Response };

async function ok<T>(answering: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await answering;
  if (error !== undefined || !response.ok) throw new Error(`${response.url}: ${response.status} ${error?.code}`);
  return data as T;
}

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const [session_id, chat_id, agent_id] = ["of typescript", "chat of typescript", "default"];
const session = { params: { path: { session_id } } };
const text = { parseAs: "text" } as const;

check((await ok(client.GET("/health"))).status === "ok", "health");
await ok(client.GET("/health/live"));
await ok(client.GET("/health/db"));
check("paths" in (await ok(client.GET("/openapi.json"))), "openapi");
check((await ok(client.GET("/agent"))).agents.length > 0, "agent");
check((await ok(client.GET("/docs", text))).includes("<html"), "docs");

const answer = await ok(client.POST("/process", { body: { prompt: "say: Hello", session_id } }));
check(answer.response === "Hello", "process");
const content = Uint8Array.from(atob(png), (character) => character.charCodeAt(0));
const upload = await ok(
  client.POST("/sessions/{session_id}/uploads", { ...session, body: { format: "png", size_bytes: content.length } }),
);
check((await fetch(upload.url, { method: upload.method, headers: upload.headers, body: content })).ok, "upload");
const image = { image: { format: "png" as const, source: { upload: upload.upload_id } } };
await ok(client.POST("/process", { body: { prompt: [{ text: "say: I see" }, image], session_id } }));
const streamed = await ok(client.POST("/process-streaming", { body: { prompt: "say: Hi", session_id }, ...text }));
check(streamed.includes("RUN_FINISHED"), "process-streaming");
const messages = [{ id: "message-1", role: "user", content: "say: Hi" }];
const run = await ok(client.POST("/ag-ui", { body: { threadId: session_id, runId: "run-1", messages }, ...text }));
check(run.includes("RUN_FINISHED"), "ag-ui");
const parts = [{ type: "text", text: "say: Hi" }];
const chat = await ok(
  client.POST("/chat", { body: { id: chat_id, messages: [{ id: "message-1", role: "user", parts }] }, ...text }),
);
check(chat.includes("[DONE]"), "chat");
await ok(client.GET("/chat/{chat_id}/stream", { params: { path: { chat_id } }, ...text }));

const { run_id } = await ok(client.POST("/runs", { body: { prompt: "say: In the background", session_id } }));
const ofRun = { params: { path: { run_id } } };
check((await ok(client.GET("/runs/{run_id}/events", { ...ofRun, ...text }))).includes("RUN_FINISHED"), "events");
check((await ok(client.GET("/runs/{run_id}", ofRun))).status === "completed", "run");
check((await ok(client.GET("/runs/{run_id}/trace", ofRun))).spans.length > 0, "trace");
await ok(client.POST("/runs/{run_id}/cancel", ofRun));

const { sessions } = await ok(client.GET("/sessions", { params: { query: { limit: 10, include: "messages" } } }));
check(sessions.some((each) => each.session_id === session_id), "sessions");
await ok(client.PATCH("/sessions/{session_id}", { ...session, body: { title: "Of TypeScript", metadata: { a: "b" } } }));
check((await ok(client.GET("/sessions/{session_id}", session))).title === "Of TypeScript", "title");
const history = await ok(client.GET("/sessions/{session_id}/history", session));
const attachment_id = /"attachment_id":"([^"]+)"/.exec(JSON.stringify(history))?.[1];
if (attachment_id === undefined) throw new Error("the history names no attachment");
const attachment = await ok(
  client.GET("/sessions/{session_id}/attachments/{attachment_id}", {
    params: { path: { session_id, attachment_id } },
    headers: { accept: "application/octet-stream" },
    parseAs: "arrayBuffer",
  }),
);
check(attachment.byteLength === content.length, "attachment");
check((await ok(client.GET("/sessions/{session_id}/export", { ...session, ...text }))).includes(session_id), "export");
check((await ok(client.GET("/sessions/{session_id}/ui-messages", session))).messages.length > 0, "ui-messages");
const fork = await ok(client.POST("/sessions/{session_id}/forks", { ...session, body: { message_id: 1 } }));
await ok(client.GET("/sessions/{session_id}/agents/{agent_id}", { params: { path: { session_id, agent_id } } }));
check((await ok(client.GET("/sessions/{session_id}/runs", session))).runs.length > 0, "runs");
await ok(client.DELETE("/sessions/{session_id}", { params: { path: { session_id: fork.session_id } } }));

check((await ok(client.GET("/usage", { params: { query: { days: 1 } } }))).days.length > 0, "usage");
check((await ok(client.GET("/memories"))).memories.length === 0, "memories");
await ok(client.DELETE("/memories"));
const unknown = await client.DELETE("/memories/{memory_id}", { params: { path: { memory_id: "none" } } });
check(unknown.error?.code === "memory_not_found", "an unknown memory");
