package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/store"
)

type verifyReply struct {
	head
	Batches []verifiedBatch `json:"batches"`
}

type verifiedBatch struct {
	Batch    int64    `json:"batch"`
	Events   int      `json:"events"`
	Head     string   `json:"head"`
	Problems []string `json:"problems"`
}

// brokenChainError: the ledger of attestations is not what was written.
type brokenChainError struct{ batches int }

func (e brokenChainError) Error() string {
	return fmt.Sprintf("the record of %d batches is not what was written", e.batches)
}

func (a *app) verifyCommand() *cobra.Command {
	r := &verifyReply{head: head{Command: "verify"}, Batches: []verifiedBatch{}}
	return a.command("verify", "walk the chain of every batch: is the record what was written?", r, a.withLedger(func(_ config.Config, s *store.Store) error {
		all, err := s.Verify(a.ctx)
		if err != nil {
			return err
		}
		broken := 0
		for _, v := range all {
			r.Batches = append(r.Batches, verifiedBatch{Batch: v.Batch, Events: v.Events, Head: v.Head, Problems: append([]string{}, v.Problems...)})
			word := "whole"
			if len(v.Problems) > 0 {
				word = "NOT WHOLE"
				broken++
			}
			a.printf("batch %d: %d events, %s, head %s\n", v.Batch, v.Events, word, v.Head)
			for _, p := range v.Problems {
				a.printf("  %s\n", p)
			}
		}
		if broken > 0 {
			return brokenChainError{broken}
		}
		return nil
	}))
}
