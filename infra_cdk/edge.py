"""What stands before the API where a switch asks for it: a domain of one's own, and a firewall."""

from aws_cdk import CfnOutput
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from infra_cdk.acknowledge import acknowledge
from infra_cdk.api import RestApi
from infra_cdk.settings import Settings

# docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-baseline.html. Its rules on bodies would block
# long prompts (8 KB), and questions about HTML, paths (`../`) and addresses (`http://10.0.0.1/`).
_MANAGED_RULES = "AWSManagedRulesCommonRuleSet"
_COUNTED_ONLY = (
    "SizeRestrictions_BODY",
    "CrossSiteScripting_BODY",
    "EC2MetaDataSSRF_BODY",
    "GenericLFI_BODY",
    "GenericRFI_BODY",
)
BUDGET_PERCENT = 80


class Edge(Construct):
    def __init__(self, scope: Construct, name: str, *, api: RestApi, settings: Settings) -> None:
        super().__init__(scope, name)
        self._api, self._settings = api, settings
        if settings.domain_name and settings.certificate_arn:
            self._add_domain(settings.domain_name, settings.certificate_arn)
        if settings.firewall:
            self._add_firewall(settings.firewall_rate)
        if settings.monthly_budget:
            self._add_budget(settings.monthly_budget, settings.alarm_email or "")

    def _add_domain(self, name: str, certificate_arn: str) -> None:
        domain = apigateway.DomainName(
            self,
            "Domain",
            domain_name=name,
            certificate=acm.Certificate.from_certificate_arn(self, "Certificate", certificate_arn),
            endpoint_type=apigateway.EndpointType.REGIONAL,
            security_policy=apigateway.SecurityPolicy.TLS_1_2,
        )
        # The domain's root is the stage: https://sessions.example.com/process
        domain.add_base_path_mapping(self._api.rest_api, stage=self._api.rest_api.deployment_stage)
        CfnOutput(self, "DomainTarget", value=domain.domain_name_alias_domain_name)

    def _add_firewall(self, rate: int) -> None:
        acl = wafv2.CfnWebACL(
            self,
            "Firewall",
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_visibility("Firewall"),
            rules=[_managed_rules(), _rate_rule(rate)],
        )
        stage = self._api.rest_api.deployment_stage
        wafv2.CfnWebACLAssociation(self, "Association", resource_arn=stage.stage_arn, web_acl_arn=acl.attr_arn)

    def _add_budget(self, dollars: int, email: str) -> None:
        subscriber = budgets.CfnBudget.SubscriberProperty(subscription_type="EMAIL", address=email)
        alert = budgets.CfnBudget.NotificationWithSubscribersProperty(
            notification=budgets.CfnBudget.NotificationProperty(
                comparison_operator="GREATER_THAN", notification_type="ACTUAL", threshold=BUDGET_PERCENT
            ),
            subscribers=[subscriber],
        )
        data = budgets.CfnBudget.BudgetDataProperty(
            budget_type="COST",
            time_unit="MONTHLY",
            budget_limit=budgets.CfnBudget.SpendProperty(amount=dollars, unit="USD"),
        )
        budgets.CfnBudget(self, "Budget", budget=data, notifications_with_subscribers=[alert])


def acknowledge_missing_firewall(api: RestApi, settings: Settings) -> None:
    if not settings.firewall:
        stage = api.rest_api.deployment_stage
        acknowledge(stage, "Callers are known and throttled; firewall=true adds one", "AwsSolutions-APIG3")


def _managed_rules() -> wafv2.CfnWebACL.RuleProperty:
    count = wafv2.CfnWebACL.RuleActionProperty(count={})
    overrides = [wafv2.CfnWebACL.RuleActionOverrideProperty(name=name, action_to_use=count) for name in _COUNTED_ONLY]
    group = wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
        vendor_name="AWS", name=_MANAGED_RULES, rule_action_overrides=overrides
    )
    return wafv2.CfnWebACL.RuleProperty(
        name="Managed",
        priority=0,
        statement=wafv2.CfnWebACL.StatementProperty(managed_rule_group_statement=group),
        override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
        visibility_config=_visibility("Managed"),
    )


def _rate_rule(rate: int) -> wafv2.CfnWebACL.RuleProperty:
    limit = wafv2.CfnWebACL.RateBasedStatementProperty(limit=rate, aggregate_key_type="IP")
    return wafv2.CfnWebACL.RuleProperty(
        name="Rate",
        priority=1,
        statement=wafv2.CfnWebACL.StatementProperty(rate_based_statement=limit),
        action=wafv2.CfnWebACL.RuleActionProperty(block={}),
        visibility_config=_visibility("Rate"),
    )


def _visibility(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True,
        metric_name=name,
        sampled_requests_enabled=False,  # a sample shows headers
    )
