package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/demo"
	"github.com/mcaledger/mcaledger/reports"
)

// runJSON runs a command and reads its reply.
func runJSON(t *testing.T, reply any, args ...string) (exit int) {
	t.Helper()
	var out, log bytes.Buffer
	exit = Main(t.Context(), append(args, "--json"), Env{Stdout: &out, Stderr: &log, Now: time.Now})
	require.NoError(t, json.Unmarshal(out.Bytes(), reply), "%s%s", &out, &log)
	return exit
}

func TestDemoShowsTheWholeJobAndCanBeContinued(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "demo")
	demoed := func(reply any, nights int) int {
		return runJSON(t, reply, "demo", "--dir", folder, "--customers", "100", "--nights", strconv.Itoa(nights))
	}
	var r demoReply
	require.Equal(t, exitDone, demoed(&r, 10), "%+v", r.Error)
	assertDemoIsWhole(t, r)

	config := filepath.Join(folder, demo.ConfigFile)
	var verified bare
	assert.Equal(t, exitDone, runJSON(t, &verified, "verify", "--config", config), "%+v", verified.Error)
	continueDemo(t, folder, config)

	require.Equal(t, exitDone, demoed(&demoReply{}, demo.FewestNights), "again in the same folder")
	require.NoError(t, os.WriteFile(r.Workbook, []byte("somebody's notes"), 0o600))
	var refused demoReply
	assert.Equal(t, exitUsage, demoed(&refused, demo.FewestNights))
	assert.Contains(t, refused.Error.Message, r.Workbook)
	notes, err := os.ReadFile(r.Workbook)
	require.NoError(t, err)
	assert.Equal(t, "somebody's notes", string(notes))
}

func assertDemoIsWhole(t *testing.T, r demoReply) {
	t.Helper()
	assert.FileExists(t, r.Workbook)
	for _, sheet := range reports.SheetNames() {
		assert.Positive(t, r.Sheets[sheet], sheet)
	}
	var told strings.Builder
	for _, e := range r.Events {
		told.WriteString(e.Text + "\n")
	}
	for _, text := range []string{
		"First night: ", "list of exceptions", " invites ", "imports a list of signed agreements", "approves batch 1",
		"list in the inbox is imported", "enhanced route", "Attestations created: ", "Links expired: ",
		"is incomplete", "corrects", "cancels", "Last night: ",
	} {
		assert.Contains(t, told.String(), text)
	}
}

// continueDemo serves the accounts of a demo again, and lets a night pass.
func continueDemo(t *testing.T, folder, config string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- Main(ctx, []string{"simulate", "--continue", filepath.Join(folder, demo.SavedFile)},
			Env{Stdout: writer, Stderr: io.Discard, Now: time.Now})
		writer.Close()
	}()
	said := bufio.NewScanner(reader)
	for said.Scan() && !strings.Contains(said.Text(), "nightly") {
	}
	require.Contains(t, said.Text(), config)
	var second simulateReply
	assert.Equal(t, exitFailed, runJSON(t, &second, "simulate", "--continue", filepath.Join(folder, demo.SavedFile)))
	assert.Contains(t, second.Error.Message, "address already in use")
	var night nightlyReply
	exit := runJSON(t, &night, "nightly", "--config", config)
	assert.Contains(t, []int{exitDone, exitPartial}, exit, "%+v", night.Error)
	require.Len(t, night.Reconcile.Runs, 3)
	for _, run := range night.Reconcile.Runs {
		assert.True(t, run.Balanced, run.Partner)
		assert.Zero(t, run.NewlyBlocked, "%s: what was accepted stays accepted", run.Partner)
	}
	stop()
	_, err := io.Copy(io.Discard, reader)
	require.NoError(t, err)
	assert.Equal(t, exitDone, <-ended)
}
