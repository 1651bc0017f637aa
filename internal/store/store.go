// Package store keeps the ledger: runs, readings and standings, in PostgreSQL or SQLite with one behaviour. It speaks the
// words of the domain packages; its statements live in sql/.
//
// What happened is decided elsewhere. The store promises three things: a chunk is in the database or it is not; who lost a
// lease writes nothing; and what a completed run said is never changed.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // the driver "postgres"
	"github.com/pressly/goose/v3"
	goosedb "github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
	_ "modernc.org/sqlite" // the driver "sqlite"

	sqlfiles "github.com/mcaledger/mcaledger/sql"
)

// Store is an open ledger. It is safe for concurrent use.
type Store struct {
	db      *sqlx.DB
	dialect sqlfiles.Dialect
	queries map[string]string
}

// Open connects to the database that the address names ("sqlite:FILE" or "postgres://…"). It changes nothing: see Migrate.
func Open(ctx context.Context, address string) (*Store, error) {
	s := &Store{dialect: sqlfiles.Postgres}
	driver, dsn := "postgres", address
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		s.dialect, driver, dsn = sqlfiles.SQLite, "sqlite", sqliteDSN(path)
		if err := private(path); err != nil {
			return nil, fmt.Errorf("open the database: %w", err)
		}
	} else if !strings.HasPrefix(address, "postgres://") && !strings.HasPrefix(address, "postgresql://") {
		return nil, errors.New(`the database address must begin with "sqlite:" or "postgres://"`)
	}
	var err error
	if s.queries, err = s.dialect.Queries(); err != nil {
		return nil, err
	}
	if s.db, err = sqlx.Open(driver, dsn); err != nil {
		return nil, fmt.Errorf("open the database: %w", withoutPassword(err))
	}
	s.db.SetMaxIdleConns(8)
	if err := s.db.PingContext(ctx); err != nil {
		s.db.Close()
		return nil, fmt.Errorf("open the database: %w", withoutPassword(err))
	}
	return s, nil
}

// sqliteDSN puts the settings into the address, because a PRAGMA run through a pool reaches one connection only.
func sqliteDSN(path string) string {
	settings := url.Values{"_pragma": {"busy_timeout(30000)", "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)"},
		"_txlock": {"immediate"}, "_time_format": {"sqlite"}}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: settings.Encode()}).String()
}

// private makes a new database file readable by its owner alone: it will hold personal data.
func private(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// withoutPassword keeps a driver from repeating the address, and with it a password.
func withoutPassword(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// Close closes the connections.
func (s *Store) Close() error { return s.db.Close() }

// Schema is the database's schema version (0: empty) and the newest that this program knows.
func (s *Store) Schema(ctx context.Context) (have, know int64, err error) {
	p, err := s.migrations()
	if err != nil {
		return 0, 0, err
	}
	sources := p.ListSources()
	know = sources[len(sources)-1].Version
	exists, err := s.has(ctx, goose.DefaultTablename)
	if err != nil || !exists {
		return 0, know, err
	}
	have, err = p.GetDBVersion(ctx)
	return have, know, err
}

// Migrate brings the schema up to this program's. It returns ErrNewerSchema for a database of a newer one. Safe to call from several
// hosts at once.
func (s *Store) Migrate(ctx context.Context) error {
	have, know, err := s.Schema(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("read the schema version: %w", err)
	case have > know:
		return fmt.Errorf("%w (%d; this one knows %d)", ErrNewerSchema, have, know)
	case have == know:
		return nil
	}
	p, err := s.migrations()
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		if have, know, again := s.Schema(ctx); again == nil && have == know {
			return nil // another process did it meanwhile
		}
		return fmt.Errorf("bring the schema from version %d to %d: %w", have, know, err)
	}
	return nil
}

func (s *Store) migrations() (*goose.Provider, error) {
	files, err := s.dialect.Migrations()
	if err != nil {
		return nil, err
	}
	if s.dialect == sqlfiles.SQLite {
		return goose.NewProvider(goosedb.DialectSQLite3, s.db.DB, files)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goosedb.DialectPostgres, s.db.DB, files, goose.WithSessionLocker(locker))
}

func (s *Store) has(ctx context.Context, table string) (bool, error) {
	query := "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = $1"
	if s.dialect == sqlfiles.SQLite {
		query = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = $1"
	}
	var n int
	err := s.db.GetContext(ctx, &n, query, table)
	return n > 0, err
}

// Now is the database's clock.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	var seconds float64
	err := s.get(ctx, s.db, &seconds, "database_clock", nil)
	return time.UnixMicro(int64(seconds * 1e6)).UTC(), err
}

// args are the named parameters of a statement.
type args map[string]any

// bind turns a named statement into the database's own form. A slice in args fills an IN list; a slice of structs as the
// whole argument becomes one row of VALUES each.
func (s *Store) bind(name string, arg any) (string, []any, error) {
	query, ok := s.queries[name]
	if !ok {
		return "", nil, fmt.Errorf("there is no statement %q", name)
	}
	if arg == nil {
		arg = args{}
	}
	if a, ok := arg.(args); ok {
		arg = map[string]any(a)
	}
	query, values, err := sqlx.Named(query, arg)
	if err != nil {
		return "", nil, fmt.Errorf("statement %q: %w", name, err)
	}
	if query, values, err = sqlx.In(query, values...); err != nil {
		return "", nil, fmt.Errorf("statement %q: %w", name, err)
	}
	return s.db.Rebind(query), values, nil
}

func (s *Store) exec(ctx context.Context, on sqlx.ExecerContext, name string, arg any) (int64, error) {
	query, values, err := s.bind(name, arg)
	if err != nil {
		return 0, err
	}
	result, err := on.ExecContext(ctx, query, values...)
	if err != nil {
		return 0, &Error{name, err}
	}
	return result.RowsAffected()
}

func (s *Store) get(ctx context.Context, on sqlx.ExtContext, into any, name string, arg any) error {
	query, values, err := s.bind(name, arg)
	if err != nil {
		return err
	}
	err = sqlx.GetContext(ctx, on, into, query, values...)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	if err != nil {
		return &Error{name, err}
	}
	return nil
}

func (s *Store) list(ctx context.Context, on sqlx.ExtContext, into any, name string, arg any) error {
	query, values, err := s.bind(name, arg)
	if err != nil {
		return err
	}
	if err := sqlx.SelectContext(ctx, on, into, query, values...); err != nil {
		return &Error{name, err}
	}
	return nil
}

// inTx runs work in one transaction: all of it is in the database afterwards, or nothing.
func (s *Store) inTx(ctx context.Context, work func(tx *sqlx.Tx) error) error {
	tx, err := s.db.BeginTxx(ctx, nil)
	if err != nil {
		return &Error{"begin a transaction", err}
	}
	return finish(tx, func() error { return work(tx) })
}

// inSnapshot runs work in a transaction that only reads, and in which every statement sees the same state of the ledger.
func (s *Store) inSnapshot(ctx context.Context, work func(tx *sqlx.Tx) error) error {
	options := &sql.TxOptions{ReadOnly: true} // all that SQLite needs and knows
	if s.dialect == sqlfiles.Postgres {
		options.Isolation = sql.LevelRepeatableRead
	}
	tx, err := s.db.BeginTxx(ctx, options)
	if err != nil {
		return &Error{"begin a transaction", err}
	}
	return finish(tx, func() error { return work(tx) })
}

// finish commits a transaction when its work is done, and takes it back when the work fails.
func finish(tx *sqlx.Tx, work func() error) error {
	defer tx.Rollback()
	if err := work(); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return &Error{"commit", err}
	}
	return nil
}
