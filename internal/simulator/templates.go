package simulator

import (
	"net/http"
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

// answerInvitation answers GET /v1/customers/relationshiprequests.
func (s *Simulator) answerInvitation(q *request) int {
	d := newDice(s.opts.Seed, aboutPartner, 0)
	q.body.open("", '{')
	q.body.text("url", "https://admin.microsoft.com/Adminportal/Home?invType=ResellerRelationship&partnerId="+
		d.guid().String())
	q.body.close('}')
	return http.StatusOK
}
