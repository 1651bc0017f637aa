package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mcaledger/mcaledger/internal/atomicfile"
	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/intake"
)

// Inbox imports every file of a folder. Each is moved to the sub-folder done, with its result
// files, or to refused when nothing of it can be read; one that failed for another reason stays for
// the next night. Links, devices and sub-folders are never followed.
type Inbox struct {
	ImportFiles
	Folder   string
	Required bool   // report a missing folder
	Host     string // of this process
	Batches  InboxLedger
}

// InboxLedger is what the inbox asks of the ledger, besides what an import asks.
type InboxLedger interface {
	BatchFinder
	RecentBatches(ctx context.Context, limit int) ([]attestation.Batch, error)
	CountStatuses(ctx context.Context, batch int64) (map[attestation.State]int, error)
	// UnfinishedInboxBatches are those whose file may still be in the inbox.
	UnfinishedInboxBatches(ctx context.Context) ([]attestation.Batch, error)
	// FinishInboxFile notes that a batch's file is moved and its result files are written.
	FinishInboxFile(ctx context.Context, batch int64) error
}

// InboxResult is the result of importing the inbox.
type InboxResult struct {
	Imported
	Left       []LeftFile        // what is still in the inbox
	Unapproved []UnapprovedBatch // of any origin
}

// UnapprovedBatch waits for somebody's approval.
type UnapprovedBatch struct {
	Batch  attestation.Batch
	Queued int
}

const (
	doneFolder    = "done"
	refusedFolder = "refused"
)

// Run takes every file that is ready, and says which batches wait for approval.
func (j Inbox) Run(ctx context.Context) (InboxResult, error) {
	done, err := j.take(ctx)
	var listed error
	done.Unapproved, listed = j.unapproved(ctx)
	for _, u := range done.Unapproved {
		b := u.Batch
		j.Log.Warn("a batch awaits approval", "batch", b.ID, "file", b.File, "attestations", u.Queued,
			"imported_by", b.ImportedBy.Name, "days", int(j.Now().Sub(b.ImportedAt).Hours()/24))
	}
	return done, errors.Join(err, listed)
}

func (j Inbox) take(ctx context.Context) (done InboxResult, err error) {
	root, err := os.OpenRoot(j.Folder)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !j.Required:
		return done, nil
	case errors.Is(err, fs.ErrNotExist):
		return done, partialHint("inbox_missing", fmt.Sprintf("the inbox %s does not exist", j.Folder),
			"Create the folder, or name another one as attestation.inbox.")
	case err != nil:
		return done, fmt.Errorf("open the inbox: %w", err)
	}
	defer root.Close()
	folder, err := root.Open(".")
	if err != nil {
		return done, fmt.Errorf("open the inbox: %w", err)
	}
	defer folder.Close() // and with it the lock ends
	if !atomicfile.TryLock(folder) {
		j.Log.Info("another run is taking the files of the inbox", "inbox", j.Folder)
		return done, nil
	}
	box := openInbox{j, root}
	finished, err := box.finishInterrupted(ctx)
	if err != nil {
		return done, err
	}
	ready, left, err := readInbox(folder, j.Now())
	if err != nil {
		return done, fmt.Errorf("read the inbox: %w", err)
	}
	done.Imported, err = importEach(ctx, ready,
		func(name string) (ImportedFile, error) { return box.takeFile(ctx, name) })
	done.Files = append(finished, done.Files...)
	done.Left = left
	return done, errors.Join(err, j.warnLeft(left))
}

// list is what would be taken from the inbox now, and what would be left.
func (j Inbox) list() (ready []string, left []LeftFile, err error) {
	folder, err := os.Open(j.Folder)
	if errors.Is(err, fs.ErrNotExist) && !j.Required {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open the inbox: %w", err)
	}
	defer folder.Close()
	return readInbox(folder, j.Now())
}

