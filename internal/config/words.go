package config

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/reports/texts"
)

// Route is the way by which attestations reach Microsoft. Without one nothing is sent.
type Route string

// The routes.
const (
	RouteNone     Route = ""
	RouteClassic  Route = attestation.ClassicRoute
	RouteEnhanced Route = attestation.EnhancedRoute
)

// UnmarshalText reads a route.
func (r *Route) UnmarshalText(text []byte) error {
	return choose(r, text, RouteClassic, RouteEnhanced, RouteNone)
}

// Approval says whether a batch needs the approval of somebody other than its importer.
type Approval string

// The rules of approval.
const (
	ApprovalRequired Approval = "required"
	ApprovalNone     Approval = "none"
)

// UnmarshalText reads a rule of approval.
func (a *Approval) UnmarshalText(text []byte) error {
	return choose(a, text, ApprovalRequired, ApprovalNone)
}

// EvidenceRule says whether a row must name where the signed agreement is kept.
type EvidenceRule string

// The rules of evidence.
const (
	EvidenceOptional EvidenceRule = "optional"
	EvidenceRequired EvidenceRule = "required"
)

// UnmarshalText reads a rule of evidence.
func (e *EvidenceRule) UnmarshalText(text []byte) error {
	return choose(e, text, EvidenceOptional, EvidenceRequired)
}

// DateOrder is the order of day and month in dates such as 03/04/2026. The values are those of
// intake.DateOrder.
type DateOrder string

// The orders; with auto the file has to prove which one it uses.
const (
	DatesAuto       DateOrder = "auto"
	DatesDayFirst   DateOrder = "dmy"
	DatesMonthFirst DateOrder = "mdy"
)

// UnmarshalText reads an order of day and month.
func (d *DateOrder) UnmarshalText(text []byte) error {
	return choose(d, text, DatesAuto, DatesDayFirst, DatesMonthFirst)
}

// Language is one that the reports are translated to.
type Language string

// UnmarshalText reads a language.
func (l *Language) UnmarshalText(text []byte) error {
	var known []Language
	for _, language := range texts.Languages() {
		known = append(known, Language(language))
	}
	return choose(l, text, known...)
}

// TokenKind says whether a call is made as the app alone or with a signed-in user.
type TokenKind string

// The kinds of access tokens.
const (
	TokenAppOnly TokenKind = "app_only"
	TokenAppUser TokenKind = "app_user"
)

// UnmarshalText reads a kind of access token.
func (k *TokenKind) UnmarshalText(text []byte) error {
	return choose(k, text, TokenAppOnly, TokenAppUser)
}

// TLSMode says how the connection to the mail server is encrypted.
type TLSMode string

// The modes: STARTTLS is demanded, not tried; implicit TLS is usual on port 465.
const (
	TLSStartTLS TLSMode = "starttls"
	TLSImplicit TLSMode = "implicit"
	TLSNone     TLSMode = "none"
)

// UnmarshalText reads a mode.
func (m *TLSMode) UnmarshalText(text []byte) error {
	return choose(m, text, TLSStartTLS, TLSImplicit, TLSNone)
}

// LinkDelivery says how signers get the links of their attestations.
type LinkDelivery string

// The ways; with file, links wait until mcaledger attest links writes them.
const (
	LinksByMail LinkDelivery = "mail"
	LinksByFile LinkDelivery = "file"
)

// UnmarshalText reads a way.
func (d *LinkDelivery) UnmarshalText(text []byte) error {
	return choose(d, text, LinksByMail, LinksByFile)
}

// Delivery says what becomes of a mail to a customer.
type Delivery string

// The ways of delivery: files that a person sends, or the mail server.
const (
	DeliveryDrafts Delivery = "drafts"
	DeliverySMTP   Delivery = "smtp"
)

// UnmarshalText reads a way of delivery.
func (d *Delivery) UnmarshalText(text []byte) error {
	return choose(d, text, DeliveryDrafts, DeliverySMTP)
}

// NotifyWhen says which nights are told besides those that failed.
type NotifyWhen string

// The nights that are told: those with changes, all, or none but the failed ones.
const (
	NotifyChanges NotifyWhen = "changes"
	NotifyAlways  NotifyWhen = "always"
	NotifyFailure NotifyWhen = "failure"
)

// UnmarshalText reads which nights are told.
func (w *NotifyWhen) UnmarshalText(text []byte) error {
	return choose(w, text, NotifyChanges, NotifyAlways, NotifyFailure)
}

// WebhookKind is the form of what is posted to a webhook.
type WebhookKind string

// The forms: plain JSON, and the card that a Microsoft Teams workflow takes.
const (
	WebhookGeneric WebhookKind = "generic"
	WebhookTeams   WebhookKind = "teams"
)

// UnmarshalText reads a form.
func (k *WebhookKind) UnmarshalText(text []byte) error {
	return choose(k, text, WebhookGeneric, WebhookTeams)
}

// Address is a mail address, with or without a name.
type Address mail.Address

// UnmarshalText reads an address such as "Ana Souza <ana@contoso.example>".
func (a *Address) UnmarshalText(text []byte) error {
	*a = Address{}
	if strings.TrimSpace(string(text)) == "" {
		return nil
	}
	address, err := mail.ParseAddress(string(text))
	if err != nil {
		return fmt.Errorf("must be one mail address, not %q", text)
	}
	*a = Address(*address)
	return nil
}

// Addresses are mail addresses, written with commas between them or as a list.
type Addresses []*mail.Address

// UnmarshalText reads addresses such as "Ana Souza <ana@contoso.example>, finance@contoso.example".
func (a *Addresses) UnmarshalText(text []byte) (err error) {
	*a = nil
	if strings.TrimSpace(string(text)) == "" {
		return nil
	}
	if *a, err = mail.ParseAddressList(string(text)); err != nil {
		return fmt.Errorf("must hold mail addresses with commas between them, not %q", text)
	}
	return nil
}

// choose sets target to text if it is one of the allowed words.
func choose[T ~string](target *T, text []byte, allowed ...T) error {
	if slices.Contains(allowed, T(text)) {
		*target = T(text)
		return nil
	}
	var words []string
	for _, word := range allowed {
		if word != "" {
			words = append(words, string(word))
		}
	}
	return fmt.Errorf("must be %s, not %q%s", either(words), text, suggestion("", nearest(string(text), words)))
}

// either lists words as in "a, b or c".
func either(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// nearest is the known word that is most like a misspelt one; empty when none is. Of paths such as
// report.language the last name decides how many letters may differ.
func nearest(word string, known []string) string {
	best, least := "", len(word[strings.LastIndexByte(word, '.')+1:])/2+1
	for _, candidate := range known {
		d := levenshtein.Distance(strings.ToLower(word), strings.ToLower(candidate), nil)
		if d < least {
			best, least = candidate, d
		}
	}
	return best
}

// suggestion ends a message with the word that was probably meant, if there is one.
func suggestion(prefix, word string) string {
	if word == "" {
		return ""
	}
	return "; did you mean " + prefix + word + "?"
}
