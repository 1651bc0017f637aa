package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/mcaledger/mcaledger/internal/atomicfile"
	"github.com/mcaledger/mcaledger/internal/attestation"
)

// fetch reads the accepted document of an attestation, adds its digest to what is known, and keeps
// it in the folder of evidence if there is one. The agreement is created all the same if it fails.
func (j *Enhanced) fetch(ctx context.Context, c *attestation.Claim, known *attestation.Enhanced) error {
	if c.DocumentURL == "" || c.DocumentSHA256 != "" {
		return nil
	}
	digest := sha256.New()
	if err := j.download(ctx, c, digest); err != nil {
		return fmt.Errorf("the accepted document could not be kept: %w", err)
	}
	known.DocumentSHA256, known.DocumentFetchedAt = hex.EncodeToString(digest.Sum(nil)), j.Now()
	return nil
}

func (j *Enhanced) download(ctx context.Context, c *attestation.Claim, digest hash.Hash) error {
	if j.EvidenceDir == "" {
		return j.Service.Download(ctx, c.DocumentURL, digest)
	}
	if err := os.MkdirAll(j.EvidenceDir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(j.EvidenceDir, EvidenceFile(c.ID))
	return atomicfile.Write(path, 0o600, func(w io.Writer) error {
		return j.Service.Download(ctx, c.DocumentURL, io.MultiWriter(w, digest))
	})
}

// EvidenceFile is the name of an accepted document in the folder of evidence.
func EvidenceFile(id attestation.ID) string { return fmt.Sprintf("attestation-%s.pdf", id) }

// UnfittingAnswers keeps answers that do not fit what is assumed about the enhanced route, each
// kind once. Safe for concurrent use.
type UnfittingAnswers struct {
	Folder string
	Now    func() time.Time

	mu    sync.Mutex
	saved map[string]string
}

// Keep saves an answer, and names the file.
func (k *UnfittingAnswers) Keep(u attestation.Unfitting) (path string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	kind := u.Call + ": " + u.Expected
	if path, ok := k.saved[kind]; ok {
		return path, nil
	}
	if err := os.MkdirAll(k.Folder, 0o755); err != nil {
		return "", err
	}
	name := fmt.Sprintf("answer-that-does-not-fit-%s-%d.json", k.Now().UTC().Format("20060102-150405"), len(k.saved)+1)
	path = filepath.Join(k.Folder, name)
	err = atomicfile.Write(path, 0o600, func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(struct {
			Call     string          `json:"call"`
			Status   int             `json:"status"`
			Expected string          `json:"expected"`
			Setting  string          `json:"setting"`
			Answer   json.RawMessage `json:"answer"`
		}{u.Call, u.Status, u.Expected, u.Setting, json.RawMessage(u.Body)})
	})
	if err != nil {
		return "", err
	}
	if k.saved == nil {
		k.saved = map[string]string{}
	}
	k.saved[kind] = path
	return path, nil
}
