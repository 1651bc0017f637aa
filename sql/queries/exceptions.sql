-- name: newest_exceptions
SELECT x.* FROM exception x
WHERE x.partner_id = :partner_id AND x.customer_id IN (:customers) AND x.event = (
    SELECT MAX(y.event) FROM exception y WHERE y.partner_id = x.partner_id AND y.customer_id = x.customer_id)

-- name: save_exceptions
INSERT INTO exception (event, partner_id, customer_id, owner, due_on, comment, accepted_until, removed, file_name, salt)
VALUES (:event, :partner_id, :customer_id, :owner, :due_on, :comment, :accepted_until, :removed, :file_name, :salt)

-- name: save_invitations
INSERT INTO invitation (event, partner_id, customer_id, kind, channel, recipient, language, template_digest, salt)
VALUES (:event, :partner_id, :customer_id, :kind, :channel, :recipient, :language, :template_digest, :salt)

-- name: last_invitations
SELECT i.customer_id, e.at
FROM invitation i JOIN event e ON e.sequence = i.event
WHERE i.partner_id = :partner_id AND i.customer_id IN (:customers) AND i.event = (
    SELECT MAX(x.event) FROM invitation x WHERE x.partner_id = i.partner_id AND x.customer_id = i.customer_id)

-- name: exceptions_with_events
SELECT x.*, COALESCE(e.detail, '') AS detail FROM exception x
LEFT JOIN event e ON e.sequence = x.event AND e.kind = 'exception' AND e.partner_id = x.partner_id AND e.customer_id = x.customer_id
ORDER BY x.event

-- name: invitations_with_events
SELECT i.*, COALESCE(e.detail, '') AS detail FROM invitation i
LEFT JOIN event e ON e.sequence = i.event AND e.kind = 'invite' AND e.partner_id = i.partner_id
ORDER BY i.event

-- name: events_without_rows
-- Events that record a row of their own which is not there.
SELECT e.sequence FROM event e
WHERE e.kind = 'exception' AND NOT EXISTS (SELECT 1 FROM exception x WHERE x.event = e.sequence)
   OR e.kind = 'invite' AND NOT EXISTS (SELECT 1 FROM invitation i WHERE i.event = e.sequence)
ORDER BY e.sequence
