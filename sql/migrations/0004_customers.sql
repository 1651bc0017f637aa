-- What finance wants to know of customers, as last read. A reading that says what the newest row says only moves its
-- read_at; another one adds a row. What a report showed at an instant is the newest row that had begun by then. event is
-- the one that recorded the row; it has a digest of it.

-- What a blocked customer has bought. active, next_renewal and next_lapse sum its rows in customer_subscription up.
CREATE TABLE customer_subscriptions (
    partner_id   TEXT NOT NULL REFERENCES partner (id),
    customer_id  TEXT NOT NULL,
    since        {{timestamp}} NOT NULL,
    read_at      {{timestamp}} NOT NULL,
    readable     BOOLEAN NOT NULL,         -- the service answered; if not, the rest means nothing
    active       BIGINT NOT NULL,
    next_renewal TEXT NOT NULL,            -- calendar day in UTC; empty: none renews by itself, or the day is not known
    next_lapse   TEXT NOT NULL,            -- the same of those that do not renew by themselves
    digest       TEXT NOT NULL,            -- of its rows in customer_subscription
    event        BIGINT NOT NULL REFERENCES event (sequence) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (partner_id, customer_id, since),
    CHECK (read_at >= since)
);

CREATE TABLE customer_subscription (
    partner_id      TEXT NOT NULL,
    customer_id     TEXT NOT NULL,
    since           {{timestamp}} NOT NULL,
    position        INTEGER NOT NULL,      -- from 1, by subscription_id
    subscription_id TEXT NOT NULL,
    product         TEXT NOT NULL,
    seats           BIGINT NOT NULL,
    status          TEXT NOT NULL,         -- the service's own word in lower case, such as active
    term            TEXT NOT NULL,         -- an ISO 8601 duration such as P1Y; empty: not known
    ends            TEXT NOT NULL,         -- calendar day in UTC on which it renews or lapses; empty: never, or not known
    auto_renew      BOOLEAN NOT NULL,
    trial           BOOLEAN NOT NULL,
    PRIMARY KEY (partner_id, customer_id, since, position),
    FOREIGN KEY (partner_id, customer_id, since) REFERENCES customer_subscriptions (partner_id, customer_id, since)
);

-- Through whom the customer of an indirect provider buys.
CREATE TABLE customer_reseller (
    partner_id  TEXT NOT NULL REFERENCES partner (id),
    customer_id TEXT NOT NULL,
    since       {{timestamp}} NOT NULL,
    read_at     {{timestamp}} NOT NULL,
    readable    BOOLEAN NOT NULL,          -- the service answered; if not, the rest means nothing
    reseller_id TEXT NOT NULL,             -- empty: no indirect reseller
    event       BIGINT NOT NULL REFERENCES event (sequence) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (partner_id, customer_id, since),
    CHECK (read_at >= since)
);

-- The names of indirect resellers.
CREATE TABLE reseller (
    partner_id  TEXT NOT NULL REFERENCES partner (id),
    reseller_id TEXT NOT NULL,
    since       {{timestamp}} NOT NULL,
    read_at     {{timestamp}} NOT NULL,
    name        TEXT NOT NULL,
    event       BIGINT NOT NULL REFERENCES event (sequence) DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (partner_id, reseller_id, since),
    CHECK (read_at >= since)
);

-- What a partner decided about a blocked customer. Each change is a row of its own, and the newest counts; who made it and
-- when is in its event. The event has a salted digest of the row, so that the row can be purged.
CREATE TABLE exception (
    event          BIGINT PRIMARY KEY REFERENCES event (sequence) DEFERRABLE INITIALLY DEFERRED,
    partner_id     TEXT NOT NULL REFERENCES partner (id),
    customer_id    TEXT NOT NULL,
    owner          TEXT NOT NULL,
    due_on         TEXT NOT NULL,          -- calendar day; empty: none
    comment        TEXT NOT NULL,
    accepted_until TEXT NOT NULL,          -- calendar day; empty: not accepted
    removed        BOOLEAN NOT NULL,       -- the customer has no exception any more
    file_name      TEXT NOT NULL,          -- empty: by command
    salt           TEXT NOT NULL
);
CREATE INDEX exception_customer ON exception (partner_id, customer_id, event);

-- Customers that are asked to accept by themselves. A row is added before its message is sent. Who invited and when is in
-- the event, with a salted digest.
CREATE TABLE invitation (
    event           BIGINT PRIMARY KEY REFERENCES event (sequence) DEFERRABLE INITIALLY DEFERRED,
    partner_id      TEXT NOT NULL REFERENCES partner (id),
    customer_id     TEXT,                  -- NULL: not a customer yet, and its tenant id is not known
    customer_name   TEXT NOT NULL,
    domain          TEXT NOT NULL,         -- lower case; empty: not known
    kind            TEXT NOT NULL CHECK (kind IN ('agreement', 'relationship')),
    channel         TEXT NOT NULL CHECK (channel IN ('draft', 'smtp', 'file')),
    recipient       TEXT NOT NULL,         -- e-mail address
    language        TEXT NOT NULL,
    template_digest TEXT NOT NULL,         -- of the text that was sent
    salt            TEXT NOT NULL,
    CHECK (customer_id IS NOT NULL OR kind = 'relationship')
);
CREATE INDEX invitation_customer ON invitation (customer_id, event);
CREATE INDEX invitation_recipient ON invitation (lower(recipient), event) WHERE customer_id IS NULL;

-- What became of sending an invitation. One without a row here is being sent, or its process was stopped: nobody knows
-- whether the message left.
CREATE TABLE invitation_result (
    invitation BIGINT PRIMARY KEY REFERENCES invitation (event),
    event      BIGINT NOT NULL UNIQUE REFERENCES event (sequence) DEFERRABLE INITIALLY DEFERRED,
    outcome    TEXT NOT NULL CHECK (outcome IN ('delivered', 'failed', 'unknown')),
    reason     TEXT NOT NULL               -- of a failure
);
