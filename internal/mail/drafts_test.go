package mail_test

import (
	"encoding/csv"
	"errors"
	"io/fs"
	netmail "net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/mail"
)

func draft(t testing.TB, m mail.Message) []byte {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "drafts")
	require.NoError(t, mail.Drafts{Folder: folder}.Send(t.Context(), m))
	data, err := os.ReadFile(filepath.Join(folder, m.ID+".eml"))
	require.NoError(t, err)
	return data
}

func TestDraft(t *testing.T) {
	t.Parallel()
	templates := load(t, "")
	for _, name := range []string{
		"José da Silva", "王小明", "Мария Иванова", "محمد علي", "田中 さくら", "שרה כהן", `O"Neil, "Bob"`,
		"=?utf-8?q?x?=", strings.TrimSpace(strings.Repeat("Мария ", 20)),
		strings.TrimSpace(strings.Repeat("Anna ", 20)),
	} {
		c := content(mail.Attestation, "pt-BR")
		c.To.Name, c.Customer = name, "Fabrikam "+name
		m, err := templates.Compose(c)
		require.NoError(t, err)
		raw := draft(t, m)
		for line := range strings.SplitSeq(string(raw), "\r\n") {
			require.LessOrEqual(t, len(line), 78, "RFC 5322: a line should have no more than 78 characters")
			require.NotContains(t, line, "\n")
		}
		r := parse(t, raw)
		require.Equal(t, []string{
			"Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To", "X-Unsent",
		}, r.keys())
		require.Equal(t, "1", r.header.Get("X-Unsent"))
		require.Equal(t, "<batch-3-line-14@contoso.com>", r.header.Get("Message-Id"))
		require.Equal(t, c.To, r.address(t, "To"))
		require.Equal(t, c.From, r.address(t, "From"))
		require.Equal(t, m.Subject, r.subject(t))
		require.Regexp(t, `\r\nSubject: \S`, string(raw), "some programs show a space for an empty first line")
		require.Equal(t, m.Text, r.text)
		require.Equal(t, m.HTML, r.html)
		require.Contains(t, r.text, "Olá, "+name+",")
		date, err := r.header.Date()
		require.NoError(t, err)
		require.True(t, c.Date.Equal(date))
	}
}

func TestDraftIsPrivateAndWrittenOnce(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "drafts")
	drafts := mail.Drafts{Folder: folder}
	m := messageTo("person")
	require.NoError(t, drafts.Send(t.Context(), m))
	path := filepath.Join(folder, m.ID+".eml")
	require.NoError(t, os.Chmod(path, 0o644))
	require.NoError(t, drafts.Send(t.Context(), m))
	info, err := os.Lstat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode())
	info, err = os.Stat(folder)
	require.NoError(t, err)
	require.Equal(t, fs.ModeDir|0o700, info.Mode())

	victim := filepath.Join(t.TempDir(), "victim")
	require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o600))
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Symlink(victim, path))
	require.NoError(t, drafts.Send(t.Context(), m))
	text, err := os.ReadFile(victim)
	require.NoError(t, err)
	require.Equal(t, "precious", string(text), "a link is replaced, not followed")
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, 1)

	for _, id := range []string{"", "../up", "a/b", ".hidden", "a\nb", "a b", "ä"} {
		m.ID = id
		require.ErrorContains(t, drafts.Send(t.Context(), m), "message ID")
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "links.csv")
	require.NoError(t, os.WriteFile(path, nil, 0o644))
	all := []mail.Link{
		{
			CustomerID: "3f2504e0-4f89-11d3-9a0c-0305e82c3301", Customer: `=HYPERLINK("http://x")`,
			FirstName: "小明", LastName: "+王\r\nx", Email: "ming@fabrikam.cn", Lang: "zh-CN",
			URL: links[mail.Attestation], Expires: time.Date(2026, 5, 19, 14, 30, 0, 0, time.UTC),
		},
		{Customer: "Fabrikam, Inc."},
	}
	require.NoError(t, mail.WriteLinks(path, func(yield func(mail.Link, error) bool) {
		for _, l := range all {
			if !yield(l, nil) {
				return
			}
		}
	}))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode())
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(data), "\ufeff"))).ReadAll()
	require.NoError(t, err)
	require.Equal(t, [][]string{
		{"customer_tenant_id", "company_name", "first_name", "last_name", "email", "language", "link", "expires"},
		{
			"3f2504e0-4f89-11d3-9a0c-0305e82c3301", `'=HYPERLINK("http://x")`, "小明", "'+王 x", "ming@fabrikam.cn",
			"zh-CN", links[mail.Attestation], "2026-05-19T14:30:00Z",
		},
		{"", "Fabrikam, Inc.", "", "", "", "", "", ""},
	}, rows)

	broken := errors.New("database lost")
	err = mail.WriteLinks(path, func(yield func(mail.Link, error) bool) { yield(mail.Link{}, broken) })
	require.ErrorIs(t, err, broken)
}

