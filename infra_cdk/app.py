"""Entry point of `cdk synth` (see cdk.json)."""

import sys
from collections.abc import Mapping

from aws_cdk import App

from infra_cdk.function_table import read_function_table
from infra_cdk.settings import Settings, SettingsError
from infra_cdk.stack import SessionsStack


def build_app(context: Mapping[str, object] | None = None, outdir: str | None = None) -> App:
    """Raises `SettingsError`. The CDK CLI passes its context through the environment; tests pass `context`."""
    app = App(context=context, outdir=outdir)
    settings = Settings.from_context(app.node.get_all_context())
    SessionsStack(app, settings=settings, table=read_function_table())
    return app


if __name__ == "__main__":
    try:
        build_app().synth()
    except SettingsError as error:
        sys.exit(str(error))
