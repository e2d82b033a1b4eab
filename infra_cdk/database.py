"""Aurora PostgreSQL Serverless v2, with RDS Proxy in front of it when `proxy` is on.

There are no passwords: even the master user signs in with IAM, so the first login needs neither a secret nor the
Data API.
"""

from typing import cast

from aws_cdk import Duration, Names, RemovalPolicy, SecretValue
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from constructs import Construct, IDependable

from infra_cdk.acknowledge import acknowledge
from infra_cdk.network import DATABASE_PORT, Network
from infra_cdk.settings import Settings
from infra_cdk.switches.database import ENGINE_VERSION

DATABASE_NAME = "sessions"
MIGRATOR_ROLE = "sessions_migrator"
DATA_ROLE = "sessions_app"
# Below the 10 s that a run may spend on its first statement; RDS Proxy's own default is two minutes.
BORROW_TIMEOUT = Duration.seconds(8)
# A paused cluster resumes in about 15 s: Aurora User Guide, "Scaling to Zero ACUs".
RESUME_CONNECT_TIMEOUT_SECONDS = 20
# An open connection keeps Aurora awake, and a frozen Lambda environment never closes its own: without a proxy the
# server has to close it.
IDLE_SESSION_TIMEOUT_SECONDS = 60
RDS_AUTHORITIES = "/opt/certificates/rds.pem"
AMAZON_AUTHORITIES = "/opt/certificates/amazon-trust-services.pem"
_PARAMETERS = {
    "rds.force_ssl": "1",
    "log_min_duration_statement": "1000",
    "log_parameter_max_length": "0",  # the parameters of a slow statement are people's conversations
}


