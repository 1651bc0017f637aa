package simulator

import (
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"
)

const (
	// atHome is the share of customers in World.Home.
	atHome = 0.75
	// awkward is the share of ordinary companies with a name that is hard to write all the same.
	awkward = 0.008
)

// company is how companies of a country are called: a word of each list, in this order.
type company struct {
	words [][]string
	space string // between the words
}

var companies = map[string]company{
	"US": {[][]string{
		{"Blue Ridge", "Harbor Point", "Cedar Grove", "Lakeside", "Prairie", "Copper Canyon", "Riverbend", "Silver Oak",
			"Maple Street", "Granite Peak"},
		{"Logistics", "Dental Group", "Foods", "Credit Union", "Construction", "Insurance", "Robotics", "Outfitters",
			"Medical Supply", "Law Group", "Brewing"},
		{"Inc.", "LLC", "Corp."}}, " "},
	"BR": {[][]string{
		{"Transportes", "Padaria", "Clínica", "Construtora", "Supermercado", "Colégio", "Farmácia", "Agropecuária",
			"Móveis", "Contabilidade", "Indústria Têxtil"},
		{"Serra Azul", "Boa Vista", "Ipê Amarelo", "Três Rios", "São João", "Horizonte", "Santa Clara", "Pinheiral",
			"Vale Verde", "Conceição", "Irmãos Araújo"},
		{"Ltda.", "S.A.", "ME"}}, " "},
	"DE": {[][]string{
		{"Bergmann", "Lindenhof", "Krüger & Söhne", "Nordlicht", "Möwe", "Falkenstein", "Grünwald", "Elbtal",
			"Brückner", "Weidemann", "Hüttner"},
		{"Maschinenbau", "Logistik", "Bäckerei", "Steuerberatung", "Metallbau", "Gartenbau", "Verlag", "Pflegedienst",
			"Elektrotechnik", "Optik", "Druckerei"},
		{"GmbH", "GmbH & Co. KG", "AG", "e.K."}}, " "},
	"FR": {[][]string{
		{"Transports", "Boulangerie", "Cabinet", "Menuiserie", "Clinique", "Vignobles", "Imprimerie", "Garage"},
		{"Bellevue", "du Vieux Port", "Lefèvre", "Saint-Aubin", "des Tilleuls", "Morel", "de l'Étoile", "Garonne"},
		{"SARL", "SAS", "SA"}}, " "},
	"GB": {[][]string{
		{"Hartley & Sons", "Thornbury", "Kestrel", "Whitcombe", "Ashdown", "Pennine", "Marlow", "Blackwater"},
		{"Joinery", "Dental Practice", "Bakery", "Estates", "Engineering", "Veterinary", "Publishing", "Haulage"},
		{"Ltd", "LLP", "plc"}}, " "},
	"JP": {[][]string{{"株式会社"}, {"山川", "桜木", "青葉", "富岳", "松風", "若葉"}, {"製作所", "商事", "運輸", "食品", "電機", "印刷"}}, ""},
	"CN": {[][]string{{"深圳市", "苏州", "杭州", "成都"}, {"明达", "华讯", "远景", "金桥"}, {"科技", "物流", "食品", "电子"}, {"有限公司"}}, ""},
	"SA": {[][]string{{"شركة"}, {"النخيل", "الواحة", "الفجر", "الريان"}, {"للتجارة", "للنقل", "للمقاولات"}}, " "},
	"IL": {[][]string{{"אורן", "גליל", "כרמל", "תמר"}, {"טכנולוגיות", "לוגיסטיקה", "הנדסה"}, {"בע״מ"}}, " "},
	"IN": {[][]string{{"Shakti", "Lotus", "Sahyadri", "शक्ति", "गंगा"}, {"Textiles", "Exports", "Agro", "Pharma"},
		{"Pvt. Ltd."}}, " "},
}

// homes are the values of World.Home.
func homes() []string {
	all := []string{""}
	for _, r := range regions {
		all = append(all, r.country)
	}
	return all
}

// nameOrdinary gives customer i the name of an ordinary company of its country, and a domain.
func (w World) nameOrdinary(d *dice, i int, c *Customer) {
	from := companies[c.Country]
	words := make([]string, len(from.words))
	for n, list := range from.words {
		words[n] = pick(d, list)
	}
	c.CompanyName = strings.Join(words, from.space)
	stem := slug(norm.NFD.String(strings.Join(words[:min(2, len(words))], ""))) // accents are left out, not letters
	if len(stem) < 3 {
		stem = "firm" + strings.ToLower(c.Country)
	}
	c.Domain = stem + strconv.FormatInt(int64(i), 36) + ".onmicrosoft.com"
	if d.happens(awkward) {
		c.CompanyName = pick(d, hostile)
	}
}
