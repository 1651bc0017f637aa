package reports

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSchema keeps docs/report.schema.json what WriteJSON writes: every sheet and column with its
// meaning, the kind of its values, and the codes that may stand in it.
func TestSchema(t *testing.T) {
	t.Parallel()
	book, source := usual()
	var out bytes.Buffer
	_, err := WriteJSON(t.Context(), &out, book, source)
	require.NoError(t, err)
	var written struct {
		Sheets map[string][]map[string]any `json:"sheets"`
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &written))
	say := catalogueIn(t, "en")
	sheets := map[string]any{}
	for _, table := range allTables(t, book, source) {
		columns, required := map[string]any{}, []string{}
		for _, c := range table.columns {
			if c.only == workbook {
				continue
			}
			columns[c.key] = schemaOf(t, table.key, c.key, say, table, written.Sheets[table.key])
			required = append(required, c.key)
		}
		sheets[table.key] = map[string]any{"type": "array", "description": say.Sheets[table.key].label(),
			"items": map[string]any{"type": "object", "properties": columns, "required": required}}
	}
	text, err := json.MarshalIndent(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "mcaledger report --format json",
		"type": "object", "required": []string{"schema_version", "made_at", "as_of", "verdict", "runs", "sheets",
			"sha256"},
		"properties": map[string]any{
			"schema_version": map[string]any{"const": SchemaVersion},
			"made_at":        map[string]any{"type": "string", "format": "date-time"},
			"as_of": map[string]any{"type": "string", "format": "date-time",
				"description": "The ledger is shown as it stood at this instant."},
			"verdict": map[string]any{"enum": []string{"nothing_to_check", "ok", "failed"}},
			"runs": map[string]any{"type": "array", "items": map[string]any{"type": "object",
				"properties": map[string]any{
					"partner": map[string]any{"type": "string"}, "run": nullable("integer"),
					"started_at": nullable("string"), "against": nullable("integer")}}},
			"sheets": map[string]any{"type": "object", "properties": sheets},
			"sha256": map[string]any{"type": "string", "pattern": "^[0-9a-f]{64}$",
				"description": "Of the sheets as CSV, one after the other."},
		},
	}, "", "  ")
	require.NoError(t, err)
	path := filepath.Join("..", "docs", "report.schema.json")
	if *update {
		require.NoError(t, os.WriteFile(path, append(text, '\n'), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(text)+"\n", "write it again with: go test ./reports -run TestSchema -update")
}

func nullable(kind string) map[string]any { return map[string]any{"type": []string{kind, "null"}} }

// schemaOf describes a column: whole numbers or texts, and the codes of columns with words.
func schemaOf(t *testing.T, sheet, key string, say catalogue, table table, rows []map[string]any) map[string]any {
	t.Helper()
	kind := "string"
	for _, row := range rows {
		if _, ok := row[key].(float64); ok {
			kind = "integer"
		}
	}
	for _, row := range rows {
		_, number := row[key].(float64)
		assert.True(t, row[key] == nil || number == (kind == "integer"), "%s.%s is now a number and now a text", sheet,
			key)
	}
	described := nullable(kind)
	described["description"] = say.columnText(table, key).text()
	words := wordKinds[sheet+"."+key]
	if words == "" {
		words = wordKinds[key]
	}
	if words != "" {
		codes := []any{nil}
		all := sortedKeys(say.Words[words])
		if words == "remedy" { // a customer's next step may be that of its attestation
			all = append(all, sortedKeys(say.Words["attestation_step"])...)
			slices.Sort(all)
			assert.Len(t, slices.Compact(slices.Clone(all)), len(all), "a code means one thing")
		}
		for _, code := range all {
			codes = append(codes, code)
		}
		for _, row := range rows {
			assert.True(t, slices.Contains(codes, row[key]), "%s.%s has the code %v", sheet, key, row[key])
		}
		described = map[string]any{"description": described["description"], "enum": codes}
	}
	return described
}

func sortedKeys(m map[string]labelled) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
