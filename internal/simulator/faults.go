package simulator

import (
	"net"
	"net/http"
	"sync"
)

// fault is an accident of one request, by its word in the statistics; the empty one is none.
type fault string

const (
	faultServerError fault = "ServerError"
	faultGatewayPage fault = "GatewayPage"
	faultPage200     fault = "PageWithStatus200"
	faultReset       fault = "Reset"
	faultTruncated   fault = "Truncated"
	faultSlow        fault = "Slow"
)

type faultShare struct {
	name  fault
	share float64
}

func (f Faults) shares() []faultShare {
	return []faultShare{
		{faultServerError, f.ServerError}, {faultGatewayPage, f.GatewayPage}, {faultPage200, f.PageWithStatus200},
		{faultReset, f.Reset}, {faultTruncated, f.Truncated}, {faultSlow, f.Slow},
	}
}

func sum(shares []faultShare) float64 {
	var sum float64
	for _, s := range shares {
		sum += s.share
	}
	return sum
}

// faults draws the accidents. A call is known by its address, not by its request id, so that the
// same calls go wrong in every run with the same seed, whatever its request ids; only calls that
// did go wrong are remembered.
type faults struct {
	seed   uint64
	shares []faultShare
	any    bool
	most   int

	mu     sync.Mutex
	met    map[uint64]int // faults met so far, by call
	metOld map[uint64]int // those of before met was last full
}

// remembered bounds the memory for calls that went wrong.
const remembered = 1 << 20

func newFaults(seed uint64, shares []faultShare, most int) *faults {
	return &faults{seed: seed, shares: shares, any: sum(shares) > 0, most: most, met: map[uint64]int{}}
}

// draw says what goes wrong with this request.
func (f *faults) draw(q *request) fault {
	if !f.any {
		return ""
	}
	key := callKey(q.r) + uint64(q.world.Night)
	if q.call == callCreate { // all have one address
		key += digest(string(q.sent))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.met[key] + f.metOld[key]
	if before >= f.most {
		return ""
	}
	d := newDice(f.seed, aboutFaults, key+uint64(before)<<56)
	n := d.share()
	for _, s := range f.shares {
		if n -= s.share; n < 0 {
			f.remember(key)
			return s.name
		}
	}
	return ""
}

func (f *faults) remember(key uint64) {
	if len(f.met) >= remembered {
		f.met, f.metOld = map[uint64]int{}, f.met
	}
	f.met[key]++
}

func (f *faults) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.met, f.metOld = map[uint64]int{}, nil
}

// broken says whether every read of customer i answers 500.
func (s *Simulator) broken(i int) bool {
	d := newDice(s.opts.Seed, aboutBreaking, uint64(i))
	return d.happens(s.opts.BrokenCustomers)
}

// reset closes the connection without an answer, with a TCP reset where the server lets go of the
// connection.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // what net/http offers instead: it closes the connection and logs nothing
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // without it the close below is an orderly end, which is as good an accident
	}
	_ = conn.Close() // the caller's side of it is the point
}
