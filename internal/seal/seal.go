// Package seal encrypts small secrets before they are stored, with a key that is kept elsewhere.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Key encrypts and decrypts. It may be used by several goroutines.
type Key struct{ aead cipher.AEAD }

// minKey is the length of the shortest text that a key can be made of.
const minKey = 32

// prefix names the method: AES-256-GCM with a random nonce, the key derived by HKDF-SHA256.
const prefix = "v1:"

// ErrOtherKey: a secret was encrypted with another key, or for another use, or was altered.
var ErrOtherKey = errors.New("it was not encrypted with this key")

// NewKey makes a key of a text that nobody can guess.
func NewKey(text string) (Key, error) {
	if n := utf8.RuneCountInString(text); n < minKey {
		return Key{}, fmt.Errorf("the key has %d characters and must have at least %d", n, minKey)
	}
	derived, err := hkdf.Key(sha256.New, []byte(text), nil, "mcaledger stored links", 32)
	if err != nil {
		return Key{}, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return Key{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return Key{aead}, err
}

// Seal encrypts a secret. It can be opened only for the same use.
func (k Key) Seal(secret []byte, use string) string {
	return prefix + base64.RawStdEncoding.EncodeToString(k.aead.Seal(nil, nil, secret, []byte(use)))
}

// Open decrypts what Seal made, or fails with ErrOtherKey.
func (k Key) Open(sealed, use string) ([]byte, error) {
	text, ok := strings.CutPrefix(sealed, prefix)
	bytes, err := base64.RawStdEncoding.DecodeString(text)
	if !ok || err != nil {
		return nil, ErrOtherKey
	}
	secret, err := k.aead.Open(nil, nil, bytes, []byte(use))
	if err != nil {
		return nil, ErrOtherKey
	}
	return secret, nil
}
