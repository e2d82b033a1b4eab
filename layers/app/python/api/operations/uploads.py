"""Addresses to upload files to, which prompts then name."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from api import answers
from api.call import Call
from api.content_blocks import KINDS
from api.errors import (
    InvalidRequestError,
    MalformedRequestError,
    PayloadTooLargeError,
    UnsupportedMediaTypeError,
    UploadsNotTakenError,
    UploadsUnavailableError,
)
from api.media_formats import FORMATS
from api.operation import Body, Operation
from api.parameters import SESSION_ID
from api.request_schemas import UploadDescription
from api.response import Response, json_response
from api.uploads import VALID_SECONDS, NewUpload, find_folder, new_upload_id


def create_upload(call: Call) -> Response:
    if call.uploads is None:
        raise UploadsNotTakenError
    upload, upload_id = _parse(call), new_upload_id()
    url = call.uploads.sign(find_folder(call.owner, call[SESSION_ID]) + upload_id, upload)
    expires_at = datetime.now(UTC) + timedelta(seconds=VALID_SECONDS)
    answer: answers.Upload = {
        "upload_id": upload_id,
        "method": "PUT",
        "url": url,
        "headers": {"Content-Type": upload.media_type},
        "expires_at": expires_at.isoformat(timespec="seconds"),
    }
    return json_response(answer, HTTPStatus.CREATED)


def _parse(call: Call) -> NewUpload:
    body = call.document().refuse_others(UploadDescription.properties)
    format_name = body.one_of("format", tuple(FORMATS))
    size_bytes = body.whole_number("size_bytes")
    max_bytes = next(kind.max_bytes for kind in KINDS.values() if format_name in kind.formats)
    if not 1 <= size_bytes <= max_bytes:
        raise InvalidRequestError([("size_bytes", f"must be 1 to {max_bytes} for {format_name}")])
    return NewUpload(FORMATS[format_name].media_type, size_bytes)


OPERATIONS = (
    Operation(
        operation_id="createUpload",
        method="POST",
        path="/sessions/{session_id}/uploads",
        handle=create_upload,
        summary="Get an address to upload a file to",
        description="For an image, a document or a video that is too large for a request. PUT it to `url` with these "
        "`headers`, exactly `size_bytes` long, before `expires_at`; then name it in a content block of a prompt in "
        'this session: `"source": {"upload": "<upload_id>"}`; `/ag-ui` and `/chat` have forms of their own for it. The '
        "session need not exist yet. An upload is deleted "
        "after a day, and with the session; what a prompt has named is stored with its message.",
        parameters=[SESSION_ID],
        body=Body(UploadDescription, {"a document": {"format": "pdf", "size_bytes": 4_000_000}}),
        answer=answers.Upload,
        example={
            "upload_id": "5b0c1a4e5f6d4e0f8a5d2c3b4a596877",
            "method": "PUT",
            "url": "https://uploads.s3.eu-central-1.amazonaws.com/8f43/0a1b/5b0c?X-Amz-Signature=9f2c",
            "headers": {"Content-Type": "application/pdf"},
            "expires_at": "2026-11-26T10:15:00+00:00",
        },
        status=201,
        errors=[
            MalformedRequestError,
            UnsupportedMediaTypeError,
            PayloadTooLargeError,
            UploadsNotTakenError,
            UploadsUnavailableError,
        ],
    ),
)
