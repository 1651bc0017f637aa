-- name: subscriptions_due
-- Blocked now, and never asked, or not since stale, or with a renewal that must have happened.
SELECT s.customer_id FROM standing s
LEFT JOIN customer_subscriptions p ON p.partner_id = s.partner_id AND p.customer_id = s.customer_id AND p.since = (
    SELECT MAX(x.since) FROM customer_subscriptions x WHERE x.partner_id = s.partner_id AND x.customer_id = s.customer_id)
WHERE s.partner_id = :partner_id AND s.valid_to IS NULL AND s.standing = 'blocked' AND s.customer_id > :after
  AND (p.since IS NULL OR p.read_at <= :stale OR p.next_renewal <> '' AND p.next_renewal < :today)
ORDER BY s.customer_id LIMIT :limit

-- name: resellers_due
-- Those that were never asked come first, and of these the blocked ones; then the oldest readings. Who could not be read tonight comes last.
SELECT s.customer_id FROM standing s
LEFT JOIN customer_reseller a ON a.partner_id = s.partner_id AND a.customer_id = s.customer_id AND a.since = (
    SELECT MAX(x.since) FROM customer_reseller x WHERE x.partner_id = s.partner_id AND x.customer_id = s.customer_id)
WHERE s.partner_id = :partner_id AND s.valid_to IS NULL
  AND (a.since IS NULL OR a.read_at <= :stale OR a.read_at <= :refused AND NOT a.readable)
ORDER BY CASE WHEN s.standing = 'unknown' THEN 1 ELSE 0 END, CASE WHEN a.since IS NULL THEN 0 ELSE 1 END,
    CASE WHEN a.since IS NULL AND s.standing = 'blocked' THEN 0 ELSE 1 END, a.read_at, s.customer_id
LIMIT :limit

-- name: newest_subscriptions
SELECT p.customer_id, p.since, p.read_at, p.readable, p.active, p.next_renewal FROM customer_subscriptions p
WHERE p.partner_id = :partner_id AND p.customer_id IN (:customers) AND p.since = (
    SELECT MAX(x.since) FROM customer_subscriptions x WHERE x.partner_id = p.partner_id AND x.customer_id = p.customer_id)

-- name: save_subscriptions
-- A reading that says the same brings the row's own since.
INSERT INTO customer_subscriptions (partner_id, customer_id, since, read_at, readable, active, next_renewal)
VALUES (:partner_id, :customer_id, :since, :read_at, :readable, :active, :next_renewal)
ON CONFLICT (partner_id, customer_id, since) DO UPDATE
SET read_at = excluded.read_at, readable = excluded.readable, active = excluded.active, next_renewal = excluded.next_renewal

-- name: newest_resellers
SELECT a.customer_id, a.since, a.read_at, a.readable, a.reseller_id FROM customer_reseller a
WHERE a.partner_id = :partner_id AND a.customer_id IN (:customers) AND a.since = (
    SELECT MAX(x.since) FROM customer_reseller x WHERE x.partner_id = a.partner_id AND x.customer_id = a.customer_id)

-- name: save_reseller
INSERT INTO customer_reseller (partner_id, customer_id, since, read_at, readable, reseller_id)
VALUES (:partner_id, :customer_id, :since, :read_at, :readable, :reseller_id)
ON CONFLICT (partner_id, customer_id, since) DO UPDATE
SET read_at = excluded.read_at, readable = excluded.readable, reseller_id = excluded.reseller_id

-- name: resellers
-- The customers of a run by indirect reseller, as it was known at the instant through. What the service refuses to say is not known.
SELECT CASE WHEN a.readable THEN a.reseller_id ELSE '' END AS reseller_id, COALESCE(a.readable, FALSE) AS is_read,
    COUNT(*) FILTER (WHERE s.standing = 'clear') AS clear,
    COUNT(*) FILTER (WHERE s.standing = 'blocked') AS blocked,
    COUNT(*) FILTER (WHERE s.standing = 'unknown') AS unknown,
    COUNT(*) FILTER (WHERE s.standing = 'excluded') AS excluded
FROM standing s
LEFT JOIN customer_reseller a ON a.partner_id = s.partner_id AND a.customer_id = s.customer_id AND a.since = (
    SELECT MAX(x.since) FROM customer_reseller x
    WHERE x.partner_id = s.partner_id AND x.customer_id = s.customer_id AND x.since <= :through)
WHERE s.partner_id = :partner_id AND {{valid s :run}}
GROUP BY CASE WHEN a.readable THEN a.reseller_id ELSE '' END, COALESCE(a.readable, FALSE)

-- name: last_subscriptions
SELECT since FROM customer_subscriptions ORDER BY since DESC LIMIT 1

-- name: last_reseller
SELECT since FROM customer_reseller ORDER BY since DESC LIMIT 1
