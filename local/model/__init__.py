"""A small real model on this machine, with an OpenAI-compatible API, in a process of its own.

It is a toy of 135 million parameters, steered by example conversations: it remembers a name, chats a little and calls
the `calculator` tool. It ignores the system prompt and all other tools. To serve it on its own:
`python -m local.model --port 8080`.
"""

from local.model.process import LocalModel, LocalModelError

__all__ = ["LocalModel", "LocalModelError"]