func TestAttachment(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "2026-11-22 relatório.xlsx")
	workbook := strings.Repeat("PK\x03\x04 not text \x00\xff", 1000)
	require.NoError(t, os.WriteFile(path, []byte(workbook), 0o600))
	s := &smtpServer{}
	m := messageTo("person")
	m.Attachment, m.Automatic = path, true
	require.NoError(t, newSMTP(t, s.start(t)).Send(t.Context(), m))
	r := parse(t, []byte(s.messages()[0]))
	require.Equal(t, m.Text, r.text)
	require.Equal(t, m.HTML, r.html)
	require.Len(t, r.files, 1)
	for _, data := range r.files {
		require.Equal(t, workbook, data)
	}
	require.Equal(t, "auto-generated", r.header.Get("Auto-Submitted"))
}

// FuzzHeaderInjection asks that no name, address or link adds a header, a recipient or a part to a
// message.
func FuzzHeaderInjection(f *testing.F) {
	f.Add("Ana", "ana@fabrikam.com", "Fabrikam")
	f.Add("Ana\r\nBcc: all@x.com", "ana@fabrikam.com", "Fabrikam\r\n\r\nbody")
	f.Add("Ana\nX: y", "ana@fabrikam.com>\r\nBcc: <x@y.com", "\r\n.\r\nMAIL FROM:<x@y>")
	f.Add("\u2028Bcc: x", "ana\u0085@fabrikam.com", "=?utf-8?q?=0D=0ABcc:_x?=")
	f.Add("Ana\" <x@y.com>, \"b", "\"a\r\nb\"@fabrikam.com", "\u202eevil")
	f.Add("a\x00b\x1b[31m", "a@b@c.com", strings.Repeat("長", 500))
	templates, err := mail.LoadTemplates("")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, name, address, customer string) {
		c := content(mail.Agreement, "en")
		c.To, c.Customer = netmail.Address{Name: name, Address: address}, customer
		m, err := templates.Compose(c)
		if err != nil {
			return
		}
		drafts := mail.Drafts{Folder: t.TempDir()}
		if drafts.Send(t.Context(), m) != nil {
			return
		}
		raw, err := os.ReadFile(filepath.Join(drafts.Folder, m.ID+".eml"))
		require.NoError(t, err)
		r := parse(t, raw)
		require.Equal(t, []string{
			"Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To", "X-Unsent",
		}, r.keys())
		to := r.address(t, "To")
		require.True(t, strings.HasPrefix(to.Address, address[:strings.LastIndexByte(address, '@')+1]))
		require.True(t, utf8.ValidString(r.text))
		require.Equal(t, []string{c.Link}, hrefs(t, r.html))
		forbidden := func(r rune) bool { return r != '\n' && r < ' ' || r == '\u202e' || r == '\u2028' }
		require.False(t, slices.ContainsFunc([]rune(r.text+r.subject(t)), forbidden))
	})
}
