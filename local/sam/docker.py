"""The Docker engine and Compose, through their command lines. Failures raise `DockerError`."""

import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from local.sam.errors import DockerError

COMPOSE_FILE = Path(__file__).parent.parent / "docker-compose.yml"
# v2 is a plugin of `docker`, v1 a separate program.
_COMPOSE_COMMANDS = (("docker", "compose"), ("docker-compose",))
_ARCHITECTURES = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}


def engine_architecture() -> str:
    """The architecture of the engine's containers, in Lambda's spelling. Raises `DockerError` if no engine answers."""
    machine = _read("docker", "version", "--format", "{{.Server.Arch}}")
    if machine not in _ARCHITECTURES:
        raise DockerError(f"Lambda has no Python for the Docker engine's architecture, {machine}")
    return _ARCHITECTURES[machine]


def is_desktop() -> bool:
    """On Docker Desktop containers run in a virtual machine, so their loopback is not this machine's."""
    return _read("docker", "info", "--format", "{{.OperatingSystem}}") == "Docker Desktop"


def remove_functions(network: str) -> None:
    """Remove the functions' containers that a killed SAM CLI left on this network."""
    filters = ("--filter", f"network={network}", "--filter", "label=sam.cli.container.type=lambda")
    for container in _read("docker", "ps", "--all", "--quiet", *filters).split():
        _read("docker", "rm", "--force", container)


class Compose:
    """`local/docker-compose.yml` as one project; `variables` take precedence over `local/.env`."""

    def __init__(self, project: str, variables: Mapping[str, str] | None = None) -> None:
        self.network = f"{project}_default"
        self._project = project
        self._variables = {**os.environ, **(variables or {})}

    def up(self, *services: str, **variables: str) -> None:
        """Start these services, or all without an inactive profile, and wait for their dependencies."""
        self._run("up", "--detach", *services, **variables)

    def down(self, *options: str) -> None:
        # Compose leaves running the services of profiles that are not named.
        self._run("down", "--remove-orphans", *options, COMPOSE_PROFILES="pgbouncer,model")

    def port(self, service: str, port: int) -> int:
        """The port of this machine at which a service's port is published."""
        return int(self._read("port", service, str(port)).rpartition(":")[2])

    def variable(self, service: str, name: str) -> str:
        return self._read("exec", "-T", service, "printenv", name)

    def runs(self, service: str) -> bool:
        return service in self._read("ps", "--services", "--filter", "status=running").split()

    def _run(self, *arguments: str, **variables: str) -> None:
        if subprocess.run(self._command(arguments), env={**self._variables, **variables}, check=False).returncode:
            raise DockerError(f"Compose failed: {arguments[0]}")

    def _read(self, *arguments: str) -> str:
        return _read(*self._command(arguments), environment=self._variables)

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return [*_compose_command(), "--project-name", self._project, "--file", str(COMPOSE_FILE), *arguments]


@cache
def _compose_command() -> tuple[str, ...]:
    for command in _COMPOSE_COMMANDS:
        try:
            _read(*command, "version")
        except DockerError:
            continue
        return command
    raise DockerError("neither `docker compose` nor `docker-compose` answers: install Docker Compose")


def _read(*command: str, environment: Mapping[str, str] | None = None) -> str:
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise DockerError(f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        raise DockerError(error.stderr.strip() or f"{' '.join(command)} failed") from error
    return done.stdout.strip()
