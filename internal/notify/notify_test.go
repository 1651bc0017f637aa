package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/mail"
	"github.com/mcaledger/mcaledger/internal/notify"
)

func night() notify.Night {
	return notify.Night{
		Outcome: notify.Done, Host: "ledger-1", Version: "1.0.0",
		Workbook: "/var/lib/mcaledger/reports/2026-11-22.xlsx", Started: time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC),
		Finished: time.Date(2026, 11, 22, 5, 14, 0, 0, time.UTC), Partners: []notify.Partner{
			{Name: "contoso-br", Clear: 1773, Blocked: 131, Unknown: 25, NewlyBlocked: 2, NoLongerBlocked: 5, New: 2,
				Gone: 4, Names: []string{"Fabrikam", "Woodgrove"}},
			{Name: "contoso-de", Clear: 10, Blocked: 1},
		},
		Attestations: notify.Attestations{Imported: 12, Sent: 10, Confirmed: 9, Waiting: 2, Refused: 1},
	}
}

func quiet() notify.Night {
	n := night()
	n.Partners = []notify.Partner{{Name: "contoso-br", Clear: 10, Blocked: 3}}
	n.Attestations = notify.Attestations{Waiting: 2}
	return n
}

// mailbox is a sender that keeps messages, except those to a refused address.
type mailbox struct {
	mu       sync.Mutex
	messages []mail.Message
}

func (b *mailbox) Send(_ context.Context, m mail.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if strings.HasPrefix(m.To.Address, "refused@") {
		return errors.New("the recipient was not accepted")
	}
	b.messages = append(b.messages, m)
	return nil
}

func notifier(box *mailbox, to ...string) notify.Notifier {
	from := netmail.Address{Address: "mcaledger@contoso.com"}
	n := notify.Notifier{Mail: notify.Mail{Sender: box, From: from, AttachLimit: 1 << 20}}
	for _, address := range to {
		n.Mail.To = append(n.Mail.To, netmail.Address{Address: address})
	}
	return n
}

func TestWhichNightsAreTold(t *testing.T) {
	t.Parallel()
	asBefore, unreadable, failed, interrupted, problem := quiet(), quiet(), quiet(), quiet(), quiet()
	failed.Outcome, interrupted.Outcome = notify.Failed, notify.Interrupted
	problem.Problems = []notify.Problem{{Message: "x"}}
	asBefore.Outcome = notify.Partial
	asBefore.Problems = []notify.Problem{{Message: "3 customers could not be read", Routine: true}}
	unreadable.Partners[0].NewlyUnreadable = 1
	all := map[notify.When]bool{notify.Always: true, notify.OnChanges: true, notify.OnFailure: true}
	for _, c := range []struct {
		name  string
		night notify.Night
		told  map[notify.When]bool
	}{
		{"quiet", quiet(), map[notify.When]bool{notify.Always: true}},
		{"changes", night(), map[notify.When]bool{notify.Always: true, notify.OnChanges: true}},
		{"customers that could not be read before either", asBefore, map[notify.When]bool{notify.Always: true}},
		{"more that could not be read", unreadable, map[notify.When]bool{notify.Always: true, notify.OnChanges: true}},
		{"problem", problem, map[notify.When]bool{notify.Always: true, notify.OnChanges: true}},
		{"failed", failed, all},
		{"interrupted", interrupted, all},
	} {
		for _, when := range []notify.When{notify.OnChanges, notify.Always, notify.OnFailure} {
			box := &mailbox{}
			n := notifier(box, "finance@contoso.com")
			n.When = when
			require.Empty(t, n.Finished(t.Context(), c.night))
			require.Equal(t, c.told[when], len(box.messages) == 1, "%s, %s", c.name, when)
		}
	}
}

