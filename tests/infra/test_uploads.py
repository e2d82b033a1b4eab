"""The bucket of uploads: closed, emptied by itself, and within reach of those alone who serve it."""

from infra_cdk.settings import Settings
from tests.infra.conftest import Synthesize
from tests.infra.template import Template, as_list, flat
from tests.infra.test_network import OTHER_PAIR, PAIR, VPC

READERS = {"process", "process_streaming", "process_background"}
SIGNERS, DELETERS = {"sessions"}, {"sessions", "session_backend"}


def allowed(template: Template, function: str) -> set[str]:
    statements = template.function_statements(function)
    return {action for each in statements for action in each["Action"] if action.startswith(("s3:", "kms:"))}


def test_the_bucket_is_private_encrypted_and_emptied_after_a_day(standard: Template) -> None:
    bucket = standard.only("AWS::S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert (rule["ExpirationInDays"], rule["Status"], rule.get("Prefix")) == (1, "Enabled", None)
    (statement,) = standard.only("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", {"AWS": "*"})
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert "CorsConfiguration" not in bucket


def test_each_function_may_do_what_its_operations_need(standard: Template) -> None:
    for name in standard.function_ids():
        expected = (
            ({"s3:GetObject", "kms:Decrypt"} if name in READERS else set[str]())
            | ({"s3:PutObject", "kms:GenerateDataKey"} if name in SIGNERS else set[str]())
            | ({"s3:DeleteObject"} if name in DELETERS else set[str]())
        )
        assert allowed(standard, name) - {"s3:ListBucket"} == expected
        variables = standard.function(name)["Environment"]["Variables"]
        assert ("UPLOAD_BUCKET" in variables) == bool(expected)
        for statement in standard.function_statements(name):
            if any(action.startswith(("s3:", "kms:")) for action in statement["Action"]):
                assert "*" not in statement["Resource"]


def test_a_closed_network_leads_to_this_bucket_and_no_other(standard: Template) -> None:
    name, endpoint = standard.endpoint("s3")
    assert endpoint["VpcEndpointType"] == "Gateway"
    (statement,) = endpoint["PolicyDocument"]["Statement"]
    (bucket,) = standard.all("AWS::S3::Bucket")
    assert all(bucket in flat(resource) for resource in as_list(statement["Resource"]))
    ids = standard.function_ids()
    waiting = {each for each in ids if name in as_list(standard.resources[ids[each]].get("DependsOn", []))}
    assert waiting == READERS | DELETERS


def test_the_consoles_page_may_send_uploads_and_no_other(tuned: Template) -> None:
    (rule,) = tuned.only("AWS::S3::Bucket")["CorsConfiguration"]["CorsRules"]
    assert (rule["AllowedMethods"], rule["AllowedHeaders"]) == (["PUT"], ["content-type"])
    (origin,) = rule["AllowedOrigins"]
    ((name, *_),) = tuned.all("AWS::ApiGateway::RestApi").items()
    assert name in flat(origin)
    assert "/v1" not in flat(origin)


def test_in_a_network_that_exists_uploads_are_asked_for(templates: Synthesize) -> None:
    network = {"vpc_id": VPC, "function_subnets": PAIR, "database_subnets": OTHER_PAIR}
    assert not templates(**network).all("AWS::S3::Bucket")
    assert Settings.from_context({**network, "uploads": "true"}).has_uploads
    assert not Settings.from_context({"uploads": "false"}).has_uploads


def test_a_trial_leaves_no_bucket(standard: Template, trial: Template) -> None:
    assert trial.all("Custom::S3AutoDeleteObjects")
    for template, policy in ((standard, "Retain"), (trial, "Delete")):
        (bucket,) = template.all("AWS::S3::Bucket")
        assert template.resources[bucket]["DeletionPolicy"] == policy
