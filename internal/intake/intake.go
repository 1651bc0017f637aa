// Package intake reads the lists of signed agreements that people really send, as CSV or XLSX, row by row, and writes
// them back with an answer for every row.
//
// It knows files and nothing else: no database, no network, no clock. Whether a customer is one of ours, whether a row
// is there twice or already on record is decided elsewhere; here it is decided what a row says, and all that is wrong
// with it. A file is never changed silently: what cannot be read with certainty is refused, in a sentence.
package intake

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// DateOrder says how a date such as 03/04/2026 is read.
type DateOrder string

const (
	Auto       DateOrder = "auto" // the order that the file itself proves; without proof such a date is refused
	DayFirst   DateOrder = "dmy"
	MonthFirst DateOrder = "mdy"
)

// Options say how a file is to be understood. The zero value reads dates that are certain, and knows no "today".
type Options struct {
	Dates            DateOrder // empty: Auto
	AsOf             time.Time // the instant of the import, for dates in the future. Zero: no date is in the future
	DateOptional     bool      // the enhanced route, where Microsoft dates the acceptance
	EvidenceRequired bool
	Limits           Limits
}

// Record is what a row says, once it was understood.
type Record struct {
	TenantID    string // a GUID in lower case; may be empty when Domain is not
	Domain      string // lower case; may be empty when TenantID is not
	FirstName   string
	LastName    string
	Email       string
	Phone       string        // E.164, as +5511987654321; may be empty
	DateAgreed  standing.Date // empty only with Options.DateOptional
	CompanyName string        // optional, like everything below
	Country     string        // ISO 3166-1 alpha-2, upper case
	Language    string        // BCP 47
	Evidence    string
	Note        string
	// Held is true when DateAgreed is still tomorrow in UTC, though today somewhere on Earth: the attestation waits
	// until that day has come in UTC, because Microsoft refuses dates in the future.
	Held bool
}

// Row is one record of a file. Its strings share memory with the rows around it: clone what is kept for long.
type Row struct {
	// Line is the line that a person sees: in a CSV the line on which the record begins, however many line breaks
	// are quoted above it; in an XLSX the sheet's row number.
	Line  int
	Cells []string // as they came, for the result file; as many as the row has, which need not be the header's number
	// Record is what was understood. Of a refused row it holds the cells that are right.
	Record   Record
	Refusals []Refusal // everything that is wrong with the row; empty: it is good
	// Skip is set when the line is no row of the list and does not count: it is neither good nor refused.
	Skip SkipReason
}

// SkipReason says why a line of the file is not a row of its list.
type SkipReason string

const (
	BlankLine      SkipReason = "blank_line"
	TemplateRow    SkipReason = "template_row"    // the explanations and the example of our own template
	RepeatedHeader SkipReason = "repeated_header" // the same header again, as in lists that were pasted together
	NotMarked      SkipReason = "not_marked"      // Microsoft's file: PartnerAttestationCompleted is not true
)

// File is an opened upload: its format, encoding, delimiter and header are understood. It is not safe for use by
// several goroutines at once. Close it.
type File struct {
	path     string
	opts     Options
	format   Format
	sha256   string
	head     header
	notes    []string
	check    rowCheck
	source   source
	surveyed bytesSurvey // while the file is opened
}

// source is where the rows of one kind of file come from.
type source interface {
	// survey reads the whole list once, below the header.
	survey(h header) (survey, error)
	// rows reads it again and yields what check makes of it. Its errors name the file.
	rows(check *rowCheck) iter.Seq2[Row, error]
	close() error
}

// Header is the file's header as it came, the columns of an earlier result file included.
func (f *File) Header() []string { return f.head.cells }

// Format is how the file is written; WriteResults and WriteRefused write the same.
func (f *File) Format() Format { return f.format }

// SHA256 is the digest, in hexadecimal, of the bytes as they came.
func (f *File) SHA256() string { return f.sha256 }

// Notes are sentences on how the file was understood, for a person to check: its encoding, the order of its dates and
// what proved it, columns that were not known, hidden rows that were read.
func (f *File) Notes() []string { return f.notes }

// Close closes the file. A second Close does nothing.
func (f *File) Close() error { return f.source.close() }

// Rows yields every line below the header in file order. A bad row is a Row with Refusals; an error is fatal for the
// file (it could not be read on, it changed meanwhile, or a limit was met), and is a *FileError where the file is to
// blame. Rows may be called again and reads the file again.
func (f *File) Rows() iter.Seq2[Row, error] { return f.source.rows(&f.check) }

// named puts the file's name into an error about it.
func named(path string, err error) error {
	if blamed, ok := errors.AsType[*FileError](err); ok {
		blamed.File = path
		return blamed
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}
