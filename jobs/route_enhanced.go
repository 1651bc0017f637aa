package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/mcaledger/mcaledger/internal/agreement"
	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Enhanced is the route with three steps: Microsoft creates an attestation, the signer accepts by
// its link, and the agreement is created.
type Enhanced struct {
	Service  EnhancedService
	Since    standing.Date // acceptances on record dated this day or later count
	Links    *Links        // hands links over; nil: a person does
	Cipher   LinkCipher
	Lifetime time.Duration // of a link of which Microsoft's answer does not say it
	// RemindAfter is the number of days after which a signer is reminded; 0: never.
	RemindAfter int
	EvidenceDir string // keeps the accepted documents; empty: they are not kept
	// KeepUnexpected saves an answer that differs from what is assumed, and names the file.
	KeepUnexpected func(attestation.UnexpectedAnswer) (path string, err error)
	Now            func() time.Time

	template func() (string, error)
}

// EnhancedService is what the enhanced route asks of Partner Center.
type EnhancedService interface {
	RecordReader
	Template(ctx context.Context) (string, error)
	Profile(ctx context.Context, customerID string) (standing.Profile, error)
	CreateAttestation(ctx context.Context, s attestation.Signatory, r attestation.Request) (
		attestation.AcceptLink, attestation.Answer, attestation.SendResult, error)
	Acceptance(ctx context.Context, externalID string) (attestation.Acceptance, error)
	CreateAgreement(ctx context.Context, a attestation.Attestation, r attestation.Request) (
		attestation.Answer, attestation.SendResult, error)
	// Download writes the document of an accepted agreement.
	Download(ctx context.Context, address string, to io.Writer) error
}

// LinkCipher encrypts what may not be stored in clear. What was encrypted for one use cannot be
// decrypted for another.
type LinkCipher interface {
	Seal(secret []byte, use string) string
	Open(sealed, use string) ([]byte, error)
}

const (
	// repeatWithin is how long the service is trusted to recognise a request that is repeated after
	// a lost answer.
	repeatWithin = 10 * time.Minute
	// lateAcceptance is how long after the end of a link an acceptance may still be reported.
	lateAcceptance = 24 * time.Hour
	// lastReminderBefore is how long before the end of a link its signer is reminded for the last
	// time: the night before the last one, at whatever hour nights begin.
	lastReminderBefore = 60 * time.Hour
)

// Begin prepares a submission. The template is read when it is first needed.
func (j *Enhanced) Begin(ctx context.Context) error {
	j.template = sync.OnceValues(func() (string, error) { return j.Service.Template(ctx) })
	return nil
}

// Advance takes an attestation to its next state.
func (j *Enhanced) Advance(
	ctx context.Context,
	c *attestation.Claim,
	open OpenRequest,
) (attestation.Settlement, error) {
	switch c.State {
	case attestation.Created:
		return j.handOver(ctx, c)
	case attestation.Waiting:
		return j.follow(ctx, c)
	case attestation.Accepted:
		return j.conclude(ctx, c, open)
	}
	return j.create(ctx, c, open)
}

// acceptLink is what is stored encrypted. Whoever has it can accept, or read the document.
type acceptLink struct {
	ExternalID string `json:"id"`
	URL        string `json:"url"`
	Customer   string `json:"customer"`           // the company that the attestation is about
	Language   string `json:"language"`           // of the agreement
	Document   string `json:"document,omitempty"` // address of the accepted document
}

// linkUse is what a link is encrypted for.
func linkUse(a attestation.Attestation) string { return fmt.Sprintf("link of %s", a.ID) }

func (j *Enhanced) seal(c *attestation.Claim, link acceptLink) (string, error) {
	secret, err := json.Marshal(link)
	if err != nil {
		return "", err
	}
	return j.Cipher.Seal(secret, linkUse(c.Attestation)), nil
}

