"""Tests of the agent as it is shipped: where it has been replaced, they have nothing to say and are yours to delete."""

from agent import agent, tools

SHIPPED = {"calculator", "current_time", "remember_note", "list_notes", "MAX_NOTES", "MAX_NOTE_CHARACTERS"}
is_shipped = set(dir(tools)) >= SHIPPED and getattr(agent, "TOOLS", None) is tools.TOOLS

collect_ignore = [] if is_shipped else ["test_agent.py", "test_tools.py"]
