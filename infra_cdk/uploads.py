"""The bucket of files that callers upload for their prompts, which S3 empties by itself; and who may do what there."""

from typing import cast

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra_cdk.acknowledge import acknowledge, managed_policy
from infra_cdk.function_table import Function
from infra_cdk.network import HTTPS_PORT, Network
from infra_cdk.settings import Settings

_KEPT = Duration.days(1)  # S3 deletes at the midnight after, in UTC
_KEY_ACTIONS = {"s3:GetObject": "kms:Decrypt", "s3:PutObject": "kms:GenerateDataKey"}
_DELETING_OPERATIONS = {"deleteSession", "sessionBackend"}


class Uploads(Construct):
    def __init__(self, scope: Construct, name: str, *, network: Network, key: kms.IKey, settings: Settings) -> None:
        super().__init__(scope, name)
        self._network, self._key = network, key
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            lifecycle_rules=[
                s3.LifecycleRule(expiration=_KEPT, abort_incomplete_multipart_upload_after=_KEPT),
            ],
            # A bucket with something in it cannot be deleted; this one is soon empty.
            removal_policy=RemovalPolicy.DESTROY if settings.ephemeral else RemovalPolicy.RETAIN,
            auto_delete_objects=settings.ephemeral,
        )
        if settings.origins:
            self.allow_pages(settings.origins)
        if settings.ephemeral:
            _acknowledge_deletion(Stack.of(self))
        acknowledge(self.bucket, "What is in it is gone after a day; functions log who asked for it", "AwsSolutions-S1")
        self._endpoint = None if network.is_given else self._make_endpoint(settings)

    def grant(self, row: Function, function: lambda_.Function, role: iam.Role, group: ec2.SecurityGroup) -> None:
        """What the function's operations need."""
        actions = _find_object_actions(row)
        if not actions:
            return
        function.add_environment("UPLOAD_BUCKET", self.bucket.bucket_name)
        for statement in self._make_statements(actions):
            role.add_to_policy(statement)
        bucket = Stack.of(self).get_logical_id(cast(s3.CfnBucket, self.bucket.node.default_child))
        acknowledge(role, "Keys begin with a digest of their owner", f"AwsSolutions-IAM5[Resource::<{bucket}.Arn>/*]")
        if actions != ["s3:PutObject"]:  # an address is signed without a request to S3
            # Without nat no route leads further than the endpoint, and only AWS knows the addresses behind it.
            group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(HTTPS_PORT), "Services and the model's provider")
            if self._endpoint:
                function.node.add_dependency(self._endpoint)

    def allow_pages(self, origins: list[str]) -> None:
        """Of these origins to send uploads."""
        self.bucket.add_cors_rule(
            allowed_methods=[s3.HttpMethods.PUT], allowed_origins=origins, allowed_headers=["content-type"]
        )

    def _make_statements(self, actions: list[str]) -> list[iam.PolicyStatement]:
        key_actions = [_KEY_ACTIONS[action] for action in actions if action in _KEY_ACTIONS]
        ours = [
            iam.PolicyStatement(actions=actions, resources=[self.bucket.arn_for_objects("*")]),
            # Without it S3 says of what is not there that it is forbidden.
            iam.PolicyStatement(actions=["s3:ListBucket"], resources=[self.bucket.bucket_arn]),
        ]
        if key_actions:
            ours.append(iam.PolicyStatement(actions=key_actions, resources=[self._key.key_arn]))
        return ours

    def _make_endpoint(self, settings: Settings) -> ec2.GatewayVpcEndpoint:
        """It costs nothing. With nat all of S3 goes through it, the agent's own buckets too."""
        ours = iam.PolicyStatement(
            principals=[iam.AnyPrincipal()],
            actions=["s3:GetObject", "s3:DeleteObject", "s3:ListBucket"],
            resources=[self.bucket.bucket_arn, self.bucket.arn_for_objects("*")],
        )
        return self._network.make_gateway_endpoint("s3", None if settings.nat else ours)


def _find_object_actions(row: Function) -> list[str]:
    return [
        *(["s3:GetObject"] if row.agent else []),
        *(["s3:PutObject"] if "createUpload" in row.operations else []),
        *(["s3:DeleteObject"] if _DELETING_OPERATIONS & set(row.operations) else []),
    ]


def _acknowledge_deletion(stack: Stack) -> None:
    provider = stack.node.find_child("Custom::S3AutoDeleteObjectsCustomResourceProvider")
    reason = "CDK's own function, which empties the bucket before it is deleted"
    acknowledge(provider, reason, managed_policy("AWSLambdaBasicExecutionRole"), "AwsSolutions-L1")
