-- The log of everything that matters, in one chain: hash covers every other column, and with previous all events
-- before. Rows are only ever added.
CREATE TABLE event (
    sequence    BIGINT PRIMARY KEY CHECK (sequence > 0),
    at          {{timestamp}} NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('import', 'approve', 'cancel', 'retry', 'correct', 'send', 'answer', 'settle',
        'expire', 'renew', 'link', 'remind', 'invite', 'exception', 'enrich', 'run', 'report', 'purge', 'resume_sending',
        'backup', 'migrate')),
    batch_id    BIGINT REFERENCES batch (id),
    line        BIGINT,                    -- of an attestation; NULL: the whole batch, or none
    run_id      BIGINT REFERENCES run (id),
    partner_id  TEXT,                      -- NULL: none, or several; it need not have a run yet
    customer_id TEXT,
    actor       TEXT NOT NULL,             -- the name as it was given
    user_id     TEXT NOT NULL,             -- of the operating system; empty: not known
    host        TEXT NOT NULL,
    source      TEXT NOT NULL CHECK (source IN ('', 'flag', 'sudo', 'user', 'file_owner', 'policy', 'program')),
    from_state  TEXT NOT NULL,             -- empty: no attestation moved
    to_state    TEXT NOT NULL,
    detail      TEXT NOT NULL,             -- a JSON object, or empty
    previous    TEXT NOT NULL,             -- hash of the event before; empty for the first
    hash        TEXT NOT NULL,
    CHECK (line IS NULL OR batch_id IS NOT NULL)
);
CREATE INDEX event_attestation ON event (batch_id, line, sequence);
CREATE INDEX event_customer ON event (partner_id, customer_id, sequence);
CREATE INDEX event_run ON event (run_id);
CREATE INDEX event_at ON event (at);
CREATE INDEX event_copied ON event (at) WHERE kind IN ('backup', 'migrate', 'resume_sending');
{{append_only event}}

-- The last event. Whoever appends one locks this row first, so that events come one after the other.
CREATE TABLE chain_head (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    sequence BIGINT NOT NULL,
    hash     TEXT NOT NULL
);
INSERT INTO chain_head (id, sequence, hash) VALUES (1, 0, '');
