package mail_test

import (
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/mail"
)

func messageTo(local string) mail.Message {
	return mail.Message{
		ID: "test-" + local, Date: time.Date(2026, 5, 12, 9, 0, 0, 0, time.UTC),
		From:    netmail.Address{Name: "Contoso", Address: "licensing@contoso.com"},
		To:      netmail.Address{Name: "Ana Souza", Address: local + "@fabrikam.com"},
		Subject: "Subject", Text: "Text\n", HTML: "<p>Text</p>",
	}
}

func newSMTP(t *testing.T, server mail.Server) *mail.SMTP {
	t.Helper()
	sender := mail.NewSMTP(server)
	t.Cleanup(sender.Close)
	return sender
}

func sendError(t *testing.T, err error) *mail.SendError {
	t.Helper()
	failure := (*mail.SendError)(nil)
	require.ErrorAs(t, err, &failure)
	return failure
}

func TestOneRefusedRecipientOfFiftyStopsNobodyElse(t *testing.T) {
	t.Parallel()
	s := &smtpServer{user: "robot", password: "s3cret"}
	sender := newSMTP(t, s.start(t))
	for i := range 50 {
		local := fmt.Sprintf("person%d", i)
		if i == 17 {
			local = "refused"
		}
		err := sender.Send(t.Context(), messageTo(local))
		if i == 17 {
			require.Equal(t, mail.Permanent, sendError(t, err).Outcome)
			continue
		}
		require.NoError(t, err)
	}
	require.Len(t, s.messages(), 49)
	require.Equal(t, 1, s.connections, "one connection for all")
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		local, text string
		outcome     mail.Outcome
		server      bool
	}{
		{"refused", "the recipient was not accepted: answer 550 5.1.1. Check the address.", mail.Permanent, false},
		{"later", "the recipient was not accepted: answer 451 4.7.1. It can be sent again later.", mail.Temporary,
			false},
		{"spam", "the message was not accepted: answer 554 5.7.1", mail.Permanent, false},
		{"closing", "answer 421 4.3.2. It can be sent again later.", mail.Temporary, true},
		{"dropped", "send the message: the server closed the connection. It can be sent again later.", mail.Temporary,
			true},
		{
			"unanswered", "no answer to the message, which may have been sent: the server closed the connection",
			mail.Unknown, true,
		},
	} {
		t.Run(c.local, func(t *testing.T) {
			t.Parallel()
			s := &smtpServer{}
			sender := newSMTP(t, s.start(t))
			err := sender.Send(t.Context(), messageTo(c.local))
			failure := sendError(t, err)
			require.ErrorContains(t, err, c.text)
			require.Equal(t, []any{c.outcome, c.server}, []any{failure.Outcome, failure.Server})
			require.NotContains(t, err.Error(), "fabrikam", "an address is personal data")
			require.NoError(t, sender.Send(t.Context(), messageTo("next")), "the next message is sent all the same")
			require.Len(t, s.messages(), 1)
			require.Contains(t, s.messages()[0], "next@fabrikam.com")
		})
	}
}

func TestServerThatClosedBetweenTwoMessages(t *testing.T) {
	t.Parallel()
	s := &smtpServer{}
	sender := newSMTP(t, s.start(t))
	require.NoError(t, sender.Send(t.Context(), messageTo("last")))
	require.NoError(t, sender.Send(t.Context(), messageTo("person")))
	require.Len(t, s.messages(), 2)
	require.Equal(t, 2, s.connections)
}

