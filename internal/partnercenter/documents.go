package partnercenter

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/mcaledger/mcaledger/internal/agreement"
	"github.com/mcaledger/mcaledger/internal/loopback"
)

// template is one item of the list of agreement templates.
type template struct {
	agreement.Template
	kind string
	rank int
}

func readTemplate(o object) (template, string) {
	rank, _ := strconv.Atoi(o.text("versionrank"))
	return template{agreement.Template{ID: o.text("templateid"), Link: o.text("agreementlink")},
		o.text("agreementtype"), rank}, ""
}

// AgreementTemplate returns the present template of the Microsoft Customer Agreement. It has been
// the same since 2019, and may change (docs/partner-center.md, "Agreements").
func (c *Client) AgreementTemplate(ctx context.Context) (agreement.Template, error) {
	first := call{op: "read agreement templates", uri: "/agreements?agreementType=" + mca, limit: answerLimit,
		account: true}
	templates, err := all(ctx, c, first, readTemplate)
	if err != nil {
		return agreement.Template{}, err
	}
	newest := template{rank: -1}
	for _, t := range templates {
		if strings.EqualFold(t.kind, mca) && t.ID != "" && t.rank > newest.rank {
			newest = t
		}
	}
	if newest.ID == "" {
		e := c.failed(&first, NoTemplate, nil)
		e.Status, e.Message = http.StatusOK, "the service lists no template of the Microsoft Customer Agreement"
		return agreement.Template{}, e
	}
	return newest.Template, nil
}

// Template returns the id of the present template.
func (c *Client) Template(ctx context.Context) (string, error) {
	t, err := c.AgreementTemplate(ctx)
	return t.ID, err
}

// Document returns the links to a template's document, which are valid for five minutes, and the
// language in which the service has it (docs/partner-center.md, "Template documents").
func (c *Client) Document(ctx context.Context, templateID, language, country string) (d agreement.Document, err error) {
	query := url.Values{"language": {language}, "country": {country}}
	err = c.get(ctx, &call{op: fmt.Sprintf("read the links of the agreement for %s in %s", country, language),
		limit: answerLimit,
		uri:   "/agreementtemplates/" + url.PathEscape(templateID) + "/document?" + query.Encode()},
		func(o object) string {
			d = agreement.Document{DisplayURL: o.text("displayuri"), DownloadURL: o.text("downloaduri"),
				Language: o.text("language"), Country: o.text("country")}
			if d.DownloadURL == "" {
				return "an answer without the link to download"
			}
			return ""
		})
	return d, err
}

// Download writes the document at a link that the service gave. The link itself is the permission:
// no token is sent, so that the host may be any. An error does not repeat the link.
func (c *Client) Download(ctx context.Context, link string, w io.Writer) error {
	download := &call{op: "download a document", id: uuid.NewString()}
	u, err := url.Parse(link)
	if err != nil || !encrypted(u) {
		return c.malformed(download, "a link that does not begin with https://")
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return c.malformed(download, "a link that cannot be read")
	}
	resp, err := (&http.Client{Transport: c.http.Transport, CheckRedirect: followEncrypted}).Do(req)
	if err != nil {
		return c.notAnswered(download, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		e := c.failed(download, Refused, nil)
		e.Status = resp.StatusCode
		return e
	}
	saved := &saver{to: w}
	n, err := io.Copy(saved, io.LimitReader(resp.Body, documentLimit+1))
	switch {
	case saved.err != nil:
		return saved.err
	case err != nil:
		return c.lost(download, resp, err)
	case n > documentLimit:
		return c.malformed(download, fmt.Sprintf("a document of more than %d bytes", documentLimit))
	}
	return nil
}

// saver tells the errors of writing from those of reading.
type saver struct {
	to  io.Writer
	err error
}

func (s *saver) Write(p []byte) (n int, err error) {
	n, err = s.to.Write(p)
	s.err = err
	return n, err
}

func encrypted(u *url.URL) bool {
	return u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && loopback.Is(u.Hostname()))
}

const maxRedirects = 5

// followEncrypted follows redirects of a download, but not to an unencrypted address.
func followEncrypted(next *http.Request, before []*http.Request) error {
	if len(before) > maxRedirects || !encrypted(next.URL) {
		return errors.New("a redirect that is not followed")
	}
	return nil
}
