package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/ledger"
)

// observation holds the columns shared by change-only tables. A repeated reading only updates
// ReadAt.
type observation struct {
	PartnerID string    `db:"partner_id"`
	Since     time.Time `db:"since"`
	ReadAt    time.Time `db:"read_at"`
	Event     int64     `db:"event"`
}

func (o *observation) observed() *observation { return o }

// observed is a row of an observation, of which there is one at a time for each key.
type observed[R any] interface {
	*R
	observed() *observation
	key() string
}

// changeTable is a change-only table and the statements about it.
type changeTable struct {
	table, newest, save string
	within              time.Duration // a row whose last reading is older begins anew
}

// forever is how long a reading counts that is never too old.
const forever time.Duration = 1<<63 - 1

// keepOnChange dates rows that were read at an instant and saves them. One that says what the
// newest row of its key says goes on in that row. It returns the rows that began. No key may come
// twice.
func keepOnChange[R comparable, P observed[R]](ctx context.Context, l *Lease, tx *sqlx.Tx, in changeTable, at time.Time,
	rows []R) (begun []R, err error) {
	keys := make([]string, len(rows))
	for i := range rows {
		keys[i] = P(&rows[i]).key()
	}
	var before []R
	if err := l.store.list(ctx, tx, &before, in.newest, args{"partner_id": l.partner.ID, "keys": keys}); err != nil {
		return nil, err
	}
	known := make(map[string]R, len(before))
	for _, b := range before {
		known[P(&b).key()] = b
	}
	var places []int
	for i := range rows {
		row := P(&rows[i])
		b, found := known[row.key()]
		old, again := *P(&b).observed(), rows[i]
		*P(&again).observed() = old
		now := instant(at)
		if now.Before(old.ReadAt) { // the clock went back: the reading must not be hidden behind an older one
			now = instant(old.ReadAt)
		}
		if found && again == b && now.Sub(old.ReadAt) <= in.within {
			*row.observed() = observation{PartnerID: l.partner.ID, Since: instant(old.Since), ReadAt: now,
				Event: old.Event}
			continue
		}
		if found && !now.After(old.Since) {
			now = instant(old.Since).Add(time.Microsecond)
		}
		*row.observed() = observation{PartnerID: l.partner.ID, Since: now, ReadAt: now}
		places = append(places, i)
	}
	for _, i := range places {
		begun = append(begun, rows[i])
	}
	sequence, err := l.recordBegun(ctx, tx, in.table, at, digestOf[R, P](begun), len(begun))
	if err != nil {
		return nil, err
	}
	for n, i := range places {
		P(&rows[i]).observed().Event, P(&begun[n]).observed().Event = sequence, sequence
	}
	_, err = l.store.exec(ctx, tx, in.save, rows)
	return begun, err
}

// observations is the detail of the event that records new rows of a table.
type observations struct {
	Table  string `json:"table"`
	Rows   int    `json:"rows"`
	Digest string `json:"digest"`
}

func (l *Lease) recordBegun(ctx context.Context, tx *sqlx.Tx, table string, at time.Time, digest string,
	rows int) (sequence int64, err error) {
	if rows == 0 {
		return 0, nil
	}
	detail, err := json.Marshal(observations{Table: table, Rows: rows, Digest: digest})
	if err != nil {
		return 0, err
	}
	return l.store.appendNumbered(ctx, tx, ledger.Event{Kind: ledger.EventEnrich, At: at, PartnerID: l.partner.ID,
		Actor: automatic(), Detail: string(detail)})
}

// digestOf is the digest of rows that were begun together, whatever their order. read_at moves
// later.
func digestOf[R any, P observed[R]](rows []R) string {
	rows = slices.SortedFunc(slices.Values(rows), func(a, b R) int { return cmp.Compare(P(&a).key(), P(&b).key()) })
	digest := newDigester[R]("read_at", "event")
	for i := range rows {
		digest.add(&rows[i])
	}
	return digest.sum()
}
