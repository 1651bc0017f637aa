package mail_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/mail"
)

// smtpServer is a mail server on loopback. What it does to a message is the local part of the
// recipient.
type smtpServer struct {
	noTLS, implicit, silent bool
	user, password          string

	config   *tls.Config
	roots    *x509.CertPool
	listener net.Listener
	hanging  chan struct{} // gets a value when a conversation stops without an answer

	mu          sync.Mutex
	connections int
	received    []string
}

func (s *smtpServer) start(t *testing.T) mail.Server {
	t.Helper()
	certificate := httptest.NewTLSServer(nil)
	s.config = certificate.TLS
	s.roots = x509.NewCertPool()
	s.roots.AddCert(certificate.Certificate())
	certificate.Close()
	s.hanging = make(chan struct{}, 100)
	var err error
	s.listener, err = net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	if s.implicit {
		s.listener = tls.NewListener(s.listener, s.config)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			running.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(running.Wait)
	t.Cleanup(func() { s.listener.Close() })
	server := mail.Server{
		Host: "127.0.0.1", Port: s.listener.Addr().(*net.TCPAddr).Port, TLS: mail.StartTLS,
		Timeout: time.Minute, RootCAs: s.roots, User: s.user, Password: s.password,
	}
	if s.implicit {
		server.TLS = mail.Implicit
	}
	return server
}

func (s *smtpServer) serve(conn net.Conn) {
	defer conn.Close()
	s.mu.Lock()
	s.connections++
	s.mu.Unlock()
	if s.silent {
		io.Copy(io.Discard, conn)
		return
	}
	c := conversation{smtpServer: s, conn: conn, text: textproto.NewReader(bufio.NewReader(conn)), secure: s.implicit}
	c.say("220 test ESMTP")
	for {
		line, err := c.text.ReadLine()
		if err != nil || !c.answer(line) {
			return
		}
	}
}

func (s *smtpServer) messages() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.received
}

type conversation struct {
	*smtpServer
	conn      net.Conn
	text      *textproto.Reader
	secure    bool
	signedIn  bool
	recipient string
}

func (c *conversation) say(format string, args ...any) bool {
	_, err := fmt.Fprintf(c.conn, format+"\r\n", args...)
	return err == nil
}

func (c *conversation) answer(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO":
		return c.hello()
	case "STARTTLS":
		c.say("220 go ahead")
		conn := tls.Server(c.conn, c.config)
		c.conn, c.text, c.secure = conn, textproto.NewReader(bufio.NewReader(conn)), true
		return conn.Handshake() == nil
	case "AUTH":
		plain, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
		if c.signedIn = string(plain) == "\x00"+c.user+"\x00"+c.password; !c.signedIn {
			return c.say("535 5.7.8 %s: wrong password", c.user)
		}
		return c.say("235 2.7.0 hello")
	case "MAIL":
		if strings.Contains(rest, "stranger@") {
			return c.say("553 5.7.1 %s is not yours", rest)
		}
		return c.say("250 2.1.0 ok")
	case "RCPT":
		return c.rcpt(rest)
	case "DATA":
		return c.data()
	case "QUIT":
		c.say("221 bye")
		return false
	}
	return c.say("250 2.0.0 ok")
}

func (c *conversation) hello() bool {
	features := []string{"test", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"}
	if !c.secure && !c.noTLS {
		features = append(features, "STARTTLS")
	}
	if c.user != "" {
		features = append(features, "AUTH PLAIN")
	}
	for i, feature := range features {
		separator := "-"
		if i == len(features)-1 {
			separator = " "
		}
		c.say("250%s%s", separator, feature)
	}
	return true
}

func (c *conversation) rcpt(rest string) bool {
	_, address, _ := strings.Cut(rest, "<")
	c.recipient, _, _ = strings.Cut(address, "@")
	switch c.recipient {
	case "refused":
		return c.say("550 5.1.1 <%s: no such user", address)
	case "later":
		return c.say("451 4.7.1 <%s: greylisted", address)
	case "closing":
		c.say("421 4.3.2 shutting down")
		return false
	case "dropped":
		return false
	}
	return c.say("250 2.1.5 ok")
}

func (c *conversation) data() bool {
	c.say("354 go ahead")
	lines, err := c.text.ReadDotLines()
	if err != nil {
		return false
	}
	switch c.recipient {
	case "spam":
		return c.say("554 5.7.1 message for %s refused", c.recipient)
	case "hanging":
		c.hanging <- struct{}{}
		io.Copy(io.Discard, c.conn)
		return false
	case "unanswered":
		return false
	}
	c.mu.Lock()
	c.received = append(c.received, strings.Join(lines, "\r\n")+"\r\n")
	c.mu.Unlock()
	c.say("250 2.0.0 queued")
	return c.recipient != "last"
}
