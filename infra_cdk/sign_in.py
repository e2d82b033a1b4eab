"""Sign-in for the console: the user pool's hosted pages, and the console as a client of the pool."""

from aws_cdk import Aws, Duration, Fn
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra_cdk.api import RestApi


class SignIn(Construct):
    """`function` serves the console and its configuration, which names the sign-in page."""

    def __init__(
        self, scope: Construct, name: str, *, user_pool: cognito.UserPool, api: RestApi, function: lambda_.Function
    ) -> None:
        super().__init__(scope, name)
        # The prefix must be unique in the region; the last part of a stack's id is a UUID.
        stack_uuid = Fn.select(2, Fn.split("/", Aws.STACK_ID))
        domain = user_pool.add_domain(
            "SignIn", cognito_domain=cognito.CognitoDomainOptions(domain_prefix=f"sessions-{stack_uuid}")
        )
        client = user_pool.add_client(
            "Console",
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(authorization_code_grant=True),
                scopes=[cognito.OAuthScope.OPENID],
                callback_urls=[api.page_url],
                logout_urls=[api.page_url],
            ),
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
            id_token_validity=Duration.hours(1),
            refresh_token_validity=Duration.hours(12),
            prevent_user_existence_errors=True,
        )
        function.add_environment("SIGN_IN_URL", domain.base_url())
        function.add_environment("SIGN_IN_CLIENT_ID", client.user_pool_client_id)
