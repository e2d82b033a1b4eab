from typing import Any

from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

class LambdaRuntimeClient:
    marshaller: LambdaMarshaller
    lambda_runtime_address: str
    def __init__(self, lambda_runtime_address: str, use_thread_for_polling_next: bool = False) -> None: ...
    def call_rapid(
        self, http_method: str, endpoint: str, expected_http_code: int, payload: Any = ..., headers: Any = ...
    ) -> None: ...
    def post_invocation_result(
        self, invoke_id: str, result_data: Any, content_type: str = ..., invocation_id: str | None = None
    ) -> None: ...
