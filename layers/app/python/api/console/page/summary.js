// The turn in one line, below its answer.

import { element } from "./elements.js";
import { counted, duration } from "./times.js";

export function summary({ timings, usage, stop_reason }) {
  const parts = timings
    ? [duration(timings.total_ms), `first token after ${duration(timings.first_token_ms)}`, counted(timings.round_trips, "round trip")]
    : [];
  parts.push(counted(usage.total_tokens, "token"));
  if (stop_reason !== "end_turn") parts.push(stop_reason.replaceAll("_", " "));
  return element("p", { class: "summary" }, parts.join(" · "));
}
