-- Text that several statements and tables share; {{name}} stands for it.

-- name: record_columns
display_id, name, name_sort, domain, relationship, standing, reason, remedy, agreements, date_agreed,
    signer_first, signer_last, signer_email, signer_phone, direct_acceptance, direct_acceptance_last_known,
    error_status, error_code, error_message, error_request_id, error_correlation_id,
    first_seen, standing_since, policy_changed, blocked_since, direct_since, last_read

-- name: record_values
:display_id, :name, :name_sort, :domain, :relationship, :standing, :reason, :remedy, :agreements, :date_agreed,
    :signer_first, :signer_last, :signer_email, :signer_phone, :direct_acceptance, :direct_acceptance_last_known,
    :error_status, :error_code, :error_message, :error_request_id, :error_correlation_id,
    :first_seen, :standing_since, :policy_changed, :blocked_since, :direct_since, :last_read

-- name: record_definitions
-- A customer's record, in the tables run_reading and standing. The first migration has this: from the first
-- release on, a new column goes into a migration of its own.
    display_id                   TEXT NOT NULL,          -- customer_id as the service first spelled it
    name                         TEXT NOT NULL,
    name_sort                    {{sort_text}} NOT NULL, -- name, folded, as it is sorted
    domain                       TEXT NOT NULL,
    relationship                 TEXT NOT NULL,
    standing                     TEXT NOT NULL,
    reason                       TEXT NOT NULL,
    remedy                       TEXT NOT NULL,
    agreements                   TEXT NOT NULL,
    date_agreed                  TEXT NOT NULL,          -- calendar day in UTC; empty: none
    signer_first                 TEXT NOT NULL,
    signer_last                  TEXT NOT NULL,
    signer_email                 TEXT NOT NULL,
    signer_phone                 TEXT NOT NULL,
    direct_acceptance            TEXT NOT NULL,          -- as read in this run
    direct_acceptance_last_known TEXT NOT NULL,          -- as last read
    error_status                 INTEGER NOT NULL,       -- of the read that failed; 0: no answer, or none failed
    error_code                   TEXT NOT NULL,
    error_message                TEXT NOT NULL,
    error_request_id             TEXT NOT NULL,
    error_correlation_id         TEXT NOT NULL,
    first_seen                   {{timestamp}},
    standing_since               {{timestamp}},
    policy_changed               BOOLEAN NOT NULL,       -- the standing began with a change of the policy
    blocked_since                {{timestamp}},
    direct_since                 {{timestamp}},
    last_read                    {{timestamp}}

-- name: silent
-- Kinds of events that change nothing of what a report says.
'report', 'backup', 'migrate'
