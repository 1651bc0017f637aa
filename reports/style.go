package reports

import (
	"slices"

	"github.com/xuri/excelize/v2"
)

// The palette: dark enough for a black-and-white printer to keep apart.
const (
	ink    = "1F2937"
	paper  = "FFFFFF"
	navy   = "1F3A5F"
	grey   = "CBD5E1"
	muted  = "64748B"
	red    = "B42318"
	rose   = "FDE7E4"
	amber  = "92400E"
	sand   = "FEF3C7"
	green  = "166534"
	mint   = "E3F4E8"
	ochre  = "D97706"
	moss   = "2E7D5B"
	blue   = "2563EB"
	purple = "7C3AED"
)

const fontName = "Calibri"

// styles are the numbers under which the workbook keeps its cell styles.
type styles struct {
	text, wrapped, number, atLeast, id, link, date, instant int // data rows

	title, aside, header, headerNumber, note int    // banner and header of a data sheet
	verdict                                  [3]int // by verdict
	business                                 [3]int // by tone

	// summary and about
	headerRight, headerLine, page, lead, alarmLead, alarm, section, label, dayLabel, plain, count, countOld, total,
	totalOld, totalLabel, totalDuration, cell, duration, shortDay, big, bigShare int
	key, keyText, keyNumber, keyID, keyInstant, keyDate, keyDuration, signatory,
	signature int

	tones [3]int // conditional
}

// The parts of styles.
var (
	onTop    = &excelize.Alignment{Vertical: "top", Horizontal: "left"} // names from right to left too
	broken   = &excelize.Alignment{Vertical: "top", Horizontal: "left", WrapText: true}
	indented = &excelize.Alignment{Vertical: "top", Horizontal: "right", Indent: 1}
	middle   = &excelize.Alignment{Vertical: "center"}
	leftmost = &excelize.Alignment{Vertical: "center", Horizontal: "left"}
	flush    = &excelize.Alignment{Vertical: "center", Horizontal: "right"}
	bottom   = &excelize.Alignment{Vertical: "bottom"}
	under    = []excelize.Border{{Type: "bottom", Color: grey, Style: 1}}
	over     = []excelize.Border{{Type: "top", Color: navy, Style: 1}}
)

// Formats of numbers that are the same in every language.
var numberFormat, oldFormat, shareFormat, durationFormat = "#,##0", `#,##0"†"`, "0.0%", "[h]:mm:ss"

func font(size float64, bold bool, color string) *excelize.Font {
	return &excelize.Font{Family: fontName, Size: size, Bold: bold, Color: color}
}

// namedStyle is a style and where its number is kept.
type namedStyle struct {
	id    *int
	style excelize.Style
}

// newStyles registers every style of the workbook. Text is in Excel's text format, so that a name
// such as =1+1 stays a name even when somebody edits its cell.
func newStyles(f *excelize.File, say catalogue) (styles, error) {
	var s styles
	for _, want := range slices.Concat(s.data(say), s.tops(), s.summary(say), s.about(say)) {
		id, err := f.NewStyle(&want.style)
		if err != nil {
			return s, err
		}
		*want.id = id
	}
	return s, conditionalStyles(f, &s)
}

// data are the styles of data rows.
func (s *styles) data(say catalogue) []namedStyle {
	day, instant, atLeast := say.Format.DayCells, say.Format.InstantCells, say.Format.AtLeast
	return []namedStyle{
		{&s.text, excelize.Style{NumFmt: 49, Alignment: onTop, Font: font(11, false, ink)}},
		{&s.wrapped, excelize.Style{NumFmt: 49, Alignment: broken, Font: font(11, false, ink)}},
		{&s.number, excelize.Style{CustomNumFmt: &numberFormat, Alignment: indented, Font: font(11, false, ink)}},
		{&s.atLeast, excelize.Style{CustomNumFmt: &atLeast, Alignment: indented, Font: font(11, false, ink)}},
		{&s.id, excelize.Style{NumFmt: 1, Alignment: onTop, Font: font(11, false, ink)}},
		{&s.link, excelize.Style{NumFmt: 1, Alignment: onTop, Font: &excelize.Font{Family: fontName, Size: 11,
			Color: navy, Underline: "single"}}},
		{&s.date, excelize.Style{CustomNumFmt: &day, Alignment: onTop, Font: font(11, false, ink)}},
		{&s.instant, excelize.Style{CustomNumFmt: &instant, Alignment: onTop, Font: font(11, false, ink)}},
	}
}

// tops are the styles of banners and headers.
func (s *styles) tops() []namedStyle {
	return []namedStyle{
		{&s.title, excelize.Style{Font: font(14, true, navy), Alignment: middle}},
		{&s.verdict[noChecks], excelize.Style{Font: font(12, true, amber), Fill: solid(sand), Alignment: middle}},
		{&s.verdict[passed], excelize.Style{Font: font(12, true, green), Fill: solid(mint), Alignment: middle}},
		{&s.verdict[failed], excelize.Style{Font: font(12, true, paper), Fill: solid(red), Alignment: middle}},
		{&s.business[alert], excelize.Style{Font: font(18, true, red), Fill: solid(rose), Alignment: middle}},
		{&s.business[caution], excelize.Style{Font: font(18, true, amber), Fill: solid(sand), Alignment: middle}},
		{&s.business[fine], excelize.Style{Font: font(18, true, green), Fill: solid(mint), Alignment: middle}},
		{&s.aside, excelize.Style{Font: font(11, false, muted), Alignment: middle}},
		{&s.header, excelize.Style{Font: font(11, true, paper), Fill: solid(navy),
			Alignment: &excelize.Alignment{Vertical: "center", WrapText: true}}},
		{&s.headerLine, excelize.Style{Font: font(11, true, paper), Fill: solid(navy), Alignment: middle}},
		{&s.headerRight, excelize.Style{Font: font(11, true, paper), Fill: solid(navy),
			Alignment: &excelize.Alignment{Vertical: "center", Horizontal: "right", WrapText: true}}},
		{&s.headerNumber, excelize.Style{Font: font(11, true, paper), Fill: solid(navy),
			Alignment: &excelize.Alignment{Vertical: "center", Horizontal: "right", Indent: 1, WrapText: true}}},
		{&s.note, excelize.Style{Font: &excelize.Font{Family: fontName, Size: 11, Italic: true, Color: muted},
			Alignment: onTop}},
	}
}

