package mail_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/mcaledger/mcaledger/internal/mail"
)

func content(kind mail.Kind, languages ...string) mail.Content {
	return mail.Content{
		ID: "batch-3-line-14", Kind: kind, Partner: "Contoso Cloud", Customer: "Fabrikam & Filhos",
		From: netmail.Address{Name: "Maria Lima", Address: "licensing@contoso.com"},
		To:   netmail.Address{Name: "José da Silva", Address: "jose@fabrikam.com"},
		Link: links[kind], Languages: languages,
		Expires: time.Date(2026, 5, 19, 14, 30, 0, 0, time.FixedZone("", -3*3600)),
		Date:    time.Date(2026, 5, 12, 9, 0, 0, 0, time.UTC),
	}
}

// The links in the form in which the service gives them.
var links = map[mail.Kind]string{
	mail.Attestation: "https://cdn.partner.microsoft.com/mca/?attestationid=3f2504e0-4f89-11d3-9a0c-0305e82c3301",
	mail.Agreement:   "https://admin.microsoft.com/AdminPortal/Home?ref=/BillingAccounts/agreement",
	mail.Relationship: "https://admin.microsoft.com/Adminportal/Home?invType=ResellerRelationship" +
		"&partnerId=3f2504e0-4f89-11d3-9a0c-0305e82c3301&msppId=0&DAP=false#/BillingAccounts/partner-invitation",
}

func load(t *testing.T, folder string) *mail.Templates {
	t.Helper()
	templates, err := mail.LoadTemplates(folder)
	require.NoError(t, err)
	return templates
}

func TestBuiltInMessages(t *testing.T) {
	t.Parallel()
	templates := load(t, "")
	words := map[string][]string{
		"en": {"Hello José da Silva,", "Reminder:", "Global Administrator",
			"is lifted by itself|lifts the block by itself|without anything else"},
		"pt-BR": {"Olá, José da Silva,", "Lembrete:", "Administrador Global", "automaticamente|sem mais nenhuma ação"},
		"es": {"Hola, José da Silva:", "Recordatorio:", "administrador global",
			"automáticamente|sin hacer nada más"},
	}
	digests := map[string]string{}
	for _, kind := range []mail.Kind{mail.Attestation, mail.Agreement, mail.Relationship} {
		for language, words := range words {
			c := content(kind, language)
			first, err := templates.Compose(c)
			require.NoError(t, err)
			require.Equal(t, language, first.Language)
			for _, part := range []string{first.Text, visible(t, first.HTML)} {
				require.Contains(t, part, words[0])
				require.Contains(t, part, c.Link)
				require.Contains(t, part, "Fabrikam & Filhos")
				require.Contains(t, part, "Contoso Cloud")
				require.Contains(t, part, "Maria Lima")
				require.Contains(t, part, "licensing@contoso.com")
				require.NotContains(t, part, "{{")
				require.Regexp(t, words[3], part)
				if kind != mail.Attestation {
					require.Contains(t, part, words[2])
				}
			}
			require.Equal(t, []string{c.Link}, hrefs(t, first.HTML), "the link as the service gave it")
			require.Contains(t, first.HTML, fmt.Sprintf("<html lang=%q>", language))

			c.Reminder = mail.Repeated
			repeated, err := templates.Compose(c)
			require.NoError(t, err)
			require.Equal(t, words[1]+" "+first.Subject, repeated.Subject)
			require.NotEqual(t, first.Text, repeated.Text)
			require.Equal(t, first.TemplateDigest, repeated.TemplateDigest)
			require.Len(t, first.TemplateDigest, 64)
			require.Empty(t, digests[first.TemplateDigest], "two templates are the same")
			digests[first.TemplateDigest] = language
		}
	}
}

