// Package storetest is the contract of the store, as one suite that every database must pass, and the throwaway PostgreSQL
// server that tests run it on.
package storetest

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq" // to make databases on the server
)

// server is one PostgreSQL server for all tests of a process, on a socket in a folder of its own.
var server struct {
	sync.Once
	folder    string
	err       error
	stop      chan struct{}
	stopped   chan struct{}
	databases int
	mu        sync.Mutex
}

// Main runs a package's tests and then stops the server, if one was started. Call it from TestMain.
func Main(m *testing.M) int {
	defer func() {
		if server.stop != nil {
			close(server.stop)
			<-server.stopped
		}
		if server.folder != "" {
			os.RemoveAll(server.folder)
		}
	}()
	return m.Run()
}

// Postgres returns the address of a new, empty database on a throwaway server. Without PostgreSQL on the machine the test
// fails, and says how to install it.
func Postgres(t testing.TB) string {
	t.Helper()
	server.Do(func() { server.err = start() })
	if server.err != nil {
		t.Fatalf("start a throwaway PostgreSQL server: %v", server.err)
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	server.databases++
	name := fmt.Sprintf("test%d", server.databases)
	admin, err := sql.Open("postgres", address("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	return address(name)
}

func address(database string) string {
	return "postgres://postgres@/" + database + "?sslmode=disable&host=" + server.folder
}

// start makes a cluster and runs a server on it that ends with this process, however that ends.
func start() (err error) {
	initdb, err := program("initdb")
	if err != nil {
		return err
	}
	// A socket's path has to be short, so not t.TempDir.
	if server.folder, err = os.MkdirTemp("", "mcapg"); err != nil {
		return err
	}
	who, err := unprivileged(server.folder)
	if err != nil {
		return err
	}
	data := filepath.Join(server.folder, "data")
	initialise := exec.Command(initdb, "--pgdata", data, "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync")
	initialise.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	initialise.Dir = server.folder
	if output, err := initialise.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, output)
	}
	postgres := exec.Command(filepath.Join(filepath.Dir(initdb), "postgres"), "-D", data, "-k", server.folder, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200")
	postgres.Dir = server.folder
	log, err := os.Create(filepath.Join(server.folder, "log"))
	if err != nil {
		return err
	}
	postgres.Stdout, postgres.Stderr = log, log
	server.stop, server.stopped = make(chan struct{}), make(chan struct{})
	started := make(chan error)
	go func() {
		defer close(server.stopped)
		// The signal at the parent's death is tied to the thread that started the child.
		runtime.LockOSThread()
		postgres.SysProcAttr = &syscall.SysProcAttr{Credential: who, Pdeathsig: syscall.SIGQUIT}
		err := postgres.Start()
		started <- err
		if err == nil {
			<-server.stop
			postgres.Process.Signal(syscall.SIGQUIT)
			postgres.Wait()
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	return ready()
}

// ready waits until the server answers.
func ready() error {
	db, err := sql.Open("postgres", address("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	for try := 0; ; try++ {
		if err = db.Ping(); err == nil {
			return nil
		}
		if try == 200 {
			log, _ := os.ReadFile(filepath.Join(server.folder, "log"))
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
		return "", fmt.Errorf("PostgreSQL is not installed (no %s); on Debian or Ubuntu: apt-get install -y postgresql", name)
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
