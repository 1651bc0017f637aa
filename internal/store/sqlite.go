package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"

	"github.com/mcaledger/mcaledger/internal/atomicfile"
)

// openSQLite opens a database file, and makes it if need be.
//
// There are two pools, because SQLite has one setting for a connection. What the program acts on
// outside of the database (the request id of a POST, a batch whose file is moved away) is committed
// with synchronous(FULL), so that it is on disk first. Listings, readings and claims, which are
// simply made again, are committed with synchronous(NORMAL). Both append to the same log: what FULL
// puts on disk takes everything with it that NORMAL wrote before, so that a power cut can only take
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
	settings := url.Values{"_pragma": {"busy_timeout(30000)", "journal_mode(WAL)", "synchronous(" + synchronous + ")",
		"fullfsync(1)", "foreign_keys(1)", "journal_size_limit(67108864)"},
		"_txlock": {"immediate"}, "_time_format": {"sqlite"}}
	address := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: settings.Encode()}
	db := sqlx.NewDb(sql.OpenDB(&connector{address: address.String()}), "sqlite")
	db.SetMaxIdleConns(8)
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, whyUnreadable(path, err)
	}
	return db, nil
}

// connector opens connections that leave the files FILE-wal and FILE-shm in place when they close.
// Without them, a user who may only read the database could not open it: SQLite would have to make
// them.
type connector struct {
	address string
	driver  sqlite.Driver
}

func (c *connector) Driver() driver.Driver { return &c.driver }

func (c *connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.address)
	if err != nil {
		return nil, err
	}
	if _, err := conn.(sqlite.FileControl).FileControlPersistWAL("main", 1); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// whyUnreadable adds what keeps a user who may only read a database from it.
func whyUnreadable(path string, err error) error {
	cause, ok := errors.AsType[*sqlite.Error](err)
	if ok && (cause.Code()&0xff == sqliteCannotOpen || cause.Code()&0xff == sqliteReadOnly) {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			file, opened := os.Open(path + suffix)
			if opened != nil {
				return &UnreadableError{cause: opened}
			}
			file.Close()
		}
	}
	return fmt.Errorf("%s: %w", path, err)
}

// Results of SQLite, without what the upper bits add.
const (
	sqliteReadOnly   = 8
	sqliteCannotOpen = 14
)

// UnreadableError: a file of the database is missing or must not be read, and this user cannot make
// it.
type UnreadableError struct{ cause error }

func (e *UnreadableError) Error() string { return e.cause.Error() }
func (e *UnreadableError) Unwrap() error { return e.cause }
func (e *UnreadableError) Code() string  { return "database" }
func (e *UnreadableError) Hint() string {
	return "A user who only reads needs the right to read the database file and the files beside it whose names end " +
		"with -wal and -shm. " +
		"Any command of the user who runs mcaledger makes them."
}

// makeFile makes a new database file that only its owner can read, because it will hold personal
// data, and puts its name on disk. A file that exists keeps its owner and mode; SQLite gives the
// files beside it the same.
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
