# /// script
# requires-python = ">=3.11"
# dependencies = ["strands-agents==1.62.0", "strands-dynamodb-storage==0.2.0", "moto[dynamodb,s3]==5.2.5"]
# ///
"""strands-dynamodb-storage under Strands' SnapshotSessionManager, on moto in this process: there is no network."""

import os

os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}

import boto3
from harness import main
from moto import mock_aws
from strands_dynamodb_storage import DynamoDBStorage
from strands_snapshots import StrandsSnapshots

mock_aws().start()
boto3.client("s3").create_bucket(Bucket="values")
boto3.client("dynamodb").create_table(
    TableName="agents",
    BillingMode="PAY_PER_REQUEST",
    KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
)

if __name__ == "__main__":
    main(lambda _: StrandsSnapshots(DynamoDBStorage("agents", s3_bucket="values")))
