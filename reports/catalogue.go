package reports

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// catalogue is every text of the workbook in one language. A language is one file that fills it, and a line in
// catalogues. Words of the data (blocked, never_accepted, OK) are not in it: they are the same everywhere.
// In texts with verbs, %[1]s is the first value; all values are put in as text, numbers with their thousands.
type catalogue struct {
	Language                 string // as Excel's document properties name it
	Thousands                string // between groups of three digits
	Day, ShortDay, Instant   string // Go layouts, for sentences and the chart's axis
	DayFormat, InstantFormat string // Excel formats, for cells

	Title, Subject, PageOf string
	Cut                    string // at the end of text that a cell cannot hold
	Sheets                 map[string]string
	Empty                  map[string]string // said on a sheet without rows
	Columns                map[column]columnText
	Advice                 map[advice]string
	Words                  []word

	// Cells.
	No, NotRead, YesUndated, Never, Yes string
	Notice                              string // %[1]s: address, %[2]s: by when, %[3]s: who may ask

	// Checks.
	AllBalance, NothingToCheck                                string
	ChecksFail                                                plural
	CheckNames                                                map[ledger.CheckName]string
	SayList, SayStandings, SayContinuity, SayGone, SayLedger  string
	NoChecks, NoChecksSentence                                string
	RowsCustomers, RowsBlocked, RowsUnread, RowsNew, RowsGone string
	RowsNewlyBlocked, RowsNewlyClear                          string
	SayRows                                                   string
	NewestShown, SayNewest, SayStale                          string
	RowsImported, SayImported, SentAnswered, SaySent          string
	ChainWhole, SayWhole                                      string

	// Banners.
	RunOf, AndMore, NoRunYet string

	// Summary.
	Lead, NoFigures                        string
	FailedRun, FailedFirst, Waiting, Why   string
	UnfinishedRun, UnfinishedFirst         string
	StaleRun                               string
	Counts, SinceLast, Cost, Behind, Night string
	SinceRun                               string
	Measures                               []string // as measures orders them
	Total, FirstRun                        string
	CostHeads                              []string
	StandingChart, BlockedChart            string
	StandingAlt, BlockedAlt                string
	PolicyHeading                          string
	PolicySince, Trusted, NotTrusted       string
	WhatIsBlocked, WhatGoesOn              string
	Longest, Purchases                     string
	ByReseller, Reseller, AllResellers     string
	NoReseller, ResellerNotRead            string
	OtherResellers                         plural

	// About.
	AboutTitle, AboutReport, AboutRuns, AboutColumns, AboutWords string
	MadeAt, KnownAt, ZoneName, ProgramVersion                    string
	Digest, DigestHow, SayDigestHow                              string // %[1]s: the files' names
	SignOff                                                      string
	Signatures                                                   []string // what people write on paper
	Fact, Value, SheetHead, ColumnHead, Word, Meaning            string
	RunFacts                                                     runFacts
	AboutBatches, File, ChainHead                                string
	Events                                                       plural
}

// columnText is a column's header and what the data dictionary says of it.
type columnText struct{ Head, Meaning string }

// word is a word of the data and what it means.
type word struct {
	Column  column
	Word    string
	Meaning string
}

// plural is a text about a number, for one and for any other.
type plural struct{ One, Other string }

// runFacts names what About tells of a run.
type runFacts struct {
	Run, State, Started, Finished, OldestReading, Duration, Requests, Retries, Throttled, Attempt, Since, Direct, Version,
	CorrelationID, Against string
}

// catalogues holds the texts of every language.
func catalogues() map[string]func() catalogue {
	return map[string]func() catalogue{"en": english, "pt-BR": portuguese}
}

// Languages lists the languages that there are texts in.
func Languages() []string { return slices.Sorted(maps.Keys(catalogues())) }

func catalogueOf(language string) (catalogue, error) {
	texts, ok := catalogues()[cmp.Or(language, "en")]
	if !ok {
		return catalogue{}, fmt.Errorf("report language %q is not known; set report.language to %s", language,
			strings.Join(Languages(), " or "))
	}
	return texts(), nil
}

// number is n with its thousands set apart.
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
	return sign + strings.Join(append([]string{digits}, groups...), c.Thousands)
}

// put fills a text with numbers.
func (c catalogue) put(text string, numbers ...int) string {
	values := make([]any, len(numbers))
	for i, n := range numbers {
		values[i] = c.number(n)
	}
	return fmt.Sprintf(text, values...)
}

func (c catalogue) counted(text plural, n int) string {
	if n == 1 {
		return c.put(text.One, n)
	}
	return c.put(text.Other, n)
}

// day is a calendar day in a sentence.
func (c catalogue) day(d standing.Date) string { return c.dayIn(d, c.Day) }

// dayIn is a calendar day in another layout of the language; what is no day stays as it is.
func (c catalogue) dayIn(d standing.Date, layout string) string {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return string(d)
	}
	return t.Format(layout)
}

// at is an instant in a sentence, as the clock shows it at location.
func (c catalogue) at(t time.Time, location *time.Location) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(location).Format(c.Instant)
}

// checkName puts a control total into words; one that is not known here keeps its own name.
func (c catalogue) checkName(check ledger.Check) string {
	if name, ok := c.CheckNames[check.Name]; ok {
		return name
	}
	return string(check.Name)
}

// checkSentence is the control total with its numbers.
func (c catalogue) checkSentence(check ledger.Check, t ledger.Totals) string {
	switch check.Name {
	case ledger.CheckList:
		return c.put(c.SayList, t.Listed-t.FoundUnlisted, check.Found, check.Expected)
	case ledger.CheckStandings:
		return c.put(c.SayStandings, t.Listed, t.Clear, t.Blocked, t.Unknown, t.Excluded, t.Sum())
	case ledger.CheckContinuity:
		return c.put(c.SayContinuity, check.Expected-t.New+t.Gone, t.New, t.Gone, check.Expected, t.Listed)
	case ledger.CheckGone:
		return c.put(c.SayGone, t.Gone, t.GoneConfirmed)
	case ledger.CheckLedger:
		return c.put(c.SayLedger, t.Clear, t.Blocked, t.Unknown, t.Excluded,
			t.Ledger.Clear, t.Ledger.Blocked, t.Ledger.Unknown, t.Ledger.Excluded)
	}
	return check.Detail
}

func (c catalogue) rowSentence(counted, rows int) string { return c.put(c.SayRows, counted, rows) }
