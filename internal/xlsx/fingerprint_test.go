package xlsx

import (
	"archive/zip"
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/xlsx/xlsxtest"
)

// written is a small workbook as Writer makes it.
func written(t *testing.T) []byte {
	t.Helper()
	frame := excelize.NewFile()
	require.NoError(t, frame.SetCellStr("Sheet1", "A1", "Name"))
	require.NoError(t, frame.SetSheetDimension("Sheet1", "A1:A3"))
	require.NoError(t, SetProperties(frame))
	var book bytes.Buffer
	w, err := NewWriter(&book, frame)
	require.NoError(t, err)
	require.NoError(t, w.Start(LateParts("xl/worksheets/sheet1.xml")...))
	rows := w.Rows([]Page{{Part: "xl/worksheets/sheet1.xml", Rows: 2}}, 2, 1)
	for _, name := range []string{"=1+1", "Ana & Bea"} {
		rows.Text(0, name)
		require.NoError(t, rows.EndRow())
	}
	require.NoError(t, rows.Close())
	require.NoError(t, w.WriteProperties(Properties{Title: `<"Title"> & more`, Program: "mcaledger", Language: "pt-BR",
		Created: time.Date(2026, 11, 22, 5, 30, 0, 0, time.UTC), Custom: []Property{{"a name", `{"as_of":"2026"}`}}}))
	require.NoError(t, w.Close())
	return book.Bytes()
}

func TestWrittenWorkbookIsValidAndHasItsProperties(t *testing.T) {
	t.Parallel()
	book := written(t)
	assert.Empty(t, xlsxtest.Validate(book))
	f, err := excelize.OpenReader(bytes.NewReader(book))
	require.NoError(t, err)
	defer f.Close()
	rows, err := f.GetRows("Sheet1")
	require.NoError(t, err)
	assert.Equal(t, [][]string{{"Name"}, {"=1+1"}, {"Ana & Bea"}}, rows)
	core, err := f.GetDocProps()
	require.NoError(t, err)
	assert.Equal(t, []string{`<"Title"> & more`, "mcaledger", "pt-BR"},
		[]string{core.Title, core.Creator, core.Language})
	app, err := f.GetAppProps()
	require.NoError(t, err)
	assert.Equal(t, "mcaledger", app.Application)
	archive, err := zip.NewReader(bytes.NewReader(book), int64(len(book)))
	require.NoError(t, err)
	properties, err := CustomProperties(archive)
	require.NoError(t, err)
	assert.Equal(t, `{"as_of":"2026"}`, properties["a name"])
	assert.Len(t, properties, 2)
	workbook, err := io.ReadAll(mustOpen(t, archive, "xl/workbook.xml"))
	require.NoError(t, err)
	assert.NotContains(t, string(workbook), `filterPrivacy="true"`)
}

func mustOpen(t *testing.T, archive *zip.Reader, name string) io.Reader {
	t.Helper()
	part, err := archive.Open(name)
	require.NoError(t, err)
	t.Cleanup(func() { part.Close() })
	return part
}

