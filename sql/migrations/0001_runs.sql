-- The steps of the schema that this database has.
CREATE TABLE schema_version (
    version    BIGINT PRIMARY KEY,
    applied_at {{timestamp}} NOT NULL DEFAULT CURRENT_TIMESTAMP
);

-- One Partner Center account. Its identity is the tenant id; the name is a label that may change.
CREATE TABLE partner (
    id   TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('direct_bill', 'indirect_provider', 'indirect_reseller'))
);

-- Which process may write about a partner. Every write names the lease's number, so that a process that
-- lost the lease writes nothing.
CREATE TABLE lease (
    partner_id  TEXT PRIMARY KEY REFERENCES partner (id),
    number      BIGINT NOT NULL,
    host        TEXT NOT NULL,             -- host, boot and process namespace: where pid has a meaning
    pid         BIGINT NOT NULL,
    pid_started TEXT NOT NULL,             -- distinguishes a process from a later one with the same id
    expires_at  DOUBLE PRECISION NOT NULL  -- by the clock of the database, in seconds of the Unix epoch
);

-- One reconciliation of one partner.
CREATE TABLE run (
    id              {{identity}},
    partner_id      TEXT NOT NULL REFERENCES partner (id),
    partner_name    TEXT NOT NULL,         -- the label at the time of the run
    partner_kind    TEXT NOT NULL CHECK (partner_kind IN ('direct_bill', 'indirect_provider', 'indirect_reseller')),
    accepted_since  TEXT NOT NULL,
    trust_direct    BOOLEAN NOT NULL,
    kind            TEXT NOT NULL CHECK (kind IN ('sweep', 'recheck')),
    state           TEXT NOT NULL CHECK (state IN ('running', 'completed', 'failed', 'abandoned')),
    attempt         INTEGER NOT NULL,
    correlation_id  TEXT NOT NULL,
    version         TEXT NOT NULL,
    started_at      {{timestamp}} NOT NULL,
    finished_at     {{timestamp}},
    reported_at     {{timestamp}},         -- when a workbook last showed this run as the newest of its partner
    oldest_reading  {{timestamp}} NOT NULL,
    requests        BIGINT NOT NULL DEFAULT 0,
    throttled       BIGINT NOT NULL DEFAULT 0,
    retries         BIGINT NOT NULL DEFAULT 0,
    seconds         DOUBLE PRECISION NOT NULL DEFAULT 0,
    listed          BIGINT NOT NULL DEFAULT 0,
    unlisted        BIGINT NOT NULL DEFAULT 0,
    found_unlisted  BIGINT NOT NULL DEFAULT 0,
    clear           BIGINT NOT NULL DEFAULT 0,
    blocked         BIGINT NOT NULL DEFAULT 0,
    unknown         BIGINT NOT NULL DEFAULT 0,
    excluded        BIGINT NOT NULL DEFAULT 0,
    unreadable      BIGINT NOT NULL DEFAULT 0,
    absent          BIGINT NOT NULL DEFAULT 0,
    direct_undated  BIGINT NOT NULL DEFAULT 0,
    new             BIGINT NOT NULL DEFAULT 0,
    gone            BIGINT NOT NULL DEFAULT 0,
    newly_blocked   BIGINT NOT NULL DEFAULT 0,
    newly_clear     BIGINT NOT NULL DEFAULT 0,
    no_longer_blocked BIGINT NOT NULL DEFAULT 0,
    gone_blocked    BIGINT NOT NULL DEFAULT 0,
    blocked_by_policy BIGINT NOT NULL DEFAULT 0, -- those of newly_blocked that only a change of the policy made so
    cleared_by_policy BIGINT NOT NULL DEFAULT 0,
    gone_confirmed  BIGINT NOT NULL DEFAULT 0,
    ledger_clear    BIGINT NOT NULL DEFAULT 0,
    ledger_blocked  BIGINT NOT NULL DEFAULT 0,
    ledger_unknown  BIGINT NOT NULL DEFAULT 0,
    ledger_excluded BIGINT NOT NULL DEFAULT 0,
    failure_code    TEXT NOT NULL DEFAULT '', -- why the last attempt ended early; empty: it did not
    failure_message TEXT NOT NULL DEFAULT '',
    failure_hint    TEXT NOT NULL DEFAULT '',
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

-- The customers on the list of the running run, with the attempt that last listed them. Emptied when the run closes.
CREATE TABLE run_listing (
    run_id         BIGINT NOT NULL REFERENCES run (id),
    customer_id    TEXT NOT NULL,
    attempt        INTEGER NOT NULL,
    found_unlisted BOOLEAN NOT NULL DEFAULT FALSE, -- not on the list, but found when asked for by id
    PRIMARY KEY (run_id, customer_id)
);

-- What the running run has read. A reading that differs from the ledger holds the whole record, another one only
-- its standing. Emptied when the run closes; of a run that failed because the service was not believed, what was
-- read of customers stays for the next one.
CREATE TABLE run_reading (
    run_id      BIGINT NOT NULL REFERENCES run (id),
    customer_id TEXT NOT NULL,
    read_at     {{timestamp}} NOT NULL,
    gone        BOOLEAN NOT NULL,          -- the service said that the customer is no longer the partner's
    change      TEXT NOT NULL,             -- new, gone, newly_…; empty: the standing is unchanged
    differs     BOOLEAN NOT NULL,          -- from the record in the ledger
    {{record_definitions}},
    PRIMARY KEY (run_id, customer_id)
);

-- The standings: a customer's record is valid from one run up to, and excluding, another.
CREATE TABLE standing (
    partner_id  TEXT NOT NULL REFERENCES partner (id),
    customer_id TEXT NOT NULL,
    valid_from  BIGINT NOT NULL REFERENCES run (id),
    valid_to    BIGINT REFERENCES run (id),
    {{record_definitions}},
    PRIMARY KEY (partner_id, customer_id, valid_from),
    CHECK (valid_to > valid_from),
    CHECK (first_seen IS NOT NULL AND standing_since IS NOT NULL),
    CHECK (standing IN ('clear', 'blocked', 'unknown', 'excluded')),
    CHECK (reason IN ('not_a_reseller_customer', 'relationship_ended', 'not_found', 'attested', 'accepted_directly',
        'unreadable', 'outdated', 'never_accepted')),
    CHECK (remedy IN ('', 'attest', 'ask_indirect_provider', 'request_relationship', 'retry', 'check_relationship')),
    CHECK (agreements IN ('not_read', 'read', 'unreadable', 'relationship_ended', 'not_found')),
    CHECK (direct_acceptance IN ('not_read', 'no', 'yes')),
    CHECK (direct_acceptance_last_known IN ('not_read', 'no', 'yes'))
);
CREATE UNIQUE INDEX standing_now ON standing (partner_id, customer_id) WHERE valid_to IS NULL;
CREATE INDEX standing_domain ON standing (partner_id, lower(domain)) WHERE valid_to IS NULL;
CREATE INDEX standing_ended ON standing (partner_id, valid_to) WHERE valid_to IS NOT NULL;
CREATE INDEX standing_begun ON standing (partner_id, valid_from);
