-- name: last_invitations
-- Those that were sent, or may have been, of customers and of recipients who are no customers yet.
SELECT i.event, i.partner_id, i.customer_id, i.kind, lower(i.recipient) AS recipient, e.at, COALESCE(r.outcome, '') AS outcome
FROM invitation i
JOIN event e ON e.sequence = i.event
LEFT JOIN invitation_result r ON r.invitation = i.event
WHERE (i.customer_id IN (:customers) OR i.customer_id IS NULL AND lower(i.recipient) IN (:recipients))
  AND COALESCE(r.outcome, '') <> 'failed'
ORDER BY i.event

-- name: save_invitation
INSERT INTO invitation (event, partner_id, customer_id, customer_name, domain, kind, channel, recipient, language, template_digest, salt)
VALUES (:event, :partner_id, :customer_id, :customer_name, :domain, :kind, :channel, :recipient, :language, :template_digest, :salt)

-- name: save_invitation_result
INSERT INTO invitation_result (invitation, event, outcome, reason) VALUES (:invitation, :event, :outcome, :reason)

-- name: invitation_partner
SELECT partner_id, customer_id FROM invitation WHERE event = :invitation

-- name: invitable
-- The blocked customers of a partner, the longest blocked first.
SELECT s.customer_id, s.display_id, s.name, s.domain, s.reason, p.readable, p.active, p.next_renewal, p.next_lapse,
    CASE WHEN a.readable THEN a.reseller_id ELSE '' END AS reseller_id,
    EXISTS (SELECT 1 FROM attestation t WHERE t.partner_id = s.partner_id AND t.customer_id = s.customer_id
        AND t.admitted NOT IN ('refused', 'duplicate') AND t.state IN (:under_way)) AS attestation_open,
    COALESCE(CASE WHEN x.removed THEN '' ELSE x.accepted_until END, '') AS accepted_until
FROM standing s
LEFT JOIN customer_subscriptions p ON p.partner_id = s.partner_id AND p.customer_id = s.customer_id AND p.read_at > :fresh AND p.since = (
    SELECT MAX(y.since) FROM customer_subscriptions y WHERE y.partner_id = s.partner_id AND y.customer_id = s.customer_id)
LEFT JOIN customer_reseller a ON a.partner_id = s.partner_id AND a.customer_id = s.customer_id AND a.since = (
    SELECT MAX(y.since) FROM customer_reseller y WHERE y.partner_id = s.partner_id AND y.customer_id = s.customer_id)
LEFT JOIN exception x ON x.partner_id = s.partner_id AND x.customer_id = s.customer_id AND x.event = (
    SELECT MAX(y.event) FROM exception y WHERE y.partner_id = s.partner_id AND y.customer_id = s.customer_id)
WHERE s.partner_id = :partner_id AND s.valid_to IS NULL AND s.standing = 'blocked'
ORDER BY s.blocked_since, s.customer_id

-- name: invitations
-- As they were at an instant, the newest first, each with its customer in a completed run, with the first record after the
-- invitation in which the customer was clear, and whether the customer was invited again before that.
WITH invited AS (
    SELECT i.*, e.at, e.actor, e.user_id, e.host, e.source, COALESCE(i.customer_id, (
        SELECT MIN(d.customer_id) FROM standing d
        WHERE d.partner_id = i.partner_id AND i.domain <> '' AND lower(d.domain) = i.domain AND d.valid_from <= :run)) AS found_id,
        CASE WHEN re.at <= :at THEN r.outcome ELSE '' END AS outcome, CASE WHEN re.at <= :at THEN r.reason ELSE '' END AS reason
    FROM invitation i JOIN event e ON e.sequence = i.event
    LEFT JOIN invitation_result r ON r.invitation = i.event
    LEFT JOIN event re ON re.sequence = r.event
    WHERE i.partner_id = :partner_id AND e.at <= :at
), repeated AS (
    SELECT event, MIN(CASE WHEN outcome <> 'failed' THEN event END) OVER (
        PARTITION BY COALESCE(found_id, lower(recipient)) ORDER BY event ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS next
    FROM invited
), answered AS (
    SELECT v.event, MIN(c.valid_from) AS valid_from
    FROM invited v JOIN standing c ON c.partner_id = v.partner_id AND c.customer_id = v.found_id
    WHERE c.standing = 'clear' AND c.standing_since > v.at AND c.valid_from <= :run
    GROUP BY v.event
)
SELECT v.event, v.partner_id, v.customer_id, v.customer_name, v.domain AS invited_domain, v.kind, v.channel, v.recipient, v.language,
    v.template_digest, v.at, v.actor, v.user_id, v.host, v.source, v.outcome, v.reason,
    x.at IS NOT NULL AND (c.standing_since IS NULL OR x.at < c.standing_since) AS invited_again,
    COALESCE(s.customer_id, '') AS found_id, COALESCE(s.display_id, '') AS display_id, COALESCE(s.name, '') AS name,
    COALESCE(s.domain, '') AS domain, COALESCE(s.standing, '') AS standing,
    c.standing_since AS answered_at, COALESCE(c.reason, '') AS answered_by
FROM invited v
JOIN repeated w ON w.event = v.event
LEFT JOIN event x ON x.sequence = w.next
LEFT JOIN standing s ON s.partner_id = v.partner_id AND s.customer_id = v.found_id AND {{valid s :run}}
LEFT JOIN answered n ON n.event = v.event
LEFT JOIN standing c ON c.partner_id = v.partner_id AND c.customer_id = v.found_id AND c.valid_from = n.valid_from
ORDER BY v.event DESC

-- name: invitations_with_events
SELECT i.*, COALESCE(e.detail, '') AS detail FROM invitation i
LEFT JOIN event e ON e.sequence = i.event AND e.kind = 'invite' AND e.partner_id = i.partner_id
ORDER BY i.event

-- name: invitation_results_with_events
SELECT r.*, COALESCE(e.detail, '') AS detail FROM invitation_result r
LEFT JOIN event e ON e.sequence = r.event AND e.kind = 'invite'
ORDER BY r.event
