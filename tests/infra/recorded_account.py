"""An account with recorded answers: boto3 asks as always, and nothing leaves the machine.

`python -m tests.infra.recorded_account new proxy=false` prints what the doctor finds in one of `accounts/`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.loaders import create_loader
from botocore.model import OperationModel
from botocore.validate import validate_parameters

from infra_cdk.doctor.account import Account
from infra_cdk.doctor.examine import examine
from infra_cdk.settings import Settings

FOLDER = Path(__file__).parent / "accounts"
# Shared: to read the descriptions of the services that the doctor asks takes half a second.
LOADER = create_loader()


class RecordedAccount(Account):
    """`name`: what differs from `ready`. Answers are checked against AWS's own description of them."""

    def __init__(self, name: str = "ready", region: str | None = "us-east-1") -> None:
        core = botocore.session.Session()
        core.register_component("data_loader", LOADER)
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", botocore_session=core)
        session.events.register("before-call", self._answer)
        session.events.register("provide-client-params", self._keep)
        super().__init__(session, region, "StrandsSessions")
        self._answers = {**_read("ready"), **_read(name)}
        self.calls: list[str] = []
        self.parameters: list[dict[str, Any]] = []

    def _keep(self, params: dict[str, Any], **_: object) -> None:
        self.parameters.append(params)

    def _answer(self, model: OperationModel, **_: object) -> tuple[AWSResponse, dict[str, Any]]:
        self.calls.append(f"{model.service_model.service_name}.{model.name}")
        answer = self._answers[f"{model.service_model.service_name}.{model.name}"]
        if error := answer.get("error"):
            return _response(error["status"]), {"Error": error}
        if model.output_shape:
            validate_parameters(answer, model.output_shape)
        return _response(200), answer


def _read(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.json").read_text())


def _response(status: int) -> AWSResponse:
    return AWSResponse("https://recorded.example", status, {}, None)


def main(name: str, *switches: str) -> None:
    settings = Settings.from_context(dict(switch.split("=", 1) for switch in switches))
    sys.stdout.writelines(f"{finding}\n" for finding in examine(RecordedAccount(name), settings))


if __name__ == "__main__":
    main(*sys.argv[1:])
