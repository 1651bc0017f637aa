package reports

import (
	"archive/zip"
	"encoding/json"
	"time"

	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// sentBack are the keys of the columns by which a workbook that people have filled in is read.
var sentBack = []string{"tenant_id", "domain", "customer", "partner", "owner", "due_date", "comment", "accepted_until"}

// ExceptionHeaders are the headers, in every language, of the columns by which a workbook with
// exceptions that people have filled in is read, each with the column's key.
func ExceptionHeaders() (map[string]string, error) {
	headers := map[string]string{}
	for _, language := range Languages() {
		texts, err := catalogueOf(language)
		if err != nil {
			return nil, err
		}
		for _, key := range sentBack {
			if header := texts.Columns[key].label(); header != "" {
				headers[header] = key
			}
		}
	}
	return headers, nil
}

// ShownAt is the instant as of which a workbook shows the ledger; ok is false for a file that this
// program did not write.
func ShownAt(path string) (at time.Time, ok bool) {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return at, false
	}
	defer archive.Close()
	properties, err := xlsx.CustomProperties(&archive.Reader)
	if err != nil {
		return at, false
	}
	var shown Request
	if json.Unmarshal([]byte(properties[requestProperty]), &shown) != nil {
		return at, false
	}
	return shown.AsOf, !shown.AsOf.IsZero()
}
