"""The bytes in a message, whose place its history shows."""

from http import HTTPStatus

from api.attachments import find_attachment, parse_attachment_id
from api.call import Call
from api.media_formats import OTHER
from api.operation import Operation
from api.operations.sessions import AGENT_ID
from api.parameters import SESSION_ID, path_identifier
from api.response import Response
from session_store.errors import AttachmentNotFoundError

ATTACHMENT_ID = path_identifier("attachment_id", "As the history names it.")
_HEADERS = {
    # What a caller has sent is never a page of this origin.
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}


def read_attachment(call: Call) -> Response:
    attachment_id = call[ATTACHMENT_ID]
    message_id = parse_attachment_id(attachment_id)
    record = call.store.messages.read(
        call.owner, call[SESSION_ID], call[AGENT_ID] or call.settings.agent_id, message_id
    )
    found = find_attachment(record.message, attachment_id) if record else None
    if found is None:
        raise AttachmentNotFoundError(attachment_id)
    headers = {
        **_HEADERS,
        "Content-Type": found.media_type,
        "Content-Disposition": f'attachment; filename="{found.file_name}"',
    }
    return Response(HTTPStatus.OK, headers, found.content)


OPERATIONS = (
    Operation(
        operation_id="readAttachment",
        method="GET",
        path="/sessions/{session_id}/attachments/{attachment_id}",
        handle=read_attachment,
        summary="Read an image, a document or a video of a message",
        description="Its bytes.",
        parameters=[SESSION_ID, ATTACHMENT_ID, AGENT_ID],
        answer=OTHER,
        headers={"Content-Disposition": "`attachment`, and a file name."},
        errors=[AttachmentNotFoundError],
    ),
)
