"""Who may call the API: principals of this account by IAM, users of a Cognito user pool, callers with other tokens."""

from collections.abc import Mapping
from typing import Literal

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra_cdk.acknowledge import acknowledge
from infra_cdk.functions import Functions
from infra_cdk.removal import choose_removal_policy
from infra_cdk.settings import Settings
from infra_cdk.token_authorizer import make_token_authorizer

_TYPES = {"cognito": apigateway.AuthorizationType.COGNITO, "jwt": apigateway.AuthorizationType.CUSTOM}


class Callers(Construct):
    """own_pool: the user pool that the stack makes, if it does; its users have the console."""

    def __init__(self, scope: Construct, name: str, *, settings: Settings, functions: Functions) -> None:
        super().__init__(scope, name)
        self.authorization, self._counts_by_key = settings.authorization, bool(settings.key_names)
        self.own_pool = self._make_user_pool(settings) if settings.has_console else None
        self._authorizer: apigateway.IAuthorizer | None = None
        if settings.authorization == "cognito":
            pool = self.own_pool or cognito.UserPool.from_user_pool_id(self, "Users", str(settings.user_pool_id))
            self._authorizer = apigateway.CognitoUserPoolsAuthorizer(self, "Authorizer", cognito_user_pools=[pool])
        if settings.authorization == "jwt":
            self._authorizer = make_token_authorizer(self, functions, settings)

    def method_options(self, access: Literal["owner", "public"]) -> Mapping[str, object]:
        if access == "public":
            return {"authorization_type": apigateway.AuthorizationType.NONE}
        options: dict[str, object] = {"authorization_type": apigateway.AuthorizationType.IAM}
        if self._authorizer is not None:
            options = {"authorization_type": _TYPES[self.authorization], "authorizer": self._authorizer}
        return options | ({"api_key_required": True} if self._counts_by_key else {})

    def _make_user_pool(self, settings: Settings) -> cognito.UserPool:
        pool = cognito.UserPool(
            self,
            "Users",
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(email=True),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            mfa=cognito.Mfa.OPTIONAL,
            mfa_second_factor=cognito.MfaSecondFactor(sms=False, otp=True),
            password_policy=cognito.PasswordPolicy(
                min_length=12, require_digits=True, require_lowercase=True, require_uppercase=True, require_symbols=True
            ),
            deletion_protection=settings.is_protected,
            removal_policy=choose_removal_policy(settings),
        )
        acknowledge(
            pool,
            "A second factor is offered; whether to require it is for the pool's owner to decide",
            "AwsSolutions-COG2",
        )
        acknowledge(pool, "The Plus plan is billed per user; the pool's owner may choose it", "AwsSolutions-COG8")
        client = pool.add_client(
            "Client",
            auth_flows=cognito.AuthFlow(user_srp=True, user_password=True),
            disable_o_auth=True,
            id_token_validity=Duration.hours(1),
            prevent_user_existence_errors=True,
        )
        CfnOutput(self, "UserPoolId", value=pool.user_pool_id)
        CfnOutput(self, "UserPoolClientId", value=client.user_pool_client_id)
        return pool
