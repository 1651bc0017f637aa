// Package notify tells people and machines how a night ended: by mail, by a webhook, and by the
// pings of a service that raises an alarm when they stay away. What cannot be delivered is a
// warning, never the night's failure.
package notify

import (
	"context"
	"fmt"
	"net/http"
	netmail "net/mail"
	"os"
	"sync"
	"time"

	"github.com/mcaledger/mcaledger/internal/mail"
)

// When says which nights are told by mail and webhook. A failed night always is.
type When string

// The nights that are told.
const (
	OnChanges When = "changes" // something changed, or needs a person
	Always    When = "always"
	OnFailure When = "failure"
)

// Notifier tells about nights. What is empty in it is left out.
type Notifier struct {
	When     When
	Language string
	Location *time.Location
	Mail     Mail
	Webhook  Webhook
	Ping     Ping
	HTTP     http.RoundTripper // nil: http.DefaultTransport
}

// Mail is who gets a mail. Each recipient gets a separate mail, so that one bad address does not
// affect the others.
type Mail struct {
	Sender interface {
		Send(context.Context, mail.Message) error
	}
	From        netmail.Address
	To          []netmail.Address
	AttachLimit int64 // bytes; a larger workbook is named by its path
}

// Kind is the form of what is posted to a webhook.
type Kind string

// The forms.
const (
	Generic Kind = "generic" // the JSON of Night
	Teams   Kind = "teams"   // the card that a Microsoft Teams workflow takes
)

// Webhook is an address that a night is posted to. Whoever knows it can post, so it is a secret.
type Webhook struct {
	URL  string
	Kind Kind
}

// Ping holds the addresses of a service that raises an alarm when no ping arrives. They are secrets
// too.
type Ping struct{ Start, Success, Fail string }

// Limits on the time that notifications may take, all together.
const (
	timeLimit        = 45 * time.Second
	interruptedLimit = 5 * time.Second // a system that shuts down does not wait longer
)

// Started sends the ping of the start.
func (n Notifier) Started(ctx context.Context) []error {
	return n.all(ctx, timeLimit, []delivery{n.ping("start", n.Ping.Start)})
}

// Finished tells how the night ended. It also works when ctx is already cancelled. The errors are
// warnings.
func (n Notifier) Finished(ctx context.Context, night Night) []error {
	deliveries := []delivery{n.ping("success", n.Ping.Success)}
	if night.failed() {
		deliveries = []delivery{n.ping("failure", n.Ping.Fail)}
	}
	if n.isTold(night) {
		deliveries = append(deliveries, n.webhook(night))
		deliveries = append(deliveries, n.mails(night)...)
	}
	limit := timeLimit
	if night.Outcome == Interrupted {
		limit = interruptedLimit
	}
	return n.all(ctx, limit, deliveries)
}

func (n Notifier) isTold(night Night) bool {
	switch {
	case night.failed(), n.When == Always:
		return true
	case n.When == OnFailure:
		return false
	}
	return night.changed()
}

// delivery is one thing to do; nil: nothing.
type delivery func(ctx context.Context) error

func (n Notifier) all(ctx context.Context, limit time.Duration, deliveries []delivery) (warnings []error) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), limit,
		fmt.Errorf("no success within %s", limit))
	defer cancel()
	failures := make([]error, len(deliveries))
	var working sync.WaitGroup
	for i, deliver := range deliveries {
		if deliver != nil {
			working.Go(func() { failures[i] = deliver(ctx) })
		}
	}
	working.Wait()
	for _, err := range failures {
		if err != nil {
			warnings = append(warnings, err)
		}
	}
	return warnings
}

func (n Notifier) ping(name, url string) delivery {
	if url == "" {
		return nil
	}
	return func(ctx context.Context) error {
		if err := n.request(ctx, http.MethodGet, url, nil); err != nil {
			return fmt.Errorf("ping of the %s: %w", name, err)
		}
		return nil
	}
}

func (n Notifier) mails(night Night) (deliveries []delivery) {
	if n.Mail.Sender == nil || len(n.Mail.To) == 0 {
		return nil
	}
	text := n.compose(night)
	attachment := ""
	if info, err := os.Stat(night.Workbook); err == nil && info.Size() <= n.Mail.AttachLimit {
		attachment = night.Workbook
	}
	m := mail.Message{
		Date: night.Finished, From: n.Mail.From, Subject: text.Title, Text: text.plain(attachment != ""),
		HTML: text.html(attachment != ""), Attachment: attachment, Automatic: true,
	}
	for i, to := range n.Mail.To {
		m := m
		m.To = to
		m.ID = fmt.Sprintf("night-%s-%d", night.Finished.UTC().Format("20060102T150405.000000000"), i+1)
		deliveries = append(deliveries, func(ctx context.Context) error {
			if err := n.Mail.Sender.Send(ctx, m); err != nil {
				return fmt.Errorf("mail to recipient %d of notify.to: %w", i+1, err)
			}
			return nil
		})
	}
	return deliveries
}
