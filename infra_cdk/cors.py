"""Pages of other origins: the gateway's preflight and its own errors; `api.cors` is for what functions answer."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway

from api.cors import MAXIMUM_AGE_SECONDS, METHODS, REQUEST_HEADERS
from infra_cdk.acknowledge import acknowledge


def add_preflight(api: apigateway.RestApi, origins: Sequence[str]) -> None:
    """On every resource that has a route; an answer names one origin, never all of them."""
    for resource in _resources(api):
        method = resource.add_cors_preflight(
            allow_origins=list(origins),
            allow_headers=list(REQUEST_HEADERS),
            allow_methods=list(METHODS),
            max_age=Duration.seconds(MAXIMUM_AGE_SECONDS),
        )
        acknowledge(method, "A preflight carries no credentials", "AwsSolutions-APIG4", "AwsSolutions-COG4")


def _resources(api: apigateway.RestApi) -> list[apigateway.IResource]:
    resources = {method.resource.path: method.resource for method in api.methods}
    return [resources[path] for path in sorted(resources)]


def problem_headers(origins: Sequence[str]) -> dict[str, str]:
    """A gateway response has fixed headers alone: where several origins may call, they name the first."""
    return {"Access-Control-Allow-Origin": f"'{origins[0]}'", "Vary": "'Origin'"} if origins else {}
