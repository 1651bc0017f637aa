package ledger

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStatusOfAnException(t *testing.T) {
	t.Parallel()
	const today = "2026-11-22"
	for name, c := range map[string]struct {
		exception Exception
		want      ExceptionStatus
		accepted  bool
	}{
		"an owner alone":           {Exception{Owner: "Bea"}, ExceptionOpen, false},
		"due today":                {Exception{DueOn: today}, ExceptionOpen, false},
		"due yesterday":            {Exception{DueOn: "2026-11-21"}, ExceptionOverdue, false},
		"accepted until today":     {Exception{AcceptedUntil: today}, ExceptionAccepted, true},
		"accepted until yesterday": {Exception{AcceptedUntil: "2026-11-21"}, ExceptionExpired, false},
		"accepted, and due yesterday": {Exception{AcceptedUntil: "2026-12-31", DueOn: "2026-11-21"},
			ExceptionOverdue, true},
		"expired, and due yesterday": {Exception{AcceptedUntil: "2026-11-21", DueOn: "2026-11-21"},
			ExceptionExpired, false},
		"expired, and due later": {Exception{AcceptedUntil: "2026-11-21", DueOn: "2026-12-31"},
			ExceptionExpired, false},
		"accepted once, and removed since then": {Exception{AcceptedUntil: "2026-12-31", Removed: true}, ExceptionOpen,
			false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, c.exception.Status(today))
			require.Equal(t, c.accepted, c.exception.Accepts(today))
		})
	}
}
