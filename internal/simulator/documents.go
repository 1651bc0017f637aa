package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// documentPath is where the simulator has the agreements that it links to.
const documentPath = "/documents/"

// documentLife is how long the links to a document live.
const documentLife = 5 * time.Minute

// answerDocument answers GET /v1/agreementtemplates/{templateId}/document.
func (s *Simulator) answerDocument(q *request) int {
	if q.id != mcaTemplate && q.id != cloudTemplate {
		return q.notFound()
	}
	language, country := q.r.URL.Query().Get("language"), q.r.URL.Query().Get("country")
	orDefault(&language, "en-US")
	orDefault(&country, "US")
	// The case of a country matters: br is no country.
	if !slices.ContainsFunc(regions, func(at region) bool { return at.country == country }) {
		return q.invalidInput("the country is not supported.")
	}
	if !slices.ContainsFunc(regions, func(at region) bool {
		return at.country == country &&
			strings.EqualFold(at.culture, language)
	}) {
		language = "en-US"
	}
	address := origin(q.r) + documentPath + q.id + "/" + country + "/" + language
	until := "?expires=" + strconv.FormatInt(s.now().Add(documentLife).Unix(), 10)
	b := q.body
	b.open("", '{')
	b.text("displayUri", address+".html"+until)
	b.text("downloadUri", address+".pdf"+until)
	b.text("language", language)
	b.text("country", country)
	b.close('}')
	return http.StatusOK
}

// origin is the simulator's own address, as the caller knows it.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// serveDocument answers a link to an agreement, which is the permission by itself. The document is
// a text in place of a PDF: the same for the same country and language.
func (s *Simulator) serveDocument(w http.ResponseWriter, r *http.Request) {
	until, err := strconv.ParseInt(r.URL.Query().Get("expires"), 10, 64)
	if err != nil || s.now().Unix() > until {
		http.Error(w, "The link has expired.", http.StatusForbidden)
		return
	}
	fmt.Fprintf(w, "%%PDF-1.7\nMicrosoft Customer Agreement, %s\n", strings.TrimPrefix(r.URL.Path, documentPath))
}