func TestHangingServer(t *testing.T) {
	t.Parallel()
	t.Run("cancelled while the answer to the message is awaited", func(t *testing.T) {
		t.Parallel()
		s := &smtpServer{}
		sender := newSMTP(t, s.start(t))
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			<-s.hanging
			cancel(errors.New("interrupted"))
		}()
		err := sender.Send(ctx, messageTo("hanging"))
		require.ErrorContains(t, err, "interrupted")
		require.Equal(t, mail.Unknown, sendError(t, err).Outcome)
	})
	t.Run("no greeting", func(t *testing.T) {
		t.Parallel()
		server := (&smtpServer{silent: true}).start(t)
		server.Timeout = 50 * time.Millisecond
		err := newSMTP(t, server).Send(t.Context(), messageTo("person"))
		require.ErrorContains(t, err, "no answer in time")
		require.Equal(t, mail.Temporary, sendError(t, err).Outcome)
	})
	t.Run("cancelled while the greeting is awaited", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("interrupted"))
		err := newSMTP(t, (&smtpServer{silent: true}).start(t)).Send(ctx, messageTo("person"))
		require.ErrorContains(t, err, "interrupted")
	})
}

func TestConnecting(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		server  *smtpServer
		change  func(*mail.Server)
		outcome mail.Outcome // 0: the message is sent
		text    string
	}{
		{name: "STARTTLS"},
		{name: "TLS from the start", server: &smtpServer{implicit: true}},
		{name: "TLS from the start, with a password", server: &smtpServer{implicit: true, user: "robot",
			password: "s3cret"}},
		{
			name: "no TLS, as configured", server: &smtpServer{noTLS: true},
			change: func(s *mail.Server) { s.TLS = mail.NoTLS },
		},
		{
			name: "no TLS offered", server: &smtpServer{noTLS: true, user: "robot", password: "s3cret"},
			outcome: mail.Permanent, text: "the server does not offer STARTTLS. Set mail.tls to implicit",
		},
		{
			name: "wrong password", server: &smtpServer{user: "robot", password: "s3cret"},
			change:  func(s *mail.Server) { s.Password = "other" },
			outcome: mail.Permanent, text: "sign in: answer 535. Check mail.user and mail.password",
		},
		{
			name: "no sign-in offered", change: func(s *mail.Server) { s.User, s.Password = "robot", "s3cret" },
			outcome: mail.Permanent, text: "sign in. Check mail.user and mail.password",
		},
		{
			name: "certificate of nobody", change: func(s *mail.Server) { s.RootCAs = nil },
			outcome: mail.Permanent, text: "certificate",
		},
		{
			name: "certificate of another host", change: func(s *mail.Server) { s.Host = "localhost" },
			outcome: mail.Permanent, text: "certificate is valid for",
		},
		{
			name: "TLS from the start at a port for STARTTLS", change: func(s *mail.Server) { s.TLS = mail.Implicit },
			outcome: mail.Permanent, text: "the server does not speak TLS on this port",
		},
		{
			name: "nobody listens", change: func(s *mail.Server) { s.Port = 1 },
			outcome: mail.Temporary, text: "connection refused. Check mail.host and mail.port",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.server == nil {
				c.server = &smtpServer{}
			}
			server := c.server.start(t)
			if c.change != nil {
				c.change(&server)
			}
			err := newSMTP(t, server).Send(t.Context(), messageTo("person"))
			if c.outcome == 0 {
				require.NoError(t, err)
				require.Len(t, c.server.messages(), 1)
				return
			}
			require.ErrorContains(t, err, c.text)
			failure := sendError(t, err)
			require.Equal(t, []any{c.outcome, true}, []any{failure.Outcome, failure.Server})
			require.False(t, strings.Contains(err.Error(), "robot") || strings.Contains(err.Error(), "s3cret"))
			require.Empty(t, c.server.messages())
		})
	}
	t.Run("sender of somebody else", func(t *testing.T) {
		t.Parallel()
		m := messageTo("person")
		m.From.Address = "stranger@contoso.com"
		err := newSMTP(t, (&smtpServer{}).start(t)).Send(t.Context(), m)
		require.ErrorContains(t, err, "the sender was not accepted: answer 553 5.7.1. Check mail.from")
		require.True(t, sendError(t, err).Server)
	})
}
