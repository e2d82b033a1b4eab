// What this agent is: its model, its tools, and what one may ask it first.

import { read } from "./api.js";
import { element } from "./elements.js";

let known = null; // asked once a page

const readAgent = () => (known ??= read("agent").catch((problem) => ((known = null), Promise.reject(problem))));

/** `use` gets the suggestion that one picks. Without the agent's answer there is nothing, since one may write all the same. */
export function aboutAgent(use) {
  const suggestions = element("div", { class: "suggestions" });
  const about = element("div", { class: "about" });
  readAgent().then(
    (agent) => {
      suggestions.append(...agent.suggestions.map((text) => element("button", { type: "button", onclick: () => use(text) }, text)));
      about.append(...agent.agents.map(part));
    },
    (problem) => about.append(element("p", {}, `The agent could not be asked what it is: ${problem.message}`)),
  );
  return [suggestions, about];
}

/** The agent, or one of a Graph or a Swarm. */
function part({ node, description, provider, model_id, tools, system_prompt }) {
  return element(
    "section",
    { "aria-label": node ?? "The agent" },
    node !== null && element("h3", {}, node),
    description && element("p", {}, description),
    element("p", { class: "model" }, element("code", {}, model_id), ` ${provider}`),
    tools.map(tool),
    system_prompt && folded(["System prompt"], [element("pre", { tabindex: "0" }, system_prompt)]),
  );
}

function tool({ name, description, input_schema }) {
  const [first, ...more] = description.trim().split("\n");
  return folded(
    [element("span", { class: "name" }, name), element("span", { class: "glance" }, first)],
    [element("p", {}, [first, ...more].join("\n")), element("pre", { tabindex: "0", "aria-label": `Input of ${name}` }, JSON.stringify(input_schema, null, 2))],
  );
}

const folded = (summary, content) => element("details", { class: "tool" }, element("summary", {}, summary), content);
