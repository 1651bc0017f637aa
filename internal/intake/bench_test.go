package intake

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// asOf is the day of the import in tests: half past ten in the morning in São Paulo.
var asOf = time.Date(2026, 11, 22, 13, 30, 0, 0, time.UTC)

// writeList writes a list of so many customers, as a system exports it, and returns its path.
func writeList(tb testing.TB, rows int) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), fmt.Sprintf("ok_%d_rows.csv", rows))
	file, err := os.Create(path)
	require.NoError(tb, err)
	w := bufio.NewWriterSize(file, 1<<20)
	fmt.Fprintln(w, "customer_tenant_id,first_name,last_name,email,date_agreed,phone,company_name,country")
	first, last := []string{"Maria", "João", "Ana Paula", "Bob"}, []string{"Silva", "Souza", "de Oliveira", "Müller"}
	for i := range rows {
		fmt.Fprintf(w, "%08x-5b7d-4e9f-a1b2-%012x,%s,%s,user%d@customer%d.example.com,2026-%02d-%02d,+55119%08d,"+
			"Customer number %d Ltda,BR\n",
			i, i, first[i%4], last[i/4%4], i, i%977, 1+i%10, 1+i%28, i, i)
	}
	require.NoError(tb, errors.Join(w.Flush(), file.Close()))
	return path
}

// readAll reads and checks every row of a file and returns how many are good and how many refused.
func readAll(tb testing.TB, path string) (good, refused int) {
	tb.Helper()
	f, err := Open(path, Options{AsOf: asOf})
	require.NoError(tb, err)
	defer f.Close()
	for row, err := range f.Rows() {
		if err != nil {
			require.NoError(tb, err)
		}
		switch {
		case row.Skip != "":
		case len(row.Refusals) > 0:
			refused++
		default:
			good++
		}
	}
	return good, refused
}

// readBare is the limit that reading is measured against: encoding/csv, once through, nothing
// looked at.
func readBare(tb testing.TB, path string) int {
	tb.Helper()
	file, err := os.Open(path)
	require.NoError(tb, err)
	defer file.Close()
	r := csv.NewReader(bufio.NewReaderSize(file, 1<<20))
	r.ReuseRecord = true
	for rows := 0; ; rows++ {
		_, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows - 1
		}
		if err != nil {
			require.NoError(tb, err)
		}
	}
}

// peakHeap runs work and returns the most bytes of heap objects that were seen meanwhile, beyond
// those before it.
func peakHeap(work func()) uint64 {
	runtime.GC()
	before := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(before)
	var peak atomic.Uint64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(sample)
			peak.Store(max(peak.Load(), sample[0].Value.Uint64()))
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	work()
	close(stop)
	<-done
	return max(peak.Load(), before[0].Value.Uint64()) - before[0].Value.Uint64()
}

// retained is the most memory that reading a file holds on to, looked at every so many rows after a
// collection of garbage.
func retained(tb testing.TB, path string, good, refused int) uint64 {
	tb.Helper()
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most := live(), uint64(0)
	f, err := Open(path, Options{AsOf: asOf})
	require.NoError(tb, err)
	defer f.Close()
	rows := 0
	for row, err := range f.Rows() {
		require.NoError(tb, err)
		if rows++; rows%20_000 == 0 {
			most = max(most, live())
		}
		if len(row.Refusals) > 0 {
			refused--
		} else {
			good--
		}
	}
	require.Zero(tb, good)
	require.Zero(tb, refused)
	return max(most, before) - before
}

// BenchmarkRead measures opening, reading and checking a list against bare encoding/csv reading of
// the same rows, in turns in the same run. The peak of memory must not grow with the rows.
func BenchmarkRead(b *testing.B) {
	for _, rows := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("%d_rows", rows), func(b *testing.B) {
			path := writeList(b, rows)
			var ours, bare time.Duration
			for b.Loop() {
				start := time.Now()
				require.Equal(b, rows, readBare(b, path))
				bare += time.Since(start)

				start = time.Now()
				good, _ := readAll(b, path)
				require.Equal(b, rows, good)
				ours += time.Since(start)
			}
			b.ReportMetric(ours.Seconds()/bare.Seconds(), "×bare")
			b.ReportMetric(float64(rows)*float64(b.N)/ours.Seconds(), "rows/s")
			// Looking at the memory costs time, so it is done apart.
			b.ReportMetric(float64(peakHeap(func() { readAll(b, path) }))/(1<<20), "peak-MB")
		})
	}
}
