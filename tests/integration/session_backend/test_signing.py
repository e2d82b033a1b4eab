"""How the HTTP transport signs what it sends."""

import hashlib
import hmac
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from session_store.errors import (
    ConfigurationError,
)
from session_store.http import HttpStore
from session_store.http.signing import region_of
from session_store.settings import StoreSettings
from tests.contract.records import session
from tests.support.relay import Relay

OWNER = "alice"


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("abc.execute-api.eu-west-1.amazonaws.com", "eu-west-1"),
        ("abc-vpce-1.execute-api.us-east-1.amazonaws.com", "us-east-1"),
        ("abc.execute-api.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("execute-api.eu-west-1.amazonaws.com", None),
        ("abc.execute-api.eu-west-1.amazonaws.com.example.org", None),
        ("localhost", None),
    ],
)
def test_api_gateways_own_host_names_tell_their_region(host: str, region: str | None) -> None:
    assert region_of(host) == region


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a/token==")
    return "AKIDEXAMPLE", "wJalrXUtnFEMI"


def signature_of(request: tuple[str, str, dict[str, str], bytes], secret: str) -> str:
    """Signature Version 4 by docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html."""
    method, target, headers, body = request
    values = {name.lower(): value.strip() for name, value in headers.items()}
    scope, names = re.findall(r"Credential=[^/]+/([^,]+), SignedHeaders=([^,]+)", values["authorization"])[0]
    url = urlsplit(target)
    query = "&".join(sorted(url.query.split("&"))) if url.query else ""
    signed = "".join(f"{name}:{values[name]}\n" for name in names.split(";"))
    canonical = "\n".join([method, url.path, query, signed, names, hashlib.sha256(body).hexdigest()])
    text = "\n".join(["AWS4-HMAC-SHA256", values["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), "sha256").hexdigest()


@pytest.mark.parametrize("session_id", ["user-123", "a/b ? käse 🧀", "../x", "%2F"])
def test_a_signed_request_is_signed_as_it_is_sent(relay: Relay, credentials: tuple[str, str], session_id: str) -> None:
    store = HttpStore(StoreSettings(url=relay.url, sign_requests=True, region="eu-west-1"))
    store.sessions.create("al/ice", session(session_id))
    store.sessions.list("al/ice", limit=3)
    store.sessions.delete("al/ice", session_id)
    store.close()
    assert len(relay.requests) == 3
    for request in relay.requests:
        authorization = request[2]["Authorization"]
        assert "Credential=AKIDEXAMPLE/" in authorization
        assert "/eu-west-1/execute-api/aws4_request" in authorization
        assert authorization.endswith(f"Signature={signature_of(request, credentials[1])}")
        assert request[2]["X-Amz-Security-Token"] == "a/token=="


def test_who_is_not_told_to_sign_signs_nothing(relay: Relay, credentials: tuple[str, str], store: HttpStore) -> None:
    store.sessions.read(OWNER, "s")
    assert "Authorization" not in relay.requests[0][2]


def test_signing_needs_a_region_and_credentials(monkeypatch: pytest.MonkeyPatch, credentials: tuple[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="AWS_REGION"):
        HttpStore(StoreSettings(url="https://api.example.org", sign_requests=True))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(ConfigurationError, match="no AWS credentials"):
        HttpStore(StoreSettings(url="https://abc.execute-api.eu-west-1.amazonaws.com/v1"))


def test_credentials_that_cannot_be_fetched_are_a_configuration_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, relay: Relay
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    configuration = tmp_path / "config"
    configuration.write_text("[default]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n[sso-session s]\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(configuration))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    with pytest.raises(ConfigurationError, match="credentials cannot be used"):
        HttpStore(StoreSettings(url=relay.url, sign_requests=True, region="eu-west-1")).sessions.read(OWNER, "s")
    assert relay.requests == []


def test_signing_without_the_aws_sdk_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.auth", None)
    with pytest.raises(ConfigurationError, match=r"strands-session-store\[iam\]"):
        HttpStore(StoreSettings(url="https://abc.execute-api.eu-west-1.amazonaws.com/v1"))


def test_the_environment_says_whether_to_sign() -> None:
    base = {"SESSION_BACKEND_URL": "https://api.example.org"}
    assert StoreSettings.from_environment(base).sign_requests is None
    told = StoreSettings.from_environment({**base, "SESSION_BACKEND_IAM_AUTH": "true"})
    assert told.sign_requests is True
    with pytest.raises(ConfigurationError, match="SESSION_BACKEND_IAM_AUTH"):
        StoreSettings.from_environment({**base, "SESSION_BACKEND_IAM_AUTH": "yes"})
