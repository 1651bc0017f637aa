package partnercenter

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/mcaledger/mcaledger/internal/attestation"
	"github.com/mcaledger/mcaledger/internal/simulator"
)

// simulated is a client and the simulator that it talks to, one world for all tests
// of this file.
type simulated struct {
	*service
	sim      *simulator.Simulator
	customer string // one without an agreement
	index    int
}

func withSimulator(t *testing.T, opts simulator.Options, changes ...func(*Options)) simulated {
	t.Helper()
	opts.Seed, opts.Customers = 3, 300
	sim, err := simulator.New(opts)
	require.NoError(t, err)
	changes = append([]func(*Options){withRefreshToken(saved(t, simulator.InitialRefreshToken)),
		func(o *Options) { o.APIURL, o.Transport = "http://127.0.0.1:8080", wire{sim} }}, changes...)
	s := simulated{service: newService(t, nil, changes...), sim: sim}
	for sim.World().Customer(s.index).Kind != simulator.NeverAccepted {
		s.index++
	}
	s.customer = sim.World().Customer(s.index).TenantID
	return s
}

// create creates an attestation, again under one request id as long as answers are
// lost.
func (s simulated) create(t *testing.T) attestation.AcceptLink {
	t.Helper()
	request := attestation.Request{ID: uuid.NewString()}
	for {
		link, _, result, err := s.client.CreateAttestation(t.Context(), signatory, request)
		if result == attestation.ResultUnknown {
			continue
		}
		require.NoError(t, err)
		return link
	}
}

// accepted is the attestation of the customer as step 3 takes it.
func (s simulated) accepted(t *testing.T, id string) attestation.Attestation {
	t.Helper()
	state, err := s.client.Acceptance(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, attestation.Accepted, state.State)
	require.Nil(t, state.Unexpected)
	a := attestation.Attestation{CustomerID: s.customer, Enhanced: attestation.Enhanced{
		ExternalID: id, AcceptedOn: state.AcceptedOn, DocumentURL: state.DocumentURL}}
	a.Content.Signer = signatory.Contact
	return a
}

// conclude creates the agreement, again under one request id as long as answers are
// lost.
func (s simulated) conclude(t *testing.T, a attestation.Attestation) (attestation.SendResult, error) {
	t.Helper()
	template, err := s.client.Template(t.Context())
	require.NoError(t, err)
	request := attestation.Request{ID: uuid.NewString(), TemplateID: template}
	for {
		_, result, err := s.client.CreateAgreement(t.Context(), a, request)
		if result != attestation.ResultUnknown {
			return result, err
		}
	}
}

func TestEnhancedRouteWithSimulator(t *testing.T) {
	t.Parallel()
	losses := simulator.Writes{
		LostRequests: simulator.LostRequests{ServerError: 0.1, GatewayPage: 0.1, PageWithStatus200: 0.1, Reset: 0.1},
		LostAnswers: simulator.LostAnswers{ServerError: 0.1, GatewayPage: 0.1, PageWithStatus200: 0.1, Reset: 0.1,
			Truncated: 0.1},
		MaxInARow: 4,
	}
	renamed := Enhanced{EmailField: "email", PhoneField: "phone", ExpiryField: "linkExpiryInMinutes", ExpiryMinutes: 60,
		StatusPath: "/v1/attestations/{id}/status", AgreementWithUser: true}
	for name, c := range map[string]struct {
		service simulator.Options
		client  Enhanced
	}{
		"as it is assumed": {},
		"every request and answer can be lost": {service: simulator.Options{Writes: losses, Faults: accidents,
			Login: simulator.Login{Unavailable: 1}}},
		"throttled, tokens die": {service: simulator.Options{Quota: 3,
			Writes: simulator.Writes{Quota: 1}, KillTokensEvery: 2}},
		"other names, step 3 with its user, no link, PascalCase": {client: renamed, service: simulator.Options{
			Names: simulator.PascalCase, Enhanced: simulator.Enhanced{EmailField: renamed.EmailField,
				PhoneField: renamed.PhoneField, ExpiryField: renamed.ExpiryField, StatusPath: renamed.StatusPath,
				IDField: "id", StatusField: "status", DateField: "acceptedOn", WithoutLink: true,
				UserForAgreement: true}}},
		"the vendors' words": {service: simulator.Options{BOM: simulator.BOMAlways,
			Enhanced: simulator.Enhanced{Pending: "Link generated", Accepted: "Customer accepted", LinkField: "url"}}},
		"the classic call is retired": {service: simulator.Options{ClassicRetired: simulator.Retired410}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := withSimulator(t, c.service, func(o *Options) { o.Enhanced, o.Attempts = c.client, 6 })
				require.NoError(t, s.client.CheckEnhanced(t.Context()))
				link := s.create(t)
				assert.Nil(t, link.Unexpected)
				assert.Equal(t, c.service.Enhanced.WithoutLink, link.URL == AcceptLink(link.ExternalID))
				assert.True(t, link.ExpiresAt.After(time.Now()))

				state, err := s.client.Acceptance(t.Context(), link.ExternalID)
				require.NoError(t, err)
				assert.Equal(t, attestation.Waiting, state.State)
				assert.Nil(t, state.Unexpected)

				require.NoError(t, s.sim.AcceptAttestation(link.ExternalID))
				a := s.accepted(t, link.ExternalID)
				assert.NotEmpty(t, a.AcceptedOn)
				var document bytes.Buffer
				require.NoError(t, s.client.Download(t.Context(), a.DocumentURL, &document))
				assert.Contains(t, document.String(), "%PDF")

				result, err := s.conclude(t, a)
				require.NoError(t, err)
				assert.Equal(t, attestation.ResultSucceeded, result)
				assert.Len(t, s.sim.Attestations(), 1, "however often a request was sent")
				require.Len(t, s.sim.Effects(), 1)
				assert.Equal(t, link.ExternalID, s.sim.Effects()[0].AttestationID)
				agreements, err := s.client.Agreements(t.Context(), s.customer)
				require.NoError(t, err)
				assert.Len(t, agreements, 1)

				result, err = s.conclude(t, a)
				require.Error(t, err)
				assert.Equal(t, attestation.ResultDuplicateSigner, result, "of one attestation there is one agreement")
				stats := s.sim.Stats()
				assert.Empty(t, stats.BadHeaders)
				assert.Zero(t, stats.WhileToldToWait)
				assert.Zero(t, stats.RequestIDsOnAnotherCall)
				assert.Zero(t, stats.Created.ReusedRequestIDs+stats.Attestations.ReusedRequestIDs)
			})
		})
	}
}

