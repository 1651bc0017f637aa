package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/jobs"
)

type listReply struct {
	envelope
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
	r := &listReply{envelope: envelope{Command: "attest list"}, Batches: []listedBatch{}}
	limit, batch, state := 20, "", ""
	cmd := a.command("list", "list batches, the newest first, or the attestations of one", r,
		a.withWorkspace(func(ctx context.Context, w *workspace) error {
			switch {
			case limit < 1:
				return usageError{fmt.Errorf("--limit must be at least 1, but is %d", limit)}
			case state != "" && batch == "":
				return usageError{errors.New("--state chooses among the attestations of one batch: name it with " +
					"--batch")}
			case state != "" && !slices.Contains(attestation.Statuses(), attestation.State(state)):
				return usageError{fmt.Errorf("there is no state %q; the states are %v", state, attestation.Statuses())}
			}
			batches, err := w.listed(ctx, batch, limit)
			if err != nil {
				return err
			}
			for _, b := range batches {
				listed, err := listBatch(ctx, w.ledger, b, batch != "", attestation.State(state))
				if err != nil {
					return err
				}
				r.Batches = append(r.Batches, listed)
			}
			w.printBatches(r.Batches)
			return nil
		}))
	example(cmd, "mcaledger attest list", "mcaledger attest list --batch 7 --state failed")
	cmd.Flags().IntVar(&limit, "limit", limit, "how many batches")
	cmd.Flags().StringVar(&batch, "batch", "", "list this batch's attestations")
	cmd.Flags().StringVar(&state, "state", "", "only attestations in this state")
	return cmd
}

// listed are the batches that a person asks for: one by its number, or the newest ones.
func (w *workspace) listed(ctx context.Context, number string, limit int) ([]attestation.Batch, error) {
	if number == "" {
		return w.ledger.RecentBatches(ctx, limit)
	}
	id, err := jobs.ParseBatch(number)
	if err != nil {
		return nil, err
	}
	b, err := jobs.FindBatch(ctx, w.ledger, id)
	return []attestation.Batch{b}, err
}

func listBatch(ctx context.Context, s ledgerStore, b attestation.Batch, each bool,
	state attestation.State) (listedBatch, error) {
	listed := listedBatch{Batch: b.ID, File: b.File, ImportedBy: b.ImportedBy.Name, ImportedAt: b.ImportedAt,
		ApprovedBy: b.ApprovedBy.Name, Rows: b.Rows}
	var err error
	if listed.States, err = s.CountStatuses(ctx, b.ID); err != nil || !each {
		return listed, err
	}
	for at, err := range s.Attestations(ctx, b.ID) {
		if err != nil {
			return listed, err
		}
		if state == "" || at.Status() == state {
			listed.Attestations = append(listed.Attestations, listedAttestation{ID: at.ID.String(),
				Customer: at.CustomerName, TenantID: at.CustomerID, Agreed: at.Content.Agreed, State: at.Status(),
				Reason: at.Reason, Message: at.Message, Hint: at.Hint})
		}
	}
	return listed, nil
}

func (w *workspace) printBatches(batches []listedBatch) {
	if len(batches) == 0 {
		w.answerf("No batch yet: mcaledger attest import makes one.\n")
	}
	list := table{columns: []column{right("BATCH"), left("FILE"), left("IMPORTED"), left("BY"), left("APPROVED BY"),
		right("ROWS"), left("STATES")}}
	for _, b := range batches {
		list.add(b.Batch, b.File, w.when(b.ImportedAt), b.ImportedBy, cmp.Or(b.ApprovedBy, "-"), b.Rows,
			stateCounts(b.States))
	}
	w.answer(list)
	for _, b := range batches {
		rows := table{columns: []column{left("ID"), left("CUSTOMER"), left("AGREED"), left("STATE"), left("MESSAGE")}}
		for _, at := range b.Attestations {
			rows.add(at.ID, at.Customer, at.Agreed, at.State, at.Message)
		}
		w.answer(rows)
	}
}

