package intake

import (
	"github.com/stretchr/testify/require"
	"os"
	"testing"
	"time"
)

func TestPhases(t *testing.T) {
	path := writeList(t, 1_000_000)
	for range 4 {
		s := time.Now()
		readBare(t, path)
		t.Log("bare", time.Since(s))
		file, _ := os.Open(path)
		s = time.Now()
		surveyBytes(file)
		t.Log("bytes", time.Since(s))
		file.Close()
		s = time.Now()
		f, err := Open(path, Options{AsOf: asOf})
		require.NoError(t, err)
		t.Log("open", time.Since(s))
		cs := f.source.(*csvSource)
		c, _ := cs.chunker()
		s = time.Now()
		for {
			if _, err := c.next(); err != nil {
				break
			}
		}
		t.Log("cut only", time.Since(s))
		s = time.Now()
		n := 0
		for range f.Rows() {
			n++
		}
		t.Log("rows", time.Since(s), n)
	}
}
