#!/bin/sh
# pgbouncer in transaction mode before the service `database`, with the account of POSTGRES_USER and POSTGRES_PASSWORD.
set -eu
umask 077
cat > /tmp/users <<USERS
"$POSTGRES_USER" "$POSTGRES_PASSWORD"
USERS
cat > /tmp/pgbouncer.ini <<INI
[databases]
$POSTGRES_DB = host=database
[pgbouncer]
listen_addr = *
listen_port = 5432
unix_socket_dir =
auth_type = scram-sha-256
auth_file = /tmp/users
pool_mode = transaction
INI
exec pgbouncer /tmp/pgbouncer.ini