// warnLeft logs what is left in the inbox. What stays there for longer than a day is an error.
func (j Inbox) warnLeft(left []LeftFile) error {
	var stay []string
	for _, l := range left {
		path := filepath.Join(j.Folder, l.Name)
		if !l.Stays {
			j.Log.Info("a file is left for the next night", "file", path, "reason", l.Reason)
			continue
		}
		j.Log.Warn("a file stays in the inbox", "file", path, "reason", l.Reason)
		stay = append(stay, fmt.Sprintf("%s (%s)", path, l.Reason))
	}
	if len(stay) == 0 {
		return nil
	}
	return partialHint("files_stay", "not taken from the inbox: "+strings.Join(stay, ", "),
		"Close the file in the program that has it open, give it a time that is not in the future, or move away what "+
			"is not a file of attestations.")
}

// openInbox is the inbox while its files are taken. All names are relative to root, and cannot lead
// out of it.
type openInbox struct {
	Inbox
	root *os.Root
}

func (b openInbox) path(name string) string { return filepath.Join(b.Folder, name) }

// finishInterrupted finishes what a run began that was killed after it had committed a batch: it
// writes the result files and moves the file.
func (b openInbox) finishInterrupted(ctx context.Context) (finished []ImportedFile, err error) {
	batches, err := b.Batches.UnfinishedInboxBatches(ctx)
	if err != nil {
		return nil, err
	}
	for _, batch := range batches {
		switch held, err := b.holds(batch); {
		case err != nil:
			return finished, err
		case held:
			file, err := b.finishAgain(ctx, batch)
			if err != nil {
				return finished, fmt.Errorf("finish batch %d: %w", batch.ID, err)
			}
			b.Log.Warn("an interrupted import is finished", "batch", batch.ID, "file", file.Path)
			finished = append(finished, file)
		case batch.ImportedBy.Host == b.Host: // its file was moved; only the note of it is missing
			if err := b.Batches.FinishInboxFile(ctx, batch.ID); err != nil {
				return finished, err
			}
		}
	}
	return finished, nil
}

// holds reports whether the inbox still holds the file that a batch was made of.
func (b openInbox) holds(batch attestation.Batch) (bool, error) {
	file, err := openRegular(b.root, batch.InboxFile)
	if err != nil {
		return false, nil // whatever it is now, it is not the file
	}
	defer file.Close()
	sum, err := sha256Of(file)
	if err != nil {
		return false, fmt.Errorf("read %s: %w", b.path(batch.InboxFile), err)
	}
	return sum == batch.SHA256, nil
}

// finishAgain writes the result files of a batch whose file is still in the inbox, and moves the
// file.
func (b openInbox) finishAgain(ctx context.Context, batch attestation.Batch) (ImportedFile, error) {
	done, err := b.place(doneFolder, batch.InboxFile)
	if err != nil {
		return ImportedFile{}, err
	}
	results, err := writeResults(destination{root: b.root, folder: b.Folder, name: done}, batch,
		b.Batches.Attestations(ctx, batch.ID))
	if err != nil {
		return ImportedFile{}, err
	}
	if err := results.commit(); err != nil {
		return ImportedFile{}, err
	}
	file := ImportedFile{Path: b.path(batch.InboxFile), Batch: batch, ResultFiles: results.ResultFiles}
	return file, b.finish(ctx, &file, batch.InboxFile, done)
}

