"""The template deployed by `create_stack`; then the functions that came of it, run with what it gave them."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.config import Config

from infra_cdk import ROOT
from infra_cdk.database import DATA_ROLE
from tests.infra.bedrock_server import running_bedrock
from tests.infra.cluster import Cluster
from tests.infra.template import Template

ACCOUNT, REGION = "123456789012", "eu-central-1"


class Cloud:
    """moto's, over its own endpoint."""

    def __init__(self, port: int) -> None:
        self._endpoint = f"http://127.0.0.1:{port}"

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self._endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=120),
        )

    def bootstrap(self, template: Template) -> None:
        """What `cdk bootstrap` and the CLI's upload leave: the version, the bucket and the assets."""
        self.client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String")
        bucket = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
        storage = self.client("s3")
        storage.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        assets = json.loads((template.folder / f"{template.path.name.partition('.')[0]}.assets.json").read_text())
        for asset in assets["files"].values():
            (destination,) = asset["destinations"].values()
            storage.put_object(Bucket=bucket, Key=destination["objectKey"], Body=_empty_archive())

    def deploy(self, template: Template, name: str) -> dict[str, Any]:
        stacks = self.client("cloudformation")
        stacks.create_stack(StackName=name, TemplateBody=template.path.read_text(), Capabilities=["CAPABILITY_IAM"])
        (stack,) = stacks.describe_stacks(StackName=name)["Stacks"]
        return stack


def _empty_archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w"):
        pass
    return content.getvalue()


@pytest.fixture(scope="module")
def moto_port() -> Iterator[int]:
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.infra.moto_server"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with server:
        assert server.stdout is not None
        assert server.stdin is not None
        yield int(server.stdout.readline())
        server.stdin.close()


@pytest.fixture
def cloud(moto_port: int) -> Cloud:
    """An empty account."""
    urlopen(Request(f"http://127.0.0.1:{moto_port}/moto-api/reset", method="POST")).close()
    return Cloud(moto_port)


class Deployed:
    """A stack as it stands in the cloud."""

    def __init__(self, cloud: Cloud, template: Template) -> None:
        cloud.bootstrap(template)
        self.cloud, self._template = cloud, template
        self.stack = cloud.deploy(template, "Sessions")
        resources = cloud.client("cloudformation").describe_stack_resources(StackName="Sessions")["StackResources"]
        # moto passes over what it does not know, and leaves it out here.
        self._names = {
            r["LogicalResourceId"]: r.get("PhysicalResourceId") for r in resources if "LogicalResourceId" in r
        }
        assert set(self._names) == set(template.resources)

    @property
    def outputs(self) -> dict[str, str]:
        return {output["OutputKey"]: output["OutputValue"] for output in self.stack["Outputs"]}

    def environment(self, function: str) -> dict[str, str]:
        name = self._names[self._template.function_ids()[function]]
        return self.cloud.client("lambda").get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def run(self, function: str, event: object, cluster: Cluster, bedrock: str = "") -> Any:
        """One cold invocation. Of what CloudFormation resolved only the database's address is exchanged."""
        environment = self.environment(function)
        role = urlsplit(environment["SESSION_BACKEND_URL"]).username
        assert role is not None
        environment["SESSION_BACKEND_URL"] = cluster.url_of(role)
        machine = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "layers/app/python"), "AWS_REGION": REGION}
        credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        ended = subprocess.run(
            [sys.executable, ROOT / "tests/infra/invoke.py", ROOT / "functions" / function],
            input=json.dumps(event),
            env={**environment, **machine, **credentials, "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    def schema_event(self) -> dict[str, Any]:
        properties = {name: str(value) for name, value in self._template.only("Custom::SessionSchema").items()}
        return {"RequestType": "Create", "ResourceProperties": properties}


def event_of(method: str, path: str, body: object = None) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / "tests/support/events/rest_api.json").read_text())
    event |= {"httpMethod": method, "path": path, "resource": path, "pathParameters": None}
    event["requestContext"] |= {"httpMethod": method, "path": path, "resourcePath": path}
    if body is not None:
        event["headers"]["Content-Type"] = "application/json"
        event["multiValueHeaders"]["Content-Type"] = ["application/json"]
        event["body"] = json.dumps(body)
    return event


@pytest.mark.parametrize("name", ["standard", "trial", "other_provider", "tuned", "browsers"])
def test_every_shape_deploys_with_outputs_that_lead_somewhere(
    request: pytest.FixtureRequest, cloud: Cloud, name: str
) -> None:
    deployed = Deployed(cloud, request.getfixturevalue(name))
    assert deployed.stack["StackStatus"] == "CREATE_COMPLETE"
    (api,) = cloud.client("apigateway").get_rest_apis()["items"]
    assert deployed.outputs["ApiUrl"] == f"https://{api['id']}.execute-api.{REGION}.amazonaws.com/v1"
    assert deployed.outputs["Curl"].endswith(f" {deployed.outputs['ApiUrl']}/process")
    (dashboard,) = cloud.client("cloudwatch").list_dashboards()["DashboardEntries"]
    assert deployed.outputs["DashboardUrl"].endswith(dashboard["DashboardName"])


def test_functions_are_led_to_the_proxy_and_the_migrator_to_the_cluster(cloud: Cloud, standard: Template) -> None:
    deployed = Deployed(cloud, standard)
    (cluster,) = cloud.client("rds").describe_db_clusters()["DBClusters"]
    (proxy,) = cloud.client("rds").describe_db_proxies()["DBProxies"]
    hosts = {
        name: urlsplit(deployed.environment(name)["SESSION_BACKEND_URL"]).hostname for name in ("process", "migrate")
    }
    assert hosts == {"process": proxy["Endpoint"].lower(), "migrate": cluster["Endpoint"].lower()}


def test_what_is_deployed_migrates_converses_and_remembers(cloud: Cloud, direct: Template, cluster: Cluster) -> None:
    deployed = Deployed(cloud, direct)
    assert deployed.run("migrate", deployed.schema_event(), cluster)["Data"]["Applied"]
    cluster.let_in(DATA_ROLE)
    with running_bedrock("Hello Alice") as bedrock:
        prompt = event_of("POST", "/process", {"prompt": "My name is Alice", "session_id": "user-123"})
        answer = deployed.run("process", prompt, cluster, bedrock.url)
    assert answer["statusCode"] == 200, answer
    assert json.loads(answer["body"])["response"].strip() == "Hello Alice"
    assert bedrock.models == [deployed.environment("process")["MODEL_ID"]]
    listed = deployed.run("sessions", event_of("GET", "/sessions"), cluster)
    assert [session["session_id"] for session in json.loads(listed["body"])["sessions"]] == ["user-123"]
    assert cluster.query("SELECT owner, message_count FROM sessions JOIN agents USING (session_key)") == [
        ("iam:AIDAALICE", 2)
    ]
    assert deployed.run("expire", {}, cluster) == {"sessions": 0, "runs": 0, "values": 0, "memories": 0}
