package csvfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func read(t require.TestingT, r *Reader) []Record {
	var all []Record
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, record)
	}
}

func TestRecords(t *testing.T) {
	t.Parallel()
	hasAddress := func(cells []string) bool { return len(cells) > 1 && strings.Contains(cells[1], "@") }
	for name, c := range map[string]struct {
		text     string
		isRecord func([]string) bool
		want     []Record
	}{
		"line ends of all kinds": {"a,b\nc,d\r\ne\rf\n", nil, []Record{{Line: 1, Cells: []string{"a", "b"}}, {Line: 2,
			Cells: []string{"c", "d"}}, {Line: 3, Cells: []string{"e"}},
			{Line: 4, Cells: []string{"f"}}}},
		"no line end": {"a,b", nil, []Record{{Line: 1, Cells: []string{"a", "b"}, Unended: true}}},
		"an empty line": {"a\n\nb\n", nil, []Record{{Line: 1, Cells: []string{"a"}}, {Line: 2,
			Cells: []string{""}}, {Line: 3, Cells: []string{"b"}}}},
		"quoted cells": {"\"a,\"\"x\"\"\nb\" ,c\nd\n", nil,
			[]Record{{Line: 1, Cells: []string{"a,\"x\"\nb", "c"}}, {Line: 3, Cells: []string{"d"}}}},
		"a mark inside a cell": {"19\" rack,b\nc\n", nil, []Record{{Line: 1, Cells: []string{`19" rack`, "b"}},
			{Line: 2, Cells: []string{"c"}}}},
		"text behind a mark": {"\"a\"b,c\nd\n", nil, []Record{{Line: 1, Cells: []string{`"a"b`, "c"}, Broken: true},
			{Line: 2, Cells: []string{"d"}}}},
		"a mark left open": {"a,\"b\nc,d\n", nil, []Record{{Line: 1, Cells: []string{"a", `"b`}, Broken: true},
			{Line: 2, Cells: []string{"c", "d"}}}},
		"closed by another line": {"1,\"a@x\n2,b@x\n3,\"c@x\"\n", hasAddress,
			[]Record{{Line: 1, Cells: []string{"1", `"a@x`}, Broken: true}, {Line: 2, Cells: []string{"2", "b@x"}},
				{Line: 3, Cells: []string{"3", "c@x"}}}},
		"many lines of a cell": {"\"two\nlines\",a@x\n2,b@x\n", hasAddress,
			[]Record{{Line: 1, Cells: []string{"two\nlines", "a@x"}}, {Line: 3, Cells: []string{"2", "b@x"}}}},
		"nothing": {"", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, text := range []io.Reader{strings.NewReader(c.text),
				iotest.OneByteReader(strings.NewReader(c.text))} {
				r := NewReader(text, ',', 1<<20)
				r.IsRecord = c.isRecord
				require.Equal(t, c.want, read(t, r))
			}
		})
	}
}

func TestARecordLongerThanTheLimit(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("x", 3*readSize), "a\n" + strings.Repeat("x", 3*readSize) + "\nb\n"} {
		r := NewReader(strings.NewReader(text), ',', 2*readSize)
		var err error
		for err == nil {
			_, err = r.Next()
		}
		long, ok := errors.AsType[*TooLongError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, 1+strings.Count(text, "a\n"), long.Line)
	}
}

func TestAnErrorOfTheSourceIsReturned(t *testing.T) {
	t.Parallel()
	r := NewReader(io.MultiReader(strings.NewReader("a\n"), iotest.ErrReader(io.ErrClosedPipe)), ',', 1<<20)
	_, err := r.Next()
	require.ErrorIs(t, err, io.ErrClosedPipe)
}

// What encoding/csv writes comes back, wherever the text is cut.
func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{"a", `"`, `""`, ",", ";", "\t", "\n", "\r", "\r\n",
			"é", " ", strings.Repeat("x", 9000)}), 0, 12),
			func(parts []string) string { return strings.Join(parts, "") })
		want := rapid.SliceOfN(rapid.SliceOfN(cell, 1, 40), 1, 60).Draw(t, "cells")
		delimiter := rapid.SampledFrom([]byte{',', ';', '\t'}).Draw(t, "delimiter")
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.Comma = rune(delimiter)
		require.NoError(t, w.WriteAll(want))
		line := 1
		for i, record := range read(t, NewReader(&b, delimiter, 16<<20)) {
			require.Equal(t, want[i], slices.Clone(record.Cells))
			require.Equal(t, line, record.Line)
			require.False(t, record.Broken)
			for _, cell := range record.Cells {
				line += lineBreaks(cell)
			}
			line++
		}
	})
}

func TestWriter(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := NewWriter(&b, ';')
	require.NoError(t, w.Write([]string{"a;b", "=1+1"}))
	require.NoError(t, w.Write([]string{"", "é"}))
	require.NoError(t, w.Close())
	require.Equal(t, "\ufeff\"a;b\";=1+1\n;é\n", b.String())
}
