"""Files that are uploaded for a session and named in its prompts: through the local gateway, and into a bucket."""

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from api.errors import UploadsUnavailableError
from api.uploads import NewUpload, find_folder, find_key
from api.uploads.bucket import BucketUploads
from api.uploads.folder import KEPT_SECONDS, FolderUploads
from local.gateway import Gateway, Owner
from local.gateway.event import ACCOUNT_ID
from session_store.identifiers import MAXIMUM_LENGTH
from tests.support.http_api import HttpApi, load_handler

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100
OWNER, OTHER = "iam:AIDA", "iam:AIDAOTHER"


def upload(client: httpx.Client, session_id: str, content: bytes = PNG, format_name: str = "png") -> str:
    """Its id."""
    described = {"format": format_name, "size_bytes": len(content)}
    made = client.post(f"/sessions/{session_id}/uploads", json=described)
    assert made.status_code == 201, made.text
    sent = httpx.request(made.json()["method"], made.json()["url"], headers=made.json()["headers"], content=content)
    assert sent.status_code == 200
    return made.json()["upload_id"]


def show(client: httpx.Client, session_id: str, upload_id: str, kind: str = "image", format_name: str = "png") -> Any:
    block = {kind: {"format": format_name, "source": {"upload": upload_id}}}
    return client.post("/process", json={"prompt": [{"text": "say: seen"}, block], "session_id": session_id})


def test_an_upload_is_shown_to_the_agent_and_stored_with_its_message(client: httpx.Client, session_id: str) -> None:
    upload_id = upload(client, session_id)
    assert show(client, session_id, upload_id).json()["response"] == "seen"
    (shown, _) = client.get(f"/sessions/{session_id}/history").json()["messages"]
    name = shown["message"]["content"][1]["image"]["source"]["bytes"]["attachment_id"]
    read = client.get(f"/sessions/{session_id}/attachments/{name}")
    assert (read.headers["Content-Type"], read.content) == ("image/png", PNG)
    assert show(client, session_id, upload_id).status_code == 200  # until it is deleted it may be named again


def test_more_than_one_request_holds_is_uploaded(client: httpx.Client, session_id: str) -> None:
    video = b"\0\0\0\x18ftypmp42" + os.urandom(6_500_000)
    upload_id = upload(client, session_id, video, "mp4")
    assert show(client, session_id, upload_id, "video", "mp4").status_code == 200
    shown = client.get(f"/sessions/{session_id}/history").json()["messages"][0]["message"]["content"]
    place = shown[1]["video"]["source"]["bytes"]
    assert place["size_bytes"] == len(video)
    assert client.get(f"/sessions/{session_id}/attachments/{place['attachment_id']}").content == video
    again = client.post("/process", json={"prompt": "say: I still know it", "session_id": session_id})
    assert again.json()["response"] == "I still know it"


def test_only_ones_own_upload_for_the_same_session_is_found(
    client: httpx.Client, scripted_gateway: Gateway, session_id: str
) -> None:
    upload_id = upload(client, session_id)
    other = scripted_gateway.listen(0, Owner("AIDAOTHER", f"arn:aws:iam::{ACCOUNT_ID}:user/other"))
    with httpx.Client(base_url=f"http://127.0.0.1:{other}", timeout=60) as stranger:
        refusals = [
            show(stranger, session_id, upload_id),
            show(client, f"{session_id}-2", upload_id),
            show(client, session_id, "0" * 32),
            show(client, session_id, f"../{upload_id}"),
            client.post("/process", json={"prompt": [{"image": {"format": "png", "source": {"upload": upload_id}}}]}),
        ]
    for refusal in refusals:
        assert refusal.status_code == 422
        (error,) = refusal.json()["errors"]
        assert error["field"] in ("prompt[1].image.source.upload", "prompt[0].image.source.upload")
        assert error["message"] == "names no upload of this session"
    assert client.get(f"/sessions/{session_id}").status_code == 404  # no run began


def test_an_upload_is_checked_by_its_content_as_bytes_are(client: httpx.Client, session_id: str) -> None:
    upload_id = upload(client, session_id)
    for refused, message in (
        (show(client, session_id, upload_id, format_name="gif"), "is no gif"),
        (
            show(client, session_id, upload(client, session_id, b"%PDF-" + b"x" * 4_000_000, "pdf")),
            "must be 1 to 3750000 bytes",
        ),
    ):
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "prompt[1].image.source.upload")
        assert refused.json()["errors"][0]["message"] == message


