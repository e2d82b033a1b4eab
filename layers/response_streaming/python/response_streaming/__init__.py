"""Response streaming for Python functions on AWS Lambda's managed runtime.

Return a `StreamingResponse`, or a proxy response whose `body` is an iterator; see the layer's README.
"""

from response_streaming.response import StreamingResponse, streamed

__all__ = ["StreamingResponse", "streamed"]
