"""A first deployment comes in two steps, so that its failure leaves nothing that refuses to go."""

from infra_cdk.deployment import Deployment
from infra_cdk.settings import Settings
from tests.infra.recorded_account import RecordedAccount
from tests.infra.template import Template

ARGUMENTS = ["-c", "requests_per_second=7"]


class CommandLineTool:
    def __init__(self, *codes: int) -> None:
        self.calls: list[list[str]] = []
        self._codes = iter(codes)

    def __call__(self, arguments: list[str]) -> int:
        self.calls.append(arguments)
        return next(self._codes)


def deploy(account: str, tool: CommandLineTool, settings: Settings) -> int:
    return Deployment(ARGUMENTS, settings, RecordedAccount(account)).run(tool)


def test_a_first_deployment_gets_its_guards_when_everything_stands() -> None:
    tool = CommandLineTool(0, 0)
    assert deploy("ready", tool, Settings()) == 0
    assert tool.calls == [["deploy", *ARGUMENTS, "-c", "deletion_protection=false"], ["deploy", *ARGUMENTS]]


def test_afterwards_the_log_that_rds_makes_is_bounded_and_the_policy_set_where_asked_for() -> None:
    for settings in (Settings(ephemeral=True), Settings(ephemeral=True, stack_policy=True)):
        account = RecordedAccount()
        assert Deployment(ARGUMENTS, settings, account).run(CommandLineTool(0)) == 0
        assert "logs.PutRetentionPolicy" in account.calls
        assert ("cloudformation.SetStackPolicy" in account.calls) == settings.stack_policy


def test_of_the_versions_before_the_live_one_only_the_last_is_kept() -> None:
    account = RecordedAccount()
    Deployment(ARGUMENTS, Settings(ephemeral=True), account).run(CommandLineTool(0))
    deleted = [call for call in account.parameters if "Qualifier" in call]
    assert [call["Qualifier"] for call in deleted] == ["8", "9"]
    assert all(call["FunctionName"].endswith(":function-0") for call in deleted)


def test_a_failed_first_step_is_the_last() -> None:
    tool = CommandLineTool(1)
    assert deploy("ready", tool, Settings()) == 1


def test_an_update_and_a_trial_have_one_step() -> None:
    for account, settings in (("deployed", Settings()), ("ready", Settings(ephemeral=True))):
        tool = CommandLineTool(0)
        assert deploy(account, tool, settings) == 0
        assert tool.calls == [["deploy", *ARGUMENTS]]


def test_what_outlives_a_stack_goes_with_a_failed_creation(standard: Template, tuned: Template) -> None:
    for template, kind in ((standard, "AWS::KMS::Key"), (tuned, "AWS::Cognito::UserPool")):
        (resource,) = (r for r in template.resources.values() if r["Type"] == kind)
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    policies = {r.get("DeletionPolicy", "Delete") for r in standard.resources.values()}
    assert policies <= {"Delete", "RetainExceptOnCreate", "Snapshot", "Retain"}
