package jobs

import (
	"context"
	"fmt"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/reports"
)

// VerifyWorkbook compares a workbook, such as a signed copy, with the ledger as it stood when the
// workbook was made.
type VerifyWorkbook struct {
	Path   string
	Ledger interface {
		Runs
		reports.Source
	}
	Now func() time.Time
}

// Run makes the workbook again, in its own language and time zone, and compares every cell.
func (j VerifyWorkbook) Run(ctx context.Context) (reports.Comparison, error) {
	request, digest, err := reports.ReadRequest(j.Path)
	if err != nil {
		return reports.Comparison{}, err
	}
	zone, err := time.LoadLocation(request.TimeZone)
	if err != nil {
		return reports.Comparison{}, fmt.Errorf("time zone of %s: %w", j.Path, err)
	}
	book := reports.Book{MadeAt: request.MadeAt, Against: request.Against, Location: zone, Language: request.Language,
		Version: request.Version}
	if book.Sheets, err = sheetsOf(j.Path, request); err != nil {
		return reports.Comparison{}, err
	}
	selection := selectionOf(request)
	if book.Partners, book.AsOf, err = j.find(ctx, selection, request); err != nil {
		return reports.Comparison{}, err
	}
	if book.LeftOut, err = selection.LeftOut(ctx, j.Ledger, book.AsOf); err != nil {
		return reports.Comparison{}, err
	}
	source := reports.Source(j.Ledger)
	switch {
	case request.Reseller != "":
		book, source, err = j.ofReseller(ctx, book, request)
	case request.Owner != nil && len(request.Partners) > 0:
		book, source, err = reports.OfOwner(ctx, book, j.Ledger, request.Partners[0].TenantID, *request.Owner)
	}
	if err != nil {
		return reports.Comparison{}, err
	}
	return reports.Compare(ctx, j.Path, digest, book, source)
}

// ofReseller restricts what is compared to the customers that the workbook of an indirect reseller
// shows.
func (j VerifyWorkbook) ofReseller(ctx context.Context, book reports.Book,
	request reports.Request) (reports.Book, reports.Source, error) {
	reseller := ledger.Reseller{Read: true, ID: request.Reseller}
	for _, p := range book.Partners {
		if p.Run == nil {
			continue
		}
		counts, err := j.Ledger.Resellers(ctx, p.Partner.ID, p.Run.ID, book.AsOf)
		if err != nil {
			return book, nil, err
		}
		for _, c := range counts {
			if c.ResellerID == reseller.ID {
				reseller.Name = c.Name
				return reports.OfReseller(ctx, book, j.Ledger, p.Partner.ID, reseller)
			}
		}
	}
	return book, nil, fmt.Errorf("%s is of the indirect reseller %s, of which the ledger has no customer in that run",
		j.Path, reseller.ID)
}

// selectionOf is what a workbook was made of.
func selectionOf(request reports.Request) Selection {
	selection := Selection{Against: request.Against, AsOf: request.AsOf}
	for _, p := range request.Partners {
		selection.Partners = append(selection.Partners, ledger.Partner{ID: p.TenantID, Name: p.Name})
	}
	return selection
}

// find shows the runs that the workbook shows.
func (j VerifyWorkbook) find(ctx context.Context, selection Selection,
	request reports.Request) (shown []reports.PartnerRun, through time.Time, err error) {
	if shown, through, err = selection.Find(ctx, j.Ledger, j.Now()); err != nil {
		return nil, through, err
	}
	for i, p := range request.Partners {
		if i < len(shown) && shown[i].Run != nil && p.Run != 0 && shown[i].Run.ID != p.Run { // the report of a past run
			selection.Run = p.Run
			return selection.Find(ctx, j.Ledger, j.Now())
		}
	}
	return shown, through, nil
}

// sheetsOf are the sheets that a workbook has, or had when it was written, by their English names.
func sheetsOf(path string, request reports.Request) ([]string, error) {
	f, err := excelize.OpenFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := reports.LocalSheetNames(request.Language)
	if err != nil {
		return nil, err
	}
	var sheets []string
	for _, english := range reports.BookSheetNames() {
		if i, err := f.GetSheetIndex(names[english]); err == nil && i >= 0 {
			sheets = append(sheets, english)
			continue
		}
		for _, key := range request.Sheets { // it had the sheet when it was written
			if reports.IsSheet(english, key) {
				sheets = append(sheets, english)
			}
		}
	}
	return sheets, nil
}