func TestExpiryIsShownInTheReadersLanguageAndWithItsZone(t *testing.T) {
	t.Parallel()
	templates := load(t, "")
	for language, expected := range map[string]string{
		"en":    "It works until 19 May 2026 at 14:30 (UTC-03:00).",
		"pt-BR": "Ele é válido até 19 de maio de 2026 às 14:30 (UTC-03:00).",
		"es":    "Es válido hasta el 19 de mayo de 2026 a las 14:30 (UTC-03:00).",
	} {
		m, err := templates.Compose(content(mail.Attestation, language))
		require.NoError(t, err)
		require.Contains(t, m.Text, expected)
	}
	c := content(mail.Attestation)
	c.Expires = time.Time{}
	m, err := templates.Compose(c)
	require.NoError(t, err)
	require.NotContains(t, m.Text, "works until")
}

func TestLanguageThatFitsBest(t *testing.T) {
	t.Parallel()
	templates := load(t, "")
	for wanted, expected := range map[string]string{
		"pt-BR": "pt-BR", "pt": "pt-BR", "PT_br": "pt-BR", "es-MX": "es", "en-GB": "en",
		"ja": "en", "": "en", "not a language": "en",
		"fr,es": "es", "ja,pt-PT": "pt-BR",
	} {
		m, err := templates.Compose(content(mail.Agreement, strings.Split(wanted, ",")...))
		require.NoError(t, err)
		require.Equal(t, expected, m.Language, wanted)
	}
}

func TestTemplatesOfThePartner(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, folder, "agreement.fr.txt",
		"\ufeffSubject: Bonjour {{.Customer}}\r\n\r\n# Titre\r\n1. un\r\n2. deux\r\n{{.Link}}\r\n")
	write(t, folder, "agreement.en.txt", "Subject: Ours\n\nGo to {{.Link}} now.\n")
	write(t, folder, "agreement.en.html", `<p title="{{.Customer}}">Go to <a href="{{.Link}}">{{.Link}}</a></p>`)
	write(t, folder, "README.md", "not a template")
	templates := load(t, folder)
	m, err := templates.Compose(content(mail.Agreement, "fr"))
	require.NoError(t, err)
	require.Equal(t, "Bonjour Fabrikam & Filhos", m.Subject)
	require.Equal(t, "Titre\n1. un\n2. deux\n"+links[mail.Agreement]+"\n", m.Text)
	require.Regexp(t, `(?s)<h2[^>]*>Titre</h2>.*<ol[^>]*><li[^>]*>un</li><li[^>]*>deux</li></ol>`, m.HTML)
	m, err = templates.Compose(content(mail.Agreement, "en"))
	require.NoError(t, err)
	require.Equal(t, "Ours", m.Subject)
	link := links[mail.Agreement]
	require.Equal(t, `<p title="Fabrikam &amp; Filhos">Go to <a href="`+link+`">`+link+`</a></p>`, m.HTML)
	m, err = templates.Compose(content(mail.Agreement, "es"))
	require.NoError(t, err)
	require.NotEqual(t, "Ours", m.Subject, "the built-in text is kept where the partner has none")
}

