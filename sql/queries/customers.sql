-- name: subscriptions_due
-- Blocked now, and never asked, or not since stale, or with a subscription that has renewed or lapsed since.
SELECT s.customer_id FROM standing s
LEFT JOIN customer_subscriptions p ON p.partner_id = s.partner_id AND p.customer_id = s.customer_id AND p.since = (
    SELECT MAX(x.since) FROM customer_subscriptions x WHERE x.partner_id = s.partner_id AND x.customer_id = s.customer_id)
WHERE s.partner_id = :partner_id AND s.valid_to IS NULL AND s.standing = 'blocked' AND s.customer_id > :after
  AND (p.since IS NULL OR p.read_at <= :stale OR p.next_renewal <> '' AND p.next_renewal < :today
    OR p.next_lapse <> '' AND p.next_lapse < :today)
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
SELECT p.* FROM customer_subscriptions p
WHERE p.partner_id = :partner_id AND p.customer_id IN (:keys) AND p.since = (
    SELECT MAX(x.since) FROM customer_subscriptions x WHERE x.partner_id = p.partner_id AND x.customer_id = p.customer_id)

-- name: save_subscriptions
-- A reading that says what the newest row says brings that row's since.
INSERT INTO customer_subscriptions (partner_id, customer_id, since, read_at, readable, active, next_renewal, next_lapse, digest, event)
VALUES (:partner_id, :customer_id, :since, :read_at, :readable, :active, :next_renewal, :next_lapse, :digest, :event)
ON CONFLICT (partner_id, customer_id, since) DO UPDATE SET read_at = excluded.read_at

-- name: save_subscription
INSERT INTO customer_subscription (partner_id, customer_id, since, position, subscription_id, product, seats, status, term, ends,
    auto_renew, trial)
VALUES (:partner_id, :customer_id, :since, :position, :subscription_id, :product, :seats, :status, :term, :ends, :auto_renew, :trial)

-- name: newest_customer_resellers
SELECT a.* FROM customer_reseller a
WHERE a.partner_id = :partner_id AND a.customer_id IN (:keys) AND a.since = (
    SELECT MAX(x.since) FROM customer_reseller x WHERE x.partner_id = a.partner_id AND x.customer_id = a.customer_id)

-- name: save_customer_resellers
INSERT INTO customer_reseller (partner_id, customer_id, since, read_at, readable, reseller_id, event)
VALUES (:partner_id, :customer_id, :since, :read_at, :readable, :reseller_id, :event)
ON CONFLICT (partner_id, customer_id, since) DO UPDATE SET read_at = excluded.read_at

-- name: newest_resellers
SELECT r.* FROM reseller r
WHERE r.partner_id = :partner_id AND r.reseller_id IN (:keys) AND r.since = (
    SELECT MAX(x.since) FROM reseller x WHERE x.partner_id = r.partner_id AND x.reseller_id = r.reseller_id)

-- name: save_resellers
INSERT INTO reseller (partner_id, reseller_id, since, read_at, name, event)
VALUES (:partner_id, :reseller_id, :since, :read_at, :name, :event)
ON CONFLICT (partner_id, reseller_id, since) DO UPDATE SET read_at = excluded.read_at

-- name: resellers
-- The customers of a run by indirect reseller, as it was known then. What the service refuses to say is not known.
SELECT CASE WHEN w.readable THEN w.reseller_id ELSE '' END AS reseller_id, COALESCE(w.readable, FALSE) AS is_read,
    COALESCE(MAX(n.name), '') AS name,
    COUNT(*) FILTER (WHERE s.standing = 'clear') AS clear,
    COUNT(*) FILTER (WHERE s.standing = 'blocked') AS blocked,
    COUNT(*) FILTER (WHERE s.standing = 'unknown') AS unknown,
    COUNT(*) FILTER (WHERE s.standing = 'excluded') AS excluded
FROM standing s
{{reseller_then}}
WHERE s.partner_id = :partner_id AND {{valid s :run}}
GROUP BY CASE WHEN w.readable THEN w.reseller_id ELSE '' END, COALESCE(w.readable, FALSE)

-- name: last_subscriptions
SELECT since FROM customer_subscriptions ORDER BY since DESC LIMIT 1

-- name: last_reseller
SELECT since FROM customer_reseller ORDER BY since DESC LIMIT 1

-- name: begun_subscriptions
SELECT * FROM customer_subscriptions ORDER BY event

-- name: begun_customer_resellers
SELECT * FROM customer_reseller ORDER BY event

-- name: begun_resellers
SELECT * FROM reseller ORDER BY event

-- name: subscription_details
-- Each sum of subscriptions with its rows; position is NULL where it has none.
SELECT h.partner_id, h.customer_id, h.since, h.digest AS header_digest, d.position, COALESCE(d.subscription_id, '') AS subscription_id,
    COALESCE(d.product, '') AS product, COALESCE(d.seats, 0) AS seats, COALESCE(d.status, '') AS status, COALESCE(d.term, '') AS term,
    COALESCE(d.ends, '') AS ends, COALESCE(d.auto_renew, FALSE) AS auto_renew, COALESCE(d.trial, FALSE) AS trial
FROM customer_subscriptions h
LEFT JOIN customer_subscription d ON d.partner_id = h.partner_id AND d.customer_id = h.customer_id AND d.since = h.since
ORDER BY h.partner_id, h.customer_id, h.since, d.position
