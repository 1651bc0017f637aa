package intake

// Kind is the kind of a file, by its content and not by its name.
type Kind string

const (
	CSV  Kind = "csv"
	XLSX Kind = "xlsx"
)

// Encoding is how a CSV's characters are written.
type Encoding string

const (
	UTF8        Encoding = "UTF-8"
	UTF16LE     Encoding = "UTF-16LE"
	UTF16BE     Encoding = "UTF-16BE"
	Windows1252 Encoding = "Windows-1252"
)

// Format is how a file is written. Encoding and Delimiter are those of a CSV. Results are always written in UTF-8.
type Format struct {
	Kind      Kind
	Encoding  Encoding
	Delimiter byte // zero: a comma
	Sheet     string
}

// Extension is the end of a file's name, with its dot.
func (f Format) Extension() string { return "." + string(f.Kind) }

// delimiter is the character between two cells.
func (f Format) delimiter() byte {
	if f.Delimiter == 0 {
		return ','
	}
	return f.Delimiter
}
