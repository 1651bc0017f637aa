package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/mcaledger/mcaledger/internal/loopback"
)

const (
	attempts       = 3
	attemptTimeout = 15 * time.Second
	pause          = 2 * time.Second // before another attempt
	maxRedirects   = 3
)

// request calls an address and repeats the call when the failure may pass. An error names the host
// alone: the rest of the address is a secret.
func (n Notifier) request(ctx context.Context, method, address string, body []byte) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		return errors.New("the configured address is not a web address")
	case u.Scheme != "https" && !(u.Scheme == "http" && loopback.Is(u.Hostname())):
		return fmt.Errorf("%s: the address must begin with https://", u.Hostname())
	}
	client := &http.Client{Transport: n.HTTP, Timeout: attemptTimeout, CheckRedirect: sameHost}
	for attempt := 1; ; attempt++ {
		again, err := try(ctx, client, method, address, body)
		if err == nil {
			return nil
		}
		err = fmt.Errorf("%s: %w", u.Hostname(), err)
		if !again || attempt == attempts {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// try makes one attempt. again says whether another one may succeed.
func try(ctx context.Context, client *http.Client, method, address string, body []byte) (again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the configured address is not a web address")
	}
	req.Header.Set("User-Agent", "mcaledger")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	if err != nil {
		return !errors.Is(err, errRedirect), cause(ctx, err)
	}
	defer resp.Body.Close()
	io.CopyN(io.Discard, resp.Body, maxAnswer) //nolint:errcheck // the answer's content is of no interest
	switch code := resp.StatusCode; {
	case code < 300:
		return false, nil
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		return true, fmt.Errorf("answer %d", code)
	default:
		return false, fmt.Errorf("answer %d; check the configured address", code)
	}
}

const maxAnswer = 64 << 10 // bytes that are read so that the connection can end in order

var errRedirect = errors.New("the answer is a redirect that is not followed; configure the address that it leads to")

// sameHost follows redirects only where the secret in the address, and the night, go to the host
// that was configured.
func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0]
	if req.URL.Host != first.URL.Host || req.URL.Scheme != first.URL.Scheme || req.Method != first.Method ||
		len(via) > maxRedirects {
		return errRedirect
	}
	return nil
}

// cause is a network error without the address.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if e := (*url.Error)(nil); errors.As(err, &e) {
		if e.Timeout() {
			return fmt.Errorf("no answer within %s", attemptTimeout)
		}
		err = e.Err
	}
	return err
}
