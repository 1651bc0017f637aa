package partnercenter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// All names of the enhanced route on the wire stand in this file. How far each can be trusted is
// said in docs/partner-center.md, "Attestation today"; what is only assumed can be set with
// Enhanced.
const (
	createPath = "/attestations/enhanced" // documented

	fieldCountry   = "country"            // documented
	fieldFirstName = "signatoryFirstName" // documented
	fieldLastName  = "signatoryLastName"  // documented
	fieldCompany   = "companyName"        // likely
	fieldLanguage  = "language"           // likely

	fieldAttestation = "attestationId" // documented in the answer of step 1, assumed in the body of step 3
	fieldDocument    = "agreementLink" // assumed in the body of step 3

	acceptPage      = "https://cdn.partner.microsoft.com/mca/" // seen at two vendors
	acceptParameter = "attestationid"
)

// Names of fields in answers, the likeliest first; they are read without regard to case.
var (
	idNames       = []string{fieldAttestation, "id"}
	linkNames     = []string{"attestationUrl", "attestationLink", "url", "link"}
	statusNames   = []string{"attestationStatus", "status", "state"}
	dateNames     = []string{"dateAgreed", "acceptedDate", "dateAccepted", "acceptedOn"}
	documentNames = []string{"agreementLink", "agreementDocumentUrl", "acceptedDocumentUrl", "documentUrl",
		"documentLink"}
	expiryNames = []string{"expirationTime", "expirationDate", "expiresAt", "expiryDate", "expires"}
)

// statusWords are the words of a status, in lower case without spaces and dashes. "pending" and
// "accepted" are the likeliest; the others are seen at vendors. Another word means that nothing has
// happened yet.
var statusWords = map[string]attestation.State{
	"pending": attestation.Waiting, "linkgenerated": attestation.Waiting, "created": attestation.Waiting,
	"accepted": attestation.Accepted, "customeraccepted": attestation.Accepted,
	"expired": attestation.Expired, "linkexpired": attestation.Expired,
	"agreementcreated": attestation.Confirmed,
}

// Enhanced is what is assumed about the enhanced route and may turn out to be otherwise. The zero
// value is the likeliest.
type Enhanced struct {
	EmailField        string // in the body of step 1
	PhoneField        string
	ExpiryField       string
	ExpiryMinutes     int
	StatusPath        string // below the API's address; {id} stands for the attestation's id
	AgreementWithUser bool   // step 3 takes the token of the app with its user, not of the app alone
}

func (e Enhanced) withDefaults() Enhanced {
	for field, likeliest := range map[*string]string{
		&e.EmailField: "emailAddress", &e.PhoneField: "phoneNumber", &e.ExpiryField: "expirationInMinutes",
		&e.StatusPath: "/v1" + createPath + "/{id}",
	} {
		if *field == "" {
			*field = likeliest
		}
	}
	if e.ExpiryMinutes == 0 {
		e.ExpiryMinutes = 7 * 24 * 60 // the most at two vendors
	}
	return e
}

// AcceptLink is the page on which a signatory accepts. It asks for no sign-in: whoever has the link
// can accept.
func AcceptLink(externalID string) string {
	return acceptPage + "?" + acceptParameter + "=" + url.QueryEscape(externalID)
}

