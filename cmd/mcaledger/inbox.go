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
	files, err := inboxFiles(c.Attestation.Inbox, a.AsOf)
	if err != nil {
		return fmt.Errorf("look into the inbox: %w", err)
	}
	var failed []error
	refused := 0
	for _, file := range files {
		batch, err := a.takeFile(c, s, file)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		r.Batches = append(r.Batches, batch)
		refused += batch.Refused
	}
	if len(files) == 0 {
		return nil
	}
	return importOutcome(failed, len(files), refused)
}

// inboxFiles are the files that are ready to be taken, by name. Lock files and what they lock, hidden files and young ones are not.
func inboxFiles(inbox string, asOf time.Time) (files []string, err error) {
	entries, err := os.ReadDir(inbox)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	locked := map[string]bool{}
	for _, e := range entries {
		if name, lock := strings.CutPrefix(e.Name(), "~$"); lock {
			locked[name] = true
		}
	}
	for _, e := range entries {
		name := e.Name()
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~$") {
			continue
		}
		// Excel leaves the first two letters of a long name out of its lock's.
		if locked[name] || len(name) > 2 && locked[name[2:]] || asOf.Sub(info.ModTime()) < settleTime {
			continue
		}
		files = append(files, filepath.Join(inbox, name))
	}
	return files, nil
}

func (a *app) takeFile(c config.Config, s *store.Store, path string) (batchReply, error) {
	inbox := filepath.Dir(path)
	done, err := placeFor(filepath.Join(inbox, "done"), filepath.Base(path))
	if err != nil {
		return batchReply{}, err
	}
	batch, err := a.importFile(c, s, path, importing{by: owner(path), beside: done})
	if isA[*intake.FileError](err) {
		return batch, errors.Join(err, a.refuseFile(path, err))
	}
	if err != nil {
		return batch, err
	}
	if err := os.Rename(path, done); err != nil {
		return batch, fmt.Errorf("batch %d is imported, but its file cannot be moved: %w", batch.Batch, err)
	}
	batch.File = done
	return batch, nil
}

// refuseFile moves a file of which nothing can be read, with the reason beside it.
func (a *app) refuseFile(path string, why error) error {
	place, err := placeFor(filepath.Join(filepath.Dir(path), "refused"), filepath.Base(path))
	if err != nil {
		return err
	}
	if err := os.WriteFile(place+".reason.txt", []byte(why.Error()+"\n"), 0o640); err != nil {
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
func (a *app) awaiting(c config.Config, s *store.Store) error {
	if c.Attestation.Approval == "none" {
		return nil
	}
	batches, err := s.RecentBatches(a.ctx, 100)
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
