// Package texts holds the texts of the workbook, one YAML file a language. A new file adds the
// language to the workbook only; the terminal (internal/messages), mails and notifications have
// texts of their own.
package texts

import (
	"embed"
	"strings"
)

//go:embed *.yaml
var files embed.FS

// Languages are the languages that a workbook can be in.
func Languages() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil // the folder is part of the program
	}
	var languages []string
	for _, entry := range entries {
		languages = append(languages, strings.TrimSuffix(entry.Name(), ".yaml"))
	}
	return languages
}

// Of returns the YAML file of a language.
func Of(language string) ([]byte, error) { return files.ReadFile(language + ".yaml") }