// openLink decrypts the link of an attestation.
func openLink(cipher LinkCipher, a attestation.Attestation) (link acceptLink, err error) {
	secret, err := cipher.Open(a.AcceptLink, linkUse(a))
	if err == nil {
		err = json.Unmarshal(secret, &link)
	}
	if err != nil {
		return acceptLink{}, &RowError{&KeyError{a.ID}}
	}
	return link, nil
}

// create makes the attestation with Microsoft (step 1). There is no way to ask whether a request
// whose answer was lost took effect; it is repeated while the service recognises it.
func (j *Enhanced) create(ctx context.Context, c *attestation.Claim, open OpenRequest) (attestation.Settlement, error) {
	if c.MaybeDelivered && (c.Tries >= maxSends || j.Now().Sub(c.TriedSince) > repeatWithin) {
		return creationUnknown(c), nil
	}
	who, end, err := j.signatory(ctx, c)
	if end.State != "" || err != nil {
		return end, err
	}
	content, err := json.Marshal(profileContent{who.CompanyName, who.Country, who.Language})
	if err != nil {
		return stay(c), err
	}
	err = open(ctx, attestation.Request{Kind: attestation.CreateRequest, Content: string(content)})
	if err != nil {
		return stay(c), err
	}
	link, answer, result, err := j.Service.CreateAttestation(ctx, who, c.LastRequest)
	switch {
	case result == attestation.ResultDuplicateSigner:
		return duplicateSigner(ctx, j.Service, c, j.Since, answer, false)
	case result != attestation.ResultSucceeded:
		end, err := sent(c, answer, result, err)
		return end, j.kept(link.Unexpected, err)
	}
	return j.created(c, who, link, answer)
}

// profileContent is what a request says that the row may not.
type profileContent struct {
	CompanyName string `json:"company_name"`
	Country     string `json:"country"`
	Language    string `json:"language"`
}

func (j *Enhanced) created(c *attestation.Claim, who attestation.Signatory, link attestation.AcceptLink,
	answer attestation.Answer) (attestation.Settlement, error) {

	sealed, err := j.seal(
		c,
		acceptLink{ExternalID: link.ExternalID, URL: link.URL, Customer: who.CompanyName, Language: who.Language},
	)
	if err != nil {
		return attestation.Settlement{
			State:  c.State,
			Result: attestation.ResultUnknown,
			Reason: attestation.NotSettled,
			Answer: answer,
		}, err
	}
	expires := link.ExpiresAt
	if expires.IsZero() {
		expires = j.Now().Add(j.Lifetime)
	}
	return attestation.Settlement{State: attestation.Created, Result: attestation.ResultSucceeded, Answer: answer,
		Enhanced: &attestation.Enhanced{Creation: c.Creation + 1, AcceptLink: sealed, ExpiresAt: expires}}, nil
}

// creationUnknown is an attestation that Microsoft may have created. Nobody has its link, so nobody
// can accept it; a person decides whether it is created again.
func creationUnknown(c *attestation.Claim) attestation.Settlement {
	return attestation.Settlement{
		State:  attestation.Failed,
		Reason: attestation.NoAnswer,
		Result: attestation.ResultNotSent,
		Read:   true,
		Message: "no answer came to the request to create the attestation, and Microsoft offers no way to ask " +
			"whether it did",
		Hint: fmt.Sprintf(
			"If it did, nobody has the link and nobody can accept it: run mcaledger attest retry %s to create it "+
				"again.",
			c.ID,
		),
	}
}

