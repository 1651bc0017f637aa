package jobs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/mail"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// LinkFile writes the links of attestations to a file, for partners who send them with a program of
// their own. Whoever has the file can accept for the customers in it.
type LinkFile struct {
	Partners []Partner
	Queues   Queues // their events name who asks for the file
	Cipher   LinkCipher
	Path     string
	Batch    int64 // only links of this one; 0: of all
	Again    bool  // also links that were handed over before
	// Check may refuse, because the ledger was put back to an earlier state.
	Check func(context.Context) error
	Now   func() time.Time
}

// Run writes the file, and returns how many links it holds. A link in it counts as handed over.
func (j LinkFile) Run(ctx context.Context) (links int, err error) {
	if err := j.Check(ctx); err != nil {
		return 0, err
	}
	w := &linkWriter{LinkFile: j}
	err = mail.WriteLinks(j.Path, w.all(ctx))
	ended := w.end(context.WithoutCancel(ctx), err)
	if err == nil {
		err = ended
	}
	return len(w.written), err
}

// linkWriter is a LinkFile under way.
type linkWriter struct {
	LinkFile
	written []writtenLink
}

type writtenLink struct {
	queue PartnerQueue
	claim *attestation.Claim
	id    int64 // of the record that it was handed over
}

// all claims the attestations that have a link, and records for each that it is written.
func (w *linkWriter) all(ctx context.Context) iter.Seq2[mail.Link, error] {
	return func(yield func(mail.Link, error) bool) {
		for _, p := range w.Partners {
			queue, err := w.Queues.OpenQueue(ctx, p.ID)
			for err == nil {
				var link mail.Link
				var more bool
				link, more, err = w.next(ctx, queue)
				if err == nil && !more {
					break
				}
				if err == nil && link.URL != "" && !yield(link, nil) {
					return
				}
			}
			if err != nil {
				yield(mail.Link{}, err)
				return
			}
		}
	}
}

// next is the next link of a queue; one without an address is not wanted. more is false at the end.
func (w *linkWriter) next(ctx context.Context, queue PartnerQueue) (link mail.Link, more bool, err error) {
	c, err := queue.Claim(ctx, standing.DateOf(w.Now()), attestation.FollowWork)
	if err != nil || c == nil {
		return link, false, err
	}
	wanted := (w.Batch == 0 || w.Batch == c.ID.Batch) && (c.State == attestation.Created || w.Again) &&
		w.Now().Before(c.ExpiresAt)
	if !wanted {
		return link, true, queue.Settle(ctx, c, followed(c), w.Now())
	}
	secret, err := openLink(w.Cipher, c.Attestation)
	if err == nil {
		var id int64
		id, err = queue.BeginLink(ctx, c, attestation.FirstLink, ledger.ByFile, w.Now())
		w.written = append(w.written, writtenLink{queue, c, id})
	}
	signer := c.Content.Signer
	return mail.Link{CustomerID: c.CustomerID, Customer: secret.Customer, FirstName: signer.FirstName,
		LastName: signer.LastName, Email: signer.Email, Lang: secret.Language, URL: secret.URL,
		Expires: c.ExpiresAt}, true, err
}

// end records what became of the links: they are handed over, or the file was not written.
func (w *linkWriter) end(ctx context.Context, failed error) error {
	outcome, reason := ledger.InvitationDelivered, ""
	if failed != nil {
		outcome, reason = ledger.InvitationFailed, "the file was not written"
	}
	var all []error
	for _, l := range w.written {
		settled := followed(l.claim)
		if failed == nil && l.claim.State == attestation.Created {
			settled = handedOver()
		}
		var err error
		if l.id != 0 {
			err = l.queue.EndLink(ctx, l.id, outcome, reason, w.Now())
		}
		if err == nil {
			err = l.queue.Settle(ctx, l.claim, settled, w.Now())
		}
		if err != nil && !errors.Is(err, attestation.ErrClaimLost) { // another process follows it by now
			all = append(all, fmt.Errorf("attestation %s: %w", l.claim.ID, err))
		}
	}
	return errors.Join(all...)
}
