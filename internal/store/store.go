// Package store keeps the ledger: runs, readings and standings, in PostgreSQL or SQLite with one
// behaviour. It uses the types of the domain packages; its statements live in sql/.
//
// What happened is decided elsewhere. The store promises three things: a chunk is in the database
// or it is not; a process that lost its lease cannot write; and what a completed run said is never
// changed.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	sqlfiles "github.com/mcaledger/mcaledger/sql"
)

// Store is an open ledger. It is safe for concurrent use.
type Store struct {
	db      *sqlx.DB // what it commits is on disk
	relaxed *sqlx.DB // what it commits may be lost in a power cut, until something else is committed by db
	dialect sqlfiles.Dialect
	queries map[string]string
}

// Open connects to the database that the address names ("sqlite:FILE" or "postgres://…"). It
// changes nothing: see Migrate.
func Open(ctx context.Context, address string) (*Store, error) {
	s := &Store{dialect: sqlfiles.Postgres}
	path, isFile := strings.CutPrefix(address, "sqlite:")
	if isFile {
		s.dialect = sqlfiles.SQLite
	} else if !strings.HasPrefix(address, "postgres://") && !strings.HasPrefix(address, "postgresql://") {
		return nil, errors.New(`the database address must begin with "sqlite:" or "postgres://"`)
	}
	var err error
	if s.queries, err = s.dialect.Queries(); err != nil {
		return nil, err
	}
	if isFile {
		err = s.openSQLite(ctx, path)
	} else {
		err = s.openPostgres(ctx, address)
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("open the database: %w", withoutPassword(err))
	}
	return s, nil
}

// withoutPassword keeps a driver from repeating the address, and with it a password.
func withoutPassword(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// Close closes the connections.
func (s *Store) Close() error {
	var err error
	for _, db := range []*sqlx.DB{s.relaxed, s.db} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	return err
}

// Now is the database's clock.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	var seconds float64
	err := s.get(ctx, s.db, &seconds, "database_clock", nil)
	return time.UnixMicro(int64(seconds * 1e6)).UTC(), err
}

// args are the named parameters of a statement.
type args map[string]any

// bind turns a named statement into the database's own form. A slice in args fills an IN list; a
// slice of structs as the whole argument becomes one row of VALUES each.
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

// run executes a bound statement, on a pool again after an error that lets it be repeated. A
// statement that is not part of a transaction must be safe to repeat even if it was executed.
func (s *Store) run(ctx context.Context, on any, name string, arg any,
	execute func(query string, values []any) error) error {
	query, values, err := s.bind(name, arg)
	if err != nil {
		return err
	}
	try := func() error {
		err := execute(query, values)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		return s.failure(ctx, name, err)
	}
	if _, isPool := on.(*sqlx.DB); isPool {
		return s.retry(ctx, try)
	}
	return try()
}

func (s *Store) exec(ctx context.Context, on sqlx.ExecerContext, name string, arg any) (affected int64, err error) {
	err = s.run(ctx, on, name, arg, func(query string, values []any) error {
		result, err := on.ExecContext(ctx, query, values...)
		if err != nil {
			return err
		}
		affected, err = result.RowsAffected()
		return err
	})
	return affected, err
}

func (s *Store) get(ctx context.Context, on sqlx.ExtContext, into any, name string, arg any) error {
	return s.run(ctx, on, name, arg, func(query string, values []any) error {
		return sqlx.GetContext(ctx, on, into,
			query, values...)
	})
}

// list reads rows into a slice, whatever was in it before.
func (s *Store) list(ctx context.Context, on sqlx.ExtContext, into any, name string, arg any) error {
	return s.run(ctx, on, name, arg, func(query string, values []any) error {
		emptied(into)
		return sqlx.SelectContext(ctx, on, into, query, values...)
	})
}
