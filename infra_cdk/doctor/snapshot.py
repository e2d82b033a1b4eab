"""The snapshot that the database is made from."""

from botocore.exceptions import ClientError

from infra_cdk.doctor.account import Account, Finding, error_code
from infra_cdk.settings import Settings
from infra_cdk.switches.database import ENGINE_VERSION

ENGINE = "aurora-postgresql"


def check_snapshot(account: Account, settings: Settings) -> Finding:
    if settings.snapshot is None or account.stack is not None:
        return Finding("ok", "snapshot", "none is needed")
    name = settings.snapshot
    try:
        answer = account.client("rds").describe_db_cluster_snapshots(
            DBClusterSnapshotIdentifier=name, IncludeShared=name.startswith("arn:")
        )
    except ClientError as error:
        if error_code(error) != "DBClusterSnapshotNotFoundFault":
            raise
        remedy = "aws rds describe-db-cluster-snapshots lists those of this region; copy one from another"
        return Finding("failed", "snapshot", f"no snapshot {name} in {account.region}", remedy)
    (found,) = answer["DBClusterSnapshots"]
    return _check_found(name, found["Status"], found["Engine"], found["EngineVersion"])


def _check_found(name: str, status: str, engine: str, version: str) -> Finding:
    if status != "available":
        return Finding("failed", "snapshot", f"{name} is {status}", "wait until it is available")
    if engine != ENGINE or _numbers(version) > _numbers(ENGINE_VERSION):
        answer = f"{name} is of {engine} {version}, and the cluster will be of {ENGINE} {ENGINE_VERSION}"
        remedy = "another snapshot, or a newer ENGINE_VERSION in infra_cdk/switches/database.py"
        return Finding("failed", "snapshot", answer, remedy)
    return Finding("ok", "snapshot", f"{name} is of {engine} {version}")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
