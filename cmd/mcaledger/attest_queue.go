package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
)

// batchNamed finds the batch that a person named.
func batchNamed(ctx context.Context, s *store.Store, text string) (attestation.Batch, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return attestation.Batch{}, usageError{fmt.Errorf("%q is not the number of a batch; mcaledger attest list shows them", text)}
	}
	b, err := s.Batch(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		err = usageError{fmt.Errorf("there is no batch %d; mcaledger attest list shows them", id)}
	}
	return b, err
}

type approveReply struct {
	head
	Batch    int64  `json:"batch"`
	SHA256   string `json:"sha256"`
	Approved int64  `json:"approved"`
	By       string `json:"by"`
}

func (a *app) attestApproveCommand() *cobra.Command {
	r := &approveReply{head: head{Command: "attest approve"}}
	var given []string
	cmd := a.command("approve", "let a batch be sent, on the word of somebody who did not import it", r, a.withLedger(func(c config.Config, s *store.Store) error {
		b, err := batchNamed(a.ctx, s, given[0])
		if err != nil {
			return err
		}
		r.Batch, r.SHA256 = b.ID, b.SHA256
		switch {
		case !b.ApprovedAt.IsZero():
			return fmt.Errorf("batch %d is approved already, by %s", b.ID, b.ApprovedBy)
		case strings.TrimSpace(r.By) == "":
			return usageError{errors.New("nobody is named: say who approves with --by")}
		case c.Attestation.Approval == config.ApprovalRequired && strings.EqualFold(strings.TrimSpace(r.By), strings.TrimSpace(b.ImportedBy)):
			return usageError{fmt.Errorf("batch %d was imported by %s; somebody else has to approve it", b.ID, b.ImportedBy)}
		}
		if r.Approved, err = s.Approve(a.ctx, b.ID, b.SHA256, r.By, a.AsOf); err != nil {
			return err
		}
		a.printf("batch %d (%s, SHA-256 %s): %d attestations approved by %s\n", b.ID, b.File, b.SHA256, r.Approved, r.By)
		return nil
	}))
	byFlag(cmd, &r.By, a.getenv)
	return withArguments(cmd, "BATCH", cobra.ExactArgs(1), &given)
}

type listReply struct {
	head
	Batches []listedBatch `json:"batches"`
}

// listedBatch is a batch as `attest list` shows it.
type listedBatch struct {
	Batch        int64                     `json:"batch"`
	File         string                    `json:"file"`
	ImportedBy   string                    `json:"imported_by"`
	ImportedAt   time.Time                 `json:"imported_at"`
	ApprovedBy   string                    `json:"approved_by"`
	Rows         int                       `json:"rows"`
	States       map[attestation.State]int `json:"states"`
	Attestations []listedAttestation       `json:"attestations,omitempty"`
}

type listedAttestation struct {
	ID       string             `json:"id"`
	Customer string             `json:"customer"`
	TenantID string             `json:"tenant_id"`
	Agreed   standing.Date      `json:"date_agreed"`
	State    attestation.State  `json:"state"`
	Reason   attestation.Reason `json:"reason"`
	Message  string             `json:"message"`
	Hint     string             `json:"hint"`
}

func (a *app) attestListCommand() *cobra.Command {
	r := &listReply{head: head{Command: "attest list"}, Batches: []listedBatch{}}
	limit, batch, state := 20, "", ""
	cmd := a.command("list", "list batches, the newest first, or the attestations of one", r, a.withLedger(func(c config.Config, s *store.Store) error {
		switch {
		case limit < 1:
			return usageError{fmt.Errorf("--limit %d is less than 1", limit)}
		case state != "" && batch == "":
			return usageError{errors.New("--state chooses among the attestations of one batch: name it with --batch")}
		case state != "" && !slices.Contains(attestation.States(), attestation.State(state)):
			return usageError{fmt.Errorf("there is no state %q; the states are %v", state, attestation.States())}
		}
		batches, err := s.RecentBatches(a.ctx, limit)
		if batch != "" {
			var b attestation.Batch
			b, err = batchNamed(a.ctx, s, batch)
			batches = []attestation.Batch{b}
		}
		if err != nil {
			return err
		}
		for _, b := range batches {
			listed, err := listBatch(a.ctx, s, b, batch != "", attestation.State(state))
			if err != nil {
				return err
			}
			r.Batches = append(r.Batches, listed)
		}
		a.tellBatches(r.Batches)
		return nil
	}))
	cmd.Flags().IntVar(&limit, "limit", limit, "how many batches")
	cmd.Flags().StringVar(&batch, "batch", "", "list this batch's attestations")
	cmd.Flags().StringVar(&state, "state", "", "only attestations in this state")
	return cmd
}

