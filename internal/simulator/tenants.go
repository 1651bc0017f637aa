package simulator

import (
	"encoding/binary"

	"github.com/google/uuid"
)

// maxCustomers is what the 32 bits of a tenant id that carry the index can hold, with room for new
// customers.
const maxCustomers = 1 << 30

// tenant makes the tenant id of customer i: a random-looking version 4 GUID. Its first 32 bits are
// the index in disguise, so that an id can be read back without a table of customers.
func (w World) tenant(i int) uuid.UUID {
	d := newDice(w.Seed, aboutTenant, uint64(i))
	var id uuid.UUID
	binary.BigEndian.PutUint32(id[:4], disguise(uint32(i)^uint32(mix(w.Seed))))
	binary.BigEndian.PutUint32(id[4:8], uint32(d.next()))
	binary.BigEndian.PutUint64(id[8:], d.next())
	return version4(id)
}

// Find says which customer has the tenant id. It is false for an id that this world
// never gave to anybody, and for a customer that has not arrived by this night.
func (w World) Find(tenantID string) (int, bool) {
	id, err := uuid.Parse(tenantID)
	if err != nil {
		return 0, false
	}
	i := int(reveal(binary.BigEndian.Uint32(id[:4])) ^ uint32(mix(w.Seed)))
	if i >= w.Len() || w.tenant(i) != id {
		return 0, false
	}
	return i, true
}

// guid makes a version 4 GUID of the next 128 bits.
func (d *dice) guid() uuid.UUID {
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], d.next())
	binary.BigEndian.PutUint64(id[8:], d.next())
	return version4(id)
}

func version4(id uuid.UUID) uuid.UUID {
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

// disguise is a bijection on 32 bits (murmur3's finaliser); reveal undoes it.
func disguise(x uint32) uint32 {
	x ^= x >> 16
	x *= 0x85ebca6b
	x ^= x >> 13
	x *= 0xc2b2ae35
	return x ^ x>>16
}

func reveal(x uint32) uint32 {
	x ^= x >> 16
	x *= 0x7ed1b41d // the inverse of 0xc2b2ae35 modulo 2^32
	x ^= x>>13 ^ x>>26
	x *= 0xa5cb9243 // the inverse of 0x85ebca6b modulo 2^32
	return x ^ x>>16
}
