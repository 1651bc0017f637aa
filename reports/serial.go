package reports

import (
	"time"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// Excel counts days; 25,569 is 1 January 1970. Below 61 it believes in a 29 February 1900, and after the year 9999 it
// has no dates, so such days are no numbers.
const (
	unixEpochSerial = 25_569
	firstSerial     = 61
	lastSerial      = 2_958_465
	daySeconds      = 24 * 60 * 60
)

// daySerial is Excel's number for a calendar day, and whether it has one.
func daySerial(d standing.Date) (float64, bool) {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return 0, false
	}
	serial := t.Unix()/daySeconds + unixEpochSerial
	return float64(serial), firstSerial <= serial && serial <= lastSerial
}

// instantSerial is Excel's number for what the clock shows at t, to the second.
func instantSerial(t time.Time, location *time.Location) float64 {
	return float64(localSeconds(t, location))/daySeconds + unixEpochSerial
}

// dayOf is the calendar day of t where the report is read.
func dayOf(t time.Time, location *time.Location) standing.Date {
	return standing.Date(t.In(location).Format(time.DateOnly))
}

// daysBetween counts calendar days, whatever the clocks did in between.
func daysBetween(from, to time.Time, location *time.Location) int {
	return int(localSeconds(to, location)/daySeconds - localSeconds(from, location)/daySeconds)
}

func localSeconds(t time.Time, location *time.Location) int64 {
	_, offset := t.In(location).Zone()
	return t.Unix() + int64(offset)
}
