"""What no agent can be restored from: JSON that is not what Strands wrote, or that another hand has changed.

Each function has the decoded value, and says why; None: nothing stands in the way.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

UNREADABLE = "is no JSON object, is nested too deeply, or has a number with too many digits"
_Check = Callable[[Any], str | None]
_ROLES = ("user", "assistant")
_TEXT_OR_NONE = (str, type(None))
_PENDING_MEMBERS = {"assistant_message", "completed_tool_results"}
_INTERRUPT_MEMBERS = {"id", "name", "reason", "response"}
KEPT = "session_store.kept"
"""Our member of an agent's internal state, beside Strands' own: {"answered_interrupts", "before", "changed"}."""


def find_message_damage(body: Any) -> str | None:
    if not (_is_object(body) and _is_list(content := body.get("content")) and body.get("role") in _ROLES):
        return "must have the role user or assistant, and a list as its content"
    if not isinstance(body.get("tracking_id", ""), _TEXT_OR_NONE):
        return "must have text as its tracking_id"
    for block in content:
        if not _is_object(block):
            return "must have objects in its content"
        for name, value in block.items():
            if name == "text" and isinstance(value, str):  # most of them: it saves the call
                continue
            if (check := _BLOCKS.get(name)) and (reason := check(value)):
                return f"has a {name} that {reason}"
    return None


def find_agent_damage(state: Any, manager_state: Any, internal_state: Any) -> str | None:
    """Of the three parts of an agent; one that is None is not there to be checked."""
    named = (("state", state), ("conversation_manager_state", manager_state), ("internal_state", internal_state))
    for name, value in named:
        if value is not None and not _is_object(value):
            return f"{name} must be a JSON object"
    removed: Any = manager_state.get("removed_message_count", 0) if _is_object(manager_state) else 0
    if not isinstance(removed, int) or removed < 0:
        return "conversation_manager_state.removed_message_count must be a whole number from 0"
    internal: Mapping[str, Any] = internal_state or {}
    if "interrupt_state" in internal and (reason := _find_interrupt_damage(internal["interrupt_state"])):
        return f"internal_state.interrupt_state {reason}"
    return _find_kept_damage(internal.get(KEPT, {}))


def find_multi_agent_damage(state: Any) -> str | None:
    if not (_is_object(state) and _is_object(internal := state.get("_internal_state", {}))):
        return "must be a JSON object, and its _internal_state another"
    if "interrupt_state" not in internal:
        return None
    interrupt_state: Any = internal["interrupt_state"]
    if reason := _find_interrupt_damage(interrupt_state):
        return f"_internal_state.interrupt_state {reason}"
    for node in interrupt_state.get("context", {}).values():
        own = node.get("interrupt_state") if _is_object(node) else None
        if own is not None and (reason := _find_interrupt_damage(own)):
            return f"_internal_state.interrupt_state.context has a node with an interrupt_state that {reason}"
    return None


def _find_interrupt_damage(state: Any) -> str | None:
    if state == {}:  # of an agent that has none; Strands does not write it, other clients do
        return None
    if not (_is_object(state) and _has(state, interrupts=dict, context=dict, activated=bool)):
        return "must have the objects interrupts and context, and activated"
    for interrupt in state["interrupts"].values():
        if not (_is_object(interrupt) and _has(interrupt, id=str, name=str)):
            return "must have interrupts with an id and a name"
        if not interrupt.keys() <= _INTERRUPT_MEMBERS:
            return "must have interrupts with nothing but id, name, reason and response"
    pending = state.get("pending_tool_execution")
    return None if pending is None else _find_pending_damage(pending)


def _find_pending_damage(pending: Any) -> str | None:
    if not (_is_object(pending) and pending.keys() == _PENDING_MEMBERS and _has(pending, completed_tool_results=list)):
        return "must have a pending_tool_execution of assistant_message and completed_tool_results"
    if reason := find_message_damage(pending["assistant_message"]):
        return f"has a pending assistant_message that {reason}"
    for result in pending["completed_tool_results"]:
        if reason := _find_tool_result_damage(result):
            return f"has a pending tool result that {reason}"
    return None


def _find_kept_damage(kept: Any) -> str | None:
    where = f"internal_state.{KEPT}"
    nothing: dict[str, Any] = {"answered_interrupts": [], "before": [], "changed": {}}
    members = nothing | kept if _is_object(kept) else {}
    if not _has(members, answered_interrupts=list, before=list, changed=dict):
        return f"{where} must have lists as answered_interrupts and before, and an object as changed"
    if not all(isinstance(name, str) for name in members["answered_interrupts"]):
        return f"{where}.answered_interrupts must have texts"
    if not all(name.isascii() and name.isdigit() for name in members["changed"]):
        return f"{where}.changed must have the ids of messages as its names"
    for message in (*members["before"], *members["changed"].values()):
        if reason := find_message_damage(message):
            return f"{where} has a message that {reason}"
    return None


def _find_text_damage(value: Any) -> str | None:
    return None if isinstance(value, str) else "must be text"


def _find_object_damage(value: Any) -> str | None:
    return None if _is_object(value) else "must be an object"


def _find_tool_use_damage(value: Any) -> str | None:
    if _is_object(value) and isinstance(value.get("toolUseId"), str) and isinstance(value.get("name"), str):
        return None
    return "must be an object with a toolUseId and a name"


def _find_tool_result_damage(value: Any) -> str | None:
    if not (
        _is_object(value) and isinstance(value.get("toolUseId"), str) and _is_list(content := value.get("content"))
    ):
        return "must be an object with a toolUseId and a list as its content"
    return None if all(map(_is_object, content)) else "must have objects in its content"


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _has(value: Mapping[str, Any], **kinds: type) -> bool:
    return all(isinstance(value.get(name), kind) for name, kind in kinds.items())


_BLOCKS: dict[str, _Check] = {
    "text": _find_text_damage,
    "toolUse": _find_tool_use_damage,
    "toolResult": _find_tool_result_damage,
    **dict.fromkeys(
        ("reasoningContent", "citationsContent", "image", "document", "video", "audio", "guardContent", "cachePoint"),
        _find_object_damage,
    ),
}
