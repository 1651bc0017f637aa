// Package pgtest runs throwaway PostgreSQL servers for tests.
package pgtest

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq" // to make databases on the server
)

// Server is a PostgreSQL server on a socket in a folder of its own. It ends with this process,
// however that ends.
type Server struct {
	folder   string
	owner    *syscall.Credential // who runs it: PostgreSQL refuses root
	programs string              // folder of initdb and postgres
	settings []string            // such as max_connections=10

	mu        sync.Mutex
	databases int
	stop      chan syscall.Signal
	stopped   chan struct{}
}

// shared is one server for all tests of a process that need no other settings.
var shared struct {
	sync.Once
	*Server
	err error
}

// Main runs a package's tests and then stops the shared server, if one was started. Call it from
// TestMain.
func Main(m *testing.M) int {
	defer func() {
		for _, s := range []*Server{shared.Server, pristine.Server} {
			if s != nil {
				s.remove()
			}
		}
	}()
	return m.Run()
}

// Database returns the address of a new, empty database on the shared server. Without PostgreSQL on
// the machine the test fails, and says how to install it.
func Database(t testing.TB) string {
	t.Helper()
	shared.Do(func() { shared.Server, shared.err = newServer("fsync=off", "max_connections=200") })
	if shared.err != nil {
		t.Fatalf("start a throwaway PostgreSQL server: %v", shared.err)
	}
	return shared.Server.Database(t)
}

// Copies returns a function that makes databases like one that prepare was given, which is faster
// than to prepare each. prepare leaves no connection open.
func Copies(t testing.TB, prepare func(t testing.TB, address string)) func(testing.TB) string {
	t.Helper()
	original := Database(t)
	prepare(t, original)
	parsed, err := url.Parse(original)
	if err != nil {
		t.Fatal(err)
	}
	return func(t testing.TB) string {
		t.Helper()
		return shared.Server.database(t, "TEMPLATE "+strings.TrimPrefix(parsed.Path, "/"))
	}
}

// Start starts a server of the test's own, with settings such as "max_connections=10".
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	s, err := newServer(settings...)
	if err != nil {
		t.Fatalf("start a throwaway PostgreSQL server: %v", err)
	}
	t.Cleanup(s.remove)
	return s
}

// Database returns the address of a new, empty database.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	return s.database(t, "")
}

func (s *Server) database(t testing.TB, like string) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.databases++
	name := fmt.Sprintf("test%d", s.databases)
	s.Exec(t, "CREATE DATABASE "+name+" "+like)
	return s.address(name)
}

