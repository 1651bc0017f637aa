package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

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
