package reports

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/reports/texts"
)

// sold is a source whose customers of contoso-eu buy through two resellers in turn.
type sold struct {
	memorySource
	gone []standing.Record // customers of the night before
}

var twoResellers = []ledger.Reseller{
	{Read: true, ID: "aaaaaaaa-0000-4000-8000-00000000000a", Name: "Adatum & Söhne"},
	{Read: true, ID: "bbbbbbbb-0000-4000-8000-00000000000b", Name: "Bellows"},
}

func (s sold) through(partner, customer string) ledger.Reseller {
	n, _ := strconv.Atoi(customer[:8])
	if partner != europe.ID {
		return ledger.Reseller{}
	}
	return twoResellers[n%2]
}

func (s sold) CustomerEntries(ctx context.Context, partner string, run int64, which standing.Standing,
	at time.Time) iter.Seq2[ledger.CustomerEntry, error] {
	if run == 21 {
		before := memorySource{records: map[string][]standing.Record{partner: append(s.gone, s.records[partner]...)}}
		return sold{before, nil}.CustomerEntries(ctx, partner, 0, which, at)
	}
	return only(s.memorySource.CustomerEntries(ctx, partner, run, which, at), func(c *ledger.CustomerEntry) bool {
		c.Reseller = s.through(partner, c.ID)
		return true
	})
}

func (s sold) Blocked(ctx context.Context, partner string, run int64,
	cut ledger.Snapshot) iter.Seq2[ledger.BlockedCustomer, error] {
	return only(s.memorySource.Blocked(ctx, partner, run, cut), func(c *ledger.BlockedCustomer) bool {
		c.Reseller, c.LastEvent = s.through(partner, c.ID), 4711
		c.Exception = ledger.Exception{Owner: "Owner of the provider", Comment: "a comment of the provider",
			AcceptedUntil: "2026-12-24"}
		return true
	})
}

// soldNight is a night of an indirect provider: 12 customers of one reseller and 12 of another.
func soldNight() (Book, sold) {
	book, source := usual()
	var records []standing.Record
	reasons := []standing.Reason{standing.Attested, standing.NeverAccepted, standing.Outdated,
		standing.AcceptedDirectly, standing.RelationshipEnded, standing.Unreadable}
	for i := range 24 {
		records = append(records, customer(3000+i, fmt.Sprintf("Company %c%d", 'A'+i%2, i), reasons[i/2%len(reasons)]))
	}
	source.records[europe.ID] = records
	gone, was := customer(3090, "Company A gone", standing.NeverAccepted),
		customer(3002, "Company A2", standing.Attested)
	others := customer(3091, "Company B gone", standing.NeverAccepted)
	source.changes[europe.ID] = []standing.Transition{{Before: &was, After: &records[2]}, {Before: &gone},
		{Before: &others}, {After: &records[5]}}
	shown := runOf(22, europe, tonight, records, 25, 1, 2)
	against := runOf(21, europe, night(1), records, 25, 0, 0)
	book.Partners = append(book.Partners[:1], PartnerRun{Partner: europe, Run: shown, Against: against,
		History: []ledger.Run{*against, *shown}})
	return book, sold{source, []standing.Record{gone, others}}
}

var aDigest = regexp.MustCompile(`[0-9a-f]{64}`)

func TestAWorkbookOfAResellerHasNothingOfOthers(t *testing.T) {
	t.Parallel()
	for i, reseller := range twoResellers {
		for _, language := range texts.Languages() {
			all, source := soldNight()
			all.Language, all.Sheets = language, SplitSheetNames()
			all.LeftOut = []ledger.Run{*runOf(4, ledger.Partner{ID: "old", Name: "contoso-old"}, night(9), nil, 0, 0,
				0)}
			all.Partners[1].Failed = runOf(23, europe, tonight.Add(time.Hour), everyone()[:3], 777, 0, 774)
			book, restricted, err := OfReseller(t.Context(), all, source, europe.ID, reseller)
			require.NoError(t, err)
			w := write(t, book, restricted)
			other := twoResellers[1-i]
			forbidden := []string{"contoso-br", "contoso-old", other.ID, other.Name, fmt.Sprintf("Company %c", 'B'-i),
				"Owner of the provider", "a comment of the provider", "4711", "777", "774", "24 ", "Ana Souza imports",
				brazil.ID}
			for n := range 24 {
				if n%2 != i {
					forbidden = append(forbidden, fmt.Sprintf("%08d-0000", 3000+n),
						fmt.Sprintf("customer%d.example", 3000+n))
				}
			}
			for _, file := range unzip(t, w.bytes) {
				content := aDigest.ReplaceAllString(string(file.content), "") // any digits may be in one
				for _, text := range forbidden {
					assert.NotContains(t, content, text, "%s, %s", language, file.name)
				}
			}
			own := 0
			for _, row := range w.cells(t, catalogueIn(t, language).Sheets[sheetCustomers].label())[firstRow-1:] {
				assert.Contains(t, row[1], fmt.Sprintf("Company %c", 'A'+i))
				own++
			}
			assert.Equal(t, 12, own)
		}
	}
}

