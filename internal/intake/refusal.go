package intake

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Code names what is wrong with a cell. The words appear as they are in result files and JSON.
type Code string

const (
	Missing           Code = "missing"              // a required cell is empty
	BadTenantID       Code = "bad_tenant_id"        // not a GUID in its plain form
	BadDomain         Code = "bad_domain"           // not a domain name
	BadName           Code = "bad_name"             // no letters, or characters that no name has
	Placeholder       Code = "placeholder"          // a word for a missing value, such as NULL
	LostLetters       Code = "lost_letters"         // question marks where letters were
	BadEmail          Code = "bad_email"            // not one plain address
	BadPhone          Code = "bad_phone"            // not a telephone number
	PhoneNeedsCountry Code = "phone_needs_country"  // a national number, and no country to read it by
	ScientificNumber  Code = "scientific_number"    // digits that a spreadsheet has rounded away
	BadDate           Code = "bad_date"             // not a date
	AmbiguousDate     Code = "ambiguous_date"       // day and month cannot be told apart
	TwoDigitYear      Code = "two_digit_year"       //
	DateTooOld        Code = "date_too_old"         // before there was such an agreement
	FutureDate        Code = "future_date"          // in the future everywhere on Earth
	BadCountry        Code = "bad_country"          // neither a code of ISO 3166-1 nor a country's name
	BadLanguage       Code = "bad_language"         // neither a BCP 47 tag nor a language's name
	BadMark           Code = "bad_mark"             // PartnerAttestationCompleted is neither true nor false
	SwappedColumns    Code = "swapped_columns"      // the value belongs into another column
	TooLong           Code = "too_long"             //
	TooManyCells      Code = "too_many_cells"       // more cells than the header has
	CutOff            Code = "cut_off"              // the file ends in the middle of this row
	Unreadable        Code = "unreadable_character" // a character that could not be decoded
	Garbled           Code = "garbled_characters"   // UTF-8 that was read in another encoding on its way
	ControlCharacter  Code = "control_character"    // NUL, line breaks, invisible characters
	StrayQuote        Code = "stray_quote"          // a quotation mark that was not closed or not doubled
	Formula           Code = "formula"              // a formula instead of its value
	FormulaError      Code = "formula_error"        // #N/A, #REF! and their kin
)

// Refusal is one thing that is wrong with a row, for the person who corrects it.
type Refusal struct {
	Line    int
	Column  string // the header of the column, as in the file; empty when the cell has none
	Value   string // as it came, bounded: it may be personal data and belongs into files, not into logs
	Reason  Code
	Message string // what is wrong, without the value
	Hint    string // how to fix it
}

// String is the whole refusal in a sentence.
func (r Refusal) String() string {
	return fmt.Sprintf("line %d, column %s: %q: %s. %s", r.Line, r.Column, r.Value, r.Message, r.Hint)
}

// shown is the most characters of a value that a message repeats.
const shown = 80

// bounded is the beginning of a value, fit to be repeated in a message and to be kept.
func bounded(value string) string {
	if len(value) <= shown {
		return strings.Clone(value)
	}
	for i, n := 0, 0; i < len(value); n++ {
		if n == shown {
			return value[:i] + "…"
		}
		_, size := utf8.DecodeRuneInString(value[i:])
		i += size
	}
	return strings.Clone(value)
}
