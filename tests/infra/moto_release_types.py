"""The types that moto's CloudFormation lacks for releases and for API keys."""

from tests.infra.moto_types import ApiResource, Parameters, lower, numbers


class Version(ApiResource):
    """moto has it, without the attribute that an alias asks for."""

    type = "AWS::Lambda::Version"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        made = cls.client("lambda", region).publish_version(**properties)
        return cls(made["FunctionArn"], {"Version": made["Version"]})


class Alias(ApiResource):
    type = "AWS::Lambda::Alias"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        return cls(cls.client("lambda", region).create_alias(**properties)["AliasArn"])


class Application(ApiResource):
    type = "AWS::CodeDeploy::Application"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        asked = {lower(key): value for key, value in properties.items()}
        cls.client("codedeploy", region).create_application(applicationName=name, **asked)
        return cls(name)


class DeploymentGroup(ApiResource):
    type = "AWS::CodeDeploy::DeploymentGroup"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        alarms = properties.pop("AlarmConfiguration")
        rollback, style = properties.pop("AutoRollbackConfiguration"), properties.pop("DeploymentStyle")
        cls.client("codedeploy", region).create_deployment_group(
            deploymentGroupName=name,
            alarmConfiguration={"enabled": True, "alarms": [{"name": each["Name"]} for each in alarms["Alarms"]]},
            autoRollbackConfiguration={"enabled": True, "events": rollback["Events"]},
            deploymentStyle={lower(key): value for key, value in style.items()},
            **{lower(key): value for key, value in properties.items()},
        )
        return cls(name)


class ApiKey(ApiResource):
    type = "AWS::ApiGateway::ApiKey"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        asked = {lower(key): value for key, value in properties.items()}
        return cls(cls.client("apigateway", region).create_api_key(**asked)["id"])


class UsagePlan(ApiResource):
    type = "AWS::ApiGateway::UsagePlan"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        throttle, quota = numbers(properties["Throttle"], "BurstLimit"), numbers(properties["Quota"], "Limit")
        made = cls.client("apigateway", region).create_usage_plan(
            name=properties["UsagePlanName"],
            apiStages=[{lower(key): value for key, value in stage.items()} for stage in properties["ApiStages"]],
            throttle={"burstLimit": throttle["BurstLimit"], "rateLimit": float(throttle["RateLimit"])},
            quota={lower(key): value for key, value in quota.items()},
        )
        return cls(made["id"])


class UsagePlanKey(ApiResource):
    type = "AWS::ApiGateway::UsagePlanKey"

    @classmethod
    def make(cls, name: str, properties: Parameters, region: str) -> ApiResource:
        asked = {lower(key): value for key, value in properties.items()}
        return cls(cls.client("apigateway", region).create_usage_plan_key(**asked)["id"])
