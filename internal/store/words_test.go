package store_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/sql"
)

// The schema allows the words of the code, and no others.
func TestSchemaAllowsTheWordsOfTheCode(t *testing.T) {
	t.Parallel()
	allowed := map[string][]string{}
	steps, err := sql.SQLite.Migrations()
	require.NoError(t, err)
	table := regexp.MustCompile(`(?s)CREATE TABLE (\w+) \(\n(.*?)\n\)`)
	check := regexp.MustCompile(`CHECK \((\w+) IN \(([^)]*)\)\)`)
	for _, step := range steps {
		for _, made := range table.FindAllStringSubmatch(step.Text, -1) {
			for _, c := range check.FindAllStringSubmatch(made[2], -1) {
				for _, word := range regexp.MustCompile(`'(\w*)'`).FindAllStringSubmatch(c[2], -1) {
					column := made[1] + "." + c[1]
					allowed[column] = append(allowed[column], word[1])
				}
			}
		}
	}
	for column, words := range map[string][]string{
		"attestation.state":          texts(attestation.States()),
		"attestation_request.kind":   texts(attestation.RequestKinds()),
		"attestation_request.result": append(texts(attestation.SendResults()), ""),
		"event.kind":                 texts(ledger.EventKinds()),
		"invitation.kind":            texts(ledger.InvitationKinds()),
		"invitation.channel":         texts(ledger.Channels()),
		"invitation_result.outcome":  texts(ledger.InvitationOutcomes()),
		"attestation_link.kind":      texts(attestation.LinkKinds()),
	} {
		require.ElementsMatch(t, words, allowed[column], column)
	}
}

func texts[T ~string](words []T) (all []string) {
	for w := range slices.Values(words) {
		all = append(all, string(w))
	}
	return all
}
