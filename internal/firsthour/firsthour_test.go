//go:build unix

// Package firsthour tries what a new user does: from an empty folder to the first workbook, with
// the program as it is built and nothing else. Microsoft is simulated by `mcaledger simulate`, and
// the person who signs in uses a real browser.
package firsthour

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// limit is for the whole hour: a browser that does not come ends the test, and nothing else.
const limit = 3 * time.Minute

func TestFirstHour(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	began := time.Now()
	u := newUser(ctx, t)
	microsoft := u.simulate("--seed", "3", "--customers", "50", "--device-interval", "1s")
	built := time.Since(began)

	began = time.Now()
	u.run("init", "--partner", "contoso", "--kind", "direct_bill", "--tenant", "11111111-1111-4111-8111-111111111111",
		"--client-id", "22222222-2222-4222-8222-222222222222", "--api-url", microsoft, "--login-url", microsoft)
	require.NoError(t, os.WriteFile(filepath.Join(u.folder, "contoso.secret"), []byte("not-a-secret\n"), 0o600))
	u.commands++ // as a person does it in a shell

	const signedIn = "Signed in for contoso: ana@contoso.example, with multi-factor authentication"
	login := u.start("login", "--device")
	page := login.says(`open (\S+) and enter the code (\S+)\.`)
	u.signIn(page[1], page[2], "You have signed in")
	require.Contains(t, login.end(), signedIn)
	onDevice := u.token()

	login = u.start("login")
	u.signIn(u.opened(), "", "Go back to mcaledger")
	require.Contains(t, login.end(), signedIn)
	require.NotEqual(t, onDevice, u.token())

	checks := u.run("doctor")
	require.Contains(t, checks, "OK    contoso: sign-in")
	require.NotContains(t, checks, "FAIL")
	var night struct{ Report struct{ File string } }
	require.NoError(t, json.Unmarshal([]byte(u.run("nightly", "--json")), &night))
	book, err := excelize.OpenFile(night.Report.File)
	require.NoError(t, err)
	defer book.Close()
	customers, err := book.GetRows("Customers")
	require.NoError(t, err)
	require.Greater(t, len(customers), 50)
	t.Logf("from an empty folder to the first workbook: %d commands in %.1f s (and %.1f s to build the program)",
		u.commands, time.Since(began).Seconds(), built.Seconds())
}

// user is somebody with the program and an empty folder.
type user struct {
	t        *testing.T
	ctx      context.Context
	program  string
	folder   string
	desktop  string // a pipe that gets the addresses which programs open
	browser  context.Context
	env      []string
	commands int
}

func newUser(ctx context.Context, t *testing.T) *user {
	t.Helper()
	place := t.TempDir()
	u := &user{t: t, ctx: ctx, program: filepath.Join(place, "mcaledger"), folder: filepath.Join(place, "empty"),
		desktop: filepath.Join(place, "desktop")}
	build := exec.CommandContext(ctx, "go", "build", "-o", u.program, "../../cmd/mcaledger")
	output, err := build.CombinedOutput()
	require.NoError(t, err, string(output))
	require.NoError(t, os.Mkdir(u.folder, 0o700))
	require.NoError(t, syscall.Mkfifo(u.desktop, 0o600))
	opener := filepath.Join(place, "opener")
	require.NoError(t, os.WriteFile(opener, []byte("#!/bin/sh\necho \"$1\" >"+u.desktop+"\n"), 0o700))
	u.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + place, "BROWSER=" + opener}
	allocator, cancel := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox)...)
	t.Cleanup(cancel)
	u.browser, cancel = chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	return u
}

// chromium is the browser, which `make test` installs.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	require.FailNow(t, "Chromium is needed: make test installs it; on Debian: sudo apt-get install -y chromium")
	return ""
}

// command is one that runs.
type command struct {
	u      *user
	cmd    *exec.Cmd
	stdout strings.Builder
	stderr *bufio.Reader
	said   strings.Builder // on stderr
}

