package mail

import (
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/loopback"
)

// Kind is what a message asks for. It is also the first part of the name of a template.
type Kind string

// The kinds of messages.
const (
	Attestation  Kind = "attestation"  // the signatory accepts by a personal link (enhanced attestation)
	Agreement    Kind = "agreement"    // an existing customer accepts in the admin center
	Relationship Kind = "relationship" // a new customer accepts the reseller relationship and the agreement
)

var kinds = []Kind{Attestation, Agreement, Relationship}

// Reminder tells the first message about a link from the later ones.
type Reminder string

// The messages about one link.
const (
	First        Reminder = ""
	Repeated     Reminder = "reminder"
	LastReminder Reminder = "last"
)

// Content is what a message says.
type Content struct {
	ID        string // of the message
	Kind      Kind
	Reminder  Reminder
	Partner   string          // the partner's name, as its customers know it
	From      netmail.Address // the person or the team to answer to
	To        netmail.Address
	Customer  string // the name of the customer's company
	Link      string
	Expires   time.Time // of the link, in the zone to be shown; zero: it does not expire
	Languages []string  // BCP 47, in order of preference; without a match the message is in English
	Date      time.Time
}

// Fields are what a template can use. They are single lines.
type Fields struct {
	Partner        string // the partner's name
	Contact        string // the name of the person or team to answer to; may be empty
	ContactAddress string
	Customer       string // the company's name
	Name           string // of the recipient
	Link           string
	Expires        string // when the link expires; may be empty
	Reminder       string // empty, "reminder" or "last"
}

// fieldNames lists the fields as a template names them.
func fieldNames() string {
	var names []string
	for i := range reflect.TypeFor[Fields]().NumField() {
		names = append(names, "."+reflect.TypeFor[Fields]().Field(i).Name)
	}
	return strings.Join(names, ", ")
}

func (c Content) fields(language string) (Fields, error) {
	if err := checkLink(c.Link); err != nil {
		return Fields{}, err
	}
	f := Fields{
		Partner:        OneLine(c.Partner),
		Contact:        OneLine(c.From.Name),
		ContactAddress: c.From.Address,
		Customer:       OneLine(c.Customer),
		Name:           OneLine(c.To.Name),
		Link:           c.Link,
		Reminder:       string(c.Reminder),
	}
	if f.Contact == f.Partner {
		f.Contact = ""
	}
	if !c.Expires.IsZero() {
		f.Expires = instant(c.Expires, language)
	}
	for name, value := range map[string]string{"partner": f.Partner, "customer": f.Customer, "recipient": f.Name} {
		if value == "" {
			return Fields{}, fmt.Errorf("the name of the %s is missing", name)
		}
	}
	return f, nil
}

// checkLink accepts web addresses that arrive unchanged. An error does not repeat the link: whoever
// has it can accept.
func checkLink(link string) error {
	if link == "" {
		return errors.New("the link is missing")
	}
	notPlain := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}", r) }
	if strings.ContainsFunc(link, notPlain) {
		return errors.New("the link contains characters that are not allowed in a web address")
	}
	u, err := url.Parse(link)
	switch {
	case err != nil, u.Host == "", u.User != nil:
		return errors.New("the link is not a web address")
	case u.Scheme == "https", u.Scheme == "http" && loopback.Is(u.Hostname()):
		return nil
	}
	return errors.New("the link does not begin with https://")
}

// instant writes a time as people of the language do; with the zone, because the reader may live in
// another one.
func instant(t time.Time, language string) string {
	zone := t.Format("UTC-07:00")
	if _, offset := t.Zone(); offset == 0 {
		zone = "UTC"
	}
	clock := t.Format("15:04") + " (" + zone + ")"
	switch language {
	case "en":
		return t.Format("2 January 2006") + " at " + clock
	case "pt-BR":
		return fmt.Sprintf("%d de %s de %d às %s", t.Day(), portugueseMonths[t.Month()-1], t.Year(), clock)
	case "es":
		return fmt.Sprintf("%d de %s de %d a las %s", t.Day(), spanishMonths[t.Month()-1], t.Year(), clock)
	}
	return t.Format(time.DateOnly) + " " + clock
}

var (
	portugueseMonths = strings.Fields(
		"janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro")
	spanishMonths = strings.Fields(
		"enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre")
)