func TestUntouched(t *testing.T) {
	t.Parallel()
	book := written(t)
	for name, c := range map[string]struct {
		change func(t *testing.T, path string)
		want   bool
	}{
		"as it was written": {func(*testing.T, string) {}, true},
		"under another name, and with another time": {func(t *testing.T, path string) {
			t.Helper()
			require.NoError(t, os.Chtimes(path, time.Now(), time.Unix(0, 0)))
		}, true},
		"a cell was changed": {func(t *testing.T, path string) {
			t.Helper()
			f, err := excelize.OpenFile(path)
			require.NoError(t, err)
			require.NoError(t, f.SetCellStr("Sheet1", "A3", "Signed: Ana"))
			require.NoError(t, f.Save())
		}, false},
		"saved again without a change": {func(t *testing.T, path string) {
			t.Helper()
			f, err := excelize.OpenFile(path)
			require.NoError(t, err)
			require.NoError(t, f.Save())
		}, false},
		"a signature was added": {func(t *testing.T, path string) {
			t.Helper()
			repack(t, path, "_xmlsignatures/sig1.xml")
		},
			false},
		// the parts are the same
		"packed again": {func(t *testing.T, path string) {
			t.Helper()
			repack(t, path, "")
		}, true},
		"made read-only": {func(t *testing.T, path string) {
			t.Helper()
			require.NoError(t, os.Chmod(path, 0o440))
		}, false},
		"something was appended": {func(t *testing.T, path string) {
			t.Helper()
			require.NoError(t, os.WriteFile(path, append(bytes.Clone(book), 'x'), 0o600))
		}, false},
		"a byte was flipped": {func(t *testing.T, path string) {
			t.Helper()
			flipped := bytes.Clone(book)
			flipped[len(flipped)/3] ^= 1
			require.NoError(t, os.WriteFile(path, flipped, 0o600))
		}, false},
		"cut": {func(t *testing.T,
			path string) {
			t.Helper()
			require.NoError(t, os.Truncate(path, int64(len(book)/2)))
		}, false},
		"empty": {func(t *testing.T, path string) {
			t.Helper()
			require.NoError(t, os.Truncate(path, 0))
		}, false},
		"no workbook": {func(t *testing.T,
			path string) {
			t.Helper()
			require.NoError(t, os.WriteFile(path, []byte("a,b\n"), 0o600))
		}, false},
		"another program's": {func(t *testing.T, path string) {
			t.Helper()
			require.NoError(t, excelize.NewFile().SaveAs(path))
		},
			false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "book.xlsx")
			require.NoError(t, os.WriteFile(path, book, 0o640))
			c.change(t, path)
			got, err := Untouched(path)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
	_, err := Untouched(filepath.Join(t.TempDir(), "missing.xlsx"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// repack copies an archive, and adds a part unless its name is empty.
func repack(t *testing.T, path, extra string) {
	t.Helper()
	from, err := zip.OpenReader(path)
	require.NoError(t, err)
	var to bytes.Buffer
	out := zip.NewWriter(&to)
	for _, part := range from.File {
		require.NoError(t, out.Copy(part))
	}
	if extra != "" {
		_, err := out.Create(extra)
		require.NoError(t, err)
	}
	require.NoError(t, out.Close())
	require.NoError(t, from.Close())
	require.NoError(t, os.WriteFile(path, to.Bytes(), 0o600))
}

func TestRowsOtherThanTheirPagesAreAnError(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{0, 1, 3} {
		frame := excelize.NewFile()
		w, err := NewWriter(io.Discard, frame)
		require.NoError(t, err)
		out := w.Rows([]Page{{Part: "xl/worksheets/sheet1.xml", Rows: 2}}, 1, 2)
		for range rows {
			out.Int(0, 1)
			out.Serial(0, 1.5)
			err = out.EndRow()
		}
		err = cmp.Or(err, out.Close())
		var count *RowCountError
		require.ErrorAs(t, err, &count)
		assert.Equal(t, rows == 3, count.More)
	}
	w, err := NewWriter(io.Discard, excelize.NewFile())
	require.NoError(t, err)
	out := w.Rows([]Page{{Part: "xl/worksheets/sheet1.xml", Rows: 1}}, 1, 2)
	out.Skip()
	require.ErrorContains(t, out.EndRow(), "row 1 has 1 cells")
	require.ErrorContains(t, out.EndRow(), "row 1 has 1 cells", "the error is kept")
}

// slowWriter takes a second for every write.
type slowWriter struct{ busy bool }

func (s *slowWriter) Write(p []byte) (int, error) {
	s.busy = true
	time.Sleep(time.Second)
	s.busy = false
	return len(p), nil
}

func TestClosedRowsAreNotBeingWrittenAnyMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var slow slowWriter
		w, err := NewWriter(&slow, excelize.NewFile())
		require.NoError(t, err)
		out := w.Rows([]Page{{Part: "xl/worksheets/sheet1.xml", Rows: 10_000}}, 1, 1)
		for i := range 5000 {
			out.Text(0, fmt.Sprintf("%x", sha256.Sum256([]byte{byte(i), byte(i >> 8)})))
			require.NoError(t, out.EndRow())
		}
		var count *RowCountError
		require.ErrorAs(t, out.Close(), &count)
		assert.False(t, slow.busy)
	})
}
