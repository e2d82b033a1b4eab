"""A stack of an earlier deployment: in what state it is, and whether the switches would replace its database."""

import json

from infra_cdk.doctor.account import Account, Finding
from infra_cdk.settings import Settings

METADATA_KEY = "Switches"
# A change of these makes CloudFormation replace the network or the cluster, and with them the data.
FIXED_SWITCHES = ("availability_zones", "cidr", "vpc_id", "database_subnets", "snapshot")
_DEAD_STATES = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}


def check_stack(account: Account, settings: Settings) -> Finding:
    if account.stack is None:
        return Finding("ok", "stack", f"{account.stack_name} is new here")
    status = account.stack["StackStatus"]
    if status in _DEAD_STATES:
        answer = f"{account.stack_name} is in {status}: a first deployment failed"
        return Finding("failed", "stack", answer, "make destroy, then deploy again (docs/deploy.md, “When it fails”)")
    if status.endswith("_IN_PROGRESS"):
        return Finding("failed", "stack", f"{account.stack_name} is in {status}", "wait for it to end")
    changed = _changed_switches(account, settings)
    if changed:
        answer = f"{', '.join(changed)} cannot change after the first deployment"
        return Finding("failed", "stack", answer, "leave them as they were, or use another stack_name")
    return Finding("ok", "stack", f"{account.stack_name} is in {status}")


def dump_fixed_switches(settings: Settings) -> dict[str, str | None]:
    """For the template's metadata, where the next deployment's check finds them."""
    return {name: getattr(settings, name) for name in FIXED_SWITCHES}


def _changed_switches(account: Account, settings: Settings) -> list[str]:
    summary = account.client("cloudformation").get_template_summary(StackName=account.stack_name)
    deployed = json.loads(summary.get("Metadata") or "{}").get(METADATA_KEY, {})
    wanted = dump_fixed_switches(settings)
    return [f"{name} (was {value})" for name, value in deployed.items() if wanted.get(name) != value]