func listBatch(ctx context.Context, s *store.Store, b attestation.Batch, each bool, state attestation.State) (listedBatch, error) {
	listed := listedBatch{Batch: b.ID, File: b.File, ImportedBy: b.ImportedBy, ImportedAt: b.ImportedAt, ApprovedBy: b.ApprovedBy, Rows: b.Rows}
	var err error
	if listed.States, err = s.CountStates(ctx, b.ID); err != nil || !each {
		return listed, err
	}
	for at, err := range s.Attestations(ctx, b.ID) {
		if err != nil {
			return listed, err
		}
		if state == "" || at.State == state {
			listed.Attestations = append(listed.Attestations, listedAttestation{ID: at.ID.String(), Customer: at.CustomerName, TenantID: at.CustomerID,
				Agreed: at.Content.Agreed, State: at.State, Reason: at.Reason, Message: at.Message, Hint: at.Hint})
		}
	}
	return listed, nil
}

func (a *app) tellBatches(batches []listedBatch) {
	if a.json || a.quiet {
		return
	}
	for _, b := range batches {
		approved := "not approved"
		if b.ApprovedBy != "" {
			approved = "approved by " + b.ApprovedBy
		}
		a.printf("batch %d: %s, imported by %s at %s, %s: %d rows", b.Batch, b.File, b.ImportedBy, b.ImportedAt.Format("2006-01-02 15:04 UTC"), approved, b.Rows)
		for _, state := range attestation.States() {
			if n := b.States[state]; n > 0 {
				a.printf(", %d %s", n, state)
			}
		}
		a.printf("\n")
		w := tabwriter.NewWriter(a.Stdout, 0, 0, 2, ' ', 0)
		for _, at := range b.Attestations {
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\t%s\n", at.ID, at.Customer, at.Agreed, at.State, at.Message)
		}
		w.Flush()
	}
}

type showReply struct {
	head
	Attestation *shownAttestation `json:"attestation"`
}

// shownAttestation is all that the ledger knows of one attestation, for an auditor.
type shownAttestation struct {
	listedAttestation
	Batch         int64        `json:"batch"`
	SHA256        string       `json:"sha256"`
	Signer        string       `json:"signer"`
	Email         string       `json:"email"`
	Evidence      string       `json:"evidence"`
	RequestID     string       `json:"request_id"`
	CorrelationID string       `json:"correlation_id"`
	Status        int          `json:"answer_status"`
	Code          string       `json:"answer_code"`
	Replaces      string       `json:"replaces"`
	Events        []shownEvent `json:"events"`
}

type shownEvent struct {
	At     time.Time         `json:"at"`
	Actor  string            `json:"actor"`
	From   attestation.State `json:"from"`
	To     attestation.State `json:"to"`
	Detail string            `json:"detail"`
	Hash   string            `json:"hash"`
}

func (a *app) attestShowCommand() *cobra.Command {
	r := &showReply{head: head{Command: "attest show"}}
	var given []string
	cmd := a.command("show", "everything about one attestation, with its log", r, a.withLedger(func(_ config.Config, s *store.Store) error {
		at, err := attestationNamed(a.ctx, s, given[0])
		if err != nil {
			return err
		}
		b, err := s.Batch(a.ctx, at.ID.Batch)
		if err != nil {
			return err
		}
		events, err := s.Events(a.ctx, at.ID)
		if err != nil {
			return err
		}
		r.Attestation = shown(at, b, events)
		a.tellAttestation(r.Attestation)
		return nil
	}))
	return withArguments(cmd, "ID", cobra.ExactArgs(1), &given)
}

