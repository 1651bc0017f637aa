package jobs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/reports"
)

// SplitReport is what RunSplit wrote.
type SplitReport struct {
	Dir        string
	Files      []ResellerFile
	Unassigned int // customers that are in no file: they have no indirect reseller, or it is not known
}

// ResellerFile is the workbook for one indirect reseller.
type ResellerFile struct {
	Partner  ledger.Partner
	Reseller ledger.Reseller
	ReportFile
}

// CheckSplit refuses what cannot be split, before anything is opened, and leaves out the sheets
// that no reseller gets.
func (j *Report) CheckSplit() error {
	if j.Format != "xlsx" {
		return usageErrorf("--split writes workbooks: leave --format out, and name a folder with --out")
	}
	wanted := j.Sheets
	j.Sheets = slices.DeleteFunc(reports.SplitSheetNames(), func(name string) bool {
		return len(wanted) > 0 &&
			!slices.Contains(wanted, name)
	})
	if len(j.Sheets) == 0 {
		return usageErrorf("--split reseller has none of these sheets; there are %s",
			strings.Join(reports.SplitSheetNames(), ", "))
	}
	return nil
}

// RunSplit writes a workbook for each indirect reseller of each indirect provider into a folder:
// Out, or one of the day in Dir.
func (j Report) RunSplit(ctx context.Context) (done SplitReport, err error) {
	book, err := j.book(ctx)
	if err != nil {
		return done, err
	}
	done.Dir = j.Out
	if done.Dir == "" {
		done.Dir = filepath.Join(j.Dir, strings.TrimSuffix(j.fileName(j.Day.In(j.Location)), j.extension())+
			".resellers")
	}
	if err := os.MkdirAll(done.Dir, 0o750); err != nil {
		return done, fmt.Errorf("make the folder of the workbooks: %w", err)
	}
	failing := 0
	for _, p := range book.Partners {
		if p.Run == nil || p.Run.Partner.Kind != standing.IndirectProvider {
			continue
		}
		most, err := j.splitPartner(ctx, book, p, &done)
		if err != nil {
			return done, fmt.Errorf("partner %s: %w", p.Partner.Name, err)
		}
		failing = max(failing, most)
	}
	if len(done.Files) == 0 {
		return done, usageErrorf("no partner of this report is an indirect provider whose resellers are known: there " +
			"is nothing to split")
	}
	return done, reportError(book, failing)
}

// splitPartner returns the most checks that failed in one of the workbooks.
func (j Report) splitPartner(ctx context.Context, book reports.Book, p reports.PartnerRun,
	done *SplitReport) (failing int, err error) {
	counts, err := j.Ledger.Resellers(ctx, p.Partner.ID, p.Run.ID, book.Through)
	if err != nil {
		return 0, err
	}
	for _, c := range counts {
		if c.ResellerID == "" {
			done.Unassigned += c.Clear + c.Blocked + c.Unknown + c.Excluded
			continue
		}
		reseller := ledger.Reseller{Read: true, ID: c.ResellerID, Name: c.Name}
		part, source, err := reports.OfReseller(ctx, book, j.Ledger, p.Partner.ID, reseller)
		if err != nil {
			return failing, fmt.Errorf("reseller %s: %w", reseller.ID, err)
		}
		one := j
		one.Out = filepath.Join(done.Dir, splitName(p.Partner, reseller))
		file, failed, err := one.write(ctx, part, source)
		if err != nil {
			return failing, fmt.Errorf("reseller %s: %w", reseller.ID, err)
		}
		failing = max(failing, failed)
		done.Files = append(done.Files, ResellerFile{p.Partner, reseller, file})
	}
	return failing, nil
}

// maxNameInFile is how many characters of a name a file's name has.
const maxNameInFile = 60

// splitName is a file name for every system: the names, as far as they are letters and digits, and
// the id, which no other reseller has.
func splitName(p ledger.Partner, r ledger.Reseller) string {
	plain := func(name string) string {
		words := strings.FieldsFunc(name, func(c rune) bool {
			return !unicode.IsLetter(c) && !unicode.IsDigit(c) &&
				!unicode.IsMark(c)
		})
		letters := []rune(strings.Join(words, "-"))
		return string(letters[:min(len(letters), maxNameInFile)])
	}
	parts := slices.DeleteFunc([]string{plain(p.Name), plain(r.Name), plain(r.ID)},
		func(part string) bool { return part == "" })
	return strings.Join(parts, ".") + ".xlsx"
}
