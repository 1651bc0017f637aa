package main

import (
	"errors"
	"fmt"
	netmail "net/mail"
	"time"

	"github.com/mcaledger/mcaledger/internal/config"
	"github.com/mcaledger/mcaledger/internal/mail"
	"github.com/mcaledger/mcaledger/internal/seal"
	"github.com/mcaledger/mcaledger/jobs"
)

// enhancedSetup is how the enhanced route is used; nil: it is not. closeMail ends the connection to
// the mail server.
func (w *workspace) enhancedSetup() (setup *jobs.EnhancedSetup, closeMail func(), err error) {
	a := w.config.Attestation
	if !usesLinks(w.config) {
		return nil, func() {}, nil
	}
	key, err := linkKey(w.config)
	if err != nil {
		return nil, nil, err
	}
	unexpected := &jobs.UnexpectedAnswers{Folder: w.config.Report.Dir, Now: w.Now}
	setup = &jobs.EnhancedSetup{
		Cipher:         key,
		Lifetime:       time.Duration(a.Enhanced.ExpiryMinutes) * time.Minute,
		RemindAfter:    a.RemindAfterDays,
		RenewExpired:   a.RenewExpired,
		EvidenceDir:    a.EvidenceDir,
		KeepUnexpected: unexpected.Keep,
	}
	setup.Links, closeMail, err = w.links()
	return setup, closeMail, err
}

// usesLinks reports whether signers accept by links.
func usesLinks(c config.Config) bool {
	return c.Attestation.Route == config.RouteEnhanced || c.Attestation.Retired == config.RouteEnhanced
}

// linkKey is the key that encrypts links.
func linkKey(c config.Config) (seal.Key, error) {
	text, err := c.Attestation.Key()
	if err == nil && text == "" {
		err = errors.New(
			"attestation.key_file is not set: the enhanced route stores links encrypted; write a key with " +
				"openssl rand -hex 32, keep a copy in a safe place, and name the file",
		)
	}
	if err != nil {
		return seal.Key{}, configError{err}
	}
	key, err := seal.NewKey(text)
	if err != nil {
		return key, configError{fmt.Errorf("attestation.key_file: %w; write one with openssl rand -hex 32", err)}
	}
	return key, nil
}

// links hands links over to signers; nil if a person does: with deliver_links: file, or without
// mail.from.
func (w *workspace) links() (links func(jobs.Partner, jobs.LinkStore) *jobs.Links, closeMail func(), err error) {
	c := w.config
	if c.Mail.From.Address == "" || c.Attestation.DeliverLinks == config.LinksByFile {
		return nil, func() {}, nil
	}
	templates, err := mail.LoadTemplates(c.Mail.TemplatesDir)
	if err != nil {
		return nil, nil, configError{err}
	}
	zone, err := c.Report.Location()
	if err != nil {
		return nil, nil, configError{err}
	}
	sender, channel, closeMail, err := customerMail(c)
	if err != nil {
		return nil, nil, err
	}
	return func(p jobs.Partner, store jobs.LinkStore) *jobs.Links {
		return &jobs.Links{
			Mails:    templates,
			Sender:   sender,
			Channel:  channel,
			From:     netmail.Address(c.Mail.From),
			Partner:  p.Name,
			Language: string(c.Report.Language),
			Zone:     zone,
			Store:    store,
			Now:      w.Now,
		}
	}, closeMail, nil
}
