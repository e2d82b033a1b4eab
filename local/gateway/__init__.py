"""API Gateway and Lambda on a laptop, with real runtime processes, proxy events and response streaming."""

from local.gateway.event import LOCAL_OWNER, Owner
from local.gateway.gateway import Gateway
from local.gateway.limits import Limits

__all__ = ["LOCAL_OWNER", "Gateway", "Limits", "Owner"]
