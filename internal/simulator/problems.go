package simulator

import (
	"net/http"
	"strconv"
	"strings"
)

// The forms of error bodies, by their letters in docs/partner-center.md, "Error bodies". Form F is
// an empty body, form G belongs to the token server.

const source = "PartnerFD"

// problemA has a number for a code, problemB the same with a text.
func (b *body) problemA(code int, description string) {
	b.start(typeJSON)
	b.code = strconv.Itoa(code)
	b.open("", '{')
	b.number("code", code)
	b.afterCode(description)
}

func (b *body) problemB(code, description string) {
	b.start(typeJSON)
	b.code = code
	b.open("", '{')
	b.text("code", code)
	b.afterCode(description)
}

func (b *body) afterCode(description string) {
	b.text("description", description)
	b.open("data", '[')
	b.close(']')
	b.text("source", source)
	b.close('}')
}

// problemC is the long form.
func (b *body) problemC(code int, digits, errorName, message string, retryable bool) {
	b.start(typeJSON)
	b.code = digits
	b.open("", '{')
	b.number("code", code)
	b.text("message", message)
	b.text("description", message)
	b.text("errorName", errorName)
	b.flag("isRetryable", retryable)
	b.open("parameters", '{')
	b.close('}')
	b.text("errorMessageExtended", "InternalErrorCode="+digits)
	b.close('}')
}

// problemD is the 429 of the gateway.
func (b *body) problemD(message string) {
	b.start(typeJSON)
	b.open("", '{')
	b.number("statusCode", http.StatusTooManyRequests)
	b.text("message", message)
	b.close('}')
}

// problemE has a message and no code.
func (b *body) problemE(message string) {
	b.start(typeJSON)
	b.open("", '{')
	b.text("message", message)
	b.close('}')
}

// The answers that several calls give. Where the page shows a code in two forms, the request's coin
// decides.

func (q *request) accessDenied() int {
	q.coded(400, "400", "Access denied.")
	return http.StatusUnauthorized
}

func (q *request) deadAudience() int {
	q.coded(900420, "900420", "The access token was issued for an audience that is no longer supported.")
	return http.StatusUnauthorized
}

func (q *request) mfaRequired() int {
	q.coded(900421, "900421", "MFA required for the request.")
	return http.StatusUnauthorized
}

func (q *request) appOnlyRefused() int {
	q.coded(900329, "900329", "The resource does not support application only authentication.")
	return http.StatusForbidden
}

func (q *request) roleMissing(empty bool) int {
	if empty {
		q.body.start("")
	} else {
		q.coded(900308, "900308", "The user does not have the role that this operation needs.")
	}
	return http.StatusForbidden
}

func (q *request) relationshipEnded() int {
	q.coded(20002, "20002", "Access denied: there is no relationship between the partner and the customer.")
	return http.StatusForbidden
}

func (q *request) notFound() int {
	if q.coin {
		q.body.problemC(60003, "60003", "TenantNotFound", "The tenant was not found.", false)
	} else {
		q.body.problemA(1000, "The resource was not found.")
	}
	return http.StatusNotFound
}

func (q *request) noAgreement() int {
	q.body.problemC(600009, "600009", "AgreementNotFound", "The customer has no agreement.", false)
	if q.coin {
		return http.StatusNotFound
	}
	return http.StatusBadRequest
}

func (q *request) alreadyExists(status int) int {
	q.body.problemC(600061, "600061", "PartnerConfirmedAgreementAlreadyExists",
		"The partner confirmed agreement already exists.", false)
	return status
}

// cannotAttest is for an indirect reseller, who may read but not attest.
func (q *request) cannotAttest() int {
	if q.coin {
		q.body.problemB("900150", "The partner is not authorized for this operation.")
	} else {
		q.body.problemA(1002, "Access denied.")
	}
	return http.StatusForbidden
}

// invalidInput is a 400 with a code; invalidRequest the one without.
func (q *request) invalidInput(what string) int {
	q.coded(3000, "3000", "Invalid input: "+what)
	return http.StatusBadRequest
}

func (q *request) invalidRequest() int {
	q.body.problemE("The request is invalid.")
	return http.StatusBadRequest
}

func (q *request) serverError() int {
	q.body.problemC(999, "999", "InternalServerError", "An unexpected error occurred.", true)
	return http.StatusInternalServerError
}

func (q *request) coded(number int, digits, description string) {
	if q.coin {
		q.body.problemA(number, description)
	} else {
		q.body.problemB(digits, description)
	}
}

// gatewayPage is what a gateway shows when the service behind it does not answer.
const gatewayPage = `<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN""http://www.w3.org/TR/html4/strict.dtd">
<HTML><HEAD><TITLE>Service Unavailable</TITLE>
<META HTTP-EQUIV="Content-Type" Content="text/html; charset=us-ascii"></HEAD>
<BODY><h2>Service Unavailable</h2>
<hr><p>HTTP Error 503. The service is unavailable.</p>
</BODY></HTML>
`

// gatewayPageOf is the same page with another status.
func gatewayPageOf(status int) string {
	if status == http.StatusServiceUnavailable {
		return gatewayPage
	}
	return strings.NewReplacer("Service Unavailable", http.StatusText(status), "503", strconv.Itoa(status),
		"The service is unavailable.", "The request was not completed.").Replace(gatewayPage)
}

// xmlPage is what somebody gets who does not ask for JSON.
const xmlPage = `<?xml version="1.0" encoding="utf-8"?><Answer xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><Hint>XML</Hint></Answer>`
