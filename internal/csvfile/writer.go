package csvfile

import (
	"encoding/csv"
	"io"
)

// Writer writes a CSV that Excel opens right: in UTF-8 with a byte-order mark.
type Writer struct {
	file io.Writer
	rows *csv.Writer
	mark bool // it was written
}

// NewWriter returns a writer with the given delimiter.
func NewWriter(w io.Writer, delimiter byte) *Writer {
	rows := csv.NewWriter(w)
	rows.Comma = rune(delimiter)
	return &Writer{file: w, rows: rows}
}

// Write writes a record.
func (w *Writer) Write(cells []string) error {
	if !w.mark {
		if _, err := io.WriteString(w.file, "\ufeff"); err != nil {
			return err
		}
		w.mark = true
	}
	return w.rows.Write(cells)
}

// Close writes what is left in memory. The file stays open.
func (w *Writer) Close() error {
	w.rows.Flush()
	return w.rows.Error()
}