func (u *user) start(args ...string) *command {
	u.t.Helper()
	u.commands++
	c := &command{u: u, cmd: exec.CommandContext(u.ctx, u.program, args...)}
	c.cmd.Dir, c.cmd.Env, c.cmd.Stdout = u.folder, u.env, &c.stdout
	c.cmd.Cancel = func() error { return c.cmd.Process.Signal(os.Interrupt) }
	c.cmd.WaitDelay = 10 * time.Second
	pipe, err := c.cmd.StderrPipe()
	require.NoError(u.t, err)
	c.stderr = bufio.NewReader(pipe)
	require.NoError(u.t, c.cmd.Start())
	return c
}

// says waits for a line on stderr.
func (c *command) says(line string) []string {
	c.u.t.Helper()
	for {
		text, err := c.stderr.ReadString('\n')
		c.said.WriteString(text)
		require.NoError(c.u.t, err, c.said.String())
		if found := regexp.MustCompile(line).FindStringSubmatch(text); found != nil {
			return found
		}
	}
}

// end waits for a command that must succeed, and returns what it printed.
func (c *command) end() string {
	c.u.t.Helper()
	_, err := io.Copy(&c.said, c.stderr)
	require.NoError(c.u.t, err)
	require.NoError(c.u.t, c.cmd.Wait(), c.said.String())
	return c.stdout.String()
}

func (u *user) run(args ...string) string {
	u.t.Helper()
	return u.start(args...).end()
}

// simulate starts a simulated Partner Center, and returns its address.
func (u *user) simulate(flags ...string) string {
	u.t.Helper()
	c := u.start(append([]string{"simulate", "--listen", "127.0.0.1:0"}, flags...)...)
	u.commands = 0 // Microsoft is there already
	u.t.Cleanup(func() {
		c.cmd.Process.Signal(os.Interrupt)
		c.cmd.Wait()
	})
	return c.says(`address=(\S+)`)[1]
}

// opened is the address that the program opens in the browser.
func (u *user) opened() string {
	u.t.Helper()
	// as a reader alone, it would wait without an end
	pipe, err := os.OpenFile(u.desktop, os.O_RDWR|syscall.O_NONBLOCK, 0)
	require.NoError(u.t, err)
	defer pipe.Close()
	deadline, _ := u.ctx.Deadline()
	require.NoError(u.t, pipe.SetReadDeadline(deadline))
	address, err := bufio.NewReader(pipe).ReadString('\n')
	require.NoError(u.t, err)
	return strings.TrimSpace(address)
}

// signIn opens a sign-in page in Chromium, fills it in as a person does, and waits for a sentence.
func (u *user) signIn(address, code, sentence string) {
	u.t.Helper()
	const user, userCode = chromedp.CSS("#user"), chromedp.CSS("#user_code")
	steps := []chromedp.Action[chromedp.Void]{chromedp.Navigate(address), chromedp.WaitVisible(user)}
	if code != "" {
		steps = append(steps, chromedp.SendKeys(userCode, code))
	}
	steps = append(steps, chromedp.Clear(user), chromedp.SendKeys(user, "ana@contoso.example"),
		chromedp.SendKeys(chromedp.CSS("#password"), "not-a-password"), chromedp.SendKeys(chromedp.CSS("#factor"),
			"123456"),
		chromedp.Click(chromedp.CSS("#sign-in")), chromedp.WaitVisible(`//p[contains(., "`+sentence+`")]`))
	require.NoError(u.t, chromedp.Do(u.browser, steps...))
}

// token is the refresh token that is saved.
func (u *user) token() string {
	u.t.Helper()
	path := filepath.Join(u.folder, "contoso.token")
	info, err := os.Stat(path)
	require.NoError(u.t, err)
	require.Equal(u.t, os.FileMode(0o600), info.Mode().Perm())
	text, err := os.ReadFile(path)
	require.NoError(u.t, err)
	return string(text)
}
