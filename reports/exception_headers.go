package reports

import (
	"time"

	"github.com/mcaledger/mcaledger/reports/texts"
)

// sentBack are the keys of the columns by which a workbook that people have filled in is read.
var sentBack = []string{"tenant_id", "domain", "customer", "partner", "owner", "due_date", "comment", "accepted_until"}

// ExceptionHeaders are the headers, in every language, of the columns by which a workbook with
// exceptions that people have filled in is read, each with the column's key.
func ExceptionHeaders() (map[string]string, error) {
	headers := map[string]string{}
	for _, language := range texts.Languages() {
		c, err := catalogueOf(language)
		if err != nil {
			return nil, err
		}
		for _, key := range sentBack {
			if header := c.Columns[key].label(); header != "" {
				headers[header] = key
			}
		}
	}
	return headers, nil
}

// ShownAt is the instant as of which a workbook shows the ledger; ok is false for a file that this
// program did not write, or that does not say.
func ShownAt(path string) (at time.Time, ok bool) {
	shown, _, err := ReadRequest(path)
	return shown.AsOf, err == nil
}
