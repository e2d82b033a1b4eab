"""Brings sessions from other stores of Strands into this one, and from one of its forms into the other.

    python -m session_store.importer SOURCE postgresql://…

SOURCE is a folder or an s3://bucket/prefix that `FileSessionManager`, `S3SessionManager` or a storage of Strands wrote
to, or the postgresql:// URL of a database of `strands-postgresql-session-manager`, `strands-session-sql` or
`strands-postgres-storage`. Begun again it goes on where it was broken off, and nothing comes twice.
"""
