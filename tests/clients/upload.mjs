const GIF = Buffer.concat([Buffer.from("GIF89a"), Buffer.alloc(32)]);

// Its id.
export async function upload(url, sessionId) {
  const described = JSON.stringify({ format: "gif", size_bytes: GIF.length });
  const made = await fetch(`${url}/sessions/${sessionId}/uploads`, { method: "POST", body: described,
    headers: { "content-type": "application/json" } });
  const address = await made.json();
  const sent = await fetch(address.url, { method: address.method, headers: address.headers, body: GIF });
  if (!sent.ok) throw new Error(`the upload was answered ${sent.status}`);
  return address.upload_id;
}
