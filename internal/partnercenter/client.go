// Package partnercenter is the client of Microsoft's Partner Center API with the manners that the service asks for:
// one gate for all senders of a partner, honest waiting, bounded repeats under one request id, tolerant reading.
//
// It speaks the words of package standing and knows neither the ledger nor the jobs. What it
// believes about the wire is written in docs/partner-center.md with how far each line can be
// trusted.
package partnercenter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/mcaledger/mcaledger/internal/ledger"
)

// Options are what a client needs to know of one partner and of the manners to keep. All fields but Transport and Log
// are required.
type Options struct {
	APIURL            string // for example https://api.partnercenter.microsoft.com, without /v1
	Credentials       Credentials
	RequestsPerMinute int           // the limit that the service sets; the client stays a little under it
	Concurrency       int           // the most requests in flight
	Timeout           time.Duration // of one try
	Attempts          int           // tries of one call, the first included
	CorrelationID     string        // a GUID, sent as MS-CorrelationId with every call
	Application       string        // sent as MS-PartnerCenter-Application

	Transport http.RoundTripper // nil: a transport of its own that keeps Concurrency connections
	Log       *slog.Logger      // nil: silent
}

// Client talks to one partner's account. It is safe for concurrent use; Close it when done.
type Client struct {
	opts   Options
	base   *url.URL
	http   *http.Client
	gate   *gate
	tokens *tokens
	log    *slog.Logger

	requests, throttled, retries atomic.Int64
	unanswered                   atomic.Int64 // calls in a row that ended without a usable answer
}

// New makes a client. It sends nothing yet.
func New(opts Options) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(opts.APIURL, "/"))
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("api_url %q is not an address such as https://api.partnercenter.microsoft.com", opts.APIURL)
	}
	transport := opts.Transport
	if transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxIdleConnsPerHost = opts.Concurrency + 1 // the default of 2 costs 2.3 times the CPU
		t.MaxIdleConns = 0
		transport = t
	}
	log := opts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	client := &http.Client{
		Transport: transport,
		// A redirect would carry the call somewhere that nobody configured.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c := &Client{opts: opts, base: base, http: client, log: log,
		gate: newGate(opts.RequestsPerMinute, opts.Concurrency)}
	c.tokens = &tokens{credentials: opts.Credentials, http: client, timeout: opts.Timeout, attempts: opts.Attempts, log: log,
		turn: make(chan struct{}, 1)}
	return c, nil
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Cost is what the client has asked of the service so far. Seconds is left to the caller.
func (c *Client) Cost() ledger.Cost {
	return ledger.Cost{Requests: int(c.requests.Load()), Throttled: int(c.throttled.Load()), Retries: int(c.retries.Load())}
}

// CheckToken gets an access token, or says why there is none.
func (c *Client) CheckToken(ctx context.Context) error {
	_, err := c.tokens.current(ctx)
	return err
}

// call is one API call; all its tries share the request id.
type call struct {
	op      string // what for, in a few words, for errors
	uri     string // path and query below /v1
	header  http.Header
	body    []byte // nil: a GET; else a POST, which is not repeated when its answer is lost
	limit   int64  // of the answer, in bytes
	attempt int
	id      string
}

func (c *call) method() string {
	if c.body != nil {
		return http.MethodPost
	}
	return http.MethodGet
}

// reply is what an answer is decoded into. It says what is wrong with an answer that can be decoded and still makes no
// sense; the empty text is nothing.
type reply interface{ flaw() string }

const (
	answerLimit = 4 << 20
	pageLimit   = 64 << 20
	errorLimit  = 64 << 10
)

// get sends a GET and decodes the answer into out. Every failure is an *Error, or the context's own.
func (c *Client) get(ctx context.Context, call *call, out reply) error {
	call.id = uuid.NewString()
	return c.do(ctx, call, out)
}