func TestMistakesInTemplatesAreFoundAtTheStart(t *testing.T) {
	t.Parallel()
	const fields = "the fields are .Partner, .Contact, .ContactAddress, .Customer, .Name, .Link, .Expires, .Reminder"
	for _, c := range []struct{ name, text, html, expected string }{
		{"agreement.en", "Subject: S\n\n{{.Link}\n", "", "agreement.en.txt line 3: bad character"},
		{
			"agreement.en", "Subject: S\n\n{{.Link}}\n{{.Nmae}}\n", "",
			"agreement.en.txt line 4: there is no field .Nmae; " + fields,
		},
		{
			"agreement.en", "Subject: S\n\n{{.Link}}\n{{if eq .Customer \"X\"}}\n{{with " +
				"$.Parnter}}{{.}}{{end}}{{end}}\n", "",
			"agreement.en.txt line 5: there is no field .Parnter; " + fields,
		},
		{
			"agreement.en", "Subject: S\n\n{{.Link}}", "<p>\n{{.Link}} {{.Url}}",
			"agreement.en.html line 2: there is no field .Url; " + fields,
		},
		{"agreement.en", "Subject: S\n\n{{.Link}}", "<p>{{if .Link}}", "agreement.en.html line 1: unexpected EOF"},
		{
			"agreement.en", "Subject: S\n\n{{.Link}}", "<p>\n\n<a href=\"{{if .Expires}}\" {{end}}>{{.Link}}",
			"agreement.en.html line 3: {{if}} branches end in different contexts",
		},
		{"agreement.en", "Subject: S\n\n{{.Link}}", "<p>no link", "agreement.en.html: the text has no {{.Link}}"},
		{"agreement.en", "Subject: S\n\nno link", "", "agreement.en.txt: the text has no {{.Link}}"},
		{"agreement.en", "Subject: S\n\n{{if .Expires}}{{.Link}}{{end}}", "",
			"agreement.en.txt: the text has no {{.Link}}"},
		{
			"agreement.en", "Subject: S\n\n{{.Link}} {{.Link.Host}}", "",
			"agreement.en.txt line 3: <.Link.Host>: can't evaluate field Host in type string",
		},
		{"agreement.en", "Subject: S\n\n{{shout .Link}}", "",
			"agreement.en.txt line 3: function \"shout\" not defined"},
		{"agreement.en", "{{.Link}}", "", "agreement.en.txt line 1: must be \"Subject: \" and the subject of the " +
			"message"},
		{"agreement.en", "Subject: {{if .Expires}}S{{end}}\n{{.Link}}", "", "agreement.en.txt line 1: must be"},
		{
			"agrement.en", "Subject: S\n\n{{.Link}}", "",
			"agrement.en: the name must begin with attestation, agreement or relationship",
		},
		{"agreement.english!", "Subject: S\n\n{{.Link}}", "", "\"english!\" is not a language"},
		{"agreement", "Subject: S\n\n{{.Link}}", "", "\"\" is not a language"},
		{"agreement.en", "", "<p>{{.Link}}", "agreement.en.html: there must also be a agreement.en.txt"},
	} {
		folder := t.TempDir()
		if c.text != "" {
			write(t, folder, c.name+".txt", c.text)
		}
		if c.html != "" {
			write(t, folder, c.name+".html", c.html)
		}
		_, err := mail.LoadTemplates(folder)
		require.ErrorContains(t, err, c.expected)
		require.ErrorContains(t, err, "mail template in "+folder+": ")
	}
	_, err := mail.LoadTemplates(filepath.Join(t.TempDir(), "missing"))
	require.ErrorContains(t, err, "read the folder of mail templates")
}