// signatory is who is asked to accept, for which company. What the row does not say is read from
// the customer's profile. A settlement with a state means that nothing can be sent.
func (j *Enhanced) signatory(
	ctx context.Context,
	c *attestation.Claim,
) (who attestation.Signatory, end attestation.Settlement, err error) {
	row := c.Content
	who = attestation.Signatory{
		Contact:     row.Signer,
		CompanyName: row.CompanyName,
		Country:     row.Country,
		Language:    row.Language,
	}
	if c.MaybeDelivered { // the same bytes again
		var sent profileContent
		err := json.Unmarshal([]byte(c.LastRequest.Content), &sent)
		who.CompanyName, who.Country, who.Language = sent.CompanyName, sent.Country, sent.Language
		return who, end, err
	}
	if who.CompanyName == "" || who.Country == "" || who.Language == "" {
		profile, err := j.Service.Profile(ctx, c.ServiceID())
		if e, ok := errors.AsType[serviceError](err); ok && e.Outcome() != standing.OutcomeUnreadable {
			end := customerRejected(c, answerOf(e), err)
			end.Read = true
			return who, end, nil
		}
		if err != nil {
			return who, stay(c), atRow(err)
		}
		who.CompanyName = cmp.Or(who.CompanyName, profile.Name, c.CustomerName)
		who.Country = cmp.Or(who.Country, profile.Country)
		who.Language = cmp.Or(who.Language, profile.Language)
	}
	if who.Country == "" {
		return who, attestation.Settlement{
			State:   attestation.Failed,
			Reason:  attestation.NoCountry,
			Result:  attestation.ResultNotSent,
			Read:    true,
			Message: "neither the row nor the customer's profile in Partner Center names a country",
			Hint: fmt.Sprintf(
				"Enter the country in the customer's profile and run mcaledger attest retry %s, or import the row "+
					"again with a column country.",
				c.ID,
			),
		}, nil
	}
	who.Language = languageOf(who.Country, who.Language)
	return who, end, nil
}

// languageOf is the language of a country's agreement that is nearest to the one that is wanted;
// empty: any.
func languageOf(country, wanted string) string {
	offered := agreement.Languages(country)
	base, _, whole := strings.Cut(wanted, "-")
	for _, language := range offered {
		if its, _, _ := strings.Cut(language, "-"); strings.EqualFold(its, base) {
			return language
		}
	}
	if whole {
		return wanted // Microsoft gives the English one
	}
	return offered[0]
}

// stay is an attestation about which nothing new is known.
func stay(c *attestation.Claim) attestation.Settlement { return attestation.Settlement{State: c.State} }

// handOver gives the link to the signer.
func (j *Enhanced) handOver(ctx context.Context, c *attestation.Claim) (attestation.Settlement, error) {
	switch end, covered := c.CoveredByStanding(j.Since, standing.DateOf(j.Now())); {
	case covered:
		return end, nil
	case !j.Now().Before(c.ExpiresAt):
		return expired(c), nil
	case j.Links == nil:
		return followed(c), nil
	}
	link, err := openLink(j.Cipher, c.Attestation)
	if err != nil {
		return followed(c), err
	}
	return j.Links.hand(ctx, c, attestation.FirstLink, link)
}

// handedOver is an attestation whose signer has the link.
func handedOver() attestation.Settlement {
	return attestation.Settlement{
		State:  attestation.Waiting,
		Result: attestation.ResultSucceeded,
		Read:   true,
		Wait:   minRetryDelay,
	}
}

// followed is an attestation that was followed by this submission, and has come no further.
func followed(c *attestation.Claim) attestation.Settlement {
	return attestation.Settlement{State: c.State, Wait: minRetryDelay}
}

func expired(c *attestation.Claim) attestation.Settlement {
	return attestation.Settlement{
		State:   attestation.Expired,
		Reason:  attestation.LinkExpired,
		Result:  attestation.ResultNotSent,
		Read:    true,
		Message: "the signer did not accept before the link expired",
		Hint:    fmt.Sprintf("Ask the signer, then run mcaledger attest retry %s for a new link.", c.ID),
	}
}

