-- The tables of an import are temporary: they are of one connection, and nobody else waits for them. To PostgreSQL, CROSS
-- JOIN with conditions is a join like any other. SQLite begins with the table on its left: it knows nothing of the size of
-- temporary tables, and would read all customers of a partner for each row.

-- name: create_import_row
-- What the rows of a file name. customer_id is the tenant id; for a row that names only a domain, the customer of that
-- domain, once it is known. said tells what the row says of the customer.
CREATE TEMPORARY TABLE import_row (line {{line_key}}, customer_id TEXT NOT NULL, domain TEXT NOT NULL, by_domain INTEGER NOT NULL,
    readable INTEGER NOT NULL, said BIGINT NOT NULL)

-- name: create_import_found
-- Customers that no run has seen, as they were looked up.
CREATE TEMPORARY TABLE import_found (partner_id TEXT NOT NULL, customer_id TEXT NOT NULL, name TEXT NOT NULL, standing TEXT NOT NULL)

-- name: begin_import_rows
-- PostgreSQL copies in transactions only. SQLite takes no lock on the ledger for it.
BEGIN

-- name: plan_import
-- PostgreSQL only. It knows nothing of the size of a temporary table that nobody analyzed. And compiling the statements
-- below would take it one to three seconds, which is longer than running them.
SET LOCAL jit = off; ANALYZE import_row

-- name: end_import_rows
COMMIT

-- name: save_import_row
INSERT INTO import_row (line, customer_id, domain, by_domain, readable, said) VALUES (:line, :customer_id, :domain, :by_domain, :readable, :said)

-- name: save_import_found
INSERT INTO import_found (partner_id, customer_id, name, standing) VALUES (:partner_id, :customer_id, :name, :standing)

-- name: create_import_domain
-- The customers of the domains that rows name. able: the partner may attest for it.
CREATE TEMPORARY TABLE import_domain AS
SELECT i.line, s.partner_id, s.customer_id, s.name, s.standing, s.reason, s.date_agreed, s.signer_first, s.signer_last, s.signer_email, s.signer_phone,
    CASE WHEN s.standing <> 'excluded' AND s.reason <> 'relationship_ended' AND p.kind <> 'indirect_reseller' THEN 1 ELSE 0 END AS able
FROM import_row i
CROSS JOIN standing s
JOIN partner p ON p.id = s.partner_id
WHERE i.domain <> '' AND lower(s.domain) = lower(i.domain) AND s.valid_to IS NULL AND s.partner_id IN (:partners)

-- name: index_import_domain
CREATE INDEX import_domain_line ON import_domain (line)

-- name: name_customers_of_domains
-- Where rows name the only customer of a domain, or the only one for which a partner may attest.
UPDATE import_row SET customer_id = COALESCE((
    SELECT CASE WHEN MIN(d.customer_id) = MAX(d.customer_id) THEN MIN(d.customer_id)
                WHEN SUM(d.able) = 1 THEN MAX(CASE WHEN d.able = 1 THEN d.customer_id END) END
    FROM import_domain d WHERE d.line = import_row.line), '')
WHERE by_domain = 1

-- name: unknown_customers
-- The tenant ids of readable rows that no run has seen, in the order of the file.
SELECT i.customer_id FROM import_row i
LEFT JOIN standing s ON s.customer_id = i.customer_id AND s.valid_to IS NULL AND s.partner_id IN (:partners)
WHERE s.customer_id IS NULL AND i.by_domain = 0 AND i.readable = 1 AND i.customer_id <> ''
GROUP BY i.customer_id ORDER BY MIN(i.line)

-- name: index_import_row
-- SQLite only: PostgreSQL joins by hashing.
CREATE INDEX import_row_customer ON import_row (customer_id)

-- name: create_import_repeat
-- Customers of several rows: the first of them, the first readable one, and the first that says something else than the
-- first does (0: none).
CREATE TEMPORARY TABLE import_repeat AS
SELECT r.customer_id, r.first_line, r.readable_line, f.said,
    COALESCE(MIN(CASE WHEN o.said <> f.said THEN o.line END), 0) AS other_line
FROM (SELECT customer_id, MIN(line) AS first_line, COALESCE(MIN(CASE WHEN readable = 1 THEN line END), 0) AS readable_line
      FROM import_row WHERE customer_id <> '' GROUP BY customer_id HAVING COUNT(*) > 1) r
CROSS JOIN import_row f
CROSS JOIN import_row o
WHERE f.line = r.first_line AND o.customer_id = r.customer_id
GROUP BY r.customer_id, r.first_line, r.readable_line, f.said

-- name: import_matches
-- For each row, in the order of the file: the customers that it names (kind 0), those of its domain (1), and what the
-- ledger holds already of the customers (2), the newest batch first. number and other are of kind 0 the first readable
-- row of the same customer and a row that contradicts this one; of kind 2 the id of an attestation.
SELECT i.line, 0 AS kind, s.partner_id, s.customer_id, COALESCE(r.readable_line, 0) AS number,
    CASE WHEN r.other_line > 0 THEN CASE WHEN i.said = r.said THEN r.other_line ELSE r.first_line END ELSE 0 END AS other,
    s.name, s.standing AS state, s.reason, s.date_agreed, s.signer_first AS first_name, s.signer_last AS last_name, s.signer_email AS email,
    s.signer_phone AS phone
FROM import_row i
CROSS JOIN standing s
LEFT JOIN import_repeat r ON r.customer_id = i.customer_id
WHERE i.by_domain = 0 AND s.customer_id = i.customer_id AND s.valid_to IS NULL AND s.partner_id IN (:partners)
UNION ALL
SELECT i.line, 0, f.partner_id, f.customer_id, COALESCE(r.readable_line, 0),
    CASE WHEN r.other_line > 0 THEN CASE WHEN i.said = r.said THEN r.other_line ELSE r.first_line END ELSE 0 END,
    f.name, f.standing, '', '', '', '', '', ''
FROM import_row i
JOIN import_found f ON f.customer_id = i.customer_id
LEFT JOIN import_repeat r ON r.customer_id = i.customer_id
UNION ALL
SELECT i.line, CASE WHEN i.by_domain = 1 THEN 0 ELSE 1 END, d.partner_id, d.customer_id, COALESCE(r.readable_line, 0),
    CASE WHEN r.other_line > 0 THEN CASE WHEN i.said = r.said THEN r.other_line ELSE r.first_line END ELSE 0 END,
    d.name, d.standing, d.reason, d.date_agreed, d.signer_first, d.signer_last, d.signer_email, d.signer_phone
FROM import_row i
JOIN import_domain d ON d.line = i.line
LEFT JOIN import_repeat r ON r.customer_id = i.customer_id
UNION ALL
SELECT i.line, 2, a.partner_id, a.customer_id, a.batch_id, a.line, '', CASE WHEN a.open_request > 0 THEN 'unsure' ELSE a.state END,
    '', a.date_agreed, COALESCE(p.first_name, ''), COALESCE(p.last_name, ''), COALESCE(p.email, ''), COALESCE(p.phone, '')
FROM import_row i
JOIN attestation a ON a.customer_id = i.customer_id AND a.admitted NOT IN ('refused', 'duplicate')
    AND a.state NOT IN ('refused', 'duplicate', 'already_known', 'cancelled', 'refused_by_microsoft', 'expired', 'cleared')
LEFT JOIN attestation_signer p ON p.batch_id = a.batch_id AND p.line = a.line
WHERE i.customer_id <> ''
ORDER BY 1, 2, 3, 5 DESC, 6
