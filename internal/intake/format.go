package intake

import "github.com/mcaledger/mcaledger/internal/charset"

// Kind is the kind of a file, by its content and not by its name.
type Kind string

const (
	CSV  Kind = "csv"
	XLSX Kind = "xlsx"
)

// Format is how a file is written. Results are written in the same kind, with the same delimiter,
// always in UTF-8.
type Format struct {
	Kind      Kind             `json:"kind"`
	Encoding  charset.Encoding `json:"encoding,omitempty"`  // of a CSV
	Delimiter string           `json:"delimiter,omitempty"` // of a CSV; empty: a comma
	Sheet     string           `json:"sheet,omitempty"`     // of an XLSX
}

// Extension is the end of a file's name, with its dot.
func (f Format) Extension() string { return "." + string(f.Kind) }

// delimiter is the character between two cells. One that only a line sep=… of the original declares
// would not be found again without that line, and with it Excel forgets that the file is in UTF-8.
func (f Format) delimiter() byte {
	for _, d := range delimiters {
		if f.Delimiter == string(d) {
			return d
		}
	}
	return ','
}
