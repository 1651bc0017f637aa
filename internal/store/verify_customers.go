package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/mcaledger/mcaledger/internal/ledger"
)

// observations compares the rows that say what was read of customers with the events that recorded
// them.
func (v *verifier) observations(ctx context.Context) error {
	recorded := map[int64]bool{}
	if err := verifyBegun[subscriptionsRow](ctx, v, recorded, keptSubscriptions.table,
		"begun_subscriptions"); err != nil {
		return err
	}
	if err := verifyBegun[customerResellerRow](ctx, v, recorded, keptCustomerResellers.table,
		"begun_customer_resellers"); err != nil {
		return err
	}
	if err := verifyBegun[resellerRow](ctx, v, recorded, keptResellers.table, "begun_resellers"); err != nil {
		return err
	}
	for sequence, e := range v.enriched {
		if !recorded[sequence] {
			var said observations
			_ = json.Unmarshal([]byte(e.Detail), &said) // an altered detail breaks the chain, which is verified apart
			v.problem(ledger.Problem{Event: sequence}, "the rows of %s that event %d recorded are missing", said.Table,
				sequence)
		}
	}
	return v.subscriptionDetails(ctx)
}

// verifyBegun walks a table by the events that recorded its rows.
func verifyBegun[R any, P observed[R]](ctx context.Context, v *verifier, recorded map[int64]bool, table,
	query string) error {
	var rows []R
	compare := func() {
		if len(rows) == 0 {
			return
		}
		sequence := P(&rows[0]).observed().Event
		recorded[sequence] = true
		var said observations
		e := v.enriched[sequence]
		if json.Unmarshal([]byte(e.Detail), &said) != nil ||
			said != (observations{Table: table, Rows: len(rows), Digest: digestOf[R, P](rows)}) {
			v.problem(ledger.Problem{Event: sequence},
				"the rows of %s that event %d recorded are not what was recorded", table, sequence)
		}
		for i := range rows {
			if P(&rows[i]).observed().PartnerID != e.PartnerID {
				v.problem(ledger.Problem{Event: sequence},
					"rows of %s that event %d recorded belong to another partner", table, sequence)
				break
			}
		}
		rows = rows[:0]
	}
	for row, err := range streamOn[R](ctx, v.store, v.tx, query, nil) {
		if err != nil {
			return err
		}
		if len(rows) > 0 && P(&rows[0]).observed().Event != P(&row).observed().Event {
			compare()
		}
		rows = append(rows, row)
	}
	compare()
	return nil
}

// subscriptionDetails compares single subscriptions with the digest in their sum.
func (v *verifier) subscriptionDetails(ctx context.Context) error {
	type detailRow struct {
		subscriptionRow
		Position     *int   `db:"position"`
		HeaderDigest string `db:"header_digest"`
	}
	var header detailRow
	var rows []subscriptionRow
	compare := func() {
		if header.CustomerID != "" && digestOfSubscriptions(rows) != header.HeaderDigest {
			v.problem(ledger.Problem{}, "the subscriptions of customer %s, read at %s, are not what was recorded",
				header.CustomerID, header.Since.UTC().Format(time.RFC3339))
		}
		rows = rows[:0]
	}
	for row, err := range streamOn[detailRow](ctx, v.store, v.tx, "subscription_details", nil) {
		if err != nil {
			return err
		}
		if row.PartnerID != header.PartnerID || row.CustomerID != header.CustomerID || !row.Since.Equal(header.Since) {
			compare()
			header = row
		}
		if row.Position != nil {
			row.subscriptionRow.Position = *row.Position
			rows = append(rows, row.subscriptionRow)
		}
	}
	compare()
	return nil
}

// exceptions compares exceptions and invitations with their events.
func (v *verifier) exceptions(ctx context.Context) error {
	compare := func(event int64, digest, detail string) {
		var said digested
		if json.Unmarshal([]byte(detail), &said) != nil || said.Digest != digest {
			v.problem(ledger.Problem{Event: event}, "the row of event %d is not what was recorded", event)
		}
	}
	for row, err := range streamOn[struct {
		exceptionRow
		Detail string `db:"detail"`
	}](ctx, v.store, v.tx, "exceptions_with_events", nil) {
		if err != nil {
			return err
		}
		compare(row.Event, row.digest(), row.Detail)
	}
	for row, err := range streamOn[struct {
		invitationRow
		Detail string `db:"detail"`
	}](ctx, v.store, v.tx, "invitations_with_events", nil) {
		if err != nil {
			return err
		}
		compare(row.Event, row.digest(), row.Detail)
	}
	for row, err := range streamOn[struct {
		invitationResultRow
		Detail string `db:"detail"`
	}](ctx, v.store, v.tx, "invitation_results_with_events", nil) {
		if err != nil {
			return err
		}
		said := invitationResultRow{Event: row.Event}
		if json.Unmarshal([]byte(row.Detail), &said) != nil || said != row.invitationResultRow {
			v.problem(ledger.Problem{Event: row.Event}, "the row of event %d is not what was recorded", row.Event)
		}
	}
	var missing []int64
	if err := v.store.list(ctx, v.tx, &missing, "events_without_rows", nil); err != nil {
		return err
	}
	for _, sequence := range missing {
		v.problem(ledger.Problem{Event: sequence}, "the row of event %d is missing", sequence)
	}
	return nil
}
