-- +goose Up

-- An answer to an attestation that a later one took the place of; a report of an earlier instant shows it. Its words may be personal data.
CREATE TABLE attestation_answer (
    batch_id           BIGINT NOT NULL,
    line               BIGINT NOT NULL,
    answered_at        {{timestamp}} NOT NULL,
    reason             TEXT NOT NULL,
    message            TEXT NOT NULL,
    hint               TEXT NOT NULL,
    answer_status      INTEGER NOT NULL,
    answer_code        TEXT NOT NULL,
    answer_request     TEXT NOT NULL,
    answer_correlation TEXT NOT NULL,
    PRIMARY KEY (batch_id, line, answered_at)
);

-- What finance wants to know of customers, as last read. A reading that says what the newest row says only moves its read_at; another one adds
-- a row. What a report showed at an instant is the newest row that had begun by then.

-- What a blocked customer has bought.
CREATE TABLE customer_subscriptions (
    partner_id   TEXT NOT NULL REFERENCES partner (id),
    customer_id  TEXT NOT NULL,
    since        {{timestamp}} NOT NULL,
    read_at      {{timestamp}} NOT NULL,
    readable     BOOLEAN NOT NULL,         -- the service answered; if not, the rest means nothing
    active       BIGINT NOT NULL,
    next_renewal TEXT NOT NULL,            -- calendar day in UTC; empty: none
    PRIMARY KEY (partner_id, customer_id, since),
    CHECK (read_at >= since)
);

-- Through whom the customer of an indirect provider buys.
CREATE TABLE customer_reseller (
    partner_id  TEXT NOT NULL REFERENCES partner (id),
    customer_id TEXT NOT NULL,
    since       {{timestamp}} NOT NULL,
    read_at     {{timestamp}} NOT NULL,
    readable    BOOLEAN NOT NULL,          -- the service answered; if not, the rest means nothing
    reseller_id TEXT NOT NULL,             -- empty: no indirect reseller
    PRIMARY KEY (partner_id, customer_id, since),
    CHECK (read_at >= since)
);
