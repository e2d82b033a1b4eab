// Bytes in messages: pictures as thumbnails, all else as what it is, and everything to download.

import { path, readBytes } from "./api.js";
import { element, saveFile, toast } from "./elements.js";

export const sizeOf = (bytes) => {
  if (bytes < 10_000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
};

const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    target.dispatchEvent(new Event("seen"));
  }
});

/** An attachment of the session `place()`. `content` is the block's: its name, and its bytes as the history names them. */
export function storedAttachment(kind, content, place) {
  const { attachment_id, media_type, size_bytes } = content.source.bytes;
  const read = () => {
    const { sessionId, agentId } = place();
    return readBytes(path("sessions", sessionId, "attachments", attachment_id), { agent_id: agentId });
  };
  const name = content.name ?? `${kind}.${content.format}`;
  return attachment(name, media_type, size_bytes, read);
}

/** One that the page has, before it is stored. */
export const ownAttachment = (name, blob) => attachment(name, blob.type, blob.size, () => Promise.resolve(blob));

function attachment(name, mediaType, bytes, read) {
  const download = () => read().then((blob) => saveFile(blob, name), (problem) => toast(`It could not be read: ${problem.message}`));
  const facts = element("span", { class: "facts" }, `${mediaType} · ${sizeOf(bytes)}`);
  const button = element("button", { type: "button", class: "quiet", "aria-label": `Download ${name}`, onclick: download }, name);
  return element("figure", { class: "attachment" }, thumbnail(mediaType, name, read), element("figcaption", {}, button, facts));
}

/** Nothing for what is no picture, or cannot be read. */
function thumbnail(mediaType, name, read) {
  if (!mediaType.startsWith("image/")) return null;
  const picture = element("img", { alt: name });
  picture.addEventListener("load", () => URL.revokeObjectURL(picture.src));
  picture.addEventListener("error", () => picture.remove());
  picture.addEventListener("seen", () => {
    read().then((blob) => (picture.src = URL.createObjectURL(new Blob([blob], { type: mediaType }))), () => picture.remove());
  });
  seen.observe(picture);
  return picture;
}
