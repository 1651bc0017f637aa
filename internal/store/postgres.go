package store

import (
	"context"
	"fmt"
	"net/url"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // the driver "postgres"
)

const (
	maxConnections = 16 // of one process; what is beyond waits for its turn
	minConnections = 4  // an import holds two, and a lease is renewed beside it
)

// openPostgres connects to a server, with no more connections than half of what it allows this
// user: others use it too.
func (s *Store) openPostgres(ctx context.Context, address string) error {
	address, err := withDefaults(address)
	if err != nil {
		return err
	}
	if s.db, err = sqlx.Open("postgres", address); err != nil {
		return err
	}
	s.relaxed = s.db
	s.db.SetMaxIdleConns(maxConnections / 2)
	s.db.SetMaxOpenConns(minConnections)
	if err := s.retry(ctx, func() error { return s.connect(ctx) }); err != nil {
		return err
	}
	var allowed int
	if err := s.get(ctx, s.db, &allowed, "allowed_connections", nil); err != nil {
		return err
	}
	if allowed < minConnections {
		return &ConnectionLimitError{Allowed: allowed}
	}
	s.db.SetMaxOpenConns(min(maxConnections, max(minConnections, allowed/2)))
	return nil
}

// connect opens the first connection. A server that is full or starting is worth waiting for; one
// that is not there may never come.
func (s *Store) connect(ctx context.Context) error {
	err := s.db.PingContext(ctx)
	switch conditionOf(err) {
	case tooManyConnections, cannotConnectNow:
		return s.failure(ctx, "connect", err)
	}
	return err
}

// withDefaults adds settings that an address does not have. With binary parameters a statement and
// its values are one message, so that a pooler such as PgBouncer in transaction mode cannot hand
// them to two connections; it also saves a round trip.
func withDefaults(address string) (string, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	settings := parsed.Query()
	for name, value := range map[string]string{"binary_parameters": "yes", "fallback_application_name": "mcaledger",
		"connect_timeout": "30"} {
		if !settings.Has(name) {
			settings.Set(name, value)
		}
	}
	parsed.RawQuery = settings.Encode()
	return parsed.String(), nil
}

// ConnectionLimitError: the server lets this user open too few connections.
type ConnectionLimitError struct{ Allowed int }

func (e *ConnectionLimitError) Error() string {
	return fmt.Sprintf("the database server allows this user %d connections; mcaledger needs %d", e.Allowed,
		minConnections)
}
func (e *ConnectionLimitError) Code() string { return "database" }
func (e *ConnectionLimitError) Hint() string {
	return "Raise the limit: ALTER ROLE … CONNECTION LIMIT, ALTER DATABASE … CONNECTION LIMIT, or max_connections of " +
		"the server."
}
