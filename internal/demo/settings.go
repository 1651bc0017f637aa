package demo

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/mcaledger/mcaledger/internal/simulator"
)

// ConfigFile is the name of the configuration in the folder of a simulation.
const ConfigFile = "mcaledger.yaml"

const databaseFile = "mcaledger.db"

// keyFile is the name of the file with the key that encrypts links.
const keyFile = "links.key"

// mark is the first line of the configuration of simulated partners. Only a file that begins with
// it is overwritten.
const mark = "# Configuration of simulated partners: written by mcaledger, which may overwrite it."

// Settings are the configuration of simulated partners.
type Settings struct {
	Partners      []Partner
	AcceptedSince string // empty: the default
	Route         string // of attestations; empty: nothing is sent
}

// Partner is a simulated partner account in the configuration.
type Partner struct {
	Name      string
	TenantID  string
	Kind      string
	TokenFile string
	Address   string // where it is served
}

// OnePartner returns the settings of a direct-bill partner that is served at an address.
func OnePartner(address string) Settings {
	return Settings{Partners: []Partner{{Name: "contoso", TenantID: "11111111-1111-4111-8111-111111111111",
		Kind: "direct_bill", TokenFile: "refresh-token", Address: address}}}
}

// requests_per_minute is more than a simulator can answer: there is no limit.
var config = template.Must(template.New("").Parse(mark + `
database: sqlite:` + databaseFile + `
partners:
{{- range .Partners}}
  - name: {{.Name}}
    tenant_id: {{.TenantID}}
    kind: {{.Kind}}
    client_id: 22222222-2222-4222-8222-222222222222
    client_secret: not-a-secret
    refresh_token_file: {{.TokenFile}}
    api_url: {{.Address}}
    login_url: {{.Address}}
    requests_per_minute: 60000
{{- end}}
{{- with .AcceptedSince}}
policy: { accepted_since: {{.}} }
{{- end}}
attestation:
{{- with .Route}}
  route: {{.}}
  key_file: ` + keyFile + `
  evidence_dir: ` + evidenceFolder + `
  renew_expired: true
{{- end}}
  shared_account: true # one person plays importer and approver
  settle_after: 1s
report: { dir: ./reports }
mail: { from: Contoso Licensing <licensing@contoso.example> }
`))

// String returns the text of the configuration file.
func (s Settings) String() string {
	var text strings.Builder
	if err := config.Execute(&text, s); err != nil {
		return err.Error() // cannot happen: a Builder takes everything, and the fields are texts
	}
	return text.String()
}

// NotSimulatedError means that a file in the folder may belong to a real partner.
type NotSimulatedError struct{ message string }

func (e *NotSimulatedError) Error() string { return e.message }
func (e *NotSimulatedError) Code() string  { return "usage" }
func (e *NotSimulatedError) Hint() string  { return "Name another folder." }

// Write writes the configuration and the refresh tokens into a folder. It overwrites only what it
// wrote before.
func (s Settings) Write(folder string) error {
	path := filepath.Join(folder, ConfigFile)
	there, err := os.ReadFile(path)
	if err == nil && !bytes.HasPrefix(there, []byte(mark)) {
		return &NotSimulatedError{fmt.Sprintf("%s is not the configuration of a simulated partner", path)}
	}
	names := []string{databaseFile}
	for _, p := range s.Partners {
		names = append(names, p.TokenFile)
	}
	for _, name := range names {
		if _, found := os.Lstat(filepath.Join(folder, name)); found == nil && errors.Is(err, os.ErrNotExist) {
			return &NotSimulatedError{fmt.Sprintf("%s holds %s, which is not of a simulated partner", folder, name)}
		}
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	secrets := map[string]string{}
	for _, p := range s.Partners {
		secrets[p.TokenFile] = simulator.InitialRefreshToken
	}
	if s.Route != "" {
		secrets[keyFile] = "the links of simulated customers are no secrets"
	}
	for name, secret := range secrets {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(secret+"\n"), 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(path, []byte(s.String()), 0o600)
}
