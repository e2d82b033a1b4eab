"""The types of our template that moto's CloudFormation lacks.

moto has their API: each type calls it through boto3, so botocore checks every parameter's name and type, and a property
that the API does not know is an error.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import boto3
from moto.core.common_models import CloudFormationModel

Parameters = dict[str, Any]
ACCOUNT = "123456789012"


class ApiResource(CloudFormationModel):
    """One resource made by one API call, or by none."""

    type: ClassVar[str]
    endpoint: ClassVar[str]

    def __init__(self, identifier: str, attributes: Mapping[str, str] | None = None) -> None:
        self._identifier, self._attributes = identifier, attributes or {}

    @property
    def physical_resource_id(self) -> str:
        return self._identifier

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return True

    def get_cfn_attribute(self, attribute_name: str) -> str:
        return self._attributes[attribute_name]

    def is_created(self) -> bool:
        return True

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> "ApiResource":
        return cls.make(resource_name, _plain(cloudformation_json["Properties"]), region_name)

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> "ApiResource":
        raise NotImplementedError

    @classmethod
    def client(cls, service: str, region: str) -> Any:
        return _client(cls.endpoint, service, region)


@cache
def _client(endpoint: str, service: str, region: str) -> Any:
    return boto3.client(
        service, region_name=region, endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test"
    )


class Cluster(ApiResource):
    type = "AWS::RDS::DBCluster"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        made = cls.client("rds", region).create_db_cluster(
            DBClusterIdentifier=name.lower(),
            MasterUserPassword="moto wants one, AWS refuses one",
            **numbers(properties, "Port", "BackupRetentionPeriod"),
        )["DBCluster"]
        return cls(
            made["DBClusterIdentifier"],
            {
                "Endpoint.Address": made["Endpoint"],
                "Endpoint.Port": str(made["Port"]),
                "DBClusterArn": made["DBClusterArn"],
                "DBClusterResourceId": made["DbClusterResourceId"],
            },
        )


class Instance(ApiResource):
    """moto has it, but without a default version for Aurora's engines."""

    type = "AWS::RDS::DBInstance"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        client = cls.client("rds", region)
        (cluster,) = client.describe_db_clusters(DBClusterIdentifier=properties["DBClusterIdentifier"])["DBClusters"]
        made = client.create_db_instance(
            DBInstanceIdentifier=name.lower()[:60].rstrip("-"), EngineVersion=cluster["EngineVersion"], **properties
        )["DBInstance"]
        return cls(made["DBInstanceIdentifier"], {"Endpoint.Address": made["Endpoint"]["Address"]})


class ClusterParameterGroup(ApiResource):
    type = "AWS::RDS::DBClusterParameterGroup"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        settings = properties.pop("Parameters")
        client = cls.client("rds", region)
        client.create_db_cluster_parameter_group(
            DBClusterParameterGroupName=name.lower(), DBParameterGroupFamily=properties.pop("Family"), **properties
        )
        return cls(name.lower(), {**settings})


class Proxy(ApiResource):
    type = "AWS::RDS::DBProxy"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        made = cls.client("rds", region).create_db_proxy(
            # moto wants it; the API takes none beside DefaultAuthScheme=IAM_AUTH.
            **{"Auth": [{"IAMAuth": "REQUIRED"}], **numbers(properties, "IdleClientTimeout")}
        )["DBProxy"]
        return cls(made["DBProxyName"], {"Endpoint": made["Endpoint"], "DBProxyArn": made["DBProxyArn"]})


class ProxyTargetGroup(ApiResource):
    type = "AWS::RDS::DBProxyTargetGroup"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        properties.pop("ConnectionPoolConfigurationInfo")  # the API sets it by another call, which moto lacks
        cls.client("rds", region).register_db_proxy_targets(**properties)
        return cls(name)


class Stage(ApiResource):
    type = "AWS::ApiGateway::Stage"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        for later in ("AccessLogSetting", "MethodSettings"):  # the API sets them by patches
            properties.pop(later)
        made = cls.client("apigateway", region).create_stage(**{lower(key): v for key, v in properties.items()})
        return cls(made["stageName"])


