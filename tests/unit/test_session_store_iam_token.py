"""Tokens for RDS are boto3's own, made without boto3."""

import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from session_store import iam_token
from session_store.errors import ConfigurationError
from session_store.iam_token import create_iam_token

HOST, PORT, USER, REGION = "db.example", 5432, "sessions_app", "eu-central-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "t+o/k="}


@pytest.fixture(autouse=True)
def credentials_of_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    iam_token._find_credentials.cache_clear()
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


def fields(token: str) -> dict[str, list[str]]:
    assert token.startswith(f"{HOST}:{PORT}/?")
    return parse_qs(urlsplit(f"https://{token}").query, strict_parsing=True)


def signed_in_one_second() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    # A session of its own: the default one keeps the credentials that an earlier test gave it.
    client = boto3.Session().client("rds", region_name=REGION)
    while True:
        theirs, ours = (
            fields(client.generate_db_auth_token(HOST, PORT, USER)),
            fields(create_iam_token(HOST, PORT, USER, REGION)),
        )
        if theirs["X-Amz-Date"] == ours["X-Amz-Date"]:
            return theirs, ours


def test_token_is_the_one_that_boto3_makes() -> None:
    theirs, ours = signed_in_one_second()
    assert ours == theirs
    assert ours["X-Amz-Expires"] == ["900"]


def test_making_one_imports_no_client_of_boto3() -> None:
    program = (
        "import sys; from session_store.iam_token import create_iam_token;"
        f"create_iam_token({HOST!r}, {PORT}, {USER!r}, {REGION!r});"
        "print([name for name in ('boto3', 'botocore.client', 'botocore.session') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", program], env=CREDENTIALS, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_a_prepared_store_has_imported_what_a_token_takes() -> None:
    program = (
        "import sys; from session_store import iam_token; from session_store.postgresql import PostgreSQLStore;"
        "from session_store.settings import StoreSettings;"
        f"PostgreSQLStore(StoreSettings('postgresql://{USER}@{HOST}/sessions', iam_auth=True)).prepare();"
        "before = set(sys.modules);"
        f"iam_token.create_iam_token({HOST!r}, {PORT}, {USER!r}, {REGION!r});"
        "print(sorted(name for name in set(sys.modules) - before if name.startswith('botocore')))"
    )
    ended = subprocess.run([sys.executable, "-c", program], env=CREDENTIALS, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_without_credentials_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(ConfigurationError, match="DATABASE_IAM_AUTH=true needs AWS credentials"):
        create_iam_token(HOST, PORT, USER, REGION)


def test_without_a_region_the_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(ConfigurationError, match="AWS_REGION"):
        create_iam_token(HOST, PORT, USER, None)
