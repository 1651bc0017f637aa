package attestation

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
	FromPolicy    ActorSource = "policy"     // nobody: the configuration decided
	FromProgram   ActorSource = "program"    // an automatic step
)
