package mail

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mcaledger/mcaledger/internal/atomicfile"
)

// Drafts writes each message as a file ID.eml, which mail programs open as a message to send. The
// same message twice is one file. The files hold links that let whoever has them accept: only their
// owner can read them.
type Drafts struct{ Folder string }

// Send writes the draft of a message.
func (d Drafts) Send(ctx context.Context, m Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	msg, err := m.build()
	if err != nil {
		return err
	}
	msg.SetGenHeader("X-Unsent", "1")
	if err := os.MkdirAll(d.Folder, 0o700); err != nil {
		return fmt.Errorf("folder of drafts: %w", err)
	}
	err = writePrivate(filepath.Join(d.Folder, m.ID+".eml"), func(w io.Writer) error {
		_, err := msg.WriteTo(w)
		return err
	})
	if err != nil {
		return fmt.Errorf("draft: %w", err)
	}
	return nil
}

// writePrivate writes a file that only its owner can read. A file that is there is removed first,
// because the new one would keep its mode; so is a symbolic link.
func writePrivate(path string, write func(io.Writer) error) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return atomicfile.Write(path, 0o600, write)
}

// Link is a row of a file of links, for partners who send the messages with a program of their own.
type Link struct {
	CustomerID, Customer             string
	FirstName, LastName, Email, Lang string
	URL                              string
	Expires                          time.Time // zero: it does not expire
}

// WriteLinks writes a CSV file of links that only its owner can read.
func WriteLinks(path string, links iter.Seq2[Link, error]) error {
	return writePrivate(path, func(w io.Writer) error {
		if _, err := io.WriteString(w, "\ufeff"); err != nil { // Excel takes a file without it for Windows-1252
			return err
		}
		rows := csv.NewWriter(w)
		rows.UseCRLF = true
		header := []string{
			"customer_tenant_id", "company_name", "first_name", "last_name", "email", "language", "link", "expires",
		}
		if err := rows.Write(header); err != nil {
			return err
		}
		for link, err := range links {
			if err != nil {
				return err
			}
			if err := rows.Write(link.row()); err != nil {
				return err
			}
		}
		rows.Flush()
		return rows.Error()
	})
}

func (l Link) row() []string {
	expires := ""
	if !l.Expires.IsZero() {
		expires = l.Expires.UTC().Format(time.RFC3339)
	}
	row := []string{l.CustomerID, l.Customer, l.FirstName, l.LastName, l.Email, l.Lang, l.URL, expires}
	for i, cell := range row {
		cell = OneLine(cell)
		if cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
			cell = "'" + cell // a spreadsheet would take it for a formula
		}
		row[i] = cell
	}
	return row
}