// CreateAttestation makes an attestation for a signatory (step 1). It never repeats a request whose
// answer was lost: the same request may be sent again within minutes, and is then answered alike.
func (c *Client) CreateAttestation(ctx context.Context, s attestation.Signatory, r attestation.Request) (
	link attestation.AcceptLink, answer attestation.Answer, result attestation.SendResult, err error) {

	names := c.opts.Enhanced.withDefaults()
	fields := map[string]any{
		fieldCountry: strings.ToUpper(s.Country), fieldFirstName: s.FirstName, fieldLastName: s.LastName,
		fieldCompany: s.CompanyName, fieldLanguage: s.Language, names.EmailField: s.Email,
		names.ExpiryField: names.ExpiryMinutes,
	}
	if s.Phone != "" {
		fields[names.PhoneField] = s.Phone
	}
	var body []byte
	request := &call{op: "create an attestation", uri: createPath, limit: answerLimit, app: true, account: true,
		anySuccess: true, id: r.ID, keep: func(answered []byte) { body = answered }}
	answer, result, err = c.post(ctx, request, fields, func(o object) string {
		if link = readAcceptLink(o); link.ExternalID == "" {
			return "an answer without the attestation's id"
		}
		return ""
	})
	if e, ok := errors.AsType[*Error](err); ok && e.Kind == Malformed {
		// It may have been created, and cannot be used; the next one could not be used either.
		e.Kind, result = Unexpected, attestation.ResultUnknown
		link.Unexpected = unexpected(request.op, e,
			"the attestation's id, a GUID called "+strings.Join(idNames, " or "), "", body)
	}
	return link, answer, result, err
}

func readAcceptLink(o object) (link attestation.AcceptLink) {
	if id, err := uuid.Parse(o.first(idNames)); err == nil {
		link.ExternalID = id.String()
		link.URL = AcceptLink(link.ExternalID)
	}
	if u, err := url.Parse(o.first(linkNames)); err == nil && link.ExternalID != "" && isMicrosoft(u) {
		link.URL = u.String()
	}
	link.ExpiresAt, _ = time.Parse(time.RFC3339, o.first(expiryNames))
	return link
}

// Acceptance asks how far the signatory of an attestation has come (step 2).
func (c *Client) Acceptance(ctx context.Context, externalID string) (a attestation.Acceptance, err error) {
	const setting = "attestation.enhanced.status_path"
	path := strings.ReplaceAll(c.opts.Enhanced.withDefaults().StatusPath, "{id}", url.PathEscape(externalID))
	var body []byte
	request := &call{op: "read the state of an attestation", // without its id, which is a secret
		uri: strings.TrimPrefix(path, "/v1"), limit: answerLimit, app: true,
		keep: func(answered []byte) { body = answered }}
	err = c.get(ctx, request, func(o object) string {
		if a = readAcceptance(o); a.Word == "" {
			return "an answer without a status"
		}
		return ""
	})
	e, failed := errors.AsType[*Error](err)
	_, known := stateOf(a.Word)
	switch {
	case failed && e.Kind == Malformed:
		e.Kind = Unexpected
		a.Unexpected = unexpected(request.op, e, "the status, called "+strings.Join(statusNames, " or "), setting, body)
	case failed && (e.Kind == AddressNotFound || e.Kind == NotFound):
		e.reason = statusPath
	case err == nil && !known:
		a.Unexpected = unexpected(request.op, &Error{Status: http.StatusOK},
			"a known status: this one is taken for pending", "", body)
	}
	return a, err
}

func readAcceptance(o object) attestation.Acceptance {
	a := attestation.Acceptance{Word: clean(o.first(statusNames)), AcceptedOn: day(o.first(dateNames))}
	if a.State, _ = stateOf(a.Word); a.State != attestation.Accepted && a.State != attestation.Confirmed {
		a.AcceptedOn = ""
	}
	if u, err := url.Parse(o.first(documentNames)); err == nil && encrypted(u) {
		a.DocumentURL = u.String()
	}
	return a
}

// stateOf is the state that a word of the service means; a word that is not known means that
// nothing has happened yet.
func stateOf(word string) (state attestation.State, known bool) {
	plain := strings.NewReplacer(" ", "", "-", "", "_", "").Replace(strings.ToLower(word))
	if state, known = statusWords[plain]; !known {
		return attestation.Waiting, false
	}
	return state, true
}

