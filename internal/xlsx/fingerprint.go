package xlsx

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"regexp"
)

// A workbook carries a fingerprint of itself as a custom property: the SHA-256 of the names, sizes
// and checksums of all its parts. It tells whether somebody changed the file, not whether somebody
// forged it: for that a workbook is compared with the ledger.

// sign writes the custom properties with the fingerprint, as the last part.
func (w *Writer) sign() error {
	content := w.parts[customProperties]
	out, err := w.create(customProperties) // which ends the part before: its size and checksum are known now
	if err != nil {
		return err
	}
	sum := sha256.New()
	for _, h := range w.headers[:len(w.headers)-1] {
		addPart(sum, h.Name, h.UncompressedSize64, h.CRC32)
	}
	addPart(sum, customProperties, uint64(len(content)), crc32.ChecksumIEEE(content))
	_, err = out.Write(bytes.Replace(content, []byte(noFingerprint), []byte(hex.EncodeToString(sum.Sum(nil))), 1))
	return err
}

func addPart(sum io.Writer, name string, size uint64, checksum uint32) {
	fmt.Fprintf(sum, "%s\t%d\t%08x\n", name, size, checksum)
}

// endRecordSize is the size of the record that ends an archive without a comment.
const endRecordSize = 22

var fingerprint = regexp.MustCompile(`<property [^>]*name="` + fingerprintName +
	`"[^>]*><vt:lpwstr>([0-9a-f]{64})</vt:lpwstr>`)

// Untouched reports whether the file is a workbook that Writer wrote and nobody has changed,
// signed, annotated or made read-only since. A file that is no such workbook is not untouched; an
// error is about reading it.
func Untouched(path string) (bool, error) {
	file, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o200 == 0 {
		return false, nil
	}
	end := make([]byte, endRecordSize)
	if _, err := file.ReadAt(end, info.Size()-endRecordSize); err != nil ||
		!bytes.HasPrefix(end, []byte("PK\x05\x06")) {
		return false, nil
	}
	archive, err := zip.NewReader(file, info.Size())
	if err != nil {
		return false, nil
	}
	return matchesFingerprint(archive)
}

// matchesFingerprint reads every part, which compares its checksum.
func matchesFingerprint(archive *zip.Reader) (bool, error) {
	sum, want := sha256.New(), ""
	for _, part := range archive.File {
		size, checksum := part.UncompressedSize64, part.CRC32
		content, err := readPart(part, part.Name == customProperties)
		if err != nil {
			return false, nil
		}
		if part.Name == customProperties {
			found := fingerprint.FindSubmatch(content)
			if found == nil {
				return false, nil
			}
			want = string(found[1])
			content = bytes.Replace(content, found[1], []byte(noFingerprint), 1)
			checksum = crc32.ChecksumIEEE(content)
		}
		addPart(sum, part.Name, size, checksum)
	}
	return want != "" && want == hex.EncodeToString(sum.Sum(nil)), nil
}

// readPart reads a part to its end, and returns its content where it is kept.
func readPart(part *zip.File, keep bool) ([]byte, error) {
	in, err := part.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if keep {
		return io.ReadAll(io.LimitReader(in, 1<<20))
	}
	_, err = io.Copy(io.Discard, in)
	return nil, err
}

// CustomProperties are the custom properties of a workbook that are text.
func CustomProperties(archive *zip.Reader) (map[string]string, error) {
	for _, part := range archive.File {
		if part.Name != customProperties {
			continue
		}
		content, err := readPart(part, true)
		if err != nil {
			return nil, err
		}
		var found struct {
			Property []struct {
				Name string `xml:"name,attr"`
				Text string `xml:"lpwstr"`
			} `xml:"property"`
		}
		if err := xml.Unmarshal(content, &found); err != nil {
			return nil, fmt.Errorf("%s: %w", customProperties, err)
		}
		properties := map[string]string{}
		for _, p := range found.Property {
			properties[p.Name] = p.Text
		}
		return properties, nil
	}
	return nil, nil
}
