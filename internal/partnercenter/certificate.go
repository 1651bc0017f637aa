package partnercenter

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// Certificate proves who the app is in place of a secret.
type Certificate struct {
	key        *rsa.PrivateKey
	thumbprint string
	expires    time.Time
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
	return &Certificate{key, base64.RawURLEncoding.EncodeToString(print[:]), pair.Leaf.NotAfter}, nil
}

// Expires is when the token server will stop accepting the certificate.
func (c *Certificate) Expires() time.Time { return c.expires }

// assertion is a signed statement for the token server.
// Form: https://learn.microsoft.com/entra/identity-platform/certificate-credentials
func (c *Certificate) assertion(clientID, audience string, now time.Time, life time.Duration) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": clientID, "sub": clientID, "aud": audience, "jti": uuid.NewString(),
		"nbf": now.Add(-time.Minute).Unix(), "iat": now.Unix(), "exp": now.Add(life).Unix(),
	})
	token.Header["x5t"] = c.thumbprint
	return token.SignedString(c.key)
}
