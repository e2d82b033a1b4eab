// What one does with a message of the history: edit a prompt, ask again, fork, rewind.

import { create, path } from "./api.js";
import { toast } from "./elements.js";
import { filesOf, wordsOf } from "./prompts.js";
import { hashOf } from "./address.js";

/** Hears the events of message_actions.js in `thread`; `current()` is the conversation that is shown. */
export function listenToEdits(thread, current, composer, sessions) {
  const edits = {
    "edit-prompt": async (conversation, item) => {
      const prompt = await conversation.promptOf(item);
      composer.rewind(item.message_id, "Your message replaces all that is marked.");
      composer.write(wordsOf(prompt), filesOf(prompt));
    },
    "ask-again": async (conversation, { message_id }) => {
      const item = await conversation.history.promptBefore(message_id);
      if (!item || item.redacted) return toast("What was asked is not there to be asked again.");
      await conversation.send(await conversation.promptOf(item), item.message_id);
    },
    "fork-here": async ({ history: { sessionId, agentId } }, { message_id }) => {
      const fork = await create(path("sessions", sessionId, "forks"), { message_id, agent_id: agentId });
      location.hash = hashOf(fork.session_id);
      toast("This is the fork. The session that it comes from stays as it is.");
      await sessions.refresh();
    },
    "rewind-here": ({ history: { newest } }, { message_id }) => {
      if (message_id === newest) return toast("Nothing follows this answer.");
      composer.rewind(message_id + 1, "Your next message replaces all that is marked.");
      composer.focus();
    },
  };
  for (const [name, act] of Object.entries(edits)) {
    thread.addEventListener(name, async ({ detail }) => {
      if (current().running) return toast("The agent is still answering.");
      try {
        await act(current(), detail);
      } catch (problem) {
        toast(problem.message);
      }
    });
  }
}
