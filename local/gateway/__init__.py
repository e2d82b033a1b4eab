"""API Gateway and Lambda on a laptop: real runtime processes, real proxy events, real streaming."""

from local.gateway.event import LOCAL_OWNER, Owner
from local.gateway.gateway import Gateway
from local.gateway.limits import Limits

__all__ = ["LOCAL_OWNER", "Gateway", "Limits", "Owner"]
