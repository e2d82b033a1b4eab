"""Lambda's concurrency: what the account has, and what the switches reserve of it."""

from infra_cdk.doctor.account import Account, Answer, Finding
from infra_cdk.function_table import read_function_table
from infra_cdk.settings import Settings

# Lambda refuses a reservation that leaves less:
# docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
UNRESERVED_MINIMUM = 100
SMALL_LIMIT = 100


def check_concurrency(account: Account, settings: Settings) -> Finding:
    client = account.client("lambda")
    limit: Answer = client.get_account_settings()["AccountLimit"]
    total, free = limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]
    capped = [row for row in read_function_table().functions.values() if row.database == "app"]
    wanted = (settings.reserved_concurrency or 0) * len(capped)
    reserved_already = _reserved_by_stack(account) if wanted else 0
    if wanted and free + reserved_already - wanted < UNRESERVED_MINIMUM:
        answer = (
            f"the switches reserve {wanted} of {total} concurrent calls, and Lambda wants {UNRESERVED_MINIMUM} left"
        )
        needed = total - free - reserved_already + wanted + UNRESERVED_MINIMUM
        remedy = f"-c function_concurrency=0, or ask Service Quotas for {needed}"
        return Finding("failed", "concurrency", answer, remedy)
    if total < SMALL_LIMIT:
        answer = f"only {total} calls at a time in the whole account"
        return Finding("ok", "concurrency", answer, "enough to try; ask Service Quotas for 1,000 before real traffic")
    return Finding("ok", "concurrency", f"{total} calls at a time, {wanted} of them reserved by the switches")


def _reserved_by_stack(account: Account) -> int:
    """What an update gives back before it reserves again."""
    if account.stack is None:
        return 0
    client, names = account.client("lambda"), account.list_resources("AWS::Lambda::Function")
    return sum(client.get_function_concurrency(FunctionName=n).get("ReservedConcurrentExecutions", 0) for n in names)
