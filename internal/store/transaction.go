package store

import (
	"context"
	"database/sql"
	"reflect"
	"time"

	"github.com/jmoiron/sqlx"

	sqlfiles "github.com/mcaledger/mcaledger/sql"
)

// inTx runs work in one transaction: all of it is in the database and on disk afterwards, or
// nothing. After an error that lets it be repeated, such as a deadlock, work runs again: what it
// sets outside of the database it must set anew.
func (s *Store) inTx(ctx context.Context, work func(tx *sqlx.Tx) error) error {
	return s.inTxOn(ctx, s.db, work)
}

// inRelaxedTx is inTx for what a power cut may take back, because nothing outside of the database
// follows from it.
func (s *Store) inRelaxedTx(ctx context.Context, work func(tx *sqlx.Tx) error) error {
	return s.inTxOn(ctx, s.relaxed, work)
}

func (s *Store) inTxOn(ctx context.Context, db beginner, work func(tx *sqlx.Tx) error) error {
	return s.retry(ctx, func() error {
		tx, err := s.begin(ctx, db)
		if err != nil {
			return err
		}
		return s.finish(ctx, tx, func() error { return work(tx) })
	})
}

// beginner is a pool, or a connection of it.
type beginner interface {
	BeginTxx(ctx context.Context, options *sql.TxOptions) (*sqlx.Tx, error)
}

// begin begins a transaction that is the same whatever defaults the server has.
func (s *Store) begin(ctx context.Context, on beginner) (*sqlx.Tx, error) {
	if s.dialect == sqlfiles.SQLite {
		tx, err := on.BeginTxx(ctx, nil)
		return tx, s.failure(ctx, beginStatement, err)
	}
	tx, err := on.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return nil, s.failure(ctx, beginStatement, err)
	}
	if _, err := s.exec(ctx, tx, "transaction_settings", nil); err != nil {
		tx.Rollback()
		return nil, err
	}
	return tx, nil
}

// inSnapshot runs work in a transaction that only reads, and in which every statement sees the same
// state of the ledger.
func (s *Store) inSnapshot(ctx context.Context, work func(tx *sqlx.Tx) error) error {
	options := &sql.TxOptions{ReadOnly: true} // all that SQLite needs and knows
	if s.dialect == sqlfiles.Postgres {
		options.Isolation = sql.LevelRepeatableRead
	}
	return s.retry(ctx, func() error {
		tx, err := s.db.BeginTxx(ctx, options)
		if err != nil {
			return s.failure(ctx, beginStatement, err)
		}
		return s.finish(ctx, tx, func() error { return work(tx) })
	})
}

// finish commits a transaction when its work is done, and rolls it back when the work fails.
func (s *Store) finish(ctx context.Context, tx *sqlx.Tx, work func() error) error {
	defer tx.Rollback()
	if err := work(); err != nil {
		return err
	}
	return s.failure(ctx, commitStatement, tx.Commit())
}

const (
	beginStatement  = "begin a transaction"
	commitStatement = "commit"
)

// retryFor is how long something is tried again: a server that is restarted is back by then.
const retryFor = 30 * time.Second

// retry tries again after an error that lets it.
func (s *Store) retry(ctx context.Context, try func() error) error {
	began := time.Now()
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := try()
		if err == nil || !repeatable(err) || time.Since(began) > retryFor {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// emptied empties the slice that a pointer points to.
func emptied(slice any) { reflect.ValueOf(slice).Elem().SetZero() }
