// Package ledger describes what the database keeps: runs with their totals, costs and checks, the
// events of the log, and the rows that reports read. It does no input or output.
package ledger

import (
	"time"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// RunState is the state of a run.
type RunState string

const (
	Running   RunState = "running"   // in progress, or interrupted and to be continued
	Completed RunState = "completed" // closed, every check OK; its standings count
	Failed    RunState = "failed"    // closed by a check that did not hold; it changed no standing
	// interrupted and too old, or made under another policy, to be continued; it changed no
	// standing
	Abandoned RunState = "abandoned"
)

// RunKind is what a run looked at.
type RunKind string

const (
	Sweep RunKind = "sweep" // every customer of the partner
	// a few customers, between two sweeps, because something was done about them; its totals are
	// those of all
	Recheck RunKind = "recheck"
)

// Partner is one Partner Center account. Its identity is its tenant id; the name is a label that
// may change.
type Partner struct {
	ID   string
	Name string
	Kind standing.PartnerKind
}

// Run is one reconciliation of one partner. Instants are UTC.
type Run struct {
	ID            int64
	Kind          RunKind
	Partner       Partner // as it was named in this run
	Policy        standing.Policy
	State         RunState
	Attempt       int    // 1, and one more each time the run was continued after an interruption
	CorrelationID string // MS-CorrelationId of every request of the run
	Version       string // of the program
	StartedAt     time.Time
	FinishedAt    time.Time // zero while running
	// when a workbook last showed it as the newest run, which tells what that workbook could know;
	// zero: never
	ReportedAt    time.Time
	OldestReading time.Time // no customer of the run was read before this instant
	Totals        Totals
	Cost          Cost
	Checks        []Check // empty until the run is closed
	Failure       Failure // of the last attempt, while the run is not completed
}

// Failure is why an attempt at a run ended early; zero: it did not.
type Failure struct {
	Code    string // a stable word
	Message string
	Hint    string // what a person can do
}

// Standings counts customers by standing.
type Standings struct {
	Clear, Blocked, Unknown, Excluded int
}

// Sum is the number of customers counted.
func (s Standings) Sum() int { return s.Clear + s.Blocked + s.Unknown + s.Excluded }

// Totals are the numbers of a run. Each is counted where the thing happened, so that the checks
// compare numbers that were found in different ways.
type Totals struct {
	Listed        int // distinct customers accounted for: on the list, or missing from it and found by a read
	Unlisted      int // customers of the last completed run that the list no longer held
	FoundUnlisted int // those of Unlisted that a read found

	Standings         // what the readings said
	Unreadable    int // those of Unknown that no usable answer came for
	Absent        int // those of Unknown whose tenant or relationship the service does not know
	DirectUndated int // those of Clear that accepted directly on an unknown day

	// Against the last completed run. Every customer that is blocked now and was not then is newly
	// blocked, also one that is new, or could not be read in between; every one that was blocked
	// and is not, and is still there, is no longer blocked.
	New, Gone                        int
	NewlyBlocked, NewlyClear         int
	NoLongerBlocked, GoneBlocked     int
	BlockedByPolicy, ClearedByPolicy int // those of NewlyBlocked and NewlyClear that only the change of policy made so

	GoneConfirmed int       // customers that a read (403/20002 or 404/1000) said are gone
	Ledger        Standings // what the ledger holds with this run applied
}

// Cost is what a run asked of the service: in all its attempts that ended normally, and for the
// subscriptions and resellers that were read after it was closed.
type Cost struct {
	Requests  int     `json:"requests"`  // API calls sent, repeats included
	Throttled int     `json:"throttled"` // answered 429
	Retries   int     `json:"retries"`   // repeats of a call
	Seconds   float64 `json:"seconds"`
}

// Add returns the cost of both.
func (c Cost) Add(d Cost) Cost {
	return Cost{c.Requests + d.Requests, c.Throttled + d.Throttled, c.Retries + d.Retries, c.Seconds + d.Seconds}
}

// Sub returns the cost without what an earlier part of it was.
func (c Cost) Sub(d Cost) Cost {
	return Cost{c.Requests - d.Requests, c.Throttled - d.Throttled, c.Retries - d.Retries, c.Seconds - d.Seconds}
}

// WrittenReport is what the ledger keeps of a report.
type WrittenReport struct {
	File   string    `json:"file"`   // its name, without folders
	SHA256 string    `json:"sha256"` // of the data that it shows
	Newest []int64   `json:"newest"` // runs that it shows as the newest of their partners
	AsOf   time.Time `json:"as_of"`  // the instant as of which it shows the ledger
}