class Alarm(ApiResource):
    type = "AWS::CloudWatch::Alarm"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        properties["Threshold"] = float(properties["Threshold"])
        cls.client("cloudwatch", region).put_metric_alarm(
            AlarmName=name, **numbers(properties, "Period", "EvaluationPeriods")
        )
        return cls(name, {"Arn": f"arn:aws:cloudwatch:{region}:{ACCOUNT}:alarm:{name}"})


class EventInvokeConfig(ApiResource):
    type = "AWS::Lambda::EventInvokeConfig"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        properties.pop("Qualifier")  # of the one version, which moto does not name
        numbered = numbers(properties, "MaximumRetryAttempts")
        cls.client("lambda", region).put_function_event_invoke_config(**numbered)
        return cls(name)


class Schedule(ApiResource):
    type = "AWS::Scheduler::Schedule"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        made = cls.client("scheduler", region).create_schedule(Name=name[:64], **properties)
        return cls(name[:64], {"Arn": made["ScheduleArn"]})


class Schema(ApiResource):
    """The custom resource: made only if the function that it names is there, and the one that this calls.

    That of CDK's own, which empties a bucket, calls none.
    """

    type = "Custom::SessionSchema"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        client = cls.client("lambda", region)
        framework = client.get_function_configuration(FunctionName=properties["ServiceToken"])
        if "BucketName" not in properties:
            client.get_function(FunctionName=framework["Environment"]["Variables"]["USER_ON_EVENT_FUNCTION_ARN"])
        return cls(name)


class Account(ApiResource):
    type = "AWS::ApiGateway::Account"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        role = {"op": "replace", "path": "/cloudwatchRoleArn", "value": properties["CloudWatchRoleArn"]}
        cls.client("apigateway", region).update_account(patchOperations=[role])
        return cls(name)


class GatewayResponse(ApiResource):
    type = "AWS::ApiGateway::GatewayResponse"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        cls.client("apigateway", region).put_gateway_response(**{lower(key): v for key, v in properties.items()})
        return cls(name)


class MetricFilter(ApiResource):
    type = "AWS::Logs::MetricFilter"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        transformations = [{lower(k): v for k, v in t.items()} for t in properties["MetricTransformations"]]
        cls.client("logs", region).put_metric_filter(
            filterName=name,
            filterPattern=properties["FilterPattern"],
            logGroupName=properties["LogGroupName"],
            metricTransformations=transformations,
        )
        return cls(name)


class QueuePolicy(ApiResource):
    type = "AWS::SQS::QueuePolicy"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        for queue in properties["Queues"]:
            attributes = {"Policy": json.dumps(properties["PolicyDocument"])}
            cls.client("sqs", region).set_queue_attributes(QueueUrl=queue, Attributes=attributes)
        return cls(name)


class BucketPolicy(ApiResource):
    type = "AWS::S3::BucketPolicy"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        policy = json.dumps(properties["PolicyDocument"])
        cls.client("s3", region).put_bucket_policy(Bucket=properties["Bucket"], Policy=policy)
        return cls(name)


class SecurityGroupEgress(ApiResource):
    type = "AWS::EC2::SecurityGroupEgress"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        permission: Parameters = numbers(
            {key: properties[key] for key in ("IpProtocol", "FromPort", "ToPort")}, "FromPort", "ToPort"
        )
        target = {"GroupId": properties["DestinationSecurityGroupId"], "Description": properties["Description"]}
        permission["UserIdGroupPairs"] = [target]
        cls.client("ec2", region).authorize_security_group_egress(
            GroupId=properties["GroupId"], IpPermissions=[permission]
        )
        return cls(name)


def _plain(value: Any) -> Any:
    """moto hands some references over as its own objects."""
    if isinstance(value, Mapping):
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    for name in ("physical_resource_id", "id", "name"):
        if hasattr(value, name):
            return getattr(value, name)
    return value


def numbers(properties: Parameters, *names: str) -> Parameters:
    """CloudFormation takes numbers as text, and resolves references to text."""
    return {key: int(value) if key in names else value for key, value in properties.items()}


def lower(name: str) -> str:
    return name[0].lower() + name[1:]
