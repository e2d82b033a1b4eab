"""Whether the two zones offer everything: the database, RDS Proxy and the endpoint of Bedrock."""

from infra_cdk.doctor.account import Account, Finding
from infra_cdk.settings import Settings
from infra_cdk.switches.database import ENGINE_VERSION

ENGINE, INSTANCE_CLASS = "aurora-postgresql", "db.serverless"
# docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy.html, "Limitations"; ids, since each account has its
# own names for the zones.
ZONES_WITHOUT_PROXY = {"use1-az3"}


def check_zones(account: Account, settings: Settings) -> Finding:
    if account.stack is not None:
        return Finding("ok", "zones", "those of the deployment, which cannot change")
    ids = _zone_ids(account)
    offered = _offered_zones(account, settings, ids)
    chosen = _chosen_zones(account, settings, sorted(ids))
    unfit = sorted(set(chosen) - offered)
    if not unfit:
        return Finding("ok", "zones", f"{' and '.join(chosen)} offer everything")
    named = ", ".join(f"{zone} ({ids.get(zone, 'unknown')})" for zone in unfit)
    answer = f"not everything is offered in {named}"
    return Finding("failed", "zones", answer, _remedy(settings, sorted(offered)))


def check_engine(account: Account, settings: Settings) -> Finding:
    subject = "engine"
    if not _engine_zones(account):
        answer = f"Aurora PostgreSQL {ENGINE_VERSION} serverless is not offered in {account.region}"
        return Finding(
            "failed", subject, answer, "another region, or another version in infra_cdk/switches/database.py"
        )
    return Finding("ok", subject, f"Aurora PostgreSQL {ENGINE_VERSION} serverless is offered")


def _zone_ids(account: Account) -> dict[str, str]:
    answer = account.client("ec2").describe_availability_zones(
        Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}, {"Name": "state", "Values": ["available"]}]
    )
    return {zone["ZoneName"]: zone["ZoneId"] for zone in answer["AvailabilityZones"]}


def _engine_zones(account: Account) -> set[str]:
    options = account.client("rds").describe_orderable_db_instance_options(
        Engine=ENGINE, EngineVersion=ENGINE_VERSION, DBInstanceClass=INSTANCE_CLASS
    )["OrderableDBInstanceOptions"]
    return {zone["Name"] for option in options for zone in option["AvailabilityZones"]}


def _offered_zones(account: Account, settings: Settings, ids: dict[str, str]) -> set[str]:
    offered = set(ids) & _engine_zones(account)
    if settings.proxy:
        offered -= {name for name, zone_id in ids.items() if zone_id in ZONES_WITHOUT_PROXY}
    if settings.model_provider == "bedrock" and not settings.nat:
        service = f"com.amazonaws.{account.region}.bedrock-runtime"
        details = account.client("ec2").describe_vpc_endpoint_services(ServiceNames=[service])["ServiceDetails"]
        offered &= {zone for detail in details for zone in detail["AvailabilityZones"]}
    return offered


def _chosen_zones(account: Account, settings: Settings, names: list[str]) -> list[str]:
    """CloudFormation's own choice is among the zones with a default subnet, or among all where there is none."""
    if settings.zones:
        return settings.zones
    ec2 = account.client("ec2")
    if settings.vpc_id:
        wanted = f"{settings.function_subnets},{settings.database_subnets}".split(",")
        subnets = ec2.describe_subnets(SubnetIds=wanted)["Subnets"]
        return sorted({subnet["AvailabilityZone"] for subnet in subnets})
    subnets = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    return (sorted(subnet["AvailabilityZone"] for subnet in subnets) or names)[:2]


def _remedy(settings: Settings, offered: list[str]) -> str:
    if settings.vpc_id:
        return f"subnets in other zones: {', '.join(offered)}"
    if len(offered) < 2:
        return "another region, or -c proxy=false"
    return f"-c availability_zones={','.join(offered[:2])}"
