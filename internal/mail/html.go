package mail

import (
	_ "embed"
	"html/template"
	"regexp"
	"strings"
)

//go:embed layout.html
var layoutText string

var layout = template.Must(template.New("layout.html").Parse(layoutText))

// block is a part of a message between two empty lines or changes of form.
type block struct {
	Kind  string // heading, link, steps, list, or text
	Link  string
	Lines [][]span
}

// span is text of a line, or the link of the message.
type span struct {
	Text string
	Link bool
}

var numbered = regexp.MustCompile(`^\d{1,2}\. `)

// toHTML makes the HTML part of a text. Lines that begin with "# " are headings, those with "1. "
// steps, those with "- " a list; the link on a line of its own becomes a button.
func toHTML(subject, text, lang, link string) (string, error) {
	var out strings.Builder
	err := layout.Execute(&out, struct {
		Subject, Language string
		Blocks            []block
	}{subject, lang, blocks(text, link)})
	return out.String(), err
}

func blocks(text, link string) []block {
	var all []block
	open := false // the next line may continue the last block
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			open = false
			continue
		}
		kind, rest := form(line, link)
		if !open || all[len(all)-1].Kind != kind {
			all = append(all, block{Kind: kind, Link: link})
		}
		last := &all[len(all)-1]
		last.Lines = append(last.Lines, spans(rest, link))
		open = true
	}
	return all
}

func form(line, link string) (kind, rest string) {
	switch {
	case line == link:
		return "link", line
	case strings.HasPrefix(line, "# "):
		return "heading", line[2:]
	case strings.HasPrefix(line, "- "):
		return "list", line[2:]
	case numbered.MatchString(line):
		return "steps", numbered.ReplaceAllString(line, "")
	}
	return "text", line
}

func spans(line, link string) []span {
	var all []span
	for i, part := range strings.Split(line, link) {
		if i > 0 {
			all = append(all, span{link, true})
		}
		all = append(all, span{part, false})
	}
	return all
}