// summary are the styles of the sheet Summary.
func (s *styles) summary(say catalogue) []namedStyle {
	day := say.Format.DayCells
	return []namedStyle{
		{&s.page, excelize.Style{Font: font(20, true, navy), Alignment: middle}},
		{&s.lead, excelize.Style{Font: font(11, false, green), Alignment: middle}},
		{&s.alarmLead, excelize.Style{Font: font(14, true, paper), Fill: solid(red), Alignment: middle}},
		{&s.big, excelize.Style{CustomNumFmt: &numberFormat, Font: font(24, true, navy),
			Alignment: leftmost}},
		{&s.bigShare, excelize.Style{CustomNumFmt: &shareFormat, Font: font(24, true, navy),
			Alignment: leftmost}},
		{&s.alarm, excelize.Style{Font: font(11, true, red), Fill: solid(rose), Alignment: middle}},
		{&s.section, excelize.Style{Font: font(13, true, navy), Alignment: middle}},
		{&s.label, excelize.Style{NumFmt: 49, Font: font(11, true, ink), Border: under, Alignment: middle}},
		{&s.dayLabel, excelize.Style{CustomNumFmt: &day, Font: font(11, true, ink), Border: under,
			Alignment: leftmost}},
		{&s.plain, excelize.Style{NumFmt: 49, Font: font(11, false, ink), Alignment: middle}},
		{&s.count, excelize.Style{CustomNumFmt: &numberFormat, Font: font(11, false, ink), Border: under,
			Alignment: flush}},
		{&s.countOld, excelize.Style{CustomNumFmt: &oldFormat, Font: font(11, false, ink), Border: under,
			Alignment: flush}},
		{&s.total, excelize.Style{CustomNumFmt: &numberFormat, Font: font(11, true, ink), Border: over,
			Alignment: flush}},
		{&s.totalLabel, excelize.Style{NumFmt: 49, Font: font(11, true, ink), Border: over, Alignment: middle}},
		{&s.totalOld, excelize.Style{CustomNumFmt: &oldFormat, Font: font(11, true, ink), Border: over,
			Alignment: flush}},
		{&s.totalDuration, excelize.Style{CustomNumFmt: &durationFormat, Font: font(11, true, ink), Border: over,
			Alignment: flush}},
		{&s.cell, excelize.Style{NumFmt: 49, Font: font(11, false, ink), Border: under, Alignment: middle}},
		{&s.duration, excelize.Style{CustomNumFmt: &durationFormat, Font: font(11, false, ink), Border: under,
			Alignment: flush}},
		{&s.shortDay, excelize.Style{CustomNumFmt: &day, Font: font(11, false, ink), Border: under, Alignment: flush}},
	}
}

// about are the styles of the sheet About.
func (s *styles) about(say catalogue) []namedStyle {
	day, instant := say.Format.DayCells, say.Format.InstantCells
	return []namedStyle{
		{&s.key, excelize.Style{NumFmt: 49, Font: font(11, true, ink), Alignment: onTop}},
		{&s.keyText, excelize.Style{NumFmt: 49, Font: font(11, false, ink), Alignment: onTop}},
		{&s.keyNumber, excelize.Style{CustomNumFmt: &numberFormat, Font: font(11, false, ink), Alignment: onTop}},
		{&s.keyID, excelize.Style{NumFmt: 1, Font: font(11, false, ink), Alignment: onTop}},
		{&s.keyInstant, excelize.Style{CustomNumFmt: &instant, Font: font(11, false, ink), Alignment: onTop}},
		{&s.keyDate, excelize.Style{CustomNumFmt: &day, Font: font(11, false, ink), Alignment: onTop}},
		{&s.signatory, excelize.Style{NumFmt: 49, Font: font(11, true, ink), Alignment: bottom}},
		{&s.signature, excelize.Style{NumFmt: 49, Font: font(11, false, ink),
			Border: []excelize.Border{{Type: "bottom", Color: ink, Style: 1}}, Alignment: bottom}},
		{&s.keyDuration, excelize.Style{CustomNumFmt: &durationFormat, Font: font(11, false, ink), Alignment: onTop}},
	}
}

func conditionalStyles(f *excelize.File, s *styles) error {
	for _, want := range []struct {
		id          *int
		color, fill string
		// what is well needs no fill
	}{{&s.tones[alert], red, rose}, {&s.tones[caution], amber, sand}, {&s.tones[fine], green, ""}} {
		style := excelize.Style{Font: &excelize.Font{Bold: true, Color: want.color}}
		if want.fill != "" {
			style.Fill = solid(want.fill)
		}
		id, err := f.NewConditionalStyle(&style)
		if err != nil {
			return err
		}
		*want.id = id
	}
	return nil
}

func solid(color string) excelize.Fill {
	return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{color}}
}
