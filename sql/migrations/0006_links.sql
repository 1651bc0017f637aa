-- The link of an attestation of the enhanced route, or a reminder of it, as it is handed over to the signer: recorded
-- before it leaves. event is the one that recorded the row; it has the same values.
CREATE TABLE attestation_link (
    event            BIGINT PRIMARY KEY REFERENCES event (sequence) DEFERRABLE INITIALLY DEFERRED,
    batch_id         BIGINT NOT NULL,
    line             BIGINT NOT NULL,
    creation         INTEGER NOT NULL,     -- a link that has expired is followed by another one
    kind             TEXT NOT NULL CHECK (kind IN ('link', 'reminder', 'last')),
    channel          TEXT NOT NULL CHECK (channel IN ('draft', 'smtp', 'file')),
    recipient_digest TEXT NOT NULL,        -- salted, of the address
    FOREIGN KEY (batch_id, line) REFERENCES attestation (batch_id, line)
);
CREATE INDEX attestation_link_of ON attestation_link (batch_id, line, creation);

-- What became of handing a link over. One without a row here is being sent, or its process was stopped: nobody knows
-- whether it left.
CREATE TABLE attestation_link_result (
    link    BIGINT PRIMARY KEY REFERENCES attestation_link (event),
    event   BIGINT NOT NULL UNIQUE REFERENCES event (sequence) DEFERRABLE INITIALLY DEFERRED,
    outcome TEXT NOT NULL CHECK (outcome IN ('delivered', 'failed', 'unknown')),
    reason  TEXT NOT NULL                  -- of a failure
);
