package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// pages are the README and the pages of docs, by their path from the top of the repository.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"README.md", "docs/*.md", "docs/decisions/*.md"} {
		paths, err := filepath.Glob(filepath.Join("../..", pattern))
		require.NoError(t, err)
		require.NotEmpty(t, paths)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			name, err := filepath.Rel("../..", path)
			require.NoError(t, err)
			all[filepath.ToSlash(name)] = string(text)
		}
	}
	return all
}

var (
	codeFence    = regexp.MustCompile("(?s)```([a-z]*)\n(.*?)```")
	commandLine  = regexp.MustCompile(`(?:^|[/\s])mcaledger((?:\s+[^\s|;&>]+)+)`)
	otherProgram = regexp.MustCompile(`^(sudo |)(docker build|install|dpkg|systemctl|journalctl|systemd-analyze) `)
	codeSpan     = regexp.MustCompile("`([^`\n]+)`")
	pageLink     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	pageHeading  = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

// Every command line in the documentation names commands and flags that exist, and arguments that
// they take.
func TestDocumentedCommandsExist(t *testing.T) {
	t.Parallel()
	found := 0
	all := pages(t)
	for name, args := range map[string]string{
		".ci/release/mcaledger.service":   `(?m)^ExecStart=/usr/bin/mcaledger (.*)$`,
		"docs/deployment/kubernetes.yaml": `(?m)^ *args: \[(.*)\]$`,
	} {
		text, err := os.ReadFile(filepath.Join("../..", name))
		require.NoError(t, err)
		line := regexp.MustCompile(args).FindSubmatch(text)
		require.NotNil(t, line, name)
		all[name] = "`mcaledger " + strings.ReplaceAll(string(line[1]), ",", "") + "`"
	}
	for page, text := range all {
		var lines []string
		for _, block := range codeFence.FindAllStringSubmatch(text, -1) {
			if block[1] == "sh" || block[1] == "" {
				lines = append(lines, strings.Split(block[2], "\n")...)
			}
		}
		for _, span := range codeSpan.FindAllStringSubmatch(codeFence.ReplaceAllString(text, ""), -1) {
			lines = append(lines, span[1])
		}
		for _, line := range lines {
			for _, m := range commandLine.FindAllStringSubmatch(line, -1) {
				arguments := strings.Fields(strings.ReplaceAll(m[1], `"`, ""))
				if arguments[0] == "mcaledger" { // the name of a user or an image stood before it
					arguments = arguments[1:]
				}
				if otherProgram.MatchString(line) || strings.ContainsAny(arguments[0], "/:.=,") {
					continue
				}
				found++
				checkCommand(t, page+": "+line, arguments)
			}
		}
	}
	require.Greater(t, found, 30)
}

func checkCommand(t *testing.T, where string, arguments []string) {
	t.Helper()
	root := (&app{Env: Env{Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}}}).root()
	cmd, rest, err := root.Find(arguments)
	require.NoError(t, err, where)
	if cmd == root {
		known := len(rest) == 0 || strings.HasPrefix(rest[0], "-") || rest[0] == "COMMAND"
		require.True(t, known, "%s: there is no such command", where)
	}
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	require.NoError(t, cmd.ParseFlags(rest), where)
	if positional := cmd.Flags().Args(); cmd != root && len(positional) > 0 && cmd.Args != nil {
		require.NoError(t, cmd.ValidateArgs(positional), where)
	}
}

// Every relative link leads to a file, and its anchor to a heading of that page.
func TestDocumentedLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	all := pages(t)
	for page, text := range all {
		for _, m := range pageLink.FindAllStringSubmatch(codeFence.ReplaceAllString(text, ""), -1) {
			target := m[1]
			if strings.Contains(target, "://") {
				continue
			}
			path, anchor, _ := strings.Cut(target, "#")
			linked := page
			if path != "" {
				linked = filepath.ToSlash(filepath.Join(filepath.Dir(page), path))
				_, err := os.Stat(filepath.Join("../..", linked))
				require.NoError(t, err, "%s: %s", page, target)
			}
			if anchor != "" {
				require.Contains(t, anchors(all[linked]), anchor, "%s: %s", page, target)
			}
		}
	}
}

// anchors are the names that forges give to headings.
func anchors(text string) (names []string) {
	for _, m := range pageHeading.FindAllStringSubmatch(text, -1) {
		names = append(names, strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, m[1]))
	}
	return names
}

func TestReadmeIsShort(t *testing.T) {
	t.Parallel()
	require.LessOrEqual(t, strings.Count(pages(t)["README.md"], "\n"), 120)
}

// The exit codes of the README and of the page on operations are those of the help.
func TestDocumentedExitCodes(t *testing.T) {
	t.Parallel()
	codes := regexp.MustCompile(`(?m)^  (\d+) `).FindAllStringSubmatch(exitHelp, -1)
	require.Len(t, codes, 6)
	all := pages(t)
	for _, page := range []string{"README.md", "docs/operations.md"} {
		for _, code := range codes {
			require.Contains(t, all[page], "\n| "+code[1]+" | ", page)
		}
	}
}

// The page on JSON names only what replies have.
func TestDocumentedJSONNamesExist(t *testing.T) {
	t.Parallel()
	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	known := map[string]bool{}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`json:"([^",]+)`).FindAllStringSubmatch(string(text), -1) {
			known[m[1]] = true
		}
	}
	for line := range strings.Lines(pages(t)["docs/json.md"]) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 {
			continue
		}
		for _, span := range codeSpan.FindAllStringSubmatch(cells[2], -1) {
			name := span[1]
			require.True(t, known[name] || strings.HasPrefix(name, "--") || name == "null", "%q in %q", name, line)
		}
	}
}

// The tables of the page on the database are those of the migrations.
func TestDocumentedTablesExist(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../sql/migrations/*.sql")
	require.NoError(t, err)
	created := map[string]bool{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`(?m)^CREATE TABLE (\w+)`).FindAllStringSubmatch(string(text), -1) {
			created[m[1]] = true
		}
	}
	page := pages(t)["docs/database.md"]
	for _, m := range regexp.MustCompile(`(?m)^    (\w+) [|}][^ ]+ (\w+) :`).FindAllStringSubmatch(page, -1) {
		require.True(t, created[m[1]] && created[m[2]], m[0])
	}
	for line := range strings.Lines(page) {
		if cells := strings.Split(line, "|"); len(cells) == 4 {
			for _, span := range codeSpan.FindAllStringSubmatch(cells[1], -1) {
				require.True(t, created[span[1]], line)
			}
		}
	}
}
