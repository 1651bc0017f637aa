package xlsx

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSharedStringsSpillIntoAFile(t *testing.T) {
	t.Parallel()
	s := &sharedStrings{}
	text := func(i int) string { return strings.Repeat(string(rune('a'+i%26)), 1<<20+i) }
	for i := range 40 {
		require.NoError(t, s.add(text(i)))
	}
	require.NoError(t, s.flush())
	require.NotNil(t, s.spill)
	require.Less(t, len(s.text), inMemory)
	for i := range 40 {
		got, err := s.at(i)
		require.NoError(t, err)
		require.Equal(t, text(i), got)
	}
	_, err := s.at(40)
	require.Error(t, err)
	require.NoError(t, s.close())
}
