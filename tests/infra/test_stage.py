"""A stage with all that a switch adds: its own account and region, tags, a domain, a firewall and a budget."""

import json

import pytest

from tests.infra.conftest import Synthesize
from tests.infra.template import Template, flat

ACCOUNT, REGION = "222222222222", "eu-central-1"


@pytest.fixture(scope="session")
def stage(templates: Synthesize) -> Template:
    return templates(
        stage="prod",
        stack_name="StrandsSessions",
        account=ACCOUNT,
        region=REGION,
        cloud_watch_role="true",
        domain_name="sessions.example.com",
        certificate_arn=f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/1",
        firewall="true",
        firewall_rate="500",
        alarm_email="oncall@example.com",
        monthly_budget="50",
    )


def test_a_named_account_is_the_only_one_and_nothing_is_looked_up(stage: Template) -> None:
    manifest = json.loads((stage.folder / "manifest.json").read_text())
    assert manifest["artifacts"]["StrandsSessions"]["environment"] == f"aws://{ACCOUNT}/{REGION}"
    assert "missing" not in manifest
    zones = [flat(subnet["AvailabilityZone"]) for subnet in stage.all("AWS::EC2::Subnet").values()]
    assert all("Fn::GetAZs" in zone for zone in zones)


def test_everything_carries_the_tags(stage: Template, standard: Template) -> None:
    ours = {"application": "StrandsSessions"}
    for template, tags in ((standard, ours), (stage, {**ours, "stage": "prod"})):
        manifest = json.loads((template.folder / "manifest.json").read_text())
        assert manifest["artifacts"]["StrandsSessions"]["properties"]["tags"] == tags


def test_the_accounts_role_for_logs_is_made_only_where_asked_for(stage: Template, standard: Template) -> None:
    assert stage.all("AWS::ApiGateway::Account")
    assert not standard.all("AWS::ApiGateway::Account")


def test_the_domain_leads_to_the_stage_by_tls_1_2(stage: Template) -> None:
    domain = stage.only("AWS::ApiGateway::DomainName")
    assert (domain["DomainName"], domain["SecurityPolicy"]) == ("sessions.example.com", "TLS_1_2")
    (stage_id,) = stage.all("AWS::ApiGateway::Stage")
    assert stage.only("AWS::ApiGateway::BasePathMapping")["Stage"] == {"Ref": stage_id}


def test_the_firewall_has_managed_rules_and_a_rate_and_lets_prompts_about_anything_in(stage: Template) -> None:
    managed, rate = stage.only("AWS::WAFv2::WebACL")["Rules"]
    assert rate["Statement"]["RateBasedStatement"] == {"AggregateKeyType": "IP", "Limit": 500}
    overrides = managed["Statement"]["ManagedRuleGroupStatement"]["RuleActionOverrides"]
    assert all(override["ActionToUse"] == {"Count": {}} for override in overrides)
    counted = {override["Name"].removesuffix("_BODY") for override in overrides}
    assert counted == {"SizeRestrictions", "CrossSiteScripting", "EC2MetaDataSSRF", "GenericLFI", "GenericRFI"}
    (stage_id,) = stage.all("AWS::ApiGateway::Stage")
    assert stage_id in flat(stage.only("AWS::WAFv2::WebACLAssociation")["ResourceArn"])


def test_the_budget_is_told_before_it_is_spent(stage: Template) -> None:
    budget = stage.only("AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 50, "Unit": "USD"}
    (alert,) = budget["NotificationsWithSubscribers"]
    assert alert["Notification"]["Threshold"] == 80
    assert alert["Subscribers"] == [{"Address": "oncall@example.com", "SubscriptionType": "EMAIL"}]


def test_every_log_group_of_the_template_ends(stage: Template, standard: Template) -> None:
    for template in (stage, standard):
        groups = template.all("AWS::Logs::LogGroup")
        assert {name for name, group in groups.items() if not group.get("RetentionInDays")} == set()
        assert "API-Gateway-Execution-Logs_" in flat(list(groups.values()))
