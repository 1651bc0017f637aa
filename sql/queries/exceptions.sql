-- name: newest_exceptions
SELECT x.* FROM exception x
WHERE x.partner_id = :partner_id AND x.customer_id IN (:customers) AND x.event = (
    SELECT MAX(y.event) FROM exception y WHERE y.partner_id = x.partner_id AND y.customer_id = x.customer_id)

-- name: save_exceptions
INSERT INTO exception (event, partner_id, customer_id, owner, due_on, comment, accepted_until, removed, file_name, salt)
VALUES (:event, :partner_id, :customer_id, :owner, :due_on, :comment, :accepted_until, :removed, :file_name, :salt)

-- name: exceptions
-- As they were at an instant, each with its customer's newest record.
SELECT x.*, e.at, e.actor, e.user_id, e.host, e.source, COALESCE(s.name, '') AS name, COALESCE(s.domain, '') AS domain,
    COALESCE(s.display_id, x.customer_id) AS display_id, CASE WHEN s.valid_to IS NULL THEN COALESCE(s.standing, '') ELSE '' END AS standing,
    s.blocked_since
FROM exception x
JOIN event e ON e.sequence = x.event
LEFT JOIN standing s ON s.partner_id = x.partner_id AND s.customer_id = x.customer_id AND s.valid_from = (
    SELECT MAX(z.valid_from) FROM standing z WHERE z.partner_id = x.partner_id AND z.customer_id = x.customer_id)
WHERE x.partner_id IN (:partners) AND NOT x.removed AND x.event = (
    SELECT MAX(y.event) FROM exception y JOIN event ey ON ey.sequence = y.event
    WHERE y.partner_id = x.partner_id AND y.customer_id = x.customer_id AND ey.at <= :at)
ORDER BY x.event

-- name: exceptions_with_events
SELECT x.*, COALESCE(e.detail, '') AS detail FROM exception x
LEFT JOIN event e ON e.sequence = x.event AND e.kind = 'exception' AND e.partner_id = x.partner_id AND e.customer_id = x.customer_id
ORDER BY x.event

-- name: events_without_rows
-- Events that record a row of their own which is not there.
SELECT e.sequence FROM event e
WHERE e.kind = 'exception' AND NOT EXISTS (SELECT 1 FROM exception x WHERE x.event = e.sequence)
   OR e.kind = 'invite' AND NOT EXISTS (SELECT 1 FROM invitation i WHERE i.event = e.sequence)
      AND NOT EXISTS (SELECT 1 FROM invitation_result r WHERE r.event = e.sequence)
ORDER BY e.sequence
