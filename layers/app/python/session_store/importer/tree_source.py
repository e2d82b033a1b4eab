"""What `FileSessionManager` and `S3SessionManager`, and Strands' own storages, leave in a folder or a bucket."""

import json
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any

from .source import DamagedError, Json, SourceSession
from .trees import Tree

_NAMESPACES = ("session/", "context/", "memory/")
_SESSION = re.compile(r"session_([^/]+)/")
_AGENT = re.compile(r"agents/agent_([^/]+)/agent\.json")
_MESSAGE = re.compile(r"agents/agent_([^/]+)/messages/message_(\d+)\.json")
_MULTI_AGENT = re.compile(r"multi_agents/multi_agent_([^/]+)/multi_agent\.json")


class TreeSource:
    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def list_session_ids(self) -> Iterable[str]:
        return sorted(self._paths)

    def read_session(self, session_id: str) -> SourceSession:
        folder, paths = f"session_{session_id}/", self._paths[session_id]
        if "session.json" not in paths:
            raise DamagedError("it has no session.json")
        messages: dict[str, dict[int, Json]] = {}
        agents: dict[str, Json] = {}
        multi_agents: dict[str, Json] = {}
        for path in paths:
            if match := _MESSAGE.fullmatch(path):
                messages.setdefault(match[1], {})[int(match[2])] = self._read_json(folder + path)
            elif match := _AGENT.fullmatch(path):
                agents[match[1]] = self._read_json(folder + path)
            elif match := _MULTI_AGENT.fullmatch(path):
                multi_agents[match[1]] = self._read_json(folder + path)
        session = self._read_json(folder + "session.json")
        in_order = {agent_id: [own[number] for number in sorted(own)] for agent_id, own in messages.items()}
        return SourceSession(session, agents, in_order, multi_agents)

    def list_keys(self) -> Iterable[str]:
        return [path for path in self._all_paths if path.startswith(_NAMESPACES)]

    def read_value(self, key: str) -> bytes:
        return self._tree.read(key)

    @cached_property
    def _all_paths(self) -> list[str]:
        return sorted(self._tree.list())

    @cached_property
    def _paths(self) -> dict[str, list[str]]:
        """By session id, below the session's folder."""
        paths: dict[str, list[str]] = {}
        for path in self._all_paths:
            if match := _SESSION.match(path):
                paths.setdefault(match[1], []).append(path[match.end() :])
        return paths

    def _read_json(self, path: str) -> Any:
        try:
            return json.loads(self._tree.read(path))
        except (ValueError, RecursionError) as error:
            raise DamagedError(f"{path} is not JSON: {error}") from error
