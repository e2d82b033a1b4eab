"""A PostgreSQL that is reached as Aurora is: through a proxy, over TLS, with a token of IAM's as the password.

pgbouncer is the proxy. The token is made as on AWS; nobody here can check it, so it takes any.
"""

import os
import pwd
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.database import temporary_database
from session_store.migrate import apply_migrations
from tests.reliability.pooler import Pooler


class SecureDatabase(NamedTuple):
    """cut_connections: ends every one to the proxy, which is then there again."""

    plain_url: str
    secure_url: str
    ca_file: Path
    cut_connections: Callable[[], None]


@contextmanager
def secure_database() -> Generator[SecureDatabase]:
    with temporary_database() as server, tempfile.TemporaryDirectory() as name:
        with psycopg.connect(server.url) as connection:
            apply_migrations(connection)
        folder = Path(name)
        folder.chmod(0o755)
        certificate, key = _make_certificate(folder)
        settings = f"client_tls_sslmode = require\nclient_tls_cert_file = {certificate}\nclient_tls_key_file = {key}\n"
        pooler = Pooler(server.url, folder, settings)
        pooler.start()

        def restart() -> None:
            pooler.kill()
            pooler.start()

        try:
            secure_url = f"postgresql://signed_in@127.0.0.1:{pooler.port}/postgres?sslmode=verify-full"
            yield SecureDatabase(server.url, secure_url, certificate, restart)
        finally:
            pooler.kill()


def _make_certificate(folder: Path) -> tuple[Path, Path]:
    """One that vouches for itself, of 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    key_file.chmod(0o600)
    if os.geteuid() == 0:  # then pgbouncer runs as nobody
        os.chown(key_file, pwd.getpwnam("nobody").pw_uid, -1)
    return certificate_file, key_file
