package jobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Doctor checks what a night needs, before the night. It changes nothing, and makes no file or
// folder.
type Doctor struct {
	Offline       bool // check the configuration and the files that it names, without network calls
	Partners      []DoctorPartner
	Complete      string   // what is said of the configuration
	Warnings      []string // of the configuration
	Folders       []DoctorFolder
	Secrets       []DoctorFile // that other users may not read
	Ledger        string       // a file; empty: a database server
	Database      func(ctx context.Context) (DoctorDatabase, error)
	Service       func(DoctorPartner) (DoctorService, error)
	Route         string // of attestations; empty: nothing is sent
	FallbackRoute string // the route to take once Microsoft refuses the classic one; empty: none
	// LinkKey says whether links can be encrypted; nil: there are none.
	LinkKey func() error
	Now     func() time.Time
	Found   func(Finding) // is told of each finding as it is made
}

// DoctorPartner is a partner whose account is checked.
type DoctorPartner struct {
	Partner
	TokenFile string // of the refresh token; empty: there is none
}

// DoctorFolder is a folder that a night writes to.
type DoctorFolder struct {
	Key, Path string
	Made      bool // the program makes it when it is missing
	Optional  bool // that it is missing is no mistake
}

// DoctorFile is a file that the configuration names.
type DoctorFile struct{ Key, Path string }

// DoctorDatabase is what is asked of the database.
type DoctorDatabase interface {
	Schema(ctx context.Context) (have, know int64, err error)
	// MissingRights names what the database's user may not do.
	MissingRights(ctx context.Context) ([]string, error)
	// Damage names what is wrong with the structure of the database's file.
	Damage(ctx context.Context) ([]string, error)
	Now(ctx context.Context) (time.Time, error)
	Close() error
}

// DoctorService is what is asked of a partner's service.
type DoctorService interface {
	CheckToken(ctx context.Context) error
	// CheckAttest says whether the classic call for attestations exists and may be used.
	CheckAttest(ctx context.Context, requestID string) error
	// CheckEnhanced says whether the app alone may use the enhanced route.
	CheckEnhanced(ctx context.Context) error
	Customers(ctx context.Context) iter.Seq2[[]standing.Customer, error]
	Agreements(ctx context.Context, customerID string) ([]standing.Agreement, error)
	DirectAcceptance(ctx context.Context, customerID string) (bool, error)
	Clock() (now time.Time, known bool) // the service's, as of its last answer
	Close()
}

// Grade says how good what a check found is.
type Grade string

// The grades: a failure keeps the night from its work, a warning will do so later or may not be
// meant.
const (
	GradeOK   Grade = "OK"
	GradeWarn Grade = "WARN"
	GradeFail Grade = "FAIL"
)

// Finding is what one check found.
type Finding struct {
	Check   string
	Grade   Grade
	Message string
	Hint    string // what to do about it; empty if it is OK
}

// ChecksFailedError: something that a night needs does not work.
type ChecksFailedError struct{ Failed, Of int }

func (e *ChecksFailedError) Error() string {
	return fmt.Sprintf("%d of %s failed", e.Failed, plural(e.Of, "check"))
}

// Code names the error for machines.
func (e *ChecksFailedError) Code() string { return "checks_failed" }

// Hint refers to the findings.
func (e *ChecksFailedError) Hint() string { return "Each failed check says what to do." }

// Run makes every check, as far as those before it allow.
func (j Doctor) Run(ctx context.Context) ([]Finding, error) {
	e := &examination{Doctor: j}
	e.note("configuration", j.Complete, nil)
	for _, w := range j.Warnings {
		e.add(Finding{"configuration", GradeWarn, w, "Correct the configuration, if this is not meant."})
	}
	e.files()
	if j.LinkKey != nil {
		e.note("key of links", "it can encrypt links", j.LinkKey())
	}
	if !j.Offline {
		e.database(ctx)
		for _, p := range j.Partners {
			e.partner(ctx, p)
		}
	}
	if ctx.Err() != nil {
		return e.findings, context.Cause(ctx)
	}
	failed := 0
	for _, f := range e.findings {
		if f.Grade == GradeFail {
			failed++
		}
	}
	if failed > 0 {
		return e.findings, &ChecksFailedError{failed, len(e.findings)}
	}
	return e.findings, nil
}

// examination is a run of the doctor under way.
type examination struct {
	Doctor
	findings []Finding
}

func (e *examination) add(f Finding) {
	e.findings = append(e.findings, f)
	e.Found(f)
}

// note adds a finding and reports whether the check passed; fine is what to say when it did.
func (e *examination) note(check, fine string, err error) bool {
	if err != nil {
		e.add(Finding{check, GradeFail, err.Error(), hintOf(err)})
		return false
	}
	e.add(Finding{Check: check, Grade: GradeOK, Message: fine})
	return true
}

