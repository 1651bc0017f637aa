package demo

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/mcaledger/mcaledger/internal/simulator"
)

// dayFirst is the form of dates in the lists.
const dayFirst = "02/01/2006"

// signedOn returns the day on which the nth customer of a list signed: within half a year.
func signedOn(now time.Time, n int) time.Time { return now.AddDate(0, 0, -3-n*11%170) }

// signed returns the row of a customer who signed on paper.
func signed(c simulator.Customer, day time.Time) []string {
	return []string{c.TenantID, c.CompanyName, c.Billing.FirstName, c.Billing.LastName, c.Billing.Email,
		c.Billing.PhoneNumber, day.Format(dayFirst), "SharePoint: MCA/" + c.TenantID[:8] + ".pdf"}
}

var signedHeader = []string{"Customer Tenant ID", "Company", "First name", "Last name", "E-Mail", "Phone",
	"Date agreed", "Evidence"}

const (
	columnTenant = iota
	columnCompany
	_
	_
	columnEmail
	_
	columnDate
)

func signedList(now time.Time, customers []simulator.Customer) [][]string {
	rows := [][]string{signedHeader}
	for n, c := range customers {
		rows = append(rows, signed(c, signedOn(now, n)))
	}
	return rows
}

// messyList returns a list of signed agreements with the mistakes that such lists have. The rows of
// good customers are correct, those of spoiled ones are not. clear has accepted already; ofReseller
// belongs to an indirect reseller, who cannot attest.
func messyList(now time.Time, good, spoiled []simulator.Customer, clear, ofReseller simulator.Customer) [][]string {
	rows := append([][]string{{"Signed agreements as of " + now.Format(dayFirst)}}, signedList(now, good)...)
	mistakes := []struct {
		column int
		value  string
	}{
		{columnEmail, "maria.souza(at)fabrikam.example"},
		{columnDate, now.AddDate(0, 2, 0).Format(dayFirst)}, // in the future
		{columnDate, "31/02/2026"},
		{columnDate, "14/06/2021"}, // before the day from which acceptances count
		{columnCompany, "Alpine Ski House"},
	}
	for n, c := range spoiled {
		row := signed(c, signedOn(now, n))
		row[mistakes[n].column] = mistakes[n].value
		rows = append(rows, row)
	}
	stranger := signed(good[1], signedOn(now, 1))
	stranger[columnTenant] = "0b1f5a52-7f0c-4d0e-9a35-2f4f8f6f9d11"
	rows = append(rows,
		signed(good[0], signedOn(now, 0)), // a duplicate
		stranger,
		signed(clear, signedOn(now, len(good))),
		signed(ofReseller, signedOn(now, len(good)+1)))
	return append(rows, nil, []string{"Total", strconv.Itoa(len(rows) - 2)})
}

// toolList returns a list in the format of Microsoft's Bulk Attestation Tool.
func toolList(now time.Time, customers []simulator.Customer) [][]string {
	rows := [][]string{{"CustomerTenantId", "LastAgreementDate", "PartnerAttestationCompleted", "CustomerAccountLink",
		"FirstName", "LastName", "Email", "PhoneNumber"}}
	for n, c := range customers {
		rows = append(rows, []string{c.TenantID, signedOn(now, n).Format("2006-01-02 15:04:05"),
			strconv.FormatBool(n%7 != 6), "", c.Billing.FirstName, c.Billing.LastName, c.Billing.Email,
			c.Billing.PhoneNumber})
	}
	return rows
}

var exceptionHeader = []string{"Tenant ID", "Company name", "Owner", "Due date", "Comment", "Accepted until"}

// exception is a decision about a blocked customer; days count from now.
type exception struct {
	owner, comment string
	due, until     int // 0: none
}

// decisions are taken in turn.
var decisions = []exception{
	{"Marta Reis", "winds down its business; no new orders expected", 0, 45},
	{"Jonas Weber", "legal department asked for the text in German", 30, 0},
	{"Marta Reis", "moves to another partner", 0, 150},
	{"Priya Iyer", "signer is on leave", 75, 0},
	{"Jonas Weber", "seasonal business; orders again in spring", 90, 200},
	{"Priya Iyer", "called twice, sent the link again", 110, 0},
}

func exceptionList(now time.Time, customers []simulator.Customer) [][]string {
	day := func(days int) string {
		if days == 0 {
			return ""
		}
		return now.AddDate(0, 0, days).Format(time.DateOnly)
	}
	rows := [][]string{exceptionHeader}
	for n, c := range customers {
		e := decisions[n%len(decisions)]
		rows = append(rows, []string{c.TenantID, c.CompanyName, e.owner, day(e.due), e.comment, day(e.until)})
	}
	return rows
}

// write writes a list into the folder of lists, under a name with the date of the demo.
func (s *story) write(name string, separator rune, rows [][]string) (path string, err error) {
	path = filepath.Join(listFolder, name+"-"+s.clock.now().Format(time.DateOnly)+".csv")
	return filepath.Join(s.Folder, path), s.writeAt(path, separator, rows)
}

// writeAt writes a list as Excel saves it, with a byte-order mark. Its modification time is the
// time of the demo.
func (s *story) writeAt(name string, separator rune, rows [][]string) error {
	path := filepath.Join(s.Folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	text := bytes.NewBufferString("\ufeff")
	w := csv.NewWriter(text)
	w.Comma, w.UseCRLF = separator, true
	if err := w.WriteAll(rows); err != nil {
		return err
	}
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		return err
	}
	now := s.clock.now()
	return os.Chtimes(path, now, now)
}
