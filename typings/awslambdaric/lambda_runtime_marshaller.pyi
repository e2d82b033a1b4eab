from typing import Any

class LambdaMarshaller:
    def marshal_response(self, response: Any) -> tuple[Any, str]: ...