def test_an_address_takes_what_it_was_made_for_alone(client: httpx.Client, session_id: str) -> None:
    made = client.post(f"/sessions/{session_id}/uploads", json={"format": "png", "size_bytes": len(PNG)}).json()
    for headers, content in (({}, PNG), ({"Content-Type": "text/html"}, PNG), (made["headers"], PNG + b"x")):
        assert httpx.put(made["url"], headers=headers, content=content).status_code == 403
    assert httpx.get(made["url"]).status_code == 403
    assert httpx.put(f"{made['url']}x", headers=made["headers"], content=PNG).status_code == 403
    assert show(client, session_id, made["upload_id"]).status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"format": "bmp", "size_bytes": 1}, "format"),
        ({"format": "png", "size_bytes": 0}, "size_bytes"),
        ({"format": "png", "size_bytes": 3_750_001}, "size_bytes"),
        ({"format": "mp4", "size_bytes": "1"}, "size_bytes"),
        ({"size_bytes": 1}, "format"),
        ({"format": "png", "size_bytes": 1, "name": "x"}, "name"),
    ],
)
def test_an_upload_that_could_not_be_used_gets_no_address(client: httpx.Client, body: Any, field: str) -> None:
    answer = client.post("/sessions/s/uploads", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_a_deleted_session_takes_its_uploads_with_it(client: httpx.Client, session_id: str) -> None:
    used, unused = upload(client, session_id), upload(client, session_id)
    assert show(client, session_id, used).status_code == 200
    assert client.delete(f"/sessions/{session_id}").status_code == 204
    assert {show(client, session_id, each).status_code for each in (used, unused)} == {422}
    unused = upload(client, session_id)
    assert client.delete(f"/sessions/{session_id}").status_code == 404  # of a session that never began
    assert show(client, session_id, unused).status_code == 422


def test_what_nobody_used_is_swept_after_a_day(tmp_path: Path) -> None:
    uploads = FolderUploads(tmp_path)
    (tmp_path / "address").write_text("http://127.0.0.1:1")
    keys = [find_folder(OWNER, "s") + name for name in ("old", "new")]
    for key in keys:
        uploads.write(key, PNG)
    os.utime(tmp_path / "files" / keys[0], times=(0, tmp_path.stat().st_mtime - KEPT_SECONDS - 1))
    uploads.sign(keys[0], NewUpload("image/png", 1))
    assert [uploads.read(key, 10**6) for key in keys] == [None, PNG]


def test_without_a_place_for_them_the_answer_says_so(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION_BACKEND_URL", database_url)
    api = HttpApi(sessions=load_handler("sessions"))
    answer = api.call("POST", "/sessions/{session_id}/uploads", body={"format": "png", "size_bytes": 1}, session_id="s")
    assert (answer.status, answer.code) == (404, "uploads_not_taken")
    assert "UPLOAD_BUCKET" in answer.json["detail"]


@pytest.fixture(scope="module")
def bucket() -> Iterator[BucketUploads]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        boto3.Session().client("s3", endpoint_url=f"http://{host}:{port}").create_bucket(Bucket="uploads")
        yield BucketUploads("uploads")
    server.stop()


def test_a_bucket_takes_uploads_by_addresses_and_gives_them_back(bucket: BucketUploads) -> None:
    names = ["0" * 32, "1" * 32]
    keys = [key for owner in (OWNER, OTHER) for name in names if (key := find_key(owner, "s / ü", name))]
    for key in keys:
        url = bucket.sign(key, NewUpload("image/png", len(PNG)))
        assert httpx.put(url, headers={"Content-Type": "image/png"}, content=PNG).status_code == 200
    assert bucket.read(keys[0], 1000) == PNG
    assert bucket.read(keys[0], 5) == PNG[:6]
    bucket.delete_all(find_folder(OWNER, "s / ü"))
    assert [bucket.read(key, 1000) for key in keys] == [None, None, PNG, PNG]
    bucket.delete_all(find_folder(OWNER, "never"))


@pytest.mark.parametrize("max_bytes", [50, 1000])
def test_an_answer_of_s3_that_is_cut_off_is_no_upload(max_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "test")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{listener.getsockname()[1]}")

        def cut_off() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + PNG[:20])

        with ThreadPoolExecutor(1) as threads:
            threads.submit(cut_off)
            with pytest.raises(UploadsUnavailableError):
                BucketUploads("uploads").read("a/b/c", max_bytes)


def test_an_address_of_a_bucket_is_bound_to_type_size_and_time(bucket: BucketUploads) -> None:
    query = parse_qs(urlsplit(bucket.sign("a/b/c", NewUpload("image/png", 7))).query)
    assert query["X-Amz-SignedHeaders"] == ["content-length;content-type;host"]
    assert query["X-Amz-Expires"] == ["900"]


def test_a_key_holds_any_owner_and_session_and_no_other_ones() -> None:
    longest = "\U0001f600" * MAXIMUM_LENGTH
    keys = {find_key(owner, session, "a" * 32) for owner in (longest, OWNER) for session in (longest, "../s", "s/")}
    assert len(keys) == 6
    assert all(key and len(key.encode()) < 1024 and ".." not in key for key in keys)
    assert [find_key(OWNER, "s", name) for name in ("", "a", "../" + "a" * 29, "a" * 33)] == [None] * 4
