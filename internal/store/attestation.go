package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jmoiron/sqlx"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// decidedRow is who imported and approved a batch, and under which policy.
type decidedRow struct {
	ImportedBy     string     `db:"imported_by"`
	ImportedUserID string     `db:"imported_user_id"`
	ImportedHost   string     `db:"imported_host"`
	ImportedSource string     `db:"imported_source"`
	ImportedAt     time.Time  `db:"imported_at"`
	ApprovedBy     string     `db:"approved_by"`
	ApprovedUserID string     `db:"approved_user_id"`
	ApprovedHost   string     `db:"approved_host"`
	ApprovedSource string     `db:"approved_source"`
	ApprovedAt     *time.Time `db:"approved_at"`
	ApprovalPolicy string     `db:"approval_policy"`
}

func (r decidedRow) importer() attestation.Actor {
	return attestation.Actor{Name: r.ImportedBy, UserID: r.ImportedUserID, Host: r.ImportedHost,
		Source: attestation.ActorSource(r.ImportedSource)}
}

func (r decidedRow) approver() attestation.Actor {
	return attestation.Actor{Name: r.ApprovedBy, UserID: r.ApprovedUserID, Host: r.ApprovedHost,
		Source: attestation.ActorSource(r.ApprovedSource)}
}

// decided fills in what the row says of a batch.
func (r decidedRow) decided(b *attestation.Batch) error {
	b.ImportedBy, b.ImportedAt, b.ApprovedBy, b.ApprovedAt = r.importer(), r.ImportedAt.UTC(), r.approver(),
		orZero(r.ApprovedAt)
	return json.Unmarshal([]byte(r.ApprovalPolicy), &b.Policy)
}

func policyText(p attestation.ApprovalPolicy) string {
	text, _ := json.Marshal(p) // texts and booleans always marshal
	return string(text)
}

// batchRow is attestation.Batch as the table batch holds it.
type batchRow struct {
	ID          int64  `db:"id"`
	FileName    string `db:"file_name"`
	SHA256      string `db:"sha256"`
	Form        string `db:"result_format"`
	Header      string `db:"header"`
	EvenIfClear bool   `db:"even_if_clear"`
	decidedRow
	InboxFile    string `db:"inbox_file"`
	Rows         int    `db:"row_count"`
	Queued       int    `db:"queued"`
	Refused      int    `db:"refused"`
	Duplicates   int    `db:"duplicates"`
	AlreadyKnown int    `db:"already_known"`
}

func (r batchRow) counts() attestation.Counts {
	return attestation.Counts{Rows: r.Rows, Queued: r.Queued, Refused: r.Refused, Duplicates: r.Duplicates,
		AlreadyKnown: r.AlreadyKnown}
}

