package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	sqlfiles "github.com/mcaledger/mcaledger/sql"
)

// CopyTo copies the ledger as it is at one instant to another database, which must have no ledger
// yet, and compares every row, all in one transaction of that database. progress is called with how
// many rows of all were copied. Like that of a backup, the copy has an event that says that it is
// one.
func (s *Store) CopyTo(ctx context.Context, to *Store, actor attestation.Actor, at time.Time,
	progress func(done, expected int)) (copied ledger.Copied, err error) {
	have, know, err := s.Schema(ctx)
	if err != nil {
		return copied, err
	}
	if have != know {
		return copied, &OldSchemaError{Have: have, Know: know}
	}
	if err := to.Migrate(ctx); err != nil {
		return copied, err
	}
	err = s.inSnapshot(ctx, func(source *sqlx.Tx) error {
		return to.inTx(ctx, func(target *sqlx.Tx) error {
			copied = ledger.Copied{}
			c := copying{from: s, to: to, source: source, target: target, progress: progress}
			if copied, err = c.run(ctx); err != nil {
				return err
			}
			return to.recordCopy(ctx, target, ledger.EventMigrate, copied.Head, actor, at)
		})
	})
	return copied, err
}

// OldSchemaError: a ledger that is to be copied has another schema than this program.
type OldSchemaError struct{ Have, Know int64 }

func (e *OldSchemaError) Error() string {
	return fmt.Sprintf("the ledger to copy has schema version %d, and this program has %d", e.Have, e.Know)
}
func (e *OldSchemaError) Code() string { return "schema" }
func (e *OldSchemaError) Hint() string {
	return "Configure it as the database, run mcaledger migrate, and copy it then."
}

var (
	// ErrNotEmpty: the database to copy to has a ledger already.
	ErrNotEmpty error = &sentinel{"the database to copy to has a ledger already", "not_empty",
		"Name an empty database; nothing was changed."}
	// ErrChangedMeanwhile: something was written to a ledger while it was copied.
	ErrChangedMeanwhile error = &sentinel{"the ledger was written to while it was copied; nothing was copied",
		"changed_meanwhile",
		"Stop the timer and whoever else uses it, and run the command again."}
)

// copying is one copy of a ledger to another database.
type copying struct {
	from, to       *Store
	source, target *sqlx.Tx
	progress       func(done, expected int)
	done, expected int
}

func (c *copying) run(ctx context.Context) (copied ledger.Copied, err error) {
	tables, err := c.from.dialect.Tables()
	if err != nil {
		return copied, err
	}
	if err := c.prepare(ctx, tables); err != nil {
		return copied, err
	}
	for _, table := range tables {
		want, err := c.copyTable(ctx, table)
		if err != nil {
			return copied, fmt.Errorf("copy table %s: %w", table, err)
		}
		got, err := c.to.sumTable(ctx, c.target, table)
		if err != nil {
			return copied, fmt.Errorf("compare table %s: %w", table, err)
		}
		if got != want {
			return copied, fmt.Errorf("table %s has %d rows, and its copy has %d, or other values in them; nothing "+
				"was copied", table, want.rows, got.rows)
		}
		copied.Tables, copied.Rows = copied.Tables+1, copied.Rows+want.rows
		c.progress(c.done, c.expected)
	}
	if err := c.to.restartNumbers(ctx, c.target); err != nil {
		return copied, err
	}
	return copied, c.compareHeads(ctx, &copied)
}

// prepare makes sure that there is nothing in the target but its schema, and counts what is to be
// copied.
func (c *copying) prepare(ctx context.Context, tables []string) error {
	if c.to.dialect == sqlfiles.Postgres {
		if _, err := c.to.exec(ctx, c.target, "no_time_limits", nil); err != nil {
			return err
		}
	}
	if _, err := c.to.exec(ctx, c.target, "delete_first_head", nil); err != nil {
		return err
	}
	for _, table := range tables {
		var there, rows int
		if err := c.target.GetContext(ctx, &there, "SELECT COUNT(*) FROM "+table); err != nil {
			return c.to.failure(ctx, "count "+table, err)
		}
		if there > 0 {
			return ErrNotEmpty
		}
		if err := c.source.GetContext(ctx, &rows, "SELECT COUNT(*) FROM "+table); err != nil {
			return c.from.failure(ctx, "count "+table, err)
		}
		c.expected += rows
	}
	return nil
}

