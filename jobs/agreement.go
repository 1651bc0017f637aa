package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mcaledger/mcaledger/internal/agreement"
	"github.com/mcaledger/mcaledger/internal/atomicfile"
)

// Agreement finds the Microsoft Customer Agreement for a country, in a language, and saves it.
type Agreement struct {
	Country  string // ISO 3166-1 alpha-2, in any case
	Language string // such as pt-BR; empty: the first that the country has
	Out      string // the file to save the document to; empty: only its links are found
}

// AgreementService is what the job asks of Partner Center.
type AgreementService interface {
	AgreementTemplate(ctx context.Context) (agreement.Template, error)
	// Document finds the document of a template. Its links are valid for five minutes.
	Document(ctx context.Context, templateID, language, country string) (agreement.Document, error)
	// Download writes what is at one of these links.
	Download(ctx context.Context, link string, w io.Writer) error
}

// AgreementFound is the document that Microsoft gives.
type AgreementFound struct {
	Template agreement.Template
	agreement.Document
	Asked  string // the language that was asked for
	File   string // that it was saved to; empty: none
	Bytes  int64
	SHA256 string // of the file, in hexadecimal
}

// OtherLanguageError: Microsoft gives the agreement in another language than the one that was asked
// for.
type OtherLanguageError struct{ Country, Asked, Given string }

func (e *OtherLanguageError) Error() string {
	return fmt.Sprintf("Microsoft gives the agreement for %s in %s, not in %s", e.Country, e.Given, e.Asked)
}
func (e *OtherLanguageError) Code() string { return "other_language" }
func (e *OtherLanguageError) Hint() string { return offeredHint(e.Country) }

func offeredHint(country string) string {
	return fmt.Sprintf("Known languages for %s: %s. mcaledger agreement --list shows all countries.", country,
		strings.Join(agreement.Languages(country), ", "))
}

// Run finds the document, and saves it. Where Microsoft gives another language, the error says so
// and the document is saved all the same.
func (j Agreement) Run(ctx context.Context, service AgreementService) (found AgreementFound, err error) {
	if j.Country, err = agreement.ParseCountry(j.Country); err != nil {
		return found, usageErrorf("--country %w", err)
	}
	if j.Language == "" {
		j.Language = agreement.Languages(j.Country)[0]
	}
	if j.Language, err = agreement.ParseLanguage(j.Language); err != nil {
		return found, usageErrorf("--language %w", err)
	}
	if _, err := os.Lstat(j.Out); j.Out != "" && err == nil {
		return found, &os.PathError{Op: "write the agreement", Path: j.Out, Err: os.ErrExist}
	}
	if found.Template, err = service.AgreementTemplate(ctx); err != nil {
		return found, err
	}
	found.Asked = j.Language
	if found.Document, err = j.find(ctx, service, found.Template.ID); err != nil {
		return found, err
	}
	if j.Out != "" {
		if err := j.save(ctx, service, &found); err != nil {
			return found, err
		}
	}
	if !strings.EqualFold(found.Language, j.Language) {
		other := &OtherLanguageError{Country: j.Country, Asked: j.Language, Given: found.Language}
		return found, partial(other.Code(), other.Error(), other)
	}
	return found, nil
}

// find asks for the document. An answer that names no language is in the one that was asked for.
func (j Agreement) find(ctx context.Context, service AgreementService, template string) (agreement.Document, error) {
	d, err := service.Document(ctx, template, j.Language, j.Country)
	if refused, ok := errors.AsType[serviceError](err); ok && !refused.Fatal() {
		return d, fmt.Errorf("%w. %s", err, offeredHint(j.Country))
	}
	if d.Language == "" {
		d.Language = j.Language
	}
	return d, err
}

// save downloads the document. If its links have expired, or are refused, new ones are asked for
// once.
func (j Agreement) save(ctx context.Context, service AgreementService, found *AgreementFound) error {
	err := j.download(ctx, service, found)
	if refused, ok := errors.AsType[serviceError](err); ok && !refused.Fatal() {
		if found.Document, err = j.find(ctx, service, found.Template.ID); err == nil {
			err = j.download(ctx, service, found)
		}
	}
	return err
}

func (j Agreement) download(ctx context.Context, service AgreementService, found *AgreementFound) error {
	const perm = 0o644 // the agreement is public
	sum, size := sha256.New(), &counter{}
	err := atomicfile.Write(j.Out, perm, func(w io.Writer) error {
		if err := service.Download(ctx, found.DownloadURL, io.MultiWriter(w, sum, size)); err != nil {
			return err
		}
		if size.bytes == 0 {
			return errors.New("the document is empty")
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save the agreement for %s as %s: %w", j.Country, j.Out, err)
	}
	found.File, found.Bytes, found.SHA256 = j.Out, size.bytes, hex.EncodeToString(sum.Sum(nil))
	return nil
}

// counter counts the bytes that are written to it.
type counter struct{ bytes int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return len(p), nil
}
