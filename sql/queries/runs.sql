-- name: begin_run
INSERT INTO run (kind, partner_id, partner_name, partner_kind, accepted_since, trust_direct, state, attempt, correlation_id, version,
    started_at, oldest_reading)
VALUES (:kind, :partner_id, :partner_name, :partner_kind, :accepted_since, :trust_direct, 'running', 1, :correlation_id, :version,
    :started_at, :oldest_reading)
RETURNING id

-- name: forget_old_readings
-- Who was gone in one attempt may be listed again in the next.
DELETE FROM run_reading WHERE run_id = :run AND (read_at < :oldest OR gone)

-- name: oldest_reading
SELECT read_at FROM run_reading WHERE run_id = :run ORDER BY read_at LIMIT 1

-- name: resume_run
UPDATE run SET attempt = attempt + 1, oldest_reading = :oldest, partner_name = :partner_name, failure_code = '', failure_message = '',
    failure_hint = ''
WHERE id = :run AND state = 'running'

-- name: abandon_run
UPDATE run SET state = 'abandoned', finished_at = :at WHERE id = :run AND state = 'running'

-- name: newest_run
SELECT * FROM run WHERE partner_id = :partner_id ORDER BY id DESC LIMIT 1

-- name: record_failure
UPDATE run SET failure_code = :code, failure_message = :message, failure_hint = :hint WHERE id = :run AND state = 'running'

-- name: add_cost
UPDATE run SET requests = requests + :requests, throttled = throttled + :throttled, retries = retries + :retries,
    seconds = seconds + :seconds
WHERE id = :run
RETURNING finished_at

-- name: finish_run
UPDATE run SET state = :state, finished_at = :finished_at, listed = :listed, unlisted = :unlisted, found_unlisted = :found_unlisted,
    clear = :clear, blocked = :blocked, unknown = :unknown, excluded = :excluded, unreadable = :unreadable,
    absent = :absent, direct_undated = :direct_undated, new = :new, gone = :gone, newly_blocked = :newly_blocked,
    newly_clear = :newly_clear, no_longer_blocked = :no_longer_blocked, gone_blocked = :gone_blocked,
    blocked_by_policy = :blocked_by_policy, cleared_by_policy = :cleared_by_policy, failure_code = '', failure_message = '',
    failure_hint = '', gone_confirmed = :gone_confirmed, ledger_clear = :ledger_clear, ledger_blocked = :ledger_blocked,
    ledger_unknown = :ledger_unknown, ledger_excluded = :ledger_excluded
WHERE id = :run AND state = 'running'

-- name: save_check
INSERT INTO run_check (run_id, position, name, expected, found, ok, detail)
VALUES (:run_id, :position, :name, :expected, :found, :ok, :detail)

-- name: checks
SELECT run_id, position, name, expected, found, ok, detail FROM run_check WHERE run_id = :run ORDER BY position

-- name: run
SELECT * FROM run WHERE id = :run

-- name: last_completed
SELECT * FROM run WHERE partner_id = :partner_id AND state = 'completed' ORDER BY id DESC LIMIT 1

-- name: completed_runs
SELECT * FROM run WHERE partner_id = :partner_id AND state = 'completed' AND finished_at <= :by ORDER BY id DESC LIMIT :limit

-- name: last_runs
-- The newest run of each partner that had completed by an instant.
SELECT * FROM run WHERE id IN (SELECT MAX(id) FROM run WHERE state = 'completed' AND finished_at <= :by GROUP BY partner_id)
ORDER BY partner_name, partner_id

-- name: first_completed
SELECT started_at FROM run WHERE partner_id = :partner_id AND state = 'completed' ORDER BY id LIMIT 1

-- name: runs_after
SELECT * FROM run WHERE partner_id = :partner_id AND id > :after AND started_at <= :by ORDER BY id DESC

-- name: last_end
SELECT finished_at FROM run WHERE finished_at IS NOT NULL ORDER BY finished_at DESC LIMIT 1

-- name: reported
UPDATE run SET reported_at = :at WHERE id IN (:runs)

-- name: recent_runs
SELECT * FROM run ORDER BY id DESC LIMIT :limit

-- name: forget_listing
DELETE FROM run_listing WHERE run_id = :run

-- name: forget_readings
DELETE FROM run_reading WHERE run_id = :run

-- name: forget_doubtful_readings
-- What the service said of customers that it did not know, or gave no usable answer for.
DELETE FROM run_reading WHERE run_id = :run AND (gone OR standing = 'unknown')

-- name: take_over_readings
-- Of a run that failed because the service was not believed.
UPDATE run_reading SET run_id = :run WHERE run_id = :failed

-- name: forget_kept_readings
-- Those of failed runs of the partner: another run takes their place.
DELETE FROM run_reading WHERE run_id IN (SELECT id FROM run WHERE partner_id = :partner_id AND state = 'failed')

-- name: closing_before
-- The detail of the event of the last completed run before one.
SELECT e.detail FROM event e
WHERE e.kind = 'run' AND e.run_id = (
    SELECT r.id FROM run r WHERE r.partner_id = :partner_id AND r.state = 'completed' AND r.id < :run ORDER BY r.id DESC LIMIT 1)

-- name: runs_by_partner
SELECT * FROM run ORDER BY partner_id, id

-- name: closing
SELECT detail FROM event WHERE kind = 'run' AND run_id = :run
