package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/internal/store"
)

// settleTime is how long a file must have lain in the inbox: a younger one may still be on its way.
const settleTime = time.Minute

// takeInbox imports every file of the inbox. Each is moved to done, or to refused when nothing of it can be read, with its result files; one that
// failed for another reason stays for the next night.
func (a *app) takeInbox(r *importReply, c config.Config, s *store.Store) error {
	files, left, err := inboxFiles(c.Attestation.Inbox, a.AsOf)
	if err != nil {
		return fmt.Errorf("look into the inbox: %w", err)
	}
	for _, file := range left {
		a.log().Info("a file is left for the next night: it is open somewhere, or younger than a minute", "file", file)
	}
	return a.importFiles(r, files, func(file string) (batchReply, error) { return a.takeFile(c, s, file) })
}

// inboxFiles are the files that are ready to be taken, by name, and those that are left because they are young or locked. Hidden files and
// the locks themselves are neither.
func inboxFiles(inbox string, asOf time.Time) (files, left []string, err error) {
	entries, err := os.ReadDir(inbox)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	locked := map[string]bool{}
	for _, e := range entries {
		if name, lock := strings.CutPrefix(e.Name(), "~$"); lock {
			locked[name] = true
		}
		if name, lock := strings.CutPrefix(e.Name(), ".~lock."); lock { // LibreOffice
			locked[strings.TrimSuffix(name, "#")] = true
		}
	}
	for _, e := range entries {
		name := e.Name()
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~$") {
			continue
		}
		letters := []rune(name)
		short := string(letters[min(2, len(letters)):]) // Excel leaves the first two letters of a long name out of its lock's
		path := filepath.Join(inbox, name)
		if locked[name] || locked[short] || asOf.Sub(info.ModTime()) < settleTime {
			left = append(left, path)
		} else {
			files = append(files, path)
		}
	}
	return files, left, nil
}

func (a *app) takeFile(c config.Config, s *store.Store, path string) (batchReply, error) {
	inbox := filepath.Dir(path)
	done, err := placeFor(filepath.Join(inbox, "done"), filepath.Base(path))
	if err != nil {
		return batchReply{}, err
	}
	batch, err := a.importFile(c, s, path, importing{by: owner(path), beside: done})
	if e, ok := errors.AsType[*intake.FileError](err); ok && e.Code != intake.Changed { // who changes it has not finished: next night
		return batch, errors.Join(err, refuseFile(path, err))
	}
	if batch.Batch == 0 {
		return batch, err
	}
	if moved := os.Rename(path, done); moved != nil {
		return batch, errors.Join(err, fmt.Errorf("batch %d is imported, but its file cannot be moved: %w", batch.Batch, moved))
	}
	batch.File = done
	return batch, err
}

// refuseFile moves a file of which nothing can be read, with the reason beside it.
func refuseFile(path string, why error) error {
	place, err := placeFor(filepath.Join(filepath.Dir(path), "refused"), filepath.Base(path))
	if err != nil {
		return err
	}
	reason, err := placeFor(filepath.Dir(place), filepath.Base(place)+".reason.txt")
	if err != nil {
		return err
	}
	if err := os.WriteFile(reason, []byte(why.Error()+"\n"), 0o640); err != nil {
		return err
	}
	return os.Rename(path, place)
}

// placeFor is a path in a folder that no file has yet.
func placeFor(folder, name string) (string, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return "", err
	}
	extension := filepath.Ext(name)
	stem := strings.TrimSuffix(name, extension)
	for n := 1; ; n++ {
		place := filepath.Join(folder, name)
		if n > 1 {
			place = filepath.Join(folder, fmt.Sprintf("%s-%d%s", stem, n, extension))
		}
		if _, err := os.Lstat(place); errors.Is(err, os.ErrNotExist) {
			return place, nil
		} else if err != nil {
			return "", err
		}
	}
}

// owner is the name of the user to whom a file belongs: who put it into the inbox imported it.
func owner(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "unknown"
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "unknown"
	}
	id := strconv.FormatUint(uint64(stat.Uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return "uid " + id
}

// awaiting lists the batches that nobody has approved yet, with their age.
func (a *app) awaiting(s *store.Store) error {
	batches, err := s.RecentBatches(a.ctx, 1000)
	if err != nil {
		return err
	}
	for _, b := range batches {
		if !b.ApprovedAt.IsZero() || b.Queued == 0 {
			continue
		}
		states, err := s.CountStates(a.ctx, b.ID)
		if err != nil {
			return err
		}
		if n := states[attestation.Queued]; n > 0 {
			days := int(a.AsOf.Sub(b.ImportedAt).Hours() / 24)
			a.log().Warn("a batch awaits approval", "batch", b.ID, "file", b.File, "attestations", n, "imported_by", b.ImportedBy, "days", days)
		}
	}
	return nil
}
