package intake

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/mcaledger/mcaledger/internal/standing"
)

// months are the names of the months in English and Portuguese, simplified.
var months = map[string]time.Month{
	"january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7, "august": 8, "september": 9,
	"october": 10, "november": 11, "december": 12,
	"jan": 1, "feb": 2, "mar": 3, "apr": 4, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "sept": 9, "oct": 10, "nov": 11,
	"dec":     12,
	"janeiro": 1, "fevereiro": 2, "marco": 3, "abril": 4, "maio": 5, "junho": 6, "julho": 7, "agosto": 8, "setembro": 9,
	"outubro": 10, "novembro": 11, "dezembro": 12,
	"fev": 2, "abr": 4, "mai": 5, "ago": 8, "set": 9, "out": 10, "dez": 12,
}

var weekdays = map[string]time.Weekday{
	"sunday": 0, "monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6,
	"sun": 0, "mon": 1, "tue": 2, "tues": 2, "wed": 3, "thu": 4, "thur": 4, "thurs": 4, "fri": 5, "sat": 6,
	"domingo": 0, "segunda": 1, "terca": 2, "quarta": 3, "quinta": 4, "sexta": 5, "sabado": 6,
	"dom": 0, "seg": 1, "ter": 2, "qua": 3, "qui": 4, "sex": 5, "sab": 6,
}

// namedDate is a date whose month is a name.
type namedDate struct {
	month   time.Month
	numbers []string // the day and the year, in the order of the text
	weekday time.Weekday
	dated   bool // weekday is set
}

// namedMonth takes a date such as 31-May-2026, "Sunday, May 31st, 2026" or "31 de maio de 2026"
// apart, also with a time; false: it is none.
func namedMonth(cell string) (namedDate, bool) {
	if len(cell) < 6 || len(cell) > 60 {
		return namedDate{}, false
	}
	day, ok := withoutTime(strings.ToLower(cell))
	if !ok {
		return namedDate{}, false
	}
	var d namedDate
	for _, word := range words(day) {
		switch simple := simplified(word); {
		case months[simple] > 0 && d.month == 0:
			d.month = months[simple]
		case isDigits(word):
			d.numbers = append(d.numbers, word)
		case slices.Contains(fillers, simple):
		default:
			weekday, known := weekdays[simple]
			if !known || d.dated {
				return namedDate{}, false
			}
			d.weekday, d.dated = weekday, true
		}
	}
	return d, d.month > 0 && len(d.numbers) == 2
}

// withoutTime cuts the time of the day off, where there is one.
func withoutTime(cell string) (string, bool) {
	colon := strings.IndexByte(cell, ':')
	if colon < 0 {
		return cell, true
	}
	at := strings.LastIndexFunc(cell[:colon], func(r rune) bool { return !unicode.IsDigit(r) })
	if at < 0 {
		return "", false
	}
	clock := strings.TrimSpace(cell[at:])
	for _, zone := range []string{"utc", "gmt", "z"} {
		clock = strings.TrimSpace(strings.TrimSuffix(clock, zone))
	}
	return strings.TrimSuffix(strings.TrimSpace(cell[:at]), " at"), isTime(strings.TrimPrefix(clock, "t"))
}

// fillers are words of a date that say nothing, and the endings of 1st and 1º.
var fillers = []string{"de", "of", "the", "feira", "st", "nd", "rd", "th", "o", "º", "°", ""}

// words are the numbers and the words of a date, also without a space between them, as in
// 31MAY2026.
func words(day string) []string {
	var all []string
	for _, field := range strings.FieldsFunc(day, func(r rune) bool { return strings.ContainsRune(" ,./-\u00A0", r) }) {
		for field != "" {
			n := strings.IndexFunc(field,
				func(r rune) bool { return unicode.IsDigit(r) != unicode.IsDigit(rune(field[0])) })
			if n < 0 {
				n = len(field)
			}
			all = append(all, field[:n])
			field = field[n:]
		}
	}
	return all
}

func isDigits(text string) bool { return digits(text) >= 0 }

// day is the day of the calendar.
func (d namedDate) day() (standing.Date, *problem) {
	day, year := d.numbers[0], d.numbers[1]
	if len(day) == 4 {
		day, year = year, day
	}
	if len(year) == 2 && len(day) <= 2 {
		return "", &problem{TwoDigitYear, "the year has two digits", "Write the date as 2026-05-31"}
	}
	if len(year) != 4 || len(day) > 2 {
		return "", &badDate
	}
	date, wrong := civil(digits(year), int(d.month), digits(day))
	if wrong == nil && d.dated && time.Date(digits(year), d.month, digits(day), 0, 0, 0, 0,
		time.UTC).Weekday() != d.weekday {
		return "", &problem{BadDate, "the day of the week is not that of the date", badDate.hint}
	}
	return date, wrong
}
