-- name: has_schema
SELECT COUNT(*) > 0 FROM {{tables}} WHERE {{table name}} = 'schema_version'

-- name: schema_version
SELECT COALESCE(MAX(version), 0) FROM schema_version

-- name: lock_schema
-- PostgreSQL only. Held until the upgrade is committed, by however many others wait.
SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock(7121904)

-- name: save_schema_version
INSERT INTO schema_version (version) VALUES (:version)

-- name: transaction_settings
-- PostgreSQL only. Nobody waits for ever, and the disk is waited for; what the server's own settings limit stays. Session
-- settings would not do: a pooler may hand each transaction to another connection.
SELECT set_config(name, value, TRUE)
FROM (VALUES ('lock_timeout', '0', '30s'), ('statement_timeout', '0', '15min'),
    ('idle_in_transaction_session_timeout', '0', '2min'), ('synchronous_commit', 'off', 'on')) AS setting (name, unset, value)
WHERE current_setting(name) = unset

-- name: allowed_connections
-- PostgreSQL only, like the next one.
SELECT LEAST(CAST(current_setting('max_connections') AS INTEGER) - CAST(current_setting('superuser_reserved_connections') AS INTEGER),
    CASE WHEN d.datconnlimit < 0 THEN 1000000 ELSE d.datconnlimit END, CASE WHEN r.rolconnlimit < 0 THEN 1000000 ELSE r.rolconnlimit END)
FROM pg_database d, pg_roles r WHERE d.datname = current_database() AND r.rolname = current_user

-- name: lock_holder
SELECT a.pid, COALESCE(a.usename, '') AS usename, COALESCE(a.application_name, '') AS application_name,
    COALESCE(host(a.client_addr), 'this host') AS client, COALESCE(a.state, 'not visible') AS state,
    COALESCE(a.xact_start, now()) AS xact_start, string_agg(DISTINCT CAST(CAST(l.relation AS regclass) AS TEXT), ', ') AS tables
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid JOIN pg_class c ON c.oid = l.relation
WHERE l.granted AND l.locktype = 'relation' AND l.mode NOT IN ('AccessShareLock') AND c.relkind = 'r'
  AND c.relnamespace = CAST(current_schema() AS regnamespace) AND a.pid <> pg_backend_pid() AND a.datname = current_database()
GROUP BY a.pid, a.usename, a.application_name, a.client_addr, a.state, a.xact_start
ORDER BY a.xact_start LIMIT 1

-- name: copy_file
-- SQLite only.
VACUUM INTO :path

-- name: no_time_limits
-- PostgreSQL only, like the last one.
SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0

-- name: delete_first_head
DELETE FROM chain_head WHERE sequence = 0

-- name: identity_columns
SELECT table_name AS "table", column_name AS "column" FROM information_schema.columns
WHERE table_schema = current_schema() AND is_identity = 'YES' ORDER BY table_name
