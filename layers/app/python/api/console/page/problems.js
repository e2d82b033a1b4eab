// What went wrong, as what it is, and what one can do about it.

import { element } from "./elements.js";

const TITLES = {
  awaiting_response: "Not what the agent waits for",
  idempotency_key_reused: "Sent already with other words",
  model_failed: "The model failed",
  payload_too_large: "Too long",
  run_cancelled: "Stopped",
  run_deadline: "Out of time",
  run_in_progress: "Still being answered",
  run_interrupted: "Interrupted",
  session_busy: "Busy",
  session_not_found: "No such session",
  store_unavailable: "The database is away",
  too_many_requests: "Too many requests",
  unreachable: "No connection",
};

const WORDS = {
  session_busy: "This session is answering another request, perhaps in another tab.",
  run_in_progress: "This very message is being answered already.",
  run_cancelled: "Stopped. What was not stored by then is discarded.",
  run_interrupted: "The process that answered ended before the answer did.",
};

/** Of a message, when the connection broke off. */
export const UNCERTAIN =
  "The API did not answer. The message may have arrived: trying again sends it under the same key, so it is answered once.";

export const titleOf = (problem) => TITLES[problem.code] ?? "Something went wrong";

const stopped = (actions) =>
  element(
    "section",
    { class: "problem stopped", role: "group", "aria-label": TITLES.run_cancelled },
    element("p", {}, WORDS.run_cancelled),
    element("div", { class: "actions" }, actions),
  );

/** A card with the problem and the actions `{ "Try again": retry }`; the first one waits for as long as the API asks. */
export function problemCard(problem, actions = {}, words = WORDS[problem.code] ?? problem.message) {
  const busy = ["session_busy", "run_in_progress"].includes(problem.code);
  const buttons = Object.entries(actions).map(([label, act]) => element("button", { type: "button", onclick: act }, label));
  if (problem.code === "run_cancelled") return stopped(buttons);
  const wait = element("p", { class: "wait" });
  const card = element(
    "section",
    { class: `problem ${busy ? "busy" : ""}`, role: "group", "aria-label": titleOf(problem) },
    element("h2", {}, titleOf(problem)),
    element("p", {}, words),
    wait,
    buttons.length > 0 && element("div", { class: "actions" }, buttons),
    element("p", { class: "fine" }, problem.code, problem.requestId && ` · request ${problem.requestId}`),
  );
  if (problem.retryAfterSeconds) countDown(problem.retryAfterSeconds, wait, buttons[0]);
  return card;
}

/** Ends by itself when the card is taken away. */
function countDown(seconds, wait, button) {
  const until = Date.now() + seconds * 1000;
  const label = button?.textContent;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    wait.textContent = left > 0 ? `It asks to wait ${left} s.` : "It may be free by now.";
    if (button) button.textContent = left > 0 ? `${label} (${left})` : label;
    if (left <= 0 || (started && !wait.isConnected)) clearInterval(timer);
    started = true;
  };
  let started = false;
  const timer = setInterval(tick, 1000);
  tick();
}
