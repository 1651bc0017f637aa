// Package demo simulates four months of Partner Center accounts in which the program runs at night
// and people work with it by day. It runs the commands of the program with a clock of its own, and
// leaves a folder that can be used afterwards.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// Demo describes a demo to run.
type Demo struct {
	Folder    string
	Customers int // of the first account; the others have more or fewer
	Nights    int // from FewestNights to AllNights
	Now       func() time.Time
	// Command runs one command of the program with the configuration in Folder, and returns what it
	// prints with --json, and its exit code. now is the clock of the command.
	Command func(ctx context.Context, now func() time.Time, args ...string) (reply []byte, exit int)
	// Tell is called for each event when it happens; may be nil.
	Tell func(Event)
}

// Event is what happened at an instant of the demo.
type Event struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// Result is the outcome of a demo.
type Result struct {
	Config   string         `json:"config"`
	Workbook string         `json:"file"` // of the last night
	Sheets   map[string]int `json:"sheets"`
	Events   []Event        `json:"events"`
}

// FewestCustomers is the fewest with which everything happens at least once.
const FewestCustomers = 100

// TooSmallError means that the demo that is asked for cannot show everything.
type TooSmallError struct{}

func (TooSmallError) Error() string {
	return fmt.Sprintf("a demo has at least %d customers, and %d to %d nights",
		FewestCustomers, FewestNights, AllNights)
}
func (TooSmallError) Code() string { return "usage" }
func (TooSmallError) Hint() string { return "Leave --customers and --nights out." }

// Run runs the demo. An earlier one in the folder is removed.
func (d Demo) Run(ctx context.Context) (result Result, err error) {
	if d.Customers < FewestCustomers || d.Nights < FewestNights || d.Nights > AllNights {
		return result, TooSmallError{}
	}
	if err := d.clear(); err != nil {
		return result, err
	}
	s := &story{Demo: d, clock: &clock{real: d.Now}, last: lastNight(d.Now()), calendar: nights(d.Nights),
		taken:    map[string]bool{},
		settings: Settings{AcceptedSince: firstAcceptedSince, Route: attestation.ClassicRoute}}
	s.accounts = newAccounts(d.Customers, badNight(s.calendar), s.clock.now)
	defer func() { err = errors.Join(err, closeAll(s.accounts)) }()
	for _, a := range s.accounts {
		if err := errors.Join(a.open(), a.serve()); err != nil {
			return result, err
		}
		s.settings.Partners = append(s.settings.Partners, a.Partner)
	}
	if err := s.settings.Write(d.Folder); err != nil {
		return result, err
	}
	if err := os.Mkdir(filepath.Join(d.Folder, inboxFolder), 0o700); err != nil {
		return result, err
	}
	if err := s.live(ctx); err != nil {
		return result, err
	}
	s.result.Config = filepath.Join(d.Folder, ConfigFile)
	return s.result, save(filepath.Join(d.Folder, SavedFile), s.accounts, d.Now())
}

// command runs a command of the program and reads its reply. Exit codes other than 0 and 3
// (something needs a person) are errors unless they are expected.
func (s *story) command(ctx context.Context, reply any, expected []int, args ...string) error {
	text, exit := s.Command(ctx, s.clock.now, args...)
	if err := context.Cause(ctx); err != nil {
		return err
	}
	var ended struct {
		Error struct{ Message, Hint string }
	}
	err := json.Unmarshal(text, &ended)
	if err == nil && !slices.Contains(append(expected, 0, 3), exit) {
		err = fmt.Errorf("exit code %d: %s %s", exit, ended.Error.Message, ended.Error.Hint)
	}
	if err == nil {
		err = json.Unmarshal(text, reply)
	}
	if err != nil {
		return fmt.Errorf("mcaledger %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// The folders of a demo besides the default ones.
const (
	listFolder     = "lists"
	reportFolder   = "reports"
	inboxFolder    = "inbox"
	evidenceFolder = "evidence"
)

// made are the files and folders of a demo other than its configuration.
var made = []string{databaseFile, databaseFile + "-wal", databaseFile + "-shm", SavedFile, keyFile,
	listFolder, reportFolder, inboxFolder, evidenceFolder, "drafts"}

// clear removes an earlier demo. It refuses to remove a workbook that somebody changed, and files
// in a folder that is not of a demo.
func (d Demo) clear() error {
	path := filepath.Join(d.Folder, ConfigFile)
	config, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		for _, name := range made {
			if _, err := os.Lstat(filepath.Join(d.Folder, name)); err == nil {
				return &NotSimulatedError{fmt.Sprintf("%s holds %s, which is not of a demo", d.Folder, name)}
			}
		}
		return nil
	case err != nil:
		return err
	case !strings.HasPrefix(string(config), mark):
		return &NotSimulatedError{path + " is not the configuration of a simulated partner"}
	}
	books, err := filepath.Glob(filepath.Join(d.Folder, reportFolder, "*.xlsx"))
	if err != nil {
		return err
	}
	for _, book := range books {
		if untouched, err := xlsx.Untouched(book); err != nil || !untouched {
			return &NotSimulatedError{book + " was changed since it was written, and would be lost"}
		}
	}
	for _, name := range made {
		if err := os.RemoveAll(filepath.Join(d.Folder, name)); err != nil {
			return err
		}
	}
	return nil
}
