// Files that go ahead of their message, since no request takes them with it.

import { create, path, Problem } from "./api.js";

const sent = new Map(); // by the uploads' ids, for as long as the page lives

/** The file of an upload of this page; undefined after a reload. */
export const uploadedFile = (uploadId) => sent.get(uploadId);

/** Uploads a file for a session, and answers with the upload's id; `progress` hears of the part that has arrived, 0 to 1. */
export async function upload(file, format, sessionId, { signal, progress = () => {} } = {}) {
  const address = await create(path("sessions", sessionId, "uploads"), { format, size_bytes: file.size });
  signal?.throwIfAborted();
  await put(address, file, progress, signal);
  sent.set(address.upload_id, file);
  return address.upload_id;
}

/** `fetch` reports no progress. */
function put({ method, url, headers }, file, progress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const refuse = (detail) => () => reject(new Problem({ code: "upload_failed", detail }));
    const refused = refuse("The place of uploads did not take it.");
    request.upload.addEventListener("progress", ({ loaded, total }) => progress(loaded / total));
    request.addEventListener("load", () => (request.status === 200 ? resolve() : refused()));
    request.addEventListener("error", refuse("The connection broke off."));
    request.addEventListener("abort", () => reject(signal.reason));
    signal?.addEventListener("abort", () => request.abort());
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.send(file);
  });
}
