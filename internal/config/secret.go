package config

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/mcaledger/mcaledger/internal/secretfile"
)

// Secret is a text that is never printed, or the file that holds it. The file is read only when the
// secret is needed, so that commands which do not need it can run as a user who may not read it.
type Secret struct {
	key  string
	text string
	file string
}

// IsSet reports whether the secret is given.
func (s Secret) IsSet() bool { return s.text != "" || s.file != "" }

// Read returns the secret.
func (s Secret) Read() (string, error) {
	if s.file == "" {
		return s.text, nil
	}
	return readSecret(s.key+"_file", s.file, "write the secret to it, or correct the path")
}

// File is the file that holds the secret; empty: there is none.
func (s Secret) File() string { return s.file }

// ReadURL returns a secret that is an address of https, or of http on this host.
func (s Secret) ReadURL() (string, error) {
	text, err := s.Read()
	if err != nil || text == "" {
		return "", err
	}
	if problem := badSecretURL(text); problem != "" {
		return "", fmt.Errorf("%s %s", s.key, problem)
	}
	return text, nil
}

// String hides the secret.
func (s Secret) String() string {
	if s.IsSet() {
		return "(secret)"
	}
	return ""
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// SecretFileError is about the file of a secret that cannot be used, while the configuration may be
// right. Its message says what to do.
type SecretFileError struct{ error }

// Unwrap returns the cause.
func (e *SecretFileError) Unwrap() error { return e.error }

// readSecret reads the file that a key names. hint says what to do when it is missing or empty.
func readSecret(key, path, hint string) (string, error) {
	secret, err := secretfile.Read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("%s: %w; %s", key, err, hint)
	case errors.Is(err, fs.ErrPermission):
		err = fmt.Errorf("%s: %w; run mcaledger as a user who may read it", key, err)
	case err != nil:
		err = fmt.Errorf("%s: %w", key, err)
	case secret == "":
		err = fmt.Errorf("%s: %s is empty; %s", key, path, hint)
	default:
		return secret, nil
	}
	return "", &SecretFileError{err}
}

// Key reads the key that encrypts stored attestation links; it is empty without key_file.
func (a Attestation) Key() (string, error) {
	if a.KeyFile == "" {
		return "", nil
	}
	return readSecret("attestation.key_file", a.KeyFile, "write a key to it, or correct the path")
}

// Credentials are what a partner signs in with.
type Credentials struct {
	ClientID         string
	ClientSecret     string // or
	CertificateFile  string
	RefreshTokenFile string // empty: as the app alone
}

// AppUser reads the credentials for calls with a signed-in user. Use it only where Microsoft is
// called.
func (p Partner) AppUser() (Credentials, error) {
	c, err := p.SignIn()
	if p.RefreshTokenFile != "" {
		_, unreadable := readSecret("refresh_token_file", p.RefreshTokenFile, "sign in with mcaledger login")
		err = errors.Join(err, unreadable)
	}
	return c, err
}

// SignIn reads the credentials of the app that a user signs in to. The refresh token need not be
// there yet.
func (p Partner) SignIn() (Credentials, error) {
	c, err := p.App.credentials("")
	c.RefreshTokenFile = p.RefreshTokenFile
	return c, err
}

// AppAlone reads the credentials for calls without a user. Use it only where Microsoft is called.
func (p Partner) AppAlone() (Credentials, error) {
	if p.AppOnly.isGiven() {
		return p.AppOnly.credentials("app_only.")
	}
	return p.App.credentials("")
}

func (a App) credentials(section string) (Credentials, error) {
	secret, err := a.ClientSecret.Read()
	if a.CertificateFile != "" {
		_, unreadable := readSecret(section+"certificate_file", a.CertificateFile,
			"put the certificate and its private key there in PEM form")
		err = errors.Join(err, unreadable)
	}
	return Credentials{ClientID: a.ClientID, ClientSecret: secret, CertificateFile: a.CertificateFile}, err
}
