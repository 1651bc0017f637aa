package jobs

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// brokenOff is an error with a code of its own that wraps why the work ended.
type brokenOff struct{ error }

func (e brokenOff) Unwrap() error { return e.error }
func (brokenOff) Code() string    { return "database" }
func (brokenOff) Hint() string    { return "Check that the database is up." }

// What was broken off because the program was told to stop is an interruption, for the exit code
// and in JSON alike.
func TestExplainInterruption(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		code string
	}{
		"a statement":                        {brokenOff{ErrInterrupted}, "interrupted"},
		"a statement, wrapped":               {fmt.Errorf("contoso: %w", brokenOff{ErrInterrupted}), "interrupted"},
		"a statement that failed by itself":  {brokenOff{errors.New("disk full")}, "database"},
		"the wrong use of a command":         {errors.Join(usageErrorf("no"), ErrInterrupted), "usage"},
		"several partners, one of which was": {errors.Join(ErrInterrupted, brokenOff{errors.New("x")}), "interrupted"},
	} {
		code, hint := Explain(c.err)
		require.Equal(t, c.code, code, name)
		require.NotEmpty(t, hint)
		require.Equal(t, c.code == "interrupted", OutcomeOf(c.err) == OutcomeInterrupted, name)
	}
}

// The most frequent error of a night is named as it was, and customers who were answered alike are
// counted together.
func TestDescribeReadErrors(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]standing.ReadError{
		"answered 403, code 20002": {Status: 403, Code: "20002",
			Message: "no relationship with customer 7", RequestID: "1"},
		"answered 500":                          {Status: 500, Message: "error 0x80070005 in thread 7"},
		"answered 200, an answer without items": {Status: 200, Message: "an answer without items", RequestID: "2"},
		"answered 200":                          {Status: 200},
		"no answer": {Message: "read tcp 127.0.0.1:4711: connection reset by peer",
			RequestID: "3"},
		"agreements whose dates make no sense": {},
	} {
		require.Equal(t, want, describe(e))
	}
}