// takeFile imports one file and moves it.
func (b openInbox) takeFile(ctx context.Context, name string) (ImportedFile, error) {
	file, err := openRegular(b.root, name)
	if errors.Is(err, fs.ErrNotExist) {
		return ImportedFile{}, nil // somebody took it away again
	}
	if err != nil {
		return ImportedFile{}, fmt.Errorf("open %s: %w", b.path(name), err)
	}
	info, err := file.Stat()
	if err != nil {
		return ImportedFile{}, errors.Join(err, file.Close())
	}
	done, err := b.place(doneFolder, name)
	if err != nil {
		return ImportedFile{}, errors.Join(err, file.Close())
	}
	job := b.ImportFiles
	job.By, job.InboxFile = fileOwner(info, b.Host), name
	imported, err := job.openAndEnter(ctx, b.path(name), destination{root: b.root, folder: b.Folder, name: done,
		source: name}, func(o intake.Options) (*intake.File, error) {
		return intake.OpenFile(file, b.path(name), o)
	})
	if coded, ok := errors.AsType[CodedError](err); ok && (coded == errMoved || coded.Code() == "held") {
		b.Log.Info("another run imports the file", "file", b.path(name))
		return ImportedFile{}, nil
	}
	if e, ok := errors.AsType[*intake.FileError](err); ok && e.Code == intake.Changed {
		b.Log.Info("a file is left for the next night", "file", b.path(name), "reason",
			"it was changed while it was read")
		return ImportedFile{}, nil
	} else if ok {
		return imported, errors.Join(err, b.refuse(name, err))
	}
	if err != nil {
		return imported, err
	}
	return imported, b.finish(ctx, &imported, name, done)
}

// finish moves the file of a batch that is committed and has its result files.
func (b openInbox) finish(ctx context.Context, file *ImportedFile, name, done string) error {
	if err := b.move(name, done); err != nil {
		return fmt.Errorf("batch %d is imported, but its file cannot be moved: %w", file.Batch.ID, err)
	}
	file.Path = b.path(done)
	return b.Batches.FinishInboxFile(context.WithoutCancel(ctx), file.Batch.ID)
}

// refuse moves a file of which nothing can be read, with the reason beside it.
func (b openInbox) refuse(name string, why error) error {
	place, err := b.place(refusedFolder, name)
	if err != nil {
		return err
	}
	const ending = ".reason.txt"
	reason, err := b.place(refusedFolder, shortened(filepath.Base(place), ending)+ending)
	if err != nil {
		return err
	}
	if err := atomicfile.WriteIn(b.root, reason, resultPerm, func(w io.Writer) error {
		_, err := io.WriteString(w, why.Error()+"\n")
		return err
	}); err != nil {
		return err
	}
	return b.move(name, place)
}

// move gives a file another name, and puts both folders on disk.
func (b openInbox) move(from, to string) error {
	if err := b.root.Rename(from, to); err != nil {
		return err
	}
	return errors.Join(atomicfile.SyncFolder(b.root, filepath.Dir(to)), atomicfile.SyncFolder(b.root, "."))
}

// place is a name in a sub-folder that nothing has yet. The sub-folder is made if it is missing.
func (b openInbox) place(folder, name string) (string, error) {
	if err := b.root.Mkdir(folder, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	info, err := b.root.Lstat(folder)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", &fs.PathError{Op: "use as a folder", Path: b.path(folder),
			Err: errors.New("it is something else; remove it")}
	}
	return uniqueName(b.root, folder, name)
}

// uniqueName is a name in a folder of root that nothing has yet.
func uniqueName(root *os.Root, folder, name string) (string, error) {
	extension := filepath.Ext(name)
	stem := strings.TrimSuffix(name, extension)
	for n := 1; ; n++ {
		path := filepath.Join(folder, name)
		if n > 1 {
			ending := fmt.Sprintf("-%d%s", n, extension)
			path = filepath.Join(folder, shortened(stem, ending)+ending)
		}
		if _, err := root.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return path, nil
		} else if err != nil {
			return "", err
		}
	}
}

// unapproved are the batches that are not approved yet.
func (j Inbox) unapproved(ctx context.Context) (waiting []UnapprovedBatch, err error) {
	batches, err := j.Batches.RecentBatches(ctx, 1000)
	if err != nil {
		return nil, err
	}
	for _, b := range batches {
		if !b.ApprovedAt.IsZero() || b.Queued == 0 {
			continue
		}
		states, err := j.Batches.CountStatuses(ctx, b.ID)
		if err != nil {
			return nil, err
		}
		if n := states[attestation.Queued]; n > 0 {
			waiting = append(waiting, UnapprovedBatch{b, n})
		}
	}
	return waiting, nil
}
