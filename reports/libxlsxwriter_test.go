package reports

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// BenchmarkAgainstLibxlsxwriter writes the sheet Customers, and compares with libxlsxwriter in
// constant-memory mode on the same rows (what that program needs to read them taken off).
func BenchmarkAgainstLibxlsxwriter(b *testing.B) {
	program := filepath.Join(b.TempDir(), "libxlsxwriter")
	output, err := exec.Command("cc", "-O2", "-o", program, "../testdata/bench/libxlsxwriter.c",
		"-lxlsxwriter").CombinedOutput()
	require.NoError(b, err, "%s\nmake bench installs what is missing; on Debian or Ubuntu: sudo apt-get install -y "+
		"gcc libxlsxwriter-dev", output)
	for _, n := range []int{200_000, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			c, folder := crowd(n), b.TempDir()
			list := filepath.Join(folder, "rows")
			writeList(b, list, c)
			book := c.book()
			book.Sheets = []string{sheetCustomers}
			for b.Loop() {
				seconds, kilobytes := libxlsxwriter(b, program, list, filepath.Join(folder, "limit.xlsx"))
				reading, _ := libxlsxwriter(b, program, list, filepath.Join(folder, "read.xlsx"), "read")
				began := time.Now()
				peak := peakHeap(func() {
					file, err := os.Create(filepath.Join(folder, "ours.xlsx"))
					require.NoError(b, err)
					_, err = Write(b.Context(), file, book, c)
					require.NoError(b, err)
					require.NoError(b, file.Close())
				})
				took := time.Since(began).Seconds()
				b.ReportMetric(took, "s")
				b.ReportMetric(took/(seconds-reading), "÷libxlsxwriter")
				b.ReportMetric(float64(peak)/1e6, "peak-heap-MB")
				b.ReportMetric(kilobytes/1e3, "libxlsxwriter-MB")
			}
		})
	}
}

func libxlsxwriter(b *testing.B, program string, arguments ...string) (seconds, kilobytes float64) {
	b.Helper()
	output, err := exec.Command(program, arguments...).Output()
	require.NoError(b, err)
	_, err = fmt.Sscan(string(output), &seconds, &kilobytes)
	require.NoError(b, err)
	return seconds, kilobytes
}

// writeList writes the rows of the sheet Customers for the other program.
func writeList(b *testing.B, path string, c crowd) {
	b.Helper()
	file, err := os.Create(path)
	require.NoError(b, err)
	r, err := gather(b.Context(), c.book(), c)
	require.NoError(b, err)
	t := r.customers()
	out := &listWriter{Writer: bufio.NewWriterSize(file, 1<<20), columns: t.columns, location: r.book.Location}
	require.NoError(b, t.fill(b.Context(), out))
	require.NoError(b, out.Flush())
	require.NoError(b, file.Close())
}

// listWriter writes rows as lines of cells that begin with what they hold.
type listWriter struct {
	*bufio.Writer
	columns  []columnLayout
	location *time.Location
	line     []byte
}

func (o *listWriter) WriteRow(cells []Cell) error {
	o.line = o.line[:0]
	for i, c := range cells {
		switch c.kind {
		case textCell:
			o.put('t', c.text)
		case codeCell:
			o.put('t', wordOf(o.columns[i].words, c.text))
		case countCell, atLeastCell, idCell:
			o.put('n', strconv.FormatInt(c.n, 10))
		case dayCell:
			serial, _ := xlsx.DaySerial(c.text)
			o.put('d', strconv.FormatFloat(serial, 'f', -1, 64))
		case instantCell:
			o.put('i', strconv.FormatFloat(xlsx.TimeSerial(time.Unix(c.n, 0), o.location), 'f', -1, 64))
		}
		o.line = append(o.line, '\t')
	}
	o.line[len(o.line)-1] = '\n'
	_, err := o.Write(o.line)
	return err
}

func (o *listWriter) put(kind byte, value string) { o.line = append(append(o.line, kind), value...) }