// digest covers what the import fixes and the event does not name.
func (r batchRow) digest() string {
	text := fields(nil, r.FileName, r.SHA256, r.Form, r.Header, strconv.FormatBool(r.EvenIfClear))
	for _, n := range []int{r.Rows, r.Queued, r.Refused, r.Duplicates, r.AlreadyKnown} {
		text = fields(text, strconv.Itoa(n))
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func (r batchRow) batch() (attestation.Batch, error) {
	b := attestation.Batch{ID: r.ID, File: r.FileName, SHA256: r.SHA256, Form: r.Form, EvenIfClear: r.EvenIfClear,
		InboxFile: r.InboxFile, Counts: r.counts()}
	if err := r.decided(&b); err != nil {
		return b, err
	}
	return b, json.Unmarshal([]byte(r.Header), &b.Header)
}

// jsonText is a text column that holds a list of strings. Most have nothing to escape.
func jsonText(list []string) string {
	special := func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r == utf8.RuneError }
	if len(list) == 0 || slices.ContainsFunc(list, func(s string) bool { return strings.ContainsFunc(s, special) }) {
		text, _ := json.Marshal(list) // strings always marshal
		return string(text)
	}
	return `["` + strings.Join(list, `","`) + `"]`
}

func rowOfBatch(b attestation.Batch) batchRow {
	by := b.ImportedBy
	return batchRow{FileName: b.File, SHA256: b.SHA256, Form: b.Form, Header: jsonText(b.Header),
		EvenIfClear: b.EvenIfClear, InboxFile: b.InboxFile, decidedRow: decidedRow{ImportedBy: by.Name,
			ImportedUserID: by.UserID, ImportedHost: by.Host, ImportedSource: string(by.Source),
			ImportedAt: instant(b.ImportedAt), ApprovalPolicy: policyText(b.Policy)}}
}

// attestationRow is an attestation.Attestation without personal data as the table attestation holds
// it.
type attestationRow struct {
	BatchID           int64              `db:"batch_id"`
	Line              int                `db:"line"`
	PartnerID         string             `db:"partner_id"`
	CustomerID        string             `db:"customer_id"`
	CustomerName      string             `db:"customer_name"`
	Admitted          attestation.State  `db:"admitted"`
	State             attestation.State  `db:"state"`
	Reason            attestation.Reason `db:"reason"`
	Message           string             `db:"message"`
	Hint              string             `db:"hint"`
	Agreed            standing.Date      `db:"date_agreed"`
	Evidence          string             `db:"evidence"`
	ReplacesBatch     *int64             `db:"replaces_batch"`
	ReplacesLine      *int               `db:"replaces_line"`
	PersonDigest      string             `db:"signer_digest"`
	RequestCount      int                `db:"request_count"`
	OpenRequest       int                `db:"open_request"`
	NextAttemptAt     float64            `db:"next_attempt_at"`
	ClaimNumber       int64              `db:"claim_number"`
	ClaimExpires      float64            `db:"claim_expires"`
	ClaimHost         string             `db:"claim_host"`
	ClaimPID          int64              `db:"claim_pid"`
	ClaimStarted      string             `db:"claim_started"`
	Creation          int                `db:"creation"`
	AcceptLink        string             `db:"accept_link"`
	ExpiresAt         *time.Time         `db:"expires_at"`
	AcceptedOn        standing.Date      `db:"accepted_on"`
	DocumentURL       string             `db:"document_url"`
	DocumentSHA256    string             `db:"document_sha256"`
	DocumentFetchedAt *time.Time         `db:"document_fetched_at"`
}

func rowOfAttestation(a attestation.Attestation, digest string) attestationRow {
	row := attestationRow{BatchID: a.ID.Batch, Line: a.ID.Line, PartnerID: a.PartnerID, CustomerID: a.CustomerID,
		CustomerName: a.CustomerName, Admitted: a.State, State: a.State, Reason: a.Reason, Message: a.Message,
		Hint: a.Hint, Agreed: a.Content.Agreed, Evidence: a.Content.Evidence, PersonDigest: digest}
	if a.Replaces != (attestation.ID{}) {
		row.ReplacesBatch, row.ReplacesLine = &a.Replaces.Batch, &a.Replaces.Line
	}
	return row
}

// personRow is what an attestation says of a person, as the table person holds it.
type personRow struct {
	BatchID     int64  `db:"batch_id"`
	Line        int    `db:"line"`
	FirstName   string `db:"first_name"`
	LastName    string `db:"last_name"`
	Email       string `db:"email"`
	Phone       string `db:"phone"`
	CompanyName string `db:"company_name"`
	Country     string `db:"country"`
	Language    string `db:"language"`
	Note        string `db:"note"`
	Cells       string `db:"cells"`
	Salt        string `db:"salt"`
}

func rowOfPerson(a attestation.Attestation) (personRow, error) {
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return personRow{}, fmt.Errorf("draw a salt: %w", err)
	}
	c := a.Content
	return personRow{BatchID: a.ID.Batch, Line: a.ID.Line, FirstName: c.Signer.FirstName, LastName: c.Signer.LastName,
		Email: c.Signer.Email, Phone: c.Signer.Phone, CompanyName: c.CompanyName, Country: c.Country,
		Language: c.Language, Note: c.Note, Cells: jsonText(a.Cells), Salt: hex.EncodeToString(salt)}, nil
}

