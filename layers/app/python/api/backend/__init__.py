"""The session backend: the store as a REST API, for agents that have no way into the database's network."""
