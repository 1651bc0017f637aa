package demo

import (
	"sync"
	"time"
)

// The program runs once a week at first, and then every night.
const (
	weeks        = 11
	days         = 29
	AllNights    = weeks + days
	FewestNights = 4
	badNightDay  = 14 // days before the last night on which a list is incomplete
	nightHour    = 2
)

// nights returns for each night how many days before the last one it is. Fewer nights than all are
// spread evenly.
func nights(wanted int) []int {
	var all []int
	for week := weeks; week > 0; week-- {
		all = append(all, days-1+7*week)
	}
	for day := days - 1; day >= 0; day-- {
		all = append(all, day)
	}
	if wanted >= len(all) {
		return all
	}
	chosen := make([]int, wanted)
	for n := range chosen {
		chosen[n] = all[n*(len(all)-1)/(wanted-1)]
	}
	return chosen
}

// badNight returns the number of the night, from 1, on which a customer list is incomplete.
func badNight(nights []int) int {
	for n, day := range nights {
		if day <= badNightDay {
			return n + 1
		}
	}
	return 0
}

// lastNight returns the start of the newest night that has begun.
func lastNight(now time.Time) time.Time {
	night := now.UTC().Truncate(24 * time.Hour).Add(nightHour * time.Hour)
	if night.After(now) {
		night = night.AddDate(0, 0, -1)
	}
	return night
}

// clock is the clock of the demo: it runs at normal speed from the time it was last set to.
type clock struct {
	real func() time.Time

	mu    sync.Mutex
	ahead time.Duration // of the real clock
}

func (c *clock) set(to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = to.Sub(c.real())
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.real().Add(c.ahead)
}
