"""The VPC: one that the stack makes, with no route to the internet unless `nat` is on, or one that exists."""

from aws_cdk import Annotations, Aws, Fn, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra_cdk.switches.network import NetworkSwitches

DATABASE_PORT = 5432
HTTPS_PORT = 443


class Network(Construct):
    def __init__(self, scope: Construct, name: str, *, switches: NetworkSwitches) -> None:
        super().__init__(scope, name)
        self.is_given = switches.vpc_id is not None
        self._gateways: dict[str, ec2.GatewayVpcEndpoint] = {}
        if switches.vpc_id is None:
            self._make_vpc(switches)
        else:
            self._use_vpc(switches)

    def make_security_group(self, name: str, description: str) -> ec2.SecurityGroup:
        """Allows no traffic in or out until `allow` adds a rule."""
        return ec2.SecurityGroup(self, name, vpc=self.vpc, description=description, allow_all_outbound=False)

    def allow(self, source: ec2.SecurityGroup, target: ec2.IConnectable, port: int, description: str) -> None:
        source.connections.allow_to(target, ec2.Port.tcp(port), description)

    def make_endpoint(self, service: str, policy: iam.PolicyStatement) -> ec2.InterfaceVpcEndpoint:
        """For the calls that `policy` allows."""
        group = self.make_security_group(f"{service}EndpointGroup", f"The endpoint of {service}")
        endpoint = self.vpc.add_interface_endpoint(
            f"{service}Endpoint",
            service=ec2.InterfaceVpcEndpointAwsService(service),
            open=False,
            private_dns_enabled=True,
            security_groups=[group],
            subnets=self.function_subnets,
        )
        endpoint.add_to_policy(policy)
        return endpoint

    def make_gateway_endpoint(self, service: str, policy: iam.PolicyStatement | None) -> ec2.GatewayVpcEndpoint:
        """For the calls that `policy` allows, all without one. A network has one of each service."""
        endpoint = self._gateways.get(service) or self.vpc.add_gateway_endpoint(
            f"{service}Endpoint",
            service=ec2.GatewayVpcEndpointAwsService(service),
            subnets=[self.function_subnets],
        )
        self._gateways[service] = endpoint
        if policy:
            endpoint.add_to_policy(policy)
        return endpoint

    def _make_vpc(self, switches: NetworkSwitches) -> None:
        self.vpc: ec2.IVpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(switches.cidr),
            availability_zones=switches.zones,
            max_azs=None if switches.zones else 2,
            nat_gateways=1 if switches.nat else 0,
            # Nothing joins the default group, and restricting it would take a custom resource with its own function.
            restrict_default_security_group=False,
            subnet_configuration=_subnets(switches.nat),
        )
        self.function_subnets = ec2.SubnetSelection(
            subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS if switches.nat else ec2.SubnetType.PRIVATE_ISOLATED
        )
        self.database_subnets = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        self._log_refused_traffic()

    def _use_vpc(self, switches: NetworkSwitches) -> None:
        """By ids alone, without a look-up. Only the endpoint's construct asks for zones, and passes none on."""
        self.vpc = ec2.Vpc.from_vpc_attributes(
            self, "Vpc", vpc_id=switches.vpc_id or "", availability_zones=[Fn.select(0, Fn.get_azs(Aws.REGION))]
        )
        self.function_subnets = self._select("FunctionSubnet", switches.function_subnets or "")
        self.database_subnets = self._select("DatabaseSubnet", switches.database_subnets or "")

    def _select(self, name: str, ids: str) -> ec2.SubnetSelection:
        subnets = [
            ec2.Subnet.from_subnet_id(self, f"{name}{number}", subnet_id)
            for number, subnet_id in enumerate(ids.split(","), 1)
        ]
        for subnet in subnets:  # nothing here adds a route
            Annotations.of(subnet).acknowledge_warning("@aws-cdk/aws-ec2:noSubnetRouteTableId")
        return ec2.SubnetSelection(subnets=subnets)

    def _log_refused_traffic(self) -> None:
        group = logs.LogGroup(
            self, "RefusedTraffic", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        destination = ec2.FlowLogDestination.to_cloud_watch_logs(group)
        self.vpc.add_flow_log("FlowLog", destination=destination, traffic_type=ec2.FlowLogTrafficType.REJECT)


def _subnets(nat: bool) -> list[ec2.SubnetConfiguration]:
    """Blocks are handed out in this order: the database's come first, so that `nat` never moves them."""
    isolated = ec2.SubnetConfiguration(name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24)
    if not nat:
        return [isolated]
    egress = ec2.SubnetConfiguration(name="Egress", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=24)
    public = ec2.SubnetConfiguration(
        name="Public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=28, map_public_ip_on_launch=False
    )
    return [isolated, egress, public]
