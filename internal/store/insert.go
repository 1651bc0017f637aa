package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/jmoiron/sqlx/reflectx"

	sqlfiles "github.com/mcaledger/mcaledger/sql"
)

// insertion adds rows that were prepared for it: by the connection itself, or by a transaction of
// it.
type insertion func(ctx context.Context, conn *sqlx.Conn, on sqlx.ExecerContext) error

// insertionOf prepares to add many rows by a statement of the form INSERT INTO table (columns)
// VALUES (:names). PostgreSQL takes them by COPY, several times faster than as one statement's
// parameters.
func insertionOf[Row any](s *Store, name string, rows []Row) insertion {
	if s.dialect != sqlfiles.Postgres {
		return func(ctx context.Context, _ *sqlx.Conn, on sqlx.ExecerContext) error {
			_, err := s.exec(ctx, on, name, rows)
			return err
		}
	}
	into, values, _ := strings.Cut(s.queries[name], "VALUES")
	var names []string
	for _, parameter := range parameters.FindAllStringSubmatch(values, -1) {
		names = append(names, parameter[1])
	}
	fields := s.db.Mapper.TraversalsByName(reflect.TypeFor[Row](), names)
	var pieces []string
	var piece strings.Builder
	for i := range rows {
		row := reflect.ValueOf(&rows[i]).Elem()
		for n, field := range fields {
			if n > 0 {
				piece.WriteByte('\t')
			}
			if err := writeCopied(&piece, reflectx.FieldByIndexesReadOnly(row, field)); err != nil {
				return func(ctx context.Context, _ *sqlx.Conn, _ sqlx.ExecerContext) error {
					return s.failure(ctx, name,
						err)
				}
			}
		}
		if i == len(rows)-1 || piece.Len() > copyPiece {
			pieces = append(pieces, piece.String())
			piece = strings.Builder{}
			piece.Grow(copyPiece + copyPiece/8)
		} else {
			piece.WriteByte('\n') // after a piece the driver writes it
		}
	}
	statement := "COPY " + strings.TrimPrefix(into, "INSERT INTO ") + " FROM STDIN"
	return func(ctx context.Context, conn *sqlx.Conn, _ sqlx.ExecerContext) error {
		// database/sql closes a connection of which it hears here that it is bad, and waits for its
		// transaction to end: this one, which waits for us.
		var failed error
		err := conn.Raw(func(c any) error {
			failed = copyIn(ctx, c.(driver.ConnPrepareContext), statement, pieces)
			return nil
		})
		if failed != nil {
			err = failed
		}
		if err != nil {
			return s.failure(ctx, name, err)
		}
		return nil
	}
}

// copyPiece is about as many bytes as the driver sends at once.
const copyPiece = 56 << 10

// parameters are the names in a statement's VALUES.
var parameters = regexp.MustCompile(`:(\w+)`)

// copyIn runs a COPY FROM STDIN. It goes past database/sql, which takes apart each row into values
// and each value into an interface.
func copyIn(ctx context.Context, c driver.ConnPrepareContext, statement string, pieces []string) error {
	copying, err := c.PrepareContext(ctx, statement)
	if err != nil {
		return err
	}
	defer copying.Close()
	type copier interface {
		CopyData(ctx context.Context, line string) (driver.Result, error)
	}
	for _, piece := range pieces {
		if _, err := copying.(copier).CopyData(ctx, piece); err != nil {
			return err
		}
	}
	_, err = copying.Exec(nil) //nolint:staticcheck // the driver knows no other end of a COPY
	return err
}

// writeCopied writes a value in COPY's text format.
func writeCopied(text *strings.Builder, v reflect.Value) error {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			text.WriteString(`\N`)
			return nil
		}
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Int, reflect.Int64:
		var digits [20]byte
		text.Write(strconv.AppendInt(digits[:0], v.Int(), 10))
	case reflect.String:
		if s := v.String(); strings.ContainsAny(s, "\\\t\n\r") {
			_, _ = copied.WriteString(text, s)
		} else {
			text.WriteString(s)
		}
	default:
		return fmt.Errorf("COPY does not know how to write a %s", v.Type())
	}
	return nil
}

// copied is text as COPY reads it.
var copied = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)