func shown(at attestation.Attestation, b attestation.Batch, events []ledger.Event) *shownAttestation {
	s := &shownAttestation{Batch: b.ID, SHA256: b.SHA256, Signer: at.Content.Signer.FirstName + " " + at.Content.Signer.LastName, Email: at.Content.Signer.Email,
		Evidence: at.Content.Evidence, RequestID: at.RequestID, CorrelationID: at.Answer.CorrelationID, Status: at.Answer.Status, Code: at.Answer.Code,
		listedAttestation: listedAttestation{ID: at.ID.String(), Customer: at.CustomerName, TenantID: at.CustomerID, Agreed: at.Content.Agreed,
			State: at.State, Reason: at.Reason, Message: at.Message, Hint: at.Hint}}
	if at.Replaces != (attestation.ID{}) {
		s.Replaces = at.Replaces.String()
	}
	for _, e := range events {
		s.Events = append(s.Events, shownEvent{At: e.At, Actor: e.Actor.Name, From: e.From, To: e.To, Detail: e.Detail, Hash: e.Hash})
	}
	return s
}

func (a *app) tellAttestation(s *shownAttestation) {
	a.printf("attestation %s: %s\n  customer   %s (%s)\n  signer     %s <%s>, %s\n  evidence   %s\n  result     %s %s\n  request    %s, correlation %s\n",
		s.ID, s.State, s.Customer, s.TenantID, s.Signer, s.Email, s.Agreed, s.Evidence, s.Reason, s.Message, s.RequestID, s.CorrelationID)
	for _, e := range s.Events {
		a.printf("  %s  %s: %s -> %s %s\n", e.At.Format("2006-01-02 15:04:05 UTC"), e.Actor, e.From, e.To, e.Detail)
	}
}

func attestationNamed(ctx context.Context, s *store.Store, text string) (attestation.Attestation, error) {
	id, err := attestation.ParseID(text)
	if err != nil {
		return attestation.Attestation{}, usageError{err}
	}
	at, err := s.Attestation(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		err = usageError{fmt.Errorf("there is no attestation %s", id)}
	}
	return at, err
}

type decideReply struct {
	head
	Attestations []decided `json:"attestations"`
}

// decided is one attestation that a person moved.
type decided struct {
	ID   string            `json:"id"`
	From attestation.State `json:"from"`
	To   attestation.State `json:"to"`
}