// follow asks whether the signer has accepted (step 2), and reminds who has not.
func (j *Enhanced) follow(ctx context.Context, c *attestation.Claim) (attestation.Settlement, error) {
	link, err := openLink(j.Cipher, c.Attestation)
	if err != nil {
		return followed(c), err
	}
	found, err := j.Service.Acceptance(ctx, link.ExternalID)
	over := j.Now().After(c.ExpiresAt.Add(lateAcceptance))
	if e, ok := errors.AsType[serviceError](err); ok && over && e.Outcome() == standing.OutcomeNotFound {
		return expired(c), nil // the service has forgotten it
	}
	if err != nil {
		return followed(c), j.kept(found.Unexpected, atRow(err))
	}
	switch {
	case found.State == attestation.Accepted || found.State == attestation.Confirmed:
		return j.accepted(c, link, found)
	case found.State == attestation.Expired || over:
		return expired(c), nil
	}
	if end, covered := c.CoveredByStanding(j.Since, standing.DateOf(j.Now())); covered {
		return end, nil
	}
	if found.Unexpected != nil {
		return followed(c), j.kept(found.Unexpected, nil)
	}
	return followed(c), j.remind(ctx, c, link)
}

// accepted is an attestation whose signer has accepted.
func (j *Enhanced) accepted(
	c *attestation.Claim,
	link acceptLink,
	found attestation.Acceptance,
) (attestation.Settlement, error) {
	known := c.Enhanced
	known.AcceptedOn = found.AcceptedOn
	if today := standing.DateOf(j.Now()); known.AcceptedOn == "" || known.AcceptedOn > today {
		// Microsoft gives no day, or it is tomorrow there: the agreement's may not be in the future
		known.AcceptedOn = today
	}
	link.Document, known.DocumentURL = found.DocumentURL, withoutSecrets(found.DocumentURL, link.ExternalID)
	sealed, err := j.seal(c, link)
	if err != nil {
		return followed(c), err
	}
	known.AcceptLink = sealed
	return attestation.Settlement{
		State:    attestation.Accepted,
		Result:   attestation.ResultSucceeded,
		Read:     true,
		Enhanced: &known,
	}, nil
}

// withoutSecrets leaves out of an address what may let whoever has it read the document: its query,
// and Microsoft's id of the attestation.
func withoutSecrets(address, externalID string) string {
	u, err := url.Parse(address)
	if err != nil || address == "" {
		return ""
	}
	plain := u.Scheme + "://" + u.Host + u.EscapedPath()
	return regexp.MustCompile("(?i)"+regexp.QuoteMeta(externalID)).ReplaceAllString(plain, "{id}")
}

// remind sends the reminder that is due, if any. A link that is nearly over has its last one.
func (j *Enhanced) remind(ctx context.Context, c *attestation.Claim, link acceptLink) error {
	if j.Links == nil || j.RemindAfter == 0 || c.LastReminded {
		return nil
	}
	now, kind := j.Now(), attestation.LinkKind("")
	switch {
	case !now.Before(c.ExpiresAt.Add(-lastReminderBefore)) && now.Sub(c.LinkAt) >= 24*time.Hour:
		kind = attestation.LastReminder
	case !c.Reminded && !now.Before(c.LinkAt.AddDate(0, 0, j.RemindAfter)):
		kind = attestation.LinkReminder
	}
	if kind == "" || !now.Before(c.ExpiresAt) {
		return nil
	}
	end, err := j.Links.hand(ctx, c, kind, link)
	if err == nil && end.State == attestation.Failed {
		err = &RowError{errors.New(end.Message)}
	}
	return err
}

// conclude creates the agreement that the signer accepted (step 3).
func (j *Enhanced) conclude(
	ctx context.Context,
	c *attestation.Claim,
	open OpenRequest,
) (attestation.Settlement, error) {
	link, err := openLink(j.Cipher, c.Attestation)
	if err != nil {
		return stay(c), err
	}
	known := c.Enhanced
	c.ExternalID, c.DocumentURL, c.Content.Agreed = link.ExternalID, link.Document, c.AcceptedOn
	unfetched := j.fetch(ctx, c, &known)
	end, err := j.agree(ctx, c, open)
	if end.State == attestation.Confirmed || end.State == attestation.AlreadyOnRecord {
		end.Enhanced = &known
		if unfetched != nil && end.Message == "" {
			end.Message = unfetched.Error()
		}
	}
	return end, err
}

