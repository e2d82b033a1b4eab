// One conversation: its stored messages, the turn that is under way, and how that turn ended.

import { path, post, Problem, read, stream } from "./api.js";
import { announce, element } from "./elements.js";
import { History } from "./history.js";
import { interruptForm } from "./interrupts.js";
import { LiveAnswer, userMessage } from "./messages.js";
import { problemCard, titleOf } from "./problems.js";
import { counted, duration } from "./times.js";

const AGENT = "default";
const POLL_MILLISECONDS = 1500;

/** Tells `named`, `running`, `changed` and `ran`; `running` says whether a turn is under way. */
export class Conversation extends EventTarget {
  running = false;
  agent = null; // state and interrupts, as the API tells them
  runs = []; // results of this page's turns, newest last
  #tail = element("div", { class: "tail" });
  #turn = null;
  #stuckToEnd = true;

  constructor(sessionId, scroller) {
    super();
    this.history = new History(scroller);
    this.history.sessionId = sessionId;
    this.element = element("div", { class: "conversation" }, this.history.element, this.#tail);
    this.scroller = scroller;
  }

  get sessionId() {
    return this.history.sessionId;
  }

  get waiting() {
    return Boolean(this.agent?.interrupts.length);
  }

  /** Shows what is stored, and a turn that was under way when the page was last left. */
  async open() {
    const turn = JSON.parse(sessionStorage.getItem(this.#turnKey()));
    const [shown] = await Promise.all([this.history.open().catch((problem) => problem), this.#readAgent()]);
    if (shown instanceof Error) return this.#tail.replaceChildren(problemCard(shown, { "Try again": () => location.reload() }));
    this.#showInterrupts();
    this.toEnd(true);
    if (turn) await this.#take(turn, () => this.#outcome(turn));
  }

  /** `prompt` is text, or the answers to the agent's questions. */
  async send(prompt) {
    const body = this.sessionId ? { prompt, session_id: this.sessionId } : { prompt };
    await this.#tryTurn({ body, key: crypto.randomUUID(), runId: null });
  }

  async stop() {
    if (this.#turn?.runId) await post(`${path("runs", this.#turn.runId)}/cancel`).catch(() => {});
  }

  follows() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    this.#stuckToEnd = scrollHeight - scrollTop - clientHeight < 60;
  }

  /** Follows the answer down, unless one has scrolled away from its end. */
  toEnd(always = false) {
    if (always || this.#stuckToEnd) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  /** Again and again under the same key: the API answers it once. */
  #tryTurn(turn) {
    return this.#take(turn, (live) => this.#listen(turn, live));
  }

  async #take(turn, getResult) {
    const live = new LiveAnswer(() => this.toEnd());
    this.#turn = turn;
    this.#tail.replaceChildren(...this.#asked(turn), live.element);
    this.#setRunning(true);
    this.toEnd(true);
    try {
      const result = await getResult(live).catch((problem) => this.#afterLostConnection(turn, problem));
      await this.#finished(result);
    } catch (problem) {
      await this.#failed(turn, problem);
    }
    this.#setRunning(false);
  }

  async #listen(turn, live) {
    for await (const event of stream(turn.body, turn.key)) {
      if (event.type === "RUN_FINISHED") return event.result;
      if (event.type === "RUN_ERROR") throw new Problem({ code: event.code, detail: event.message });
      if (event.type === "RUN_STARTED") this.#began(turn, event);
      else live.take(event);
    }
  }

  #began(turn, { threadId, runId }) {
    turn.runId = runId;
    const isNew = this.sessionId !== threadId;
    this.history.sessionId = threadId;
    sessionStorage.setItem(this.#turnKey(), JSON.stringify(turn));
    if (isNew) this.#tell("named");
  }

  /** The run goes on without its listener: what became of it is asked for. */
  async #afterLostConnection(turn, problem) {
    if (problem.code !== "unreachable" || !turn.runId) throw problem;
    return this.#outcome(turn);
  }

  async #outcome(turn) {
    for (;;) {
      const run = await read(path("runs", turn.runId));
      if (run.status === "completed") return { ...run.answer, run_id: run.run_id };
      if (run.status !== "running") throw new Problem({ code: run.error_code ?? `run_${run.status}`, detail: `The run ${run.status}.` });
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    }
  }

  async #finished(result) {
    this.#forgetTurn();
    await Promise.all([this.history.catchUp(), this.#readAgent()]);
    this.#tail.replaceChildren(summary(result));
    this.#showInterrupts();
    if (result.timings) this.runs.push(result);
    announce(this.waiting ? "The agent waits for your answer." : result.response);
    this.toEnd();
    this.#tell("ran");
  }

  /** Some of a failed turn may be stored: what the history has is shown from there. */
  async #failed(turn, problem) {
    const stored = this.sessionId ? await this.history.catchUp().catch(() => []) : [];
    const kept = stored.some(({ role, content }) => role === "user" && content.some((block) => block.text === turn.body.prompt));
    const card = problemCard(problem, this.#remedies(turn));
    this.#tail.replaceChildren(...(kept ? [] : this.#asked(turn)), card);
    if (problem.code === "awaiting_response") await this.#readAgent().then(() => this.#showInterrupts());
    announce(`${titleOf(problem)}. ${problem.message}`);
    this.toEnd();
    this.#tell("changed");
  }

  #remedies(turn) {
    const dismiss = () => {
      this.#forgetTurn();
      this.#tail.replaceChildren();
      this.#showInterrupts();
    };
    const edit = () => {
      dismiss();
      this.dispatchEvent(new CustomEvent("edit", { detail: turn.body.prompt }));
    };
    const isText = typeof turn.body.prompt === "string";
    return { "Try again": () => this.#tryTurn(turn), ...(isText && { Edit: edit }), Dismiss: dismiss };
  }

  async #readAgent() {
    if (!this.sessionId) return;
    this.agent = await read(path("sessions", this.sessionId, "agents", AGENT)).catch(() => null);
  }

  #showInterrupts() {
    if (this.waiting) this.#tail.append(interruptForm(this.agent.interrupts, (answers) => this.send(answers)));
    this.#tell("changed");
  }

  #asked({ body: { prompt } }) {
    if (typeof prompt === "string") return [userMessage(prompt)];
    const answers = prompt.map(({ interruptResponse: { response } }) => (typeof response === "string" ? response : JSON.stringify(response)));
    return [userMessage(answers.join("\n"))];
  }

  #setRunning(running) {
    this.running = running;
    this.#tell("running");
  }

  #turnKey() {
    return `turn:${this.sessionId}`;
  }

  #forgetTurn() {
    sessionStorage.removeItem(this.#turnKey());
    this.#turn = null;
  }

  #tell(what) {
    this.dispatchEvent(new Event(what));
  }
}

/** The turn in one line, below its answer. */
function summary({ timings, usage, stop_reason }) {
  const parts = timings
    ? [duration(timings.total_ms), `first token after ${duration(timings.first_token_ms)}`, counted(timings.round_trips, "round trip")]
    : [];
  parts.push(counted(usage.total_tokens, "token"));
  if (stop_reason !== "end_turn") parts.push(stop_reason.replaceAll("_", " "));
  return element("p", { class: "summary" }, parts.join(" · "));
}
