"""`python -m infra_cdk.deployment -c proxy=false`: examines the account, then deploys to it.

A first deployment has two steps: the guards that keep a database and its users from being deleted come with the
second, so that a failure of the first, which makes everything, leaves nothing behind.
"""

import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import boto3

from infra_cdk import ROOT, node
from infra_cdk.aftercare import finish_deployment
from infra_cdk.doctor.account import Account
from infra_cdk.doctor.examine import examine
from infra_cdk.settings import Settings, SettingsError

WITHOUT_GUARDS = ("-c", "deletion_protection=false")


@dataclass(frozen=True)
class Deployment:
    arguments: list[str]
    settings: Settings
    account: Account

    @classmethod
    def from_arguments(cls, arguments: list[str]) -> "Deployment":
        """Takes the CDK's own arguments; context and profile count here. Raises `SettingsError`."""
        parser = ArgumentParser(allow_abbrev=False)
        parser.add_argument("-c", "--context", action="append", default=[])
        parser.add_argument("--profile")
        known, _ = parser.parse_known_args(arguments)
        context = json.loads((ROOT / "cdk.json").read_text())["context"]
        context |= dict(pair.partition("=")[::2] for pair in known.context)
        settings = Settings.from_context(context)
        session = boto3.Session(profile_name=known.profile)
        region = settings.region or os.environ.get("AWS_REGION") or cast(str | None, cast(Any, session).region_name)
        return cls(arguments, settings, Account(session, region, settings.stack_name))

    def is_ready(self) -> bool:
        """Prints every finding."""
        findings = list(examine(self.account, self.settings))
        sys.stdout.write("".join(f"{finding}\n" for finding in findings))
        sys.stdout.flush()
        return not any(finding.state == "failed" for finding in findings)

    def run(self, cdk: Callable[[list[str]], int] = node.cdk) -> int:
        """The exit code of the CDK."""
        is_first = self.account.stack is None
        if is_first and self.settings.is_protected:
            sys.stdout.write("First everything, then its guards: two steps\n")
            sys.stdout.flush()
            if code := cdk(["deploy", *self.arguments, *WITHOUT_GUARDS]):
                return code
        if code := cdk(["deploy", *self.arguments]):
            return code
        finish_deployment(self.account, self.settings)
        return 0


def main(arguments: list[str]) -> int:
    try:
        deployment = Deployment.from_arguments(arguments)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return deployment.run() if deployment.is_ready() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
