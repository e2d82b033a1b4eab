import { createRoot } from "react-dom/client";

import { Chat } from "./chat.jsx";

const api = import.meta.env.VITE_API ?? "http://localhost:8000";
const query = new URLSearchParams(location.search);
const id = query.get("chat") ?? crypto.randomUUID();
history.replaceState(null, "", `?chat=${encodeURIComponent(id)}`);

// What is stored of the chat, so that a page that is loaded again goes on; a new chat has nothing yet.
const stored = await fetch(`${api}/sessions/${encodeURIComponent(id)}/ui-messages`);
const messages = stored.ok ? (await stored.json()).messages : [];

createRoot(document.getElementById("root")).render(<Chat api={api} id={id} initial={messages} />);
