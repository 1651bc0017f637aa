package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	Files      []PartFile
	Unassigned int // customers that are in no file: they have no indirect reseller, or it is not known
}

// PartFile is the workbook for one indirect reseller, or for one account manager.
type PartFile struct {
	Partner  ledger.Partner
	Reseller ledger.Reseller
	Owner    *string // of the customers' exceptions; "": nobody
	ReportFile
}

// Split is by what a report is split into several.
type Split string

const (
	SplitByReseller Split = "reseller" // a workbook for each indirect reseller of an indirect provider
	SplitByOwner    Split = "owner"    // a workbook for each owner of exceptions of a partner, and one for the rest
)

// Splits are all of them.
func Splits() []string { return []string{string(SplitByReseller), string(SplitByOwner)} }

// CheckSplit refuses what cannot be split, before anything is opened, and leaves out the sheets
// that the parts do not have.
func (j *Report) CheckSplit() error {
	if !slices.Contains(Splits(), string(j.Split)) {
		return usageErrorf("--split %q must be %s", j.Split, strings.Join(Splits(), " or "))
	}
	if j.Format != "xlsx" {
		return usageErrorf("--split writes workbooks: leave --format out, and name a folder with --out")
	}
	known := reports.SplitSheetNames()
	if j.Split == SplitByOwner {
		known = reports.OwnerSheetNames()
	}
	wanted := j.Sheets
	j.Sheets = slices.DeleteFunc(slices.Clone(known), func(name string) bool {
		return len(wanted) > 0 &&
			!slices.Contains(wanted, name)
	})
	if len(j.Sheets) == 0 {
		return usageErrorf("--split %s has none of these sheets; there are %s", j.Split, strings.Join(known, ", "))
	}
	return nil
}

// RunSplit writes the parts into a folder: Out, or one of the day in Dir.
func (j Report) RunSplit(ctx context.Context) (done SplitReport, err error) {
	book, err := j.book(ctx)
	if err != nil {
		return done, err
	}
	done.Dir = j.Out
	if done.Dir == "" {
		done.Dir = filepath.Join(j.Dir, strings.TrimSuffix(j.fileName(j.Day.In(j.Location)), j.extension())+
			"."+string(j.Split)+"s")
	}
	if err := os.MkdirAll(done.Dir, 0o750); err != nil {
		return done, fmt.Errorf("make the folder of the workbooks: %w", err)
	}
	failing := 0
	for _, p := range book.Partners {
		if p.Run == nil || j.Split == SplitByReseller && p.Run.Partner.Kind != standing.IndirectProvider {
			continue
		}
		split := j.splitByReseller
		if j.Split == SplitByOwner {
			split = j.splitByOwner
		}
		most, err := split(ctx, book, p, &done)
		if err != nil {
			return done, fmt.Errorf("partner %s: %w", p.Partner.Name, err)
		}
		failing = max(failing, most)
	}
	if len(done.Files) == 0 && j.Split == SplitByReseller {
		return done, usageErrorf("no partner of this report is an indirect provider whose resellers are known: there " +
			"is nothing to split")
	}
	return done, reportError(book, failing)
}

// splitByReseller returns the most checks that failed in one of the workbooks.
func (j Report) splitByReseller(ctx context.Context, book reports.Book, p reports.PartnerRun,
	done *SplitReport) (failing int, err error) {
	counts, err := j.Ledger.Resellers(ctx, p.Partner.ID, p.Run.ID, book.AsOf)
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
		one.Out = filepath.Join(done.Dir, splitName(p.Partner, reseller.Name, reseller.ID))
		file, failed, err := one.write(ctx, part, source)
		if err != nil {
			return failing, fmt.Errorf("reseller %s: %w", reseller.ID, err)
		}
		failing = max(failing, failed)
		done.Files = append(done.Files, PartFile{Partner: p.Partner, Reseller: reseller, ReportFile: file})
	}
	return failing, nil
}

// splitByOwner returns the most checks that failed in one of the workbooks.
func (j Report) splitByOwner(ctx context.Context, book reports.Book, p reports.PartnerRun,
	done *SplitReport) (failing int, err error) {
	owners, err := reports.Owners(ctx, book, j.Ledger, p.Partner.ID)
	if err != nil {
		return 0, err
	}
	for _, owner := range owners {
		part, source, err := reports.OfOwner(ctx, book, j.Ledger, p.Partner.ID, owner)
		if err != nil {
			return failing, fmt.Errorf("owner %q: %w", owner, err)
		}
		one := j
		one.Out = filepath.Join(done.Dir, ownerName(p.Partner, owner))
		file, failed, err := one.write(ctx, part, source)
		if err != nil {
			return failing, fmt.Errorf("owner %q: %w", owner, err)
		}
		failing = max(failing, failed)
		done.Files = append(done.Files, PartFile{Partner: p.Partner, Owner: &owner, ReportFile: file})
	}
	return failing, nil
}

// ownerName is a file name as splitName makes it. Owners whose names have the same letters differ
// in the digest.
func ownerName(p ledger.Partner, owner string) string {
	if owner == "" {
		return splitName(p, "", "no-owner")
	}
	sum := sha256.Sum256([]byte(owner))
	return splitName(p, owner, hex.EncodeToString(sum[:4]))
}

// maxNameInFile is how many characters of a name a file's name has.
const maxNameInFile = 60

// splitName is a file name for every system: the names, as far as they are letters and digits, and
// the id, which no other part has.
func splitName(p ledger.Partner, name, id string) string {
	plain := func(name string) string {
		words := strings.FieldsFunc(name, func(c rune) bool {
			return !unicode.IsLetter(c) && !unicode.IsDigit(c) &&
				!unicode.IsMark(c)
		})
		letters := []rune(strings.Join(words, "-"))
		return string(letters[:min(len(letters), maxNameInFile)])
	}
	parts := slices.DeleteFunc([]string{plain(p.Name), plain(name), plain(id)},
		func(part string) bool { return part == "" })
	return strings.Join(parts, ".") + ".xlsx"
}
