"""The authorities of the database's certificate."""

from infra_cdk.certificates import find_authorities
from infra_cdk.doctor.account import Account, Finding
from infra_cdk.settings import Settings, SettingsError


def check_certificates(account: Account, settings: Settings) -> Finding:
    try:
        find_authorities(account.region)
    except SettingsError as error:
        answer, _, remedy = str(error).partition(": save ")
        return Finding("failed", "certificates", answer, f"save {remedy}")
    return Finding("ok", "certificates", f"roots of RDS in {account.region}")
