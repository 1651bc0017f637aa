package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mcaledger/mcaledger/internal/simulator"
)

// SavedFile is the name of the file that holds the accounts of a demo.
const SavedFile = "simulator.json"

type saved struct {
	At       time.Time
	Accounts []savedAccount
}

type savedAccount struct {
	Partner Partner
	Options simulator.Options
	State   simulator.State
}

func save(path string, accounts []*account, now time.Time) error {
	file := saved{At: now}
	for _, a := range accounts {
		file.Accounts = append(file.Accounts, savedAccount{a.Partner, a.options, a.sim.State()})
	}
	text, err := json.MarshalIndent(file, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}

// Continued holds the accounts of a demo that are served again.
type Continued struct {
	path     string
	accounts []*account
}

// Continue serves the accounts of a demo again, at their addresses. Each day since they were saved
// counts as a night.
func Continue(path string, now time.Time) (*Continued, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file saved
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	continued := &Continued{path: path}
	for _, left := range file.Accounts {
		left.State.Night += max(0, int(now.Sub(file.At).Hours()/24))
		left.Options.Night, left.Options.AsOf = left.State.Night, now
		a := &account{Partner: left.Partner, options: left.Options}
		if err := a.restore(left.State); err != nil {
			return nil, errors.Join(err, closeAll(continued.accounts))
		}
		continued.accounts = append(continued.accounts, a)
	}
	return continued, nil
}

// restore serves the account in a state.
func (a *account) restore(state simulator.State) error {
	if err := a.open(); err != nil {
		return err
	}
	if err := a.sim.Restore(state); err != nil {
		return err
	}
	if err := a.serve(); err != nil {
		return &AddressError{err}
	}
	return nil
}

// AddressError means that the address of an account in the configuration of a demo is not free.
type AddressError struct{ error }

func (e *AddressError) Unwrap() error { return e.error }
func (e *AddressError) Code() string  { return "failed" }
func (e *AddressError) Hint() string {
	return "The configuration of the demo names this address. End the program that uses it, such as another " +
		"mcaledger simulate, or run mcaledger demo again."
}

// Served is a served account.
type Served struct {
	Name    string          `json:"name"`
	Address string          `json:"address"`
	Stats   simulator.Stats `json:"stats"`
}

// Accounts returns the accounts with the requests they have answered.
func (c *Continued) Accounts() []Served {
	var all []Served
	for _, a := range c.accounts {
		all = append(all, Served{a.Name, a.Address, a.sim.Stats()})
	}
	return all
}

// Close stops serving and saves the accounts.
func (c *Continued) Close(now time.Time) error {
	closed := closeAll(c.accounts)
	if err := save(c.path, c.accounts, now); err != nil {
		return err
	}
	return closed
}
