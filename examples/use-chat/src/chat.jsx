import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";
import { useState } from "react";

export function Chat({ api, id, initial }) {
  const [words, setWords] = useState("");
  const chat = useChat({
    id,
    messages: initial,
    resume: true,
    transport: new DefaultChatTransport({ api: `${api}/chat` }),
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  });
  const send = (event) => {
    event.preventDefault();
    chat.sendMessage({ text: words });
    setWords("");
  };
  return (
    <main>
      {chat.messages.map((message) => (
        <section key={message.id} data-role={message.role}>
          {message.parts.map((part, index) => (
            <Part key={index} part={part} decide={chat.addToolApprovalResponse} />
          ))}
        </section>
      ))}
      {chat.error && <p role="alert">{chat.error.message}</p>}
      <form onSubmit={send}>
        <input aria-label="Message" value={words} onChange={(event) => setWords(event.target.value)} />
        <button disabled={!words.trim()}>Send</button>
        <button type="button" onClick={chat.stop} disabled={chat.status === "ready"}>
          Stop
        </button>
      </form>
    </main>
  );
}

function Part({ part, decide }) {
  if (part.type === "text") return <p>{part.text}</p>;
  if (part.type === "reasoning") return <p className="reasoning">{part.text}</p>;
  if (!part.toolCallId) return null;
  const name = part.type.slice("tool-".length);
  if (part.state !== "approval-requested")
    return (
      <p>
        <code>
          {name}({JSON.stringify(part.input)})
        </code>{" "}
        {part.output ?? part.errorText ?? "…"}
      </p>
    );
  const answer = (approved) => () => decide({ id: part.approval.id, approved });
  return (
    <p>
      May <code>{name}</code> run with {JSON.stringify(part.input)}? <button onClick={answer(true)}>Yes</button>{" "}
      <button onClick={answer(false)}>No</button>
    </p>
  );
}
