package jobs

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// Doctor checks what a night needs, before the night. It changes nothing.
type Doctor struct {
	Partners []Partner
	Database func(ctx context.Context) (DoctorDatabase, error)
	Service  func(Partner) (DoctorService, error)
	Now      func() time.Time
	Found    func(Finding) // is told of each finding as it is made
}

// DoctorDatabase is what is asked of the database.
type DoctorDatabase interface {
	Schema(ctx context.Context) (have, know int64, err error)
	Now(ctx context.Context) (time.Time, error)
	Close() error
}

// DoctorService is what is asked of a partner's service.
type DoctorService interface {
	CheckToken(ctx context.Context) error
	Customers(ctx context.Context) iter.Seq2[[]standing.Customer, error]
	Agreements(ctx context.Context, customerID string) ([]standing.Agreement, error)
	DirectAcceptance(ctx context.Context, customerID string) (bool, error)
	Clock() (now time.Time, known bool) // the service's, as of its last answer
	Close()
}

// Finding is what one check found.
type Finding struct {
	Check   string
	Err     error  // nil: it is as it should be
	Message string // what was found; of a failure, Err's
	Hint    string // what to do about a failure
}

// ChecksFailedError: something that a night needs does not work.
type ChecksFailedError struct{ Failed, Of int }

func (e *ChecksFailedError) Error() string {
	return fmt.Sprintf("%d of %d checks failed", e.Failed, e.Of)
}
func (e *ChecksFailedError) Code() string { return "checks_failed" }
func (e *ChecksFailedError) Hint() string { return "Each failed check says what to do." }

// Run makes every check, as far as those before it allow.
func (j Doctor) Run(ctx context.Context) ([]Finding, error) {
	e := &examination{Doctor: j}
	e.database(ctx)
	for _, p := range j.Partners {
		e.partner(ctx, p)
	}
	if ctx.Err() != nil {
		return e.findings, context.Cause(ctx)
	}
	failed := 0
	for _, f := range e.findings {
		if f.Err != nil {
			failed++
		}
	}
	if failed > 0 {
		return e.findings, &ChecksFailedError{failed, len(e.findings)}
	}
	return e.findings, nil
}

// examination is a run of the doctor under way.
type examination struct {
	Doctor
	findings []Finding
}

// note adds a finding and reports whether the check passed; fine is what to say when it did.
func (e *examination) note(check, fine string, err error) bool {
	f := Finding{Check: check, Err: err, Message: fine}
	if err != nil {
		f.Message, f.Hint = err.Error(), hintOf(err)
	}
	e.findings = append(e.findings, f)
	e.Found(f)
	return err == nil
}

func (e *examination) database(ctx context.Context) {
	db, err := e.Database(ctx)
	if err != nil {
		e.note("database", "", err)
		return
	}
	defer db.Close()
	have, know, err := db.Schema(ctx)
	fine := fmt.Sprintf("schema version %d", have)
	if have < know {
		fine = fmt.Sprintf("schema version %d; the next run, or mcaledger migrate, upgrades it to %d", have, know)
	}
	e.note("database", fine, err)
	if now, err := db.Now(ctx); err == nil {
		e.note("clock of the database", "as here", clockDifference(now, e.Now()))
	}
}

// clockTolerance is how far clocks may differ before days and leases go wrong.
const clockTolerance = time.Minute

// clockDifference returns an error when two clocks are too far apart.
func clockDifference(there, here time.Time) error {
	if d := there.Sub(here).Round(time.Second); d.Abs() > clockTolerance {
		return &clockError{d}
	}
	return nil
}

type clockError struct{ by time.Duration }

func (e *clockError) Error() string { return fmt.Sprintf("it differs from this host's by %s", e.by) }
func (e *clockError) Code() string  { return "clock" }
func (e *clockError) Hint() string {
	return "Set both clocks by NTP: days and locks depend on them."
}

func (e *examination) partner(ctx context.Context, p Partner) {
	service, err := e.Service(p)
	if !e.note(p.Name+": credentials", "readable", err) {
		return
	}
	defer service.Close()
	if !e.note(p.Name+": sign-in", "an access token was given", service.CheckToken(ctx)) {
		return
	}
	customer, err := firstReseller(ctx, service)
	if e.note(p.Name+": list", "one page of customers was read", err) {
		e.reads(ctx, p, service, customer)
	}
	if now, known := service.Clock(); known {
		e.note(p.Name+": clock of the service", "as here", clockDifference(now, e.Now()))
	}
}

func (e *examination) reads(ctx context.Context, p Partner, service DoctorService, customer standing.Customer) {
	if customer.ID == "" {
		e.note(p.Name+": agreements", "there is no customer to read", nil)
		return
	}
	_, err := service.Agreements(ctx, customer.ID)
	e.note(p.Name+": agreements", "one customer's were read", err)
	_, err = service.DirectAcceptance(ctx, customer.ID)
	e.note(p.Name+": direct acceptance", "one customer's was read", err)
}

// firstReseller reads one page of customers and returns one that buys through the partner.
func firstReseller(ctx context.Context, service DoctorService) (standing.Customer, error) {
	for page, err := range service.Customers(ctx) {
		if err != nil {
			return standing.Customer{}, err
		}
		for _, c := range page {
			if c.Relationship == standing.Reseller {
				return c, nil
			}
		}
		break
	}
	return standing.Customer{}, nil
}
