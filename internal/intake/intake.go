// Package intake reads the lists of signed agreements that people really send, as CSV or XLSX, row
// by row, and writes them back with a result for every row.
//
// It knows files and nothing else: no database, no network, no clock. Whether a customer is one of
// ours, whether a row is there twice or already on record is decided elsewhere; here it is decided
// what a row says, and all that is wrong with it. A file is never changed silently: what cannot be
// read with certainty is refused, with a reason.
package intake

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"time"

	"github.com/mcaledger/mcaledger/internal/charset"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/xlsx"
)

// DateOrder says how a date such as 03/04/2026 is read.
type DateOrder string

const (
	Auto       DateOrder = "auto" // the order that the file itself proves; without proof such a date is refused
	DayFirst   DateOrder = "dmy"
	MonthFirst DateOrder = "mdy"
)

// Options say how a file is to be understood. The zero value reads dates that are certain, and
// knows no "today".
type Options struct {
	Dates    DateOrder        // empty: Auto
	Encoding charset.Encoding // of a CSV without a byte-order mark; empty: the one that is recognised
	Sheet    string           // of a workbook; empty: the one that is a list
	// the instant of the import, for dates in the future. Zero: no date is in the future
	AsOf             time.Time
	DateOptional     bool // the enhanced route, where Microsoft dates the acceptance
	EvidenceRequired bool
	Limits           Limits

	exceptions bool // the list is one of exceptions
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
	// Held is true when DateAgreed is still tomorrow in UTC, though today somewhere on Earth: the
	// attestation waits until that day has come in UTC, because Microsoft refuses dates in the
	// future.
	Held bool
}

// Row is one record of a file. Its strings share memory with the rows around it: clone what is kept
// for long.
type Row struct {
	// Line is the line that a person sees: in a CSV the line on which the record begins, however
	// many line breaks are quoted above it; in an XLSX the sheet's row number.
	Line  int
	Cells []string // as they came, for the result file; as many as the row has, which need not be the header's number
	// Record is what was understood. Of a refused row it holds the cells that are right.
	Record   Record
	Refusals []Refusal // everything that is wrong with the row; empty: it is good
	// Skip is set when the line is no row of the list and does not count: it is neither good nor
	// refused.
	Skip SkipReason
}

// SkipReason says why a line of the file is not a row of its list.
type SkipReason string

const (
	BlankLine      SkipReason = "blank_line"
	NothingRead    SkipReason = "nothing_read"    // nothing but cells in columns that are not read, such as check boxes
	TemplateRow    SkipReason = "template_row"    // the explanations and the example of our own template
	RepeatedHeader SkipReason = "repeated_header" // the same header again, as in lists that were pasted together
	NotMarked      SkipReason = "not_marked"      // Microsoft's file: PartnerAttestationCompleted is not true
	NoException    SkipReason = "no_exception"    // the cells of an exception are empty
)

// File is an opened upload: its format, encoding, delimiter and header are understood. It is not
// safe for use by several goroutines at once. Close it.
type File struct {
	path   string
	opts   Options
	file   *os.File
	info   fs.FileInfo // as it was when the file was opened
	book   *xlsx.Book  // of an XLSX
	sha256 string

	words         vocabulary
	list          rowSource
	head          header
	notes         []string
	check         *rowCheck
	understanding Understanding
}

// Header is the file's header as it came, the columns of an earlier result file included.
func (f *File) Header() []string { return f.head.cells }

// Format is how the file is written; WriteResults and WriteRefused write the same.
func (f *File) Format() Format { return f.list.format }

// SHA256 is the digest, in hexadecimal, of the bytes as they came.
func (f *File) SHA256() string { return f.sha256 }

// Understanding says how the file is read, for a person to check.
func (f *File) Understanding() Understanding { return f.understanding }

// Close closes the file. A second Close does nothing.
func (f *File) Close() error {
	if f.file == nil {
		return nil
	}
	file := f.file
	f.file = nil
	if f.book == nil {
		return file.Close()
	}
	return errors.Join(f.book.Close(), file.Close())
}

// Rows yields every line below the header in file order. A bad row is a Row with Refusals; an error
// is fatal for the file (it could not be read on, it changed meanwhile, or a limit was exceeded),
// and is a *FileError where the file is to blame. Rows may be called again and reads the file
// again.
func (f *File) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if f.file == nil {
			yield(Row{}, named(f.path, os.ErrClosed))
			return
		}
		for raw, err := range f.list.rows(f.head) {
			if err != nil {
				yield(Row{}, named(f.path, formatError(err, f.opts.Limits)))
				return
			}
			if raw.line > f.head.line && !yield(f.check.read(raw), nil) {
				return
			}
		}
		if err := unchanged(f.file, f.info); err != nil {
			yield(Row{}, named(f.path, err))
		}
	}
}

// named puts the file's name into an error about it.
func named(path string, err error) error {
	if wrong, ok := errors.AsType[*FileError](err); ok {
		wrong.File = path
		return wrong
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}
