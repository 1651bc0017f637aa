package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/mcaledger/mcaledger/internal/atomicfile"
	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
)

// Backup copies the ledger to a file that does not exist yet.
type Backup struct {
	Path   string
	Ledger BackupLedger
	Actor  attestation.Actor
	Now    func() time.Time
}

// BackupLedger makes a copy of itself in a new file, and verifies the copy.
type BackupLedger interface {
	Backup(ctx context.Context, path string, actor attestation.Actor, at time.Time) (ledger.Verification, error)
}

// BackupFile is a backup in its place.
type BackupFile struct {
	Bytes  int64
	SHA256 string
	ledger.Verification
}

// Run makes the copy beside its place, and gives it its name once it was verified and is on disk.
func (j Backup) Run(ctx context.Context) (done BackupFile, err error) {
	folder, err := os.OpenRoot(filepath.Dir(j.Path))
	if err != nil {
		return done, fmt.Errorf("the folder of the backup: %w", err)
	}
	defer folder.Close()
	name := filepath.Base(j.Path)
	if err := j.mustBeNew(folder, name); err != nil {
		return done, err
	}
	if err := removeStopped(folder, j.Now()); err != nil {
		return done, err
	}
	temporary, err := os.MkdirTemp(folder.Name(), backupPrefix)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	made := filepath.Join(temporary, name)
	if done.Verification, err = j.Ledger.Backup(ctx, made, j.Actor, j.Now()); err != nil {
		return done, err
	}
	if done.Bytes, done.SHA256, err = syncFile(made); err != nil {
		return done, err
	}
	if err := j.mustBeNew(folder, name); err != nil {
		return done, err
	}
	if err := folder.Rename(filepath.Join(filepath.Base(temporary), name), name); err != nil {
		return done, err
	}
	return done, atomicfile.SyncFolder(folder, ".")
}

const backupPrefix = ".mcaledger-backup-"

func (j Backup) mustBeNew(folder *os.Root, name string) error {
	if _, err := folder.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return usageErrorf("%s exists already: name a new file, such as mcaledger-%s.db", j.Path,
			j.Now().Format(time.DateOnly))
	}
	return nil
}

// removeStopped removes what backups left that were stopped a day ago or longer.
func removeStopped(folder *os.Root, now time.Time) error {
	left, err := fs.Glob(folder.FS(), backupPrefix+"*")
	if err != nil {
		return err
	}
	for _, name := range left {
		info, err := folder.Lstat(name)
		if err == nil && info.IsDir() && now.Sub(info.ModTime()) > 24*time.Hour {
			err = folder.RemoveAll(name)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// syncFile puts a file on disk, and returns its size and digest.
func syncFile(path string) (size int64, digest string, err error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, "", err
	}
	defer file.Close()
	hash := sha256.New()
	if size, err = io.Copy(hash, file); err == nil {
		err = file.Sync()
	}
	return size, hex.EncodeToString(hash.Sum(nil)), err
}
