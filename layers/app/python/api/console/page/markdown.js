// What a model writes, as formatted text. It is not to be trusted: HTML in it is shown as text, then all is sanitized
// to a short list of tags, and at last the page's Content-Security-Policy runs and loads nothing that is not ours.

import DOMPurify from "./vendor/dompurify.js";
import { addCodeTitles, codeHtml } from "./code.js";
import { element } from "./elements.js";
import { Marked } from "./vendor/marked.js";

// The renderer's time grows with the square of some texts: beyond this they would hold up the page for many seconds.
const FORMATTED_CHARACTERS = 50_000;

const ALLOWED = {
  ALLOWED_TAGS: [
    ..."a p br hr strong em del code pre blockquote ul ol li h1 h2 h3 h4 h5 h6".split(" "),
    ..."table thead tbody tr th td span".split(" "),
  ],
  ALLOWED_ATTR: ["href", "title", "start", "align", "class"],
  ADD_URI_SAFE_ATTR: ["start", "align"], // else they are taken for addresses, and dropped
  ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

const escaped = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const marked = new Marked({
  renderer: {
    code: ({ text, lang }) => codeHtml(text, lang?.split(/\s/, 1)[0]),
    html: ({ text, block }) => (block ? `<p>${escaped(text)}</p>` : escaped(text)),
    // Loading an image would tell its host what was read, and maybe what was said.
    image: ({ href, text }) => `<a href="${escaped(href)}">${escaped(text || "image")}</a>`,
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

// DOMPurify looks past characters that a browser takes for part of a scheme, and lets an empty address through.
const leadsOut = (address) => ALLOWED.ALLOWED_URI_REGEXP.test(address) && URL.canParse(address);

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.hasAttribute?.("href") && !leadsOut(node.getAttribute("href"))) node.removeAttribute("href");
  if (node.hasAttribute?.("href")) {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer nofollow");
  }
  // Those of colored code, which no text of a model's can bring: its HTML is escaped.
  if (node.className && !/^(hljs|language)-/.test(node.className)) node.removeAttribute("class");
  // What is wide is scrolled with the keyboard too.
  if (["PRE", "TABLE"].includes(node.nodeName)) node.setAttribute("tabindex", "0");
});

const asWritten = (raw) => ({ type: "as written", raw });

/** A text too long, or nested deeper than the renderer's stack, is one block as it was written. */
function blocksOf(text) {
  if (text.length > FORMATTED_CHARACTERS) return [asWritten(text)];
  try {
    return marked.lexer(text).filter((token) => token.type !== "space" && token.type !== "def");
  } catch {
    return [asWritten(text)];
  }
}

function rendered(token) {
  try {
    if (token.type !== "as written") return addCodeTitles(DOMPurify.sanitize(marked.parser([token]), ALLOWED));
  } catch {
    // As below, then.
  }
  return element("p", { class: "as-written" }, token.raw);
}

/** Markdown that grows: only the blocks that changed are drawn again, so that a selection above them stays. */
export class Markdown {
  #blocks = [];
  #text = "";
  #due = null;
  #pause = 0;

  constructor(into) {
    this.into = into;
  }

  get text() {
    return this.#text;
  }

  /** Drawn with the next frame of the screen, however many pieces come until then. */
  append(piece, drawn) {
    this.#text += piece;
    this.#due ??= setTimeout(() => requestAnimationFrame(() => this.#drawAgain(drawn)), this.#pause);
  }

  /** A long answer takes long to draw: twice that time is left to the rest of the page, its Stop button included. */
  #drawAgain(drawn) {
    const began = performance.now();
    this.#due = null;
    this.show(this.#text);
    drawn();
    this.#pause = 2 * (performance.now() - began);
  }

  show(text) {
    this.#text = text;
    const tokens = blocksOf(text);
    this.#blocks.splice(tokens.length).forEach((block) => block.element.remove());
    tokens.forEach((token, index) => this.#draw(token, index));
  }

  #draw(token, index) {
    const block = (this.#blocks[index] ??= this.#add());
    if (block.raw === token.raw) return;
    block.raw = token.raw;
    block.element.replaceChildren(rendered(token));
  }

  #add() {
    const block = { element: element("div"), raw: null };
    this.into.append(block.element);
    return block;
  }
}
