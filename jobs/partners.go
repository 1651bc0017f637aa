package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"github.com/mcaledger/mcaledger/internal/ledger"
	"github.com/mcaledger/mcaledger/internal/standing"
)

// Partner is a Partner Center account as the jobs use it.
type Partner struct {
	ledger.Partner
	Concurrency int // requests at the same time
}

// PartnerService is all that the jobs ask of Partner Center.
type PartnerService interface {
	Service
	EnrichService
	Attestor
	EnhancedService
	InvitationService
	AgreementService
}

// Connection is a partner's service. Whatever is derived from it shares its throttle and its token.
type Connection interface {
	ForRun(correlationID string) PartnerService
	Close()
}

// Partners are the Partner Center accounts that an invocation works with, in the configured order.
// The service of each is opened when it is first needed, once. Safe for concurrent use.
type Partners struct {
	List []Partner
	Open func(Partner) (Connection, error)

	mu   sync.Mutex
	open map[string]*opening
}

// opening is the service of one partner: other partners do not wait for it.
type opening struct {
	once       sync.Once
	connection Connection
	err        error
}

// Ledger lists the partners as the ledger knows them.
func (p *Partners) Ledger() []ledger.Partner {
	all := make([]ledger.Partner, len(p.List))
	for i, partner := range p.List {
		all[i] = partner.Partner
	}
	return all
}

// Service is the service of a partner for one run; its requests carry the correlation id.
func (p *Partners) Service(partnerID, correlationID string) (PartnerService, error) {
	for _, partner := range p.List {
		if partner.ID == partnerID {
			connection, err := p.connect(partner)
			if err != nil {
				return nil, err
			}
			return connection.ForRun(correlationID), nil
		}
	}
	return nil, fmt.Errorf("the configuration has no partner %s", partnerID)
}

func (p *Partners) connect(partner Partner) (Connection, error) {
	p.mu.Lock()
	if p.open == nil {
		p.open = map[string]*opening{}
	}
	one := p.open[partner.ID]
	if one == nil {
		one = new(opening)
		p.open[partner.ID] = one
	}
	p.mu.Unlock()
	one.once.Do(func() { one.connection, one.err = p.Open(partner) })
	return one.connection, one.err
}

// Close closes what was opened.
func (p *Partners) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.open {
		if one.connection != nil {
			one.connection.Close()
		}
	}
	p.open = nil
}

// LookUp asks a partner's service for a customer; found is false when it says that it has none of
// this id.
func (p *Partners) LookUp(ctx context.Context, partner ledger.Partner,
	tenantID string) (customer standing.Customer, found bool, err error) {
	service, err := p.Service(partner.ID, uuid.NewString())
	if err != nil {
		return customer, false, err
	}
	customer, err = service.Customer(ctx, tenantID)
	if e, ok := errors.AsType[serviceError](err); ok && e.Outcome() != standing.OutcomeUnreadable {
		return standing.Customer{}, false, nil
	}
	return customer, err == nil, err
}
