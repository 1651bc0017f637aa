package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/pflag"

	"github.com/mcaledger/mcaledger/internal/atomicfile"
	"github.com/mcaledger/mcaledger/internal/demo"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/simulator"
	"github.com/mcaledger/mcaledger/internal/standing"
	"github.com/mcaledger/mcaledger/internal/store"
)

func TestMain(m *testing.M) {
	testscript.Main(withPostgres{m}, map[string]func(){"mcaledger": main, "mcaledger-recorded": recorded,
		"mcaledger-later": later, "interrupted": interrupted, "person": person})
}

// TestScripts runs the program as a user does: each testdata/script/*.txtar is a session in a
// folder of its own, with these commands besides testscript's:
//
//	simulator [FLAG…]            a simulated Partner Center, with the flags of `mcaledger simulate`,
//	                             its address in $PC, and a configuration for it in mcaledger.yaml.
//	                             Again: the same address with other flags.
//	night N                      the simulated world on another night
//	exits CODE COMMAND…          runs a command that must end with exactly this code
//	json PATH VALUE…             stdout must be exactly one JSON object; at the dotted path it has
//	                             the value. >N and <N compare, ~TEXT is a part of a text, {a,b} are
//	                             an object's names in order, # before the path counts.
//	adds OBJECT SUM PART…        the number SUM of the object is the sum of its PARTs
//	schema N                     makes mcaledger.db a database of schema version N
//	held                         another process works on the partner until the script ends
//	customer NAME KIND [N]       $NAME is the tenant id of the Nth listed customer of a kind
//	                             ("listed on night 2": new then), $NAME_DOMAIN the domain;
//	                             $NAME_SIGNER, "first name,last name,e-mail", and $NAME_PHONE are of
//	                             the first agreement
//	list FILE ROW…               a CSV, or a workbook, of attestations; a first ROW that begins with
//	                             customer_ is its header
//	blocked FILE N               a CSV of attestations for N customers that are blocked
//	effects N                    the simulator's record has N attestations, none of them twice
//	ledger STATEMENT             changes mcaledger.db by other means than mcaledger
//	age FILE DURATION            the file was last changed so long ago
//	person ADDRESS               (a program, for $BROWSER) signs in on the page at ADDRESS
//	interrupted WHEN COMMAND…    (a program) interrupts a command once it has written WHEN, or has
//	                             made WHEN requests
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "../../testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TZ", "Asia/Kolkata") // nothing may depend on the host's zone
			env.Setenv("GOGC", os.Getenv("GOGC"))
			env.Setenv("TOMORROW", time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly))
			self, err := user.Current()
			if err != nil {
				return err
			}
			env.Setenv("OWNER", self.Username)
			env.Values[partnerCenter{}] = new(partnerCenter)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"simulator": startSimulator, "night": setNight, "exits": exits, "json": checkJSON, "adds": checkSum,
			"schema": setSchema, "held": hold, "customer": nameCustomer, "list": writeList, "blocked": listBlocked,
			"effects": checkEffects, "ledger": changeLedger, "age": setAge,
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "evening": // tomorrow has begun somewhere on Earth
				return time.Now().UTC().Hour() >= 10, nil
			case "root": // who may be another user
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
	})
}

// partnerCenter is the address of a script's simulator; who answers there may change.
type partnerCenter struct {
	server *httptest.Server
	now    atomic.Pointer[simulator.Simulator]
}

func startSimulator(ts *testscript.TestScript, neg bool, args []string) {
	options := simulator.Options{Seed: 1, Customers: 200}
	flags := pflag.NewFlagSet("simulator", pflag.ContinueOnError)
	simulatorFlags(flags, &options)
	ts.Check(flags.Parse(args))
	sim, err := simulator.New(options)
	ts.Check(err)
	pc := ts.Value(partnerCenter{}).(*partnerCenter)
	pc.now.Store(sim)
	if pc.server == nil {
		pc.server = httptest.NewServer(
			http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { pc.now.Load().ServeHTTP(w, r) }))
		ts.Defer(pc.server.Close)
		ts.Setenv("PC", pc.server.URL)
	}
	ts.Check(demo.OnePartner(pc.server.URL).Write(ts.MkAbs(".")))
}

func setNight(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	ts.Check(ts.Value(partnerCenter{}).(*partnerCenter).now.Load().SetNight(n))
}

