"""All the checks, in the order in which they make sense."""

from collections.abc import Callable, Iterator

from botocore.exceptions import BotoCoreError, ClientError

from infra_cdk.doctor.access import check_bootstrap, check_credentials
from infra_cdk.doctor.account import Account, Finding, error_message
from infra_cdk.doctor.certificates import check_certificates
from infra_cdk.doctor.gateway import check_gateway_logs
from infra_cdk.doctor.limits import check_concurrency
from infra_cdk.doctor.model import check_model
from infra_cdk.doctor.network import check_network
from infra_cdk.doctor.snapshot import check_snapshot
from infra_cdk.doctor.stack import check_stack
from infra_cdk.doctor.zones import check_engine, check_zones
from infra_cdk.settings import Settings

Check = Callable[[Account, Settings], Finding]
CHECKS: tuple[Check, ...] = (
    check_bootstrap,
    check_stack,
    check_gateway_logs,
    check_concurrency,
    check_model,
    check_engine,
    check_snapshot,
    check_network,
    check_zones,
    check_certificates,
)


def examine(account: Account, settings: Settings) -> Iterator[Finding]:
    """Nothing but the first finding where there are no credentials."""
    identity = check_credentials(account, settings)
    yield identity
    if identity.state == "ok":
        yield from (_try(check, account, settings) for check in CHECKS)


def _try(check: Check, account: Account, settings: Settings) -> Finding:
    subject = check.__name__.removeprefix("check_").replace("_", " ")
    try:
        return check(account, settings)
    except ClientError as error:
        return Finding("unknown", subject, f"{error.operation_name} is refused: {error_message(error)}")
    except BotoCoreError as error:
        return Finding("unknown", subject, str(error))
