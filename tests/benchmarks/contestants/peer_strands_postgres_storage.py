# /// script
# requires-python = ">=3.11"
# dependencies = ["strands-agents==1.62.0", "strands-postgres-storage==0.1.1", "psycopg[binary]==3.3.9"]
# ///
"""strands-postgres-storage under Strands' SnapshotSessionManager."""

from harness import main
from strands_postgres_storage import PostgresStorage
from strands_snapshots import StrandsSnapshots

if __name__ == "__main__":
    main(lambda url: StrandsSnapshots(PostgresStorage(url.replace("postgresql://", "postgresql+psycopg://", 1))))
