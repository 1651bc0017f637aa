package partnercenter

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// call is one API call; all its tries have the same request id and the same bytes.
type call struct {
	op     string // what it is for, in a few words, for errors
	uri    string // path and query below /v1
	header http.Header
	body   []byte // nil: a GET; else a POST, which is not repeated when its answer is lost
	limit  int64  // of the answer, in bytes
	app    bool   // it takes a token of the app alone
	id     string

	account bool // it is about the partner's account as a whole, not about one customer

	anySuccess bool         // every 2xx is a success; else 200 and 201 are
	classic    bool         // it is the call that Microsoft retired
	keep       func([]byte) // is given the body of a success; may be nil
}

func (c *call) method() string {
	if c.body != nil {
		return http.MethodPost
	}
	return http.MethodGet
}

// read takes what is needed from an answer, and says what is wrong with an answer that makes no
// sense; empty: nothing.
type read func(object) (wrong string)

// get sends a GET and reads the answer. Every failure is an *Error, or a *StoppedError.
func (c *Client) get(ctx context.Context, call *call, read read) error {
	call.id = uuid.NewString()
	return c.do(ctx, call, read)
}

// do sends a call, again where that is safe, and reads the answer.
func (c *Client) do(ctx context.Context, call *call, read read) error {
	tokens := c.user
	if call.app {
		tokens = c.app
	}
	var t tries
	for {
		token, err := tokens.current(ctx)
		if err != nil {
			return err
		}
		failure := c.send(ctx, call, token, read)
		if failure == nil || !undecided(failure.Kind) {
			token.worked.Store(true)
			c.unanswered.Store(0)
		}
		if failure == nil {
			return nil
		}
		if ctx.Err() != nil {
			return stopped(ctx)
		}
		failure.Attempts = t.unanswered + 1
		action, why := t.next(failure.Kind, conditions{attempts: c.opts.Attempts, repeatable: call.body == nil,
			exhausted: c.throttle.exhausted(c.opts.Attempts), tokenWorked: token.worked.Load()})
		c.log.Debug("a call failed", "call", call.op, "repeated", action != stop, "why", why, "status", failure.Status,
			"request_id", call.id)
		switch action {
		case stop:
			return c.giveUp(failure)
		case renewToken:
			t.renewed++
			err = tokens.renew(ctx, token)
		case repeat:
			t.throttled++
		case repeatLater:
			t.unanswered++
			err = sleep(ctx, backoff(t.unanswered))
		}
		if err != nil {
			return err
		}
		c.retries.Add(1)
	}
}

// undecided reports whether a failure proves neither that the service works nor that the token
// does.
func undecided(kind Kind) bool {
	return kind == TokenRefused || kind == Throttled || kind == Unavailable
}

// giveUp turns the failure of one call into that of the service when too many calls in a row got no
// usable answer: the rest of a night would only be spent waiting for time-outs.
func (c *Client) giveUp(failure *Error) *Error {
	if failure.Kind == Unavailable && c.unanswered.Add(1) >= int64(max(50, 3*c.opts.Concurrency)) {
		failure.Kind = Down
	}
	return failure
}

// send sends the call once. It returns nil when the answer was read.
func (c *Client) send(ctx context.Context, call *call, token *token, read read) *Error {
	generation, err := c.throttle.acquire(ctx)
	if err != nil { // the context's end, or a pause that is too long to wait for
		return c.failed(call, Throttled, err)
	}
	defer c.throttle.release()
	// A process that was suspended wakes before its timers fire, and another one may have the work
	// by now.
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return c.failed(call, Throttled, context.DeadlineExceeded)
	}

	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	req, err := c.request(ctx, call, token)
	if err != nil {
		return c.malformed(call, "the address of the list's next page is unreadable")
	}
	c.requests.Add(1)
	resp, err := c.http.Do(req)
	if err != nil {
		return c.notAnswered(call, err)
	}
	defer resp.Body.Close()
	c.reached.Store(true)
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		c.clock.Store(&at)
	}
	if success := resp.StatusCode; success == http.StatusOK || success == http.StatusCreated || call.anySuccess &&
		success/100 == 2 {
		c.throttle.answered(generation)
		return c.readAnswer(call, resp, read)
	}
	return c.readFailure(call, resp, generation)
}

