"""The functions in Lambda's own container: PostgreSQL by Compose, the API by `sam local start-api`, a model."""
