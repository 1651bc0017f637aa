package jobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/intake"
)

// Inbox imports every file of a folder. Each is moved to the sub-folder done, with its result files, or to refused when
// nothing of it can be read; one that failed for another reason stays for the next night.
type Inbox struct {
	ImportFiles
	Folder  string
	Host    string // of this process
	Batches BatchList
}

// BatchList is what the inbox asks of the ledger to see what waits for approval.
type BatchList interface {
	RecentBatches(ctx context.Context, limit int) ([]attestation.Batch, error)
	CountStatuses(ctx context.Context, batch int64) (map[attestation.State]int, error)
}

const (
	doneFolder    = "done"
	refusedFolder = "refused"
)

// minFileAge is how long a file must have been in the inbox: a younger one may still be written to.
const minFileAge = time.Minute

// Run takes every file that is ready, and says which batches wait for approval.
func (j Inbox) Run(ctx context.Context) (Imported, error) {
	done, err := j.take(ctx)
	return done, errors.Join(err, j.warnUnapproved(ctx))
}

func (j Inbox) take(ctx context.Context) (Imported, error) {
	files, left, err := inboxFiles(j.Folder, j.Now())
	if err != nil {
		return Imported{}, fmt.Errorf("read the inbox: %w", err)
	}
	for _, file := range left {
		j.Log.Info("a file is left for the next night: it is open in a program, or younger than a minute", "file", file)
	}
	return importEach(ctx, files, func(path string) (ImportedFile, error) { return j.takeFile(ctx, path) })
}

// inboxFiles lists the files that are ready to be taken, by name, and those that are left because they are young or
// locked. Hidden files and the locks themselves are neither.
func inboxFiles(inbox string, asOf time.Time) (files, left []string, err error) {
	entries, err := os.ReadDir(inbox)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	locked := lockedNames(entries)
	for _, e := range entries {
		name := e.Name()
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~$") {
			continue
		}
		path := filepath.Join(inbox, name)
		if locked[name] || locked[withoutTwoLetters(name)] || asOf.Sub(info.ModTime()) < minFileAge {
			left = append(left, path)
		} else {
			files = append(files, path)
		}
	}
	return files, left, nil
}

// lockedNames are the files that a spreadsheet program has open, by the lock files that it keeps beside them.
func lockedNames(entries []os.DirEntry) map[string]bool {
	locked := map[string]bool{}
	for _, e := range entries {
		if name, lock := strings.CutPrefix(e.Name(), "~$"); lock { // Excel
			locked[name] = true
		}
		if name, lock := strings.CutPrefix(e.Name(), ".~lock."); lock { // LibreOffice
			locked[strings.TrimSuffix(name, "#")] = true
		}
	}
	return locked
}

// withoutTwoLetters is the name as Excel's lock file has it when the name is long.
func withoutTwoLetters(name string) string {
	letters := []rune(name)
	return string(letters[min(2, len(letters)):])
}

func (j Inbox) takeFile(ctx context.Context, path string) (ImportedFile, error) {
	folder := filepath.Join(filepath.Dir(path), doneFolder)
	done, err := uniquePath(folder, filepath.Base(path))
	if err != nil {
		return ImportedFile{}, err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return ImportedFile{}, err
	}
	job := j.ImportFiles
	job.By = fileOwner(info, j.Host)
	file, err := job.one(ctx, path, folder, filepath.Base(done))
	// Who changes a file has not finished it: it is taken the next night.
	if e, ok := errors.AsType[*intake.FileError](err); ok && e.Code != intake.Changed {
		return file, errors.Join(err, refuseFile(path, err))
	}
	if file.Batch.ID == 0 {
		return file, err
	}
	if moved := os.Rename(path, done); moved != nil {
		return file, errors.Join(err, fmt.Errorf("batch %d is imported, but its file cannot be moved: %w", file.Batch.ID, moved))
	}
	file.Path = done
	return file, err
}

// refuseFile moves a file of which nothing can be read, with the reason beside it.
func refuseFile(path string, why error) error {
	place, err := uniquePath(filepath.Join(filepath.Dir(path), refusedFolder), filepath.Base(path))
	if err != nil {
		return err
	}
	reason, err := uniquePath(filepath.Dir(place), filepath.Base(place)+".reason.txt")
	if err != nil {
		return err
	}
	if err := os.WriteFile(reason, []byte(why.Error()+"\n"), resultPerm); err != nil {
		return err
	}
	return os.Rename(path, place)
}

// uniquePath is a path in a folder that no file has yet.
func uniquePath(folder, name string) (string, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return "", err
	}
	extension := filepath.Ext(name)
	stem := strings.TrimSuffix(name, extension)
	for n := 1; ; n++ {
		path := filepath.Join(folder, name)
		if n > 1 {
			path = filepath.Join(folder, fmt.Sprintf("%s-%d%s", stem, n, extension))
		}
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return path, nil
		} else if err != nil {
			return "", err
		}
	}
}

// warnUnapproved names the batches that nobody has approved yet, with their age.
func (j Inbox) warnUnapproved(ctx context.Context) error {
	batches, err := j.Batches.RecentBatches(ctx, 1000)
	if err != nil {
		return err
	}
	for _, b := range batches {
		if !b.ApprovedAt.IsZero() || b.Queued == 0 {
			continue
		}
		states, err := j.Batches.CountStatuses(ctx, b.ID)
		if err != nil {
			return err
		}
		if n := states[attestation.Queued]; n > 0 {
			days := int(j.Now().Sub(b.ImportedAt).Hours() / 24)
			j.Log.Warn("a batch awaits approval", "batch", b.ID, "file", b.File, "attestations", n, "imported_by", b.ImportedBy.Name, "days", days)
		}
	}
	return nil
}