// copyTable copies the rows of a table, and sums up what was read.
func (c *copying) copyTable(ctx context.Context, table string) (sum tableSum, err error) {
	var insert *sql.Stmt
	for row, err := range c.from.rowsOf(ctx, c.source, table) {
		if err != nil {
			return sum, err
		}
		if insert == nil {
			if insert, err = c.target.PrepareContext(ctx, c.to.insertStatement(table, row.columns)); err != nil {
				return sum, c.to.failure(ctx, "copy", err)
			}
			defer insert.Close()
		}
		if _, err := insert.ExecContext(ctx, row.values...); err != nil {
			return sum, c.to.failure(ctx, "copy", err)
		}
		sum.add(row)
		if c.done++; c.done%1000 == 0 {
			c.progress(c.done, c.expected)
		}
	}
	if insert != nil && c.to.dialect == sqlfiles.Postgres {
		_, err = insert.ExecContext(ctx) // the end of a COPY
	}
	return sum, c.to.failure(ctx, "copy", err)
}

// insertStatement adds rows one by one: on PostgreSQL, to a COPY.
func (s *Store) insertStatement(table string, columns []string) string {
	into := table + " (" + strings.Join(columns, ", ") + ")"
	if s.dialect == sqlfiles.Postgres {
		return "COPY " + into + " FROM STDIN"
	}
	return "INSERT INTO " + into + " VALUES (" + strings.Join(slices.Repeat([]string{"?"}, len(columns)), ", ") + ")"
}

func (c *copying) compareHeads(ctx context.Context, copied *ledger.Copied) error {
	var there, now headRow
	if err := c.to.get(ctx, c.target, &there, "chain_head", nil); err != nil {
		return err
	}
	if err := c.from.get(ctx, c.from.db, &now, "chain_head", nil); err != nil {
		return err
	}
	if there != now {
		return ErrChangedMeanwhile
	}
	copied.Head = ledger.ChainHead(there)
	return nil
}

// restartNumbers lets PostgreSQL go on counting after the rows that were copied.
func (s *Store) restartNumbers(ctx context.Context, tx *sqlx.Tx) error {
	if s.dialect == sqlfiles.SQLite {
		return nil
	}
	var counted []struct{ Table, Column string }
	if err := s.list(ctx, tx, &counted, "identity_columns", nil); err != nil {
		return err
	}
	for _, c := range counted {
		_, err := tx.ExecContext(ctx, fmt.Sprintf("SELECT setval(pg_get_serial_sequence('%[1]s', '%[2]s'), "+
			"MAX(%[2]s)) FROM %[1]s", c.Table, c.Column))
		if err != nil {
			return s.failure(ctx, "restart numbers", err)
		}
	}
	return nil
}

// tableSum tells two tables apart that differ in any value of any row.
type tableSum struct {
	rows int64
	sum  rowSum
}

func (t *tableSum) add(row anyRow) {
	t.rows++
	t.sum = t.sum.add(sumOf(sha256.Sum256(row.text())))
}

func (s *Store) sumTable(ctx context.Context, on sqlx.QueryerContext, table string) (sum tableSum, err error) {
	for row, err := range s.rowsOf(ctx, on, table) {
		if err != nil {
			return sum, err
		}
		sum.add(row)
	}
	return sum, nil
}

// anyRow is a row of any table.
type anyRow struct {
	columns []string
	values  []any
}

func (s *Store) rowsOf(ctx context.Context, on sqlx.QueryerContext, table string) iter.Seq2[anyRow, error] {
	return func(yield func(anyRow, error) bool) {
		rows, err := on.QueryxContext(ctx, "SELECT * FROM "+table)
		if err != nil {
			yield(anyRow{}, s.failure(ctx, "read "+table, err))
			return
		}
		defer rows.Close()
		columns, err := rows.Columns()
		for err == nil && rows.Next() {
			var values []any
			if values, err = rows.SliceScan(); err == nil && !yield(anyRow{columns, values}, nil) {
				return
			}
		}
		if err = errors.Join(err, rows.Err()); err != nil {
			yield(anyRow{}, s.failure(ctx, "read "+table, err))
		}
	}
}

// text is the row as both databases have it.
func (r anyRow) text() (text []byte) {
	for i, value := range r.values {
		kind, field := "text", ""
		switch v := value.(type) {
		case nil:
			kind = "null"
		case time.Time:
			kind, field = "time", v.UTC().Format(time.RFC3339Nano)
		case bool: // SQLite has 0 and 1
			if kind, field = "number", "0"; v {
				field = "1"
			}
		case int64:
			kind, field = "number", strconv.FormatInt(v, 10)
		case float64:
			kind, field = "float", strconv.FormatFloat(v, 'g', -1, 64)
		case []byte:
			field = string(v)
		case string:
			field = v
		default:
			kind, field = fmt.Sprintf("%T", v), fmt.Sprint(v)
		}
		text = fields(text, r.columns[i], kind, field)
	}
	return text
}
