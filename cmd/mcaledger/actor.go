package main

import (
	"cmp"
	"os"
	"os/user"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
)

// byFlag adds --by to a command and returns who runs it: the name comes from the flag, else from
// who called sudo, else from the user; user id and host are what the system says.
func (a *app) byFlag(cmd *cobra.Command) func() attestation.Actor {
	by := cmd.Flags().String("by", "", "who does this; recorded in the ledger (else the user who runs the command, "+
		"or called sudo)")
	return func() attestation.Actor {
		actor := a.user()
		if cmd.Flags().Changed("by") {
			actor.Name, actor.Source = *by, attestation.FromFlag
		}
		return actor
	}
}

// user is the user of the process. Only root is believed about who called sudo: others could say
// anything.
func (a *app) user() attestation.Actor {
	actor := attestation.Actor{Name: "unknown", Host: hostName(), Source: attestation.FromUser}
	if u, err := user.Current(); err == nil {
		actor.Name, actor.UserID = u.Username, u.Uid
	} else if id := os.Getuid(); id >= 0 { // it has no name on this system, as in many containers
		actor.UserID = strconv.Itoa(id)
		actor.Name = "uid " + actor.UserID
	}
	if id := a.getenv("SUDO_UID"); id != "" && os.Geteuid() == 0 {
		actor.Name, actor.UserID, actor.Source = cmp.Or(a.getenv("SUDO_USER"), "uid "+id), id, attestation.FromSudo
	}
	return actor
}

// program is the actor of automatic steps.
func program() attestation.Actor {
	host := hostName()
	return attestation.Actor{Name: "mcaledger on " + host, Host: host, Source: attestation.FromProgram}
}

func hostName() string {
	host, err := os.Hostname()
	if err != nil {
		return "unknown host"
	}
	return host
}
