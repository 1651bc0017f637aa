package reports

import (
	"context"
	"net/http"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// unread is everyone of whom nobody can say whether they can buy, with what Microsoft's support asks for.
func (r *report) unread() dataSheet {
	return dataSheet{
		key: sheetUnread,
		columns: []column{colPartner, colCustomer, colTenant, colDomain, colReason, colToDo, colRemedy, colUnknownSince,
			colLastRead, colStatus, colCode, colMessage, colRequest, colCorrelation},
		frozen: 2,
		rows:   r.total(unreadRows),
		lines:  2, // what to do, broken
		fill:   r.fillUnread,
	}
}

func unreadRows(c counts) int { return c.unread }

func (r *report) fillUnread(ctx context.Context, out cells) error {
	return r.eachRecord(ctx, standing.Unknown, unreadRows, func(p PartnerRun, rec standing.Record) error {
		out.text(p.Partner.Name)
		out.text(rec.Name)
		out.text(rec.ID)
		out.text(rec.Domain)
		out.text(string(rec.Reason))
		out.wrapped(r.say.Advice[adviceFor(rec.State)])
		out.text(string(rec.Remedy))
		out.instant(rec.StandingSince)
		r.lastRead(out, p, rec)
		out.status(rec.ReadError.Status)
		out.text(rec.ReadError.Code)
		out.text(rec.ReadError.Message)
		out.text(rec.ReadError.RequestID)
		out.text(rec.ReadError.CorrelationID)
		return out.end()
	})
}

// advice names a sentence that says what a person can do about a customer that was not read.
type advice string

const (
	adviceInvite    advice = "invite"
	adviceFind      advice = "find"
	adviceRole      advice = "role"
	adviceUser      advice = "user"
	adviceSignIn    advice = "sign_in"
	adviceThrottled advice = "throttled"
	adviceServer    advice = "server"
	adviceSilence   advice = "silence"
	adviceNonsense  advice = "nonsense"
	adviceSupport   advice = "support"
)

// adviceFor reads what the service answered (PARTNER-CENTER.md, the table of codes).
func adviceFor(s standing.State) advice {
	t := s.ReadError
	switch {
	case s.Reason == standing.RelationshipEnded:
		return adviceInvite
	case s.Reason == standing.NotFound:
		return adviceFind
	case t == standing.ReadError{}:
		return adviceNonsense
	case t.Status == 0:
		return adviceSilence
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
		return adviceNonsense
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
