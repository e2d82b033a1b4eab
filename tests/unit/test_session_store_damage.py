"""What no agent can be restored from is found, whatever stands in its place."""

from typing import Any

import pytest

from session_store.damage import find_agent_damage, find_message_damage, find_multi_agent_damage

INACTIVE = {"interrupts": {}, "context": {}, "activated": False}
PENDING = {
    "assistant_message": {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "n", "input": {}}}]},
    "completed_tool_results": [{"toolUseId": "t", "status": "success", "content": [{"text": "x"}]}],
}


def said(*blocks: Any, role: str = "assistant", **members: Any) -> dict[str, Any]:
    return {"role": role, "content": list(blocks), **members}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (5, "a list as its content"),
        ({"role": "assistant"}, "a list as its content"),
        (said(role="system"), "must have the role"),
        (said([]), "objects in its content"),
        (said({"text": 5}), "a text that must be text"),
        (said({"text": b"x"}), "a text that must be text"),
        (said({"toolUse": 5}), "toolUse that must be an object with a toolUseId"),
        (said({"toolUse": {"name": "x"}}), "toolUse"),
        (said({"toolResult": {"content": []}}), "toolResult"),
        (said({"toolResult": {"toolUseId": "t", "content": [5]}}), "toolResult"),
        (said({"reasoningContent": 7}), "reasoningContent"),
        (said({"citationsContent": 7}), "citationsContent"),
        (said({"text": "x"}, tracking_id={}), "tracking_id"),
    ],
)
def test_a_damaged_message_says_what_is_wrong_with_it(body: Any, reason: str) -> None:
    assert reason in (find_message_damage(body) or "")


@pytest.mark.parametrize(
    "body",
    [
        said(),
        said({"text": ""}, {"unknown": 5}, role="user", tracking_id="t", metadata={}),
        said({"toolUse": {"toolUseId": "t", "name": "n"}}),
        said({"image": {"format": "png", "source": {"bytes": b"x"}}}),
    ],
)
def test_a_whole_message_is_not_damaged(body: Any) -> None:
    assert find_message_damage(body) is None


@pytest.mark.parametrize(
    ("internal_state", "reason"),
    [
        ([], "internal_state must be"),
        ({"interrupt_state": []}, "interrupts"),
        ({"interrupt_state": "x"}, "interrupts"),
        ({"interrupt_state": {**INACTIVE, "interrupts": {"a": 5}}}, "an id and a name"),
        ({"interrupt_state": {**INACTIVE, "interrupts": {"a": {"id": "a", "name": "n", "more": 1}}}}, "nothing but"),
        ({"interrupt_state": {**INACTIVE, "pending_tool_execution": {}}}, "pending_tool_execution"),
        (
            {"interrupt_state": {**INACTIVE, "pending_tool_execution": {**PENDING, "completed_tool_results": [{}]}}},
            "pending tool result",
        ),
        ({"session_store.kept": []}, "answered_interrupts"),
        ({"session_store.kept": {"before": [5]}}, "a message that"),
        ({"session_store.kept": {"changed": {"x": said()}}}, "the ids of messages"),
    ],
)
def test_a_damaged_agent_says_what_is_wrong_with_it(internal_state: Any, reason: str) -> None:
    assert reason in (find_agent_damage({}, {}, internal_state) or "")


def test_the_other_parts_of_an_agent_are_looked_at() -> None:
    assert "state must be" in (find_agent_damage([], {}, {}) or "")
    for removed in (-5, "x", None):
        assert "removed_message_count" in (find_agent_damage({}, {"removed_message_count": removed}, {}) or "")


def test_whole_agents_are_not_damaged() -> None:
    waiting = {**INACTIVE, "activated": True, "interrupts": {"a": {"id": "a", "name": "n"}}}
    for state in ({}, INACTIVE, waiting, {**waiting, "pending_tool_execution": PENDING}):
        assert find_agent_damage({}, {"removed_message_count": 3}, {"interrupt_state": state}) is None
    assert find_agent_damage(None, None, None) is None


def test_a_damaged_multi_agent_says_what_is_wrong_with_it() -> None:
    assert find_multi_agent_damage({"id": "g", "_internal_state": {"interrupt_state": INACTIVE}}) is None
    node = {"n": {"interrupt_state": {"interrupts": 5}}}
    for state in (5, {"_internal_state": 5}, {"_internal_state": {"interrupt_state": {**INACTIVE, "context": node}}}):
        assert find_multi_agent_damage(state)