func (c *Client) request(ctx context.Context, call *call, token *token) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, call.method(), c.base.String()+"/v1"+call.uri,
		bytes.NewReader(call.body))
	if err != nil {
		return nil, err
	}
	for name, values := range call.header {
		req.Header[name] = values
	}
	req.Header.Set("Authorization", "Bearer "+token.access)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("MS-RequestId", call.id)
	req.Header.Set("MS-CorrelationId", c.correlationID)
	req.Header.Set("MS-PartnerCenter-Application", c.opts.Application)
	if call.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// readAnswer reads the body of a success.
func (c *Client) readAnswer(call *call, resp *http.Response, read read) *Error {
	body, err := readAll(resp.Body, call.limit)
	if err != nil && !errors.Is(err, errTooLong) {
		return c.lost(call, resp, err)
	}
	body = bytes.TrimSpace(withoutBOM(body))
	if call.keep != nil {
		call.keep(body)
	}
	if call.anySuccess && len(body) == 0 {
		body = []byte("{}")
	}
	o, ok := readObject(body)
	wrong := ""
	switch {
	case err != nil:
		wrong = err.Error()
	case ok && json.Valid(body):
		wrong = read(o)
	case bytes.HasPrefix(body, []byte("{")) && nestedTooDeep(body):
		wrong = "an answer that is nested too deep"
	case json.Valid(body):
		wrong = "an answer of another form than expected"
	default:
		return c.lost(call, resp, errors.New("the answer is not JSON"))
	}
	if wrong == "" {
		return nil
	}
	e := c.malformed(call, wrong)
	e.Status = resp.StatusCode
	return e
}

// nestedTooDeep reports whether JSON is refused for its depth alone.
func nestedTooDeep(body []byte) bool {
	err := json.Unmarshal(body, new(json.RawMessage))
	return err != nil && strings.Contains(err.Error(), "max depth")
}

// readFailure reads the body of any other answer, and pauses all senders where the service asks for
// it.
func (c *Client) readFailure(call *call, resp *http.Response, generation int) *Error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, errorLimit))
	e := c.failed(call, Unavailable, err)
	e.Status = resp.StatusCode
	e.RequestID = firstOf(resp.Header.Get("MS-RequestId"), e.RequestID)
	e.CorrelationID = firstOf(resp.Header.Get("MS-CorrelationId"), e.CorrelationID)
	e.read(body)
	e.Kind = classify(e, body)
	switch {
	case e.Kind == Redirected:
		e.Message = redirectTarget(resp)
	case call.account:
		e.ofAccount()
	}
	wait := retryAfter(resp.Header, time.Now())
	switch {
	case e.Kind == Throttled:
		c.throttled.Add(1)
		c.throttle.pause(generation, cmp.Or(wait, waitInWords(e.Message)))
	case wait > 0:
		c.throttle.pause(generation, wait)
	default:
		c.throttle.answered(generation)
	}
	return e
}

// waitWords is how the gateway's 429 says when to come back, should its header be missing.
var waitWords = regexp.MustCompile(`(?i)in (\d{1,5}) seconds`)

func waitInWords(message string) time.Duration {
	found := waitWords.FindStringSubmatch(message)
	if found == nil {
		return 0
	}
	seconds, _ := strconv.Atoi(found[1]) // at most five digits
	return time.Duration(seconds) * time.Second
}

// redirectTarget names the host that an answer redirects to; the rest of the address may hold
// anything.
func redirectTarget(resp *http.Response) string {
	if to, err := resp.Location(); err == nil {
		return "a redirect to the host " + clean(to.Host)
	}
	return "a redirect"
}

// failed makes an error of a call.
func (c *Client) failed(call *call, kind Kind, cause error) *Error {
	return &Error{Op: call.op, Kind: kind, RequestID: call.id, CorrelationID: c.correlationID, Attempts: 1,
		cause: withoutAddress(cause), partner: c.opts.Kind}
}

// malformed is the error of an answer that came whole and makes no sense.
func (c *Client) malformed(call *call, wrong string) *Error {
	e := c.failed(call, Malformed, nil)
	e.Status, e.Message = http.StatusOK, clean(wrong)
	return e
}

// lost is the error of a success whose body is not the service's, or did not come whole.
func (c *Client) lost(call *call, resp *http.Response, cause error) *Error {
	e := c.failed(call, Unavailable, cause)
	e.Status = resp.StatusCode
	return e
}

// notAnswered is the error of a request that got no answer. An address that has answered before is
// believed to come back.
func (c *Client) notAnswered(call *call, cause error) *Error {
	e := c.failed(call, Unavailable, cause)
	e.Kind, e.reason = connectionKind(cause)
	if c.reached.Load() && (e.Kind == HostNotFound || e.Kind == ConnectionRefused) {
		e.Kind = Unavailable
	}
	return e
}
