package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/lib/pq"
	"modernc.org/sqlite"
)

// Conditions of PostgreSQL that mean something to the program, or to people.
const (
	serializationFailure = "40001"
	deadlock             = "40P01"
	tooManyConnections   = "53300"
	adminShutdown        = "57P01"
	crashShutdown        = "57P02"
	cannotConnectNow     = "57P03"
	idleInTransaction    = "25P03"
	readOnly             = "25006"
	lockNotAvailable     = "55P03"
	queryCanceled        = "57014"
	protocolViolation    = "08P01"
	featureNotSupported  = "0A000"
	notPermitted         = "42501"
)

// Error is a statement that the database refused, or that did not reach it.
type Error struct {
	Statement string
	cause     error
	holder    string // of the lock that was waited for
}

func (e *Error) Error() string {
	text := "database: " + e.Statement + ": " + e.cause.Error()
	if e.holder != "" {
		text += "; " + e.holder
	}
	return text
}
func (e *Error) Unwrap() error { return e.cause }
func (e *Error) Code() string {
	if e.ReadOnly() {
		return "database_read_only"
	}
	return "database"
}

// ReadOnly reports whether this user, or nobody, may write to the database.
func (e *Error) ReadOnly() bool {
	switch e.condition() {
	case readOnly, notPermitted, readOnlyFile:
		return true
	}
	return false
}

func (e *Error) Hint() string {
	switch e.condition() {
	case readOnly:
		return "The server is a read-only standby, or read-only by its settings. Connect to the primary; with " +
			"several hosts in the address, add target_session_attrs=read-write."
	case notPermitted:
		return "Run it as a user whose database role may do this, or grant the role what it lacks: mcaledger doctor " +
			"names it."
	case readOnlyFile:
		return "Run it as a user who may write the database file and the files beside it whose names end with -wal " +
			"and -shm."
	case lockNotAvailable:
		return "End the session that holds the lock, or wait until it has ended, and run again."
	case queryCanceled:
		return "The statement took longer than mcaledger waits. Look at the server's load and at what holds locks, " +
			"and run again."
	case tooManyConnections:
		return "Raise max_connections of the server or the limit of the role, or let fewer programs connect."
	case protocolViolation:
		return "Behind PgBouncer, add the parameter that it names to ignore_startup_parameters in pgbouncer.ini."
	}
	return "Check that the database is up. Work that was saved is kept, and the next run continues."
}

func (e *Error) condition() string {
	condition := conditionOf(e.cause)
	if condition == featureNotSupported && e.Statement == beginStatement { // to write, on a standby
		return readOnly
	}
	return condition
}

// readOnlyFile is what SQLite says to a user who may not write the file.
const readOnlyFile = "SQLITE_READONLY"

func conditionOf(err error) string {
	if e, ok := errors.AsType[*pq.Error](err); ok {
		return string(e.Code)
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code()&0xff == sqliteReadOnly {
		return readOnlyFile
	}
	return ""
}

// failure is what a statement's error means. Whoever was interrupted finds the context's error in
// it.
func (s *Store) failure(ctx context.Context, statement string, err error) error {
	if err == nil || errors.Is(err, ErrNotFound) {
		return err
	}
	if ctx.Err() != nil {
		cause := context.Cause(ctx)
		if !errors.Is(cause, ctx.Err()) {
			cause = fmt.Errorf("%w (%w)", cause, ctx.Err())
		}
		return &Error{Statement: statement, cause: cause}
	}
	e := &Error{Statement: statement, cause: err}
	if e.condition() == lockNotAvailable {
		e.holder = s.lockHolder(ctx)
	}
	return e
}

// repeatable reports whether what failed had no effect, or may safely be done again. What became of
// a commit whose answer was lost is not known.
func repeatable(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	switch e.condition() {
	case serializationFailure, deadlock:
		return true
	case tooManyConnections, adminShutdown, crashShutdown, cannotConnectNow, idleInTransaction:
		return e.Statement != commitStatement
	}
	dial, isNet := errors.AsType[*net.OpError](e)
	lost := errors.Is(e, driver.ErrBadConn) || errors.Is(e, io.EOF) || errors.Is(e, io.ErrUnexpectedEOF) || isNet &&
		dial.Op == "dial" ||
		errors.Is(e, syscall.ECONNRESET) || errors.Is(e, syscall.EPIPE) || errors.Is(e, net.ErrClosed)
	return lost && e.Statement != commitStatement
}

// lockHolder says which session keeps others waiting: the one whose transaction is the oldest of
// those that hold locks on tables of the ledger.
func (s *Store) lockHolder(ctx context.Context) string {
	var h struct {
		PID         int64     `db:"pid"`
		User        string    `db:"usename"`
		Application string    `db:"application_name"`
		Client      string    `db:"client"`
		State       string    `db:"state"`
		Since       time.Time `db:"xact_start"`
		Tables      string    `db:"tables"`
	}
	query, values, err := s.bind("lock_holder", nil)
	if err == nil {
		err = s.db.GetContext(ctx, &h, query, values...)
	}
	if err != nil {
		return "" // nobody holds one any more, or this user may not see who does
	}
	return fmt.Sprintf("process %d of the server (user %s, %s at %s) holds locks on %s since %s and is %s", h.PID,
		h.User, strings.TrimSpace(h.Application+" "), h.Client, h.Tables, h.Since.UTC().Format(time.RFC3339), h.State)
}
