package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/reports/texts"
)

// catalogue is every text of the workbook in one language. In texts with verbs %[1]s is the first
// value; all values are put in as text, numbers with their thousands separated.
type catalogue struct {
	Language string // as in the configuration and in the document properties
	Format   struct {
		Thousands, Decimal    string
		Day, Instant          string // Go layouts, for sentences
		DayCells, ShortDay    string // Excel formats: for cells, and for the axis of a chart
		InstantCells, AtLeast string
	}
	Sheets  map[string]labelled            // by key: the name, and what a sheet without rows says
	Columns map[string]labelled            // by key: the header, and its meaning for the data dictionary
	Words   map[string]map[string]labelled // by kind of code and code: the word, and its meaning
	Checks  map[ledger.CheckName]labelled  // the name of a control check, and its numbers in a sentence
	Texts   sentences
}

// labelled is a short text and a longer one that belongs to it.
type labelled [2]string

func (l labelled) label() string { return l[0] }
func (l labelled) text() string  { return l[1] }

// plural is a text about a number, for one and for any other.
type plural [2]string

// sentences are the sentences and labels that stand outside tables.
type sentences struct {
	Title, Subject, PageOf string
	Cut                    string // at the end of text that a cell cannot hold

	// Checks.
	ChecksPassed, NothingToCheck                    string
	ChecksFailed                                    plural
	NewestRun, NewestRunNumbers, Stale, FutureRun   string
	NoControlTotals, NoControlTotalsNumbers         string
	RowsCustomers, RowsBlocked, RowsUnread, RowsNew string
	RowsGone, RowsNewlyBlocked, RowsNewlyClear      string
	RowsNumbers                                     string
	RowsImported, RowsImportedNumbers               string
	SentAnswered, SentAnsweredNumbers               string
	LogComplete, LogCompleteNumbers                 string
	RollForwardCheck, RollForwardNumbers            string

	// Banners and notices.
	RunOf, AndMore, NoRunYet, NoFigures  string
	FailedRun, FailedFirst, Waiting      string
	UnfinishedRun, UnfinishedFirst       string
	StaleRun, FailedCheck, PolicyChanged string
	RunFailure, LeftOut, PolicyEffects   string
	AgreementsDue                        plural
	OldFigures                           string // what the mark at old figures means

	// Summary.
	CannotBuy                                   plural
	EverybodyCanBuy                             string
	Blocked, BlockedShare, BlockedLong, Unknown string
	Lapsing                                     string
	Accepted                                    plural
	Renewals                                    string
	RenewalHeads                                []string
	WhyLapses                                   string
	SinceLast, SinceRun, Unchanged, FirstRun    string
	Points                                      string
	NextSteps                                   string
	NextStepsHeads                              []string
	RollForward                                 string
	RollForwardHeads                            []string
	Ageing                                      string
	AgeingHeads                                 []string
	First                                       string
	FirstHeads                                  []string
	WhyBlocked                                  plural
	WhyBlockedFirst, WhyActive                  string
	Counts                                      string
	Measures                                    []string
	Total                                       string
	StandingChart, SharesChart, StandingAlt     string
	TrendChart, TrendAlt                        string
	OtherPartners                               plural
	Purchases                                   string
	ByReseller, Reseller, AllResellers          string
	NoReseller, NoOwner, ResellerNotRead        string
	OtherResellers                              plural
	Policy, PolicySince, Trusted, NotTrusted    string
	WhatIsBlocked                               string
	Usage                                       string
	UsageHeads                                  []string
	Behind, Night                               string

	// About.
	About, Report, MadeAt, AsOf, Zone, Version string
	Digest, DigestHow, DigestHowText           string // %[1]s: the files' names
	LogHead                                    string
	SignOff, SignOffText                       string
	SignOffHeads, SignOffRoles                 []string
	Fact, Value                                string
	Runs                                       string
	RunFacts                                   []string
	Yes, No                                    string
	Dictionary, Sheet, Column, Meaning         string
	Codes, Word, Code                          string
	Batches, File, BatchHead                   string
	Events                                     plural
}

// catalogueOf are the texts of a language; "" is English.
func catalogueOf(language string) (catalogue, error) {
	if language == "" {
		language = "en"
	}
	read, ok := catalogues[language]
	if !ok {
		return catalogue{}, fmt.Errorf("report language %q is not known; set report.language to one of %s", language,
			strings.Join(texts.Languages(), ", "))
	}
	return read()
}

// catalogues read the texts of a language when they are first needed, and once: parsing takes
// longer than a small report.
var catalogues = func() map[string]func() (catalogue, error) {
	read := map[string]func() (catalogue, error){}
	for _, language := range texts.Languages() {
		read[language] = sync.OnceValues(func() (catalogue, error) { return readCatalogue(language) })
	}
	return read
}()

