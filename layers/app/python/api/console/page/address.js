// The page's address names a session, and maybe one of its messages: `#/session` or `#/session/12`.

export const hashOf = (sessionId, messageId = null) => `#/${encodeURIComponent(sessionId)}${messageId === null ? "" : `/${messageId}`}`;

/** `{ sessionId, messageId }`; null for what it does not name. */
export function readAddress() {
  const [, session, message] = location.hash.match(/^#\/([^/]*)(?:\/(\d+))?/) ?? [];
  try {
    return { sessionId: decodeURIComponent(session ?? "") || null, messageId: message ? Number(message) : null };
  } catch {
    return { sessionId: null, messageId: null };
  }
}
