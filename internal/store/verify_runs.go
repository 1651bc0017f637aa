package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/mcaledger/mcaledger/internal/ledger"
)

// runs compares each run, its checks and its standings with the event of its end, and what was
// added later with the events that added it.
func (v *verifier) runs(ctx context.Context) error {
	var rows []runRow
	if err := v.store.list(ctx, v.tx, &rows, "runs_by_partner", nil); err != nil {
		return err
	}
	there := map[int64]bool{}
	sums := map[string]rowSum{} // of the standings of each partner's newest run so far
	for _, row := range rows {
		there[row.ID] = true
		if err := v.run(ctx, row, sums); err != nil {
			return err
		}
	}
	for id, e := range v.closings {
		if !there[id] {
			v.problem(ledger.Problem{Event: e.Sequence, Run: id}, "run %d was closed and is missing", id)
		}
	}
	return nil
}

func (v *verifier) run(ctx context.Context, row runRow, sums map[string]rowSum) error {
	at := ledger.Problem{Run: row.ID}
	e, closed := v.closings[row.ID]
	if !closed {
		if row.State != ledger.Running {
			v.problem(at, "no event records the end of run %d, which is %s", row.ID, row.State)
		}
		return nil
	}
	at.Event = e.Sequence
	var said closing
	if err := json.Unmarshal([]byte(e.Detail), &said); err != nil {
		v.problem(at, "the event of the end of run %d cannot be read", row.ID)
		return nil
	}
	_, found, err := v.store.describeRun(ctx, v.tx, row.ID)
	if err != nil {
		return err
	}
	found.Cost, found.Changes, found.Standings = said.Cost, said.Changes, said.Standings
	if found != said || !e.At.Equal(orZero(row.FinishedAt)) || e.PartnerID != row.PartnerID {
		v.problem(at, "run %d is not what was recorded when it was closed", row.ID)
	}
	cost := said.Cost
	for _, later := range v.costs[row.ID] {
		cost = cost.Add(later)
	}
	if cost != row.cost() {
		v.problem(at, "run %d cost %+v, the log says %+v", row.ID, row.cost(), cost)
	}
	if reported := v.reported[row.ID]; !reported.Equal(orZero(row.ReportedAt)) {
		v.problem(at, "run %d was last reported as of %s, the log says %s", row.ID, orZero(row.ReportedAt), reported)
	}
	if said.State != ledger.Completed {
		return nil
	}
	changes, ended, begun, err := v.store.digestChanges(ctx, v.tx, row)
	if err != nil {
		return err
	}
	if changes != said.Changes {
		v.problem(at, "the standings that run %d changed are not what was recorded", row.ID)
	}
	sums[row.PartnerID] = sums[row.PartnerID].sub(ended).add(begun)
	if sums[row.PartnerID].String() != said.Standings {
		v.problem(at, "the standings of run %d are not what was recorded", row.ID)
	}
	return nil
}

// standings looks for records that no completed run of their partner can have made.
func (v *verifier) standings(ctx context.Context) error {
	var rows []struct {
		PartnerID  string `db:"partner_id"`
		CustomerID string `db:"customer_id"`
		ValidFrom  int64  `db:"valid_from"`
	}
	if err := v.store.list(ctx, v.tx, &rows, "records_of_no_run", nil); err != nil {
		return err
	}
	for _, r := range rows {
		v.problem(ledger.Problem{Run: r.ValidFrom},
			"the record of customer %s begins or ends with a run that did not complete", r.CustomerID)
	}
	return nil
}

// rememberLater keeps what an event adds to a run after its end.
func (v *verifier) rememberLater(at ledger.Problem, e ledger.Event) {
	switch {
	case e.Kind == ledger.EventEnrich && e.Run != 0:
		var later laterCost
		if err := json.Unmarshal([]byte(e.Detail), &later); err != nil || later.Cost == nil {
			v.problem(at, "event %d cannot be read", e.Sequence)
			return
		}
		v.costs[e.Run] = append(v.costs[e.Run], *later.Cost)
	case e.Kind == ledger.EventReport:
		var report ledger.WrittenReport
		if err := json.Unmarshal([]byte(e.Detail), &report); err != nil {
			v.problem(at, "event %d cannot be read", e.Sequence)
			return
		}
		for _, run := range report.Newest {
			v.reported[run] = report.AsOf.Truncate(time.Microsecond)
		}
	}
}
