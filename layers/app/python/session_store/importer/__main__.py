"""`python -m session_store.importer`; see the package."""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from session_store.errors import ConfigurationError, SessionStoreError
from session_store.identifiers import DEFAULT_OWNER, checked
from session_store.postgresql import PostgreSQLStore
from session_store.settings import POSTGRESQL_SCHEMES, StoreSettings

from . import __doc__ as description
from .load import Import
from .report import Report
from .source import Source
from .table_sources import find_table_sources
from .tree_source import TreeSource
from .trees import Bucket, Folder


def main(arguments: Sequence[str] | None = None) -> int:
    """0: everything came. 1: something could not, and the report names it. 2: nothing was tried."""
    asked = _parser().parse_args(arguments)
    if bool(asked.source) == (asked.to_snapshots or asked.from_snapshots):
        _parser().error("name a SOURCE, or --to-snapshots or --from-snapshots")
    report = Report(is_dry_run=asked.dry_run)
    try:
        with ExitStack() as parts:
            _work(asked, report, parts)
    except (SessionStoreError, psycopg.Error) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for line in report.lines():
        sys.stdout.write(f"{line}\n")
    return 1 if report.refusals else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m session_store.importer", description=description, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("source", nargs="?", metavar="SOURCE")
    parser.add_argument("target", metavar="postgresql://…")
    parser.add_argument("--owner", default=DEFAULT_OWNER, help="to whom the sessions shall belong (%(default)s)")
    parser.add_argument("--dry-run", action="store_true", help="read and check everything, write nothing")
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument("--to-snapshots", action="store_true", help="of the owner's sessions here, beside their rows")
    forms.add_argument("--from-snapshots", action="store_true", help="to rows, of the owner's snapshots here")
    return parser


def _work(asked: argparse.Namespace, report: Report, parts: ExitStack) -> None:
    store = PostgreSQLStore(replace(StoreSettings.from_environment(os.environ), url=asked.target))
    parts.callback(store.close)
    owner = checked("owner", asked.owner)
    if asked.source:
        for source in _open_sources(asked.source, parts):
            Import(store, owner, report, is_dry_run=asked.dry_run).run(source)
        return
    from .snapshots import Conversion

    conversion = Conversion(store, owner, report, is_dry_run=asked.dry_run)
    if asked.to_snapshots:
        conversion.to_snapshots()
    else:
        conversion.from_snapshots()


def _open_sources(named: str, parts: ExitStack) -> list[Source]:
    address = urlsplit(named)
    if address.scheme in POSTGRESQL_SCHEMES:
        return find_table_sources(parts.enter_context(psycopg.connect(named)))
    if address.scheme == "s3":
        return [TreeSource(Bucket(address.netloc, address.path))]
    if not Path(named).is_dir():
        raise ConfigurationError(f"{named} is no folder, no s3:// and no postgresql:// URL")
    return [TreeSource(Folder(Path(named)))]


if __name__ == "__main__":
    sys.exit(main())
