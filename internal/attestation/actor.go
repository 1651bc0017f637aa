package attestation

import (
	"strings"
	"unicode"

	"github.com/mtibben/confusables"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Actor is who did something. The name is a statement; user id and host are what the program saw.
type Actor struct {
	Name   string
	UserID string // of the operating system: a number, or a SID on Windows; empty: not known
	Host   string
	Source ActorSource
}

// ActorSource says where an actor's name comes from.
type ActorSource string

const (
	FromFlag      ActorSource = "flag"       // --by
	FromSudo      ActorSource = "sudo"       // who called sudo
	FromUser      ActorSource = "user"       // the user of the process
	FromFileOwner ActorSource = "file_owner" // whose file lay in the inbox
	FromPolicy    ActorSource = "policy"     // no person: the configuration decided
	FromProgram   ActorSource = "program"    // an automatic step
)

// SamePerson reports whether two actors are, or may be, one person: the same user of one host, or
// names that differ only in case, width, spaces, punctuation, accents or look-alike letters. Where
// an account is shared by several people, only the names count.
func (a Actor) SamePerson(b Actor, sharedAccount bool) bool {
	if !sharedAccount && a.UserID != "" && a.UserID == b.UserID && a.Host == b.Host {
		return true
	}
	return foldName(a.Name) == foldName(b.Name)
}

// foldName is equal for names that people take for the same.
func foldName(name string) string {
	fold := cases.Fold()
	letters := strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return r
	}, norm.NFKD.String(name))
	return fold.String(confusables.Skeleton(fold.String(letters))) // a look-alike may be an upper-case letter
}