func nameCustomer(ts *testscript.TestScript, neg bool, args []string) {
	sim := ts.Value(partnerCenter{}).(*partnerCenter).now.Load()
	world, name, nth := sim.World(), args[0], 1
	if len(args) > 2 {
		var err error
		nth, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	before := world
	before.Night, world.Night = 1, 2
	for i := range world.Len() {
		c := before.Customer(i)
		if args[1] == "listed on night 2" {
			if before.Listed(i) || !world.Listed(i) {
				continue
			}
			c = world.Customer(i)
		} else if string(c.Kind) != args[1] || !before.Listed(i) {
			continue
		}
		if nth--; nth > 0 {
			continue
		}
		ts.Setenv(name, c.TenantID)
		ts.Setenv(name+"_DOMAIN", c.Domain)
		if len(c.Agreements) > 0 && c.Agreements[0].Contact != nil {
			who := c.Agreements[0].Contact
			ts.Setenv(name+"_SIGNER", strings.Join([]string{who.FirstName, who.LastName, who.Email}, ","))
			ts.Setenv(name+"_PHONE", strings.ReplaceAll(who.PhoneNumber, " ", ""))
		}
		return
	}
	ts.Fatalf("the simulated world has no such customer: %s", args[1])
}

func writeList(ts *testscript.TestScript, neg bool, args []string) {
	rows := args[1:]
	if !strings.HasPrefix(rows[0], "customer_") {
		rows = append([]string{"customer_tenant_id,first_name,last_name,email,date_agreed"}, rows...)
	}
	if !strings.HasSuffix(args[0], ".xlsx") {
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Join(rows, "\r\n")+"\r\n"), 0o600))
		return
	}
	ts.Check(atomicfile.Write(ts.MkAbs(args[0]), 0o600, func(w io.Writer) error {
		return intake.WriteRefused(w, intake.Format{Kind: intake.XLSX}, strings.Split(rows[0], ","),
			func(yield func([]string, error) bool) {
				for _, row := range rows[1:] {
					if !yield(strings.Split(row, ","), nil) {
						return
					}
				}
			})
	}))
}

func listBlocked(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	sim := ts.Value(partnerCenter{}).(*partnerCenter).now.Load()
	world, list := sim.World(), args[:1]
	for i := range world.Len() {
		if word, _ := sim.Expect(i, true); word == "blocked" && world.Listed(i) && len(list) <= n {
			list = append(list, fmt.Sprintf("%s,Ana,Souza,ana%d@example.com,2024-05-06", world.Customer(i).TenantID, i))
		}
	}
	if len(list) <= n {
		ts.Fatalf("the simulated world has %d blocked customers", len(list)-1)
	}
	writeList(ts, neg, list)
}

func checkEffects(ts *testscript.TestScript, neg bool, args []string) {
	effects := ts.Value(partnerCenter{}).(*partnerCenter).now.Load().Effects()
	once := map[string]bool{}
	for _, e := range effects {
		who := e.TenantID + " " + e.Contact.Email
		if once[who] {
			ts.Fatalf("an attestation took effect twice: %s", who)
		}
		once[who] = true
	}
	if strconv.Itoa(len(effects)) != args[0] {
		ts.Fatalf("%d attestations took effect, want %s", len(effects), args[0])
	}
}

func changeLedger(ts *testscript.TestScript, neg bool, args []string) {
	db, err := sqlx.Open("sqlite", ts.MkAbs("mcaledger.db"))
	ts.Check(err)
	defer db.Close()
	_, err = db.Exec(args[0])
	ts.Check(err)
}

func setAge(ts *testscript.TestScript, neg bool, args []string) {
	age, err := time.ParseDuration(args[1])
	ts.Check(err)
	then := time.Now().Add(-age)
	ts.Check(os.Chtimes(ts.MkAbs(args[0]), then, then))
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// only reads the one JSON object on stdout.
func only(ts *testscript.TestScript) json.RawMessage {
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	var object json.RawMessage
	if err := decoder.Decode(&object); err != nil || object[0] != '{' {
		ts.Fatalf("stdout is not a JSON object: %v", err)
	}
	if err := decoder.Decode(new(any)); err != io.EOF {
		ts.Fatalf("stdout holds more than one JSON object: %v", err)
	}
	return object
}

// at follows a dotted path of names and numbers.
func at(ts *testscript.TestScript, value json.RawMessage, path string) json.RawMessage {
	for step := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '.' }) {
		var list []json.RawMessage
		object := map[string]json.RawMessage{}
		if n, err := strconv.Atoi(step); err == nil && json.Unmarshal(value, &list) == nil && n < len(list) {
			value = list[n]
		} else if json.Unmarshal(value, &object) == nil && object[step] != nil {
			value = object[step]
		} else {
			ts.Fatalf("there is no %s of %s in %s", step, path, value)
		}
	}
	return value
}

// names are the names of an object in their order.
func names(ts *testscript.TestScript, object json.RawMessage) string {
	var found []string
	decoder := json.NewDecoder(bytes.NewReader(object))
	_, err := decoder.Token()
	for ts.Check(err); decoder.More(); {
		name, err := decoder.Token()
		ts.Check(err)
		found = append(found, name.(string))
		ts.Check(decoder.Decode(new(any)))
	}
	return "{" + strings.Join(found, ",") + "}"
}