func TestTotalsOfAResellerAreThoseOfItsCustomers(t *testing.T) {
	t.Parallel()
	all, source := soldNight()
	all.Sheets = SplitSheetNames()
	var blocked, listed int
	for i, reseller := range twoResellers {
		book, restricted, err := OfReseller(t.Context(), all, source, europe.ID, reseller)
		require.NoError(t, err)
		totals := book.Partners[0].Run.Totals
		listed, blocked = listed+totals.Listed, blocked+totals.Blocked
		assert.Equal(t, [][]int{{1, 1, 0}, {1, 1, 1}}[i], []int{totals.NewlyBlocked, totals.Gone, totals.New})
		w := write(t, book, restricted)
		assert.NotContains(t, w.GetSheetList(), "Events")
		assert.Equal(t, SheetRows{"Blocked", totals.Blocked}, w.rows[0])
	}
	assert.Equal(t, []int{24, all.Partners[1].Run.Totals.Blocked}, []int{listed, blocked},
		"every customer is in one workbook")
	_, _, err := OfReseller(t.Context(), all, source, "nobody", twoResellers[0])
	assert.ErrorContains(t, err, "no completed run")
}

// Every customer is in the workbook of its owner or in that of nobody, with what was decided about
// it, and no workbook names another owner.
func TestPartsByOwnerAddUpToTheWhole(t *testing.T) {
	t.Parallel()
	all, source := usual()
	all.Sheets = OwnerSheetNames()
	owners, err := Owners(t.Context(), all, source, brazil.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"Ana", "Bea Lima", ""}, owners)
	var names []string
	blocked := 0
	for i, owner := range owners {
		book, restricted, err := OfOwner(t.Context(), all, source, brazil.ID, owner)
		require.NoError(t, err)
		w := write(t, book, restricted)
		require.Equal(t, OwnerSheetNames(), w.GetSheetList())
		for _, row := range w.cells(t, "Customers")[firstRow-1:] {
			names = append(names, row[1])
		}
		blocked += book.Partners[0].Run.Totals.Blocked
		exceptions := w.cells(t, "Exceptions")[firstRow-1:]
		require.Len(t, exceptions, 1, owner)
		assert.Equal(t, []string{"Never Accepted Inc.", "Outdated GmbH", "Signed before Excel's time"}[i],
			exceptions[0][1])
		assert.Contains(t, cell(t, w, "Summary", "A4"), []string{"Owner: Ana", "Owner: Bea Lima",
			"Customers without an owner"}[i])
		var request Request
		require.NoError(t, json.Unmarshal([]byte(propertiesOf(t, w)[requestProperty]), &request))
		require.Equal(t, &owner, request.Owner, "so that it can be made again and compared")
		for _, file := range unzip(t, w.bytes) {
			for k, text := range []string{"Never Accepted Inc.", "Bea Lima", "Signed before Excel"} {
				if k != i {
					assert.NotContains(t, string(file.content), text, "%q, %s", owner, file.name)
				}
			}
		}
	}
	var want []string
	for _, rec := range source.records[brazil.ID] {
		want = append(want, rec.ID)
	}
	assert.Len(t, names, len(want), "every customer is in one workbook")
	assert.Equal(t, all.Partners[0].Run.Totals.Blocked, blocked)
}
