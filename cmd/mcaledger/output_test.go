package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/messages"
)

// Names of files and customers are written by others.
func TestNothingSteersTheTerminal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain\ttext\n":                "plain\ttext\n",
		"São João, 東京, O'Brien 🙂":      "São João, 東京, O'Brien 🙂",
		"\x1b]0;title\x07":             `\u001b]0;title\u0007`,
		"over\rwritten":                `over\u000dwritten`,
		"back\b\x7f":                   `back\u0008\u007f`,
		"8-bit \u009b31m":              `8-bit \u009b31m`,
		"gpj.exe\u202etxt\u2066\u200f": `gpj.exe\u202etxt\u2066\u200f`,
		"not UTF-8: \xff\xc3":          `not UTF-8: \ufffd\ufffd`,
	} {
		var out bytes.Buffer
		n, err := (&safeWriter{to: &out}).Write([]byte(text))
		require.NoError(t, err)
		require.Equal(t, len(text), n)
		require.Equal(t, want, out.String())
	}
	// In JSON what is escaped comes back as it was.
	var out bytes.Buffer
	require.NoError(t, json.NewEncoder(&safeWriter{to: &out}).Encode("\x1b\u009b\u202e\x7f"))
	var back string
	require.NoError(t, json.Unmarshal(out.Bytes(), &back))
	require.Equal(t, "\x1b\u009b\u202e\x7f", back)
	require.NotContains(t, out.String(), "\u202e")
}

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestOutputThatIsLostIsAnError(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"version"}, {"version", "--json"}, {"--help"}, {"completion", "bash"}} {
		var stderr bytes.Buffer
		require.Equal(t, exitFailed, Main(t.Context(), args, Env{Stdout: fullDisk{}, Stderr: &stderr, Now: time.Now}),
			args)
		require.Contains(t, stderr.String(), "write to stdout: no space left on device", args)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := &app{out: &safeWriter{to: &out}, texts: func() messages.Catalogue { return messages.Catalogue{} }}
	list := table{columns: []column{right("RUN"), left("PARTNER"), left("STATE")}}
	a.answer(list)
	require.Empty(t, out.String(), "nothing to show")
	list.add(7, "東京", "ok")
	list.add(1234, "a\x1b\nb", "")
	a.quiet = true
	a.answer(list)
	require.Equal(t, " RUN  PARTNER    STATE\n   7  東京       ok\n1234  a\\u001b b\n", out.String())
}

func TestProgressIsLoggedOnceAMinute(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
	p := &progress{now: func() time.Time { return now }, tasks: map[string]*task{},
		log: slog.New(slog.NewTextHandler(&out,
			&slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			}}))}
	known, unknown := p.watch("contoso: customers"), p.watch("contoso: subscriptions")
	for second := range 130 {
		known(second*10, 2000)
		unknown(second, 0)
		now = now.Add(time.Second)
	}
	require.Equal(t, `level=INFO msg=progress task="contoso: customers" done=600 per_second=10.0 expected=2000 left=2m20s
level=INFO msg=progress task="contoso: subscriptions" done=60 per_second=1.0
level=INFO msg=progress task="contoso: customers" done=1200 per_second=10.0 expected=2000 left=1m20s
level=INFO msg=progress task="contoso: subscriptions" done=120 per_second=1.0
`, out.String())
	require.Nil(t, (*progress)(nil).watch("quiet"))
}