func TestMail(t *testing.T) {
	t.Parallel()
	box := &mailbox{}
	n := notifier(box, "finance@contoso.com", "refused@contoso.com", "compliance@contoso.com")
	n.Location = time.FixedZone("-03", -3*3600)
	warnings := n.Finished(t.Context(), night())
	require.Len(t, warnings, 1)
	require.EqualError(t, warnings[0], "mail to recipient 2 of notify.to: the recipient was not accepted")
	require.Len(t, box.messages, 2, "one refused recipient stops nobody else")
	m := box.messages[0]
	require.Equal(t, "mcaledger: 2 newly blocked, 5 no longer blocked, 132 blocked in all", m.Subject)
	require.Equal(t, `mcaledger: 2 newly blocked, 5 no longer blocked, 132 blocked in all
ledger-1, 2026-11-22 02:00 – 02:14 -03, mcaledger 1.0.0

contoso-br: 131 blocked (2 newly, 5 no longer), 1773 clear, 25 unknown, 2 new, 4 gone
contoso-de: 1 blocked (0 newly, 0 no longer), 10 clear, 0 unknown, 0 new, 0 gone
Newly blocked: Fabrikam; Woodgrove
Attestations: 12 imported, 10 sent, 9 confirmed, 2 waiting, 1 refused
Workbook: /var/lib/mcaledger/reports/2026-11-22.xlsx
`, m.Text)
	require.Contains(t, m.HTML, "Newly blocked: Fabrikam; Woodgrove")
	require.Contains(t, m.HTML, "contoso-br</th><td")
	require.True(t, m.Automatic)
	require.NotEqual(t, m.ID, box.messages[1].ID)

	for language, subject := range map[string]string{
		"pt-BR": "mcaledger: 2 novos bloqueados, 5 desbloqueados, 132 bloqueados no total",
		"es":    "mcaledger: 2 nuevos bloqueados, 5 desbloqueados, 132 bloqueados en total",
	} {
		box := &mailbox{}
		n := notifier(box, "finance@contoso.com")
		n.Language = language
		require.Empty(t, n.Finished(t.Context(), night()))
		require.Equal(t, subject, box.messages[0].Subject)
		require.NotContains(t, box.messages[0].Text, "%!")
	}
}

func TestWorkbookIsAttachedUpToALimit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "2026-11-22.xlsx")
	require.NoError(t, os.WriteFile(path, make([]byte, 1000), 0o600))
	last := night()
	last.Workbook = path
	for limit, attachment := range map[int64]string{999: "", 1000: path} {
		box := &mailbox{}
		n := notifier(box, "finance@contoso.com")
		n.Mail.AttachLimit = limit
		require.Empty(t, n.Finished(t.Context(), last))
		require.Equal(t, attachment, box.messages[0].Attachment)
		if attachment == "" {
			require.Contains(t, box.messages[0].Text, "Workbook: "+path)
		} else {
			require.Contains(t, box.messages[0].Text, "Workbook: 2026-11-22.xlsx (attached)")
		}
	}
}

func TestLongNightsStayShort(t *testing.T) {
	t.Parallel()
	long := night()
	long.Partners = nil
	for i := range 100 {
		long.Partners = append(long.Partners, notify.Partner{
			Name: fmt.Sprintf("partner-%d", i), NewlyBlocked: 50, Names: []string{strings.Repeat("n", 10_000), "B"},
		})
		long.Problems = append(long.Problems, notify.Problem{Message: strings.Repeat("p", 10_000)})
	}
	box := &mailbox{}
	require.Empty(t, notifier(box, "finance@contoso.com").Finished(t.Context(), long))
	text := box.messages[0].Text
	require.Contains(t, text, "and 80 more")
	require.Contains(t, text, "; and 4980 more")
	require.Less(t, len(text), 15_000)
	var card []byte
	n := notify.Notifier{Webhook: notify.Webhook{URL: "https://teams.example/secret", Kind: notify.Teams},
		HTTP: transport(
			func(req *http.Request) (*http.Response, error) {
				card, _ = io.ReadAll(req.Body)
				return answer(202), nil
			})}
	require.Empty(t, n.Finished(t.Context(), long))
	require.Less(t, len(card), 28<<10, "the largest message that Teams takes")
}

