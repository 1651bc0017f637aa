-- +goose Up

-- A batch is one imported file.
CREATE TABLE batch (
    id            {{identity}},
    file_name     TEXT NOT NULL,
    sha256        TEXT NOT NULL,           -- of the file as it came; approval is of this
    result_format TEXT NOT NULL,           -- how to write the result file, as JSON
    header        TEXT NOT NULL,           -- the file's own, a JSON array
    imported_by      TEXT NOT NULL,        -- the name as it was given
    imported_user_id TEXT NOT NULL,        -- of the operating system; empty: not known
    imported_host    TEXT NOT NULL,
    imported_source  TEXT NOT NULL,        -- where the name comes from
    imported_at      {{timestamp}} NOT NULL,
    approved_by      TEXT NOT NULL DEFAULT '',
    approved_user_id TEXT NOT NULL DEFAULT '',
    approved_host    TEXT NOT NULL DEFAULT '',
    approved_source  TEXT NOT NULL DEFAULT '',
    approved_at      {{timestamp}},
    approval_policy  TEXT NOT NULL,        -- who had to approve it, a JSON object
    inbox_file       TEXT NOT NULL DEFAULT '', -- its name in the inbox until it is moved
    row_count     BIGINT NOT NULL DEFAULT 0,
    queued        BIGINT NOT NULL DEFAULT 0,
    refused       BIGINT NOT NULL DEFAULT 0,
    duplicates    BIGINT NOT NULL DEFAULT 0,
    already_known BIGINT NOT NULL DEFAULT 0,
    CHECK (row_count = queued + refused + duplicates + already_known)
);
-- Two runs that take the same file of the inbox make one batch.
CREATE UNIQUE INDEX batch_inbox ON batch (inbox_file, sha256) WHERE inbox_file <> '';

-- An attestation is named by its batch and its line in the file. What it says of a person stands in the table person.
CREATE TABLE attestation (
    batch_id           BIGINT NOT NULL REFERENCES batch (id),
    line               BIGINT NOT NULL,
    partner_id         TEXT NOT NULL,      -- empty: the customer is nobody's
    customer_id        TEXT NOT NULL,
    customer_name      TEXT NOT NULL,
    admitted           TEXT NOT NULL CHECK (admitted IN ('refused', 'duplicate', 'already_known', 'queued')),
    state              TEXT NOT NULL CHECK (state IN (
        'accepted', 'already_known', 'already_on_record', 'approved', 'cancelled', 'confirmed', 'created',
        'duplicate', 'expired', 'failed', 'queued', 'refused', 'refused_by_microsoft', 'sending', 'unsure',
        'waiting')),
    reason             TEXT NOT NULL,
    message            TEXT NOT NULL,
    hint               TEXT NOT NULL,
    date_agreed        TEXT NOT NULL,      -- calendar day in UTC; empty: Microsoft dates it
    evidence           TEXT NOT NULL,
    replaces_batch     BIGINT,
    replaces_line      BIGINT,
    signer_digest      TEXT NOT NULL,      -- salted, of the row in person
    request_id         TEXT NOT NULL DEFAULT '', -- MS-RequestId; born before the first send and never another
    template_id        TEXT NOT NULL DEFAULT '',
    sends              INTEGER NOT NULL DEFAULT 0,
    sent_at            {{timestamp}},          -- the first time
    answered_at        {{timestamp}},
    answer_status      INTEGER NOT NULL DEFAULT 0,
    answer_code        TEXT NOT NULL DEFAULT '',
    answer_request     TEXT NOT NULL DEFAULT '',
    answer_correlation TEXT NOT NULL DEFAULT '',
    claim_number       BIGINT NOT NULL DEFAULT 0,
    claim_expires      DOUBLE PRECISION NOT NULL DEFAULT 0, -- by the database's clock, in seconds of the Unix epoch
    claim_host         TEXT NOT NULL DEFAULT '',
    claim_pid          BIGINT NOT NULL DEFAULT 0,
    claim_started      TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (batch_id, line),
    CHECK ((state IN ('refused', 'duplicate', 'already_known')) = (admitted <> 'queued')),
    CHECK (state NOT IN ('sending', 'unsure', 'confirmed') OR request_id <> '')
);
CREATE INDEX attestation_customer ON attestation (customer_id);
CREATE INDEX attestation_work ON attestation (state, partner_id) WHERE state IN ('approved', 'sending', 'unsure');

-- Personal data, apart from the rest so that it can be purged while the chain stays whole.
CREATE TABLE attestation_signer (
    batch_id     BIGINT NOT NULL,
    line         BIGINT NOT NULL,
    first_name   TEXT NOT NULL,
    last_name    TEXT NOT NULL,
    email        TEXT NOT NULL,
    phone        TEXT NOT NULL,
    company_name TEXT NOT NULL,
    country      TEXT NOT NULL,
    language     TEXT NOT NULL,
    note         TEXT NOT NULL,
    cells        TEXT NOT NULL,            -- the row as it came, a JSON array
    salt         TEXT NOT NULL,
    PRIMARY KEY (batch_id, line),
    FOREIGN KEY (batch_id, line) REFERENCES attestation (batch_id, line)
);