func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	object := only(ts)
	for ; len(args) >= 2; args = args[2:] {
		path, want := args[0], args[1]
		path, count := strings.CutPrefix(path, "#")
		value := at(ts, object, path)
		got := string(value)
		if count {
			var list []any
			ts.Check(json.Unmarshal(value, &list))
			got = strconv.Itoa(len(list))
		}
		var text string
		if json.Unmarshal(value, &text) == nil && got[0] == '"' {
			got = text
		}
		ok := got == want
		switch want[:min(1, len(want))] {
		case "~":
			ok = strings.Contains(got, want[1:])
		case ">":
			ok = number(ts, got) > number(ts, want[1:])
		case "<":
			ok = number(ts, got) < number(ts, want[1:])
		case "{":
			got = names(ts, value)
			ok = got == want
		}
		if ok == neg {
			ts.Fatalf("%s is %s; wanted (not: %v) %s", args[0], got, neg, want)
		}
	}
}

func number(ts *testscript.TestScript, text string) float64 {
	n, err := strconv.ParseFloat(text, 64)
	ts.Check(err)
	return n
}

func checkSum(ts *testscript.TestScript, neg bool, args []string) {
	object := at(ts, only(ts), args[0])
	value := func(name string) float64 { return number(ts, string(at(ts, object, name))) }
	sum := 0.0
	for _, part := range args[2:] {
		sum += value(part)
	}
	if value(args[1]) != sum {
		ts.Fatalf("%s: %s is %v, but %v add up to %v", args[0], args[1], value(args[1]), args[2:], sum)
	}
}

func setSchema(ts *testscript.TestScript, neg bool, args []string) {
	db, err := sqlx.Open("sqlite", ts.MkAbs("mcaledger.db"))
	ts.Check(err)
	defer db.Close()
	_, err = db.Exec("INSERT INTO schema_version (version) VALUES (?)", args[0])
	ts.Check(err)
}

func hold(ts *testscript.TestScript, neg bool, args []string) {
	ctx, stop := context.WithCancel(context.Background())
	s, err := store.Open(ctx, "sqlite:"+ts.MkAbs("mcaledger.db"))
	ts.Check(err)
	ts.Check(s.Migrate(ctx))
	taken, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		partner := ledger.Partner{ID: "11111111-1111-4111-8111-111111111111", Name: "contoso",
			Kind: standing.DirectBill}
		ended <- s.Hold(ctx, partner, func(ctx context.Context, _ *store.Lease) error {
			close(taken)
			<-ctx.Done()
			return nil
		})
	}()
	ts.Defer(func() {
		stop()
		<-ended
		s.Close()
	})
	select {
	case <-taken:
	case err := <-ended:
		ts.Fatalf("the lease was not taken: %v", err)
	}
}

// interrupted is a program of its own, so that its signal goes to the command that it started and
// to nobody else.
func interrupted() {
	when, cmd := os.Args[1], exec.Command(os.Args[2], os.Args[3:]...)
	runtime.LockOSThread() // the signal at the parent's death is tied to the thread that started the child
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout := &watched{copy: os.Stdout}
	cmd.Stdout, cmd.Stderr = stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(99)
	}
	go func() {
		for !stdout.has(when) && !asked(when) {
			time.Sleep(5 * time.Millisecond)
		}
		cmd.Process.Signal(syscall.SIGINT)
	}()
	cmd.Wait()
	os.Exit(cmd.ProcessState.ExitCode())
}

// person is a program that signs in on a page, and follows where the page sends it.
func person() {
	form := url.Values{"user": {"ana@contoso.example"}, "password": {"x"}, "factor": {"123456"}}
	resp, err := http.PostForm(os.Args[1], form)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(99)
	}
	resp.Body.Close()
}

// asked reports whether the simulator at $PC has answered so many API requests.
func asked(requests string) bool {
	n, err := strconv.ParseInt(requests, 10, 64)
	if err != nil {
		return false
	}
	resp, err := http.Get(os.Getenv("PC") + "/simulator/stats")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	var stats simulator.Stats
	return json.NewDecoder(resp.Body).Decode(&stats) == nil && stats.APIRequests >= n
}

// watched is a writer that knows what went through it.
type watched struct {
	copy io.Writer
	seen atomic.Pointer[string]
}

func (w *watched) Write(text []byte) (int, error) {
	seen := string(text)
	if before := w.seen.Load(); before != nil {
		seen = *before + seen
	}
	w.seen.Store(&seen)
	return w.copy.Write(text)
}

func (w *watched) has(text string) bool {
	seen := w.seen.Load()
	return seen != nil && strings.Contains(*seen, text)
}
