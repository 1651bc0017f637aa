-- A batch is one imported file.
CREATE TABLE batch (
    id            {{identity}},
    file_name     TEXT NOT NULL,
    sha256        TEXT NOT NULL,           -- of the file as it came; approval is of this
    result_format TEXT NOT NULL,           -- how to write the result file, as JSON
    header        TEXT NOT NULL,           -- the file's own, a JSON array
    even_if_clear    BOOLEAN NOT NULL,     -- its rows are sent although their customers can buy
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

-- An attestation is named by its batch and its line in the file. What it says of a person is in attestation_signer.
-- Both tables are filled by imports only, and lack their foreign keys on PostgreSQL, which looks them up row by row: an
-- import of a million rows would take 9 of 25 µs of its CPU for each row. verify finds rows that belong to nothing.
CREATE TABLE attestation (
    batch_id             BIGINT NOT NULL{{sqlite  REFERENCES batch (id)}},
    line                 BIGINT NOT NULL,
    partner_id           TEXT NOT NULL,      -- empty: no partner has the customer
    customer_id          TEXT NOT NULL,
    customer_name        TEXT NOT NULL,
    admitted             TEXT NOT NULL CHECK (admitted IN ('refused', 'duplicate', 'already_known', 'queued')),
    state                TEXT NOT NULL CHECK (state IN (
        'accepted', 'already_known', 'already_on_record', 'approved', 'cancelled', 'cleared', 'confirmed', 'created',
        'duplicate', 'expired', 'failed', 'queued', 'refused', 'refused_by_microsoft', 'waiting')),
    reason               TEXT NOT NULL,      -- of the import; attestation_request has what came later
    message              TEXT NOT NULL,
    hint                 TEXT NOT NULL,
    date_agreed          TEXT NOT NULL,      -- calendar day in UTC; empty: Microsoft dates it
    evidence             TEXT NOT NULL,
    replaces_batch       BIGINT,
    replaces_line        BIGINT,
    signer_digest        TEXT NOT NULL,      -- salted, of its row in attestation_signer
    request_count        INTEGER NOT NULL DEFAULT 0, -- rows in attestation_request
    open_request         INTEGER NOT NULL DEFAULT 0, -- number of the request whose outcome is not known; 0: none
    next_attempt_at      DOUBLE PRECISION NOT NULL DEFAULT 0, -- not claimed before; by the database's clock, like claim_expires
    claim_number         BIGINT NOT NULL DEFAULT 0,
    claim_expires        DOUBLE PRECISION NOT NULL DEFAULT 0, -- in seconds of the Unix epoch
    claim_host           TEXT NOT NULL DEFAULT '',
    claim_pid            BIGINT NOT NULL DEFAULT 0,
    claim_started        TEXT NOT NULL DEFAULT '',
    -- The rest is of the enhanced route.
    creation             INTEGER NOT NULL DEFAULT 0, -- how many times Microsoft has created it
    accept_link          TEXT NOT NULL DEFAULT '',   -- Microsoft's id and link, encrypted: whoever has them can accept
    expires_at           {{timestamp}},              -- of the link
    accepted_on          TEXT NOT NULL DEFAULT '',   -- calendar day in UTC
    document_url         TEXT NOT NULL DEFAULT '',   -- of the accepted agreement
    document_sha256      TEXT NOT NULL DEFAULT '',
    document_fetched_at  {{timestamp}},
    PRIMARY KEY (batch_id, line),
    CHECK ((state IN ('refused', 'duplicate', 'already_known')) = (admitted <> 'queued')),
    CHECK (open_request = 0 OR state IN ('approved', 'created', 'waiting', 'accepted')),
    CHECK (open_request BETWEEN 0 AND request_count),
    CHECK (request_count > 0 OR state NOT IN ('created', 'waiting', 'accepted', 'expired', 'confirmed'))
);
-- Without the rows of files that repeat one customer many times: each would be compared with all others of a second import.
CREATE INDEX attestation_customer ON attestation (customer_id) WHERE admitted NOT IN ('refused', 'duplicate');
-- What there is to do, the new before what was tried already.
CREATE INDEX attestation_work ON attestation (partner_id, next_attempt_at, batch_id, line)
    WHERE state IN ('approved', 'created', 'waiting', 'accepted');

-- Every request about an attestation: one that was sent, saved before it left, or a read that settled something.
CREATE TABLE attestation_request (
    batch_id                BIGINT NOT NULL,
    line                    BIGINT NOT NULL,
    number                  INTEGER NOT NULL CHECK (number > 0),
    kind                    TEXT NOT NULL CHECK (kind IN ('attest', 'create', 'agreement', 'read')),
    request_id              TEXT NOT NULL,      -- MS-RequestId; a repetition after a lost answer has the same
    template_id             TEXT NOT NULL,      -- of the agreement
    content                 TEXT NOT NULL DEFAULT '', -- what was sent of the customer's profile, a JSON object
    claim_number            BIGINT NOT NULL,
    sent_at                 {{timestamp}} NOT NULL,
    answered_at             {{timestamp}},      -- NULL: no answer yet, or the program died before it saved one
    result                  TEXT NOT NULL DEFAULT '' CHECK (result IN ('', 'unknown', 'succeeded', 'duplicate_signer',
        'content_rejected', 'customer_rejected', 'forbidden', 'not_sent')),
    reason                  TEXT NOT NULL DEFAULT '',
    message                 TEXT NOT NULL DEFAULT '', -- the service's words: may be personal data
    hint                    TEXT NOT NULL DEFAULT '',
    answer_status           INTEGER NOT NULL DEFAULT 0,
    answer_code             TEXT NOT NULL DEFAULT '',
    answer_request_id       TEXT NOT NULL DEFAULT '',
    answer_correlation_id   TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (batch_id, line, number),
    FOREIGN KEY (batch_id, line) REFERENCES attestation (batch_id, line),
    CHECK ((answered_at IS NULL) = (result = '')),
    CHECK (kind = 'read' OR request_id <> '')
);

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
    PRIMARY KEY (batch_id, line){{sqlite ,
    FOREIGN KEY (batch_id, line) REFERENCES attestation (batch_id, line)}}
);
