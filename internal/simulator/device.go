package simulator

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// deviceLogin is the page where the code of a device is typed in.
const deviceLogin = "/devicelogin"

// device is something that waits for somebody to sign in for it.
type device struct {
	session  session
	code     string // that the person types in
	polls    int
	signedIn bool
	declined bool
}

// devices are those that wait, by their secret codes.
type devices struct {
	mu  sync.Mutex
	all map[string]*device
}

// serveDeviceCode begins the flow of a device:
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
func (s *Simulator) serveDeviceCode(w http.ResponseWriter, r *http.Request) {
	t, problem := s.readTokenRequest(r)
	if problem == nil {
		t.v2, t.grant = true, grantDevice
		problem = s.judgeApp(t)
	}
	if problem == nil {
		problem = judgeAudience(t)
	}
	if problem != nil {
		s.stats.refusal(strconv.Itoa(problem.number))
		s.writeAADError(w, *problem)
		return
	}
	life := s.opts.SignIn.DeviceLife
	d := &device{session: session{Tenant: t.tenant, Client: t.id, OpenID: wantsIdentity(t.form),
		Expires: time.Now().Add(life).Unix(), Serial: s.tokens.serial.Add(1)}}
	sum := s.tokens.sign("device " + s.newCode(d.session))
	secret := "0.device-" + sum
	d.code = strings.ToUpper(strings.NewReplacer("-", "X", "_", "Y").Replace(sum[:9]))
	s.devices.mu.Lock()
	s.devices.all[secret] = d
	s.devices.mu.Unlock()
	page := origin(r) + deviceLogin
	b := newBody(false)
	defer b.release()
	b.open("", '{')
	b.text("user_code", d.code)
	b.text("device_code", secret)
	b.text("verification_uri", page)
	b.number("expires_in", int(life/time.Second))
	b.number("interval", int(s.opts.SignIn.DeviceInterval/time.Second))
	b.text("message", "To sign in, use a web browser to open the page "+page+" and enter the code "+d.code+".")
	b.close('}')
	writeToken(w, http.StatusOK, b)
}

// serveDeviceLogin is the page where somebody signs in for a device.
func (s *Simulator) serveDeviceLogin(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		showPage(w, http.StatusOK, signInPage, pageData{Device: true, Code: r.URL.Query().Get("user_code")})
		return
	}
	s.devices.mu.Lock()
	defer s.devices.mu.Unlock()
	code := strings.ToUpper(strings.TrimSpace(r.PostFormValue("user_code")))
	for _, d := range s.devices.all {
		if d.code != code || time.Now().Unix() >= d.session.Expires {
			continue
		}
		d.signedIn, d.declined = true, r.PostFormValue("declined") != ""
		d.session.User, d.session.MFA = r.PostFormValue("user"), r.PostFormValue("factor") != ""
		showPage(w, http.StatusOK, messagePage, pageData{Problem: "You have signed in on your device."})
		return
	}
	showPage(w, http.StatusOK, signInPage,
		pageData{Device: true, Problem: "That code didn't work. Check the code and try again."})
}

// poll says whether somebody has signed in for a device.
func (s *Simulator) poll(t tokenRequest) (of session, problem *aadError) {
	o := s.opts.SignIn
	s.devices.mu.Lock()
	defer s.devices.mu.Unlock()
	secret := t.form.Get("device_code")
	d := s.devices.all[secret]
	refused := func(number int, name, text string) (session, *aadError) {
		return of, &aadError{400, number, name, "", text}
	}
	switch {
	case secret == "":
		return of, missing("device_code")
	case d == nil || !strings.EqualFold(d.session.Client, t.id):
		return refused(70018, "bad_verification_code", "The device code is not valid, or was used before.")
	case time.Now().Unix() >= d.session.Expires:
		return refused(70020, "expired_token", "The provided value for the input parameter 'device_code' has expired.")
	case d.declined:
		return refused(65004, "authorization_declined", "The user declined the authorization.")
	}
	d.polls++
	switch {
	case d.polls <= o.DeviceSlowDown:
		return refused(70016, "slow_down", "The device polls too often.")
	case !d.signedIn && (o.DevicePolls == 0 || d.polls <= o.DeviceSlowDown+o.DevicePolls):
		return refused(70016, "authorization_pending", "Authorization is pending. Continue polling.")
	}
	if problem := s.refusalOfSignIn(); problem != nil {
		return of, problem
	}
	if !d.signedIn {
		d.session.User, d.session.MFA = someUser, true
	}
	delete(s.devices.all, secret)
	return d.session, nil
}

// someUser signs in where nobody typed a name.
const someUser = "admin.agent@contoso.example"
