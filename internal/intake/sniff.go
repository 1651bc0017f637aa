package intake

import (
	"bytes"
	"strings"

	"github.com/mcaledger/mcaledger/internal/charset"
)

// signature is the beginning of a kind of file that people send instead of a CSV or an XLSX.
type signature struct {
	magic string
	what  string
	hint  string
}

const (
	saveAs   = "Open it in the program that made it, save it as XLSX or as CSV (UTF-8), and import that file"
	unpack   = "Unpack it and import the file inside"
	aList    = "A list is needed: export the table as XLSX or CSV, and import that file"
	exportIt = "Export the list as XLSX or CSV, and import that file"
)

var signatures = []signature{
	{"%PDF-", "a PDF document", aList},
	{"\x1f\x8b", "a gzip archive", unpack},
	{"Rar!", "a RAR archive", unpack},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", unpack},
	{"BZh", "a bzip2 archive", unpack},
	{"\x28\xb5\x2f\xfd", "a Zstandard archive", unpack},
	{"\xfd7zXZ", "an xz archive", unpack},
	{"\x89PNG", "a picture (PNG)", aList},
	{"\xff\xd8\xff", "a picture (JPEG)", aList},
	{`{\rtf`, "an RTF document", saveAs},
	{"{", "a JSON document", exportIt},
	{"[", "a JSON document", exportIt},
	{"SQLite format 3", "a database (SQLite)", "Export the table as CSV, and import that file"},
	{"PAR1", "a Parquet file", exportIt},
	{mailMagic, "an e-mail message", "Save its attachment, and import that file"},
	{"Received: ", "an e-mail message", "Save its attachment, and import that file"},
	{"MIME-Version:", "a web archive or an e-mail message", saveAs},
	{"ID;P", "a SYLK file", saveAs},
	{"BEGIN:VCARD", "a list of business cards (vCard)", exportIt},
}

const (
	mailMagic = "From "
	zipMagic  = "PK\x03\x04"
	oleMagic  = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" // Excel 97-2003, and encrypted XLSX
)

// sniff tells by its first bytes what a file is: CSV, XLSX (or another zip archive), or what it is
// instead.
func sniff(head []byte) (Kind, *FileError) {
	if bytes.HasPrefix(head, []byte(zipMagic)) {
		return XLSX, nil
	}
	if bytes.HasPrefix(head, []byte(oleMagic)) {
		return "", oleError(head)
	}
	encoding, mark := charset.Mark(head)
	text := head[mark:]
	if mark > 0 && encoding != charset.UTF8 {
		text = bytes.ReplaceAll(text, []byte{0}, nil) // UTF-16: what documents begin with is ASCII
	}
	text = bytes.TrimLeft(text, " \t\r\n")
	if what := markup(text); what != "" {
		return "", otherFormat(what, saveAs)
	}
	for _, s := range signatures {
		if bytes.HasPrefix(text, []byte(s.magic)) && (s.magic != mailMagic || !isDelimited(text)) {
			return "", otherFormat(s.what, s.hint)
		}
	}
	return CSV, nil
}

// isDelimited reports whether the first line of a text looks like that of a list: a list may have a
// column "From …".
func isDelimited(text []byte) bool {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return bytes.ContainsAny(line, ",;\t|")
}

// markup says what kind of document begins with a tag, in either case; empty: none.
func markup(text []byte) string {
	if len(text) < 2 || text[0] != '<' || !isTagStart(text[1]) {
		return ""
	}
	beginning := strings.ToLower(string(text[:min(len(text), 4096)]))
	if strings.HasPrefix(beginning, "<?xml") && !strings.Contains(beginning, "<html") {
		return "an XML document"
	}
	return "a web page (HTML), as some systems export under the name .csv or .xls"
}

func isTagStart(b byte) bool {
	return b == '!' || b == '?' || b == '/' || b|0x20 >= 'a' && b|0x20 <= 'z'
}

func otherFormat(what, hint string) *FileError {
	return &FileError{Code: WrongFormat, Message: "this is " + what + ", not a CSV or XLSX file", Hint: hint}
}

// otherArchive says what a zip archive is that is not an XLSX.
func otherArchive(is string) *FileError {
	switch is {
	case "xlsb":
		return otherFormat("a binary workbook (.xlsb)", saveAs)
	case "docx":
		return otherFormat("a Word document", saveAs)
	case "pptx":
		return otherFormat("a presentation", saveAs)
	case "odf":
		return otherFormat("an OpenDocument file (such as .ods)", saveAs)
	case "iwork":
		return otherFormat("a Numbers or Pages document", saveAs)
	}
	return &FileError{Code: WrongFormat, Message: "this is a zip archive, not an XLSX file",
		Hint: "Unpack it and import the files inside, each by itself"}
}

// oleError tells an encrypted XLSX from a workbook of Excel 97-2003: both are OLE containers, which
// name their parts in UTF-16.
func oleError(head []byte) *FileError {
	if bytes.Contains(head,
		[]byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")) {
		return &FileError{Code: WrongFormat, Message: "the workbook is protected with a password",
			Hint: "Open it in Excel, remove the password (File, Info, Protect Workbook), save it and import it again"}
	}
	return &FileError{Code: WrongFormat,
		Message: "this is a document of an old Office version (such as .xls), not a CSV or XLSX file",
		Hint:    "Open it in Excel, save it as Excel Workbook (.xlsx), and import that file"}
}

// isEmpty reports whether there is nothing but white space, zeros and byte-order marks.
func isEmpty(b []byte) bool { return len(bytes.Trim(b, " \t\r\n\x00\xEF\xBB\xBF\xFF\xFE")) == 0 }
