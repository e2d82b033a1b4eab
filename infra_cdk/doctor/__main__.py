"""`python -m infra_cdk.doctor -c proxy=false`: the findings, one a line; 1 when one of them would stop a deployment."""

import sys

from infra_cdk.deployment import Deployment
from infra_cdk.settings import SettingsError


def main(arguments: list[str]) -> int:
    try:
        return 0 if Deployment.from_arguments(arguments).is_ready() else 1
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
