// The API, as the page's caller sees it.

import { authorization, renew, signInAgain } from "./sign_in.js";

const BASE = new URL("./", document.baseURI);
const RECONNECT_MILLISECONDS = 1000;
const RECONNECTIONS = 30;

/** An answer that is no success; `code` is stable, `unreachable` where there was no answer at all. */
export class Problem extends Error {
  constructor(body, retryAfterSeconds = null) {
    super(body.detail ?? body.title ?? "The request failed.");
    this.code = body.code ?? "unknown";
    this.requestId = body.request_id;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

const unreachable = () => new Problem({ code: "unreachable", detail: "The API did not answer, or the connection broke off." });

export const path = (...segments) => segments.map(encodeURIComponent).join("/");

/** `GET`s `name` with a query; null parameters are left out. */
export async function read(name, query = {}) {
  const url = new URL(name, BASE);
  for (const [key, value] of Object.entries(query)) if (value != null) url.searchParams.set(key, value);
  return (await call(url, {})).json();
}

/** The text of all pages, each of which names the next in its header `Link`. */
export async function readPages(name) {
  const texts = [];
  for (let url = new URL(name, BASE); url; ) {
    const response = await call(url, {});
    texts.push(await response.text());
    const next = response.headers.get("Link")?.match(/<([^>]*)>;\s*rel="next"/)?.[1];
    url = next && new URL(next, url);
  }
  return texts.join("");
}

export const remove = (name) => call(new URL(name, BASE), { method: "DELETE" });

export const post = (name) => call(new URL(name, BASE), { method: "POST" });

/** `POST`s JSON, and answers with JSON. */
export const create = (name, body) => sendJson("POST", "application/json", name, body);

export const patch = (name, changes) => sendJson("PATCH", "application/merge-patch+json", name, changes);

async function sendJson(method, type, name, body) {
  const options = { method, headers: { "Content-Type": type }, body: JSON.stringify(body) };
  return (await call(new URL(name, BASE), options)).json();
}

/** Bytes, of whatever type: API Gateway sends them as such where this one is asked for. */
export async function readBytes(name, query) {
  const url = new URL(name, BASE);
  url.search = new URLSearchParams(query);
  return (await call(url, { headers: { Accept: "application/octet-stream" } })).blob();
}

/** The events of one turn as they come. The same key with the same body is the same turn, however often it is sent. */
export async function* stream(body, idempotencyKey) {
  const headers = {
    Accept: "text/event-stream",
    "Content-Type": "application/json",
    "Idempotency-Key": idempotencyKey,
  };
  const url = new URL("process-streaming", BASE);
  const response = await call(url, { method: "POST", headers, body: JSON.stringify(body) });
  try {
    yield* events(response);
  } catch (error) {
    throw error instanceof TypeError ? unreachable() : error;
  }
  throw unreachable(); // the reader stops at the event that ends the run
}

/** The events of a run behind number `after`, whoever began it; a connection that breaks off is made again. */
export async function* watch(runId, after) {
  const url = new URL(`${path("runs", runId)}/events`, BASE);
  for (let lost = 0; lost < RECONNECTIONS; lost++) {
    try {
      const headers = { Accept: "text/event-stream", "Last-Event-ID": String(after) };
      for await (const event of events(await call(url, { headers }))) {
        [after, lost] = [event.number, 0];
        yield event;
      }
    } catch (error) {
      if (!(error instanceof TypeError) && error.code !== "unreachable") throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MILLISECONDS));
  }
  throw unreachable();
}

/** Server-sent events are separated by empty lines; their data is JSON and their id a number; comments are heartbeats. */
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const frames = (rest + value).split("\n\n");
    rest = frames.pop();
    for (const frame of frames) {
      const data = frame.split("\n").filter((line) => line.startsWith("data: "));
      const number = Number(frame.match(/^id: (\d+)$/m)?.[1]);
      if (data.length) yield { ...JSON.parse(data.map((line) => line.slice(6)).join("\n")), number };
    }
  }
}

async function call(url, options) {
  let response = await send(url, options);
  if (response.status === 401 && (await renewed())) response = await send(url, options);
  if (response.status === 401) signInAgain();
  if (response.ok) return response;
  const body = await response.json().catch(() => ({ title: response.statusText || `Status ${response.status}` }));
  const retryAfter = Number.parseInt(response.headers.get("Retry-After"), 10);
  throw new Problem(body, Number.isNaN(retryAfter) ? null : retryAfter);
}

/** A sign-in that cannot be reached signs nobody out. */
const renewed = () =>
  renew().catch(() => {
    throw unreachable();
  });

async function send(url, options) {
  try {
    return await fetch(url, { ...options, headers: { ...options.headers, ...authorization() } });
  } catch {
    throw unreachable();
  }
}
