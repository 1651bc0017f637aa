package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// Outcome tells what a failed send means.
type Outcome int

// The outcomes.
const (
	Temporary Outcome = iota + 1 // not sent; sending it again later may succeed
	Permanent                    // not sent; sending it again without a change is useless
	Unknown                      // the server may have taken it: the connection broke before its answer
)

// SendError is a message that was not sent, or may not have been. It holds no address and no word
// of the server, which often repeats the address.
type SendError struct {
	Outcome Outcome
	Server  bool   // the cause concerns every message, not this recipient alone
	Step    string // what the program was doing
	Address string // of the server
	Code    int    // the server's answer, RFC 5321; 0: none
	Detail  string // the enhanced status code, or a cause that the program found
	Hint    string
}

func (e *SendError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "mail server %s: %s", e.Address, e.Step)
	switch {
	case e.Code != 0 && e.Detail != "":
		fmt.Fprintf(&b, ": answer %d %s", e.Code, e.Detail)
	case e.Code != 0:
		fmt.Fprintf(&b, ": answer %d", e.Code)
	case e.Detail != "":
		fmt.Fprintf(&b, ": %s", e.Detail)
	}
	if e.Hint != "" {
		fmt.Fprintf(&b, ". %s", e.Hint)
	}
	return b.String()
}

// connectError explains why there is no connection that messages can be sent over.
func (s *SMTP) connectError(ctx context.Context, err error) error {
	e := &SendError{Outcome: Permanent, Server: true, Address: s.address(), Step: "connect"}
	if answer := (*textproto.Error)(nil); errors.As(err, &answer) {
		e.Code = answer.Code
		if answer.Code < 500 {
			e.Outcome = Temporary
		}
	}
	text := err.Error()
	switch {
	case ctx.Err() != nil:
		e.Outcome, e.Detail = Temporary, context.Cause(ctx).Error()
	case strings.Contains(text, "does not support STARTTLS"):
		e.Detail = "the server does not offer STARTTLS"
		e.Hint = "Set mail.tls to implicit if the server expects TLS from the start (usually port 465), or ask its " +
			"operator."
	case strings.Contains(text, "AUTH"), strings.Contains(text, "unencrypted connection"):
		e.Step, e.Hint = "sign in", "Check mail.user and mail.password, and that the account may send by SMTP."
	case isCertificateError(err):
		e.Detail, e.Hint = text, "Check mail.host, or ask the server's operator for a valid certificate."
	case errors.As(err, new(tls.RecordHeaderError)):
		e.Detail = "the server does not speak TLS on this port"
		e.Hint = "Set mail.tls to starttls (usually port 587) or correct mail.port."
	case e.Code == 0:
		e.Outcome, e.Detail = Temporary, networkCause(err)
		e.Hint = "Check mail.host and mail.port, and that this host may reach the server."
	}
	return e
}

func isCertificateError(err error) bool {
	return errors.As(err, new(*tls.CertificateVerificationError)) || errors.As(err, new(x509.HostnameError)) ||
		errors.As(err, new(x509.UnknownAuthorityError)) || errors.As(err, new(x509.CertificateInvalidError))
}

func networkCause(err error) string {
	timeout := net.Error(nil)
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "no answer in time"
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		return op.Err.Error()
	}
	return "the server closed the connection"
}

// sendError explains why a message was not sent. err is nil if it was.
func (s *SMTP) sendError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	e := &SendError{Outcome: Temporary, Address: s.address(), Step: "send the message"}
	failure := (*gomail.SendError)(nil)
	if !errors.As(err, &failure) {
		failure = &gomail.SendError{Reason: gomail.ErrAmbiguous}
	}
	e.Code, e.Detail = failure.ErrorCode(), failure.EnhancedStatusCode()
	if e.Code >= 500 {
		e.Outcome = Permanent
	}
	switch {
	case e.Code == 0 && failure.Reason == gomail.ErrSMTPDataClose:
		e.Outcome, e.Step = Unknown, "no answer to the message, which may have been sent"
	case e.Code != 0 && failure.Reason == gomail.ErrSMTPMailFrom:
		e.Step, e.Server, e.Hint = "the sender was not accepted", true,
			"Check mail.from and what the account may send as."
	case e.Code != 0 && failure.Reason == gomail.ErrSMTPRcptTo:
		e.Step, e.Hint = "the recipient was not accepted", "Check the address."
	case e.Code != 0:
		e.Step = "the message was not accepted"
	}
	if e.Code == 0 || e.Code == serviceClosing {
		e.Server = true
	}
	if e.Code == 0 {
		e.Detail = brokenBy(ctx, err)
	}
	if e.Outcome == Temporary {
		e.Hint = "It can be sent again later."
	}
	return e
}

// brokenBy says why a connection broke. The mail library does not unwrap its errors, so the text
// has to tell.
func brokenBy(ctx context.Context, err error) string {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx).Error()
	case strings.Contains(err.Error(), "timeout"):
		return "no answer in time"
	}
	return "the server closed the connection"
}
