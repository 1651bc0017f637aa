// Package reports writes the report as a workbook, CSV or JSON: rows come in from a Source, and one
// file goes out to an io.Writer.
//
// It decides nothing about customers: standings, reasons and totals are shown as the ledger has
// them, and checks compare the report's own rows with them.
package reports

import (
	"context"
	"iter"
	"time"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// PartnerRun is what a workbook shows of one partner.
type PartnerRun struct {
	Partner ledger.Partner
	Run     *ledger.Run // the completed run shown; nil: none has completed yet
	Against *ledger.Run // the completed run that changes are counted from; nil: Run is the first
	// a later run that failed its checks (it changed no standing); its checks head the workbook.
	// nil: none
	Failed *ledger.Run
	// Unfinished is a later run that was begun and neither completed nor failed: the night could
	// not be read to its end. nil: none
	Unfinished *ledger.Run
	// Future is a run of History that the wrong clock of a host has dated later than it was. 0:
	// none
	Future  int64
	Stale   bool         // nothing newer was read for longer than a night and a half before the report's instant
	History []ledger.Run // up to HistoryRuns completed runs, oldest first, ending with Run
	first   time.Time    // when the partner's first completed run began: what was so then may have been so before
}

// Book is one workbook: all partners, in the order in which they are shown.
type Book struct {
	Partners []PartnerRun
	LeftOut  []ledger.Run    // the newest runs of partners that the ledger knows and the workbook does not show
	MadeAt   time.Time       // when the report is made
	AsOf     time.Time       // the ledger is shown as it stood at this instant
	Against  int64           // the run that somebody wanted changes to be counted from; 0: that of the night before
	Location *time.Location  // zones appear only here; nil is UTC
	Language string          // one of texts.Languages(); empty is English
	Version  string          // of the program
	Reseller ledger.Reseller // whose customers alone are shown, see OfReseller; zero: everybody is
	Owner    *string         // the account manager whose customers alone are shown, see OfOwner; nil: everybody is
	// those that are wanted, by their English names; empty: all. Summary and About come only when
	// they are named
	Sheets []string
}

// Source is where rows come from; the store implements it. Sequences stream, and each ends at its
// first error. Every sequence yields as many rows as its Count said;
// Write fails when it does not, so both must see the same state of the ledger. Changes may be asked
// for twice.
type Source interface {
	// FirstRun is when the first completed run of a partner began; zero: there is none.
	FirstRun(ctx context.Context, partnerID string) (time.Time, error)
	CountRecords(ctx context.Context, partnerID string, run int64, which standing.Standing) (int, error)
	// CustomerEntries walks the customers of a run with a standing, or all of them (""): by name,
	// then id.
	CustomerEntries(ctx context.Context, partnerID string, run int64, which standing.Standing,
		at time.Time) iter.Seq2[ledger.CustomerEntry, error]
	// Blocked walks the blocked customers of a run, the longest blocked first, with what was
	// attested of them.
	Blocked(ctx context.Context, partnerID string, run int64, cut ledger.Snapshot) iter.Seq2[ledger.BlockedCustomer,
		error]
	CountRenewals(ctx context.Context, partnerID string, run int64, at time.Time) (int, error)
	// Renewals walks the active subscriptions of the blocked customers of runs, one of each
	// partner: those that lapse, those that renew by themselves, those without a date; the soonest
	// first, then by partner and customer.
	Renewals(ctx context.Context, runs []int64, at time.Time) iter.Seq2[ledger.Renewal, error]
	// ExceptionsThen lists the exceptions in force at an instant, each with its customer as the run
	// left it.
	ExceptionsThen(ctx context.Context, partnerID string, run int64, at time.Time) ([]ledger.ExceptionEntry, error)
	// Invitations walks a partner's invitations, the newest first, each with its customer as the
	// run left it.
	Invitations(ctx context.Context, partnerID string, run int64, at time.Time) iter.Seq2[ledger.InvitationEntry, error]
	// Batches lists the imported files, the newest first.
	Batches(ctx context.Context, cut ledger.Snapshot) ([]ledger.BatchSummary, error)
	// EventNumbers are the numbers of the events that EventLog walks.
	EventNumbers(ctx context.Context, at time.Time) ([]int64, error)
	// EventLog walks what was done about customers, the newest first.
	EventLog(ctx context.Context, at time.Time) iter.Seq2[ledger.LogEntry, error]
	// Resellers counts the customers of a run by indirect reseller, as far as it was known at an
	// instant: the most blocked first.
	Resellers(ctx context.Context, partnerID string, run int64, at time.Time) ([]ledger.ResellerCount, error)
	// CountChanges counts what differs between two runs. Against 0, everybody is new.
	CountChanges(ctx context.Context, partnerID string, run, against int64) (int, error)
	// Changes come by name, then id, with the customer as it was in either run.
	Changes(ctx context.Context, partnerID string, run, against int64) iter.Seq2[standing.Transition, error]
	// Heads are the batches of attestations that were imported by an instant, the newest first. The
	// first one's number and the instant are the cut that Blocked, Tally and Entries are asked for,
	// so that what happens meanwhile stays out of the workbook.
	Heads(ctx context.Context, at time.Time) ([]ledger.BatchHead, error)
	// Chain describes the event chain as it was at an instant, and counts how much of it is
	// unaltered.
	Chain(ctx context.Context, at time.Time) (ledger.Chain, error)
	// Tally counts attestations by partner; those whose customer is nobody's are the partner "".
	Tally(ctx context.Context, cut ledger.Snapshot) (map[string]ledger.DeliveryTotals, error)
	// Entries walks a partner's attestations: those that need a person first, then those that wait
	// for the customer, the longest first, then the newest batch, in the order of its file.
	Entries(ctx context.Context, partnerID string, cut ledger.Snapshot) iter.Seq2[ledger.AttestationEntry, error]
}

// SheetRows is how many data rows a sheet got. Sheet is its English name, whatever the language of
// the book; a sheet that was full goes on in "Customers (2)", which has an entry of its own.
type SheetRows struct {
	Sheet string
	Rows  int
}

// Written is what a report holds.
type Written struct {
	Sheets  []SheetRows // the data sheets, in workbook order
	Failing int         // how many of all checks do not hold, whether their sheet was wanted or not
	SHA256  string      // of the data of a workbook; empty for other formats
}
