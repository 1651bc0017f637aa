package intake

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const aRow = "8c3f2a1e-5b7d-4e9f-a1b2-c3d4e5f60718,Maria,da Silva,maria.silva@contoso.com,2026-05-31"

// upload writes a file and returns its path.
func upload(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "may.csv")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// refusedFile is the error with which a file is refused as a whole, on opening or on reading.
func refusedFile(t *testing.T, path string, o Options) *FileError {
	t.Helper()
	f, err := Open(path, o)
	if err == nil {
		defer f.Close()
		_, err = collected(f.Rows())
	}
	wrong, ok := errors.AsType[*FileError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, path, wrong.File)
	return wrong
}

// rowLimit is longer than what is read at once.
const rowLimit = 192 << 10

func TestLimitsAreSentences(t *testing.T) {
	t.Parallel()
	header := "customer_tenant_id,first_name,last_name,email,date_agreed\n"
	for name, c := range map[string]struct {
		content string
		limits  Limits
		want    string
	}{
		"the file": {header + aRow + "\n", Limits{FileBytes: 100},
			": the file is bigger than 100 bytes. Split it into several files"},
		"the columns": {header + aRow + "\n", Limits{Columns: 4},
			" line 1: the header has 5 columns; at most 4 are read. Remove the columns that are not needed"},
		"the rows": {header + strings.Repeat(aRow+"\n", 4), Limits{Rows: 3},
			" line 5: the list has more than 3 lines. Split it into several files"},
		"a line": {header + aRow + "\n" + strings.Repeat("x", 2*rowLimit) + "\n" + aRow + "\n",
			Limits{RowBytes: rowLimit},
			" line 3: the line is longer than 196608 bytes. Check that this is a list with one customer a line, and " +
				"remove what is not"},
		"a line in one lump": {strings.Repeat("x", headerWindow+1), Limits{},
			" line 1: the line is longer than 1 MB. Check that this is a list with one customer a line, and remove " +
				"what is not"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := upload(t, c.content)
			wrong := refusedFile(t, path, Options{Limits: c.limits})
			require.Equal(t, TooBig, wrong.Code)
			require.Equal(t, path+c.want, wrong.Error())
		})
	}
}

func TestTenMegabytesInOneCellAreOneRefusedRow(t *testing.T) {
	t.Parallel()
	f, err := Open(upload(t, "customer_tenant_id,first_name,last_name,email,date_agreed,other\n"+
		aRow+","+strings.Repeat("ten megabytes ", 10<<20/14)+"\n"+aRow+",\"quoted "+strings.Repeat("\nten megabytes",
		10<<20/14)+"\"\n"+aRow+",\n"), Options{})
	require.NoError(t, err)
	defer f.Close()
	rows, err := collected(f.Rows())
	require.NoError(t, err)
	require.Len(t, rows, 3)
	require.Equal(t, []string{"too_long other"}, reasons(rows[0]))
	require.Equal(t, []string{"too_long other"}, reasons(rows[1]))
	require.Empty(t, rows[2].Refusals)
	require.Equal(t, 4+10<<20/14, rows[2].Line)
}

func TestAQuoteLeftOpenInALongFileIsOneRefusedRow(t *testing.T) {
	t.Parallel()
	f, err := Open(upload(t, "customer_tenant_id,first_name,last_name,email,date_agreed,note\n"+
		strings.Repeat(aRow+",\n", 10)+aRow+",\"open\n"+strings.Repeat(aRow+",\n",
		20_000)), Options{Limits: Limits{RowBytes: 1 << 20}})
	require.NoError(t, err)
	defer f.Close()
	rows, err := collected(f.Rows())
	require.NoError(t, err)
	require.Len(t, rows, 20_011)
	for i, row := range rows {
		require.Equal(t, i+2, row.Line)
		require.Equal(t, row.Line == 12, len(row.Refusals) == 1)
	}
}

