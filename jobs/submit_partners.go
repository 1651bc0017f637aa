package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// SubmitPartners sends the approved attestations of several partners, one partner after the other,
// and reads the standing of their customers again.
type SubmitPartners struct {
	Partners      *Partners
	Queues        Queues
	Route         string         // of the configuration; empty: nothing is ever sent
	FallbackRoute string         // the route to take once Microsoft refuses the classic one; empty: none
	Enhanced      *EnhancedSetup // nil: neither is the enhanced route
	Ceiling       int            // the most that one submission may send
	Limit         int            // send at most so many; 0: all
	DryRun        bool           // count, and send nothing
	Since         standing.Date
	Cooldown      time.Duration // see Submit
	// Check returns an error when nothing may be sent; may be nil.
	Check func(ctx context.Context) error
	// Recheck reads the standing of customers again, for whom something was just attested.
	Recheck func(ctx context.Context, p Partner, customers []string) error
	Now     func() time.Time
	Log     *slog.Logger
	Watch   Watch
}

// Queues opens the queues of partners.
type Queues interface {
	OpenQueue(ctx context.Context, partnerID string) (PartnerQueue, error)
}

// EnhancedSetup is how the enhanced route is used, for all partners.
type EnhancedSetup struct {
	Cipher         LinkCipher
	Links          func(p Partner, store LinkStore) *Links // nil: links are handed over by a person
	Lifetime       time.Duration                           // see Enhanced
	RemindAfter    int
	RenewExpired   bool // once
	EvidenceDir    string
	KeepUnexpected func(attestation.UnexpectedAnswer) (path string, err error)
}

// PartnerQueue is one partner's queue with the counts that a submission starts and ends with.
type PartnerQueue interface {
	Queue
	LinkStore
	// CountReady counts what may be worked on today.
	CountReady(ctx context.Context, today standing.Date, work attestation.Work) (int, error)
	// CountUnsettled counts what has not come to its end, whoever works on it.
	CountUnsettled(ctx context.Context, today standing.Date) (attestation.Unsettled, error)
	// Renew lets expired attestations be created again that were created less often than most.
	Renew(ctx context.Context, most int, at time.Time) (renewed int, err error)
	// SampleLink returns an attestation that has a link; zero: none has.
	SampleLink(ctx context.Context) (attestation.Attestation, error)
}

// CeilingError: more is approved than one submission may send.
type CeilingError struct{ Ready, Ceiling int }

func (e *CeilingError) Error() string {
	return fmt.Sprintf("%d attestations are approved, and one submission may send %d (attestation.ceiling); nothing "+
		"was sent", e.Ready, e.Ceiling)
}
func (e *CeilingError) Code() string { return "ceiling" }
func (e *CeilingError) Hint() string {
	return "Send a part with --limit, or raise attestation.ceiling if so many are right."
}

// CannotAttestError: Microsoft takes no attestation from an indirect reseller.
type CannotAttestError struct{ Attestations int }

func (e *CannotAttestError) Error() string {
	return fmt.Sprintf("an indirect reseller cannot attest; none of %s was sent", plural(e.Attestations, "attestation"))
}
func (e *CannotAttestError) Code() string { return "cannot_attest" }
func (e *CannotAttestError) Hint() string {
	return "Ask the indirect provider of these customers to attest."
}

// RouteError: the configuration names no route that this version can use. Nothing was sent.
type RouteError struct{ message string }

func (e *RouteError) Error() string { return e.message }
func (e *RouteError) Code() string  { return "configuration" }
func (e *RouteError) Hint() string {
	return "Correct the configuration; docs/configuration.md lists every key."
}

// RetiredError: Microsoft refuses the classic call for every customer alike. Nothing took effect,
// and nothing failed.
type RetiredError struct {
	Approved int // attestations that stay approved
	cause    error
}

func (e *RetiredError) Error() string {
	return fmt.Sprintf("Microsoft accepts no attestation by the classic call, which it retired in January 2026; %s "+
		"approved: %v",
		staying(e.Approved), e.cause)
}
func (e *RetiredError) Unwrap() error { return e.cause }
func (e *RetiredError) Code() string  { return "attestation_retired" }
func (e *RetiredError) Hint() string {
	return "Set attestation.route to enhanced: then the customers' signers accept by a link. Nothing failed, and " +
		"nothing has to be imported again."
}

func staying(n int) string {
	if n == 1 {
		return "1 attestation stays"
	}
	return fmt.Sprintf("%d attestations stay", n)
}

// SubmittedAll is what became of the submissions of all partners.
type SubmittedAll struct {
	Submitted
	WouldSend int // of a dry run
}
