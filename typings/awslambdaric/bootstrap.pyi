from typing import NoReturn

from awslambdaric.lambda_runtime_client import LambdaRuntimeClient

def run(handler: str, lambda_runtime_client: LambdaRuntimeClient) -> NoReturn: ...
