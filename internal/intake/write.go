package intake

import (
	"bytes"
	"encoding/csv"
	"io"
)

// sheetWriter writes one list, as CSV or as XLSX.
type sheetWriter interface {
	head(cells []string) error
	row(cells []string) error
	close() error
}

func newSheetWriter(w io.Writer, f Format) sheetWriter {
	if f.Kind == XLSX {
		return &xlsxWriter{file: w}
	}
	return newCSVWriter(w, f.delimiter())
}

// csvWriter writes a CSV that Excel opens right, in UTF-8 with a byte-order mark.
type csvWriter struct {
	file io.Writer
	*csv.Writer
}

func newCSVWriter(w io.Writer, delimiter byte) *csvWriter {
	out := &csvWriter{file: w, Writer: csv.NewWriter(w)}
	// A delimiter that only the line sep=… of the original told would not be found again without it, and with it Excel
	// forgets that the file is in UTF-8.
	if bytes.IndexByte(delimiters, delimiter) >= 0 {
		out.Comma = rune(delimiter)
	}
	return out
}

func (w *csvWriter) head(cells []string) error {
	if _, err := w.file.Write(utf8BOM); err != nil {
		return err
	}
	return w.Write(cells)
}

func (w *csvWriter) row(cells []string) error { return w.Write(cells) }

func (w *csvWriter) close() error {
	w.Flush()
	return w.Error()
}
