package storetest

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"
)

// Dump returns the content of each table as text.
func Dump(ctx context.Context, address string) (map[string][]byte, error) {
	db, err := connect(address)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	query := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if db.DriverName() == "postgres" {
		query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
	}
	var names []string
	if err := db.SelectContext(ctx, &names, query); err != nil {
		return nil, err
	}
	tables := map[string][]byte{}
	for _, name := range names {
		if tables[name], err = dumpTable(ctx, db, name); err != nil {
			return nil, fmt.Errorf("table %s: %w", name, err)
		}
	}
	return tables, nil
}

func dumpTable(ctx context.Context, db *sqlx.DB, name string) ([]byte, error) {
	rows, err := db.QueryxContext(ctx, "SELECT * FROM "+name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var text bytes.Buffer
	for rows.Next() {
		values, err := rows.SliceScan()
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(b)
			}
			fmt.Fprintf(&text, "%v\t", v)
		}
		text.WriteByte('\n')
	}
	return text.Bytes(), rows.Err()
}
