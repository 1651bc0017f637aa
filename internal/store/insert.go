package store

import (
	"context"
	"reflect"
	"regexp"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/jmoiron/sqlx/reflectx"

	sqlfiles "github.com/mcaledger/mcaledger/sql"
)

// insert adds many rows by a statement of the form INSERT INTO table (columns) VALUES (:names). PostgreSQL takes them by COPY, several times
// faster than as one statement's parameters.
func insert[Row any](ctx context.Context, s *Store, tx *sqlx.Tx, name string, rows []Row) error {
	if s.dialect != sqlfiles.Postgres {
		_, err := s.exec(ctx, tx, name, rows)
		return err
	}
	into, values, _ := strings.Cut(s.queries[name], "VALUES")
	var names []string
	for _, parameter := range parameters.FindAllStringSubmatch(values, -1) {
		names = append(names, parameter[1])
	}
	fields := s.db.Mapper.TraversalsByName(reflect.TypeFor[Row](), names)
	statement, err := tx.PrepareContext(ctx, "COPY "+strings.TrimPrefix(into, "INSERT INTO ")+" FROM STDIN")
	if err != nil {
		return &Error{name, err}
	}
	defer statement.Close()
	line := make([]any, len(names))
	for i := range rows {
		row := reflect.ValueOf(&rows[i]).Elem()
		for n, field := range fields {
			line[n] = reflectx.FieldByIndexesReadOnly(row, field).Interface()
		}
		if _, err := statement.ExecContext(ctx, line...); err != nil {
			return &Error{name, err}
		}
	}
	if _, err := statement.ExecContext(ctx); err != nil {
		return &Error{name, err}
	}
	return nil
}

// parameters are the names in a statement's VALUES.
var parameters = regexp.MustCompile(`:(\w+)`)
