package standing

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNextStep(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		remedy Remedy
		read   Outcome
		active int
		want   Remedy
	}{
		"nothing bought: either way":          {Attest, Read, 0, AttestOrInvite},
		"something bought: only the partner":  {Attest, Read, 1, Attest},
		"not known what was bought":           {Attest, NotRead, 0, Attest},
		"not to be known what was bought":     {Attest, OutcomeUnreadable, 0, Attest},
		"at an indirect reseller, either way": {AskIndirectProvider, Read, 0, AskIndirectProviderOrInvite},
		"a relationship that ended":           {RequestRelationship, NotRead, 0, RequestRelationship},
		"another remedy stays":                {Retry, Read, 0, Retry},
		"none":                                {"", Read, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, NextStep(c.remedy, c.read, Purchases{Active: c.active}))
		})
	}
}
