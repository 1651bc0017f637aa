package store

import (
	"context"

	sqlfiles "github.com/mcaledger/mcaledger/sql"
)

// MissingRights names what the database's user may not do and a run needs. It changes nothing.
func (s *Store) MissingRights(ctx context.Context) (missing []string, err error) {
	if s.dialect == sqlfiles.Postgres {
		err = s.list(ctx, s.db, &missing, "missing_rights", nil)
		return missing, err
	}
	conn, err := s.db.Connx(ctx)
	if err != nil {
		return nil, s.failure(ctx, "connect", err)
	}
	defer conn.Close()
	_, err = conn.ExecContext(ctx, "BEGIN IMMEDIATE")
	if err == nil {
		_, err = conn.ExecContext(ctx, "ROLLBACK")
	}
	if conditionOf(err) == readOnlyFile {
		return []string{"writing to the file"}, nil
	}
	if err != nil {
		return nil, s.failure(ctx, "begin a transaction", err)
	}
	return nil, nil
}
