"""POST /runs as deployed: the request goes into Lambda's queue, and its run's id is known before it begins."""

import json
import re
import uuid

from infra_cdk.background_runs import RUN_ID
from session_store.background_runs import MAXIMUM_BODY_BYTES, new_run_id
from tests.infra.template import Template, attribute_of, flat


def test_request_is_queued_with_what_a_proxy_event_has_and_no_credentials(either: Template) -> None:
    method = either.routes()["POST", "/runs"]
    integration = method["Integration"]
    assert integration["Type"] == "AWS"
    assert integration["PassthroughBehavior"] == "NEVER"
    assert integration["RequestParameters"] == {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}
    assert either.function_ids()["process_background"] in flat(integration["Uri"])
    template = integration["RequestTemplates"]["application/json"]
    headers = re.search(r'(?s)(?<="headers": )\{.*?#end#end\}', template)
    assert headers
    event = json.loads(template[template.index('{"resource') :].replace(headers[0], "{}"))
    assert set(event) == {"resource", "path", "httpMethod", "headers", "requestContext", "body", "isBase64Encoded"}
    assert event["requestContext"]["requestId"] == "$runId"
    assert "uthorization" not in template
    assert ("claims" in template) == (method["AuthorizationType"] == "COGNITO_USER_POOLS")
    answer, refusal = integration["IntegrationResponses"]
    assert re.fullmatch(
        refusal["SelectionPattern"],
        "1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)",
    )
    problem = json.loads(refusal["ResponseTemplates"]["application/json"])
    assert (refusal["StatusCode"], problem["status"]) == ("413", 413)
    assert f"{MAXIMUM_BODY_BYTES:,} bytes" in problem["title"]
    assert answer["StatusCode"] == "202"
    assert 'responseOverride.header.Location = "/runs/$runId"' in answer["ResponseTemplates"]["application/json"]


def test_every_text_that_is_escaped_is_json_though_it_has_an_apostrophe(standard: Template, tuned: Template) -> None:
    for deployed in (standard, tuned):
        template = deployed.routes()["POST", "/runs"]["Integration"]["RequestTemplates"]["application/json"]
        assert template.count("$!util.escapeJavaScript(") == (6 if deployed is tuned else 1)
        assert template.count(""").replaceAll("\\\\'","'")""") == template.count("$!util.escapeJavaScript(")


def test_gateway_makes_the_ids_that_the_functions_read() -> None:
    request_id, milliseconds = str(uuid.uuid4()), 1764169500123
    texts = {"request": request_id, "milliseconds": str(milliseconds)}
    made = re.sub(
        r"\$(\w+)\.substring\((\d+),(\d+)\)",
        lambda match: texts[match[1]][int(match[2]) : int(match[3])],
        RUN_ID,
    )
    assert made == new_run_id(request_id, milliseconds)


def test_events_that_never_became_a_run_are_kept_and_noticed(standard: Template) -> None:
    function_id = standard.function_ids()["process_background"]
    (config,) = [
        properties
        for properties in standard.all("AWS::Lambda::EventInvokeConfig").values()
        if properties["FunctionName"] == {"Ref": function_id}
    ]
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (2, 6 * 3600)
    queue = attribute_of(config["DestinationConfig"]["OnFailure"]["Destination"])
    alarms = [flat(alarm) for alarm in standard.all("AWS::CloudWatch::Alarm").values()]
    assert any(queue in alarm for alarm in alarms)
