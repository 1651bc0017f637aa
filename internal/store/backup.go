package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	sqlfiles "github.com/mcaledger/mcaledger/sql"
)

// ErrBackupOfServer: only a SQLite file is copied by this program.
var ErrBackupOfServer error = &sentinel{"mcaledger backup copies a SQLite file, and the ledger is in PostgreSQL",
	"usage", "Use pg_dump, or the continuous archiving of the server."}

// Backup copies the ledger as it is at one instant to a new SQLite file, and verifies the copy. An
// event in the copy says that it is one: a ledger that was restored knows by it which of its rows
// may have been sent since.
func (s *Store) Backup(ctx context.Context, path string, actor attestation.Actor,
	at time.Time) (found ledger.Verification, err error) {
	if s.dialect != sqlfiles.SQLite {
		return found, ErrBackupOfServer
	}
	if err := s.copyFile(ctx, path); err != nil {
		return found, err
	}
	backup, err := Open(ctx, "sqlite:"+path)
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, backup.Close()) }()
	if found, err = backup.Verify(ctx); err != nil {
		return found, err
	}
	if len(found.Problems) == 0 {
		has, err := s.HasHead(ctx, found.Head)
		if err != nil || !has {
			return found, errors.Join(err, fmt.Errorf("the copy ends with event %s, which the ledger does not have",
				found.Head))
		}
	}
	return found, backup.inTx(ctx, func(tx *sqlx.Tx) error {
		return backup.recordCopy(ctx, tx, ledger.EventBackup, found.Head, actor, at)
	})
}

// copyFile makes a copy that only its owner can read.
func (s *Store) copyFile(ctx context.Context, path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return err
	}
	_, err = s.exec(ctx, s.db, "copy_file", args{"path": path})
	return err
}

// copyDetail is the detail of the event by which a copy knows that it is one.
type copyDetail struct {
	Head string `json:"head"` // of the ledger that was copied
}

func (s *Store) recordCopy(ctx context.Context, tx *sqlx.Tx, kind ledger.EventKind, head ledger.ChainHead,
	actor attestation.Actor, at time.Time) error {
	detail, err := json.Marshal(copyDetail{head.String()})
	if err != nil {
		return err
	}
	return s.append(ctx, tx, ledger.Event{Kind: kind, At: at, Actor: actor, Detail: string(detail)})
}
