-- +goose Up

-- A partner is one Partner Center account; its identity is its tenant id, its name a label that may change.
CREATE TABLE partner (
    id   TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('direct_bill', 'indirect_provider', 'indirect_reseller'))
);

-- Who may work on a partner now. expires_at is by the database's clock, in seconds of the Unix epoch. Every write of a holder
-- names its number, so that one who lost the lease writes nothing.
CREATE TABLE lease (
    partner_id  TEXT PRIMARY KEY REFERENCES partner (id),
    number      BIGINT NOT NULL,
    host        TEXT NOT NULL,             -- where the holder's process id means something
    pid         BIGINT NOT NULL,
    pid_started TEXT NOT NULL,             -- tells a process from a later one with the same id
    expires_at  DOUBLE PRECISION NOT NULL
);

CREATE TABLE run (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    partner_id      TEXT NOT NULL REFERENCES partner (id),
    partner_name    TEXT NOT NULL,         -- as it was called in this run
    partner_kind    TEXT NOT NULL,
    accepted_since  TEXT NOT NULL,
    trust_direct    BOOLEAN NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN ('sweep', 'recheck')),
    state           TEXT NOT NULL CHECK (state IN ('running', 'completed', 'failed', 'abandoned')),
    attempt         INTEGER NOT NULL,
    correlation_id  TEXT NOT NULL,
    version         TEXT NOT NULL,
    started_at      TIMESTAMP NOT NULL,
    finished_at     TIMESTAMP,
    oldest_reading  TIMESTAMP NOT NULL,
    requests        BIGINT NOT NULL DEFAULT 0,
    throttled       BIGINT NOT NULL DEFAULT 0,
    retries         BIGINT NOT NULL DEFAULT 0,
    seconds         DOUBLE PRECISION NOT NULL DEFAULT 0,
    listed          BIGINT NOT NULL DEFAULT 0,
    missing         BIGINT NOT NULL DEFAULT 0,
    still_there     BIGINT NOT NULL DEFAULT 0,
    clear           BIGINT NOT NULL DEFAULT 0,
    blocked         BIGINT NOT NULL DEFAULT 0,
    unknown         BIGINT NOT NULL DEFAULT 0,
    excluded        BIGINT NOT NULL DEFAULT 0,
    unreadable      BIGINT NOT NULL DEFAULT 0,
    direct_undated  BIGINT NOT NULL DEFAULT 0,
    new             BIGINT NOT NULL DEFAULT 0,
    gone            BIGINT NOT NULL DEFAULT 0,
    newly_blocked   BIGINT NOT NULL DEFAULT 0,
    newly_clear     BIGINT NOT NULL DEFAULT 0,
    gone_by_read    BIGINT NOT NULL DEFAULT 0,
    ledger_clear    BIGINT NOT NULL DEFAULT 0,
    ledger_blocked  BIGINT NOT NULL DEFAULT 0,
    ledger_unknown  BIGINT NOT NULL DEFAULT 0,
    ledger_excluded BIGINT NOT NULL DEFAULT 0,
    CHECK ((state = 'running') = (finished_at IS NULL))
);
CREATE UNIQUE INDEX run_one_running ON run (partner_id) WHERE state = 'running';
CREATE INDEX run_by_partner ON run (partner_id, state, id);

-- The control totals of a closed run.
CREATE TABLE run_check (
    run_id   BIGINT NOT NULL REFERENCES run (id),
    position INTEGER NOT NULL,
    name     TEXT NOT NULL,
    expected BIGINT NOT NULL,
    found    BIGINT NOT NULL,
    ok       BOOLEAN NOT NULL,
    detail   TEXT NOT NULL,
    PRIMARY KEY (run_id, position)
);

-- Who was listed in the running run, and in which of its attempts last. Emptied when the run closes.
CREATE TABLE listing (
    run_id      BIGINT NOT NULL REFERENCES run (id),
    customer_id TEXT NOT NULL,
    attempt     INTEGER NOT NULL,
    still_there BOOLEAN NOT NULL DEFAULT FALSE, -- not on the list, but found by a read
    PRIMARY KEY (run_id, customer_id)
);

