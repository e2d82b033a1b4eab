"""Where in a stored history a stock client's own list of messages ends."""

from collections.abc import Collection, Iterable, Iterator
from itertools import chain
from typing import Any

from api.call import Call
from session_store.encoding import decode
from session_store.errors import InvalidInputError
from session_store.message_pieces import read_messages
from session_store.records import AgentRecord, BegunRun, FindMessage, MessageRecord
from turns.projections.stored_messages import has_results, read_ids, read_words

# Of a client that shares no id with what is stored: such a list is taken for the end of the history.
_MAXIMUM_READ = 1_000


def find_rewind(call: Call, session_id: str, held: Collection[str], prompt_id: str | None) -> FindMessage:
    """What finds the message before which a turn goes on, as soon as that has begun: until then others may write.

    held: the ids of the messages before the prompt. A prompt that is stored already is asked again. A list that ends
    before the history's last question drops what follows. It raises `InvalidInputError` where that question is words
    which followed the result of a tool's call: no history ends between the two.
    """

    def find(begun: BegunRun) -> int | None:
        return _find(_newest_first(call, session_id, begun), held, prompt_id)

    return find


def _find(
    newest_first: Iterable[tuple[int, dict[str, Any]]], held: Collection[str], prompt_id: str | None
) -> int | None:
    following: tuple[int, dict[str, Any]] | None = None
    for numbered in newest_first:
        ids = read_ids(numbered[1])
        if prompt_id is not None and prompt_id in ids:
            return _checked(numbered)
        if not ids.isdisjoint(held):
            return _checked(following) if following else None
        if read_words(numbered[1]) is not None:
            following = numbered
    return None


def _checked(question: tuple[int, dict[str, Any]]) -> int:
    message_id, message = question
    if has_results(message):
        raise InvalidInputError("messages", "must not go back to words that came with the result of a tool's call")
    return message_id


def _newest_first(call: Call, session_id: str, begun: BegunRun) -> Iterator[tuple[int, dict[str, Any]]]:
    """Mostly the first one is what is looked for."""
    if begun.agent is None:
        return
    for record in chain(reversed(begun.messages), _before_the_window(call, session_id, begun, begun.agent)):
        yield record.message_id, decode(record.message)


def _before_the_window(call: Call, session_id: str, begun: BegunRun, agent: AgentRecord) -> Iterator[MessageRecord]:
    end = begun.messages[0].message_id if begun.messages else agent.message_count
    limit = _MAXIMUM_READ - len(begun.messages)
    if end == 0 or limit <= 0:
        return
    place = call.owner, session_id, agent.agent_id
    for record in read_messages(call.store.messages, *place, from_message_id=end - 1, limit=limit, order="desc"):
        if isinstance(record, MessageRecord):
            yield record