// What the service does otherwise than it is assumed is said, and never taken for an
// acceptance.
func TestEnhancedRouteThatDoesNotFit(t *testing.T) {
	t.Parallel()
	t.Run("another name of the address", func(t *testing.T) {
		t.Parallel()
		s := withSimulator(t, simulator.Options{Enhanced: simulator.Enhanced{EmailField: "email"}})
		_, result, err := create(t, s.service)
		assert.Equal(t, attestation.ResultContentRejected, result)
		assert.Equal(t, Refused, failed(t, err).Kind)
		holdsNothing(t, err.Error(), signatory.Email, signatory.LastName)
		assert.Empty(t, s.sim.Attestations())
	})
	t.Run("another name of the id", func(t *testing.T) {
		t.Parallel()
		s := withSimulator(t, simulator.Options{Enhanced: simulator.Enhanced{IDField: "reference"}})
		link, result, err := create(t, s.service)
		assert.Equal(t, attestation.ResultUnknown, result, "it was created")
		assert.Equal(t, Unexpected, failed(t, err).Kind)
		require.NotNil(t, link.Unexpected)
		assert.Contains(t, link.Unexpected.Body, `"reference": "[an id]"`)
		assert.Empty(t, link.ExternalID)
	})
	t.Run("another name of the status", func(t *testing.T) {
		t.Parallel()
		s := withSimulator(t, simulator.Options{Enhanced: simulator.Enhanced{StatusField: "progress"}})
		link := s.create(t)
		require.NoError(t, s.sim.AcceptAttestation(link.ExternalID))
		state, err := s.client.Acceptance(t.Context(), link.ExternalID)
		assert.Equal(t, Unexpected, failed(t, err).Kind)
		require.NotNil(t, state.Unexpected)
		assert.Equal(t, attestation.Waiting, state.State)
		assert.Empty(t, state.AcceptedOn)
	})
	t.Run("another word for accepted", func(t *testing.T) {
		t.Parallel()
		s := withSimulator(t, simulator.Options{Enhanced: simulator.Enhanced{Accepted: "Concluded"}})
		link := s.create(t)
		require.NoError(t, s.sim.AcceptAttestation(link.ExternalID))
		state, err := s.client.Acceptance(t.Context(), link.ExternalID)
		require.NoError(t, err)
		assert.Equal(t, attestation.Waiting, state.State)
		require.NotNil(t, state.Unexpected)
		assert.Contains(t, state.Unexpected.Body, "Concluded")
	})
	t.Run("no day of acceptance", func(t *testing.T) {
		t.Parallel()
		s := withSimulator(t, simulator.Options{Enhanced: simulator.Enhanced{WithoutDate: true}})
		link := s.create(t)
		require.NoError(t, s.sim.AcceptAttestation(link.ExternalID))
		assert.Empty(t, s.accepted(t, link.ExternalID).AcceptedOn)
	})
	t.Run("another address for the status", func(t *testing.T) {
		t.Parallel()
		s := withSimulator(t, simulator.Options{Enhanced: simulator.Enhanced{StatusPath: "/v1/attestations/{id}"}})
		link := s.create(t)
		_, err := s.client.Acceptance(t.Context(), link.ExternalID)
		assert.Contains(t, failed(t, err).Hint(), "attestation.enhanced.status_path")
		holdsNothing(t, err.Error(), link.ExternalID)
	})
	t.Run("step 3 takes the other token", func(t *testing.T) {
		t.Parallel()
		s := withSimulator(t, simulator.Options{Enhanced: simulator.Enhanced{UserForAgreement: true}})
		link := s.create(t)
		require.NoError(t, s.sim.AcceptAttestation(link.ExternalID))
		_, err := s.conclude(t, s.accepted(t, link.ExternalID))
		assert.Equal(t, AppOnly, failed(t, err).Kind)
		assert.Contains(t, failed(t, err).Hint(), "attestation.enhanced.agreement_token")
		assert.Empty(t, s.sim.Effects())
	})
	t.Run("an attestation of another partner", func(t *testing.T) {
		t.Parallel()
		s, other := withSimulator(t, simulator.Options{}), withSimulator(t, simulator.Options{})
		other.create(t)
		link := other.create(t)
		_, err := s.client.Acceptance(t.Context(), link.ExternalID)
		assert.Contains(t, []Kind{NotFound, AddressNotFound}, failed(t, err).Kind)
		require.NoError(t, other.sim.AcceptAttestation(link.ExternalID))
		result, err := s.conclude(t, other.accepted(t, link.ExternalID))
		require.Error(t, err)
		assert.Equal(t, attestation.ResultContentRejected, result)
	})
	t.Run("nobody accepted", func(t *testing.T) {
		t.Parallel()
		s := withSimulator(t, simulator.Options{})
		link := s.create(t)
		a := attestation.Attestation{CustomerID: s.customer, Enhanced: attestation.Enhanced{ExternalID: link.ExternalID,
			AcceptedOn: "2026-01-01"}}
		result, err := s.conclude(t, a)
		require.Error(t, err)
		assert.Equal(t, attestation.ResultContentRejected, result)
	})
	t.Run("it expired", func(t *testing.T) {
		t.Parallel()
		s := withSimulator(t, simulator.Options{}, func(o *Options) { o.Enhanced.ExpiryMinutes = 60 })
		link := s.create(t)
		require.NoError(t, s.sim.SetNight(2))
		state, err := s.client.Acceptance(t.Context(), link.ExternalID)
		require.NoError(t, err)
		assert.Equal(t, attestation.Expired, state.State)
	})
	t.Run("its document is gone", func(t *testing.T) {
		t.Parallel()
		s := withSimulator(t, simulator.Options{Enhanced: simulator.Enhanced{DocumentsGone: true}})
		link := s.create(t)
		require.NoError(t, s.sim.AcceptAttestation(link.ExternalID))
		a := s.accepted(t, link.ExternalID)
		require.Error(t, s.client.Download(t.Context(), a.DocumentURL, &bytes.Buffer{}))
		result, err := s.conclude(t, a)
		require.NoError(t, err, "the agreement is created all the same")
		assert.Equal(t, attestation.ResultSucceeded, result)
	})
	for step := range 2 {
		step = 1 + 2*step
		t.Run("600061 in step "+string(rune('0'+step)), func(t *testing.T) {
			t.Parallel()
			s := withSimulator(t, simulator.Options{Enhanced: simulator.Enhanced{DuplicateAt: step}})
			for n := range 2 {
				link, _, result, err := s.client.CreateAttestation(t.Context(), signatory,
					attestation.Request{ID: uuid.NewString()})
				if step == 1 && n == 1 {
					require.Error(t, err)
					assert.Equal(t, attestation.ResultDuplicateSigner, result)
					continue
				}
				require.NoError(t, err)
				require.NoError(t, s.sim.AcceptAttestation(link.ExternalID))
				result, err = s.conclude(t, s.accepted(t, link.ExternalID))
				assert.Equal(t, n == 0, result == attestation.ResultSucceeded)
				assert.Equal(t, n == 1, result == attestation.ResultDuplicateSigner, "%v", err)
			}
		})
	}
}

func TestRetiredClassicCall(t *testing.T) {
	t.Parallel()
	for retired, want := range map[simulator.Retired]attestation.SendResult{
		simulator.Retired404: attestation.ResultForbidden, simulator.Retired410: attestation.ResultForbidden,
		simulator.Retired403: attestation.ResultForbidden,
	} {
		s := withSimulator(t, simulator.Options{ClassicRetired: retired})
		a := attestation.Attestation{CustomerID: s.customer}
		_, result, err := s.client.Attest(t.Context(), a, attestation.Request{ID: uuid.NewString()})
		assert.Equal(t, want, result, "%s: %v", retired, err)
		assert.Contains(t, failed(t, err).Hint(), "attestation.route to enhanced")
		require.Error(t, s.client.CheckAttest(t.Context(), uuid.NewString()), string(retired))
	}
	s := withSimulator(t, simulator.Options{})
	require.NoError(t, s.client.CheckAttest(t.Context(), uuid.NewString()))
	assert.Empty(t, s.sim.Effects())
}
