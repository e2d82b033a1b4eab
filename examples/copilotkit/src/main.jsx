import "@copilotkit/react-core/v2/styles.css";

import { HttpAgent } from "@ag-ui/client";
import { CopilotChat, CopilotKitProvider, useAgentContext, useFrontendTool } from "@copilotkit/react-core/v2";
import { createRoot } from "react-dom/client";
import { z } from "zod";

const api = import.meta.env.VITE_API ?? "http://localhost:8000";
const agent = new HttpAgent({ url: `${api}/ag-ui` });

function Page() {
  useAgentContext({ description: "The user's language", value: navigator.language });
  useFrontendTool({
    name: "paint",
    description: "Give the page a background.",
    parameters: z.object({ color: z.string().describe("A color of CSS") }),
    handler: async ({ color }) => {
      document.body.style.backgroundColor = color;
      return `The page is ${color} now.`;
    },
  });
  return <CopilotChat agentId="default" />;
}

createRoot(document.getElementById("root")).render(
  <CopilotKitProvider selfManagedAgents={{ default: agent }}>
    <Page />
  </CopilotKitProvider>,
);
