package jobs

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/ledger"
)

func TestNamesOfSplitFilesAreSafeEverywhere(t *testing.T) {
	t.Parallel()
	partner := ledger.Partner{Name: "contoso-eu"}
	for name, want := range map[string]string{
		"Adatum & Söhne GmbH":        "contoso-eu.Adatum-Söhne-GmbH.5e11e400-0000.xlsx",
		`..\..\etc/passwd`:           "contoso-eu.etc-passwd.5e11e400-0000.xlsx",
		"CON":                        "contoso-eu.CON.5e11e400-0000.xlsx",
		"":                           "contoso-eu.5e11e400-0000.xlsx",
		" \x00:*?\"<>|\u202e":        "contoso-eu.5e11e400-0000.xlsx",
		"株式会社":                       "contoso-eu.株式会社.5e11e400-0000.xlsx",
		strings.Repeat("long ", 100): "contoso-eu." + strings.Repeat("long-", 12) + ".5e11e400-0000.xlsx",
	} {
		require.Equal(t, want, splitName(partner, name, "5e11e400-0000"), "%q", name)
	}
}

// Account managers are names that somebody typed: two that have the same letters have two files.
func TestOwnersHaveFilesOfTheirOwn(t *testing.T) {
	t.Parallel()
	partner := ledger.Partner{Name: "contoso-eu"}
	require.Regexp(t, `^contoso-eu\.Ana-Lima\.[0-9a-f]{8}\.xlsx$`, ownerName(partner, "Ana Lima"))
	require.NotEqual(t, ownerName(partner, "Ana Lima"), ownerName(partner, "Ana/Lima"))
	require.Regexp(t, `^contoso-eu\.[0-9a-f]{8}\.xlsx$`, ownerName(partner, "../.."))
	require.Equal(t, "contoso-eu.no-owner.xlsx", ownerName(partner, ""))
	require.NotEqual(t, ownerName(partner, ""), ownerName(partner, "no-owner"))
}
