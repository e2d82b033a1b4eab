"""Folders and buckets: both hold files under a path."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from session_store.errors import ConfigurationError

from .source import DamagedError


class Tree(Protocol):
    def list(self) -> Iterator[str]:
        """All paths below it, parts joined by `/`."""
        ...

    def read(self, path: str) -> bytes:
        """Raises `DamagedError`."""
        ...


class Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def list(self) -> Iterator[str]:
        for folder, _, names in os.walk(self._folder):
            for name in sorted(names):
                yield (Path(folder) / name).relative_to(self._folder).as_posix()

    def read(self, path: str) -> bytes:
        file = self._folder / path
        if file.is_symlink():  # as Strands refuses: it may lead to another's files
            raise DamagedError(f"{path} is a symbolic link")
        try:
            return file.read_bytes()
        except OSError as error:
            raise DamagedError(f"{path} cannot be read: {error.strerror}") from error


class Bucket:
    def __init__(self, bucket: str, prefix: str) -> None:
        try:
            import boto3  # pyright: ignore[reportMissingTypeStubs]
        except ImportError as error:
            raise ConfigurationError("s3:// needs boto3: install strands-session-store[iam]") from error
        self._client: Any = boto3.client("s3")  # pyright: ignore[reportUnknownMemberType]
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def list(self) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        for page in pages:
            for item in page.get("Contents", []):
                yield item["Key"].removeprefix(self._prefix)

    def read(self, path: str) -> bytes:
        from botocore.exceptions import BotoCoreError, ClientError  # pyright: ignore[reportMissingTypeStubs]

        try:
            return self._client.get_object(Bucket=self._bucket, Key=self._prefix + path)["Body"].read()
        except (BotoCoreError, ClientError) as error:
            raise DamagedError(f"{path} cannot be read: {error}") from error
