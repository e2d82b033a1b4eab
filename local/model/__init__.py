"""A small real model on this machine, OpenAI-compatible, in a process of its own.

It is a toy of 135 million parameters, steered by example conversations: it remembers a name, chats a little and asks
for the `calculator` tool. It reads no system prompt and knows no other tool. `python -m local.model --port 8080`
serves it by itself.
"""

from local.model.process import LocalModel, LocalModelError

__all__ = ["LocalModel", "LocalModelError"]