// attestDecideCommand is a person's decision about single attestations, or about all of a batch for which it can be made.
func (a *app) attestDecideCommand(use, short string, to attestation.State) *cobra.Command {
	r := &decideReply{head: head{Command: "attest " + use}, Attestations: []decided{}}
	var given []string
	by := ""
	decide := func(s *store.Store, at attestation.Attestation) error {
		if err := s.Decide(a.ctx, at.ID, at.State, to, by, a.AsOf); err != nil {
			return fmt.Errorf("attestation %s: %w", at.ID, err)
		}
		r.Attestations = append(r.Attestations, decided{at.ID.String(), at.State, to})
		a.printf("attestation %s: %s, was %s\n", at.ID, to, at.State)
		return nil
	}
	cmd := a.command(use, short, r, a.withLedger(func(_ config.Config, s *store.Store) error {
		if strings.TrimSpace(by) == "" {
			return usageError{errors.New("nobody is named: say who decides with --by")}
		}
		for _, text := range given {
			chosen, err := a.toDecide(s, text, to)
			if err != nil {
				return err
			}
			for _, at := range chosen {
				if err := decide(s, at); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	byFlag(cmd, &by, a.getenv)
	return withArguments(cmd, "ID|BATCH…", cobra.MinimumNArgs(1), &given)
}

// toDecide are the attestations that a person named, one by its id or those of a batch by its number.
func (a *app) toDecide(s *store.Store, text string, to attestation.State) (chosen []attestation.Attestation, err error) {
	if strings.Contains(text, "-") {
		at, err := attestationNamed(a.ctx, s, text)
		if err == nil && !attestation.MayDecide(at.State, to) {
			err = usageError{fmt.Errorf("attestation %s is %s and cannot become %s", at.ID, at.State, to)}
		}
		return []attestation.Attestation{at}, err
	}
	b, err := batchNamed(a.ctx, s, text)
	if err != nil {
		return nil, err
	}
	for at, err := range s.Attestations(a.ctx, b.ID) {
		if err != nil {
			return nil, err
		}
		if attestation.MayDecide(at.State, to) {
			chosen = append(chosen, at)
		}
	}
	return chosen, nil
}

// attestCorrectCommand puts one attestation right: a new one with other contact fields, by the same rules as a file of one row.
func (a *app) attestCorrectCommand() *cobra.Command {
	r := &importReply{head: head{Command: "attest correct"}, Batches: []batchReply{}}
	var given []string
	how := importing{correct: true, dates: "auto"}
	var first, last, email, phone, date, evidence string
	cmd := a.command("correct", "put a wrong attestation right, with another signer or changed contact fields", r, a.withLedger(func(c config.Config, s *store.Store) error {
		at, err := attestationNamed(a.ctx, s, given[0])
		if err != nil {
			return err
		}
		if at.State != attestation.Confirmed && at.State != attestation.AlreadyOnRecord {
			return usageError{fmt.Errorf("attestation %s is %s: only what Microsoft has on record can be put right", at.ID, at.State)}
		}
		how.corrects = at.ID
		was := at.Content
		row := []string{at.CustomerID, cmp.Or(first, was.Signer.FirstName), cmp.Or(last, was.Signer.LastName), cmp.Or(email, was.Signer.Email),
			cmp.Or(phone, was.Signer.Phone), cmp.Or(date, string(was.Agreed)), cmp.Or(evidence, was.Evidence)}
		folder, err := os.MkdirTemp("", "mcaledger-correct-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		file := filepath.Join(folder, "correction-of-"+at.ID.String()+".csv")
		if err := writeRow(file, row); err != nil {
			return err
		}
		batch, err := a.importFile(c, s, file, how)
		if err != nil {
			return err
		}
		batch.File, batch.ResultFile = filepath.Base(file), "" // neither outlives the command; attest results writes the answers
		r.Batches = append(r.Batches, batch)
		return a.tellCorrection(s, batch)
	}))
	f := cmd.Flags()
	byFlag(cmd, &how.by, a.getenv)
	f.StringVar(&first, "first-name", "", "of the signer, if another one")
	f.StringVar(&last, "last-name", "", "of the signer, if another one")
	f.StringVar(&email, "email", "", "of the signer, if another one")
	f.StringVar(&phone, "phone", "", "of the signer, if another one")
	f.StringVar(&date, "date", "", "day of the acceptance (2006-01-02), if another one")
	f.StringVar(&evidence, "evidence", "", "where the signed acceptance is kept, if elsewhere")
	return withArguments(cmd, "ID", cobra.ExactArgs(1), &given)
}

func writeRow(path string, row []string) error {
	return replace(path, func(w io.Writer) error {
		list := csv.NewWriter(w)
		list.Write([]string{"customer_tenant_id", "first_name", "last_name", "email", "phone", "date_agreed", "evidence"})
		list.Write(row)
		list.Flush()
		return list.Error()
	})
}

// tellCorrection says what became of the one row of a correction.
func (a *app) tellCorrection(s *store.Store, b batchReply) error {
	for at, err := range s.Attestations(a.ctx, b.Batch) {
		if err != nil {
			return err
		}
		if at.Admitted != attestation.Queued {
			return partialError{string(at.Reason), fmt.Sprintf("the correction is %s: %s", at.State, at.Message), at.Hint}
		}
		a.printf("attestation %s is %s and puts %s right\n", at.ID, at.State, at.Replaces)
	}
	return nil
}
