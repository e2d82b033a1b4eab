// Blocks of code: their language, its colors, and a button that copies them.

import { copy, element } from "./elements.js";
import hljs from "./vendor/highlight.js";

// To color more would hold up the page.
const COLORED_CHARACTERS = 20_000;
const LANGUAGE = /^[\w#+.-]{1,24}$/;

const escaped = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** HTML of a code block; the class names its language. To be sanitized like all else. */
export function codeHtml(text, language = "") {
  const known = text.length <= COLORED_CHARACTERS && hljs.getLanguage(language);
  const html = known ? hljs.highlight(text, { language, ignoreIllegals: true }).value : escaped(text);
  return `<pre><code class="${LANGUAGE.test(language) ? `language-${escaped(language)}` : ""}">${html}</code></pre>`;
}

/** A title with the language and the button above each block of code in `fragment`. */
export function addCodeTitles(fragment) {
  for (const block of fragment.querySelectorAll("pre")) {
    const language = block.firstElementChild?.className.match(/^language-(\S+)/)?.[1] ?? "";
    const text = block.textContent;
    const button = element("button", { type: "button", class: "quiet", onclick: () => copy(text, "Code") }, "Copy");
    const figure = element("figure", { class: "code" }, element("figcaption", {}, element("span", {}, language), button));
    block.replaceWith(figure);
    figure.append(block);
  }
  return fragment;
}
