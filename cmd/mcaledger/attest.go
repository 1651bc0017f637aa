package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) attestCommand() *cobra.Command {
	attest := &cobra.Command{
		Use:   "attest",
		Short: "import, approve and submit partner attestations",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return usageError{fmt.Errorf("attest needs a command: import, approve, submit, list, show, cancel, retry, correct, resume, results or template")}
		},
	}
	attest.AddCommand(a.attestImportCommand(), a.attestApproveCommand(), a.attestSubmitCommand(), a.attestListCommand(), a.attestShowCommand(),
		a.attestCancelCommand(), a.attestRetryCommand(), a.attestCorrectCommand(), a.attestResumeCommand(), a.attestResultsCommand(), a.attestTemplateCommand())
	return attest
}
