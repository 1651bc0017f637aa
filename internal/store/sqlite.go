package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/jmoiron/sqlx"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/mcaledger/mcaledger/internal/atomicfile"
)

// openSQLite opens a database file, and makes it if need be.
//
// There are two pools, because SQLite has one setting for a connection. What the program acts on outside of the database
// (the request id of a POST, a batch whose file is moved away) is committed with synchronous(FULL), so that it is on disk
// first. Listings, readings and claims, which are simply made again, are committed with synchronous(NORMAL). Both append to
// the same log: what FULL puts on disk takes everything with it that NORMAL wrote before, so that a power cut can only take
// the newest of the readings.
func (s *Store) openSQLite(ctx context.Context, path string) (err error) {
	if err := makeFile(path); err != nil {
		return err
	}
	if s.db, err = openFile(ctx, path, "FULL"); err != nil {
		return err
	}
	s.relaxed, err = openFile(ctx, path, "NORMAL")
	return err
}

func openFile(ctx context.Context, path, synchronous string) (*sqlx.DB, error) {
	// In the address, because a PRAGMA run through a pool reaches one connection only.
	settings := url.Values{"_pragma": {"busy_timeout(30000)", "journal_mode(WAL)", "synchronous(" + synchronous + ")", "fullfsync(1)",
		"foreign_keys(1)"}, "_txlock": {"immediate"}, "_time_format": {"sqlite"}}
	address := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: settings.Encode()}
	db, err := sqlx.Open("sqlite", address.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxIdleConns(8)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return db, nil
}

// makeFile makes a new database file that only its owner can read, because it will hold personal data, and puts its name
// on disk. A file that exists keeps its owner and mode; SQLite gives the files beside it the same.
func makeFile(path string) error {
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return atomicfile.SyncFolder(folder, ".")
}