func TestContentThatCannotBeSent(t *testing.T) {
	t.Parallel()
	templates := load(t, "")
	for expected, change := range map[string]func(*mail.Content){
		"the link is missing":                func(c *mail.Content) { c.Link = "" },
		"the link contains characters":       func(c *mail.Content) { c.Link += "\r\nBcc: x@y" },
		"the link is not a web address":      func(c *mail.Content) { c.Link = "https:agreement" },
		"the link does not begin with https": func(c *mail.Content) { c.Link = "http://admin.microsoft.com/" },
		"the name of the customer is miss":   func(c *mail.Content) { c.Customer = "\u202e\x00 " },
		"the name of the recipient is miss":  func(c *mail.Content) { c.To.Name = "" },
		"the name of the partner is missing": func(c *mail.Content) { c.Partner = "" },
	} {
		c := content(mail.Agreement)
		change(&c)
		_, err := templates.Compose(c)
		require.ErrorContains(t, err, expected)
		require.NotContains(t, err.Error(), "admin.microsoft.com", "a link is a secret")
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, expected := range map[string]string{
		"ana@fabrikam.com":                  "",
		"o'hara+mca@sub.fabrikam.com":       "",
		"":                                  "is missing",
		"ana@fabrikam.com\r\nBcc: x@y.com":  "contains a line break",
		"ana\n@fabrikam.com":                "contains a line break",
		"Ana <ana@fabrikam.com>":            "is not valid",
		"ana@fabrikam.com, bob@fabrikam.it": "is not valid",
		"ana":                               "is not valid",
		"@fabrikam.com":                     "is not valid",
		"ana@":                              "is not valid",
		"ana@fabri kam.com":                 "is not valid",
		"ana@[10.0.0.1]":                    "domain of the e-mail address is not valid",
		strings.Repeat("a", 250) + "@b.com": "longer than 254",
	} {
		parsed, err := mail.ParseAddress("Ana", address)
		if expected == "" {
			require.NoError(t, err)
			require.Equal(t, netmail.Address{Name: "Ana", Address: address}, parsed)
			continue
		}
		require.ErrorContains(t, err, expected)
		require.NotContains(t, err.Error(), "fabrikam", "an address is personal data")
	}
	parsed, err := mail.ParseAddress("Jürgen", "jürgen@büro.example")
	require.NoError(t, err)
	require.Equal(t, "jürgen@xn--bro-hoa.example", parsed.Address)
}

func write(t *testing.T, folder, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
}

// visible is the text that a reader of an HTML part sees.
func visible(t *testing.T, page string) string {
	t.Helper()
	var text strings.Builder
	eachNode(t, page, func(n *html.Node) {
		if n.Type == html.TextNode {
			text.WriteString(n.Data)
		}
	})
	return text.String()
}

func hrefs(t *testing.T, page string) (found []string) {
	t.Helper()
	eachNode(t, page, func(n *html.Node) {
		for _, a := range n.Attr {
			if a.Key == "href" {
				found = append(found, a.Val)
			}
		}
	})
	return found
}

func eachNode(t *testing.T, page string, visit func(*html.Node)) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	for n := range root.Descendants() {
		visit(n)
	}
}

// received is a message as a mail program reads it.
type received struct {
	header     netmail.Header
	text, html string
	files      map[string]string
}

func parse(t testing.TB, raw []byte) received {
	t.Helper()
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	require.NoError(t, err)
	r := received{header: m.Header, files: map[string]string{}}
	r.part(t, m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), "", m.Body)
	return r
}

func (r *received) part(t testing.TB, contentType, encoding, disposition string, body io.Reader) {
	t.Helper()
	media, params, err := mime.ParseMediaType(contentType)
	require.NoError(t, err)
	if strings.HasPrefix(media, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			p, err := parts.NextRawPart()
			if err == io.EOF {
				return
			}
			require.NoError(t, err)
			h := p.Header
			r.part(t, h.Get("Content-Type"), h.Get("Content-Transfer-Encoding"), h.Get("Content-Disposition"), p)
		}
	}
	switch encoding {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	data, err := io.ReadAll(body)
	require.NoError(t, err)
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	switch {
	case disposition != "":
		_, params, err := mime.ParseMediaType(disposition)
		require.NoError(t, err)
		r.files[params["filename"]] = string(data)
	case media == "text/plain":
		require.Empty(t, r.text)
		r.text = text
	case media == "text/html":
		require.Empty(t, r.html)
		r.html = text
	}
}

func (r received) address(t testing.TB, key string) netmail.Address {
	t.Helper()
	list, err := r.header.AddressList(key)
	require.NoError(t, err)
	require.Len(t, list, 1)
	return *list[0]
}

func (r received) subject(t testing.TB) string {
	t.Helper()
	subject, err := (&mime.WordDecoder{}).DecodeHeader(r.header.Get("Subject"))
	require.NoError(t, err)
	return subject
}

func (r received) keys() (keys []string) {
	for key := range r.header {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
