package signin

import (
	"context"
	"errors"
	"time"

	"golang.org/x/oauth2"

	"github.com/mcaledger/mcaledger/internal/partnercenter"
)

// Code is what a person types in where they sign in.
type Code struct {
	Address string // of the page, on whatever device
	Code    string
	Expires time.Time // zero: not known
}

// WithCode lets somebody sign in on any device. show is given the code. This is the device
// authorization flow: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
func (a App) WithCode(ctx context.Context, show func(Code)) (SignedIn, error) {
	ctx, cancel := a.wait(ctx)
	defer cancel()
	config := a.oauth()
	device, err := config.DeviceAuth(ctx)
	if err != nil {
		return SignedIn{}, refused(ctx, err)
	}
	if device.DeviceCode == "" || device.UserCode == "" || device.VerificationURI == "" {
		return SignedIn{}, refusal(partnercenter.OddToken, "the answer holds no code to sign in with")
	}
	show(Code{Address: device.VerificationURI, Code: device.UserCode, Expires: device.Expiry})
	options, err := a.proof(a.Patience + time.Minute)
	if err != nil {
		return SignedIn{}, err
	}
	token, err := poll(ctx, config, device, options)
	if err != nil {
		return SignedIn{}, err
	}
	return a.check(token, "")
}

// poll asks for the token until somebody has signed in. A token server that is out of order for a
// while does not end the sign-in.
func poll(ctx context.Context, config oauth2.Config, device *oauth2.DeviceAuthResponse,
	options []oauth2.AuthCodeOption) (*oauth2.Token, error) {
	for {
		token, err := config.DeviceAccessToken(ctx, device, options...)
		if err == nil {
			return token, nil
		}
		err = refused(ctx, err)
		e, ok := errors.AsType[*partnercenter.Error](err)
		switch {
		case !ok || e.Kind != partnercenter.Unavailable:
			return nil, err
		case !device.Expiry.IsZero() && !time.Now().Before(device.Expiry):
			return nil, refusal(partnercenter.NobodySignedIn, "nobody signed in while the code was valid")
		}
		device.Interval += slower
	}
}

// slower is by how many seconds polls become rarer after one without an answer, as after slow_down:
// https://www.rfc-editor.org/rfc/rfc8628#section-3.5
const slower = 5
