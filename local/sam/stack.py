"""Starts and ends everything that serves the API under SAM."""

import contextlib
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg

from local.laptop import DEFAULT_MODEL_PROVIDER
from local.model import LocalModel
from local.sam.api import ROOT, SamApi, check_port
from local.sam.docker import Compose, engine_architecture, is_desktop, remove_functions
from local.sam.errors import SynthError
from local.sam.lock import end_holder, take_lock
from local.sam.model import ModelChoice, hosted_model, local_model
from session_store.migrate import apply_migrations

FOLDER = ROOT / ".local/sam"
PROJECT = "strands-sessions"
_DATABASE_TIMEOUT_SECONDS = 60

logger = logging.getLogger("local.sam")


class SamStack:
    """A context manager that runs the stack. `variables` go to Compose: POSTGRES_PORT, COMPOSE_PROFILES.

    In the environment, `MODEL_PROVIDER` and `MODEL_ID` choose the model, and `LOCAL_MODEL_URL` an OpenAI-compatible
    server that is already running. Everything listens on loopback or on the containers' own network.
    """

    def __init__(
        self,
        folder: Path = FOLDER,
        project: str = PROJECT,
        port: int = 3000,
        *,
        environment: Mapping[str, str] = os.environ,
        variables: Mapping[str, str] | None = None,
        keep_data: bool = True,
    ) -> None:
        self._folder, self._port, self._environment = folder, port, environment
        self._architecture = engine_architecture()
        self._compose = Compose(project, {"LAMBDA_ARCHITECTURE": self._architecture, **(variables or {})})
        self._down_options = [] if keep_data else ["--volumes"]
        self._parts = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as parts:
            lock = parts.enter_context(take_lock(self._folder))
            check_port(self._port)
            model = self._start_model(parts)
            template = self._synthesize(model)
            url = self._start_containers(parts, model)
            variables = self._write_variables(url, model)
            parts.callback(remove_functions, self._compose.network)
            logger.info("SAM CLI starts the functions; the first start builds their image")
            self.api = parts.enter_context(
                SamApi(
                    template,
                    variables,
                    self._compose.network,
                    self._port,
                    log=self._folder / "sam.log",
                    lock=lock,
                )
            )
            self._parts = parts.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._parts.close()

    def _start_model(self, parts: contextlib.ExitStack) -> ModelChoice:
        provider = self._environment.get("MODEL_PROVIDER", DEFAULT_MODEL_PROVIDER)
        model_id = self._environment.get("MODEL_ID")
        if provider != DEFAULT_MODEL_PROVIDER:
            return hosted_model(provider, model_id)
        url = self._environment.get("LOCAL_MODEL_URL") or parts.enter_context(LocalModel()).url
        return local_model(url, model_id, desktop=is_desktop())

    def _synthesize(self, model: ModelChoice) -> Path:
        """Into a folder of its own, so that `cdk.out` keeps what `make synth` wrote."""
        output = self._folder / "cdk.out"
        switches = {"architecture": self._architecture, "uploads": "false", **model.switches}
        context = [part for name, value in switches.items() for part in ("--context", f"{name}={value}")]
        cdk = [sys.executable, "-m", "infra_cdk.node", "cdk", "synth", "--quiet", "--output", str(output), *context]
        if subprocess.run(cdk, cwd=ROOT, check=False).returncode:
            raise SynthError("cdk synth failed")
        logger.info("the template is in %s", output)
        return next(output.glob("*.template.json"))

    def _start_containers(self, parts: contextlib.ExitStack, model: ModelChoice) -> str:
        """Returns the database's URL as seen by the functions."""
        parts.callback(self._compose.down, *self._down_options)
        self._compose.up()
        if model.relayed_port:
            self._compose.up("model-on-host", "model", MODEL_PORT=str(model.relayed_port))
        account, name = self._read_account()
        _migrate(f"postgresql://{account}@127.0.0.1:{self._compose.port('database', 5432)}/{name}")
        host = "pgbouncer" if self._compose.runs("pgbouncer") else "database"
        logger.info("PostgreSQL is ready, the functions reach it as %s", host)
        return f"postgresql://{account}@{host}:5432/{name}?sslmode=disable"

    def _read_account(self) -> tuple[str, str]:
        """`user:password` and the database's name, read from the container, however they were set."""
        names = ("POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB")
        user, password, database = (quote(self._compose.variable("database", name), safe="") for name in names)
        return f"{user}:{password}", database

    def _write_variables(self, database_url: str, model: ModelChoice) -> Path:
        path = self._folder / "variables.json"
        database = {"SESSION_BACKEND_URL": database_url, "DATABASE_IAM_AUTH": "false", "DATABASE_CA_FILE": ""}
        path.write_text(
            json.dumps({"Parameters": {**database, **model.variables}}, indent=2)
        )  # applies to all functions
        return path


def end(*options: str, folder: Path = FOLDER, project: str = PROJECT) -> None:
    """End the stack that another process serves, or the remains of a killed one; `options` go to `compose down`."""
    end_holder(folder)
    compose = Compose(project)
    remove_functions(compose.network)
    compose.down(*options)


def _migrate(url: str) -> None:
    deadline = time.monotonic() + _DATABASE_TIMEOUT_SECONDS
    while True:
        try:
            with psycopg.connect(url, connect_timeout=5) as connection:
                apply_migrations(connection)
            return
        except psycopg.OperationalError:  # the container starts before its server is ready
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
