-- name: begin_run
INSERT INTO run (kind, partner_id, partner_name, partner_kind, accepted_since, trust_direct, state, attempt, correlation_id, version,
    started_at, oldest_reading)
VALUES (:kind, :partner_id, :partner_name, :partner_kind, :accepted_since, :trust_direct, 'running', 1, :correlation_id, :version,
    :started_at, :oldest_reading)
RETURNING id

-- name: running_run
SELECT * FROM run WHERE partner_id = :partner_id AND state = 'running'

-- name: forget_old_readings
-- Who was gone in one attempt may be listed again in the next.
DELETE FROM run_reading WHERE run_id = :run AND (read_at < :oldest OR gone)

-- name: oldest_reading
SELECT read_at FROM run_reading WHERE run_id = :run ORDER BY read_at LIMIT 1

-- name: resume_run
UPDATE run SET attempt = attempt + 1, oldest_reading = :oldest, partner_name = :partner_name WHERE id = :run AND state = 'running'

-- name: abandon_run
UPDATE run SET state = 'abandoned', finished_at = :at WHERE id = :run AND state = 'running'

-- name: add_cost
UPDATE run SET requests = requests + :requests, throttled = throttled + :throttled, retries = retries + :retries,
    seconds = seconds + :seconds
WHERE id = :run

-- name: finish_run
UPDATE run SET state = :state, finished_at = :finished_at, listed = :listed, unlisted = :unlisted, found_unlisted = :found_unlisted,
    clear = :clear, blocked = :blocked, unknown = :unknown, excluded = :excluded, unreadable = :unreadable,
    direct_undated = :direct_undated, new = :new, gone = :gone, newly_blocked = :newly_blocked, newly_clear = :newly_clear,
    gone_confirmed = :gone_confirmed, ledger_clear = :ledger_clear, ledger_blocked = :ledger_blocked,
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
