// One conversation: its stored messages, the turn that is under way, and how that turn ended.

import { path, post, Problem, read, readBytes, stream, watch } from "./api.js";
import { announce, element, toast } from "./elements.js";
import { History } from "./history.js";
import { interruptForm } from "./interrupts.js";
import { LiveAnswer } from "./live_answer.js";
import { problemCard, titleOf, UNCERTAIN } from "./problems.js";
import { isAnswer, shownPrompt, storedPrompt, wordsOf } from "./prompts.js";
import { summary } from "./summary.js";

const POLL_MILLISECONDS = 1500;
const NOTHING_STORED = "Nothing of this session is stored yet: its first message failed, or is still being answered.";

/** Its events are `named`, `turned`, `changed`, `edit` and `ended`; `running` says whether a turn is under way. */
export class Conversation extends EventTarget {
  running = false;
  agent = null; // state and interrupts, as the API has them
  runs = []; // results of this page's turns, newest last
  #tail = element("div", { class: "tail" });
  #turn = null; // the one that is under way, or has failed and waits for what one does about it
  #opened = null;
  #newId = null;
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

  /** For which session files are uploaded; a new one then begins under this id. */
  get uploadId() {
    return this.sessionId ?? (this.#newId ??= crypto.randomUUID());
  }

  get stopping() {
    return Boolean(this.running && this.#turn?.stopped);
  }

  get waiting() {
    return Boolean(this.agent?.interrupts.length);
  }

  get isBlank() {
    return this.history.newest < 0 && !this.#turn && !this.#tail.childElementCount;
  }

  /** Neither answered nor given up: left now, what one said would be gone. */
  get unsettled() {
    return this.#turn !== null;
  }

  /** Shows what is stored, from message `first` if it is given, and a turn that was under way when the page was left. */
  async open(first = null) {
    const turn = JSON.parse(sessionStorage.getItem(this.#turnKey()));
    if (turn) this.#setTurn(turn, true); // before anything is awaited, or one could send another
    await (this.#opened = this.#load(first));
    if (turn?.after !== undefined) this.history.cut(turn.after + 1); // its events come again, from the first one on
    if (turn) await this.#take(Object.assign(turn, { number: 0 }), (live) => this.#resume(turn, live));
    else await this.#watchOthers();
  }

  /** One of which no run is known may have arrived: under its key it is answered once. */
  #resume(turn, live) {
    if (!turn.runId) throw new Problem({ code: "unreachable" });
    return this.#follow(turn, live);
  }

  /** A turn that was begun elsewhere, in another tab or on another device. */
  async #watchOthers() {
    if (!this.sessionId || this.#turn) return;
    const { runs } = await read(path("sessions", this.sessionId, "runs"), { limit: 1 }).catch(() => ({ runs: [] }));
    if (this.#turn || runs[0]?.status !== "running") return;
    const turn = { body: null, runId: runs[0].run_id, number: 0 };
    await this.#take(turn, (live) => this.#follow(turn, live));
  }

  async #load(first) {
    if (!this.sessionId) return;
    const problem = await this.history.open().then(() => null, (problem) => problem);
    await this.#readAgent();
    if (this.#turn) return; // one was quicker: how that turn ends shows the rest
    if (problem) this.#tail.replaceChildren(problemCard(problem, { "Try again": () => location.reload() }));
    else if (this.history.newest < 0) this.#tail.replaceChildren(element("p", { class: "note" }, NOTHING_STORED));
    else this.#showInterrupts();
    this.toEnd(true);
    if (first !== null) await this.reveal(first);
  }

  async reveal(messageId) {
    if (!(await this.history.reveal(messageId))) toast("That message is not in this session any more.");
  }

  /** `prompt` is text, content blocks, or the answers to the agent's questions; it replaces what is `from` a message on. */
  async send(prompt, from = null) {
    const sessionId = this.sessionId ?? this.#newId;
    const body = { prompt, ...(sessionId && { session_id: sessionId }), ...(from !== null && { from_message_id: from }) };
    await this.#tryTurn({ body, key: crypto.randomUUID() });
  }

  /** A stored prompt as it was asked, its files too. */
  promptOf(item) {
    const { sessionId, agentId } = this.history;
    const bytes = ({ attachment_id }) => readBytes(path("sessions", sessionId, "attachments", attachment_id), { agent_id: agentId });
    return storedPrompt(item, sessionId, bytes);
  }

  /** Before the run has begun there is nothing to cancel: then as soon as it has. */
  async stop() {
    this.#turn.stopped = true;
    this.#tell("turned");
    if (!this.#turn.runId) return;
    await post(`${path("runs", this.#turn.runId)}/cancel`).catch((problem) => toast(`It could not be stopped: ${problem.message}`));
  }

  follows() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    this.#stuckToEnd = scrollHeight - scrollTop - clientHeight < 60;
  }

  /** Follows the answer down, unless one has scrolled away from its end, or looks at another conversation. */
  toEnd(always = false) {
    if (this.element.isConnected && (always || this.#stuckToEnd)) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  /** Again and again under the same key: the API answers it once. */
  #tryTurn({ body, key }) {
    const turn = { body, key, runId: null, stopped: false };
    this.#keep(turn);
    return this.#take(turn, (live) => this.#listen(turn, live));
  }

  async #take(turn, getResult) {
    const live = new LiveAnswer(() => this.toEnd());
    this.#tail.replaceChildren(...this.#asked(turn), live.element);
    this.#setTurn(turn, true);
    this.history.hideFrom(turn.body?.from_message_id);
    this.toEnd(true);
    try {
      await this.#opened;
      const result = await getResult(live).catch((problem) => this.#afterLostConnection(turn, problem, live));
      await this.#finished(turn, result);
    } catch (problem) {
      await this.#failed(turn, problem);
    }
    this.#setTurn(this.#turn, false);
  }

  async #listen(turn, live) {
    turn.after = (turn.body.from_message_id ?? this.history.newest + 1) - 1;
    return this.#hear(stream(turn.body, turn.key), turn, live);
  }

  /** From the event on that came last; where the events are gone, what became of the run is asked for. */
  #follow(turn, live) {
    return this.#hear(watch(turn.runId, turn.number ?? 0), turn, live).catch((problem) => {
      if (problem.code !== "events_gone") throw problem;
      return this.#outcome(turn);
    });
  }

  async #hear(events, turn, live) {
    for await (const event of events) {
      turn.number = event.number;
      // What a run has stored by now the history may show already, as in a tab that was opened just now.
      this.history.cutMessage(event.parentMessageId ?? event.messageId);
      if (event.type === "RUN_FINISHED") return event.result;
      if (event.type === "RUN_ERROR") throw new Problem({ code: event.code, detail: event.message });
      if (event.type === "RUN_STARTED") this.#began(turn, event);
      else live.take(event);
    }
  }

  #began(turn, { threadId, runId }) {
    turn.runId = runId;
    const isNew = this.sessionId !== threadId;
    if (isNew) sessionStorage.removeItem(this.#turnKey());
    this.history.sessionId = threadId;
    if (turn.body) this.#keep(turn);
    if (isNew) this.#tell("named", wordsOf(turn.body.prompt));
    if (turn.stopped) this.stop();
  }

  /** The run goes on without its listener, who finds it again. */
  async #afterLostConnection(turn, problem, live) {
    if (problem.code !== "unreachable" || !turn.runId) throw problem;
    return this.#follow(turn, live);
  }

  async #outcome(turn) {
    for (;;) {
      const run = await read(path("runs", turn.runId));
      if (run.status === "completed") return { ...run.answer, run_id: run.run_id };
      if (run.status !== "running") throw new Problem({ code: run.error_code ?? `run_${run.status}`, detail: `The run ${run.status}.` });
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    }
  }

