package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/simulator"
)

// Rows of all kinds go in, and each has an answer at every stage: at import, after the submission,
// and when the same file comes again.
func TestEveryRowIsAccountedFor(t *testing.T) {
	t.Parallel()
	for name, address := range bothDatabases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKillableWith(t, address, simulator.Options{Seed: 24, Customers: 1000, Mix: simulator.MixAllKinds})
			require.NoError(t, k.reconcile(t))
			file := filepath.Join(k.folder, "list.csv")
			require.NoError(t, os.WriteFile(file, []byte(k.listOfAllKinds(t)), 0o600))

			var imported importReply
			k.ask(t, &imported, "attest", "import", "--by", "ana", file)
			require.Equal(t, exitPartial, imported.Exit)
			first := imported.Batches[0]
			require.Equal(t, []int{240, 132, 58, 30, 20}, []int{first.Rows, first.Queued, first.Refused,
				first.Duplicates, first.AlreadyKnown})
			require.Equal(t, map[string]int{"queued": 132, "refused": 58, "duplicate": 30, "already_known": 20},
				results(t, first.ResultFile, file))

			var submitted submitReply
			k.ask(t, &approveReply{}, "attest", "approve", "--by", "bea", "1")
			k.ask(t, &submitted, "attest", "submit")
			require.Equal(t, exitPartial, submitted.Exit)
			require.Equal(t, []int{132, 124, 8, 0}, []int{submitted.Sent, submitted.Confirmed, submitted.Failed,
				submitted.RetryLater})
			require.Len(t, k.sim.Effects(), 124)

			var answered importReply
			k.ask(t, &answered, "attest", "results", "1", "--dir", k.folder)
			require.Equal(t, exitDone, answered.Exit)
			require.Equal(t, map[string]int{"confirmed": 124, "failed": 8, "refused": 58, "duplicate": 30,
				"already_known": 20},
				results(t, answered.Batches[0].ResultFile, file))

			var again importReply
			k.ask(t, &again, "attest", "import", "--by", "ana", file)
			second := again.Batches[0]
			require.Equal(t, []int{240, 0, 58, 162, 20}, []int{second.Rows, second.Queued, second.Refused,
				second.Duplicates, second.AlreadyKnown})
			require.Equal(t, map[string]int{"refused": 58, "duplicate": 162, "already_known": 20},
				results(t, second.ResultFile, file))
			k.ask(t, &submitted, "attest", "submit")
			require.Zero(t, submitted.Sent)
			require.Len(t, k.sim.Effects(), 124)
			require.NoError(t, k.run(t, "verify"))
		})
	}
}

// listOfAllKinds is a file of 240 rows: 132 that can be queued, of which Microsoft will take 124;
// 30 that are there twice; 20 that Microsoft has already; 58 that are refused, for five reasons.
func (k *killable) listOfAllKinds(t *testing.T) string {
	t.Helper()
	rows := []string{"customer_tenant_id,first_name,last_name,email,date_agreed,phone"}
	world, next := k.sim.World(), map[simulator.Kind]int{}
	customer := func(kind simulator.Kind) (c simulator.Customer) {
		for ; next[kind] < world.Len(); next[kind]++ {
			if c = world.Customer(next[kind]); c.Kind == kind && world.Listed(next[kind]) {
				next[kind]++
				return c
			}
		}
		require.Fail(t, "the world is too small", kind)
		return c
	}
	add := func(n int, row func(i int) string) {
		for i := range n {
			rows = append(rows, row(i))
		}
	}
	ana := func(kind simulator.Kind) func(int) string {
		return func(i int) string {
			c := customer(kind)
			return fmt.Sprintf("%s,Ana,Souza,ana%d@example.com,2026-11-%02d,", c.TenantID, c.Index, 1+i%20)
		}
	}
	onRecord := func(kind simulator.Kind) func(int) string {
		return func(int) string {
			c := customer(kind)
			for _, a := range c.Agreements {
				if p := a.Contact; a.Type == "MicrosoftCustomerAgreement" {
					return fmt.Sprintf("%s,%s,%s,%s,2024-05-06,%s", c.TenantID, p.FirstName, p.LastName, p.Email,
						strings.ReplaceAll(p.PhoneNumber, " ", ""))
				}
			}
			return ""
		}
	}
	for range 2 {
		add(20, ana(simulator.NeverAccepted))
		add(20, ana(simulator.CloudOnly))
		add(16, ana(simulator.NeverAcceptedError))
		add(6, ana(simulator.Outdated))
		add(2, ana(simulator.RoleMissing))
		add(2, ana(simulator.Vanished))
	}
	rows = append(rows, rows[1:31]...)
	add(20, onRecord(simulator.Attested))
	add(20, onRecord(simulator.OutdatedByOneDay))
	add(12, ana(simulator.AcceptedDirectly))
	add(6, func(i int) string {
		return fmt.Sprintf("99999999-9999-4999-8999-9999999999%02d,Ana,Souza,ana@example.com,2026-11-20,", i)
	})
	add(10, func(i int) string { return strings.Replace(ana(simulator.OutdatedByOneDay)(i), "@", " at ", 1) })
	add(5, ana(simulator.CloudOnly))
	for _, row := range rows[len(rows)-5:] {
		rows = append(rows, strings.Replace(row, "Ana,Souza", "Eva,Lima", 1))
	}
	require.Len(t, rows, 241)
	return strings.Join(rows, "\n") + "\n"
}

// results counts the answers in a result file, which is the file itself with four columns more, and
// an answer in every row.
func results(t *testing.T, path, file string) map[string]int {
	t.Helper()
	read := func(path string) [][]string {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		rows, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))).ReadAll()
		require.NoError(t, err)
		return rows
	}
	answered, asked, counts := read(path), read(file), map[string]int{}
	require.Len(t, answered, len(asked))
	for i, row := range answered {
		own := len(asked[i])
		require.Equal(t, asked[i], row[:own])
		if i == 0 {
			continue
		}
		result, reason, hint := row[own], row[own+1], row[own+2]
		counts[result]++
		require.NotEmpty(t, row[own+3], "the id")
		if result != "queued" && result != "confirmed" {
			require.NotEmpty(t, reason, "line %d is %s", i+1, result)
		}
		if result == "refused" || result == "failed" {
			require.NotEmpty(t, hint, "line %d is %s", i+1, result)
		}
	}
	return counts
}

// ask runs the program to its end and reads its reply.
func (k *killable) ask(t *testing.T, reply any, arguments ...string) {
	t.Helper()
	cmd := exec.Command("mcaledger", append(arguments, "--json", "--config",
		filepath.Join(k.folder, "mcaledger.yaml"))...)
	cmd.Env = append(os.Environ(), "MCALEDGER_DATABASE="+k.address, "MCALEDGER_ATTESTATION_ROUTE=classic")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, _ := cmd.Output() // the reply has the exit code
	require.NoError(t, json.Unmarshal(stdout, reply), "%s", stderr.String())
}
