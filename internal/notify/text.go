package notify

import (
	_ "embed"
	"fmt"
	"html/template"
	"path/filepath"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/mail"
)

// text is a night in words, for all channels. Its strings are single lines.
type text struct {
	outcome         Outcome
	words           words
	Title, Subtitle string
	Partners        []Partner
	MorePartners    int
	Names           []string // of newly blocked customers
	MoreNames       int
	Attestations    string
	Problems        []string
	Workbook        string // path
}

// What one message shows at most; the workbook has everything.
const (
	maxPartners = 20
	maxNames    = 20
	maxProblems = 20
)

func (n Notifier) compose(night Night) text {
	w := wordsIn(n.Language)
	blocked, newly, noLonger := night.totals()
	t := text{outcome: night.Outcome, words: w, Title: "mcaledger: " + w.title(night, blocked, newly, noLonger)}
	t.Subtitle = mail.OneLine(fmt.Sprintf("%s, %s – %s, mcaledger %s", night.Host,
		n.local(night.Started).Format("2006-01-02 15:04"), n.local(night.Finished).Format("15:04 MST"), night.Version))
	for _, p := range night.Partners {
		p.Name = mail.OneLine(p.Name)
		t.Partners = append(t.Partners, p)
		for _, name := range p.Names {
			t.Names = append(t.Names, mail.OneLine(name))
		}
	}
	shown := len(t.Names)
	t.Partners, t.MorePartners = firstOf(t.Partners, maxPartners)
	t.Names, _ = firstOf(t.Names, maxNames)
	t.MoreNames = max(shown, newly) - len(t.Names)
	if a := night.Attestations; a != (Attestations{}) {
		t.Attestations = fmt.Sprintf(w.attestations, a.Imported, a.Sent, a.Confirmed, a.Waiting, a.Refused)
	}
	for _, p := range night.Problems {
		t.Problems = append(t.Problems, mail.OneLine(p.Message+" "+p.Hint))
	}
	var more int
	if t.Problems, more = firstOf(t.Problems, maxProblems); more > 0 {
		t.Problems = append(t.Problems, fmt.Sprintf(w.more, more))
	}
	t.Workbook = mail.OneLine(night.Workbook)
	return t
}

func (n Notifier) local(t time.Time) time.Time {
	if n.Location == nil {
		return t.UTC()
	}
	return t.In(n.Location)
}

func firstOf[T any](all []T, limit int) (first []T, more int) {
	first = all[:min(len(all), limit)]
	return first, len(all) - len(first)
}

func (w words) title(night Night, blocked, newly, noLonger int) string {
	switch {
	case night.Outcome == Failed:
		return w.failed
	case night.Outcome == Interrupted:
		return w.interrupted
	case newly+noLonger > 0:
		return fmt.Sprintf(w.changed, newly, noLonger, blocked)
	}
	return fmt.Sprintf(w.unchanged, blocked)
}

// line is a partner in one line.
func (w words) line(p Partner) string {
	var counts []any
	for _, n := range p.Counts() {
		counts = append(counts, n)
	}
	return p.Name + ": " + fmt.Sprintf(w.partner, counts...)
}

// lines are the body for channels without tables.
func (t text) lines() []string {
	var lines []string
	for _, p := range t.Partners {
		lines = append(lines, t.words.line(p))
	}
	if t.MorePartners > 0 {
		lines = append(lines, fmt.Sprintf(t.words.more, t.MorePartners))
	}
	if names := t.NewlyBlocked(); names != "" {
		lines = append(lines, names)
	}
	if t.Attestations != "" {
		lines = append(lines, t.Attestations)
	}
	for _, problem := range t.Problems {
		lines = append(lines, t.words.attention+": "+problem)
	}
	if t.Workbook != "" {
		lines = append(lines, t.words.workbook+": "+t.Workbook)
	}
	return lines
}

// NewlyBlocked lists newly blocked customers.
func (t text) NewlyBlocked() string {
	if len(t.Names) == 0 {
		return ""
	}
	list := t.words.newlyBlocked + ": " + strings.Join(t.Names, "; ")
	if t.MoreNames > 0 {
		list += "; " + fmt.Sprintf(t.words.more, t.MoreNames)
	}
	return list
}

// Heads are the headings of the table of partners.
func (t text) Heads() []string { return t.words.heads }

// Attention is the heading of the problems.
func (t text) Attention() string { return t.words.attention }

// More says how many partners are not in the table.
func (t text) More() string { return fmt.Sprintf(t.words.more, t.MorePartners) }

// Language is the language of the words.
func (t text) Language() string { return t.words.language }

// Colour tells the outcomes apart, beside the words of the title.
func (t text) Colour() string {
	return map[Outcome]string{Done: "#1a7f37", Partial: "#9a6700", Failed: "#b42318", Interrupted: "#b42318"}[t.outcome]
}

func (t text) plain(attached bool) string {
	t.Workbook = t.workbookName(attached)
	return t.Title + "\n" + t.Subtitle + "\n\n" + strings.Join(t.lines(), "\n") + "\n"
}

func (t text) workbookName(attached bool) string {
	if attached && t.Workbook != "" {
		return filepath.Base(t.Workbook) + " (" + t.words.attached + ")"
	}
	return t.Workbook
}

//go:embed night.html
var nightHTML string

var nightTemplate = template.Must(template.New("night.html").Parse(nightHTML))

func (t text) html(attached bool) string {
	if t.Workbook = t.workbookName(attached); t.Workbook != "" {
		t.Workbook = t.words.workbook + ": " + t.Workbook
	}
	var out strings.Builder
	if nightTemplate.Execute(&out, t) != nil {
		return "" // the text part says the same
	}
	return out.String()
}
