package reports

import "github.com/xuri/excelize/v2"

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
	headerRight, page, lead, alarmLead, alarm, section, label, dayLabel, plain, count, countOld, total, totalOld,
	totalLabel, totalDuration, cell, duration, shortDay, big, bigShare int
	key, keyText, keyNumber, keyID, keyInstant, keyDate, keyDuration, signatory,
	signature int

	tones [3]int // conditional
}

// newStyles registers every style of the workbook. Text is in Excel's text format, so that a name
// such as =1+1 stays a name even when somebody edits its cell.
//
//nolint:funlen // a list
func newStyles(f *excelize.File, say catalogue) (styles, error) {
	var s styles
	top := &excelize.Alignment{Vertical: "top", Horizontal: "left"} // names from right to left too
	wrap := &excelize.Alignment{Vertical: "top", Horizontal: "left", WrapText: true}
	left := &excelize.Alignment{Vertical: "top", Horizontal: "left"}
	indented := &excelize.Alignment{Vertical: "top", Horizontal: "right", Indent: 1}
	middle := &excelize.Alignment{Vertical: "center"}
	bottom := &excelize.Alignment{Vertical: "bottom"}
	right := &excelize.Alignment{Vertical: "center", Horizontal: "right"}
	font := func(size float64, bold bool, color string) *excelize.Font {
		return &excelize.Font{Family: fontName, Size: size, Bold: bold, Color: color}
	}
	under := []excelize.Border{{Type: "bottom", Color: grey, Style: 1}}
	over := []excelize.Border{{Type: "top", Color: navy, Style: 1}}
	number, day, instant, duration := "#,##0", say.Format.DayCells, say.Format.InstantCells, "[h]:mm:ss"
	atLeast, old, share := say.Format.AtLeast, `#,##0"†"`, "0.0%"

	for _, want := range []struct {
		id    *int
		style excelize.Style
	}{
		{&s.text, excelize.Style{NumFmt: 49, Alignment: top, Font: font(11, false, ink)}},
		{&s.wrapped, excelize.Style{NumFmt: 49, Alignment: wrap, Font: font(11, false, ink)}},
		{&s.number, excelize.Style{CustomNumFmt: &number, Alignment: indented, Font: font(11, false, ink)}},
		{&s.atLeast, excelize.Style{CustomNumFmt: &atLeast, Alignment: indented, Font: font(11, false, ink)}},
		{&s.id, excelize.Style{NumFmt: 1, Alignment: left, Font: font(11, false, ink)}},
		{&s.link, excelize.Style{NumFmt: 1, Alignment: left, Font: &excelize.Font{Family: fontName, Size: 11,
			Color: navy, Underline: "single"}}},
		{&s.date, excelize.Style{CustomNumFmt: &day, Alignment: left, Font: font(11, false, ink)}},
		{&s.instant, excelize.Style{CustomNumFmt: &instant, Alignment: left, Font: font(11, false, ink)}},

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
		{&s.headerRight, excelize.Style{Font: font(11, true, paper), Fill: solid(navy),
			Alignment: &excelize.Alignment{Vertical: "center", Horizontal: "right", WrapText: true}}},
		{&s.headerNumber, excelize.Style{Font: font(11, true, paper), Fill: solid(navy),
			Alignment: &excelize.Alignment{Vertical: "center", Horizontal: "right", Indent: 1, WrapText: true}}},
		{&s.note, excelize.Style{Font: &excelize.Font{Family: fontName, Size: 11, Italic: true, Color: muted},
			Alignment: top}},

		{&s.page, excelize.Style{Font: font(20, true, navy), Alignment: middle}},
		{&s.lead, excelize.Style{Font: font(11, false, green), Alignment: middle}},
		{&s.alarmLead, excelize.Style{Font: font(14, true, paper), Fill: solid(red), Alignment: middle}},
		{&s.big, excelize.Style{CustomNumFmt: &number, Font: font(24, true, navy),
			Alignment: &excelize.Alignment{Vertical: "center", Horizontal: "left"}}},
		{&s.bigShare, excelize.Style{CustomNumFmt: &share, Font: font(24, true, navy),
			Alignment: &excelize.Alignment{Vertical: "center", Horizontal: "left"}}},
		{&s.alarm, excelize.Style{Font: font(11, true, red), Fill: solid(rose), Alignment: middle}},
		{&s.section, excelize.Style{Font: font(13, true, navy), Alignment: middle}},
		{&s.label, excelize.Style{NumFmt: 49, Font: font(11, true, ink), Border: under, Alignment: middle}},
		{&s.dayLabel, excelize.Style{CustomNumFmt: &day, Font: font(11, true, ink), Border: under,
			Alignment: &excelize.Alignment{Vertical: "center", Horizontal: "left"}}},
		{&s.plain, excelize.Style{NumFmt: 49, Font: font(11, false, ink), Alignment: middle}},
		{&s.count, excelize.Style{CustomNumFmt: &number, Font: font(11, false, ink), Border: under, Alignment: right}},
		{&s.countOld, excelize.Style{CustomNumFmt: &old, Font: font(11, false, ink), Border: under, Alignment: right}},
		{&s.total, excelize.Style{CustomNumFmt: &number, Font: font(11, true, ink), Border: over, Alignment: right}},
		{&s.totalLabel, excelize.Style{NumFmt: 49, Font: font(11, true, ink), Border: over, Alignment: middle}},
		{&s.totalOld, excelize.Style{CustomNumFmt: &old, Font: font(11, true, ink), Border: over, Alignment: right}},
		{&s.totalDuration, excelize.Style{CustomNumFmt: &duration, Font: font(11, true, ink), Border: over,
			Alignment: right}},
		{&s.cell, excelize.Style{NumFmt: 49, Font: font(11, false, ink), Border: under, Alignment: middle}},
		{&s.duration, excelize.Style{CustomNumFmt: &duration, Font: font(11, false, ink), Border: under,
			Alignment: right}},
		{&s.shortDay, excelize.Style{CustomNumFmt: &day, Font: font(11, false, ink), Border: under, Alignment: right}},

		{&s.key, excelize.Style{NumFmt: 49, Font: font(11, true, ink), Alignment: wrap}},
		{&s.keyText, excelize.Style{NumFmt: 49, Font: font(11, false, ink), Alignment: wrap}},
		{&s.keyNumber, excelize.Style{CustomNumFmt: &number, Font: font(11, false, ink), Alignment: left}},
		{&s.keyID, excelize.Style{NumFmt: 1, Font: font(11, false, ink), Alignment: left}},
		{&s.keyInstant, excelize.Style{CustomNumFmt: &instant, Font: font(11, false, ink), Alignment: left}},
		{&s.keyDate, excelize.Style{CustomNumFmt: &day, Font: font(11, false, ink), Alignment: left}},
		{&s.signatory, excelize.Style{NumFmt: 49, Font: font(11, true, ink), Alignment: bottom}},
		{&s.signature, excelize.Style{NumFmt: 49, Font: font(11, false, ink),
			Border: []excelize.Border{{Type: "bottom", Color: ink, Style: 1}}, Alignment: bottom}},
		{&s.keyDuration, excelize.Style{CustomNumFmt: &duration, Font: font(11, false, ink), Alignment: left}},
	} {
		id, err := f.NewStyle(&want.style)
		if err != nil {
			return s, err
		}
		*want.id = id
	}
	return s, conditionalStyles(f, &s)
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