-- What the running run has read. A reading that differs from the ledger carries the whole record; one that does not, only
-- its standing. Emptied when the run closes.
CREATE TABLE reading (
    run_id      BIGINT NOT NULL REFERENCES run (id),
    customer_id TEXT NOT NULL,
    read_at     TIMESTAMP NOT NULL,
    gone        BOOLEAN NOT NULL,          -- a read said that the customer is no longer ours
    change      TEXT NOT NULL,             -- new, gone, newly_…; empty when the standing is as it was
    differs     BOOLEAN NOT NULL,          -- from the record in the ledger
    name                TEXT NOT NULL,
    name_key            TEXT NOT NULL,           -- name as it is sorted
    domain              TEXT NOT NULL,
    relationship        TEXT NOT NULL,
    standing            TEXT NOT NULL,
    reason              TEXT NOT NULL,
    remedy              TEXT NOT NULL,
    agreements          TEXT NOT NULL,
    date_agreed         TEXT NOT NULL,             -- calendar day in UTC; empty: none
    signer_first        TEXT NOT NULL,
    signer_last         TEXT NOT NULL,
    signer_email        TEXT NOT NULL,
    signer_phone        TEXT NOT NULL,
    direct              TEXT NOT NULL,             -- as read in this run
    direct_last         TEXT NOT NULL,             -- as last read
    trouble_status      INTEGER NOT NULL,
    trouble_code        TEXT NOT NULL,
    trouble_message     TEXT NOT NULL,
    trouble_request     TEXT NOT NULL,
    trouble_correlation TEXT NOT NULL,
    first_seen          TIMESTAMP,
    standing_since      TIMESTAMP,
    blocked_since       TIMESTAMP,
    direct_since        TIMESTAMP,
    last_read           TIMESTAMP,
    PRIMARY KEY (run_id, customer_id)
);

-- The ledger of standings: a customer's record is valid from one run up to, and without, another.
CREATE TABLE standing (
    partner_id  TEXT NOT NULL REFERENCES partner (id),
    customer_id TEXT NOT NULL,
    valid_from  BIGINT NOT NULL REFERENCES run (id),
    valid_to    BIGINT REFERENCES run (id),
    name                TEXT NOT NULL,
    name_key            TEXT NOT NULL,           -- name as it is sorted
    domain              TEXT NOT NULL,
    relationship        TEXT NOT NULL,
    standing            TEXT NOT NULL,
    reason              TEXT NOT NULL,
    remedy              TEXT NOT NULL,
    agreements          TEXT NOT NULL,
    date_agreed         TEXT NOT NULL,             -- calendar day in UTC; empty: none
    signer_first        TEXT NOT NULL,
    signer_last         TEXT NOT NULL,
    signer_email        TEXT NOT NULL,
    signer_phone        TEXT NOT NULL,
    direct              TEXT NOT NULL,             -- as read in this run
    direct_last         TEXT NOT NULL,             -- as last read
    trouble_status      INTEGER NOT NULL,
    trouble_code        TEXT NOT NULL,
    trouble_message     TEXT NOT NULL,
    trouble_request     TEXT NOT NULL,
    trouble_correlation TEXT NOT NULL,
    first_seen          TIMESTAMP NOT NULL,
    standing_since      TIMESTAMP NOT NULL,
    blocked_since       TIMESTAMP,
    direct_since        TIMESTAMP,
    last_read           TIMESTAMP,
    PRIMARY KEY (partner_id, customer_id, valid_from),
    CHECK (valid_to > valid_from)
);
CREATE UNIQUE INDEX standing_now ON standing (partner_id, customer_id) WHERE valid_to IS NULL;
CREATE INDEX standing_domain ON standing (lower(domain)) WHERE valid_to IS NULL;
CREATE INDEX standing_ended ON standing (partner_id, valid_to);
CREATE INDEX standing_begun ON standing (partner_id, valid_from);

-- +goose Down
DROP TABLE standing;
DROP TABLE reading;
DROP TABLE listing;
DROP TABLE run_check;
DROP TABLE run;
DROP TABLE lease;
DROP TABLE partner;