// Whatever a CSV holds, its cells come out as encoding/csv wrote them, and each row on the line on
// which it begins, wherever the chunks are cut.
func TestCellsComeOutAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "list.csv")
	rapid.Check(t, func(t *rapid.T) {
		delimiter := rapid.SampledFrom(delimiters).Draw(t, "delimiter")
		filler := strings.Repeat("x", rapid.IntRange(0, 3000).Draw(t, "filler"))
		cell := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", `"`, `""`, ",", ";", "|", "\t", "\n", "\r",
			"\r\n", "é", " ", "@", "=", "'"}), 0, 12), func(parts []string) string { return strings.Join(parts, "") })
		notes := rapid.SliceOfN(rapid.SliceOfN(cell, 2, 2), 1, 200).Draw(t, "notes")

		file, err := os.Create(path)
		require.NoError(t, err)
		w := csv.NewWriter(file)
		w.Comma = rune(delimiter)
		require.NoError(t, w.Write([]string{"a", "b", "tenant id", "first name", "last name", "e-mail", "date agreed",
			"c"}))
		var want [][]string
		for _, n := range notes {
			want = append(want, append([]string{n[0], n[1]}, append(strings.Split(aRow, ","), filler)...))
		}
		require.NoError(t, w.WriteAll(want))
		require.NoError(t, file.Close())

		f, err := Open(path, Options{AsOf: asOf})
		require.NoError(t, err)
		defer f.Close()
		line, i := 2, 0
		for row, err := range f.Rows() {
			require.NoError(t, err)
			require.Equal(t, want[i], row.Cells)
			require.Equal(t, line, row.Line)
			require.Empty(t, row.Refusals)
			line += lines(row.Cells)
			i++
		}
		require.Len(t, want, i)
	})
}

func TestTheDigestIsThatOfTheBytes(t *testing.T) {
	t.Parallel()
	for _, path := range corpusFiles(t) {
		f, err := Open(path, optionsOf(filepath.Base(path)))
		if err != nil {
			continue
		}
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		sum := sha256.Sum256(content)
		require.Equal(t, hex.EncodeToString(sum[:]), f.SHA256(), path)
		require.NoError(t, f.Close())
	}
}

func TestRowsCanBeReadTwice(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ok_utf8_comma.csv", "ok_utf16le_excel_unicode_text.csv", "ok_excel.xlsx"} {
		f, err := Open(filepath.Join(corpus, name), Options{AsOf: asOf})
		require.NoError(t, err)
		first, err := collected(f.Rows())
		require.NoError(t, err)
		second, err := collected(f.Rows())
		require.NoError(t, err)
		require.Equal(t, first, second)
		require.NoError(t, f.Close())
		require.NoError(t, f.Close())
		_, err = collected(f.Rows())
		require.ErrorIs(t, err, fs.ErrClosed)
	}
}

// A reader who stops early leaves nothing running behind: synctest fails when goroutines are left
// waiting.
func TestAReaderMayStop(t *testing.T) {
	path := writeList(t, 20_000)
	synctest.Test(t, func(t *testing.T) {
		f, err := Open(path, Options{AsOf: asOf})
		require.NoError(t, err)
		n := 0
		for _, err := range f.Rows() {
			require.NoError(t, err)
			if n++; n == 1500 {
				break
			}
		}
		require.NoError(t, f.Close())
	})
}

func TestAFileThatChangesIsNoList(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ok_utf8_comma.csv", "ok_excel.xlsx"} {
		content, err := os.ReadFile(filepath.Join(corpus, name))
		require.NoError(t, err)
		path := upload(t, string(content))
		f, err := Open(path, Options{AsOf: asOf})
		require.NoError(t, err)
		require.NoError(t, os.Chtimes(path, time.Time{}, asOf))
		_, err = collected(f.Rows())
		wrong, ok := errors.AsType[*FileError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, Changed, wrong.Code)
		require.NoError(t, f.Close())
	}
}

func TestWhatIsNotAFile(t *testing.T) {
	t.Parallel()
	_, err := Open(filepath.Join(t.TempDir(), "nothing.csv"), Options{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.Equal(t, WrongFormat, refusedFile(t, t.TempDir(), Options{}).Code)
}

// The day counts in UTC; "in the future" means that it is no such day anywhere yet.
func TestDatesOfTomorrow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		asOf string
		date string
		held bool
		want Code
	}{
		"today": {"2026-11-22T13:30:00Z", "2026-11-22", false, ""},
		"tomorrow, which has begun on Kiritimati":      {"2026-11-22T13:30:00Z", "2026-11-23", true, ""},
		"tomorrow, the first second of it there":       {"2026-11-22T10:00:00Z", "2026-11-23", true, ""},
		"tomorrow, a second before it begins there":    {"2026-11-22T09:59:59Z", "2026-11-23", false, FutureDate},
		"the day after tomorrow":                       {"2026-11-22T23:59:59Z", "2026-11-24", false, FutureDate},
		"late in the evening in São Paulo, still 22nd": {"2026-11-23T02:00:00Z", "2026-11-23", false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now, err := time.Parse(time.RFC3339, c.asOf)
			require.NoError(t, err)
			_, held, p := newDateReader(Auto, now, false).read(c.date)
			require.Equal(t, c.held, held)
			if c.want == "" {
				require.Nil(t, p)
				return
			}
			require.Equal(t, c.want, p.code)
		})
	}
}

func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	const rows = 150_000
	path := writeList(t, rows)
	require.Less(t, retained(t, path, rows, 0), uint64(4<<20), "the file has 20 MB; a part of it was kept")
}

func TestRowsOfALongWorkbookAreStreamed(t *testing.T) {
	const rows = 30_000
	path := filepath.Join(t.TempDir(), "long.xlsx")
	file, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, WriteResults(file, Format{Kind: XLSX},
		strings.Split("customer_tenant_id,first_name,last_name,email,date_agreed",
			","), func(yield func(Result, error) bool) {
			for i := range rows {
				cells := strings.Split(aRow, ",")
				cells[1] = fmt.Sprint("Maria ", i)
				if !yield(Result{Cells: cells}, nil) {
					return
				}
			}
		}))
	require.NoError(t, file.Close())
	require.Less(t, retained(t, path, rows, 0), uint64(4<<20))
}

// What is wrong with a file goes into logs, and what is wrong with it may be that a person stands
// where its header should be.
func TestAFileErrorNamesNobody(t *testing.T) {
	t.Parallel()
	const row = "8c3f2a1e-5b7d-4e9f-a1b2-c3d4e5f60718,Maria,Silva,maria@contoso.com,2026-05-31\n"
	const header = "customer_tenant_id,first_name,last_name,email,date_agreed\n"
	for code, contents := range map[FileCode][]string{
		NoHeader: {row + row, "Maria Silva,maria@contoso.com\n",
			"\"8c3f2a1e-5b7d-4e9f-a1b2-c3d4e5f60718,Maria,Silva,maria@contoso.com,2026-05-31\"\n",
			"maria@contoso.com\n\n"},
		SecondHeader: {header + row + "Maria Silva maria@contoso.com,last_name,first_name,email,customer_tenant_id\n" +
			row},
	} {
		for _, content := range contents {
			wrong := refusedFile(t, upload(t, content), Options{AsOf: asOf})
			require.Equal(t, code, wrong.Code, content)
			require.NotZero(t, wrong.Line)
			require.NotContains(t, strings.ToLower(wrong.Error()), "maria")
		}
	}
}

func TestAFileFromAPipe(t *testing.T) {
	t.Parallel()
	const content = "customer_tenant_id,first_name,last_name,email,date_agreed\n" + aRow + "\n"
	f, err := OpenReader(strings.NewReader(content), "standard input", Options{AsOf: asOf})
	require.NoError(t, err)
	rows, err := collected(f.Rows())
	require.NoError(t, err)
	require.Len(t, rows, 1)
	sum := sha256.Sum256([]byte(content))
	require.Equal(t, hex.EncodeToString(sum[:]), f.SHA256())
	require.NoError(t, f.Close())

	_, err = OpenReader(strings.NewReader(content), "standard input", Options{Limits: Limits{FileBytes: 20}})
	require.EqualError(t, err, "standard input: the file is bigger than 20 bytes. Split it into several files")
}

// A long file whose lines are refused needs no more memory than one whose lines are good.
func TestMemoryDoesNotGrowWithRefusedRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "refused.csv")
	require.NoError(t, os.WriteFile(path, []byte("customer_tenant_id,first_name,last_name,email,date_agreed\n"+
		strings.Repeat(aRow+"\n", refusableAfter)+strings.Repeat("x\n", 150_000)), 0o600))
	require.Less(t, retained(t, path, refusableAfter, 150_000), uint64(4<<20))
}

func TestAFileOfRefusedRowsIsRefusedInOneSentence(t *testing.T) {
	t.Parallel()
	const header = "customer_tenant_id,first_name,last_name,email,date_agreed\n"
	bad := strings.Replace(aRow, "maria.silva@contoso.com", "maria.silva", 1) + "\n"
	wrong := refusedFile(t, upload(t, header+aRow+"\n"+strings.Repeat(bad, refusableAfter)), Options{AsOf: asOf})
	require.Equal(t, MostlyRefused, wrong.Code)
	require.Contains(t, wrong.Error(),
		"line 3, column email: 999 of the first 1000 rows would be refused, 999 of them like this one: this is not "+
			"an e-mail address")
	require.NotContains(t, wrong.Error(), "maria")

	for name, content := range map[string]string{
		"a shorter one has an answer for each row": header + strings.Repeat(bad, refusableAfter-1),
		"and one with a good row among twenty": header + strings.Repeat(aRow+"\n", 51) + strings.Repeat(bad,
			10*refusableAfter),
	} {
		f, err := Open(upload(t, content), Options{AsOf: asOf})
		require.NoError(t, err, name)
		require.NoError(t, f.Close())
	}
}
