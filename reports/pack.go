package reports

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sort"

	"github.com/klauspost/compress/flate"
	"github.com/xuri/excelize/v2"
)

// parts takes the files that excelize makes of the shell. They are small: the data sheets hold a banner and a header.
type parts map[string]*bytes.Buffer

func (p parts) Create(path string) (io.Writer, error) {
	p[path] = new(bytes.Buffer)
	return p[path], nil
}

func (p parts) AddFS(fs.FS) error { return errors.ErrUnsupported }

func (p parts) Close() error { return nil }

// render has excelize write the shell.
func (r *report) render() (parts, error) {
	made := parts{}
	types := r.file.ContentTypes.Defaults // excelize lists them in the order of a map
	sort.Slice(types, func(i, j int) bool { return types[i].Extension < types[j].Extension })
	r.file.ZipWriter = func(io.Writer) excelize.ZipWriter { return made }
	return made, r.file.Write(io.Discard)
}

// pack writes the archive: the shell's parts as they are, and the data sheets with their rows put in, sheet by sheet,
// so that a sheet that goes on in another reads its source once.
func (r *report) pack(ctx context.Context, w io.Writer, sheets []dataSheet, pages [][]page) error {
	made, err := r.render()
	if err != nil {
		return fmt.Errorf("make the shell of the workbook: %w", err)
	}
	a := newArchive(w)
	for _, path := range shellOrder(made, pages) {
		if err := a.add(path, made[path].Bytes()); err != nil {
			return err
		}
	}
	sum := sha256.New()
	for i, s := range sheets {
		if err := splitPages(made, pages[i]); err != nil {
			return err
		}
		out := r.newRows(s, pages[i], func(p page) (io.Writer, error) { return a.Create(p.path) })
		data := r.newCSV(s, sum)
		if err := s.write(ctx, digested{out, data}); err != nil {
			return err
		}
		if err := errors.Join(out.close(), data.close()); err != nil {
			return fmt.Errorf("sheet %s: %w", s.key, err)
		}
	}
	digest := hex.EncodeToString(sum.Sum(nil))
	if err := a.add(sharedStrings, bytes.Replace(made[sharedStrings].Bytes(), []byte(digestPlace), []byte(digest), 1)); err != nil {
		return err
	}
	return a.Close()
}

// splitPages cuts the shell of each page where its rows belong.
func splitPages(made parts, pages []page) error {
	mark := []byte("</sheetData>")
	for i := range pages {
		part, ok := made[pages[i].path]
		if !ok {
			return fmt.Errorf("the shell has no part %s", pages[i].path)
		}
		at := bytes.Index(part.Bytes(), mark)
		if at < 0 {
			return fmt.Errorf("part %s of the shell has no rows to add to", pages[i].path)
		}
		pages[i].head, pages[i].tail = part.Bytes()[:at], part.Bytes()[at:]
	}
	return nil
}

// digestPlace stands in the shell where the digest of the data will, which is known only after the rows.
const digestPlace = "(the SHA-256 of the data is put here as soon as it is written..)"

// shellOrder is every part but the data sheets and the strings, which come last, in an order that never changes. The
// content types come first: that is how programs that look at the first bytes know a workbook.
func shellOrder(made parts, pages [][]page) []string {
	order := []string{contentTypes}
	later := map[string]bool{contentTypes: true, sharedStrings: true}
	for _, p := range slices.Concat(pages...) {
		later[p.path] = true
	}
	for _, path := range slices.Sorted(maps.Keys(made)) {
		if !later[path] {
			order = append(order, path)
		}
	}
	return order
}

const (
	contentTypes  = "[Content_Types].xml"
	sharedStrings = "xl/sharedStrings.xml"
)

// compression is the flate level: higher ones cost more time than they save bytes on rows like ours.
const compression = 5

type archive struct{ *zip.Writer }

func newArchive(w io.Writer) archive {
	z := zip.NewWriter(w)
	var press *flate.Writer // one for all entries, which are written one after the other: it holds megabytes
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		if press != nil {
			press.Reset(w)
			return press, nil
		}
		var err error
		press, err = flate.NewWriter(w, compression)
		return press, err
	})
	return archive{z}
}

func (a archive) add(path string, content []byte) error {
	w, err := a.Create(path)
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	return err
}
