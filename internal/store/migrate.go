package store

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	sqlfiles "github.com/mcaledger/mcaledger/sql"
)

// Schema is the database's schema version (0: empty) and the newest that this program knows. It
// takes no lock.
func (s *Store) Schema(ctx context.Context) (have, know int64, err error) {
	if know, err = sqlfiles.NewestVersion(); err != nil {
		return 0, 0, err
	}
	have, err = s.schemaVersion(ctx, s.db)
	return have, know, err
}

func (s *Store) schemaVersion(ctx context.Context, on sqlx.ExtContext) (version int64, err error) {
	var exists bool
	if err := s.get(ctx, on, &exists, "has_schema", nil); err != nil || !exists {
		return 0, err
	}
	err = s.get(ctx, on, &version, "schema_version", nil)
	return version, err
}

// Migrate upgrades the schema to this program's version, in one transaction. It returns
// ErrNewerSchema for a database of a newer program. Of several processes that call it at once one
// does it, and the others wait.
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
	if err := s.inTx(ctx, s.upgrade(ctx)); err != nil {
		return fmt.Errorf("upgrade the schema from version %d to %d: %w", have, know, err)
	}
	return nil
}

func (s *Store) upgrade(ctx context.Context) func(tx *sqlx.Tx) error {
	return func(tx *sqlx.Tx) error {
		if s.dialect == sqlfiles.Postgres { // SQLite has one writer at a time anyway
			if _, err := s.exec(ctx, tx, "lock_schema", nil); err != nil {
				return err
			}
		}
		have, err := s.schemaVersion(ctx, tx) // another process may have done it meanwhile
		if err != nil {
			return err
		}
		steps, err := s.dialect.Migrations()
		if err != nil {
			return err
		}
		for _, step := range steps {
			if step.Version <= have {
				continue
			}
			if _, err := tx.ExecContext(ctx, step.Text); err != nil {
				return s.failure(ctx, fmt.Sprintf("migration %d", step.Version), err)
			}
			if _, err := s.exec(ctx, tx, "save_schema_version", args{"version": step.Version}); err != nil {
				return err
			}
		}
		return nil
	}
}
