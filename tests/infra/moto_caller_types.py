"""The types that moto's CloudFormation lacks for who calls, and for who is told of an alarm."""

import json

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
