package main

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/mcaledger/mcaledger/internal/agreement"
	"github.com/mcaledger/mcaledger/jobs"
)

// agreementReply is the agreement in JSON; its names are a contract.
type agreementReply struct {
	envelope
	Country       string             `json:"country"`
	Language      string             `json:"language"` // in which Microsoft gives it
	AskedLanguage string             `json:"asked_language"`
	TemplateID    string             `json:"template_id"`
	DisplayLink   string             `json:"display_link"`  // valid for five minutes
	DownloadLink  string             `json:"download_link"` // the same
	File          string             `json:"file"`
	Bytes         int64              `json:"bytes"`
	SHA256        string             `json:"sha256"`
	Countries     []countryLanguages `json:"countries,omitempty"` // of --list
}

type countryLanguages struct {
	Country   string   `json:"country"`
	Languages []string `json:"languages"`
}

func (a *app) agreementCommand() *cobra.Command {
	r := &agreementReply{envelope: envelope{Command: "agreement"}}
	var job jobs.Agreement
	partner, list := "", false
	cmd := a.command("agreement", "find the Microsoft Customer Agreement for a country, in a language, and save it", r,
		func(ctx context.Context) error {
			if list {
				for _, o := range agreement.Offers() {
					r.Countries = append(r.Countries, countryLanguages(o))
				}
				a.printOffers(r.Countries)
				return nil
			}
			return a.agreement(ctx, job, partner, r)
		})
	cmd.Long = `agreement finds the document of the Microsoft Customer Agreement, prints its links, which are
valid for five minutes, and with --out saves it. Microsoft gives it in English where a country
lacks the language; that is said, with exit code 3.`
	cmd.Example = `  mcaledger agreement --country BR --language pt-BR --out mca-br.pdf
  mcaledger agreement --list`
	f := cmd.Flags()
	f.StringVar(&job.Country, "country", "", "the customer's country, such as BR")
	f.StringVar(&job.Language, "language", "", "the language, such as pt-BR (else the first that the country has)")
	f.StringVar(&job.Out, "out", "", "file to save the document to")
	f.BoolVar(&list, "list", false, "list the countries with other languages than English")
	f.StringVar(&partner, "partner", "", "the partner that asks (name or tenant id; else the first)")
	return cmd
}

func (a *app) agreement(ctx context.Context, job jobs.Agreement, partner string, r *agreementReply) error {
	if job.Country == "" {
		return usageError{errors.New("--country is missing, such as BR; --list shows all")}
	}
	c, err := a.load()
	if err != nil {
		return err
	}
	var wanted []string
	if partner != "" {
		wanted = []string{partner}
	}
	selected, err := c.Select(wanted)
	if err != nil {
		return usageError{err}
	}
	partners := a.partners(c, selected[:1])
	defer partners.Close()
	service, err := partners.Service(partners.List[0].ID, uuid.NewString())
	if err != nil {
		return err
	}
	found, err := job.Run(ctx, service)
	r.Country, r.Language, r.AskedLanguage, r.TemplateID = found.Country, found.Language, found.Asked, found.Template.ID
	r.DisplayLink, r.DownloadLink, r.File, r.Bytes, r.SHA256 = found.DisplayURL, found.DownloadURL, found.File,
		found.Bytes, found.SHA256
	switch {
	case found.File != "":
		a.printf("%s: the agreement for %s in %s, %d bytes, SHA-256 %s\n", found.File, found.Country, found.Language,
			found.Bytes, found.SHA256)
	case found.DownloadURL != "":
		a.printf("The agreement for %s in %s (template %s). The links are valid for five minutes.\n", found.Country,
			found.Language, found.Template.ID)
		a.printf("  to read:     %s\n  to download: %s\n", found.DisplayURL, found.DownloadURL)
	}
	return err
}

func (a *app) printOffers(offers []countryLanguages) {
	list := table{columns: []column{left("COUNTRY"), left("LANGUAGES")}}
	for _, o := range offers {
		list.add(o.Country, strings.Join(o.Languages, " "))
	}
	a.answer(list)
	a.printf("All other countries have it in %s. This is a list of 2021; the command says what Microsoft gives "+
		"today.\n",
		agreement.English)
}
