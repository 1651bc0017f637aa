package intake

import (
	"bytes"
	"strings"
)

// signature is the beginning of a kind of file that people send instead of a CSV or an XLSX.
type signature struct {
	magic string // in any case where it is text
	what  string
	hint  string
}

const saveAs = "Open it in the program that made it, save it as XLSX or as CSV (UTF-8), and import that file"

var signatures = []signature{
	{"%PDF-", "a PDF document", "A list is needed: export the table as XLSX or CSV, and import that file"},
	{"\x1f\x8b", "a gzip archive", "Unpack it and import the file inside"},
	{"Rar!", "a RAR archive", "Unpack it and import the file inside"},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it and import the file inside"},
	{"\x89PNG", "a picture (PNG)", "A list is needed, not a picture of one: export the table as XLSX or CSV"},
	{"\xff\xd8\xff", "a picture (JPEG)", "A list is needed, not a picture of one: export the table as XLSX or CSV"},
	{`{\rtf`, "an RTF document", saveAs},
	{"<!doctype html", "a web page (HTML)", saveAs},
	{"<html", "a web page (HTML), as some systems export under the name .csv or .xls", saveAs},
	{"<table", "a web page (HTML), as some systems export under the name .csv or .xls", saveAs},
	{"<?xml", "an XML document", saveAs},
	{"{", "a JSON document", "Export the list as XLSX or CSV, and import that file"},
	{"[", "a JSON document", "Export the list as XLSX or CSV, and import that file"},
	{"SQLite format 3", "a database (SQLite)", "Export the table as CSV, and import that file"},
}

// begins reports whether a file begins so. The tags of web pages are written in either case.
func (s signature) begins(text []byte) bool {
	if s.magic[0] == '<' {
		return strings.EqualFold(string(text[:min(len(text), len(s.magic))]), s.magic)
	}
	return bytes.HasPrefix(text, []byte(s.magic))
}

const (
	zipMagic = "PK\x03\x04"
	oleMagic = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" // Excel 97-2003, and encrypted XLSX
)

// sniff tells by its first bytes what a file is: CSV, XLSX (or another zip, see openXLSX), or what it is instead.
func sniff(head []byte) (Kind, *FileError) {
	if bytes.HasPrefix(head, []byte(zipMagic)) {
		return XLSX, nil
	}
	if bytes.HasPrefix(head, []byte(oleMagic)) {
		return "", oleError(head)
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, utf8BOM), " \t\r\n")
	for _, s := range signatures {
		if s.begins(text) {
			return "", &FileError{Code: WrongFormat, Message: "this is " + s.what + ", not a CSV or XLSX file, whatever its name says", Hint: s.hint}
		}
	}
	return CSV, nil
}

// oleError tells an encrypted XLSX from a workbook of Excel 97-2003: both are OLE containers, which name their parts
// in UTF-16.
func oleError(head []byte) *FileError {
	if bytes.Contains(head, []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")) {
		return &FileError{Code: WrongFormat, Message: "the workbook is protected with a password",
			Hint: "Open it in Excel, take the password away (File, Info, Protect Workbook), save it and import it again"}
	}
	return &FileError{Code: WrongFormat, Message: "this is a document of an old Office version (such as .xls), not a CSV or XLSX file",
		Hint: "Open it in Excel, save it as Excel Workbook (.xlsx), and import that file"}
}
