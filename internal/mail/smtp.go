package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// TLS says how the connection to a mail server is encrypted.
type TLS string

// The kinds of encryption. STARTTLS is demanded, not tried.
const (
	StartTLS TLS = "starttls"
	Implicit TLS = "implicit"
	NoTLS    TLS = "none" // passwords are then sent to a server on this host only
)

// Server is a mail server and how to sign in to it.
type Server struct {
	Host           string
	Port           int
	TLS            TLS
	User, Password string         // empty: without signing in
	Timeout        time.Duration  // of the connection, and of each message
	RootCAs        *x509.CertPool // nil: those of the system
}

// SMTP sends messages through a mail server, over one connection that is kept between them. Close
// ends it.
type SMTP struct {
	server  Server
	mu      sync.Mutex
	session *session
}

type session struct {
	client *gomail.Client
	smtp   *smtp.Client
	conn   net.Conn
}

// NewSMTP returns a sender. It connects when the first message is sent.
func NewSMTP(server Server) *SMTP { return &SMTP{server: server} }

// Send sends a message to its one recipient. Every failure is a *SendError, unless the message
// itself is not valid.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	msg, err := m.build()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	reused := s.session != nil
	if !reused {
		if err := s.connect(ctx); err != nil {
			return err
		}
	}
	err = s.deliver(ctx, msg)
	if lost := (*gomail.SendError)(nil); reused && errors.As(err, &lost) && lost.Reason == gomail.ErrConnCheck {
		if err := s.connect(ctx); err != nil { // the server closed the connection between two messages
			return err
		}
		err = s.deliver(ctx, msg)
	}
	return s.sendError(ctx, err)
}

// Close ends the connection.
func (s *SMTP) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session == nil {
		return
	}
	s.session.conn.SetDeadline(time.Now().Add(closeTimeout))
	s.session.client.CloseWithSMTPClient(s.session.smtp) //nolint:errcheck // every message has been answered
	s.drop()
}

const closeTimeout = 5 * time.Second

func (s *SMTP) drop() {
	if s.session != nil {
		s.session.conn.Close()
		s.session = nil
	}
}

func (s *SMTP) connect(ctx context.Context) error {
	s.drop()
	conn, err := s.dial(ctx)
	if err != nil {
		return s.connectError(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	client, err := gomail.NewClient(s.server.Host, s.options(conn)...)
	var greeted *smtp.Client
	if err == nil {
		greeted, err = client.DialToSMTPClientWithContext(ctx)
	}
	if err != nil {
		conn.Close()
		return s.connectError(ctx, err)
	}
	s.session = &session{client, greeted, conn}
	return nil
}

func (s *SMTP) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.server.Timeout)
	defer cancel()
	if s.server.TLS == Implicit {
		return (&tls.Dialer{Config: s.tlsConfig()}).DialContext(ctx, "tcp", s.address())
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", s.address())
}

func (s *SMTP) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: s.server.Host, MinVersion: tls.VersionTLS12, RootCAs: s.server.RootCAs}
}

func (s *SMTP) options(conn net.Conn) []gomail.Option {
	options := []gomail.Option{
		gomail.WithPort(s.server.Port),
		gomail.WithTimeout(s.server.Timeout),
		gomail.WithTLSConfig(s.tlsConfig()),
		gomail.WithTLSPolicy(gomail.TLSMandatory),
		gomail.WithDialContextFunc(func(context.Context, string, string) (net.Conn, error) { return conn, nil }),
	}
	switch s.server.TLS {
	case Implicit:
		options = append(options, gomail.WithSSL())
	case NoTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.server.User != "" {
		options = append(options, gomail.WithUsername(s.server.User), gomail.WithPassword(s.server.Password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	return options
}

// deliver sends a message over the connection. After a failure the connection is used again only if
// the server has refused the message, and not if nobody knows where the conversation stands.
func (s *SMTP) deliver(ctx context.Context, msg *gomail.Msg) error {
	conn := s.session.conn
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	err := s.session.client.SendWithSMTPClient(s.session.smtp, msg)
	alive := stop()
	failure := (*gomail.SendError)(nil)
	if err != nil && (!errors.As(err, &failure) || failure.ErrorCode() == 0 || failure.ErrorCode() == serviceClosing) {
		alive = false
	}
	if !alive {
		s.drop()
	}
	if msg.IsDelivered() {
		return nil // what failed after it is the next message's
	}
	return err
}

const serviceClosing = 421 // RFC 5321: the server closes the connection after this answer

func (s *SMTP) address() string { return net.JoinHostPort(s.server.Host, strconv.Itoa(s.server.Port)) }
