from base64 import b64decode
from types import SimpleNamespace

from api.application import Application
from api.observability import Observability
from api.operation import Operation
from api.response import Response
from api.settings import Settings
from session_store.postgresql import PostgreSQLStore
from tests.support.asgi_api import call_over_asgi
from tests.support.http_api import ALICE, event_of

PICTURE = b"\x89PNG\r\n\x1a\n"


def test_a_body_of_bytes_goes_as_it_is() -> None:
    operation = Operation(
        operation_id="picture",
        method="GET",
        path="/picture",
        handle=lambda _: Response(200, {"Content-Type": "image/png"}, PICTURE),
        access="public",
    )
    settings = Settings()
    application = Application(settings, PostgreSQLStore(settings.store), Observability(settings))
    handler = SimpleNamespace(operations={"": operation}, application=application)
    answer = call_over_asgi(handler, event_of("GET", "/picture", ALICE, "", {}))
    assert (answer["statusCode"], b64decode(answer["body"])) == (200, PICTURE)
    assert answer["multiValueHeaders"]["Content-Length"] == [str(len(PICTURE))]
