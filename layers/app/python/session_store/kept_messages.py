"""What an agent held in the end, told apart from what is stored, so that the next turn restores it.

Most of what an agent holds is the end of its stored history. The rest is kept beside it: messages before it that are no
part of it, such as pinned ones or a snapshot's, and stored messages that the agent changed for itself.
"""

import json
import marshal
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from strands.types.content import Message
from strands.types.session import SessionMessage

from .encoding import batched, decode_all, encode
from .history import is_prompt

_WITHOUT_REFERENCES = 2
"""A version of marshal's in which equal values are equal bytes, whatever shares its parts."""


class KeptMessages(NamedTuple):
    """An agent's messages: `before`, then the stored ones from `first_id`; `changed` has its version of some, by id."""

    first_id: int
    before: list[Message]
    changed: dict[int, Message]


class _Index:
    """Stored messages and their texts by id, and the ids by what an agent may hold of them."""

    def __init__(self) -> None:
        self.messages: dict[int, Message] = {}
        self.texts: dict[int, str] = {}
        self.by_object: dict[int, int] = {}
        self.by_tracking_id: dict[str, int] = {}

    def add(self, ids: Sequence[int], messages: Sequence[Message], texts: Sequence[str]) -> None:
        self.messages.update(zip(ids, messages, strict=True))
        self.texts.update(zip(ids, texts, strict=True))
        self.by_object.update(zip(map(id, messages), ids, strict=True))
        for message_id, message in zip(ids, messages, strict=True):
            if "tracking_id" in message:
                self.by_tracking_id[message["tracking_id"]] = message_id


class KnownMessages:
    """The stored messages that a run has seen of one agent, restored or appended.

    They are indexed when that is needed: a long history is restored in less time.
    """

    def __init__(self) -> None:
        self._added: list[tuple[Sequence[int], Sequence[Message], Sequence[str]]] = []
        self._indexed = _Index()
        self._redacted: set[int] = set()

    def add(self, messages: Sequence[SessionMessage], texts: Sequence[str]) -> None:
        """texts: their stored bodies."""
        ids, held = [each.message_id for each in messages], [each.to_message() for each in messages]
        self._added.append((ids, held, texts))
        self._redacted.update(each.message_id for each in messages if each.redact_message is not None)

    @property
    def _index(self) -> _Index:
        while self._added:
            self._indexed.add(*self._added.pop(0))
        return self._indexed

    def id_of(self, message: Message) -> int | None:
        index = self._index
        message_id = index.by_object.get(id(message))
        return index.by_tracking_id.get(message.get("tracking_id", "")) if message_id is None else message_id

    def is_redacted(self, message_id: int) -> bool:
        return message_id in self._redacted

    def is_end(self, message_id: int) -> bool:
        return message_id not in self._index.messages

    def question_before(self, message_id: int) -> Message | None:
        """The user's prompt that the message belongs to, unless it is one itself."""
        messages = self._index.messages
        known = messages.get(message_id)
        if known is None or is_prompt(known):
            return None
        earlier = range(message_id - 1, min(messages) - 1, -1)
        return next((messages[number] for number in earlier if is_prompt(messages[number])), None)

    def as_redacted(self, message: Message) -> Message:
        """What was taken back stays so, whatever an agent still holds."""
        message_id = self.id_of(message)
        if message_id is None or message_id not in self._redacted:
            return message
        return self._index.messages[message_id]

    def find_changed(self, held: Mapping[int, Message]) -> dict[int, Message]:
        """Those that are not what is stored under their ids; of what was redacted, none."""
        changed: dict[int, Message] = {}
        for some in batched([each for each in held.items() if each[0] not in self._redacted]):
            if not self._are_untouched(some):
                changed.update(each for each in some if self._is_changed(*each))
        return changed

    def _is_changed(self, message_id: int, message: Message) -> bool:
        if self._are_untouched([(message_id, message)]):
            return False
        return all(text != self._index.texts[message_id] for text in _spellings(message))

    def _are_untouched(self, messages: Sequence[tuple[int, Message]]) -> bool:
        """To parse what is stored takes a quarter of the time that it takes to write messages as JSON again."""
        stored: list[Message] = decode_all([self._index.texts[message_id] for message_id, _ in messages])
        held = [
            message if "tracking_id" in before else _without_tracking_id(message)
            for before, (_, message) in zip(stored, messages, strict=True)
        ]
        return _is_same(stored, held)


def compare(
    held: Sequence[Message], known: KnownMessages, next_id: int, changed: Mapping[int, Message] | None
) -> KeptMessages:
    """changed: the stored messages that the agent has changed, by id, as far as is known; None to look for them."""
    start, first_id = len(held), next_id
    while start and known.id_of(held[start - 1]) == first_id - 1:
        start, first_id = start - 1, first_id - 1
    before = [known.as_redacted(message) for message in held[:start]]
    question = None if before else known.question_before(first_id)
    stored = dict(zip(range(first_id, next_id), held[start:], strict=True))
    if changed is None:
        changed = known.find_changed(stored)
    still_changed = {number: message for number, message in changed.items() if number in stored}
    return KeptMessages(first_id, [question] if question else before, still_changed)


def _is_same(values: Any, others: Any) -> bool:
    """Whether they are the same values of the same types in the same order; False for what marshal does not take."""
    try:
        return marshal.dumps(values, _WITHOUT_REFERENCES) == marshal.dumps(others, _WITHOUT_REFERENCES)
    except ValueError:
        return False


def _spellings(message: Message) -> Iterable[str]:
    """Ours and other clients'."""
    yield encode("message", message)
    for value in (_without_tracking_id(message), message):
        yield encode("message", value)
        yield json.dumps(value, default=repr)
        yield json.dumps(value, default=repr, ensure_ascii=False)


def _without_tracking_id(message: Message) -> Mapping[str, Any]:
    """As it was before Strands gave it one."""
    return {name: value for name, value in message.items() if name != "tracking_id"}


def dump_kept(kept: KeptMessages) -> dict[str, Any]:
    changed = {str(number): message for number, message in kept.changed.items()}
    return {name: value for name, value in (("before", kept.before), ("changed", changed)) if value}
