package jobs

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/mcaledger/mcaledger/internal/atomicfile"
	"github.com/mcaledger/mcaledger/internal/attestation"
)

// UnexpectedAnswers keeps answers that differ from what is assumed about the enhanced route, each
// kind once. Safe for concurrent use.
type UnexpectedAnswers struct {
	Folder string
	Now    func() time.Time

	mu    sync.Mutex
	saved map[string]string
}

// Keep saves an answer, and names the file.
func (k *UnexpectedAnswers) Keep(u attestation.UnexpectedAnswer) (path string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	kind := u.Call + ": " + u.Expected
	if path, ok := k.saved[kind]; ok {
		return path, nil
	}
	if err := os.MkdirAll(k.Folder, 0o755); err != nil {
		return "", err
	}
	name := fmt.Sprintf("unexpected-answer-%s-%d.json", k.Now().UTC().Format("20060102-150405"), len(k.saved)+1)
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
