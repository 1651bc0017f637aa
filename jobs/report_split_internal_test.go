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
		require.Equal(t, want, splitName(partner, ledger.Reseller{ID: "5e11e400-0000", Name: name}), "%q", name)
	}
}
