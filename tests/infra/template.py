"""A synthesized template, asked in the words of the tests."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra_cdk import ROOT
from infra_cdk.app import build_app

Properties = Mapping[str, Any]


class Template:
    def __init__(self, folder: Path, stack_name: str) -> None:
        self.folder = folder
        self.path = folder / f"{stack_name}.template.json"
        self.body: dict[str, Any] = json.loads(self.path.read_text())
        self.resources: dict[str, dict[str, Any]] = self.body["Resources"]

    def assets(self) -> list[Path]:
        """What the CLI would upload, where it lies."""
        manifest = json.loads((self.folder / self.path.name.replace(".template.", ".assets.")).read_text())
        return [self.folder / file["source"]["path"] for file in manifest["files"].values()]

    def all(self, resource_type: str) -> dict[str, Properties]:
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == resource_type
        }

    def only(self, resource_type: str) -> Properties:
        (properties,) = self.all(resource_type).values()
        return properties

    def function_ids(self) -> dict[str, str]:
        """Our functions' logical ids; CDK's own ones are not among them."""
        return {
            properties["Description"].removeprefix("functions/"): name
            for name, properties in self.all("AWS::Lambda::Function").items()
            if flat(properties.get("Description")).startswith('"functions/')
        }

    def function(self, name: str) -> Properties:
        return self.resources[self.function_ids()[name]]["Properties"]

    def statements(self, role_id: str) -> list[dict[str, Any]]:
        """Of every policy of a role, actions and resources as lists."""
        policies = [p for p in self.all("AWS::IAM::Policy").values() if {"Ref": role_id} in p["Roles"]]
        found = [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
        return [{**s, "Action": as_list(s["Action"]), "Resource": as_list(s["Resource"])} for s in found]

    def function_statements(self, name: str) -> list[dict[str, Any]]:
        return self.statements(attribute_of(self.function(name)["Role"]))

    def group_ids(self, name: str) -> list[str]:
        groups = self.function(name)["VpcConfig"]["SecurityGroupIds"]
        return [attribute_of(group) for group in groups]

    def sources_of(self, group_id: str) -> list[tuple[str, int, int]]:
        """Who may open connections to a security group: group, first port, last port. EC2 refuses a rule twice."""
        return sorted(
            (attribute_of(rule["SourceSecurityGroupId"]), self._port(rule["FromPort"]), self._port(rule["ToPort"]))
            for rule in self.all("AWS::EC2::SecurityGroupIngress").values()
            if attribute_of(rule["GroupId"]) == group_id
        )

    def _port(self, value: Any) -> int:
        if isinstance(value, int):
            return value
        cluster, attribute = value["Fn::GetAtt"]
        assert attribute == "Endpoint.Port"
        return self.resources[cluster]["Properties"].get("Port", 5432)

    def endpoint(self, service: str) -> tuple[str, Properties]:
        """Logical id and properties."""
        ((name, properties),) = (
            (name, each)
            for name, each in self.all("AWS::EC2::VPCEndpoint").items()
            if flat(each["ServiceName"]).endswith(f'.{service}"]]}}')
        )
        return name, properties

    def routes(self) -> dict[tuple[str, str], Properties]:
        return {
            (method["HttpMethod"], self._path(method["ResourceId"]) or "/"): method
            for method in self.all("AWS::ApiGateway::Method").values()
        }

    def _path(self, resource: Mapping[str, Any]) -> str:
        if "Ref" not in resource:
            return ""
        properties = self.resources[resource["Ref"]]["Properties"]
        return f"{self._path(properties['ParentId'])}/{properties['PathPart']}"


def attribute_of(value: Mapping[str, Any]) -> str:
    """The logical id in `{"Fn::GetAtt": [id, …]}`."""
    return value["Fn::GetAtt"][0]


def as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def flat(value: object) -> str:
    """A value with its references as text, for looking a fragment up."""
    return json.dumps(value, sort_keys=True)


def read_context() -> dict[str, Any]:
    """cdk.json's, or feature flags would differ from those of a deployment; and no copies of the 70 MB layer."""
    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    return {**context, "aws:cdk:disable-asset-staging": True}


def synthesize(folder: Path, **switches: str) -> Template:
    """Without CDK's own validation, which takes longer than all the rest; the tests of the rules have it on."""
    fast = {"@aws-cdk/core:validateAgainstDefaultRules": False}
    build_app({**read_context(), **fast, **switches}, outdir=str(folder)).synth()
    return Template(folder, switches.get("stack_name", "StrandsSessions"))
