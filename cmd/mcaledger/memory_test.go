package main

import (
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/demo"
	"github.com/mcaledger/mcaledger/internal/simulator"
)

// BenchmarkMemory measures the greatest memory of a sweep and of its report, each a process of its
// own, at 100,000 customers against 10,000. At most 1.3.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		small, large := peaks(b, 10_000), peaks(b, 100_000)
		for command, peak := range large {
			b.ReportMetric(peak, command+"-MB")
			b.ReportMetric(peak/small[command], command+"-÷10k")
		}
	}
}

// peaks returns the greatest resident memory of each command, in MB.
func peaks(b *testing.B, customers int) map[string]float64 {
	b.Helper()
	sim, err := simulator.New(simulator.Options{Seed: 31, Customers: customers})
	require.NoError(b, err)
	server := httptest.NewServer(sim)
	defer server.Close()
	folder := b.TempDir()
	require.NoError(b, demo.OnePartner(server.URL).Write(folder))
	peaks := map[string]float64{}
	for _, command := range []string{"reconcile", "report"} {
		cmd := exec.Command("mcaledger", command, "--config", filepath.Join(folder, "mcaledger.yaml"))
		cmd.Env = append(cmd.Environ(), "MCALEDGER_PARTNERS_0_REQUESTS_PER_MINUTE=10000000")
		output, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != exitDone && code != exitPartial {
			b.Fatalf("%s: %v\n%s", command, err, output)
		}
		peaks[command] = float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) / 1024
	}
	return peaks
}
