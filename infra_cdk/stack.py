"""The stack: callers, API and functions, database, alarms and dashboard."""

from aws_cdk import CfnOutput, Environment, Fn, Stack
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra_cdk.api import RestApi
from infra_cdk.background_runs import BackgroundRuns
from infra_cdk.callers import Callers
from infra_cdk.database import Database
from infra_cdk.doctor.stack import METADATA_KEY, dump_fixed_switches
from infra_cdk.edge import Edge, acknowledge_missing_firewall
from infra_cdk.expiry import Expiry
from infra_cdk.function_table import FunctionTable
from infra_cdk.functions import Functions, StackContext
from infra_cdk.migration import Migration
from infra_cdk.network import Network
from infra_cdk.observability import Observability
from infra_cdk.releases import Releases
from infra_cdk.removal import choose_removal_policy
from infra_cdk.settings import Settings
from infra_cdk.sign_in import SignIn
from infra_cdk.uploads import Uploads
from infra_cdk.usage import UsagePlans


class SessionsStack(Stack):
    def __init__(self, scope: Construct, *, settings: Settings, table: FunctionTable) -> None:
        super().__init__(
            scope,
            settings.stack_name,
            description="Strands agent sessions on Aurora PostgreSQL",
            env=Environment(account=settings.account, region=settings.region),
            tags={"application": settings.stack_name, **settings.tags},
        )
        self.template_options.metadata = {METADATA_KEY: dump_fixed_switches(settings)}
        key = self._make_key(settings)
        network = Network(self, "Network", switches=settings)
        database = Database(self, "Database", network=network, key=key, settings=settings)
        uploads = (
            Uploads(self, "Uploads", network=network, key=key, settings=settings) if settings.has_uploads else None
        )
        context = StackContext(network=network, database=database, key=key, settings=settings, uploads=uploads)
        functions = Functions(self, "Functions", table=table, context=context)
        self._migrate_before_other_functions(functions, database, settings)
        expiry = Expiry(self, "Expiry", function=functions.by_name["expire"])
        background_runs = BackgroundRuns(
            self, "BackgroundRuns", function=functions.by_name["process_background"], settings=settings
        )
        released = [name for name, row in table.functions.items() if row.is_released]
        releases = Releases(self, "Releases", functions=functions.by_name, released=released, switches=settings)
        callers = Callers(self, "Callers", settings=settings, functions=functions)
        api = RestApi(
            self,
            "Api",
            table=table,
            releases=releases,
            callers=callers,
            settings=settings,
        )
        Edge(self, "Edge", api=api, settings=settings)
        UsagePlans(self, "Usage", api=api, settings=settings)
        acknowledge_missing_firewall(api, settings)
        if callers.own_pool:
            SignIn(self, "SignIn", user_pool=callers.own_pool, api=api, function=functions.by_name["sessions"])
            CfnOutput(self, "ConsoleUrl", value=api.page_url)
            if uploads:
                uploads.allow_pages([api.page_origin])
        observability = Observability(
            self,
            "Observability",
            api=api,
            functions=functions,
            database=database,
            expiry=expiry,
            background_runs=background_runs,
            context=context,
        )
        if settings.canary:
            releases.add_canary(observability.release_alarms)
        self._make_outputs(api.url, observability.dashboard_url, settings)

    @property
    def availability_zones(self) -> list[str]:
        """CloudFormation's choice: CDK's own would look up the zones of an account that is named."""
        return [Fn.select(number, Fn.get_azs()) for number in range(2)]

    def _make_key(self, settings: Settings) -> kms.Key:
        return kms.Key(
            self,
            "Key",
            description="Encrypts the sessions, a model provider's key and the alarms",
            enable_key_rotation=True,
            removal_policy=choose_removal_policy(settings),
        )

    def _migrate_before_other_functions(self, functions: Functions, database: Database, settings: Settings) -> None:
        migrate = functions.by_name["migrate"]
        migration = Migration(self, "Migration", function=migrate, database=database, settings=settings)
        opened = database.open_after(migration.resource)
        for function in functions.by_name.values():
            if function is not migrate:
                function.node.add_dependency(migration.resource, opened)

    def _make_outputs(self, url: str, dashboard_url: str, settings: Settings) -> None:
        CfnOutput(self, "ApiUrl", value=url)
        CfnOutput(self, "DashboardUrl", value=dashboard_url)
        CfnOutput(self, "Curl", value=_curl(url, self.region, settings))


def _curl(url: str, region: str, settings: Settings) -> str:
    sign = f"""--aws-sigv4 aws:amz:{region}:execute-api --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" """
    # A long-term key has no token, and curl would sign an empty header without sending it. No spaces: it must stay one
    # word in every shell.
    session = "${AWS_SESSION_TOKEN:+-Hx-amz-security-token:$AWS_SESSION_TOKEN} "
    token = {"cognito": "$ID_TOKEN", "jwt": "Bearer $TOKEN"}.get(settings.authorization)
    caller = f'-H "Authorization: {token}" ' if token else sign + session
    body = """-H "Content-Type: application/json" -d '{"prompt": "Hello, my name is Alice"}'"""
    return f"curl {caller}{body} {url}/process"
