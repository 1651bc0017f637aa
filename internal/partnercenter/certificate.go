package partnercenter

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"
)

// Certificate proves who the app is in place of a secret.
type Certificate struct {
	key        *rsa.PrivateKey
	thumbprint string
}

// ReadCertificate reads a PEM file that holds a certificate and its unencrypted RSA private key.
func ReadCertificate(path string) (*Certificate, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(pem, pem)
	if err != nil {
		return nil, fmt.Errorf("%s must hold a certificate and its private key in PEM form: %w", path, err)
	}
	key, ok := pair.PrivateKey.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New(path + " holds a key that is not RSA; Microsoft's token server takes RSA")
	}
	print := sha1.Sum(pair.Certificate[0]) // the x5t header is defined as SHA-1 (RFC 7515, 4.1.7)
	return &Certificate{key: key, thumbprint: base64.RawURLEncoding.EncodeToString(print[:])}, nil
}

// assertion is a signed statement for the token server, good for ten minutes.
// Form: https://learn.microsoft.com/entra/identity-platform/certificate-credentials
func (c *Certificate) assertion(clientID, audience string, now time.Time) (string, error) {
	header := map[string]string{"alg": "RS256", "typ": "JWT", "x5t": c.thumbprint}
	claims := map[string]any{
		"aud": audience, "iss": clientID, "sub": clientID, "jti": uuid.NewString(),
		"nbf": now.Add(-time.Minute).Unix(), "iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
	}
	var parts [2]string
	for i, part := range []any{header, claims} {
		text, err := json.Marshal(part)
		if err != nil {
			return "", err
		}
		parts[i] = base64.RawURLEncoding.EncodeToString(text)
	}
	signed := parts[0] + "." + parts[1]
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, c.key, crypto.SHA256, digest[:])
	if err != nil {
		return "", err
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}
