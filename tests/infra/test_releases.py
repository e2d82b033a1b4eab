"""New versions of the functions: published under an alias, called off by alarms, started from snapshots."""

from infra_cdk.function_table import read_function_table
from tests.infra.template import Template, attribute_of, flat

CALLED = {name for name, row in read_function_table().functions.items() if row.is_released}


def aliases(template: Template) -> dict[str, str]:
    """Logical id of the alias of each function."""
    names = {logical_id: name for name, logical_id in template.function_ids().items()}
    return {names[p["FunctionName"]["Ref"]]: alias for alias, p in template.all("AWS::Lambda::Alias").items()}


def test_the_api_calls_the_alias_and_nothing_else(released: Template) -> None:
    assert set(aliases(released)) == CALLED
    ids = {*aliases(released).values(), released.function_ids()["process_background"]}
    for method in released.routes().values():
        assert any(alias in flat(method["Integration"]["Uri"]) for alias in ids)
    names = [permission["FunctionName"] for permission in released.all("AWS::Lambda::Permission").values()]
    targets = {name.get("Ref") or attribute_of(name) for name in names}
    assert targets == ids


def test_an_alias_leads_to_the_version_of_its_own_function_which_outlives_the_next_but_no_rollback(
    released: Template,
) -> None:
    for name, alias in aliases(released).items():
        version = attribute_of(released.resources[alias]["Properties"]["FunctionVersion"])
        assert released.resources[version]["Properties"]["FunctionName"] == {"Ref": released.function_ids()[name]}
        assert released.resources[version]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert released.resources[version]["UpdateReplacePolicy"] == "Retain"


def test_a_changed_function_is_another_version(released: Template, standard: Template) -> None:
    assert not standard.all("AWS::Lambda::Version")
    assert not standard.all("AWS::Lambda::Alias")
    names = released.all("AWS::Lambda::Version")
    assert len({name[-32:] for name in names}) == len(CALLED)  # CDK's hash of the function's properties


def test_a_canary_shifts_each_alias_and_goes_back_on_errors(released: Template) -> None:
    groups = released.all("AWS::CodeDeploy::DeploymentGroup")
    for alias in aliases(released).values():
        policy = released.resources[alias]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        group = groups[policy["DeploymentGroupName"]["Ref"]]
        assert group["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent15Minutes"
        assert group["AutoRollbackConfiguration"]["Events"] == ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]
        names = [each["Name"]["Ref"].removeprefix("ObservabilityAlarms")[:-8] for each in _alarms(group)]
        assert names == ["FunctionErrors", "ReleaseErrors"]
    (role,) = (
        p for p in released.all("AWS::IAM::Role").values() if "codedeploy" in flat(p["AssumeRolePolicyDocument"])
    )
    assert "AWSCodeDeployRoleForLambdaLimited" in flat(role["ManagedPolicyArns"])


def test_one_bad_period_is_enough_to_call_a_release_off(released: Template) -> None:
    (alarm,) = (p for name, p in released.all("AWS::CloudWatch::Alarm").items() if "ReleaseErrors" in name)
    assert (alarm["EvaluationPeriods"], alarm["Threshold"]) == (1, 1)


def test_only_what_the_api_calls_starts_from_a_snapshot(released: Template, standard: Template) -> None:
    for name in released.function_ids():
        wanted = {"ApplyOn": "PublishedVersions"} if name in CALLED else None
        assert released.function(name).get("SnapStart") == wanted
        assert "SnapStart" not in standard.function(name)


def _alarms(group: object) -> list[dict[str, dict[str, str]]]:
    return group["AlarmConfiguration"]["Alarms"]  # pyright: ignore
