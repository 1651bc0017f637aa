// Package mail composes messages to people of a customer and delivers them: as drafts that a person
// sends, or through an SMTP server. It decides neither who gets a message nor when, and remembers
// nothing.
package mail

import (
	"encoding/base64"
	"errors"
	"fmt"
	netmail "net/mail"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"
	"golang.org/x/net/idna"
)

// Message is one message to one person, ready to be delivered.
type Message struct {
	ID         string // unique and stable: it names the draft and makes the Message-ID
	Date       time.Time
	From, To   netmail.Address
	Subject    string
	Text, HTML string // HTML may be empty
	Attachment string // path of a file; empty: none
	Automatic  bool   // a notification of a program: nobody wants an out-of-office reply to it

	Language       string // of the template
	TemplateDigest string // SHA-256 of the template, in hexadecimal
}

// ParseAddress checks an e-mail address for a person. An error does not repeat the address, which
// is personal data.
func ParseAddress(name, address string) (netmail.Address, error) {
	switch {
	case address == "":
		return netmail.Address{}, errors.New("the e-mail address is missing")
	case strings.ContainsFunc(address, unicode.IsControl):
		return netmail.Address{}, errors.New("the e-mail address contains a line break or another control character")
	case len(address) > maxAddress:
		return netmail.Address{}, fmt.Errorf("the e-mail address is longer than %d bytes", maxAddress)
	}
	parsed, err := netmail.ParseAddress(address)
	if err != nil || parsed.Address != address {
		return netmail.Address{}, errors.New("the e-mail address is not valid: it must be one such as ana@contoso.com")
	}
	at := strings.LastIndexByte(address, '@')
	domain, err := idna.Lookup.ToASCII(address[at+1:])
	if err != nil {
		return netmail.Address{}, errors.New("the domain of the e-mail address is not valid")
	}
	return netmail.Address{Name: OneLine(name), Address: address[:at+1] + domain}, nil
}

const (
	maxAddress = 254 // bytes, RFC 5321
	maxText    = 200 // characters of a name in a message
)

// OneLine makes one line of a name that comes from a file or from the service: without control
// characters and without characters that change the direction of the text after it.
func OneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\ufeff', r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxText {
		return string(runes[:maxText-1]) + "…"
	}
	return text
}

// encodeSubject writes a subject as RFC 2047 asks for: lines of at most 76 characters, the first
// one not empty, because some mail programs show a space for an empty one. Text that looks encoded
// is encoded too, so that it stays text.
func encodeSubject(subject string) string {
	plain := !strings.ContainsFunc(subject, func(r rune) bool { return r > '~' }) && !strings.Contains(subject, "=?")
	if plain && len(subject) <= maxPlainSubject {
		return subject
	}
	var words []string
	for room := firstWord; subject != ""; room = nextWord {
		end := min(room, len(subject))
		for end < len(subject) && !utf8.RuneStart(subject[end]) {
			end--
		}
		words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(subject[:end]))+"?=")
		subject = subject[end:]
	}
	return strings.Join(words, "\r\n ")
}

// Bytes of a subject on a line of 76 characters: as it is, in the first encoded word, in the
// others.
const (
	maxPlainSubject = 67
	firstWord       = 39
	nextWord        = 45
)

var validID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// build makes the message in the form of the mail library.
func (m Message) build() (*gomail.Msg, error) {
	if !validID.MatchString(m.ID) {
		return nil, fmt.Errorf("message ID %q: only letters, digits, dots, dashes and underscores are allowed", m.ID)
	}
	from, err := ParseAddress(m.From.Name, m.From.Address)
	if err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	to, err := ParseAddress(m.To.Name, m.To.Address)
	if err != nil {
		return nil, fmt.Errorf("recipient: %w", err)
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(&from)
	msg.ToMailAddress(&to)
	msg.SetGenHeaderPreformatted(gomail.HeaderSubject, encodeSubject(OneLine(m.Subject)))
	msg.SetDateWithValue(m.Date)
	msg.SetMessageIDWithValue(m.ID + from.Address[strings.LastIndexByte(from.Address, '@'):])
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	if m.Attachment != "" {
		msg.AttachFile(m.Attachment)
	}
	if m.Automatic {
		msg.SetGenHeader("Auto-Submitted", "auto-generated")
		msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	}
	return msg, nil
}
