package main

import (
	"fmt"
	"os/user"

	"github.com/spf13/cobra"
)

func (a *app) attestCommand() *cobra.Command {
	attest := &cobra.Command{
		Use:   "attest",
		Short: "import, approve and submit partner attestations",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return usageError{fmt.Errorf("attest needs a command: import, approve, submit, list, show, cancel, retry, correct, results or template")}
		},
	}
	attest.AddCommand(a.attestImportCommand(), a.attestApproveCommand(), a.attestSubmitCommand(), a.attestListCommand(), a.attestShowCommand(),
		a.attestCancelCommand(), a.attestRetryCommand(), a.attestCorrectCommand(), a.attestResultsCommand(), a.attestTemplateCommand())
	return attest
}

// byFlag is who does it: --by, else who called sudo, else the user.
func byFlag(cmd *cobra.Command, by *string, environ func(string) string) {
	who := environ("SUDO_USER")
	if who == "" {
		if u, err := user.Current(); err == nil {
			who = u.Username
		}
	}
	cmd.Flags().StringVar(by, "by", who, "who does this; the record keeps it")
}
