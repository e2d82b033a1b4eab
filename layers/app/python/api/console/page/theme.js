// Light, dark, or as the system has it. Kept in a cookie: the server draws the page in it from the first moment on.

import { byId } from "./elements.js";

const THEMES = ["system", "light", "dark"];
const YEAR_SECONDS = 31_536_000;
const page = document.documentElement;

export function listenForTheme() {
  byId("theme").addEventListener("click", () => use(THEMES[(THEMES.indexOf(page.dataset.theme) + 1) % THEMES.length]));
  show();
}

function use(theme) {
  page.dataset.theme = theme;
  document.cookie = `theme=${theme}; path=${location.pathname}; max-age=${YEAR_SECONDS}; samesite=strict`;
  show();
}

function show() {
  byId("theme").textContent = `Theme: ${page.dataset.theme}`;
}