// digest stands for the person in the chain: without the salt it cannot be guessed from a name, so
// purging the row purges it.
func (p personRow) digest() string {
	sum := sha256.Sum256(fields(make([]byte, 0, 1024), p.Salt, p.FirstName, p.LastName, p.Email, p.Phone, p.CompanyName,
		p.Country, p.Language, p.Note, p.Cells))
	return hex.EncodeToString(sum[:])
}

// wholeRow is an attestation with its signer and its newest request; the signer is NULL once it was
// purged.
type wholeRow struct {
	attestationRow
	FirstName           *string             `db:"first_name"`
	LastName            *string             `db:"last_name"`
	Email               *string             `db:"email"`
	Phone               *string             `db:"phone"`
	CompanyName         *string             `db:"company_name"`
	Country             *string             `db:"country"`
	Language            *string             `db:"language"`
	Note                *string             `db:"note"`
	Cells               *string             `db:"cells"`
	SentAt              *time.Time          `db:"sent_at"` // of the first request
	RequestID           *string             `db:"request_id"`
	AnsweredAt          *time.Time          `db:"answered_at"`
	LastReason          *attestation.Reason `db:"last_reason"`
	LastMessage         *string             `db:"last_message"`
	LastHint            *string             `db:"last_hint"`
	AnswerStatus        *int                `db:"answer_status"`
	AnswerCode          *string             `db:"answer_code"`
	AnswerRequestID     *string             `db:"answer_request_id"`
	AnswerCorrelationID *string             `db:"answer_correlation_id"`
}

func (r wholeRow) attestation() (attestation.Attestation, error) {
	a := attestation.Attestation{
		ID: attestation.ID{Batch: r.BatchID, Line: r.Line}, PartnerID: r.PartnerID, CustomerID: r.CustomerID,
		CustomerName: r.CustomerName,
		Content: attestation.Content{Agreed: r.Agreed, Evidence: r.Evidence, CompanyName: zeroIfNull(r.CompanyName),
			Country: zeroIfNull(r.Country), Language: zeroIfNull(r.Language), Note: zeroIfNull(r.Note),
			Signer: standing.Contact{FirstName: zeroIfNull(r.FirstName), LastName: zeroIfNull(r.LastName),
				Email: zeroIfNull(r.Email), Phone: zeroIfNull(r.Phone)}},
		Admitted: r.Admitted, State: r.State, Reason: r.Reason, Message: r.Message, Hint: r.Hint,
		Requests: r.RequestCount, OpenRequest: r.OpenRequest, RequestID: zeroIfNull(r.RequestID),
		SentAt: orZero(r.SentAt), AnsweredAt: orZero(r.AnsweredAt),
		Answer: attestation.Answer{Status: zeroIfNull(r.AnswerStatus), Code: zeroIfNull(r.AnswerCode),
			RequestID: zeroIfNull(r.AnswerRequestID), CorrelationID: zeroIfNull(r.AnswerCorrelationID)},
		Enhanced: attestation.Enhanced{Creation: r.Creation, AcceptLink: r.AcceptLink, ExpiresAt: orZero(r.ExpiresAt),
			AcceptedOn: r.AcceptedOn, DocumentURL: r.DocumentURL, DocumentSHA256: r.DocumentSHA256,
			DocumentFetchedAt: orZero(r.DocumentFetchedAt)},
	}
	if r.Admitted == attestation.Queued { // a row that was refused at import has no requests
		a.Reason, a.Message, a.Hint = zeroIfNull(r.LastReason), zeroIfNull(r.LastMessage), zeroIfNull(r.LastHint)
	}
	if a.OpenRequest > 0 && a.Reason == "" {
		a.Reason = attestation.NotSettled
	}
	if r.ReplacesBatch != nil && r.ReplacesLine != nil {
		a.Replaces = attestation.ID{Batch: *r.ReplacesBatch, Line: *r.ReplacesLine}
	}
	if r.Cells == nil {
		return a, nil
	}
	return a, json.Unmarshal([]byte(*r.Cells), &a.Cells)
}

