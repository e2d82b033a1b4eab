"""The account that a deployment goes to, as its credentials see it."""

from functools import cached_property
from typing import Any, Literal, NamedTuple, cast

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

Answer = dict[str, Any]  # as boto3 gives it


class Finding(NamedTuple):
    """`unknown`: the credentials may not look. CloudFormation's own role may still be able to deploy."""

    state: Literal["ok", "failed", "unknown"]
    subject: str
    answer: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.state:8}{self.subject}: {self.answer}" + (f" → {self.remedy}" if self.remedy else "")


class Account:
    def __init__(self, session: boto3.Session, region: str | None, stack_name: str) -> None:
        self.region, self.stack_name, self._session = region, stack_name, session

    @property
    def has_credentials(self) -> bool:
        return self._session.get_credentials() is not None

    def client(self, service: str) -> Any:
        config = Config(retries={"total_max_attempts": 3, "mode": "standard"}, connect_timeout=5, read_timeout=30)
        return self._session.client(service, region_name=self.region, config=config)  # pyright: ignore

    @cached_property
    def stack(self) -> Answer | None:
        """The stack as it stands; None when it was never deployed."""
        try:
            return self.client("cloudformation").describe_stacks(StackName=self.stack_name)["Stacks"][0]
        except ClientError as error:
            if error_code(error) == "ValidationError":  # "Stack with id … does not exist"
                return None
            raise

    def list_resources(self, resource_type: str) -> list[str]:
        """The physical ids of the stack's resources of that type, without what a rollback has deleted."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.stack_name)
        found = [resource for page in pages for resource in page["StackResourceSummaries"]]
        there = [r for r in found if r["ResourceType"] == resource_type and r["ResourceStatus"] != "DELETE_COMPLETE"]
        return [r["PhysicalResourceId"] for r in there if "PhysicalResourceId" in r]


def error_code(error: ClientError) -> str:
    return cast(Any, error.response)["Error"].get("Code", "")


def error_message(error: ClientError) -> str:
    return cast(Any, error.response)["Error"].get("Message", "")