// stateCounts says how many attestations are in which state.
func stateCounts(states map[attestation.State]int) string {
	var counts []string
	for _, state := range attestation.Statuses() {
		if n := states[state]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(counts, ", ")
}

type showReply struct {
	envelope
	Attestation *shownAttestation `json:"attestation"`
}

// shownAttestation is all that the ledger knows of one attestation, for an auditor.
type shownAttestation struct {
	listedAttestation
	Batch         int64          `json:"batch"`
	SHA256        string         `json:"sha256"`
	Signer        string         `json:"signer"`
	Email         string         `json:"email"`
	Evidence      string         `json:"evidence"`
	RequestID     string         `json:"request_id"`
	CorrelationID string         `json:"correlation_id"`
	Status        int            `json:"answer_status"`
	Code          string         `json:"answer_code"`
	Replaces      string         `json:"replaces"` // the attestation that this one corrects
	Enhanced      *shownEnhanced `json:"enhanced"` // null: it did not take the enhanced route
	Requests      []shownRequest `json:"requests"`
	Events        []shownEvent   `json:"events"`
}

// shownEnhanced is what the enhanced route knows of an attestation. The link is in no reply.
type shownEnhanced struct {
	Created        int           `json:"created"` // how many times
	ExpiresAt      time.Time     `json:"expires_at"`
	AcceptedOn     standing.Date `json:"accepted_on"`
	DocumentURL    string        `json:"document_url"`
	DocumentSHA256 string        `json:"document_sha256"`
	FetchedAt      *time.Time    `json:"document_fetched_at"` // null: it was not
}

// shownRequest is one request about an attestation, and what was answered.
type shownRequest struct {
	Number        int                     `json:"number"`
	Kind          attestation.RequestKind `json:"kind"`
	RequestID     string                  `json:"request_id"`
	SentAt        time.Time               `json:"sent_at"`
	AnsweredAt    *time.Time              `json:"answered_at"` // null: no answer
	Result        attestation.SendResult  `json:"result"`
	Reason        attestation.Reason      `json:"reason"`
	Status        int                     `json:"answer_status"`
	Code          string                  `json:"answer_code"`
	CorrelationID string                  `json:"correlation_id"`
}

type shownEvent struct {
	At     time.Time         `json:"at"`
	Event  ledger.EventKind  `json:"event"`
	Actor  string            `json:"actor"`
	From   attestation.State `json:"from"`
	To     attestation.State `json:"to"`
	Detail string            `json:"detail"`
	Hash   string            `json:"hash"`
}

func (a *app) attestShowCommand() *cobra.Command {
	r := &showReply{envelope: envelope{Command: "attest show"}}
	var given []string
	cmd := a.command("show", "everything about one attestation, with its log", r,
		a.withWorkspace(func(ctx context.Context, w *workspace) error {
			id, err := jobs.ParseAttestation(given[0])
			if err != nil {
				return err
			}
			at, err := jobs.FindAttestation(ctx, w.ledger, id)
			if err != nil {
				return err
			}
			b, err := w.ledger.Batch(ctx, at.ID.Batch)
			if err != nil {
				return err
			}
			requests, err := w.ledger.Requests(ctx, at.ID)
			if err != nil {
				return err
			}
			events, err := w.ledger.Events(ctx, at.ID)
			if err != nil {
				return err
			}
			r.Attestation = shown(at, b, requests, events)
			w.printAttestation(r.Attestation)
			return nil
		}))
	example(cmd, "mcaledger attest show 7-12")
	return completes(withArguments(cmd, "ID", exactly(1), &given), a.completeAttestations, 1)
}

func shown(at attestation.Attestation, b attestation.Batch, requests []attestation.Request,
	events []ledger.Event) *shownAttestation {
	s := &shownAttestation{Batch: b.ID, SHA256: b.SHA256, Signer: at.Content.Signer.FirstName + " " +
		at.Content.Signer.LastName, Email: at.Content.Signer.Email,
		Evidence: at.Content.Evidence, RequestID: at.RequestID, CorrelationID: at.Answer.CorrelationID,
		Status: at.Answer.Status, Code: at.Answer.Code, listedAttestation: listedAttestation{ID: at.ID.String(),
			Customer: at.CustomerName, TenantID: at.CustomerID, Agreed: at.Content.Agreed, State: at.Status(),
			Reason: at.Reason, Message: at.Message, Hint: at.Hint}}
	if at.Replaces != (attestation.ID{}) {
		s.Replaces = at.Replaces.String()
	}
	if at.Creation > 0 {
		s.Enhanced = &shownEnhanced{at.Creation, at.ExpiresAt, at.AcceptedOn, at.DocumentURL, at.DocumentSHA256, nil}
		if !at.DocumentFetchedAt.IsZero() {
			s.Enhanced.FetchedAt = &at.DocumentFetchedAt
		}
	}
	for _, q := range requests {
		one := shownRequest{Number: q.Number, Kind: q.Kind, RequestID: q.ID, SentAt: q.SentAt, Result: q.Result,
			Reason: q.Reason, Status: q.Answer.Status, Code: q.Answer.Code, CorrelationID: q.Answer.CorrelationID}
		if !q.AnsweredAt.IsZero() {
			one.AnsweredAt = &q.AnsweredAt
		}
		s.Requests = append(s.Requests, one)
	}
	for _, e := range events {
		s.Events = append(s.Events, shownEvent{At: e.At, Event: e.Kind, Actor: e.Actor.Name, From: e.From, To: e.To,
			Detail: e.Detail, Hash: e.Hash})
	}
	return s
}

// printAttestation writes what is known of an attestation, then its requests, then its log. The
// details of each event are in the JSON.
func (w *workspace) printAttestation(s *shownAttestation) {
	w.answerf("attestation %s: %s\n", s.ID, s.State)
	link, accepted, document := "", "", ""
	if e := s.Enhanced; e != nil {
		link = w.sprintf("created %d times, expires %s", e.Created, w.when(e.ExpiresAt))
		accepted, document = string(e.AcceptedOn), strings.TrimSpace(e.DocumentURL+" "+e.DocumentSHA256)
	}
	for _, fact := range []struct{ name, value string }{
		{w.sprintf("customer"), s.Customer + " (" + s.TenantID + ")"},
		{w.sprintf("signer"), s.Signer + " <" + s.Email + ">"},
		{w.sprintf("agreed"), string(s.Agreed)},
		{w.sprintf("evidence"), s.Evidence},
		{w.sprintf("reason"), strings.TrimSpace(string(s.Reason) + " " + s.Message)},
		{w.sprintf("next step"), s.Hint},
		{w.sprintf("corrects"), s.Replaces},
		{w.sprintf("link"), link},
		{w.sprintf("accepted"), accepted},
		{w.sprintf("document"), document},
	} {
		if fact.value != "" {
			w.answerf("  %s  %s\n", fmt.Sprintf("%-10s", fact.name), fact.value)
		}
	}
	requests := table{columns: []column{right("REQUEST"), left("SENT"), left("KIND"), left("RESULT"), left("STATUS"),
		left("CODE"), left("REQUEST ID"), left("CORRELATION ID")}}
	for _, q := range s.Requests {
		status := ""
		if q.Status > 0 {
			status = strconv.Itoa(q.Status)
		}
		requests.add(q.Number, w.when(q.SentAt), q.Kind, cmp.Or(q.Result, attestation.ResultUnknown), status, q.Code,
			q.RequestID, q.CorrelationID)
	}
	log := table{columns: []column{left("WHEN"), left("WHO"), left("EVENT"), left("STATE BEFORE"), left("STATE AFTER")}}
	for _, e := range s.Events {
		log.add(w.when(e.At), e.Actor, e.Event, e.From, e.To)
	}
	if len(s.Requests) > 0 {
		w.answerf("\n")
		w.answer(requests)
	}
	w.answerf("\n")
	w.answer(log)
}
