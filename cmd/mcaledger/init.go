package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/messages"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/reports/texts"
)

type initReply struct {
	envelope
	File string   `json:"file"`
	Next []string `json:"next"` // commands
}

// question is something that a first configuration has to know: a flag, and what a person is asked
// on a terminal for it.
type question struct {
	flag  string
	key   string // of the configuration; empty: every value is good
	usage string // of the flag
	ask   string // empty: not asked
	usual func() string
	value string
}

// questions are in the order in which they are asked.
func (a *app) questions() []*question {
	return []*question{
		{flag: "partner", key: "partners[0].name", usage: "name of the partner, as reports show it",
			ask: "Name of the partner, as reports show it"},
		{flag: "tenant", key: "partners[0].tenant_id", usage: "Directory (tenant) ID of the Partner Center account",
			ask: "Directory (tenant) ID of the Partner Center account"},
		{flag: "kind", key: "partners[0].kind", usage: "direct_bill, indirect_provider or indirect_reseller",
			ask: "Kind of partner: direct_bill, indirect_provider or indirect_reseller"},
		{flag: "client-id", key: "partners[0].client_id", usage: "Application (client) ID of the app registration",
			ask: "Application (client) ID of the app registration"},
		{flag: "language", key: "report.language", usage: "language of the workbooks (else that of this terminal)",
			ask: "Language of the workbooks", usual: a.usualLanguage},
		{flag: "timezone", key: "report.timezone", usage: "time zone of the reports (else that of this machine)",
			ask: "Time zone of the reports", usual: a.usualTimezone},
		{flag: "certificate", usage: "file with the app's certificate and key, in place of a client secret"},
		{flag: "data", usage: "folder for the ledger, tokens and workbooks (else that of the configuration)"},
		{flag: "api-url", key: "partners[0].api_url",
			usage: "address of Partner Center, if it is not Microsoft's usual one"},
		{flag: "login-url", key: "partners[0].login_url",
			usage: "address of the token server, if it is not Microsoft's usual one"},
	}
}

func (a *app) initCommand() *cobra.Command {
	r := &initReply{envelope: envelope{Command: "init"}, Next: []string{}}
	questions, out := a.questions(), "mcaledger.yaml"
	cmd := a.command("init", "write a first configuration", r, func(ctx context.Context) error {
		return a.init(ctx, r, questions, out)
	})
	cmd.Long = `init writes a configuration with a comment for every key. On a terminal it asks for what no flag
gives. The file holds no secret, and an existing file is never replaced.`
	for _, q := range questions {
		cmd.Flags().StringVar(&q.value, q.flag, "", q.usage)
	}
	cmd.Flags().StringVar(&out, "out", out, "file to write")
	return example(cmd, "mcaledger init", "mcaledger init --out /etc/mcaledger/mcaledger.yaml --data "+
		"/var/lib/mcaledger",
		"mcaledger init --partner contoso --kind direct_bill --tenant 00000000-0000-0000-0000-000000000000"+
			" --client-id 00000000-0000-0000-0000-000000000000")
}

func (a *app) init(ctx context.Context, r *initReply, questions []*question, out string) error {
	if _, err := os.Lstat(out); err == nil {
		return existsError{out}
	}
	if err := a.answers(ctx, questions); err != nil {
		return err
	}
	values := map[string]string{}
	for _, q := range questions {
		values[q.flag] = q.value
	}
	s := config.Starter{Partner: values["partner"], TenantID: values["tenant"],
		Kind: standing.PartnerKind(values["kind"]), ClientID: values["client-id"], Language: values["language"],
		Timezone: values["timezone"], Certificate: values["certificate"], Folder: values["data"],
		APIURL: values["api-url"], LoginURL: values["login-url"]}
	err := s.Create(out)
	switch {
	case errors.Is(err, fs.ErrExist):
		return existsError{out}
	case err != nil:
		return err
	}
	r.File = out
	program := "mcaledger"
	if filepath.Clean(out) != "mcaledger.yaml" {
		program += " --config " + shellWord(out)
	}
	r.Next = append(r.Next, program+" login", program+" doctor", program+" nightly")
	a.printInit(r, s)
	return nil
}

func (a *app) printInit(r *initReply, s config.Starter) {
	a.printf("Wrote %s. It holds no secret.\n", r.File)
	if s.Certificate == "" {
		secret := s.Path(s.SecretFile())
		if !filepath.IsAbs(secret) {
			secret = filepath.Join(filepath.Dir(r.File), secret)
		}
		a.printf("Put the value of the client secret into %s, readable only by the user that runs mcaledger.\n", secret)
		if runtime.GOOS != "windows" {
			a.printf("  %s\n", installCommand(secret))
		}
	}
	a.printf("Next:\n")
	for _, command := range r.Next {
		a.printf("  %s\n", command)
	}
}

// existsError: there is a configuration already.
type existsError struct{ path string }

func (e existsError) Error() string { return e.path + " exists already, and is not replaced" }
func (e existsError) Code() string  { return "usage" }
func (e existsError) Hint() string {
	return "Name another file with --out, or change the one that is there; docs/configuration.md lists every key."
}

// shellWord is a text as a shell takes it for one word.
func shellWord(text string) string {
	plain := !strings.ContainsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("-_./:\\=,+%@", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') &&
			(r < 'a' || r > 'z')
	})
	if plain && text != "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// usualTimezone is the time zone of this machine, if it has a name.
func (a *app) usualTimezone() string {
	link, _ := os.Readlink("/etc/localtime")
	_, linked, _ := strings.Cut(link, "zoneinfo/")
	for _, name := range []string{strings.TrimPrefix(a.getenv("TZ"), ":"), linked} {
		if _, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" {
			return name
		}
	}
	return "UTC"
}

func (a *app) usualLanguage() string { return messages.Preferred(a.Environ, texts.Languages()) }

// installCommand is a command that makes the file of a secret from what is pasted into it.
func installCommand(secret string) string {
	command := "install -m 600"
	if owner := foreignOwner(secret); owner != "" {
		command += " -o " + shellWord(owner)
	}
	return command + " /dev/stdin " + shellWord(secret)
}