// files checks folders and files on this host.
func (e *examination) files() {
	for _, folder := range e.Folders {
		e.add(checkFolder(folder))
	}
	for _, file := range e.Secrets {
		if f, ok := checkSecret(file); !ok {
			e.add(f)
		}
	}
	for _, p := range e.Partners {
		if p.TokenFile != "" {
			e.token(p)
		}
	}
}

func checkFolder(d DoctorFolder) Finding {
	info, err := os.Stat(d.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && d.Made:
		parent := filepath.Dir(d.Path)
		if err := writable(parent); err != nil {
			return Finding{d.Key, GradeFail, fmt.Sprintf("%s does not exist and cannot be made: %s", d.Path, err),
				"Make it, and let the user that runs mcaledger write to it."}
		}
		return Finding{Check: d.Key, Grade: GradeOK, Message: d.Path + " is made by the first run"}
	case errors.Is(err, fs.ErrNotExist) && d.Optional:
		return Finding{Check: d.Key, Grade: GradeOK, Message: d.Path + " does not exist; nothing is taken from there"}
	case err != nil:
		return Finding{d.Key, GradeFail, err.Error(), "Make the folder, or name another one in the configuration."}
	case !info.IsDir():
		return Finding{d.Key, GradeFail, d.Path + " is not a folder",
			"Move it away, or name a folder in the configuration."}
	}
	if err := writable(d.Path); err != nil {
		return Finding{d.Key, GradeFail, fmt.Sprintf("%s cannot be written to: %s", d.Path, err),
			"Let the user that runs mcaledger write to it."}
	}
	if free, known := freeSpace(d.Path); known && free < minSpace {
		return Finding{d.Key, GradeWarn, fmt.Sprintf("%d MB are free for %s", free>>20, d.Path),
			"Make room: a full disk ends a night."}
	}
	return Finding{Check: d.Key, Grade: GradeOK, Message: d.Path + " can be written to"}
}

// minSpace is how much disk space should be free: workbooks of large partners take some 100 MB.
const minSpace = 500 << 20

// checkSecret looks whether others can read a file with a secret. A file that is missing is another
// check's matter.
func checkSecret(file DoctorFile) (f Finding, ok bool) {
	info, err := os.Stat(file.Path)
	if err != nil || info.Mode().Perm()&0o007 == 0 || !hasModes {
		return f, true
	}
	return Finding{file.Key, GradeWarn, fmt.Sprintf("every user of this host can read %s (mode %04o)", file.Path,
		info.Mode().Perm()),
		"chmod o= " + file.Path}, false
}

const (
	// RefreshTokenLife is how long a refresh token lives after its last use.
	RefreshTokenLife = 90 * 24 * time.Hour
	tokenWarn        = 14 * 24 * time.Hour
)

// token says when a refresh token lapses, and whether a new one can be saved. Each use writes a new
// one, so the file's time is that of the last use.
func (e *examination) token(p DoctorPartner) {
	path, err := filepath.EvalSymlinks(p.TokenFile)
	if err != nil {
		return // the credentials' check says so
	}
	info, err := os.Stat(path)
	if err != nil {
		return
	}
	check := p.Name + ": refresh token"
	if err := writable(filepath.Dir(path)); err != nil {
		e.add(Finding{check, GradeWarn, fmt.Sprintf("a new one cannot be saved beside %s: %s", path, err),
			"Let the user that runs mcaledger write to the folder: each use brings a new token, and the old one " +
				"lapses 90 days after it was issued."})
		return
	}
	left := RefreshTokenLife - e.Now().Sub(info.ModTime())
	const hint = "Any run renews it; mcaledger login makes a new one."
	switch days := int(left.Hours() / 24); {
	case left < 0:
		e.add(Finding{check, GradeWarn, "last used more than 90 days ago: it has probably lapsed",
			"mcaledger login makes a new one."})
	case left < tokenWarn:
		e.add(Finding{check, GradeWarn, "lapses in " + plural(days, "day"), hint})
	default:
		e.add(Finding{Check: check, Grade: GradeOK, Message: fmt.Sprintf("good for %s", plural(days, "day"))})
	}
}

func (e *examination) database(ctx context.Context) {
	if e.Ledger != "" {
		if _, err := os.Stat(e.Ledger); errors.Is(err, fs.ErrNotExist) {
			e.add(checkFolder(DoctorFolder{Key: "database", Path: e.Ledger, Made: true}))
			return
		}
	}
	db, err := e.Database(ctx)
	if err != nil {
		e.note("database", "", err)
		return
	}
	defer db.Close()
	have, know, err := db.Schema(ctx)
	fine := fmt.Sprintf("schema version %d", have)
	if have < know {
		fine = fmt.Sprintf("schema version %d; the next run, or mcaledger migrate, upgrades it to %d", have, know)
	}
	if e.note("database", fine, err) {
		e.rights(ctx, db)
		e.damage(ctx, db)
	}
	if now, err := db.Now(ctx); err == nil {
		e.note("clock of the database", "same time as this host", clockDifference(now, e.Now()))
	}
}

