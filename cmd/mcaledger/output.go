package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/term"
)

// safeWriter writes text for people and for logs. Names come from files and from customers, so
// characters that control a terminal, or that change the direction of the text around them, are
// written as \u001b and the like, which JSON reads back. It keeps the first error: callers do not
// check single lines.
type safeWriter struct {
	mu     sync.Mutex
	to     io.Writer
	before func() // called before each write; may be nil
	err    error
}

func (w *safeWriter) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.before != nil {
		w.before()
	}
	if w.err == nil {
		_, w.err = w.to.Write(safe(text))
	}
	return len(text), w.err
}

func (w *safeWriter) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// safe is text with every unsafe character escaped.
func safe(text []byte) []byte {
	if !bytes.ContainsFunc(text, unsafeRune) {
		return text
	}
	var b bytes.Buffer
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if unsafeRune(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.Write(text[:size])
		}
		text = text[size:]
	}
	return b.Bytes()
}

// unsafeRune tells control characters other than line feed and tab, bytes that are not UTF-8, and
// marks of direction.
func unsafeRune(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r)
}

// printf writes human-readable output unless --json or --quiet.
func (a *app) printf(format string, values ...any) {
	if !a.quiet {
		a.answerf(format, values...)
	}
}

// answerf writes what the command was asked for; --quiet does not silence it.
func (a *app) answerf(format string, values ...any) {
	if !a.json {
		fmt.Fprint(a.out, a.sprintf(format, values...))
	}
}

// instruct tells a person what to do now, whatever the command prints in the end.
func (a *app) instruct(format string, values ...any) {
	fmt.Fprint(a.err, a.sprintf(format, values...))
}

// sprintf is fmt.Sprintf in the language of the terminal.
func (a *app) sprintf(format string, values ...any) string {
	return fmt.Sprintf(a.texts().Format(format), values...)
}

// stdout is where a report is written that goes to stdout: as it is, but for a terminal.
func (a *app) stdout() io.Writer {
	if isTerminal(a.Stdout) {
		return a.out
	}
	return a.Stdout
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// table is a list for people: columns as wide as their widest cell.
type table struct {
	columns []column
	rows    [][]string
}

type column struct {
	name  string
	right bool // numbers
}

func left(name string) column  { return column{name: name} }
func right(name string) column { return column{name: name, right: true} }

// add adds a row; values are written as by fmt.Sprint, on one line.
func (t *table) add(values ...any) {
	cells := make([]string, len(values))
	for i, v := range values {
		cells[i] = string(safe([]byte(strings.Join(strings.Fields(fmt.Sprint(v)), " "))))
	}
	t.rows = append(t.rows, cells)
}

// answer prints a table, if there is anything in it.
func (a *app) answer(t table) {
	if a.json || len(t.rows) == 0 {
		return
	}
	header := make([]string, len(t.columns))
	for i, c := range t.columns {
		header[i] = a.texts().Format(c.name)
	}
	rows := append([][]string{header}, t.rows...)
	widths := make([]int, len(t.columns))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], uniseg.StringWidth(cell))
		}
	}
	for _, row := range rows {
		a.answerf("%s\n", t.line(row, widths))
	}
}

func (t table) line(row []string, widths []int) string {
	var b strings.Builder
	for i, cell := range row {
		if i > 0 {
			b.WriteString("  ")
		}
		space := strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell))
		if t.columns[i].right {
			b.WriteString(space + cell)
		} else {
			b.WriteString(cell + space)
		}
	}
	return strings.TrimRight(b.String(), " ")
}
