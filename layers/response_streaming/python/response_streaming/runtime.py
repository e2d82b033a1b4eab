"""awslambdaric's runtime, taught to post a streamed response. Everything else is awslambdaric's own, unchanged."""

import os
import site
import sys
from pathlib import Path
from typing import Any

from awslambdaric import bootstrap
from awslambdaric.lambda_config import LambdaConfigProvider
from awslambdaric.lambda_runtime_client import LambdaRuntimeClient
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

from response_streaming.invocation_stream import CONTENT_TYPE, post_stream
from response_streaming.response import StreamingResponse, find_stream


class StreamingMarshaller(LambdaMarshaller):
    """Lets a streamed response through to the client; what fails before its first chunk is an ordinary error."""

    def marshal_response(self, response: Any) -> tuple[Any, str]:
        stream = find_stream(response)
        if stream is None:
            return super().marshal_response(response)
        if os.environ.get("AWS_SAM_LOCAL"):  # SAM's emulator would answer 502 to a stream
            return super().marshal_response(stream.joined())
        return stream.started(), CONTENT_TYPE


class StreamingRuntimeClient(LambdaRuntimeClient):
    """Posts what the marshaller let through."""

    marshaller = StreamingMarshaller()

    def __init__(self, runtime_api: str, use_thread_for_polling_next: bool = False) -> None:
        """`runtime_api` is host:port, as on Lambda, or host:port/path."""
        authority, slash, path = runtime_api.partition("/")
        super().__init__(authority, use_thread_for_polling_next)
        self._path = slash + path

    def call_rapid(self, http_method: str, endpoint: str, *arguments: Any, **named: Any) -> None:
        super().call_rapid(http_method, self._path + endpoint, *arguments, **named)

    def post_invocation_result(
        self,
        invoke_id: str,
        result_data: Any,
        content_type: str = "application/json",
        invocation_id: str | None = None,
    ) -> None:
        if isinstance(result_data, StreamingResponse):
            post_stream(self.lambda_runtime_address + self._path, invoke_id, result_data, invocation_id)
        else:
            super().post_invocation_result(invoke_id, result_data, content_type, invocation_id)


def main() -> None:
    """Run the handler named by `_HANDLER` against the Runtime API at `AWS_LAMBDA_RUNTIME_API`; never returns."""
    _add_site_packages_of_layers()
    config = LambdaConfigProvider(["", os.environ["_HANDLER"]])
    if config.is_multi_concurrent:
        sys.exit("response_streaming serves one request at a time: unset AWS_LAMBDA_MAX_CONCURRENCY")
    bootstrap.run(config.handler, StreamingRuntimeClient(config.api_address, config.use_thread_polling))


def _add_site_packages_of_layers() -> None:
    """Layers may also bring `lib/pythonX.Y/site-packages`, which the managed runtime's start-up puts on the path."""
    layers = Path(__file__).parents[1]
    site.addsitedir(str(layers / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"))