// requestRow is an attestation.Request as the table attestation_request holds it.
type requestRow struct {
	BatchID             int64                   `db:"batch_id"`
	Line                int                     `db:"line"`
	Number              int                     `db:"number"`
	Kind                attestation.RequestKind `db:"kind"`
	RequestID           string                  `db:"request_id"`
	TemplateID          string                  `db:"template_id"`
	Content             string                  `db:"content"`
	ClaimNumber         int64                   `db:"claim_number"`
	SentAt              time.Time               `db:"sent_at"`
	AnsweredAt          *time.Time              `db:"answered_at"`
	Result              attestation.SendResult  `db:"result"`
	Reason              attestation.Reason      `db:"reason"`
	Message             string                  `db:"message"`
	Hint                string                  `db:"hint"`
	AnswerStatus        int                     `db:"answer_status"`
	AnswerCode          string                  `db:"answer_code"`
	AnswerRequestID     string                  `db:"answer_request_id"`
	AnswerCorrelationID string                  `db:"answer_correlation_id"`
}

func (r requestRow) request() attestation.Request {
	return attestation.Request{Number: r.Number, Kind: r.Kind, ID: r.RequestID, TemplateID: r.TemplateID,
		Content: r.Content, SentAt: r.SentAt.UTC(), AnsweredAt: orZero(r.AnsweredAt), Result: r.Result,
		Reason: r.Reason, Message: r.Message, Hint: r.Hint, Answer: attestation.Answer{Status: r.AnswerStatus,
			Code: r.AnswerCode, RequestID: r.AnswerRequestID, CorrelationID: r.AnswerCorrelationID}}
}

// Requests returns the requests about an attestation, in their order.
func (s *Store) Requests(ctx context.Context, id attestation.ID) ([]attestation.Request, error) {
	var rows []requestRow
	if err := s.list(ctx, s.db, &rows, "requests", args{"batch": id.Batch, "line": id.Line}); err != nil {
		return nil, err
	}
	requests := make([]attestation.Request, len(rows))
	for i, row := range rows {
		requests[i] = row.request()
	}
	return requests, nil
}

// Batch returns one batch, or ErrNotFound.
func (s *Store) Batch(ctx context.Context, id int64) (attestation.Batch, error) {
	var row batchRow
	if err := s.get(ctx, s.db, &row, "batch", args{"batch": id}); err != nil {
		return attestation.Batch{}, err
	}
	return row.batch()
}

// Attestation returns one attestation, or ErrNotFound.
func (s *Store) Attestation(ctx context.Context, id attestation.ID) (attestation.Attestation, error) {
	var row wholeRow
	if err := s.get(ctx, s.db, &row, "attestation", args{"batch": id.Batch, "line": id.Line}); err != nil {
		return attestation.Attestation{}, err
	}
	return row.attestation()
}

// Attestations walks a batch in the order of its file.
func (s *Store) Attestations(ctx context.Context, batch int64) iter.Seq2[attestation.Attestation, error] {
	return s.attestations(ctx, s.db, batch)
}

