package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/ledger"
)

// Lease is the right to write about one partner. It is good while its number is the newest of its
// partner.
type Lease struct {
	partner ledger.Partner
	number  int64
	store   *Store
}

const (
	leaseSeconds = 60
	leaseRenewal = 20 * time.Second
)

// HeldError says who works on a partner now.
type HeldError struct {
	Partner string // its label
	Host    string
	PID     int64
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("another run of %s is under way (host %s, process %d)", e.Partner, e.Host, e.PID)
}

type leaseRow struct {
	PartnerID  string  `db:"partner_id"`
	Number     int64   `db:"number"`
	Host       string  `db:"host"`
	PID        int64   `db:"pid"`
	PIDStarted string  `db:"pid_started"`
	ExpiresAt  float64 `db:"expires_at"`
	Seconds    float64 `db:"seconds"`
	Dead       int64   `db:"dead"`
}

// Hold takes the partner's lease, keeps it while work runs, and gives it back. An expired lease is
// taken over; that of a dead process on this host is taken over at once. Otherwise Hold returns a
// *HeldError. When the lease is lost under way, work's context ends with ErrLeaseLost as
// its cause.
func (s *Store) Hold(ctx context.Context, partner ledger.Partner,
	work func(ctx context.Context, lease *Lease) error) error {
	lease, err := s.take(ctx, partner)
	if err != nil {
		return err
	}
	working, stop := context.WithCancelCause(ctx)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		lease.keep(working, stop)
	}()
	err = work(working, lease)
	// Every write is guarded by the lease: a success stands even if the lease was lost afterwards.
	if err != nil && errors.Is(context.Cause(working), ErrLeaseLost) {
		err = errors.Join(ErrLeaseLost, err)
	}
	stop(nil)
	<-kept
	// one that is not given back runs out by itself
	_, _ = s.exec(context.WithoutCancel(ctx), s.relaxed, "release_lease", lease.args(0))
	return err
}

func (s *Store) take(ctx context.Context, partner ledger.Partner) (*Lease, error) {
	row := leaseRow{PartnerID: partner.ID, Seconds: leaseSeconds}
	row.Host, row.PID, row.PIDStarted = thisProcess()
	lease := &Lease{partner: partner, store: s}
	err := s.inTx(ctx, func(tx *sqlx.Tx) error {
		if _, err := s.exec(ctx, tx, "save_partner", args{"id": partner.ID, "name": partner.Name,
			"kind": partner.Kind}); err != nil {
			return err
		}
		err := s.get(ctx, tx, &lease.number, "take_lease", row)
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		var held leaseRow
		if err := s.get(ctx, tx, &held, "lease", args{"partner_id": partner.ID}); err != nil {
			return err
		}
		if held.Host == row.Host && dead(held.PID, held.PIDStarted) {
			row.Dead = held.Number
			err = s.get(ctx, tx, &lease.number, "take_lease", row)
		}
		if errors.Is(err, ErrNotFound) {
			name, _, _ := strings.Cut(held.Host, "/")
			return &HeldError{Partner: partner.Name, Host: name, PID: held.PID}
		}
		return err
	})
	return lease, err
}

// keep renews the lease until ctx ends, and ends it when the lease is lost or could not be renewed
// before it ran out.
func (l *Lease) keep(ctx context.Context, stop context.CancelCauseFunc) {
	ticker := time.NewTicker(leaseRenewal)
	defer ticker.Stop()
	renewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		switch err := l.guard(ctx, l.store.relaxed); {
		case err == nil:
			renewed = time.Now()
		case errors.Is(err, ErrLeaseLost), time.Since(renewed) > leaseSeconds*time.Second:
			stop(ErrLeaseLost)
			return
		}
	}
}

// guard renews the lease, or fails with ErrLeaseLost. As the first statement of a transaction it
// keeps the lease from being taken over until the transaction ends.
func (l *Lease) guard(ctx context.Context, on sqlx.ExtContext) error {
	n, err := l.store.exec(ctx, on, "keep_lease", l.args(leaseSeconds))
	if err == nil && n == 0 {
		err = ErrLeaseLost
	}
	return err
}

// write runs work in a transaction of the lease's holder.
func (l *Lease) write(ctx context.Context, work func(tx *sqlx.Tx) error) error {
	return l.store.inTx(ctx, l.guarded(ctx, work))
}

// writeReadings is write for what is simply read again after a power cut.
func (l *Lease) writeReadings(ctx context.Context, work func(tx *sqlx.Tx) error) error {
	return l.store.inRelaxedTx(ctx, l.guarded(ctx, work))
}

func (l *Lease) guarded(ctx context.Context, work func(tx *sqlx.Tx) error) func(tx *sqlx.Tx) error {
	return func(tx *sqlx.Tx) error {
		if err := l.guard(ctx, tx); err != nil {
			return err
		}
		return work(tx)
	}
}

func (l *Lease) args(seconds float64) args {
	return args{"partner_id": l.partner.ID, "number": l.number, "seconds": seconds}
}
