package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/demo"
	"github.com/mcaledger/mcaledger/internal/simulator"
)

// The report itself is filled in and sent back, in every language, in both of its sheets, and once
// more when others have changed the exceptions since.
func TestReportsThatAreFilledInAndSentBack(t *testing.T) {
	t.Parallel()
	for language, sheets := range map[string][2]string{
		"en": {"Blocked", "Exceptions"}, "pt-BR": {"Bloqueados", "Exceções"}, "es": {"Bloqueados", "Excepciones"},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t, language)
			o.run(t, exitPartial, nil, "reconcile")
			first := o.report(t)
			until := time.Now().UTC().AddDate(0, 2, 0).Truncate(24 * time.Hour)
			filled := fillIn(t, first, sheets[0], map[int][]any{0: {"Oliver", nil, "waits for their lawyer", until},
				1: {"Carl", until, nil, nil}})
			var done exceptionsReply
			o.run(t, exitDone, &done, "exceptions", "import", filled)
			require.Equal(t, []int{2, 2, 0, 0}, []int{done.Rows, done.Taken, done.Unchanged, done.Refused})
			require.Equal(t, 0, done.EmptyKept)
			require.Greater(t, done.Empty, 20)

			second := o.report(t)
			o.run(t, exitDone, &done, "exceptions", "import", second)
			require.Equal(t, []int{4, 0, 4}, []int{done.Rows, done.Taken, done.Unchanged},
				"both sheets say what is known")
			require.Len(t, done.Sheets, 2)

			// On the other sheet the first exception gets another owner; the old report changes
			// nothing of it, but its date.
			changed := fillIn(t, second, sheets[1], map[int][]any{0: {"Dora"}})
			o.run(t, exitDone, &done, "exceptions", "import", changed)
			require.Equal(t, []int{1, 0}, []int{done.Taken, done.Refused})
			old := fillIn(t, second, sheets[0], map[int][]any{0: {nil, until.AddDate(0, -1, 0)},
				1: {nil, until.AddDate(0, -1, 0)}})
			o.run(t, exitDone, &done, "exceptions", "import", old)
			require.Equal(t, []int{2, 0}, []int{done.Taken, done.Refused}, "%+v", done)
			clash := fillIn(t, second, sheets[0], map[int][]any{0: {"Eva"}, 1: {"Eva"}})
			o.run(t, exitPartial, &done, "exceptions", "import", clash)
			require.Equal(t, []int{1, 1}, []int{done.Taken, done.Refused})
			require.EqualValues(t, "changed_meanwhile", done.Refusals[0].Reason)

			var listed exceptionListReply
			o.run(t, exitDone, &listed, "exceptions", "list")
			var owners []string
			for _, e := range listed.Exceptions {
				owners = append(owners, e.Owner)
				require.EqualValues(t, until.AddDate(0, -1, 0).Format(time.DateOnly), e.DueDate)
			}
			slices.Sort(owners)
			require.Equal(t, []string{"Dora", "Eva"}, owners)
		})
	}
}

// office is a simulated partner with its program.
type office struct {
	folder  string
	environ []string
	reports int
}

func newOffice(t *testing.T, language string) *office {
	t.Helper()
	sim, err := simulator.New(simulator.Options{Seed: 31, Customers: 120, Mix: simulator.MixAllKinds})
	require.NoError(t, err)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	o := &office{folder: t.TempDir()}
	require.NoError(t, demo.OnePartner(server.URL).Write(o.folder))
	o.environ = append(os.Environ(), "MCALEDGER_REPORT_LANGUAGE="+language)
	return o
}

// run runs a command and reads its reply.
func (o *office) run(t *testing.T, want int, reply any, arguments ...string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	arguments = append(arguments, "--json", "--config", filepath.Join(o.folder, "mcaledger.yaml"))
	got := Main(t.Context(), arguments, Env{Stdout: &stdout, Stderr: &stderr, Environ: o.environ, Now: time.Now})
	require.Equal(t, want, got, "%s", stderr.String())
	if reply != nil {
		clearReply(reply)
		require.NoError(t, json.Unmarshal(stdout.Bytes(), reply))
	}
}

func clearReply(reply any) {
	switch r := reply.(type) {
	case *exceptionsReply:
		*r = exceptionsReply{}
	case *exceptionListReply:
		*r = exceptionListReply{}
	}
}

func (o *office) report(t *testing.T) (path string) {
	t.Helper()
	o.reports++
	path = filepath.Join(o.folder, fmt.Sprintf("report-%d.xlsx", o.reports))
	o.run(t, exitDone, nil, "report", "--out", path)
	return path
}

// fillIn writes owner, due date, comment and acceptance of some rows of a sheet, the first below
// the header being 0, and saves the file as another one.
func fillIn(t *testing.T, path, sheet string, rows map[int][]any) string {
	t.Helper()
	book, err := excelize.OpenFile(path)
	require.NoError(t, err)
	defer book.Close()
	lines, err := book.GetRows(sheet)
	require.NoError(t, err)
	header := slices.IndexFunc(lines, func(cells []string) bool {
		return slices.ContainsFunc(cells, func(cell string) bool {
			return slices.Contains([]string{"Owner", "Responsável", "Responsable"}, cell)
		})
	})
	require.NotEqual(t, -1, header)
	columns := []int{}
	for _, names := range [][]string{{"Owner", "Responsável", "Responsable"}, {"Due date", "Prazo", "Plazo"},
		{"Comment", "Comentário", "Comentario"},
		{"Accepted until", "Aceito até", "Aceptado hasta"}} {
		columns = append(columns, slices.IndexFunc(lines[header], func(cell string) bool {
			return slices.Contains(names, cell)
		})+1)
	}
	for line, values := range rows {
		for i, value := range values {
			if value == nil {
				continue
			}
			name, err := excelize.CoordinatesToCellName(columns[i], header+2+line)
			require.NoError(t, err)
			require.NoError(t, book.SetCellValue(sheet, name, value))
		}
	}
	filled := filepath.Join(t.TempDir(), filepath.Base(path))
	require.NoError(t, book.SaveAs(filled))
	return filled
}
