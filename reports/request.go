package reports

import (
	"time"
)

// A workbook's custom properties say what it shows, so that it can be made again and compared.
const (
	requestProperty = "mcaledger report"
	digestProperty  = "mcaledger digest"
)

// Request is what a workbook shows.
type Request struct {
	SchemaVersion int              `json:"schema_version"`
	AsOf          time.Time        `json:"as_of"`   // the ledger is shown as it stood at this instant
	MadeAt        time.Time        `json:"made_at"` // when the workbook was made
	Partners      []RequestPartner `json:"partners"`
	Against       int64            `json:"against"` // asked for; 0: the run of the night before
	Language      string           `json:"language"`
	TimeZone      string           `json:"time_zone"`
	Version       string           `json:"version"`            // of the program
	Sheets        []string         `json:"sheets"`             // those with data
	Head          string           `json:"head"`               // of the event chain
	Reseller      string           `json:"reseller,omitempty"` // the indirect reseller whose customers alone are shown
	Owner         *string          `json:"owner,omitempty"`    // the account manager whose customers alone are shown
}

// RequestPartner is one partner of a workbook, with the run that it shows (0: none).
type RequestPartner struct {
	TenantID string `json:"tenant_id"`
	Name     string `json:"name"`
	Run      int64  `json:"run"`
	Against  int64  `json:"against"`
}

func (f *frame) request(layouts []layout) Request {
	q := Request{SchemaVersion: SchemaVersion, AsOf: f.book.AsOf.UTC(), MadeAt: f.book.MadeAt.UTC(),
		Against: f.book.Against, Language: f.say.Language, TimeZone: f.book.Location.String(), Version: f.book.Version,
		Sheets: []string{}, Partners: []RequestPartner{}, Head: f.chain.Head.String(), Reseller: f.book.Reseller.ID,
		Owner: f.book.Owner}
	for _, p := range f.book.Partners {
		one := RequestPartner{TenantID: p.Partner.ID, Name: p.Partner.Name, Against: p.against()}
		if p.Run != nil {
			one.Run = p.Run.ID
		}
		q.Partners = append(q.Partners, one)
	}
	for _, l := range layouts {
		q.Sheets = append(q.Sheets, l.key)
	}
	return q
}