func (s *Store) attestations(ctx context.Context, on sqlx.QueryerContext,
	batch int64) iter.Seq2[attestation.Attestation, error] {
	return func(yield func(attestation.Attestation, error) bool) {
		for row, err := range streamOn[wholeRow](ctx, s, on, "attestations", args{"batch": batch}) {
			var a attestation.Attestation
			if err == nil {
				a, err = row.attestation()
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

// Approve lets a batch be sent: every queued attestation of it. It returns how many; ErrNotFound
// when there is no such batch, the file is another, or it is already approved.
func (s *Store) Approve(ctx context.Context, a attestation.Approval) (approved int64, err error) {
	err = s.inTx(ctx, func(tx *sqlx.Tx) error {
		approved, err = s.approve(ctx, tx, a)
		return err
	})
	return approved, err
}

func (s *Store) approve(ctx context.Context, tx *sqlx.Tx, a attestation.Approval) (approved int64, err error) {
	n, err := s.exec(ctx, tx, "approve", args{"batch": a.Batch, "sha256": a.SHA256, "by": a.By.Name,
		"user_id": a.By.UserID, "host": a.By.Host, "source": a.By.Source, "at": instant(a.At),
		"policy": policyText(a.Policy)})
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, ErrNotFound
	}
	if approved, err = s.exec(ctx, tx, "move_queued", args{"batch": a.Batch, "to": attestation.Approved}); err != nil {
		return 0, err
	}
	detail, err := json.Marshal(approval{SHA256: a.SHA256, Attestations: approved, Policy: a.Policy})
	if err != nil {
		return 0, err
	}
	return approved, s.append(ctx, tx, ledger.Event{Kind: ledger.EventApprove, Batch: a.Batch, At: a.At, Actor: a.By,
		From: attestation.Queued, To: attestation.Approved, Detail: string(detail)})
}

// approval is the detail of the event of an approval.
type approval struct {
	SHA256       string                     `json:"sha256"`
	Attestations int64                      `json:"attestations"`
	Policy       attestation.ApprovalPolicy `json:"policy"`
}

// Decide moves an attestation as a person decided: cancels it, or lets it be tried again. It fails
// with ErrNotFound when the attestation is no longer in the state from, or the outcome of a request
// is not known.
func (s *Store) Decide(ctx context.Context, id attestation.ID, from, to attestation.State, by attestation.Actor,
	at time.Time) error {
	if !attestation.MayDecide(from, to) {
		return fmt.Errorf("an attestation that is %s cannot become %s", from, to)
	}
	return s.inTx(ctx, func(tx *sqlx.Tx) error {
		var of struct {
			PartnerID  string `db:"partner_id"`
			CustomerID string `db:"customer_id"`
		}
		if err := s.get(ctx, tx, &of, "decide", args{"batch": id.Batch, "line": id.Line, "from": from,
			"to": to}); err != nil {
			return err
		}
		kind := ledger.EventRetry
		if to == attestation.Cancelled {
			kind = ledger.EventCancel
		}
		return s.append(ctx, tx, ledger.Event{Kind: kind, Batch: id.Batch, Line: id.Line, PartnerID: of.PartnerID,
			CustomerID: of.CustomerID, At: at, Actor: by, From: from, To: to})
	})
}

// RecentBatches returns up to limit batches, the newest first.
func (s *Store) RecentBatches(ctx context.Context, limit int) ([]attestation.Batch, error) {
	var rows []batchRow
	if err := s.list(ctx, s.db, &rows, "recent_batches", args{"limit": limit}); err != nil {
		return nil, err
	}
	return batchesOf(rows)
}

// UnfinishedInboxBatches returns the batches whose file may still be in the inbox, the oldest
// first.
func (s *Store) UnfinishedInboxBatches(ctx context.Context) ([]attestation.Batch, error) {
	var rows []batchRow
	if err := s.list(ctx, s.db, &rows, "unfinished_inbox_batches", nil); err != nil {
		return nil, err
	}
	return batchesOf(rows)
}

// FinishInboxFile notes that a batch's file is moved out of the inbox and its result files are
// written.
func (s *Store) FinishInboxFile(ctx context.Context, batch int64) error {
	_, err := s.exec(ctx, s.db, "finish_inbox_file", args{"batch": batch})
	return err
}

func batchesOf(rows []batchRow) ([]attestation.Batch, error) {
	batches := make([]attestation.Batch, len(rows))
	for i, row := range rows {
		var err error
		if batches[i], err = row.batch(); err != nil {
			return nil, err
		}
	}
	return batches, nil
}

// CountStatuses counts a batch's attestations by status.
func (s *Store) CountStatuses(ctx context.Context, batch int64) (map[attestation.State]int, error) {
	return s.countStatuses(ctx, "count_statuses", args{"batch": batch})
}

// CountAllStatuses counts the attestations of the ledger by status.
func (s *Store) CountAllStatuses(ctx context.Context) (map[attestation.State]int, error) {
	return s.countStatuses(ctx, "count_all_statuses", args{})
}

func (s *Store) countStatuses(ctx context.Context, query string, values args) (map[attestation.State]int, error) {
	var rows []struct {
		Status attestation.State `db:"status"`
		N      int               `db:"n"`
	}
	if err := s.list(ctx, s.db, &rows, query, values); err != nil {
		return nil, err
	}
	counts := map[attestation.State]int{}
	for _, r := range rows {
		counts[r.Status] = r.N
	}
	return counts, nil
}
