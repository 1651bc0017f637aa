package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/commands.md and docs/man again")

// allCommands are the commands that a person sees, each group before its members.
func allCommands() (all []*cobra.Command) {
	root := (&app{Env: Env{Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}}, out: &safeWriter{},
		err: &safeWriter{}}).root()
	root.InitDefaultHelpCmd()
	visit(root, func(cmd *cobra.Command) {
		cmd.InitDefaultHelpFlag()
		cmd.DisableAutoGenTag = true
		own := cmd.Name() != "help" && !strings.HasPrefix(cmd.CommandPath(), "mcaledger completion ")
		if own && (cmd.IsAvailableCommand() || cmd == root) {
			all = append(all, cmd)
		}
	})
	return all
}

func TestEveryCommandIsExplained(t *testing.T) {
	t.Parallel()
	for _, cmd := range allCommands() {
		path := cmd.CommandPath()
		require.NotEmpty(t, cmd.Short, path)
		if !strings.Contains(path, "completion") {
			require.Contains(t, cmd.Example, path, "its examples use it")
		}
		for line := range strings.Lines(cmd.Example) {
			require.True(t, strings.HasPrefix(line, "  mcaledger"), "%s: %q", path, line)
		}
		for line := range strings.Lines(cmd.Long) {
			require.LessOrEqual(t, len(line), 101, "%s: %q", path, line)
		}
	}
}

// docs/commands.md and the man pages are made from the commands: go test ./cmd/mcaledger -run
// Reference -update
func TestReferenceIsCurrent(t *testing.T) {
	t.Parallel()
	made := map[string][]byte{"commands.md": commandsPage(t)}
	for _, cmd := range allCommands() {
		var page bytes.Buffer
		header := &doc.GenManHeader{Section: "1", Source: "mcaledger", Manual: "mcaledger", Date: &time.Time{}}
		require.NoError(t, doc.GenMan(cmd, header, &page))
		name := "man/" + strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1"
		made[name] = bytes.ReplaceAll(page.Bytes(), []byte(`"Jan 0001" `), []byte(`"" `))
	}
	for name, text := range made {
		path := filepath.Join("../../docs", name)
		if *update {
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, text, 0o644))
		}
		kept, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(text), string(kept), "%s is stale: go test ./cmd/mcaledger -run Reference -update",
			path)
	}
	pages, err := filepath.Glob("../../docs/man/*")
	require.NoError(t, err)
	require.Len(t, pages, len(made)-1, "no page of a command that is gone")
}

// commandsPage is docs/commands.md.
func commandsPage(t *testing.T) []byte {
	t.Helper()
	var page bytes.Buffer
	page.WriteString("# Commands\n\nMade from the program by `make docs`; `mcaledger COMMAND --help` prints the " +
		"same.\n")
	for _, cmd := range allCommands() {
		fmt.Fprintf(&page, "\n%s %s\n\n%s.\n", strings.Repeat("#", min(4, 2+strings.Count(cmd.CommandPath(), " "))),
			cmd.CommandPath(), sentence(cmd.Short))
		if cmd.Long != "" {
			text, exits, found := strings.Cut(cmd.Long, "\n\nEXIT STATUS\n")
			fmt.Fprintf(&page, "\n%s\n", text)
			if found {
				fmt.Fprintf(&page, "\nExit status:\n\n```text\n%s\n```\n", exits)
			}
		}
		if cmd.Runnable() && !cmd.HasAvailableSubCommands() {
			fmt.Fprintf(&page, "\n```text\n%s\n```\n", cmd.UseLine())
		}
		if cmd.Example != "" {
			fmt.Fprintf(&page, "\nExamples:\n\n```sh\n%s\n```\n",
				strings.ReplaceAll(strings.TrimPrefix(cmd.Example, "  "), "\n  ", "\n"))
		}
		if flags := cmd.NonInheritedFlags().FlagUsages(); flags != "" {
			fmt.Fprintf(&page, "\nFlags:\n\n```text\n%s```\n", flags)
		}
	}
	return page.Bytes()
}

// sentence begins with a capital letter.
func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
