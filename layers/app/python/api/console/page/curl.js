// The same turn from a shell.

const quoted = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** `-N` and plain text: the answer's words as they come. */
export function curlCommand(prompt, sessionId, signsIn) {
  const body = JSON.stringify(sessionId ? { prompt, session_id: sessionId } : { prompt });
  return [
    `curl -N ${new URL("process-streaming", document.baseURI)}`,
    "-H 'Content-Type: application/json' -H 'Accept: text/plain'",
    ...(signsIn ? [`-H "Authorization: $ID_TOKEN"`] : []),
    `-d ${quoted(body)}`,
  ].join(" \\\n  ");
}