// Exec runs a statement as the server's administrator.
func (s *Server) Exec(t testing.TB, statement string) {
	t.Helper()
	admin, err := sql.Open("postgres", s.address("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) address(database string) string {
	return "postgres://postgres@/" + database + "?sslmode=disable&host=" + s.folder
}

// Restart stops the server as an administrator would, and starts it again.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.end(syscall.SIGINT)
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// Standby starts a read-only copy that follows the server, with the same databases.
func (s *Server) Standby(t testing.TB) *Server {
	t.Helper()
	standby := &Server{owner: s.owner, programs: s.programs}
	if err := standby.newFolder(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(standby.remove)
	if err := standby.run("pg_basebackup", "--pgdata", standby.data(), "--host", s.folder, "--username", "postgres",
		"--write-recovery-conf", "--checkpoint=fast"); err != nil {
		t.Fatal(err)
	}
	if err := standby.start(); err != nil {
		t.Fatal(err)
	}
	return standby
}

// On is the address of a database of another server on this one.
func (s *Server) On(t testing.TB, address string) string {
	t.Helper()
	_, database := parts(t, address)
	return s.address(database)
}

// parts are the socket's folder and the database of an address.
func parts(t testing.TB, address string) (folder, database string) {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Query().Get("host"), strings.TrimPrefix(parsed.Path, "/")
}

// newServer makes a cluster and starts a server on it.
func newServer(settings ...string) (*Server, error) {
	initdb, err := program("initdb")
	if err != nil {
		return nil, err
	}
	s := &Server{programs: filepath.Dir(initdb), settings: settings}
	if err := s.newFolder(); err != nil {
		return nil, err
	}
	if err = s.initialize(); err == nil {
		err = s.start()
	}
	if err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

// pristine is a cluster to copy, which is faster than to make each.
var pristine struct {
	sync.Once
	*Server
	err error
}

func (s *Server) initialize() error {
	pristine.Do(func() {
		p := &Server{programs: s.programs}
		if pristine.err = p.newFolder(); pristine.err != nil {
			return
		}
		pristine.Server = p
		pristine.err = p.run("initdb", "--pgdata", p.data(), "--username", "postgres", "--auth", "trust", "--encoding",
			"UTF8", "--locale", "C", "--no-sync")
	})
	if pristine.err != nil {
		return pristine.err
	}
	command := exec.Command("cp", "-R", pristine.data(), s.data())
	command.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner}
	output, err := command.CombinedOutput()
	if err != nil {
		return fmt.Errorf("copy the cluster: %w\n%s", err, output)
	}
	return os.Chmod(s.data(), 0o700)
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

func (s *Server) newFolder() (err error) {
	// A socket's path has to be short, so not t.TempDir.
	if s.folder, err = os.MkdirTemp("", "mcapg"); err != nil {
		return err
	}
	s.owner, err = unprivileged(s.folder)
	return err
}

// run runs a program of PostgreSQL to its end.
func (s *Server) run(name string, arguments ...string) error {
	command := exec.Command(filepath.Join(s.programs, name), arguments...)
	command.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner}
	command.Dir = s.folder
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, output)
	}
	return nil
}

func (s *Server) start() error {
	arguments := []string{"-D", s.data(), "-k", s.folder, "-c", "listen_addresses="}
	for _, setting := range s.settings {
		arguments = append(arguments, "-c", setting)
	}
	postgres := exec.Command(filepath.Join(s.programs, "postgres"), arguments...)
	postgres.Dir = s.folder
	log, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	postgres.Stdout, postgres.Stderr = log, log
	s.stop, s.stopped = make(chan syscall.Signal), make(chan struct{})
	started := make(chan error)
	go func() {
		defer close(s.stopped)
		// The signal at the parent's death is tied to the thread that started the child.
		runtime.LockOSThread()
		postgres.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner, Pdeathsig: syscall.SIGQUIT}
		err := postgres.Start()
		started <- err
		if err == nil {
			postgres.Process.Signal(<-s.stop)
			postgres.Wait()
		}
	}()
	if err := <-started; err != nil {
		s.stop = nil
		return err
	}
	return s.ready()
}

// end stops the server.
func (s *Server) end(signal syscall.Signal) {
	if s.stop != nil {
		s.stop <- signal
		<-s.stopped
		s.stop = nil
	}
}

func (s *Server) remove() {
	s.end(syscall.SIGQUIT)
	os.RemoveAll(s.folder)
}

// ready waits until the server answers.
func (s *Server) ready() error {
	db, err := sql.Open("postgres", s.address("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	for try := 0; ; try++ {
		if err = db.Ping(); err == nil {
			return nil
		}
		if try == 400 {
			log, _ := os.ReadFile(filepath.Join(s.folder, "log"))
			return fmt.Errorf("the server does not answer: %w\n%s", err, log)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// program finds a program of PostgreSQL on the PATH or where Debian puts it.
func program(name string) (string, error) {
	if found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); err == nil && len(found) > 0 {
		return found[len(found)-1], nil
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("PostgreSQL is not installed (no %s); on Debian or Ubuntu: apt-get install -y postgresql",
			name)
	}
	return filepath.EvalSymlinks(path)
}

// unprivileged hands the folder to another user when this one is root, whom PostgreSQL refuses.
func unprivileged(folder string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	var who *user.User
	var err error
	for _, name := range []string{"postgres", "nobody"} {
		if who, err = user.Lookup(name); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	uid, _ := strconv.Atoi(who.Uid)
	gid, _ := strconv.Atoi(who.Gid)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(folder, uid, gid)
}