func TestNamesCannotAddLinesOrMarkup(t *testing.T) {
	t.Parallel()
	evil := night()
	evil.Partners[0].Name = "contoso\r\nBcc: x@y.com\x1b[31m <script>alert(1)</script>"
	evil.Partners[0].Names = []string{"[click](https://evil.example)\nWorkbook: /etc/passwd", "\u202eevil"}
	evil.Problems = []notify.Problem{{Message: "line one\nline two", Hint: "\x00hint"}}
	box := &mailbox{}
	n := notifier(box, "finance@contoso.com")
	require.Empty(t, n.Finished(t.Context(), evil))
	m := box.messages[0]
	require.NotContains(t, m.HTML, "<script>")
	for _, text := range []string{m.Subject, m.Text, m.HTML} {
		require.False(t, strings.ContainsAny(text, "\x00\x1b\r\u202e"))
	}
	require.NotContains(t, m.Text, "\nBcc")
	require.Equal(t, 1, strings.Count(m.Text, "\nWorkbook: "))
	body := posted(t, notify.Teams, evil)
	for _, element := range elements(body)[1:] {
		require.Equal(t, "RichTextBlock", element.(map[string]any)["type"],
			"foreign text stands where Markdown is not read")
	}
}

// elements are those of a Teams card.
func elements(message map[string]any) []any {
	attachment := message["attachments"].([]any)[0].(map[string]any)
	return attachment["content"].(map[string]any)["body"].([]any)
}

// posted is what a webhook gets.
func posted(t *testing.T, kind notify.Kind, last notify.Night) map[string]any {
	t.Helper()
	var body map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" ||
			r.URL.RawQuery != "sig=secret" || json.NewDecoder(r.Body).Decode(&body) != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer server.Close()
	n := notify.Notifier{Webhook: notify.Webhook{URL: server.URL + "/hook?sig=secret", Kind: kind}}
	require.Empty(t, n.Finished(t.Context(), last))
	return body
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	body := posted(t, notify.Generic, night())
	require.Equal(t, "mcaledger: 2 newly blocked, 5 no longer blocked, 132 blocked in all", body["text"])
	require.EqualValues(t, 1, body["schema_version"])
	require.Equal(t, "night", body["event"])
	require.Equal(t, "done", body["outcome"])
	require.Equal(t, "2026-11-22T05:14:00Z", body["finished"])
	first := body["partners"].([]any)[0].(map[string]any)
	require.EqualValues(t, 2, first["newly_blocked"])
	require.EqualValues(t, 9, body["attestations"].(map[string]any)["confirmed"])

	failed := night()
	failed.Outcome = notify.Failed
	failed.Problems = []notify.Problem{{Message: "contoso-de: sign-in failed.", Hint: "Run mcaledger login."}}
	card := posted(t, notify.Teams, failed)
	require.Equal(t, "message", card["type"])
	attachment := card["attachments"].([]any)[0].(map[string]any)
	require.Equal(t, "application/vnd.microsoft.card.adaptive", attachment["contentType"])
	shown := elements(card)
	require.Equal(t, "mcaledger: the night FAILED", shown[0].(map[string]any)["text"])
	require.Equal(t, "Attention", shown[0].(map[string]any)["color"])
	all, err := json.Marshal(shown)
	require.NoError(t, err)
	require.Contains(t, string(all), "Needs attention: contoso-de: sign-in failed. Run mcaledger login.")
}

// transport answers requests without a network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func answer(code int) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: http.NoBody}
}

func TestPings(t *testing.T) {
	t.Parallel()
	var called []string
	n := notify.Notifier{
		Ping: notify.Ping{
			Start: "https://hc.example/id/start", Success: "https://hc.example/id", Fail: "https://hc.example/id/fail",
		},
		HTTP: transport(func(req *http.Request) (*http.Response, error) {
			called = append(called, req.URL.Path)
			return answer(200), nil
		}),
	}
	failed := quiet()
	failed.Outcome = notify.Failed
	partial := quiet()
	partial.Outcome = notify.Partial
	require.Empty(t, n.Started(t.Context()))
	require.Empty(t, n.Finished(t.Context(), quiet()))
	require.Empty(t, n.Finished(t.Context(), partial))
	require.Empty(t, n.Finished(t.Context(), failed))
	require.Equal(t, []string{"/id/start", "/id", "/id", "/id/fail"}, called)
	require.Empty(t, notify.Notifier{}.Started(t.Context()), "nothing is configured")
	require.Empty(t, notify.Notifier{}.Finished(t.Context(), failed))
}

