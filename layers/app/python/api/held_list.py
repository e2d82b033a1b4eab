"""Where in a stored history a stock client's own list of messages ends."""

from collections.abc import Collection, Iterator
from typing import Any

from api.call import Call
from session_store.encoding import decode
from session_store.errors import NotFoundError
from session_store.message_pieces import read_messages
from session_store.records import MessageRecord
from turns.projections.stored_messages import is_prompt

_LAST = 10**15
# Of a client that shares no id with what is stored: such a list is taken for the end of the history.
_MAXIMUM_READ = 1_000
_FIRST_PAGE = 2


def find_rewind(call: Call, session_id: str, held: Collection[str], prompt_id: str | None) -> int | None:
    """The message before which a turn goes on; None at the end of the history.

    held: the ids of the messages before the prompt. A prompt that is stored already is asked again. A list that ends
    before the history's last question drops what follows.
    """
    following: int | None = None
    for message_id, message in _read_newest(call, session_id):
        tracking_id = message.get("tracking_id")
        if tracking_id == prompt_id and prompt_id is not None:
            return message_id
        if tracking_id in held:
            return following
        if is_prompt(message):
            following = message_id
    return None


def _read_newest(call: Call, session_id: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Mostly the first one is what is looked for."""
    place, start = (call.owner, session_id, call.settings.agent_id), _LAST
    for limit in (_FIRST_PAGE, _MAXIMUM_READ):
        try:
            records = list(read_messages(call.store.messages, *place, from_message_id=start, limit=limit, order="desc"))
        except NotFoundError:
            return
        for record in records:
            if isinstance(record, MessageRecord):
                yield record.message_id, decode(record.message)
        if len(records) < limit:
            return
        start = records[-1].message_id - 1
