package jobs

import (
	"cmp"
	"context"
	"fmt"
	"iter"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/intake"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Correction replaces an attestation that Microsoft has on record by one with another signer or
// other contact fields. It is imported like a file of one row, under the same rules.
type Correction struct {
	ImportFiles
	Attestations AttestationFinder
	ID           attestation.ID // what is corrected
	Signer       standing.Contact
	Agreed       standing.Date
	Evidence     string // like all above: empty: as it was
}

// Corrected is a correction that is in the ledger.
type Corrected struct {
	Batch attestation.Batch
	New   attestation.Attestation
}

// correctionHeader names the columns of a correction.
var correctionHeader = []string{"customer_tenant_id", "first_name", "last_name", "email", "phone", "date_agreed",
	"evidence"}

// Run queues the correction, or returns why it is refused.
func (j Correction) Run(ctx context.Context) (done Corrected, err error) {
	if err := checkActor(j.By, "corrects"); err != nil {
		return done, err
	}
	was, err := FindAttestation(ctx, j.Attestations, j.ID)
	if err != nil {
		return done, err
	}
	if was.State != attestation.Confirmed && was.State != attestation.AlreadyOnRecord {
		return done, usageErrorf("attestation %s is %s: only what Microsoft has on record can be corrected", was.ID,
			was.Status())
	}
	options := j.Intake
	options.AsOf = j.Now()
	j.Import.Correct, j.Import.Corrects = true, was.ID
	list := intake.NewList(correctionHeader, [][]string{j.row(was)}, options)
	name := "correction-of-" + was.ID.String() + ".csv"
	done.Batch, err = j.add(ctx, list, name,
		func(_ attestation.Batch, rows iter.Seq2[attestation.Attestation, error]) error {
			for a, err := range rows {
				if err != nil {
					return err
				}
				done.New = a
			}
			return nil
		})
	if err != nil {
		return done, &NotImportedError{name, err}
	}
	if done.New.Admitted != attestation.Queued {
		return done, partialHint(string(done.New.Reason), fmt.Sprintf("the correction is %s: %s", done.New.State,
			done.New.Message), done.New.Hint)
	}
	done.New, err = j.Attestations.Attestation(ctx, done.New.ID)
	return done, err
}

func (j Correction) row(was attestation.Attestation) []string {
	signer := was.Content.Signer
	return []string{was.CustomerID, cmp.Or(j.Signer.FirstName, signer.FirstName),
		cmp.Or(j.Signer.LastName, signer.LastName), cmp.Or(j.Signer.Email, signer.Email),
		cmp.Or(j.Signer.Phone, signer.Phone), string(cmp.Or(j.Agreed, was.Content.Agreed)),
		cmp.Or(j.Evidence, was.Content.Evidence)}
}
