package simulator

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// answerMetadata answers GET /v1/agreements.
func (s *Simulator) answerMetadata(q *request) int {
	wanted, ok := agreementTypes(q)
	if !ok {
		return q.invalidInput("agreementType is not known.")
	}
	type template struct {
		id, kind string
		rank     int
	}
	var found []template
	for _, t := range []template{{cloudTemplate, cloudType, 0}, {mcaTemplate, mcaType, 1}} {
		if wanted(t.kind) {
			found = append(found, t)
		}
	}
	b := q.body
	return writeSingle(b, len(found), func() {
		for _, t := range found {
			b.open("", '{')
			b.text("templateId", t.id)
			b.text("agreementType", t.kind)
			b.text("agreementLink", agreementLink(t.id))
			b.number("versionRank", t.rank)
			b.close('}')
		}
	})
}

func agreementLink(template string) string {
	return "https://docs.example/agreements/" + template + "/US/en-US"
}

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
	until := strconv.FormatInt(time.Now().Add(documentLife).Unix(), 10)
	address := "https://docs.example/agreements/" + q.id + "/" + country + "/" + language
	b := q.body
	b.open("", '{')
	b.text("displayUri", address+".html?expires="+until)
	b.text("downloadUri", address+".pdf?expires="+until)
	b.text("language", language)
	b.text("country", country)
	b.close('}')
	return http.StatusOK
}

// answerInvitation answers GET /v1/customers/relationshiprequests.
func (s *Simulator) answerInvitation(q *request) int {
	d := throw(s.opts.Seed, aboutPartner, 0)
	q.body.open("", '{')
	q.body.text("url", "https://admin.microsoft.com/Adminportal/Home?invType=ResellerRelationship&partnerId="+d.guid().String())
	q.body.close('}')
	return http.StatusOK
}
