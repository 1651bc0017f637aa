package xlsx

import (
	"strconv"
	"time"
)

// Excel counts days; 25,569 is 1 January 1970. Below 61 it believes in a 29 February 1900, and
// after the year 9999 it has no dates, so such days have no serial number.
const (
	unixEpochSerial = 25_569
	firstSerial     = 61
	lastSerial      = 2_958_465
	daySeconds      = 24 * 60 * 60
)

// DaySerial is Excel's number for a calendar day such as 2026-11-22, and whether it has one.
func DaySerial(day string) (float64, bool) {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return 0, false
	}
	serial := t.Unix()/daySeconds + unixEpochSerial
	return float64(serial), firstSerial <= serial && serial <= lastSerial
}

// TimeSerial is Excel's number for what the clock shows at t in location, to the second.
func TimeSerial(t time.Time, location *time.Location) float64 {
	return float64(localSeconds(t, location))/daySeconds + unixEpochSerial
}

// DaysBetween counts calendar days in location, whatever the clocks did in between.
func DaysBetween(from, to time.Time, location *time.Location) int {
	return int(localSeconds(to, location)/daySeconds - localSeconds(from, location)/daySeconds)
}

// DurationSerial is Excel's number for a duration.
func DurationSerial(seconds float64) float64 { return seconds / daySeconds }

func localSeconds(t time.Time, location *time.Location) int64 {
	_, offset := t.In(location).Zone()
	return t.Unix() + int64(offset)
}

func appendSerial(dst []byte, v float64) []byte { return strconv.AppendFloat(dst, v, 'f', -1, 64) }
