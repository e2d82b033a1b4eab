"""API keys: a key says which program calls, and never who."""

from tests.infra.template import Template


def test_every_route_that_knows_its_caller_wants_a_key_too(released: Template, standard: Template) -> None:
    for method in released.routes().values():
        is_public = method["AuthorizationType"] == "NONE"
        assert method.get("ApiKeyRequired", False) == (not is_public)
    assert not any(method.get("ApiKeyRequired") for method in standard.routes().values())


def test_each_key_has_a_plan_of_its_own(released: Template, standard: Template) -> None:
    plans = released.all("AWS::ApiGateway::UsagePlan")
    assert sorted(plan["UsagePlanName"] for plan in plans.values()) == ["StrandsSessions-batch", "StrandsSessions-web"]
    (stage,) = released.all("AWS::ApiGateway::Stage")
    for plan in plans.values():
        assert plan["Throttle"] == {"RateLimit": 3, "BurstLimit": 6}
        assert plan["Quota"] == {"Limit": 1000, "Period": "DAY"}
        assert plan["ApiStages"][0]["Stage"] == {"Ref": stage}
    members = released.all("AWS::ApiGateway::UsagePlanKey").values()
    assert len({member["UsagePlanId"]["Ref"] for member in members} & set(plans)) == 2
    assert not any("Value" in key for key in released.all("AWS::ApiGateway::ApiKey").values())
    assert not standard.all("AWS::ApiGateway::UsagePlan")
