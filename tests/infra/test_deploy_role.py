"""The roles with which GitHub Actions deploys, each for one environment of one repository."""

import json
from pathlib import Path

import pytest

from infra_cdk.deploy_role import STACK_NAME, build_app
from tests.infra.template import Template, as_list, flat

SUBJECT = "token.actions.githubusercontent.com:sub"


@pytest.fixture(scope="module")
def roles(tmp_path_factory: pytest.TempPathFactory) -> Template:
    folder = tmp_path_factory.mktemp("roles")
    build_app("owner/agent", outdir=str(folder)).synth()
    return Template(folder, STACK_NAME)


def test_a_role_trusts_one_place_of_one_repository(roles: Template) -> None:
    subjects = set()
    for role in roles.all("AWS::IAM::Role").values():
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
        assert set(trust["Condition"]) == {"StringEquals"}
        subjects.add(trust["Condition"]["StringEquals"][SUBJECT])
    assert subjects == {
        "repo:owner/agent:environment:staging",
        "repo:owner/agent:environment:prod",
        "repo:owner/agent:pull_request",
    }


def test_only_the_role_of_a_pull_request_changes_nothing(roles: Template) -> None:
    for name in roles.all("AWS::IAM::Role"):
        assumed = [s for s in roles.statements(name) if s["Action"] == ["sts:AssumeRole"]]
        kinds = {kind for kind in ("-deploy-", "-lookup-") if kind in flat(assumed)}
        assert kinds == ({"-lookup-"} if name.startswith("Diff") else {"-deploy-", "-lookup-"})
        if name.startswith("Diff"):
            assert len(roles.statements(name)) == 1


def test_a_stages_role_reaches_the_stages_own_stack_alone(roles: Template) -> None:
    (prod,) = (name for name in roles.all("AWS::IAM::Role") if name.startswith("Prod"))
    stacks = [r for s in roles.statements(prod) for r in as_list(s["Resource"]) if "cloudformation" in flat(r)]
    assert len(stacks) == 1
    assert ":stack/SessionsProd/*" in flat(stacks)
    assert not any("*" in action for s in roles.statements(prod) for action in s["Action"])


def test_a_provider_that_the_account_has_is_not_made_again(tmp_path: Path) -> None:
    arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    build_app("owner/agent", arn, outdir=str(tmp_path)).synth()
    body = json.loads((tmp_path / f"{STACK_NAME}.template.json").read_text())
    assert "AWS::IAM::OIDCProvider" not in {resource["Type"] for resource in body["Resources"].values()}
    assert arn in flat(body)


def test_a_repository_that_github_names_by_ids_as_well_is_trusted_by_them(tmp_path: Path) -> None:
    build_app("owner@123456/agent@456789", outdir=str(tmp_path)).synth()
    trust = flat(Template(tmp_path, STACK_NAME).all("AWS::IAM::Role"))
    assert "repo:owner@123456/agent@456789:environment:prod" in trust


@pytest.mark.parametrize(
    "repository", ["", "agent", "owner/*", "owner/agent:environment:prod", "owner@123456/agent", "owner@*/agent@*"]
)
def test_what_is_no_repository_is_refused(repository: str) -> None:
    with pytest.raises(ValueError, match="must be owner/name"):
        build_app(repository)
