// Meets each situation, and prints how it went: one line of JSON.
export async function meet(situations) {
  const ownFetch = globalThis.fetch;
  for (const [name, situation] of Object.entries(situations)) {
    const error = await situation().then(() => null, (thrown) => String(thrown?.stack ?? thrown));
    globalThis.fetch = ownFetch;
    console.log(JSON.stringify({ name, error }));
  }
  process.exit(0); // whatever connection a situation has left open
}
