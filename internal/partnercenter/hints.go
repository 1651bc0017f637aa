package partnercenter

import (
	"regexp"
	"slices"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// This file holds every cause of a failed call that a person can remove, with what to do about it.
// The numbers of the token server:
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes. The codes of the
// service: https://learn.microsoft.com/partner-center/developer/error-codes.

// Hint is what a person can do about the error.
func (e *Error) Hint() string {
	if cause, code := causeOf(e.reason); code != "" {
		return cause.hint
	}
	if hint, ok := reasonHints[e.reason]; ok {
		return hint
	}
	if hint, ok := serviceHints[e.ServiceCode]; ok && (e.Kind == Forbidden || e.Kind == RoleMissing) {
		return hint
	}
	if e.Kind == RoleMissing && e.partner == standing.IndirectReseller {
		return "Microsoft lets indirect resellers read and attest less than others. Check that the signed-in user " +
			"has the " +
			"role Admin agent or Sales agent, that `kind` in the configuration is right, and ask the indirect " +
			"provider of these customers."
	}
	return kindHints[e.Kind]
}

// HintForMany is what a person can do when most customers' reads fail in this way.
func (e *Error) HintForMany() string {
	if hint, ok := kindHintsForMany[e.Kind]; ok {
		return hint
	}
	return e.Hint()
}

// kindHintsForMany are for errors that are about a customer until most customers have them.
var kindHintsForMany = map[Kind]string{
	RelationshipEnded: "Microsoft says of most customers that the partner has no relationship with them. " +
		checkAccount,
	NotFound: "Microsoft says of most customers that they do not exist. " + checkAccount,
}

const checkAccount = "Check that tenant_id and api_url are the partner's own, that the signed-in user belongs to " +
	"that tenant and still has the role Admin agent, " +
	"and that the partner's account is active and its reseller relationships are there in Partner Center."

var kindHints = map[Kind]string{
	Unavailable: "The service gave no usable answer. Run again: what was read is saved, and the run continues.",
	Down: "The service gives no usable answers. Run again later: what was read is saved, and the run " +
		"continues.",
	Throttled: "The service accepts no more requests for now. Run again later, or lower requests_per_minute; what " +
		"was read is saved.",
	Malformed: "mcaledger cannot make sense of the service's answer. Keep the two ids for Microsoft's support, " +
		"and look for a newer version of mcaledger.",
	Refused: "The service refused the call. Keep the two ids: Microsoft's support asks for them.",
	TokenRefused: "The service does not accept the access token. Check tenant_id and client_id, and that the app has " +
		"consent for Partner Center; then sign in again with mcaledger login.",
	SignInFailed: "Check tenant_id, client_id and the client secret or certificate of the partner in the " +
		"configuration. " +
		"If they are right, look the error up at https://login.microsoftonline.com/error.",
	MFAMissing: signInAgain + ": Partner Center accepts no sign-in without it.",
	WrongAudience: "The token was made for another resource than Partner Center. Check login_url, and that the " +
		"app registration has the permission for Microsoft Partner Center.",
	AppOnly: "This call needs a signed-in user. Sign in with mcaledger login, and name the file of the " +
		"refresh token with refresh_token_file.",
	RoleMissing: "The signed-in user needs the role Admin agent or Sales agent in Partner Center.",
	Forbidden: "Microsoft refuses the call with a code that mcaledger does not know. Keep the two ids: " +
		"Microsoft's support asks for them.",
	RelationshipEnded: "There is no reseller relationship with this customer any more. Send it a new relationship " +
		"request if it is still yours.",
	NotFound: "Microsoft no longer knows this customer. Look for it in Partner Center.",
	AddressNotFound: "Nothing answers at this address, which says nothing about the customer. Check api_url, and " +
		"whether a proxy or gateway stands between.",
	Retired: "Microsoft retired the classic attestation call in January 2026. Set attestation.route to " +
		"enhanced; nothing was sent, and the rows stay approved.",
	Unexpected: "Microsoft's answer does not fit what mcaledger assumes about the enhanced route. Look at the " +
		"answer that was saved, correct attestation.enhanced in the configuration, and send the file to the " +
		"maintainers of mcaledger; it holds no personal data.",
	NoAgreement: "The customer has no agreement on record.",
	NoTemplate: "This account is offered no Microsoft Customer Agreement: only the global cloud has it. Check " +
		"api_url and tenant_id; in a sandbox, ask Microsoft's support.",
	Redirected: "The service's address answers with a redirect, which mcaledger does not follow. Put the " +
		"final address into api_url or login_url, or let the proxy on the way pass it.",
	HostNotFound: "DNS does not know this host. Check api_url and login_url, and the DNS server of this machine.",
	ConnectionRefused: "Nothing answers at this address. Check api_url and login_url, and that the firewall lets " +
		"this machine reach them; where a proxy is needed, set HTTPS_PROXY.",
	ProxyFailed: "The proxy of HTTPS_PROXY cannot be reached, or refuses. Check its address, user and " +
		"password, and that it allows the hosts of api_url and login_url (else NO_PROXY).",
	TLSFailed: "No encrypted connection could be made. Check api_url and login_url, and what stands between " +
		"this machine and Microsoft.",
}

// signInAgain is the hint where a person's sign-in is. Partner Center accepts none without a second
// factor.
const signInAgain = "Sign in again with multi-factor authentication (mcaledger login)"

// reasonHints are for kinds that have more than one hint.
var reasonHints = map[string]string{
	tlsName: "The certificate is for another host. Check api_url and login_url, and that no proxy answers in the " +
		"place of Microsoft.",
	tlsTrust: "This machine does not trust the certificate. If a proxy inspects encrypted traffic, install its " +
		"root certificate on this machine (or set SSL_CERT_FILE); else do not go on.",
	tlsExpired: "The certificate has expired or is not valid yet. Check the clock of this machine first, then who " +
		"answers at this address.",
	tlsProtocol: "What answers at this address does not speak TLS as it should. Check the address and port, and the " +
		"proxy on the way.",

	noTenantOfPartner: "Microsoft says that the partner has no relationship with the tenant, of a call that is about " +
		"the partner itself. " + checkAccount,
	redirected: kindHints[Redirected],
	statusPath: "Microsoft does not know this attestation: another partner's account may have created it. If " +
		"no attestation is known, correct attestation.enhanced.status_path in the configuration.",
	agreementToken: "Microsoft creates the agreement only for a signed-in user. Set " +
		"attestation.enhanced.agreement_token to app_user; what was accepted is kept, and the next submission goes on.",
	tokenFile: signInAgain +
		", or name the right file with refresh_token_file, readable by the user that runs mcaledger.",
	OddToken: "What answers at login_url is not Microsoft's token server. Check login_url, and whether a " +
		"proxy stands between.",
	NobodySignedIn: "Run mcaledger login again. If the page shows an error such as AADSTS50011, docs/operations.md " +
		"says what it means; " +
		"where the browser cannot reach this machine, use mcaledger login --device.",
	OtherSignIn: "The answer belongs to another sign-in, perhaps of an older page. Close such pages, and run " +
		"mcaledger login again.",
	OtherTenant: "Run mcaledger login again as a user of the partner's tenant, or correct tenant_id in the " +
		"configuration.",
	NoSecondFactor: signInAgain +
		": Partner Center accepts no sign-in without it. If you were not asked for a second factor, let your Entra " +
		"administrator demand it of this user.",
	NoRefreshToken: "Without a refresh token no night can run. Check that the app registration is a web app, and " +
		"that no policy of the tenant forbids offline access.",

	unknownForbidden: "Microsoft refuses the attestation with a code that mcaledger does not know. If it refuses " +
		"them all alike, the classic call is " +
		"retired for this partner (as for most since January 2026): set attestation.route to enhanced. Nothing was " +
		"accepted, and the rows stay approved.",
}

const (
	noTenantOfPartner = "no_tenant_of_partner"
	redirected        = "redirected"
	statusPath        = "status_path"
	agreementToken    = "agreement_token"
	tokenFile         = "token_file"
	unknownForbidden  = "unknown_forbidden"
)

// serviceHints are the 403s whose code names the partner's account or the customer's.
var serviceHints = map[string]string{
	"2030": "The partner may not sell in this customer's country. Check the region of the Partner Center account.",
	"800039": "The partner's reseller program is not active. Look for notices in Partner Center (Account settings, " +
		"Programs).",
	"800073": "Microsoft is reviewing this customer's account. Wait some days.",
	"800074": "Microsoft is reviewing this customer's account. Wait some days.",
	"800075": "Microsoft did not approve this customer's account. Check the customer's company data in Partner Center.",
	"900123": "The indirect reseller has not accepted the Microsoft Partner Agreement. Its Global Administrator has " +
		"to accept it in Partner Center.",
	"900124": "Your company has not accepted the current Microsoft Partner Agreement. Your Global Administrator has " +
		"to accept it in Partner Center.",
	"900149": "The partner's program is not active. Look for notices in Partner Center (Account settings, Programs).",
	"900309": "A Conditional Access policy blocks the call. Ask your Entra administrator to allow this app and this " +
		"machine's address for the signed-in user.",
}

// signInCause is what errors of the token server mean.
type signInCause struct {
	kind  Kind
	codes []string // AADSTS numbers and OAuth words
	hint  string
}

// causeOf finds the first of the codes that the table knows.
func causeOf(codes ...string) (cause signInCause, code string) {
	for _, code := range codes {
		for _, cause := range signInCauses {
			if slices.Contains(cause.codes, code) {
				return cause, code
			}
		}
	}
	return signInCause{}, ""
}

var signInCauses = []signInCause{
	{MFAMissing, []string{"50072", "50074", "50076", "50078", "50079", "50158"}, kindHints[MFAMissing]},
	{SignInFailed, []string{"700082", "700081", "700084", "70008", "70043", "50089", "50132", "54005"},
		"The refresh token has expired or was revoked. " + signInAgain + "."},
	{SignInFailed, []string{"50173", "50133", "50144", "50055"},
		"The password of the signed-in user was changed or has expired, or its sessions were revoked. " + signInAgain +
			"."},
	{SignInFailed, []string{"9002313", "70000", "50013"},
		"The refresh token in refresh_token_file is damaged, or belongs to another app. " + signInAgain + "."},
	{SignInFailed, []string{"53003", "53000", "53001", "53002", "53004", "53011", "50005", "50097", "50131", "530032",
		"530034", "530035"},
		"A Conditional Access policy blocks the sign-in, and signing in again changes nothing. Ask your Entra " +
			"administrator to allow " +
			"this app and this machine's address for the signed-in user; the sign-in log in Entra names the policy."},
	{SignInFailed, []string{"65001", "65005", "650057", "90093", "90094", "consent_required"},
		"The app has no consent for Partner Center. Let a Global Administrator grant admin consent to the app (Entra " +
			"admin center, " +
			"App registrations, API permissions), then sign in again with mcaledger login."},
	{SignInFailed, []string{"700016", "70001", "unauthorized_client"},
		"client_id names no app of this tenant. Copy the Application (client) ID of the app registration, and check " +
			"tenant_id."},
	{SignInFailed, []string{"90002", "50128", "50059", "900023", "900382", "900432"},
		"tenant_id names no tenant of this cloud. Copy the partner's Tenant ID from Entra, and check login_url " +
			"(national clouds have their own)."},
	{SignInFailed, []string{"7000112", "50014", "500014"},
		"The app is disabled in the tenant. Let an administrator enable sign-in for it (Entra admin center, " +
			"Enterprise applications, Properties)."},
	{SignInFailed, []string{"500011", "650052", "invalid_resource"},
		"The tenant does not know Partner Center as a resource. Check tenant_id: it has to be the partner's own " +
			"tenant, enrolled in Partner Center."},
	{SignInFailed, []string{"50034", "500341", "50020", "51004", "90072"},
		"The user is not in this tenant, or was deleted. Sign in with mcaledger login as a user of the partner's " +
			"tenant."},
	{SignInFailed, []string{"50057"},
		"The user's account is disabled. Let an administrator enable it, or sign in with mcaledger login as another " +
			"user with the role Admin agent."},
	{SignInFailed, []string{"50053"},
		"The user's account is locked after failed sign-ins, or the address of this machine is blocked. Wait, or let " +
			"an administrator unlock it."},
	{SignInFailed, []string{"50105", "501051"},
		"The app demands that users are assigned to it, and this one is not. Let an administrator assign the user " +
			"(Entra admin center, " +
			"Enterprise applications, Users and groups)."},
	{SignInFailed, []string{"7000215", "50012", "70002", "invalid_client"},
		"The client secret is wrong. Put the secret's value into client_secret or client_secret_file, not its id; " +
			"make a new one if it is lost."},
	{SignInFailed, []string{"7000222"},
		"The client secret has expired. Make a new one (Entra admin center, App registrations, Certificates & " +
			"secrets), and put its value " +
			"into client_secret or client_secret_file."},
	{SignInFailed, []string{"7000218", "7000216"},
		"The app has to prove who it is. Set client_secret, client_secret_file or certificate_file."},
	{SignInFailed, []string{"700025"},
		"The app is registered as a public client, which has no secret. Remove client_secret, or register the app as " +
			"a web app."},
	{SignInFailed, []string{"700027", "700030", "50027"},
		"The certificate of certificate_file is not registered for this app. Upload its public part (Entra admin " +
			"center, App registrations, " +
			"Certificates & secrets)."},
	{SignInFailed, []string{"1000502"},
		"The certificate of certificate_file has expired. Make a new one, and register it for the app."},
	{SignInFailed, []string{"700024", "500133"},
		"The signed statement of the certificate is outside its time range: the clock of this machine is wrong. Set " +
			"it by NTP."},
	{SignInFailed, []string{"70011", "1002012", "invalid_scope"},
		"The scope is not accepted. Check login_url, and that the app registration has the permission for Microsoft " +
			"Partner Center."},
	{SignInFailed, []string{"50011", "500113", "700054", "70003", "unsupported_grant_type",
		"unsupported_response_type"},
		"The app does not allow this kind of sign-in. Add the redirect URI http://localhost for the browser, or " +
			"allow public client flows " +
			"for the device code (Entra admin center, App registrations, Authentication)."},
	{SignInFailed, []string{"65004", "access_denied", "authorization_declined", "70018"},
		"The sign-in was declined. Run mcaledger login again, and accept."},
	{SignInFailed, []string{"expired_token", "code_expired", "70019"},
		"Nobody signed in in time. Run mcaledger login again."},
	{SignInFailed, []string{"interaction_required", "login_required", "50058", "16000"},
		"A person has to sign in again: something about the user or the tenant's policies has changed. " + signInAgain +
			"; the sign-in log in Entra says what."},
	{SignInFailed, []string{"invalid_grant"}, "The token server refuses the refresh token. " + signInAgain + "."},
	{Unavailable, []string{"90033", "90024", "90006", "90055", "90036", "temporarily_unavailable", "server_error"},
		kindHints[Unavailable]},
}

// aadsts finds the numbers of errors in the token server's text; the rest of it may name the user.
var aadsts = regexp.MustCompile(`AADSTS(\d+)`)