  async #finished(turn, result) {
    await this.#catchUp(turn.body?.from_message_id);
    this.#tail.replaceChildren(summary(result));
    this.#showInterrupts();
    this.#forgetTurn();
    if (result.timings) this.runs.push(result);
    announce(this.waiting ? "The agent waits for your answer." : result.response);
    this.toEnd();
    this.#tell("ended");
  }

  /** Some of a failed turn may be stored: what the history has is shown from there. */
  async #failed(turn, problem) {
    this.history.hideFrom();
    if (this.sessionId) await this.#catchUp().catch(() => {});
    const words = problem.code === "unreachable" ? UNCERTAIN : undefined;
    this.#tail.replaceChildren(...this.#asked(turn), problemCard(problem, this.#remedies(turn), words));
    if (problem.code === "awaiting_response") this.#showInterrupts();
    announce(`${titleOf(problem)}. ${problem.message}`);
    this.toEnd();
    this.#tell("ended");
  }

  /** Nothing is shown before all is read: what was said would stand there twice. `from` is where a rewind went to. */
  async #catchUp(from) {
    const items = from === undefined ? await this.history.readOn() : await this.history.readFrom(from);
    await this.#readAgent();
    if (items) this.history.replace(from ?? this.history.newest + 1, items);
    else await this.history.reopen();
  }

  #remedies(turn) {
    const dismiss = () => {
      this.#forgetTurn();
      this.#tail.replaceChildren();
      this.#showInterrupts();
    };
    if (!turn.body) return { Dismiss: dismiss };
    const edit = () => {
      dismiss();
      this.#tell("edit", { prompt: turn.body.prompt, from: turn.body.from_message_id ?? null });
    };
    return { "Try again": () => this.#tryTurn(turn), ...(!isAnswer(turn.body.prompt) && { Edit: edit }), Dismiss: dismiss };
  }

  async #readAgent() {
    if (!this.history.agentId) return;
    const none = ({ code }) => (code.endsWith("_not_found") ? null : this.agent);
    this.agent = await read(path("sessions", this.sessionId, "agents", this.history.agentId)).catch(none);
  }

  #showInterrupts() {
    if (this.waiting) this.#tail.append(interruptForm(this.agent.interrupts, (answers) => this.send(answers)));
    this.#tell("changed");
  }

  /** What the turn says, unless the history shows it: once a tool is called it is stored. */
  #asked({ body, after }) {
    if (!body) return []; // another's words are shown once they are stored
    const isStored = body.from_message_id === undefined && !isAnswer(body.prompt) && this.history.holds(wordsOf(body.prompt), after);
    return isStored ? [] : [shownPrompt(body.prompt)];
  }

  #keep({ body, ...turn }) {
    const keep = (kept) => sessionStorage.setItem(this.#turnKey(), JSON.stringify(kept));
    try {
      keep({ ...turn, body });
    } catch {
      if (turn.runId) keep({ ...turn, body: null }); // its files are more than a tab may keep
    }
  }

  #setTurn(turn, running) {
    this.#turn = turn;
    this.running = running;
    this.#tell("turned");
  }

  #turnKey() {
    return `turn:${this.sessionId ?? ""}`;
  }

  #forgetTurn() {
    sessionStorage.removeItem(this.#turnKey());
    this.#setTurn(null, this.running);
  }

  #tell(what, detail) {
    this.dispatchEvent(new CustomEvent(what, { detail }));
  }
}
