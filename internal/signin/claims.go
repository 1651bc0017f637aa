package signin

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/oauth2"

	"github.com/mcaledger/mcaledger/internal/partnercenter"
)

// claims are what a token says:
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
type claims struct {
	jwt.RegisteredClaims
	TenantID          string           `json:"tid"`
	Methods           jwt.ClaimStrings `json:"amr"` // how the user proved who they are
	Scopes            string           `json:"scp"`
	Roles             jwt.ClaimStrings `json:"roles"`
	Nonce             string           `json:"nonce"`
	UPN               string           `json:"upn"`
	UniqueName        string           `json:"unique_name"`
	PreferredUsername string           `json:"preferred_username"`
	Email             string           `json:"email"`
	Name              string           `json:"name"`
}

// read reads the claims of a token that came directly from the token server over TLS, which takes
// the place of its signature:
// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
func read(token string) (c claims, known bool) {
	_, _, err := jwt.NewParser().ParseUnverified(token, &c)
	if err != nil {
		return claims{}, false
	}
	return c, true
}

func (c claims) user() string {
	return cmp.Or(c.UPN, c.PreferredUsername, c.UniqueName, c.Email, c.Name, c.Subject)
}

// clockTolerance is how far the clock of this machine may be off.
const clockTolerance = 5 * time.Minute

// check hands out what somebody signed in to, if it can be used. The access token is what Partner
// Center judges, so what it says goes first.
func (a App) check(token *oauth2.Token, nonce string) (SignedIn, error) {
	text, _ := token.Extra("id_token").(string)
	id, hasID := read(text)
	access, _ := read(token.AccessToken)
	if hasID || nonce != "" {
		if err := a.checkIdentity(id, nonce); err != nil {
			return SignedIn{}, err
		}
	}
	tenant := cmp.Or(access.TenantID, id.TenantID)
	if foreign := a.foreign(access.TenantID, id.TenantID); foreign != "" {
		return SignedIn{}, refusal(partnercenter.OtherTenant,
			"the user signed in to the tenant %s, and the partner's is %s", foreign, a.Credentials.TenantID)
	}
	methods := access.Methods
	if methods == nil {
		methods = id.Methods
	}
	switch {
	case tenant == "":
		return SignedIn{}, refusal(partnercenter.OddToken, "the token does not say of which tenant it is")
	case !secondFactor(methods):
		return SignedIn{}, refusal(partnercenter.NoSecondFactor, "the user signed in without a second factor")
	case token.RefreshToken == "":
		return SignedIn{}, refusal(partnercenter.NoRefreshToken, "Microsoft gave no refresh token")
	}
	return SignedIn{RefreshToken: token.RefreshToken, User: cmp.Or(access.user(), id.user()),
		Permissions: append(strings.Fields(access.Scopes), access.Roles...)}, nil
}

// foreign is the first of the tenants that is named and not the partner's.
func (a App) foreign(tenants ...string) string {
	for _, tenant := range tenants {
		if tenant != "" && !strings.EqualFold(tenant, a.Credentials.TenantID) {
			return tenant
		}
	}
	return ""
}

// checkIdentity checks that an ID token answers this sign-in. Without a nonce there is none to
// compare: the code of a device needs none.
func (a App) checkIdentity(id claims, nonce string) error {
	switch {
	case nonce != "" && id.Nonce != nonce:
		return refusal(partnercenter.OtherSignIn, "the token holds another nonce than was sent")
	case !slices.ContainsFunc(id.Audience, a.is):
		return refusal(partnercenter.OtherSignIn, "the token is for another app")
	case jwt.NewValidator(jwt.WithLeeway(clockTolerance)).Validate(id) != nil:
		return refusal(partnercenter.OddToken,
			"the token is not valid at this time; the clock of this machine may be wrong")
	}
	return nil
}

func (a App) is(clientID string) bool { return strings.EqualFold(clientID, a.Credentials.ClientID) }

// secondFactor reports whether one of the methods stands for more than one factor.
func secondFactor(methods []string) bool {
	return slices.Contains(methods, "mfa") || slices.Contains(methods, "ngcmfa")
}
