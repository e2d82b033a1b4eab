"""An agent behind FastAPI, its conversations in PostgreSQL."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from strands import Agent
from strands.models import BedrockModel

from session_store import PostgreSQLSessionRepository, Run, SessionBusyError, SessionNotFoundError

OWNER = "default"  # the name of the caller, as your authentication has verified it


class Turn(BaseModel):
    prompt: str


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with repository:
        yield


repository = PostgreSQLSessionRepository(owner=OWNER)
app = FastAPI(lifespan=lifespan)


def build_model() -> Any:
    """`MODEL=package.module:function` takes another one than Bedrock's."""
    module, _, function = os.environ.get("MODEL", "").partition(":")
    return getattr(import_module(module), function)() if module else BedrockModel()


def build_agent(run: Run) -> Agent:
    return Agent(model=build_model(), session_manager=run.session_manager, callback_handler=None)


@app.post("/sessions/{session_id}/turns")
async def hold_turn(session_id: str, turn: Turn) -> dict[str, str]:
    """The answer is given only after it is stored."""
    try:
        async with repository.run(session_id) as run:
            answer = str(await build_agent(run).invoke_async(turn.prompt)).strip()
    except SessionBusyError as error:
        raise HTTPException(409, str(error), {"Retry-After": str(int(error.retry_after_seconds) + 1)}) from error
    return {"session_id": session_id, "answer": answer}


@app.post("/sessions/{session_id}/stream")
async def stream_turn(session_id: str, turn: Turn) -> StreamingResponse:
    """The words as they come; a caller who leaves ends the run."""

    async def words() -> AsyncIterator[str]:
        async with repository.run(session_id) as run:
            async for event in build_agent(run).stream_async(turn.prompt):
                if "data" in event:
                    yield event["data"]

    return StreamingResponse(words(), media_type="text/plain")


@app.delete("/sessions/{session_id}", status_code=204)
def delete_session(session_id: str) -> None:
    try:
        repository.delete_session(session_id)
    except SessionNotFoundError as error:
        raise HTTPException(404, str(error)) from error


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}
