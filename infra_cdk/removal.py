"""What becomes of keys and users when their stack goes."""

from aws_cdk import RemovalPolicy

from infra_cdk.settings import Settings


def choose_removal_policy(settings: Settings) -> RemovalPolicy:
    """What a failed deployment made goes with it: nobody has used it yet."""
    return RemovalPolicy.DESTROY if settings.ephemeral else RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