// do sends a call, again where that is safe, and decodes the answer into out.
func (c *Client) do(ctx context.Context, call *call, out reply) error {
	renewals, refused := 0, 0
	for call.attempt = 1; ; call.attempt++ {
		token, err := c.tokens.current(ctx)
		if err != nil {
			return err
		}
		failure := c.try(ctx, call, token, out)
		if failure == nil {
			token.proven.Store(true)
			c.unanswered.Store(0)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		switch failure.Kind {
		case TokenRefused:
			// Once: a token that worked until now has run out. Again, with a token that never worked: no use.
			if renewals > 0 && !token.proven.Load() || renewals >= c.opts.Attempts {
				return failure
			}
			if err := c.tokens.renew(ctx, token); err != nil {
				return err
			}
			renewals++
			call.attempt-- // a token that ran out is no failed try
		case Throttled:
			// Waiting one's turn is not a failed try. The gate bounds it when nobody gets through, the count when all
			// but this call do.
			if refused++; c.gate.hopeless(c.opts.Attempts) || refused > 5*c.opts.Attempts {
				return failure
			}
			call.attempt--
		case Unavailable:
			if call.attempt >= c.opts.Attempts || call.body != nil {
				return c.giveUp(failure)
			}
			if err := sleep(ctx, backoff(call.attempt)); err != nil {
				return err
			}
		default:
			token.proven.Store(true)
			c.unanswered.Store(0)
			return failure
		}
		c.retries.Add(1)
		c.log.Debug("repeating a call", "call", call.op, "attempt", call.attempt+1, "why", failure.Kind.String(), "status", failure.Status,
			"request_id", call.id)
	}
}

// giveUp turns the failure of one call into that of the service when too many calls in a row got no usable answer:
// then the rest of a night would only be spent waiting for time-outs.
func (c *Client) giveUp(failure *Error) *Error {
	if c.unanswered.Add(1) >= int64(max(50, 3*c.opts.Concurrency)) {
		failure.Kind = Down
	}
	return failure
}

// try sends the call once. It returns nil when out holds the answer.
func (c *Client) try(ctx context.Context, call *call, token *token, out reply) *Error {
	era, err := c.gate.enter(ctx)
	if err != nil { // the context's, or a pause that is not worth waiting for
		return &Error{Op: call.op, Kind: Throttled, cause: err}
	}
	defer c.gate.leave()
	// A process that was stopped while it waited wakes before its timers do, and somebody else may have the work by now.
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return &Error{Op: call.op, Kind: Throttled, cause: context.DeadlineExceeded}
	}

	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, call.method(), c.base.String()+"/v1"+call.uri, bytes.NewReader(call.body))
	if err != nil {
		return c.malformed(call, "the list's next page is at an address that cannot be read")
	}
	for name, values := range call.header {
		req.Header[name] = values
	}
	req.Header.Set("Authorization", "Bearer "+token.access)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("MS-RequestId", call.id)
	req.Header.Set("MS-CorrelationId", c.opts.CorrelationID)
	req.Header.Set("MS-PartnerCenter-Application", c.opts.Application)
	if call.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}

	c.requests.Add(1)
	resp, err := c.http.Do(req)
	if err != nil {
		return c.failure(call, nil, nil, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusTooManyRequests {
		c.throttled.Add(1)
		c.gate.pause(era, retryAfter(resp.Header, time.Now()))
	} else {
		c.gate.answered(era)
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated {
		body, err := io.ReadAll(io.LimitReader(resp.Body, errorLimit))
		return c.failure(call, resp, body, err)
	}
	body, err := readAll(resp.Body, call.limit)
	if errors.Is(err, errTooLong) {
		return c.malformed(call, err.Error())
	}
	if err != nil {
		return c.failure(call, resp, nil, err)
	}
	err = json.Unmarshal(withoutBOM(body), out)
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return c.malformed(call, fmt.Sprintf("an answer of another form than expected: %s at %q", e.Value, e.Field))
	}
	if err != nil {
		return c.failure(call, resp, nil, fmt.Errorf("the answer is not the JSON that was asked for: %w", err))
	}
	if words := out.flaw(); words != "" {
		return c.malformed(call, words)
	}
	return nil
}

// malformed is the error of an answer that came whole and makes no sense.
func (c *Client) malformed(call *call, words string) *Error {
	return &Error{Op: call.op, Kind: Malformed, Status: http.StatusOK, Message: words, Attempts: call.attempt,
		RequestID: call.id, CorrelationID: c.opts.CorrelationID}
}

// failure makes the one error type of this package out of whatever went wrong with a try.
func (c *Client) failure(call *call, resp *http.Response, body []byte, cause error) *Error {
	e := &Error{Op: call.op, Attempts: call.attempt, RequestID: call.id, CorrelationID: c.opts.CorrelationID, cause: withoutAddress(cause)}
	if resp != nil {
		e.Status = resp.StatusCode
		if id := clean(resp.Header.Get("MS-RequestId")); id != "" {
			e.RequestID = id
		}
		if id := clean(resp.Header.Get("MS-CorrelationId")); id != "" {
			e.CorrelationID = id
		}
	}
	e.read(body)
	e.Kind = classify(e, body)
	return e
}

var errTooLong = errors.New("the answer is longer than any answer of this kind should be")

// readAll reads a body to its end, or fails when it is longer than limit bytes.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(body)) > limit {
		err = fmt.Errorf("%w: more than %d bytes", errTooLong, limit)
	}
	return body, err
}

// withoutBOM takes off the byte-order mark that the service puts before most answers and encoding/json refuses.
func withoutBOM(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")) }

// withoutAddress strips the URL from a transport error: ids in a path are noise and a query may hold more.
func withoutAddress(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
