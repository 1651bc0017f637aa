package notify

import "time"

// Outcome says how a night ended.
type Outcome string

// The outcomes.
const (
	Done        Outcome = "done"
	Partial     Outcome = "partial" // done, but something needs a person
	Failed      Outcome = "failed"
	Interrupted Outcome = "interrupted"
)

// Night is what is told about a night. Its JSON form is what a generic webhook gets: names are a
// contract.
type Night struct {
	Outcome      Outcome      `json:"outcome"`
	Started      time.Time    `json:"started"`
	Finished     time.Time    `json:"finished"`
	Host         string       `json:"host"`
	Version      string       `json:"version"`
	Partners     []Partner    `json:"partners"`
	Attestations Attestations `json:"attestations"`
	Problems     []Problem    `json:"problems"`
	Workbook     string       `json:"workbook"` // path; empty: none was written
}

// Partner is the run of one partner: its counts, and what changed since the last completed run.
type Partner struct {
	Name            string   `json:"name"`
	Clear           int      `json:"clear"`
	Blocked         int      `json:"blocked"`
	Unknown         int      `json:"unknown"`
	Excluded        int      `json:"excluded"`
	NewlyBlocked    int      `json:"newly_blocked"`
	NoLongerBlocked int      `json:"no_longer_blocked"`
	New             int      `json:"new"`
	Gone            int      `json:"gone"`
	NewlyUnreadable int      `json:"newly_unreadable"`        // more customers than last time that could not be read
	Names           []string `json:"newly_blocked_customers"` // some or all of the newly blocked
}

// Attestations counts what happened to attestations in the night.
type Attestations struct {
	Imported  int `json:"imported"`
	Refused   int `json:"refused"` // rows of files, and attestations that the service refused
	Sent      int `json:"sent"`
	Confirmed int `json:"confirmed"`
	Waiting   int `json:"waiting"` // for the customer, or for approval
}

// Problem is something that a person should look at.
type Problem struct {
	Message string `json:"message"`
	Hint    string `json:"hint"`
	// Routine problems are told with a night, but are no reason to tell it: they were there before.
	Routine bool `json:"routine"`
}

func (n Night) changed() bool {
	for _, p := range n.Partners {
		if p.NewlyBlocked+p.NoLongerBlocked+p.New+p.Gone+p.NewlyUnreadable > 0 {
			return true
		}
	}
	for _, p := range n.Problems {
		if !p.Routine {
			return true
		}
	}
	return n.Attestations.Imported+n.Attestations.Refused+n.Attestations.Sent+n.Attestations.Confirmed > 0
}

func (n Night) failed() bool { return n.Outcome == Failed || n.Outcome == Interrupted }

func (n Night) totals() (blocked, newlyBlocked, noLongerBlocked int) {
	for _, p := range n.Partners {
		blocked += p.Blocked
		newlyBlocked += p.NewlyBlocked
		noLongerBlocked += p.NoLongerBlocked
	}
	return blocked, newlyBlocked, noLongerBlocked
}

// Counts are the numbers of the table of partners, in the order of its headings.
func (p Partner) Counts() []int {
	return []int{p.Blocked, p.NewlyBlocked, p.NoLongerBlocked, p.Clear, p.Unknown, p.New, p.Gone}
}
