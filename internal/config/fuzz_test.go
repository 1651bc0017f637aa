package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mcaledger/mcaledger/internal/config"
)

// FuzzLoad looks for files that make the program panic or hang.
func FuzzLoad(f *testing.F) {
	for _, text := range []string{minimal, second, secretFiles, "report: { dir: x\n", "a: &a [*a]\n", "? [a]\n: b\n",
		"%YAML 1.2\n---\n", "a: |\n  b\n", "- - a\n", "a: !!str 1\n", "\ufeff{}", "a: \"\\u0041\"\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "mcaledger.yaml")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _ = config.Load(path, nil)
	})
}