// agree creates the agreement, unless Microsoft has it: after a lost answer, or because the ledger
// was put back to an earlier state.
func (j *Enhanced) agree(ctx context.Context, c *attestation.Claim, open OpenRequest) (attestation.Settlement, error) {
	onRecord, err := j.Service.Agreements(ctx, c.ServiceID())
	if e, gone := errors.AsType[serviceError](err); gone && e.Outcome() != standing.OutcomeUnreadable {
		end := customerRejected(c, answerOf(e), err)
		end.Read = true
		return end, nil
	}
	if err != nil {
		return stay(c), atRow(err)
	}
	if end, ok := c.Found(onRecord, j.Since); ok {
		return end, nil
	}
	if c.MaybeDelivered && c.Tries >= maxSends {
		return noAnswer(c, c.Tries), nil
	}
	template, err := j.template()
	if err != nil {
		return stay(c), err
	}
	if err := open(ctx, attestation.Request{Kind: attestation.AgreementRequest, TemplateID: template}); err != nil {
		return stay(c), err
	}
	answer, result, err := j.Service.CreateAgreement(ctx, c.Attestation, c.LastRequest)
	if result == attestation.ResultDuplicateSigner {
		return duplicateSigner(ctx, j.Service, c, j.Since, answer, c.MaybeDelivered)
	}
	return sent(c, answer, result, err)
}

// kept saves an answer that differs from what is assumed, and says where it is.
func (j *Enhanced) kept(u *attestation.UnexpectedAnswer, err error) error {
	if u == nil {
		return err
	}
	path, failed := j.KeepUnexpected(*u)
	switch {
	case failed != nil && err != nil:
		return err
	case failed != nil:
		return &RowError{fmt.Errorf("an unexpected answer cannot be saved: %w", failed)}
	case err == nil:
		return &RowError{&UnexpectedAnswerError{u.Expected, u.Setting, path, nil}}
	}
	return &UnexpectedAnswerError{u.Expected, u.Setting, path, err}
}

// RowError is a failure that concerns one attestation. It is tried again by the next submission.
type RowError struct{ cause error }

func (e *RowError) Error() string { return e.cause.Error() }
func (e *RowError) Unwrap() error { return e.cause }

// atRow is the failure of a call about one attestation: of this one alone, unless the others would
// meet it too.
func atRow(err error) error {
	if fatal := ifFatal(err); fatal != nil {
		return fatal
	}
	return &RowError{err}
}

// KeyError: a link cannot be decrypted.
type KeyError struct{ Attestation attestation.ID }

func (e *KeyError) Error() string {
	return fmt.Sprintf(
		"the link of attestation %s was not encrypted with the key in attestation.key_file",
		e.Attestation,
	)
}
func (e *KeyError) Code() string { return "configuration" }
func (e *KeyError) Hint() string {
	return "Put the earlier key file back. If it is lost, the signers' links are lost too: cancel these " +
		"attestations and import their rows again."
}

// UnexpectedAnswerError: an answer of Microsoft differs from what is assumed about the enhanced
// route.
type UnexpectedAnswerError struct {
	expected, setting string
	File              string // holds the answer without links and personal data
	cause             error  // nil: the program can go on
}

func (e *UnexpectedAnswerError) Error() string {
	text := fmt.Sprintf("Microsoft answered something unexpected: expected %s; it was saved as %s", e.expected, e.File)
	if e.cause != nil {
		text = fmt.Sprintf("%v; expected %s; the answer was saved as %s", e.cause, e.expected, e.File)
	}
	return text
}
func (e *UnexpectedAnswerError) Unwrap() error { return e.cause }
func (e *UnexpectedAnswerError) Code() string  { return "unexpected_answer" }
func (e *UnexpectedAnswerError) Hint() string {
	setting := cmp.Or(e.setting, "attestation.enhanced")
	return "Look at the saved answer and correct " + setting + " in the configuration if it can help; send the file " +
		"to the maintainers of mcaledger: it holds no link and no personal data."
}
