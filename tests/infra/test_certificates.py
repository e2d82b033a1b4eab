"""Every region's certificate authorities: packaged, kept from AWS's truststore, or refused by name."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from infra_cdk.certificates import find_authorities, packaged_authorities, regional_roots, truststore_url
from infra_cdk.layer_build import build_dependencies_layer
from infra_cdk.settings import SettingsError

ISRAEL = "il-central-1"
NOW = datetime.now(UTC)
REGIONS = sorted(
    {
        region
        for partition in ("aws", "aws-us-gov", "aws-cn")
        for region in boto3.Session().get_available_regions("rds", partition)
    }
)
FETCHED = {region for region in REGIONS if not regional_roots(packaged_authorities(), region)}


def make_root(
    name: str, expires: datetime = NOW + timedelta(days=9), signer: ec.EllipticCurvePrivateKey | None = None
) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=99))
        .not_valid_after(expires)
        .sign(signer or key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


ROOT_NAME = f"Amazon RDS {ISRAEL} Root CA ECC384 G1"


@pytest.fixture
def no_internet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_has_packaged_roots_or_a_truststore(region: str) -> None:
    if region in FETCHED:
        assert re.fullmatch(r"https://[\w.-]+\.amazonaws\.com(\.cn)?/(.+)/\2-bundle\.pem", truststore_url(region))
    else:
        assert find_authorities(region) == packaged_authorities()


def test_regions_that_the_package_lacks_are_few_and_known() -> None:
    assert {ISRAEL, "ca-west-1", "us-gov-west-1", "cn-north-1"} <= FETCHED
    assert len(FETCHED) < len(REGIONS) / 2


def test_a_bundle_in_the_cache_is_used_without_the_internet(tmp_path: Path, no_internet: None) -> None:
    pem = make_root(ROOT_NAME)
    (tmp_path / f"{ISRAEL}.pem").write_text(pem)
    assert find_authorities(ISRAEL, tmp_path) == pem


@pytest.mark.parametrize(
    "pem",
    [
        make_root("Amazon RDS eu-west-1 Root CA ECC384 G1"),
        make_root(ROOT_NAME, expires=NOW - timedelta(days=1)),
        make_root(ROOT_NAME, signer=ec.generate_private_key(ec.SECP256R1())),
        "<html>Welcome to the hotel's network</html>",
    ],
    ids=["another region's", "expired", "signed by another", "no certificate"],
)
def test_a_bundle_that_proves_nothing_is_refused(tmp_path: Path, pem: str) -> None:
    (tmp_path / f"{ISRAEL}.pem").write_text(pem)
    with pytest.raises(SettingsError, match=f"RDS in {ISRAEL} is at hand .*has no valid root"):
        find_authorities(ISRAEL, tmp_path)


def test_without_package_cache_and_internet_the_region_is_refused_by_name(tmp_path: Path, no_internet: None) -> None:
    with pytest.raises(SettingsError, match=f"RDS in {ISRAEL} .*: save {truststore_url(ISRAEL)} as .*{ISRAEL}.pem"):
        find_authorities(ISRAEL, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_layer_has_the_authorities_of_the_stacks_region() -> None:
    layer = build_dependencies_layer(region="ap-northeast-1")
    assert (layer / "certificates/rds.pem").read_text() == packaged_authorities()
