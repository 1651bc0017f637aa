package simulator

import "strconv"

// resellers is how many indirect resellers an indirect provider has.
const resellers = 6

// Reseller is an indirect reseller of an indirect provider.
type Reseller struct {
	ID    string
	MPNID string // its number as a partner
	Name  string
}

// Resellers are all of the partner's; none unless it is an indirect provider.
func (w World) Resellers() []Reseller {
	if !w.IndirectProvider {
		return nil
	}
	all := make([]Reseller, resellers)
	for n := range all {
		d := newDice(w.Seed, aboutPartner, uint64(n)+2)
		all[n] = Reseller{ID: d.guid().String(), MPNID: strconv.Itoa(4_800_000 + d.below(100_000)),
			Name: pick(&d, stems) + " " + pick(&d, trades) + " " + pick(&d, forms)}
	}
	return all
}

// reseller is the indirect reseller of customer i; one customer in seven buys from the provider
// itself.
func (w World) reseller(i int) string {
	if n := i % (resellers + 1); w.IndirectProvider && n > 0 {
		return w.Resellers()[n-1].ID
	}
	return ""
}

// answerResellers answers GET /v1/relationships.
func (s *Simulator) answerResellers(q *request) int {
	if q.r.URL.Query().Get("relationship_type") != "IsIndirectCloudSolutionProviderOf" {
		return q.invalidInput("relationship_type is not known.")
	}
	all, b := q.world.Resellers(), q.body
	return writeSingle(b, len(all), func() {
		for _, r := range all {
			b.open("", '{')
			b.text("id", r.ID)
			b.text("name", r.Name)
			b.text("relationshipType", "is_indirect_cloud_solution_provider_of")
			b.text("state", "Active")
			b.text("mpnId", r.MPNID)
			b.text("location", "US")
			writeAttributes(b, "PartnerRelationship")
			b.close('}')
		}
	})
}