func (e *examination) rights(ctx context.Context, db DoctorDatabase) {
	missing, err := db.MissingRights(ctx)
	switch {
	case err != nil:
		e.note("rights in the database", "", err)
	case len(missing) > 0:
		e.add(Finding{"rights in the database", GradeFail, "missing: " + strings.Join(missing, ", "),
			"Grant them to the user that `database` in the configuration names; of a file, let the user that runs " +
				"mcaledger write it."})
	default:
		e.note("rights in the database", "may read and write", nil)
	}
}

func (e *examination) damage(ctx context.Context, db DoctorDatabase) {
	found, err := db.Damage(ctx)
	switch {
	case err != nil:
		e.note("structure of the database", "", err)
	case len(found) > 0:
		e.add(Finding{"structure of the database", GradeFail, strings.Join(found[:min(3, len(found))], "; "),
			"Stop using this file, and restore the last backup; mcaledger verify says what else is damaged."})
	default:
		e.note("structure of the database", "sound", nil)
	}
}

// clockTolerance is how far clocks may differ before days and leases go wrong.
const clockTolerance = time.Minute

// clockDifference returns an error when two clocks are too far apart.
func clockDifference(there, here time.Time) error {
	if d := there.Sub(here).Round(time.Second); d.Abs() > clockTolerance {
		return &clockError{d}
	}
	return nil
}

type clockError struct{ by time.Duration } // how far the other clock is ahead

func (e *clockError) Error() string {
	if e.by < 0 {
		return fmt.Sprintf("this host's clock is %s ahead of it", -e.by)
	}
	return fmt.Sprintf("this host's clock is %s behind it", e.by)
}
func (e *clockError) Code() string { return "clock" }
func (e *clockError) Hint() string {
	return "Set this host's clock by NTP: days and locks depend on it. If it is right, the other answered with a " +
		"wrong time, and nothing has to be done here."
}

func (e *examination) partner(ctx context.Context, p DoctorPartner) {
	service, err := e.Service(p)
	if !e.note(p.Name+": credentials", "readable", err) {
		return
	}
	defer service.Close()
	if !e.note(p.Name+": sign-in", "an access token was given", service.CheckToken(ctx)) {
		return
	}
	customers, err := someResellerCustomers(ctx, service)
	if e.note(p.Name+": list", "one page of customers was read", err) {
		e.reads(ctx, p, service, customers)
	}
	attests := p.Kind != standing.IndirectReseller
	if e.Route == attestation.ClassicRoute && e.FallbackRoute == "" && attests {
		e.note(p.Name+": attestations", "the classic call exists, and the signed-in user may use it",
			service.CheckAttest(ctx, uuid.NewString()))
	}
	if (e.Route == attestation.EnhancedRoute || e.FallbackRoute == attestation.EnhancedRoute) && attests {
		e.note(p.Name+": attestations", "the app may use the enhanced route", service.CheckEnhanced(ctx))
	}
	if now, known := service.Clock(); known {
		e.note(p.Name+": clock of the service", "same time as this host", clockDifference(now, e.Now()))
	}
}

// reads reads about one customer. One that has left, or cannot be read for reasons of its own, says
// nothing about the partner: the next one is asked.
func (e *examination) reads(ctx context.Context, p DoctorPartner, service DoctorService,
	customers []standing.Customer) {
	agreements, direct := error(nil), error(nil)
	for _, c := range customers {
		if _, agreements = service.Agreements(ctx, c.DisplayID); ofCustomerAlone(agreements) {
			continue
		}
		if _, direct = service.DirectAcceptance(ctx, c.DisplayID); !ofCustomerAlone(direct) {
			e.note(p.Name+": agreements", "one customer's were read", agreements)
			e.note(p.Name+": direct acceptance", "one customer's was read", direct)
			return
		}
	}
	if len(customers) == 0 {
		e.note(p.Name+": agreements", "there is no customer to read", nil)
		return
	}
	e.add(Finding{p.Name + ": agreements", GradeWarn, fmt.Sprintf("none of %s could be read, the last: %s",
		plural(len(customers), "customer"), errors.Join(agreements, direct)),
		"The next run reads all customers, and says which are unknown and why."})
}

// ofCustomerAlone reports whether an error concerns one customer only.
func ofCustomerAlone(err error) bool {
	e, ok := errors.AsType[serviceError](err)
	return ok && e.Outcome() != standing.OutcomeUnreadable
}

type customerLister interface {
	Customers(ctx context.Context) iter.Seq2[[]standing.Customer, error]
}

// someResellerCustomers reads one page of customers and returns a few that buy through the partner.
func someResellerCustomers(ctx context.Context, service customerLister) (some []standing.Customer, err error) {
	const most = 5
	for page, err := range service.Customers(ctx) {
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			if c.Relationship == standing.Reseller && len(some) < most {
				some = append(some, c)
			}
		}
		break
	}
	return some, nil
}
