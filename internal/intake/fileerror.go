package intake

import (
	"fmt"
	"strings"
)

// FileCode names what is wrong with a whole file.
type FileCode string

const (
	Empty           FileCode = "empty"
	NoRows          FileCode = "no_rows"          // a header and nothing below it
	TooBig          FileCode = "too_big"          // a limit of Limits was met
	WrongFormat     FileCode = "wrong_format"     // neither CSV nor XLSX, whatever the name says
	Damaged         FileCode = "damaged"          // an XLSX that cannot be unpacked or read to its end
	UnknownEncoding FileCode = "unknown_encoding" // the characters cannot be read with certainty
	NoHeader        FileCode = "no_header"        // no line among the first ones names the columns
	MissingColumn   FileCode = "missing_column"   // the header lacks a required column
	DuplicateColumn FileCode = "duplicate_column" // two columns with the same meaning
	SecondHeader    FileCode = "second_header"    // another header further down, with other columns
	AmbiguousColumn FileCode = "ambiguous_column" // another column may be meant for a required one
	SeveralLists    FileCode = "several_lists"    // more than one sheet is a list
	HiddenList      FileCode = "hidden_list"      // the list is on a hidden sheet
	MostlyRefused   FileCode = "mostly_refused"   // nearly all of the first rows are refused
	MixedDates      FileCode = "mixed_dates"      // the file proves both orders of day and month
	Changed         FileCode = "changed"          // somebody wrote to the file while it was read
)

// FileError says what is wrong with a file as a whole, where, and how to fix it. None of its rows
// counts.
type FileError struct {
	File    string // the path that was opened
	Line    int    // zero: no line in particular
	Column  string // may be empty
	Value   string // a date, or empty: the message goes into logs, where no cell that may be about a person belongs
	Code    FileCode
	Message string
	Hint    string
}

func (e *FileError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, " line %d", e.Line)
	}
	if e.Column != "" {
		fmt.Fprintf(&b, ", column %s", e.Column)
	}
	b.WriteString(": ")
	if e.Value != "" {
		fmt.Fprintf(&b, "%q: ", e.Value)
	}
	b.WriteString(e.Message + ". " + e.Hint)
	return b.String()
}
