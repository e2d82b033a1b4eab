"""What a function is given as it is deployed: its variables, and an event of API Gateway."""

import json
from pathlib import Path

from tests.benchmarks.cold.secure_database import SecureDatabase
from tests.support.http_api import RECORDED

ROOT = Path(__file__).resolve().parents[3]
PLAIN, DEPLOYED = "all off", "as deployed"
_VARIABLES = {
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "a token",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_LAMBDA_FUNCTION_NAME": "cold",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "MODEL_PROVIDER": "tests.support.scripted_model:build",
    "POWERTOOLS_METRICS_NAMESPACE": "Cold",
}


def find_variables(how: str, database: SecureDatabase) -> dict[str, str]:
    if how == PLAIN:
        return plain_variables(database.plain_url)
    return {
        **_VARIABLES,
        "SESSION_BACKEND_URL": database.secure_url,
        "DATABASE_CA_FILE": str(database.ca_file),
        "DATABASE_IAM_AUTH": "true",
    }


def plain_variables(url: str) -> dict[str, str]:
    return {**_VARIABLES, "SESSION_BACKEND_URL": url, "POWERTOOLS_TRACE_DISABLED": "true"}


def find_import_paths(function: str) -> list[Path]:
    folder, layers = ROOT / "functions" / function, ROOT / "layers"
    return [folder, layers / "app/python", layers / "response_streaming/python", ROOT]


def make_event(method: str, path: str, body: object) -> bytes:
    event = {**RECORDED, "httpMethod": method, "path": path, "resource": path, "pathParameters": None}
    event |= {"body": None if body is None else json.dumps(body), "isBase64Encoded": False}
    event |= {"queryStringParameters": None, "multiValueQueryStringParameters": None}
    headers = {"Content-Type": "application/json", "Accept": "*/*"}
    event |= {"headers": headers, "multiValueHeaders": {name: [value] for name, value in headers.items()}}
    event["requestContext"] = {**RECORDED["requestContext"], "resourcePath": path, "httpMethod": method}
    return json.dumps(event).encode()
