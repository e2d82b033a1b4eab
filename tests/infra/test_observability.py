"""What is watched, and where alarms go."""

import json

from infra_cdk.function_table import read_function_table
from tests.infra.template import Template, flat

EVERYWHERE = {
    "ServerErrors",
    "FunctionErrors",
    "SlowTurns",
    "BusyAnswers",
    "DatabaseCapacity",
    "Throttles",
    "BackgroundRunsFailed",
    "ExpiryFailed",
    "PassedOver",
}


def alarms(template: Template) -> dict[str, dict[str, object]]:
    named = template.all("AWS::CloudWatch::Alarm")
    return {name.removeprefix("ObservabilityAlarms")[:-8]: dict(properties) for name, properties in named.items()}


def dimension(name: str, resource: str) -> str:
    return flat({"Name": name, "Value": {"Ref": resource}})


def test_every_danger_has_an_alarm(standard: Template, direct: Template) -> None:
    assert set(alarms(standard)) == EVERYWHERE | {"PinnedConnections"}
    assert set(alarms(direct)) == EVERYWHERE | {
        "Concurrencyprocess",
        "Concurrencyprocessstreaming",
        "Concurrencyprocessbackground",
    }


def test_an_idle_service_is_a_healthy_one(either: Template) -> None:
    assert {alarm["TreatMissingData"] for alarm in alarms(either).values()} == {"notBreaching"}


def test_alarms_look_at_things_that_exist(either: Template) -> None:
    """A metric whose dimension names nothing never has data, and its alarm never fires."""
    (cluster,) = either.all("AWS::RDS::DBCluster")
    assert dimension("DBClusterIdentifier", cluster) in flat(alarms(either)["DatabaseCapacity"])
    errors = flat(alarms(either)["FunctionErrors"])
    assert all(either.function_ids()[name] in errors for name in read_function_table().functions)


def test_what_the_expiry_passes_over_is_counted_as_its_function_counts_it(either: Template) -> None:
    alarm = alarms(either)["PassedOver"]
    environment = next(
        function["Environment"]["Variables"]
        for function in either.all("AWS::Lambda::Function").values()
        if function.get("Environment", {}).get("Variables", {}).get("POWERTOOLS_SERVICE_NAME") == "expire"
    )
    dimension = {"Name": "service", "Value": environment["POWERTOOLS_SERVICE_NAME"]}
    assert flat(dimension) in flat(alarm["Metrics"])
    assert flat({"Namespace": environment["POWERTOOLS_METRICS_NAMESPACE"]})[1:-1] in flat(alarm["Metrics"])


def test_busy_answers_are_counted_from_the_access_log(either: Template) -> None:
    busy = either.only("AWS::Logs::MetricFilter")
    (counted,) = busy["MetricTransformations"]
    assert busy["LogGroupName"]["Ref"] in flat(
        either.only("AWS::ApiGateway::Stage")["AccessLogSetting"]["DestinationArn"]
    )
    assert busy["FilterPattern"] == '{ $.status = "409" }'
    assert counted["MetricName"] in flat(alarms(either)["BusyAnswers"])
    assert counted["MetricNamespace"] in flat(alarms(either)["BusyAnswers"])


def test_pinned_connections_name_the_proxy(standard: Template) -> None:
    (proxy,) = standard.all("AWS::RDS::DBProxy")
    assert dimension("ProxyName", proxy) in flat(alarms(standard)["PinnedConnections"])
    name = standard.only("AWS::RDS::DBProxy")["DBProxyName"]
    assert name == name.lower()  # as RDS keeps it, and as CloudWatch then compares it


def test_a_failed_deletion_reaches_the_queue_that_is_watched(either: Template) -> None:
    """The scheduler does not wait: of a function that failed Lambda alone can tell."""
    (queue,) = [name for name in either.all("AWS::SQS::Queue") if name.startswith("Expiry")]
    assert queue in flat(alarms(either)["ExpiryFailed"])
    (failures,) = [
        config
        for config in either.all("AWS::Lambda::EventInvokeConfig").values()
        if config["FunctionName"] == {"Ref": either.function_ids()["expire"]}
    ]
    assert queue in flat(failures["DestinationConfig"]["OnFailure"])
    assert queue in flat(either.only("AWS::Scheduler::Schedule")["Target"]["DeadLetterConfig"])
    assert any(
        "sqs:SendMessage" in s["Action"] and queue in flat(s["Resource"]) for s in either.function_statements("expire")
    )


def test_alarms_reach_a_person_when_one_is_named(standard: Template, tuned: Template) -> None:
    assert all("AlarmActions" not in alarm for alarm in alarms(standard).values())
    (topic,) = tuned.all("AWS::SNS::Topic")
    assert all(alarm["AlarmActions"] == [{"Ref": topic}] for alarm in alarms(tuned).values())
    assert tuned.only("AWS::SNS::Subscription")["Endpoint"] == "oncall@example.com"
    # CloudWatch publishes to an encrypted topic only if topic and key let it.
    condition = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    for policy in (tuned.only("AWS::SNS::TopicPolicy")["PolicyDocument"], tuned.only("AWS::KMS::Key")["KeyPolicy"]):
        (let_in,) = [s for s in policy["Statement"] if s["Principal"] == {"Service": "cloudwatch.amazonaws.com"}]
        assert let_in["Condition"] == condition


def test_dashboard_answers_the_three_questions(standard: Template) -> None:
    body = "".join(
        part if isinstance(part, str) else "reference"
        for part in standard.only("AWS::CloudWatch::Dashboard")["DashboardBody"]["Fn::Join"][1]
    )
    titles = [widget["properties"]["title"] for widget in json.loads(body)["widgets"]]
    assert titles[0] == "Alarms"
    assert {"Database capacity, ACU", "Tokens", "Lambda milliseconds, total"} <= set(titles)
    assert {"p99 of functions, milliseconds", "Waiting for the proxy, microseconds"} <= set(titles)
