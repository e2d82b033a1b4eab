// What a model writes, as formatted text. It is not to be trusted: HTML in it is shown as text, then all is sanitized
// to a short list of tags, and at last the page's Content-Security-Policy runs and loads nothing that is not ours.

import DOMPurify from "./vendor/dompurify.js";
import { Marked } from "./vendor/marked.js";

const ALLOWED = {
  ALLOWED_TAGS: [
    ..."a p br hr strong em del code pre blockquote ul ol li h1 h2 h3 h4 h5 h6".split(" "),
    ..."table thead tbody tr th td".split(" "),
  ],
  ALLOWED_ATTR: ["href", "title", "start"],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

const escaped = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const marked = new Marked({
  renderer: {
    html: ({ text, block }) => (block ? `<p>${escaped(text)}</p>` : escaped(text)),
    // Loading an image would tell its host what was read, and maybe what was said.
    image: ({ href, text }) => `<a href="${escaped(href)}">${escaped(text || "image")}</a>`,
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.hasAttribute?.("href")) {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer nofollow");
  }
  if (node.nodeName === "PRE") node.setAttribute("tabindex", "0"); // wide code is scrolled with the keyboard too
});

const rendered = (token) => DOMPurify.sanitize(marked.parser([token]), ALLOWED);

/** Markdown that grows: only the blocks that changed are drawn anew, so that a selection above them stays. */
export class Markdown {
  #blocks = [];
  #text = "";
  #frame = 0;

  constructor(into) {
    this.into = into;
  }

  get text() {
    return this.#text;
  }

  /** Drawn with the next frame of the screen, however many pieces come until then. */
  append(piece, drawn) {
    this.#text += piece;
    this.#frame ||= requestAnimationFrame(() => {
      this.show(this.#text);
      drawn();
    });
  }

  show(text) {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#text = text;
    const tokens = marked.lexer(text).filter((token) => token.type !== "space" && token.type !== "def");
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
    const element = document.createElement("div");
    this.into.append(element);
    return { element, raw: null };
  }
}
