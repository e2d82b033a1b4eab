"""An issuer of tokens on this machine, as OpenID Connect has it."""

import json
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

AUDIENCE = "agents"


@dataclass
class Issuer:
    """Publishes the public halves of its keys, as OpenID Connect has it."""

    url: str
    keys: dict[str, rsa.RSAPrivateKey] = field(default_factory=dict[str, rsa.RSAPrivateKey])
    is_away: bool = False

    def add_key(self, key_id: str) -> None:
        self.keys[key_id] = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def document(self, path: str) -> Any:
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        to_jwk = jwt.algorithms.RSAAlgorithm.to_jwk
        public = {name: json.loads(to_jwk(key.public_key())) for name, key in self.keys.items()}
        return {"keys": [{**key, "kid": name, "use": "sig", "alg": "RS256"} for name, key in public.items()]}

    def sign(self, key_id: str = "first", **claims: Any) -> str:
        standard = {"iss": self.url, "aud": AUDIENCE, "sub": "alice", "exp": time.time() + 60}
        return jwt.encode({**standard, **claims}, self.keys[key_id], "RS256", {"kid": key_id})


@contextmanager
def publishing() -> Generator[Issuer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503 if made.is_away else 200)
            self.end_headers()
            self.wfile.write(json.dumps(made.document(self.path)).encode())

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    made = Issuer(f"http://127.0.0.1:{server.server_port}")
    made.add_key("first")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()