func readCatalogue(language string) (c catalogue, err error) {
	text, err := texts.Of(language)
	if err != nil {
		return c, err
	}
	asJSON, err := yaml.YAMLToJSON(text) // of which the names of fields are the keys
	if err != nil {
		return c, fmt.Errorf("texts of the language %s: %w", language, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(asJSON))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return c, fmt.Errorf("texts of the language %s: %w", language, err)
	}
	return c, nil
}

// head is the header of a column of a table.
func (c catalogue) head(t table, key string) string { return c.columnText(t, key).label() }

// columnText is what a table's column is called and means; what is said of a column of one table
// goes before what is said of all.
func (c catalogue) columnText(t table, key string) labelled {
	if own, ok := c.Columns[t.key+"."+key]; ok {
		return own
	}
	return c.Columns[key]
}

// word is a code as people read it.
func (c catalogue) word(kind, code string) string { return wordOf(c.Words[kind], code) }

// wordOf is the word for a code; an unknown code is shown as it is.
func wordOf(words map[string]labelled, code string) string {
	if word := words[code].label(); word != "" {
		return word
	}
	return code
}

// number is n with its thousands separated.
func (c catalogue) number(n int) string {
	digits, sign := strconv.Itoa(n), ""
	if n < 0 {
		digits, sign = digits[1:], "-"
	}
	var groups []string
	for len(digits) > 3 {
		groups = append([]string{digits[len(digits)-3:]}, groups...)
		digits = digits[:len(digits)-3]
	}
	return sign + strings.Join(append([]string{digits}, groups...), c.Format.Thousands)
}

// percent is a share with one decimal.
func (c catalogue) percent(part, whole int) string {
	if whole == 0 {
		return "0"
	}
	return strings.Replace(strconv.FormatFloat(100*float64(part)/float64(whole), 'f', 1, 64), ".", c.Format.Decimal, 1)
}

// put fills a text with numbers.
func (c catalogue) put(text string, numbers ...int) string {
	values := make([]any, len(numbers))
	for i, n := range numbers {
		values[i] = c.number(n)
	}
	return fmt.Sprintf(text, values...)
}

// count fills a text about the number n with it and further values.
func (c catalogue) count(text plural, n int, more ...any) string {
	form := text[1]
	if n == 1 {
		form = text[0]
	}
	return fmt.Sprintf(form, append([]any{c.number(n)}, more...)...)
}

// day is a calendar day in a sentence; what is no day stays as it is.
func (c catalogue) day(d standing.Date) string {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return string(d)
	}
	return t.Format(c.Format.Day)
}

// at is an instant in a sentence, as the clock shows it at location.
func (c catalogue) at(t time.Time, location *time.Location) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(location).Format(c.Format.Instant)
}

// checkName is what a control check of a run is called; one without a text keeps its own name.
func (c catalogue) checkName(check ledger.Check) string {
	if name := c.Checks[check.Name].label(); name != "" {
		return name
	}
	return string(check.Name)
}

// checkNumbers is a control check of a run with its numbers.
func (c catalogue) checkNumbers(check ledger.Check, t ledger.Totals) string {
	text := c.Checks[check.Name].text()
	switch check.Name {
	case ledger.CheckList:
		return c.put(text, t.Listed-t.FoundUnlisted, check.Found, check.Expected)
	case ledger.CheckStandings:
		return c.put(text, t.Listed, t.Clear, t.Blocked, t.Unknown, t.Excluded, t.Sum())
	case ledger.CheckContinuity:
		return c.put(text, check.Expected-t.New+t.Gone, t.New, t.Gone, check.Expected, t.Listed)
	case ledger.CheckReadable, ledger.CheckPresent:
		return c.put(text, check.Found, t.Listed-t.Excluded, check.Expected)
	case ledger.CheckBlocked:
		return c.put(text, check.Expected-t.NewlyBlocked+t.NoLongerBlocked+t.GoneBlocked, t.NewlyBlocked,
			t.NoLongerBlocked, t.GoneBlocked, check.Expected, t.Blocked)
	case ledger.CheckGone:
		return c.put(text, t.Gone, t.GoneConfirmed)
	case ledger.CheckLedger:
		return c.put(text, t.Clear, t.Blocked, t.Unknown, t.Excluded,
			t.Ledger.Clear, t.Ledger.Blocked, t.Ledger.Unknown, t.Ledger.Excluded)
	}
	if text != "" { // a check of two numbers
		return c.put(text, check.Expected, check.Found)
	}
	return check.Detail
}
