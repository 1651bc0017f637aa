package jobs

import (
	"context"
	"errors"
	"fmt"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Classic is the route with one step: one request creates the agreement.
type Classic struct {
	Service Attestor
	Since   standing.Date // acceptances on record dated this day or later count

	template string
}

// maxSends is how many requests of an attestation may stay without an answer before a person has
// to look at it.
const maxSends = 5

// Attestor is what the classic route asks of Partner Center.
type Attestor interface {
	RecordReader
	Template(ctx context.Context) (string, error)
	Attest(ctx context.Context, a attestation.Attestation,
		r attestation.Request) (attestation.Answer, attestation.SendResult, error)
}

// Begin reads the template of the agreement.
func (j *Classic) Begin(ctx context.Context) (err error) {
	j.template, err = j.Service.Template(ctx)
	return err
}

// Advance sends an attestation, or finds out what became of it.
func (j *Classic) Advance(ctx context.Context, c *attestation.Claim, open OpenRequest) (attestation.Settlement, error) {
	if c.MaybeDelivered {
		if end, ok, err := j.readBack(ctx, c); ok || err != nil {
			return end, err
		}
	}
	if err := open(ctx, attestation.Request{Kind: attestation.AttestRequest, TemplateID: j.template}); err != nil {
		return attestation.Settlement{State: c.State}, err
	}
	answer, result, err := j.Service.Attest(ctx, c.Attestation, c.LastRequest)
	if result == attestation.ResultDuplicateSigner {
		return duplicateSigner(ctx, j.Service, c, j.Since, answer, c.MaybeDelivered)
	}
	return sent(c, answer, result, err)
}

// sent is what the answer to a request means for an attestation; err is the service's, if it
// refused.
func sent(c *attestation.Claim, answer attestation.Answer, result attestation.SendResult,
	err error) (attestation.Settlement, error) {
	end := attestation.Settlement{State: c.State, Result: result, Answer: answer}
	switch result {
	case attestation.ResultSucceeded:
		end.State = attestation.Confirmed
		return end, nil
	case attestation.ResultContentRejected:
		end.State, end.Reason, end.Message = attestation.RefusedByMicrosoft, attestation.ContentRefused,
			serviceMessage(err)
		end.Hint = "Correct the row and import it again."
	case attestation.ResultCustomerRejected:
		end = customerRejected(c, answer, err)
	case attestation.ResultForbidden:
		return forbidden(c, answer, err), err
	case attestation.ResultNotSent:
		return undone(c, result, answer), err
	default:
		end.Reason = attestation.NotSettled
	}
	return end, ifFatal(err)
}

// ifFatal returns the error if every further call would fail in the same way.
func ifFatal(err error) error {
	if e, ok := errors.AsType[serviceError](err); ok && e.Fatal() {
		return err
	}
	return nil
}

// customerRejected is an attestation for a customer for whom there can be none now.
func customerRejected(c *attestation.Claim, answer attestation.Answer, err error) attestation.Settlement {
	hint := "Correct what the answer names"
	if e, ok := errors.AsType[serviceError](err); ok {
		switch e.Outcome() {
		case standing.OutcomeRelationshipEnded:
			hint = "The relationship with the customer has ended: send it a new relationship request"
		case standing.OutcomeNotFound:
			hint = "The service does not know this customer any more: look for it in Partner Center"
		}
	}
	return attestation.Settlement{State: attestation.Failed, Reason: attestation.CustomerRefused,
		Message: serviceMessage(err), Hint: fmt.Sprintf("%s, then run mcaledger attest retry %s.", hint, c.ID),
		Result: attestation.ResultCustomerRejected, Answer: answer}
}

// forbidden is an attestation for a customer for whom the caller lacks a right that it has for
// others.
func forbidden(c *attestation.Claim, answer attestation.Answer, err error) attestation.Settlement {
	end := customerRejected(c, answer, err)
	end.Result = attestation.ResultForbidden
	end.Hint = fmt.Sprintf("Other customers were accepted, and this one was not: let an Admin agent or Sales agent "+
		"with access to it sign in, "+
		"then run mcaledger attest retry %s.", c.ID)
	return end
}

// readBack looks for an attestation whose request has an unknown outcome. ok is false when it is
// certainly not on record, so that the request may be repeated.
func (j *Classic) readBack(ctx context.Context,
	c *attestation.Claim) (end attestation.Settlement, ok bool, fatal error) {
	found, err := j.Service.Agreements(ctx, c.ServiceID())
	if e, gone := errors.AsType[serviceError](err); gone && e.Outcome() != standing.OutcomeUnreadable {
		end := customerRejected(c, answerOf(e), err)
		end.Read = true
		return end, true, nil
	}
	if err != nil {
		return attestation.Settlement{State: c.State}, true, ifFatal(err)
	}
	if end, ok := c.Found(found, j.Since); ok {
		return end, true, nil
	}
	if c.Requests >= maxSends {
		return noAnswer(c, c.Requests), true, nil
	}
	return attestation.Settlement{}, false, nil
}

// noAnswer is an attestation that was sent as often as it may be.
func noAnswer(c *attestation.Claim, sends int) attestation.Settlement {
	return attestation.Settlement{State: attestation.Failed, Reason: attestation.NoAnswer,
		Result: attestation.ResultNotSent, Read: true,
		Message: fmt.Sprintf("it was sent %d times without an answer, and Microsoft does not have it", sends),
		Hint:    fmt.Sprintf("Look the customer up in Partner Center, then run mcaledger attest retry %s.", c.ID)}
}

// duplicateSigner settles 600061: the same signer's agreement is on record, however old. It may be
// the one that an earlier request created.
func duplicateSigner(ctx context.Context, record RecordReader, c *attestation.Claim, since standing.Date,
	answer attestation.Answer, mayBeOurs bool) (attestation.Settlement, error) {

	end := attestation.Settlement{State: c.State, Reason: attestation.NotSettled, Result: attestation.ResultUnknown,
		Answer: answer}
	found, err := record.Agreements(ctx, c.ServiceID())
	if err != nil {
		return end, ifFatal(err)
	}
	var newest standing.Date
	for _, a := range found {
		if attestation.SameContact(a.Signer, c.Content.Signer) {
			newest = max(newest, a.Agreed)
		}
	}
	if again, ok := c.Found(found, since); ok && mayBeOurs {
		again.Answer, again.Read = answer, false
		return again, nil
	}
	end.Result = attestation.ResultDuplicateSigner
	switch {
	case newest >= since:
		end.State, end.Reason = attestation.AlreadyOnRecord, attestation.SameOnRecord
		end.Message = "Microsoft has this signer's acceptance of " + string(newest)
	default:
		day := ""
		if newest != "" {
			day = fmt.Sprintf(" (%s)", newest)
		}
		end.State, end.Reason = attestation.RefusedByMicrosoft, attestation.SameSigner
		end.Message = fmt.Sprintf("Microsoft has an outdated acceptance%s of the same signer and refuses another one "+
			"(600061)", day)
		end.Hint = "Name another signer, or the same with a changed e-mail or phone, and import the row again."
	}
	return end, nil
}

// answerOf is the answer to a read that failed.
func answerOf(e serviceError) attestation.Answer {
	t := e.ReadError()
	return attestation.Answer{Status: t.Status, Code: t.Code, RequestID: t.RequestID, CorrelationID: t.CorrelationID}
}

// serviceMessage is what the service said, for a person; the ids stand beside it.
func serviceMessage(err error) string {
	if e, ok := errors.AsType[serviceError](err); ok {
		return e.ReadError().Message
	}
	return ""
}
