// A session's metadata as lines to edit: `name: value`. A value that is no text is shown, and read, as JSON.

const dumpValue = (value) => (typeof value === "string" ? value : JSON.stringify(value));

export const dumpTags = (metadata) => Object.entries(metadata).map(([name, value]) => `${name}: ${dumpValue(value)}`).join("\n");

/** What was not changed keeps its type; all else is text. */
export function parseTags(text, before) {
  const lines = text.split("\n").map((line) => line.split(/:(.*)/s, 2).map((part) => part.trim()));
  const named = lines.filter(([name]) => name);
  const unchanged = (name, value) => Object.hasOwn(before, name) && dumpValue(before[name]) === value;
  return Object.fromEntries(named.map(([name, value = ""]) => [name, unchanged(name, value) ? before[name] : value]));
}

/** Only what changed (RFC 7396), or null: another tab may have changed the rest. */
export function mergePatch(before, title, metadata) {
  const changes = {};
  if (title !== before.title) changes.title = title;
  const removed = Object.keys(before.metadata).filter((name) => !Object.hasOwn(metadata, name)).map((name) => [name, null]);
  const set = Object.entries(metadata).filter(([name, value]) => value !== before.metadata[name]);
  if (removed.length + set.length) changes.metadata = Object.fromEntries([...removed, ...set]);
  return Object.keys(changes).length ? changes : null;
}
