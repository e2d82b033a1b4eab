"""What the functions with an agent may reach: the model, its key, and whatever agent/permissions.toml asks for."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra_cdk.agent_permissions import AgentPermissions
from infra_cdk.model_access import acknowledge_profile, make_model_statements
from infra_cdk.network import HTTPS_PORT, Network
from infra_cdk.settings import Settings, SettingsError
from infra_cdk.switches.model import PROVIDER_KEY_VARIABLES


class AgentAccess(Construct):
    def __init__(
        self, scope: Construct, name: str, *, network: Network, settings: Settings, permissions: AgentPermissions
    ) -> None:
        super().__init__(scope, name)
        self._network, self._settings, self._permissions = network, settings, permissions
        uses_bedrock = settings.model_provider == "bedrock"
        self._model_statements = (
            make_model_statements(self, settings.model, settings.profile_source) if uses_bedrock else []
        )
        self._statements = [*self._model_statements, *permissions.make_statements(), *self._secret_statements()]
        self._endpoints = [] if settings.nat else self._make_endpoints()

    @property
    def environment(self) -> dict[str, str]:
        settings, permissions = self._settings, self._permissions
        environment = {"MODEL_PROVIDER": settings.model_provider, "MODEL_ID": settings.model}
        if settings.model_key_secret:
            environment["MODEL_KEY_SECRET"] = settings.model_key_secret
            variable = PROVIDER_KEY_VARIABLES[settings.model_provider]
            # Empty until the function has read the secret. SAM CLI gives a function only variables that are declared.
            environment |= {"MODEL_KEY_VARIABLE": variable, variable: ""}
        if settings.model_url:
            environment["OPENAI_BASE_URL"] = settings.model_url  # OpenAI's SDK reads it
        return environment | settings.otlp_variables | permissions.variables | permissions.secrets

    def grant(self, role: iam.Role, group: ec2.SecurityGroup) -> None:
        for statement in self._statements:
            role.add_to_policy(statement)
        if self._model_statements:
            acknowledge_profile(role, self._settings.profile_source or self._settings.model)
        if self._settings.nat or self._permissions.gateway_endpoints:
            # Without nat no route leads further than a gateway endpoint, and only AWS knows the addresses of one.
            group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(HTTPS_PORT), "Services and the model's provider")
        for endpoint in self._endpoints:
            if isinstance(endpoint, ec2.InterfaceVpcEndpoint):
                self._network.allow(group, endpoint, HTTPS_PORT, "Endpoint")

    def open_before(self, function: lambda_.Function) -> None:
        """An update that takes the way through the internet from a function has its endpoints ready first."""
        function.node.add_dependency(*self._endpoints)

    def _secret_statements(self) -> list[iam.PolicyStatement]:
        settings = self._settings
        names = {*self._permissions.secrets.values(), settings.model_key_secret, settings.otlp_headers_secret} - {None}
        if not names:
            return []
        # Secrets Manager ends each ARN with a hyphen and six characters of its own.
        arns = [
            Stack.of(self).format_arn(
                service="secretsmanager",
                resource="secret",
                resource_name=f"{name}-??????",
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )
            for name in sorted(filter(None, names))
        ]
        return [iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=arns)]

    def _make_endpoints(self) -> list[ec2.GatewayVpcEndpoint | ec2.InterfaceVpcEndpoint]:
        network, gateways = self._network, self._permissions.gateway_endpoints
        names = dict.fromkeys(
            (["bedrock-runtime"] if self._model_statements else []) + self._permissions.interface_endpoints
        )
        return [
            *(network.make_gateway_endpoint(name, self._allowed_calls(name)) for name in gateways),
            *(network.make_endpoint(name, self._allowed_calls(name)) for name in names),
        ]

    def _allowed_calls(self, service: str) -> iam.PolicyStatement:
        prefix = "bedrock" if service == "bedrock-runtime" else service
        used = [s for s in self._statements if any(action.startswith(f"{prefix}:") for action in s.actions)]
        if not used:
            raise SettingsError(f"permissions.toml names the endpoint {service!r}, but no statement uses {prefix}:….")
        return iam.PolicyStatement(
            principals=[iam.AnyPrincipal()],
            actions=[action for statement in used for action in statement.actions],
            resources=[resource for statement in used for resource in statement.resources],
        )
