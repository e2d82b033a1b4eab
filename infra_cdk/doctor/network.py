"""An existing network: without its DNS attributes no name of the database and no endpoint's private name is found."""

from infra_cdk.doctor.account import Account, Finding
from infra_cdk.settings import Settings

_ATTRIBUTES = {"enableDnsSupport": "EnableDnsSupport", "enableDnsHostnames": "EnableDnsHostnames"}


def check_network(account: Account, settings: Settings) -> Finding:
    if settings.vpc_id is None:
        return Finding("ok", "network", "the stack makes its own")
    client = account.client("ec2")
    off = [
        name
        for name, key in _ATTRIBUTES.items()
        if not client.describe_vpc_attribute(VpcId=settings.vpc_id, Attribute=name)[key]["Value"]
    ]
    if off:
        flags = [f"--enable-dns-{name.removeprefix('enableDns').lower()}" for name in off]
        remedy = " and ".join(f"aws ec2 modify-vpc-attribute --vpc-id {settings.vpc_id} {flag}" for flag in flags)
        return Finding("failed", "network", f"{settings.vpc_id} has {' and '.join(off)} switched off", remedy)
    return Finding("ok", "network", f"{settings.vpc_id} resolves names")
