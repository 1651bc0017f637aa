-- name: save_partner
INSERT INTO partner (id, name, kind) VALUES (:id, :name, :kind)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind

-- name: take_lease
-- Free, run out, or known to be a dead process's (dead is that holder's number, 0 for nobody).
INSERT INTO lease (partner_id, number, host, pid, pid_started, expires_at)
VALUES (:partner_id, 1, :host, :pid, :pid_started, {{now}} + :seconds)
ON CONFLICT (partner_id) DO UPDATE
SET number = lease.number + 1, host = excluded.host, pid = excluded.pid, pid_started = excluded.pid_started,
    expires_at = excluded.expires_at
WHERE lease.expires_at <= {{now}} OR lease.number = :dead
RETURNING number

-- name: lease
SELECT number, host, pid, pid_started, expires_at FROM lease WHERE partner_id = :partner_id

-- name: keep_lease
-- Also the guard of every write of a holder: it locks the row until the write is committed, and changes nothing for one
-- who lost the lease.
UPDATE lease SET expires_at = {{now}} + :seconds WHERE partner_id = :partner_id AND number = :number

-- name: release_lease
UPDATE lease SET expires_at = 0 WHERE partner_id = :partner_id AND number = :number

-- name: database_clock
SELECT {{now}}

-- name: missing_rights
-- PostgreSQL only. Tables that do not exist yet are made by the schema's owner.
SELECT privilege || ' on ' || table_name AS missing
FROM information_schema.tables, (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) AS p (privilege)
WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'
  AND NOT has_table_privilege(quote_ident(table_schema) || '.' || quote_ident(table_name), privilege)
UNION ALL
SELECT 'CREATE in schema ' || current_schema()
WHERE NOT has_schema_privilege(current_schema(), 'CREATE')
  AND NOT EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = 'run')
ORDER BY 1
