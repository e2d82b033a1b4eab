"""API keys and their limits. A key says which program calls; who calls is still for IAM or Cognito to verify."""

from aws_cdk import aws_apigateway as apigateway
from constructs import Construct

from infra_cdk.api import RestApi
from infra_cdk.settings import Settings


class UsagePlans(Construct):
    """A plan and a key for each name. The keys' values are in API Gateway alone, not in the template."""

    def __init__(self, scope: Construct, name: str, *, api: RestApi, settings: Settings) -> None:
        super().__init__(scope, name)
        self._api, self._settings = api.rest_api, settings
        for key_name in settings.key_names:
            self._add_plan(Construct(self, key_name), f"{settings.stack_name}-{key_name}")

    def _add_plan(self, scope: Construct, name: str) -> None:
        rate, day = self._settings.key_requests_per_second, self._settings.key_requests_per_day
        plan = apigateway.UsagePlan(
            scope,
            "Plan",
            name=name,
            throttle=apigateway.ThrottleSettings(rate_limit=rate, burst_limit=2 * rate),
            quota=apigateway.QuotaSettings(limit=day, period=apigateway.Period.DAY) if day else None,
            api_stages=[apigateway.UsagePlanPerApiStage(api=self._api, stage=self._api.deployment_stage)],
        )
        plan.add_api_key(apigateway.ApiKey(scope, "Key", api_key_name=name))
