package main

import (
	"github.com/spf13/cobra"
)

func (a *app) attestCommand() *cobra.Command {
	attest := &cobra.Command{
		Use:   "attest",
		Short: "import, approve and submit partner attestations",
		Long: `attest takes signed agreements to Microsoft: a file of them is imported as a batch, a second
person approves it, and it is submitted. Each row has an id, such as 7-12 for line 12 of batch 7,
and a result.`,
	}
	example(attest, "mcaledger attest template --out list.xlsx", "mcaledger attest import list.xlsx",
		"mcaledger attest approve 7", "mcaledger attest submit", "mcaledger attest results 7")
	attest.AddCommand(a.attestImportCommand(), a.attestApproveCommand(), a.attestSubmitCommand(), a.attestPollCommand(),
		a.attestLinksCommand(), a.attestListCommand(), a.attestShowCommand(), a.attestCancelCommand(),
		a.attestRetryCommand(), a.attestCorrectCommand(), a.attestResumeCommand(), a.attestResultsCommand(),
		a.attestTemplateCommand(), a.attestPurgeCommand())
	return attest
}
