# /// script
# requires-python = ">=3.11"
# dependencies = ["strands-agents==1.62.0", "strands-dynamodb-storage==0.2.0", "moto[dynamodb,s3]==5.2.5"]
# ///
"""strands-dynamodb-storage under Strands' SnapshotSessionManager, on moto in this process: there is no network."""

import os

os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}

import boto3
from harness import Loop, main
from moto import mock_aws
from strands.session.snapshot_session_manager import SnapshotSessionManager
from strands_agent import build_agent, seed_messages
from strands_dynamodb_storage import DynamoDBStorage

mock_aws().start()
boto3.client("s3").create_bucket(Bucket="values")
boto3.client("dynamodb").create_table(
    TableName="agents",
    BillingMode="PAY_PER_REQUEST",
    KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
)


class StrandsDynamoDBStorage:
    def __init__(self, url: str) -> None:
        self._storage = DynamoDBStorage("agents", s3_bucket="values")
        self._loop = Loop()

    def seed(self, session_id: str, messages: int, *, window: bool) -> None:
        manager = SnapshotSessionManager(session_id, storage=self._storage)
        agent = build_agent(window=window, session_manager=manager, agent_id="default")
        agent.messages.extend(seed_messages(messages))
        self._loop.run(manager.save_snapshot(agent, is_latest=True))

    def turn(self, session_id: str, tools: int) -> None:
        manager = SnapshotSessionManager(session_id, storage=self._storage)
        build_agent(tools, session_manager=manager, agent_id="default")("What next?")

    def restore(self, session_id: str, *, window: bool) -> int:
        manager = SnapshotSessionManager(session_id, storage=self._storage)
        return len(build_agent(window=window, session_manager=manager, agent_id="default").messages)


if __name__ == "__main__":
    main(StrandsDynamoDBStorage)
