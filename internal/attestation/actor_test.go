package attestation_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
)

func TestSamePerson(t *testing.T) {
	t.Parallel()
	olga := attestation.Actor{Name: "Olga Silva", UserID: "1000", Host: "desk"}
	tests := []struct {
		name   string
		other  attestation.Actor
		shared bool
		same   bool
	}{
		{"another name and user", attestation.Actor{Name: "Bea", UserID: "1001", Host: "desk"}, false, false},
		{"the same user under another name", attestation.Actor{Name: "Bea", UserID: "1000", Host: "desk"}, false, true},
		{"the same user id on another host", attestation.Actor{Name: "Bea", UserID: "1000", Host: "laptop"}, false,
			false},
		{"another name of a shared account", attestation.Actor{Name: "Bea", UserID: "1000", Host: "desk"}, true, false},
		{"the same name of a shared account", attestation.Actor{Name: "olga silva", UserID: "1000", Host: "desk"}, true,
			true},
		{"the same name and another user", attestation.Actor{Name: "Olga Silva", UserID: "1001", Host: "desk"}, false,
			true},
		{"two whose user is not known", attestation.Actor{Name: "Bea", Host: "desk"}, false, false},
		{"upper case", attestation.Actor{Name: "OLGA SILVA"}, false, true},
		{"full width", attestation.Actor{Name: "Ｏｌｇａ　Ｓｉｌｖａ"}, false, true},
		{"more spaces", attestation.Actor{Name: "  Olga   Silva\t"}, false, true},
		{"a zero-width space", attestation.Actor{Name: "Ol\u200bga Silva"}, false, true},
		{"a Cyrillic a", attestation.Actor{Name: "Olgа Silva"}, false, true},
		{"a digit for a letter", attestation.Actor{Name: "0lga Silva"}, false, true},
		{"a Greek capital letter", attestation.Actor{Name: "ΟLGA SILVA"}, false, true},
		{"a dot", attestation.Actor{Name: "Olga Silva."}, false, true},
		{"no space", attestation.Actor{Name: "OlgaSilva"}, false, true},
		{"a space in a word", attestation.Actor{Name: "Ol ga Silva"}, false, true},
		{"an accent", attestation.Actor{Name: "Olgá Silva"}, false, true},
		{"a stroke through a letter", attestation.Actor{Name: "Olga\u0336 Silva"}, false, true},
		{"a name that begins alike", attestation.Actor{Name: "Olga"}, false, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.same, olga.SamePerson(test.other, test.shared))
			require.Equal(t, test.same, test.other.SamePerson(olga, test.shared))
		})
	}
	composed, decomposed := attestation.Actor{Name: "Jos\u00e9"}, attestation.Actor{Name: "Jose\u0301"}
	require.True(t, composed.SamePerson(decomposed, false))
	require.True(t, composed.SamePerson(attestation.Actor{Name: "Jose"}, false), "people write it both ways")
}
