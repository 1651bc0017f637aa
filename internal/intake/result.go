package intake

import (
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// Result is one line of the result file: the cells of a row as they came, and its result.
type Result struct {
	Cells         []string
	Result        string // queued, refused, duplicate, already_known, …; empty for lines that are not rows
	Reason        string
	Hint          string
	AttestationID string
}

// resultNames are the columns of a result file behind the user's own.
var resultNames = [...]string{"result", "reason", "hint", "attestation_id"}

// resultColumns are the positions of these columns in a header, ascending; none unless all of them
// are there. Where a name is there twice the last one is ours.
func resultColumns(header []string) []int {
	var at []int
	for _, name := range resultNames {
		for i := len(header) - 1; i >= 0; i-- {
			if clean(header[i]) == name {
				at = append(at, i)
				break
			}
		}
	}
	if len(at) < len(resultNames) {
		return nil
	}
	slices.Sort(at)
	return at
}

// without is cells without those at the given positions.
func without(cells []string, positions []int) []string {
	if len(positions) == 0 {
		return cells
	}
	rest := make([]string, 0, len(cells))
	for i, cell := range cells {
		if !slices.Contains(positions, i) {
			rest = append(rest, cell)
		}
	}
	return rest
}

// WriteResults writes the user's own file again, same columns and order, with four more at the end:
// result, reason, hint and attestation_id. Where header holds these four already, from an earlier
// import, they are replaced. Cells stay as they came, also those that a spreadsheet would take for
// a formula: the file is read again after correction. A row with more cells than the header keeps
// them behind the four. An error of rows or of w ends the writing and is returned.
func WriteResults(w io.Writer, f Format, header []string, rows iter.Seq2[Result, error]) error {
	earlier := resultColumns(header)
	own := without(header, earlier)
	list := newListWriter(w, f)
	if err := list.Write(append(slices.Clone(own), resultNames[:]...)); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	var line []string
	for r, err := range rows {
		if err != nil {
			return err
		}
		cells := without(r.Cells, earlier)
		inside := min(len(cells), len(own))
		line = append(line[:0], cells[:inside]...)
		for len(line) < len(own) {
			line = append(line, "")
		}
		line = append(line, r.Result, r.Reason, r.Hint, r.AttestationID)
		line = append(line, cells[inside:]...)
		if err := list.Write(line); err != nil {
			return fmt.Errorf("write results: %w", err)
		}
	}
	return list.Close()
}

// Correctable makes a row's cells fit for WriteRefused: they stay as they came, but a date that was
// understood by the order of the other rows' dates, or by Options.Dates, is written as 2026-05-31,
// because the refused rows alone may prove no order. header is File.Header, agreed the row's
// Record.DateAgreed.
func Correctable(header []string) func(cells []string, agreed standing.Date) []string {
	at := newVocabulary().understood(0, header).at[dateAgreed]
	return func(cells []string, agreed standing.Date) []string {
		if at < 0 || at >= len(cells) || agreed == "" {
			return cells
		}
		if _, ok := numeric(unmarked(cells[at])); !ok {
			return cells
		}
		cells = slices.Clone(cells)
		cells[at] = string(agreed)
		return cells
	}
}

// WriteRefused writes rows alone, in the same form and without the four columns of a result file,
// so that they can be corrected and imported again.
func WriteRefused(w io.Writer, f Format, header []string, rows iter.Seq2[[]string, error]) error {
	earlier := resultColumns(header)
	list := newListWriter(w, f)
	if err := list.Write(without(header, earlier)); err != nil {
		return fmt.Errorf("write refused rows: %w", err)
	}
	for cells, err := range rows {
		if err != nil {
			return err
		}
		if err := list.Write(without(cells, earlier)); err != nil {
			return fmt.Errorf("write refused rows: %w", err)
		}
	}
	return list.Close()
}
