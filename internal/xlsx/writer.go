package xlsx

import (
	"archive/zip"
	"bytes"
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

// Writer writes a workbook of which excelize laid out everything but the data rows. These are
// written as bytes and put into their sheets while the archive is written, so that memory stays
// flat. The same frame and rows give the same bytes.
type Writer struct {
	archive *zip.Writer
	parts   map[string][]byte // of the frame
	headers []*zip.FileHeader
}

// NewWriter renders the frame.
func NewWriter(w io.Writer, frame *excelize.File) (*Writer, error) {
	rendered := memoryZip{}
	types := frame.ContentTypes.Defaults // excelize lists them in the order of a map
	sort.Slice(types, func(i, j int) bool { return types[i].Extension < types[j].Extension })
	frame.ZipWriter = func(io.Writer) excelize.ZipWriter { return rendered }
	if err := frame.Write(io.Discard); err != nil {
		return nil, fmt.Errorf("render the frame of the workbook: %w", err)
	}
	out := &Writer{archive: newArchive(w), parts: make(map[string][]byte, len(rendered))}
	for name, content := range rendered {
		out.parts[name] = content.Bytes()
	}
	return out, nil
}

// Replace sets the content of a part of the frame that is not written yet.
func (w *Writer) Replace(part string, content []byte) error {
	if _, ok := w.parts[part]; !ok {
		return fmt.Errorf("the frame of the workbook has no part %s", part)
	}
	w.parts[part] = content
	return nil
}

// ReplaceText replaces a text wherever it stands in a part of the frame that is not written yet.
func (w *Writer) ReplaceText(part, old, text string) error {
	return w.Replace(part, bytes.ReplaceAll(w.parts[part], []byte(old), AppendText(nil, text)))
}

// Start writes the parts of the frame but those that are kept: sheets for Rows, others for Close.
// The content types come first: programs that look at the first bytes know a workbook by them.
func (w *Writer) Start(kept ...string) error {
	names := slices.Sorted(maps.Keys(w.parts))
	names = slices.DeleteFunc(names, func(name string) bool {
		return name == contentTypes ||
			slices.Contains(kept, name)
	})
	for _, name := range slices.Insert(names, 0, contentTypes) {
		if err := w.flush(name); err != nil {
			return err
		}
	}
	return nil
}

const contentTypes = "[Content_Types].xml"

// Close writes the parts that are left, the custom properties with the fingerprint last, and the
// end of the archive.
func (w *Writer) Close() error {
	for _, name := range slices.Sorted(maps.Keys(w.parts)) {
		if name == customProperties {
			continue
		}
		if err := w.flush(name); err != nil {
			return err
		}
	}
	if err := w.sign(); err != nil {
		return err
	}
	return w.archive.Close()
}

// flush writes a part of the frame and forgets it.
func (w *Writer) flush(name string) error {
	out, err := w.create(name)
	if err != nil {
		return err
	}
	content := w.parts[name]
	delete(w.parts, name)
	_, err = out.Write(content)
	return err
}

func (w *Writer) create(name string) (io.Writer, error) {
	header := &zip.FileHeader{Name: name, Method: zip.Deflate}
	w.headers = append(w.headers, header)
	return w.archive.CreateHeader(header)
}

// memoryZip takes the parts that excelize renders. They are small: the data sheets have no rows
// yet.
type memoryZip map[string]*bytes.Buffer

func (z memoryZip) Create(name string) (io.Writer, error) {
	z[name] = new(bytes.Buffer)
	return z[name], nil
}

func (z memoryZip) AddFS(fs.FS) error { return errors.ErrUnsupported }

func (z memoryZip) Close() error { return nil }

// compression is the deflate level: higher ones cost more time than they save bytes on rows like
// ours.
const compression = 5

func newArchive(w io.Writer) *zip.Writer {
	archive := zip.NewWriter(w)
	var press *flate.Writer // one for all entries, which are written one after the other: it holds megabytes
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		if press != nil {
			press.Reset(w)
			return press, nil
		}
		var err error
		press, err = flate.NewWriter(w, compression)
		return press, err
	})
	return archive
}
