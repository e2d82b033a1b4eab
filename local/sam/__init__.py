"""The functions in Lambda's container image: PostgreSQL from Compose, the API from `sam local start-api`, a model."""
