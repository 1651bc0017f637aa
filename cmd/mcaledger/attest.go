package main

import (
	"fmt"
	"os"
	"os/user"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/store"
)

func (a *app) attestCommand() *cobra.Command {
	attest := &cobra.Command{
		Use:   "attest",
		Short: "tell Microsoft, on the word of signed agreements, that customers accepted",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return usageError{fmt.Errorf("attest needs a command: import, approve, submit, list, show, cancel, retry, correct, results or template")}
		},
	}
	attest.AddCommand(a.attestImportCommand(), a.attestApproveCommand(), a.attestSubmitCommand(), a.attestListCommand(), a.attestShowCommand(),
		a.attestDecideCommand("cancel", "take an attestation back before it is sent", attestation.Cancelled),
		a.attestDecideCommand("retry", "let a failed attestation be sent again", attestation.Approved),
		a.attestCorrectCommand(), a.attestResultsCommand(), a.attestTemplateCommand())
	return attest
}

// withLedger is the work of a command that needs configuration and ledger.
func (a *app) withLedger(work func(c config.Config, s *store.Store) error) func() error {
	return func() error {
		c, err := a.load()
		if err != nil {
			return err
		}
		s, err := a.open(c)
		if err != nil {
			return err
		}
		defer s.Close()
		return work(c, s)
	}
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

// args makes a command take arguments.
func withArguments(cmd *cobra.Command, what string, arguments cobra.PositionalArgs, into *[]string) *cobra.Command {
	cmd.Use += " " + what
	cmd.Args = func(cmd *cobra.Command, given []string) error {
		*into = given
		return arguments(cmd, given)
	}
	return cmd
}

// agentName is who works: the program on this host.
func agentName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "this host"
	}
	return "mcaledger on " + host
}
