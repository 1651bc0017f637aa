package standing

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRemedies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		remedy Remedy
		read   Outcome
		active int
		want   []Remedy
	}{
		"nothing bought: either way":          {Attest, Read, 0, []Remedy{Attest, Invite}},
		"something bought: only the partner":  {Attest, Read, 1, []Remedy{Attest}},
		"not known what was bought":           {Attest, NotRead, 0, []Remedy{Attest}},
		"not to be known what was bought":     {Attest, Failed, 0, []Remedy{Attest}},
		"at an indirect reseller, either way": {AskIndirectProvider, Read, 0, []Remedy{AskIndirectProvider, Invite}},
		"a relationship that ended":           {Invite, NotRead, 0, []Remedy{Invite}},
		"another remedy stays alone":          {Retry, Read, 0, []Remedy{Retry}},
		"none":                                {"", Read, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, Remedies(c.remedy, c.read, Purchases{Active: c.active}))
		})
	}
}