func TestRepeatedAttempts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		answers []int // 0: no answer
		calls   int
		text    string
	}{
		{"at once", []int{200}, 1, ""},
		{"after an outage", []int{503, 0, 204}, 3, ""},
		{"throttled", []int{429, 202}, 2, ""},
		{"for nothing", []int{500, 502, 503, 200}, 3, "ping of the success: hc.example: answer 503"},
		{"unreachable", []int{0, 0, 0}, 3, "ping of the success: hc.example: connection refused"},
		{"unknown address", []int{404, 200}, 1,
			"ping of the success: hc.example: answer 404; check the configured address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				n := notify.Notifier{
					Ping: notify.Ping{Success: "https://hc.example/secret-id?key=secret"},
					HTTP: transport(func(*http.Request) (*http.Response, error) {
						code := c.answers[calls]
						calls++
						if code == 0 {
							return nil, errors.New("connection refused")
						}
						return answer(code), nil
					}),
				}
				warnings := n.Finished(t.Context(), quiet())
				require.Equal(t, c.calls, calls)
				if c.text == "" {
					require.Empty(t, warnings)
					return
				}
				require.Len(t, warnings, 1)
				require.EqualError(t, warnings[0], c.text)
			})
		})
	}
}

func TestHangingReceiversAreLeftAfterALimit(t *testing.T) {
	t.Parallel()
	for outcome, limit := range map[notify.Outcome]time.Duration{
		notify.Failed: 45 * time.Second, notify.Interrupted: 5 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // the night was cancelled; its end is told all the same
			n := notify.Notifier{
				Ping:    notify.Ping{Fail: "https://hc.example/secret"},
				Webhook: notify.Webhook{URL: "https://hooks.example/secret"},
				HTTP: transport(func(req *http.Request) (*http.Response, error) {
					<-req.Context().Done()
					return nil, req.Context().Err()
				}),
			}
			last := night()
			last.Outcome = outcome
			began := time.Now()
			warnings := n.Finished(ctx, last)
			require.Len(t, warnings, 2)
			require.ErrorContains(t, warnings[1], fmt.Sprintf("webhook: hooks.example: no success within %s", limit))
			require.Equal(t, limit, time.Since(began))
		})
	}
}

func TestAddressesThatAreNotCalled(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect to another host was followed")
	}))
	defer elsewhere.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/elsewhere":
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		case "/same":
			http.Redirect(w, r, "/target", http.StatusTemporaryRedirect)
		case "/found":
			http.Redirect(w, r, "/target", http.StatusFound) // would turn a POST into a GET
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusTemporaryRedirect)
		}
	}))
	defer server.Close()
	for url, expected := range map[string]string{
		server.URL + "/same":            "",
		server.URL + "/elsewhere":       "webhook: 127.0.0.1: the answer is a redirect that is not followed",
		server.URL + "/found":           "webhook: 127.0.0.1: the answer is a redirect that is not followed",
		server.URL + "/loop":            "webhook: 127.0.0.1: the answer is a redirect that is not followed",
		"http://hooks.example/secret":   "webhook: hooks.example: the address must begin with https://",
		"ftp://hooks.example/secret":    "webhook: hooks.example: the address must begin with https://",
		"secret":                        "webhook: the configured address is not a web address",
		"https://hooks.example/%secret": "webhook: the configured address is not a web address",
	} {
		n := notify.Notifier{Webhook: notify.Webhook{URL: url}}
		warnings := n.Finished(t.Context(), night())
		if expected == "" {
			require.Empty(t, warnings)
			continue
		}
		require.Len(t, warnings, 1, url)
		require.ErrorContains(t, warnings[0], expected)
		require.NotContains(t, warnings[0].Error(), "secret")
		require.NotContains(t, warnings[0].Error(), server.URL)
	}
}
