"""The types that moto's CloudFormation lacks for who calls, and for who hears of an alarm."""

import json
from typing import Any

from moto.apigateway.models import Method as MotoMethod

from tests.infra.moto_types import ApiResource, Parameters, lower, numbers


class UserPool(ApiResource):
    type = "AWS::Cognito::UserPool"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        properties.pop("EnabledMfas")  # the API sets it by another call
        made = cls.client("cognito-idp", region).create_user_pool(PoolName=name, **properties)["UserPool"]
        return cls(made["Id"], {"Arn": made["Arn"]})


class UserPoolClient(ApiResource):
    type = "AWS::Cognito::UserPoolClient"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        numbered = numbers(properties, "IdTokenValidity", "RefreshTokenValidity")
        made = cls.client("cognito-idp", region).create_user_pool_client(ClientName=name, **numbered)
        return cls(made["UserPoolClient"]["ClientId"])


class UserPoolDomain(ApiResource):
    type = "AWS::Cognito::UserPoolDomain"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        cls.client("cognito-idp", region).create_user_pool_domain(**properties)
        return cls(properties["Domain"])


class Authorizer(ApiResource):
    type = "AWS::ApiGateway::Authorizer"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        names = {"ProviderARNs": "providerARNs"}
        numbered = numbers(properties, "AuthorizerResultTtlInSeconds")
        asked = {names.get(key, lower(key)): value for key, value in numbered.items()}
        return cls(cls.client("apigateway", region).create_authorizer(**asked)["id"])


class Method(ApiResource):
    """moto has it, but for a preflight, which API Gateway answers by itself."""

    type = "AWS::ApiGateway::Method"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> Any:
        properties: Parameters = cloudformation_json["Properties"]
        integration = {"IntegrationHttpMethod": "OPTIONS", "Uri": "", **properties["Integration"]}
        changed = {**cloudformation_json, "Properties": {**properties, "Integration": integration}}
        return MotoMethod.create_from_cloudformation_json(resource_name, changed, account_id, region_name)


class Subscription(ApiResource):
    type = "AWS::SNS::Subscription"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        return cls(cls.client("sns", region).subscribe(**properties)["SubscriptionArn"])


class TopicPolicy(ApiResource):
    type = "AWS::SNS::TopicPolicy"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        policy = json.dumps(properties["PolicyDocument"])
        for topic in properties["Topics"]:
            cls.client("sns", region).set_topic_attributes(
                TopicArn=topic, AttributeName="Policy", AttributeValue=policy
            )
        return cls(name)
