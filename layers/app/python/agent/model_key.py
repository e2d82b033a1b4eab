"""The API key of a model's provider, from AWS Secrets Manager."""

import os
from collections.abc import Mapping

from session_store.errors import ConfigurationError

MAXIMUM_AGE_SECONDS = 300


def refresh_model_key(environment: Mapping[str, str] = os.environ) -> str | None:
    """Put the secret that MODEL_KEY_SECRET names into the variable that MODEL_KEY_VARIABLE names, and return its value.

    A value read less than `MAXIMUM_AGE_SECONDS` ago is used again, so a rotated key arrives without a deployment. While
    Secrets Manager cannot be reached, the last value stays. None where no secret is named.
    Raises ConfigurationError when a first read fails.
    """
    secret, variable = environment.get("MODEL_KEY_SECRET"), environment.get("MODEL_KEY_VARIABLE")
    if not (secret and variable):
        return None
    from aws_lambda_powertools.utilities.parameters import get_secret
    from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

    try:
        os.environ[variable] = str(get_secret(secret, max_age=MAXIMUM_AGE_SECONDS))
    except GetParameterError as error:
        if not os.environ.get(variable):
            raise ConfigurationError(f"the secret {secret} cannot be read: {error}") from error
    return os.environ[variable]