class Database(Construct):
    def __init__(self, scope: Construct, name: str, *, network: Network, key: kms.IKey, settings: Settings) -> None:
        super().__init__(scope, name)
        self._network, self._key, self._settings = network, key, settings
        self.cluster_group = network.make_security_group("ClusterGroup", "The database cluster")
        self.cluster = self._make_cluster()
        self.proxy = self._make_proxy() if settings.proxy else None

    def open_after(self, migration: IDependable) -> IDependable:
        """What has to be done before a function may sign in, beside `migration`, which makes the role for it."""
        if self.proxy is None:
            return migration
        target = self.proxy.node.find_child("ProxyTargetGroup")
        # CloudFormation waits for it to be available, which takes a way to the cluster and a right to sign in there.
        target.node.add_dependency(migration, self._proxy_role, self._proxy_group, self.cluster_group)
        return target

    def grant_app_access(self, function: iam.IGrantable, group: ec2.SecurityGroup) -> dict[str, str]:
        """Lets `function` connect as the role that reads and writes rows; returns the environment variables for it."""
        if self.proxy is None:
            return self._grant_cluster_access(function, group, DATA_ROLE)
        self._network.allow(group, self._proxy_group, DATABASE_PORT, "Rows")
        self.proxy.grant_connect(function, DATA_ROLE)
        return _environment(DATA_ROLE, self.proxy.endpoint, AMAZON_AUTHORITIES)

    def grant_migrator_access(self, function: iam.IGrantable, group: ec2.SecurityGroup) -> dict[str, str]:
        """As `grant_app_access`, for the migrator: it bypasses the proxy, which accepts the data role only."""
        return self._grant_cluster_access(function, group, MIGRATOR_ROLE)

    def _grant_cluster_access(self, function: iam.IGrantable, group: ec2.SecurityGroup, role: str) -> dict[str, str]:
        self._network.allow(group, self.cluster_group, DATABASE_PORT, f"Signs in as {role}")
        self.cluster.grant_connect(function, role)
        environment = _environment(role, self.cluster.cluster_endpoint.hostname, RDS_AUTHORITIES)
        environment["DATABASE_IDLE_SECONDS"] = str(IDLE_SESSION_TIMEOUT_SECONDS - 10)
        if self._settings.pauses:
            environment["DATABASE_CONNECT_TIMEOUT_SECONDS"] = str(RESUME_CONNECT_TIMEOUT_SECONDS)
        return environment

    def _make_cluster(self) -> rds.DatabaseCluster:
        ephemeral = self._settings.ephemeral
        version = rds.AuroraPostgresEngineVersion.of(ENGINE_VERSION, ENGINE_VERSION.partition(".")[0])
        engine = rds.DatabaseClusterEngine.aurora_postgres(version=version)
        cluster = rds.DatabaseCluster(
            self,
            "Cluster",
            engine=engine,
            # Removed below: there is no password, and CDK cannot express that yet (aws/aws-cdk issue 37658).
            credentials=rds.Credentials.from_password(MIGRATOR_ROLE, SecretValue.unsafe_plain_text("never used")),
            default_database_name=DATABASE_NAME,
            writer=rds.ClusterInstance.serverless_v2("Writer", auto_minor_version_upgrade=True),
            serverless_v2_min_capacity=self._settings.minimum_acu,
            serverless_v2_max_capacity=self._settings.maximum_capacity,
            serverless_v2_auto_pause_duration=Duration.minutes(5) if self._settings.pauses else None,
            vpc=self._network.vpc,
            vpc_subnets=self._network.database_subnets,
            security_groups=[self.cluster_group],
            iam_authentication=True,
            storage_encrypted=True,
            storage_encryption_key=self._key,
            deletion_protection=self._settings.is_protected,
            removal_policy=RemovalPolicy.DESTROY if ephemeral else RemovalPolicy.SNAPSHOT,
            backup=rds.BackupProps(retention=Duration.days(1 if ephemeral else 14)),
            copy_tags_to_snapshot=True,
            cloudwatch_logs_exports=["postgresql"],
            parameters=_PARAMETERS,
        )
        if not self._settings.is_protected:
            acknowledge(
                cluster, "Trials and first deployments must be able to delete what they made", "AwsSolutions-RDS10"
            )
        self._sign_in_by_iam(cast(rds.CfnDBCluster, cluster.node.default_child))
        return cluster

    def _sign_in_by_iam(self, resource: rds.CfnDBCluster) -> None:
        resource.add_property_deletion_override("MasterUserPassword")
        if self._settings.snapshot is None:
            resource.master_user_authentication_type = "iam-db-auth"
            return
        # A snapshot brings its master user, its grant of rds_iam, its database and its encryption:
        # docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbcluster.html
        resource.snapshot_identifier = self._settings.snapshot
        for inherited in ("MasterUsername", "DatabaseName", "StorageEncrypted"):
            resource.add_property_deletion_override(inherited)

    def _make_proxy(self) -> rds.DatabaseProxy:
        self._proxy_group = self._network.make_security_group("ProxyGroup", "The database proxy")
        # The role that CDK makes for a proxy may not sign in to the cluster, so the proxy gets this one.
        self._proxy_role = iam.Role(self, "ProxyRole", assumed_by=iam.ServicePrincipal("rds.amazonaws.com"))
        self.cluster.grant_connect(self._proxy_role, DATA_ROLE)
        return rds.DatabaseProxy(
            self,
            "Proxy",
            # RDS lower-cases the name and CloudFormation does not: metrics under any other spelling are never found.
            db_proxy_name=Names.unique_resource_name(self, max_length=60).lower(),
            proxy_target=rds.ProxyTarget.from_cluster(self.cluster),
            vpc=self._network.vpc,
            vpc_subnets=self._network.database_subnets,
            security_groups=[self._proxy_group],
            default_auth_scheme=rds.DefaultAuthScheme.IAM_AUTH,
            role=self._proxy_role,
            iam_auth=True,
            require_tls=True,
            borrow_timeout=BORROW_TIMEOUT,
            idle_client_timeout=Duration.minutes(30),
        )


def _environment(role: str, host: str, authorities: str) -> dict[str, str]:
    return {
        "SESSION_BACKEND_URL": f"postgresql://{role}@{host}:{DATABASE_PORT}/{DATABASE_NAME}?sslmode=verify-full",
        "DATABASE_IAM_AUTH": "true",
        "DATABASE_CA_FILE": authorities,
    }
