"""All operations of the session backend."""

from api.backend import agents, forks, health, messages, multi_agents, runs, sessions

RESOURCES = (
    *sessions.OPERATIONS,
    *forks.OPERATIONS,
    *agents.OPERATIONS,
    *multi_agents.OPERATIONS,
    *messages.OPERATIONS,
    *runs.OPERATIONS,
)
OPERATIONS = (*RESOURCES, *health.OPERATIONS)
