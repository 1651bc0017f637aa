package reports

import (
	"net/http"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// unread are the customers of whom nobody can say whether they can buy, with what Microsoft's
// support asks for.
func (r *report) unread() table {
	t := newTable(sheetUnread, r.unreadColumns(), r.total(unreadRows),
		eachOf(r, unreadRows, r.recordsOf(standing.Unknown)))
	t.lines, t.across = 2, 2
	t.until("code")
	return t
}

func unreadRows(c counts) int { return c.unread }

func (r *report) unreadColumns() []column[customerRow] {
	return []column[customerRow]{
		code("what_to_do", 50, r.say.Words["advice"],
			func(c *customerRow) string { return string(adviceFor(c.row.State)) }).wrapped(),
		col("customer", 38, func(c *customerRow) Cell { return Text(c.row.Name) }),
		col("partner", 17, func(c *customerRow) Cell { return Text(c.partner.Partner.Name) }),
		code("reason", 24, r.say.Words["reason"], func(c *customerRow) string { return string(c.row.Reason) }),
		code("next_step", 28, r.say.Words["remedy"], func(c *customerRow) string { return string(c.row.Remedy) }),
		since("unknown_since", func(c *customerRow) Cell { return Instant(c.row.StandingSince) }),
		since("last_read", func(c *customerRow) Cell { return lastRead(c.partner, c.row.Record) }),
		col("message", 44, func(c *customerRow) Cell { return Text(c.row.ReadError.Message) }).wrapped(),
		col("http_status", 10, func(c *customerRow) Cell { return ID(int64(c.row.ReadError.Status)) }),
		col("code", 12, func(c *customerRow) Cell { return Text(c.row.ReadError.Code) }),
		col("domain", 29, func(c *customerRow) Cell { return Text(c.row.Domain) }),
		col("tenant_id", 38, func(c *customerRow) Cell { return tenantID(c.row.Customer) }),
		col("request_id", 38, func(c *customerRow) Cell { return Text(c.row.ReadError.RequestID) }),
		col("correlation_id", 38, func(c *customerRow) Cell { return Text(c.row.ReadError.CorrelationID) }),
		col("reason_code", 24, func(c *customerRow) Cell { return Text(string(c.row.Reason)) }).inWorkbook(),
	}
}

// advice names a sentence that says what a person can do about a customer that was not read.
type advice string

const (
	adviceRelationship advice = "request_relationship"
	adviceFind         advice = "find"
	adviceRole         advice = "role"
	adviceUser         advice = "user"
	adviceSignIn       advice = "sign_in"
	adviceThrottled    advice = "throttled"
	adviceServer       advice = "server"
	adviceNoAnswer     advice = "no_answer"
	adviceInvalid      advice = "invalid_answer"
	adviceSupport      advice = "support"
)

// adviceFor reads what the service answered (docs/partner-center.md, the table of codes).
func adviceFor(s standing.State) advice {
	t := s.ReadError
	switch {
	case s.Reason == standing.RelationshipEnded:
		return adviceRelationship
	case s.Reason == standing.NotFound:
		return adviceFind
	case t == standing.ReadError{}:
		return adviceInvalid
	case t.Status == 0:
		return adviceNoAnswer
	case t.Status == http.StatusUnauthorized:
		return adviceSignIn
	case t.Status == http.StatusForbidden && t.Code == "900329":
		return adviceUser
	case t.Status == http.StatusForbidden && lacksRole(t.Code):
		return adviceRole
	case t.Status == http.StatusTooManyRequests:
		return adviceThrottled
	case t.Status >= http.StatusInternalServerError:
		return adviceServer
	case t.Status < http.StatusBadRequest:
		return adviceInvalid
	default:
		return adviceSupport
	}
}

func lacksRole(code string) bool {
	switch code {
	case "", "900308", "900150", "1002", "2032":
		return true
	}
	return false
}
