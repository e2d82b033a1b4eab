"""Memories: what agents know about the caller across sessions, to read and to have forgotten."""

import json

from api import answers
from api.call import Call
from api.operation import Link, Operation
from api.parameters import CURSOR, LIMIT, path_identifier
from api.response import Response, json_response, no_content
from session_store.errors import CursorNotFoundError, MemoryNotFoundError
from session_store.records import MemoryRecord

MEMORY_ID = path_identifier("memory_id", "The memory, as the list names it.")


def list_memories(call: Call) -> Response:
    page = call.store.memories.list(call.owner, limit=call[LIMIT], cursor=call[CURSOR])
    answer: answers.MemoryList = {
        "memories": [_describe(memory) for memory in page.memories],
        "next_cursor": page.next_cursor,
    }
    return json_response(answer)


def delete_memory(call: Call) -> Response:
    call.store.memories.delete(call.owner, call[MEMORY_ID])
    return no_content()


def delete_memories(call: Call) -> Response:
    call.store.memories.delete_all(call.owner)
    return no_content()


def _describe(memory: MemoryRecord) -> answers.Memory:
    return {
        "memory_id": memory.memory_id,
        "store_name": memory.store_name,
        "content": memory.content,
        "metadata": json.loads(memory.metadata),
        "created_at": memory.created_at,
        "updated_at": memory.updated_at,
    }


OPERATIONS = (
    Operation(
        operation_id="listMemories",
        method="GET",
        path="/memories",
        handle=list_memories,
        summary="List what agents remember about you",
        description="Across your sessions, newest first. Empty unless `build_agent` uses a memory.",
        parameters=[LIMIT, CURSOR],
        answer=answers.MemoryList,
        example={
            "memories": [
                {
                    "memory_id": "5f0c1c1e-0d0f-4b47-9a53-3f6f2f7d3c11",
                    "store_name": "memories",
                    "content": "The user's name is Alice",
                    "metadata": {},
                    "created_at": "2026-11-22T10:00:00+00:00",
                    "updated_at": "2026-11-22T10:00:00+00:00",
                }
            ],
            "next_cursor": None,
        },
        links=[
            Link("listMemories", "cursor", "/next_cursor"),
            Link("deleteMemory", "memory_id", "/memories/0/memory_id"),
        ],
        errors=[CursorNotFoundError],
    ),
    Operation(
        operation_id="deleteMemory",
        method="DELETE",
        path="/memories/{memory_id}",
        handle=delete_memory,
        summary="Have one memory forgotten",
        parameters=[MEMORY_ID],
        status=204,
        errors=[MemoryNotFoundError],
    ),
    Operation(
        operation_id="deleteMemories",
        method="DELETE",
        path="/memories",
        handle=delete_memories,
        summary="Have all memories forgotten",
        description="Of every store. Your sessions stay.",
        status=204,
    ),
)