// CreateAgreement creates the agreement of an attestation that was accepted (step 3). It never
// repeats a request whose answer was lost.
func (c *Client) CreateAgreement(ctx context.Context, a attestation.Attestation,
	r attestation.Request) (attestation.Answer, attestation.SendResult, error) {
	fields := agreementFields(a, r, a.AcceptedOn)
	fields[fieldAttestation] = a.ExternalID
	if a.DocumentURL != "" {
		fields[fieldDocument] = a.DocumentURL
	}
	request := &call{op: "create the agreement of customer " + a.CustomerID,
		uri: customerURI(a.ServiceID(), "/agreements"), limit: answerLimit, app: !c.opts.Enhanced.AgreementWithUser,
		anySuccess: true, id: r.ID}
	answer, result, err := c.post(ctx, request, fields, readCreated(a))
	if e, ok := errors.AsType[*Error](err); ok && e.Kind == AppOnly && request.app {
		e.reason = agreementToken
	}
	return answer, result, err
}

// CheckEnhanced reports whether the app alone may use the enhanced route. It asks for an
// attestation that cannot exist.
func (c *Client) CheckEnhanced(ctx context.Context) error {
	_, err := c.Acceptance(ctx, nobody)
	if e, ok := errors.AsType[*Error](err); ok && (e.Kind == NotFound || e.Kind == AddressNotFound ||
		e.Kind == Refused) {
		return nil
	}
	return err
}

// first returns the first of several fields that is a text, in the object itself or in an object of
// it.
func (o object) first(names []string) string {
	for _, name := range names {
		if text := o.string(strings.ToLower(name)); text != "" {
			return text
		}
	}
	for _, outer := range slices.Sorted(maps.Keys(o)) {
		inner := o.object(outer)
		for _, name := range names {
			if text := inner.string(strings.ToLower(name)); text != "" {
				return text
			}
		}
	}
	return ""
}

// unexpected keeps an answer for a person to look at and to send on.
func unexpected(call string, e *Error, expected, setting string, body []byte) *attestation.UnexpectedAnswer {
	decoder := json.NewDecoder(bytes.NewReader(withoutBOM(body)))
	decoder.UseNumber()
	var plain any
	if decoder.Decode(&plain) != nil {
		plain = fmt.Sprintf("[%d bytes that are not JSON]", len(body))
	}
	text, err := json.MarshalIndent(redact("", plain), "", "  ")
	if err != nil {
		text = nil
	}
	return &attestation.UnexpectedAnswer{Call: call, Status: e.Status, Expected: expected, Setting: setting,
		Body: string(text)}
}

// plainNames end the names of fields whose texts say nothing about a person.
var plainNames = regexp.MustCompile(`(?i)(status|state|type|code|version|country|language)$`)

var (
	plainWord = regexp.MustCompile(`^[A-Za-z][A-Za-z_-]{0,39}$`)
	dateText  = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}([T ][0-9:.]+)?(Z|[+-]\d{2}:\d{2})?$`)
)

// redact replaces every text that could be a link, an id, or about a person by its kind. name is
// the field's.
func redact(name string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		for field, inner := range v {
			v[field] = redact(field, inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = redact(name, inner)
		}
	case json.Number:
		return "[a number]"
	case string:
		return redactText(name, v)
	}
	return value
}

func redactText(name, text string) string {
	_, notID := uuid.Parse(text)
	switch {
	case text == "", dateText.MatchString(text), plainWord.MatchString(text) && plainNames.MatchString(name):
		return text
	case notID == nil:
		return "[an id]"
	case strings.Contains(text, "://"):
		return "[a link]"
	case strings.Contains(text, "@"):
		return "[an address]"
	}
	return fmt.Sprintf("[a text of %d characters]", len([]rune(text)))
}

// agreementFields is the body by which an agreement is created, on either route.
func agreementFields(a attestation.Attestation, r attestation.Request, agreed standing.Date) map[string]any {
	return map[string]any{"primaryContact": contact(a), "templateId": r.TemplateID, "dateAgreed": string(agreed) +
		"T00:00:00Z", "type": mca}
}
